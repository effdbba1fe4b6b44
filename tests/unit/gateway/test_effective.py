"""What the backend says it used is laid over what was sent."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from contracts.job import Effective
from gateway.engine.effective import merged

SOME = st.fixed_dictionaries(
    {},
    optional={
        "prompt": st.sampled_from(["a", "b"]),
        "style": st.just("oil"),
        "seed": st.integers(0, 3),
        "lossless": st.booleans(),
        "cache_hit": st.booleans(),
        "options": st.just({"cfg_scale": 7.0}),
    },
).map(lambda facts: Effective(**facts))


@settings(max_examples=100, deadline=None)
@given(sent=SOME, came=SOME)
def test_what_is_known_wins_and_what_is_not_said_stays(sent: Effective, came: Effective) -> None:
    """Field by field: what came, where something came, else what was sent; false and nought are something."""
    result = merged(sent, came)
    for name in Effective.__struct_fields__:
        said = getattr(came, name)
        assert getattr(result, name) == (getattr(sent, name) if isinstance(said, UnsetType) else said)


def test_nothing_said_changes_nothing() -> None:
    """Without a word from the backend, what was sent is what is known."""
    sent = Effective(prompt="a", seed=0)
    assert merged(sent, None) is sent
    assert merged(sent, Effective()) == sent
    assert merged(Effective(), Effective()).prompt is UNSET
