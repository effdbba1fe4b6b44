"""A request is a value: it survives being stored, makes no promise that was not made, and knows its own shape."""

from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from msgspec import UNSET, UnsetType

from contracts.codes import CATALOG
from contracts.job import ENTERED_FROM, STATES, TERMINAL, is_terminal
from contracts.media import FORMATS, MEDIA_TYPES, Dimensions, Size
from contracts.spec import OPERATIONS, ImageGenerate, JobSpec, Operation, SpecBase, operation_of
from gateway.jobs.rules import fingerprint
from tests.unit.contracts.requests import raw_specs, spec

_DEFAULTS = {"model": "auto", "on_unsupported": "reject", "partial": "accept", "priority": 0}


@settings(max_examples=100, deadline=None)
@given(raw=raw_specs())
def test_a_spec_survives_being_stored(raw: dict[str, Any]) -> None:
    """Written as JSON and read again it is the same request, with the same fingerprint."""
    asked: SpecBase = msgspec.convert(raw, JobSpec)
    again = msgspec.json.decode(msgspec.json.encode(asked), type=JobSpec)
    assert again == asked
    assert fingerprint(again) == fingerprint(asked)
    assert operation_of(again) == raw["operation"]


@settings(max_examples=100, deadline=None)
@given(raw=raw_specs())
def test_what_was_not_set_stays_unset(raw: dict[str, Any]) -> None:
    """Decoding fills nothing in: every option that the caller left out is UNSET, the four with a default apart."""
    asked: SpecBase = msgspec.convert(raw, JobSpec)
    for name in asked.__struct_fields__:
        value = getattr(asked, name)
        if name not in raw:
            assert value == _DEFAULTS[name] if name in _DEFAULTS else isinstance(value, UnsetType), name
    stored = msgspec.to_builtins(asked)
    assert stored.keys() <= raw.keys()


@pytest.mark.parametrize("name", sorted(_DEFAULTS))
def test_a_default_that_is_sent_is_the_same_as_one_that_is_not(name: str) -> None:
    """A request that names a default in full is the very request that leaves it out."""
    assert spec(**{name: _DEFAULTS[name]}) == spec()
    assert fingerprint(spec(**{name: _DEFAULTS[name]})) == fingerprint(spec())


def test_the_fingerprint_knows_pictures_by_their_bytes() -> None:
    """The same bytes under another asset's id are the same request; other bytes, another role or word are not."""

    def one(asset: str, digest: str, role: str = "source", **more: Any) -> str:
        return fingerprint(spec(inputs=[{"role": role, "asset_id": asset, "sha256": digest * 64}], **more))

    assert one("ast_1", "a") == one("ast_2", "a")
    assert len({one("ast_1", "a"), one("ast_1", "b"), one("ast_1", "a", "mask"), one("ast_1", "a", seed=1)}) == 4


def test_there_are_five_operations_and_each_is_a_type() -> None:
    """The tags, the tuple and the type say the same."""
    assert get_args(Operation) == OPERATIONS
    assert {kind.__struct_config__.tag for kind in get_args(JobSpec)} == set(OPERATIONS)
    assert {kind.__struct_config__.tag_field for kind in get_args(JobSpec)} == {"operation"}


def test_a_spec_cannot_be_changed() -> None:
    """Values are frozen: a job's request is what it was when it came."""
    with pytest.raises(AttributeError):
        ImageGenerate(prompt="x").prompt = "y"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("said", "exact", "aspect"),
    [
        ({"width": 1344, "height": 768}, Dimensions(1344, 768), 1.75),
        ({"aspect_ratio": "16:9"}, None, 16 / 9),
        ({"aspect_ratio": "9:16", "megapixels": 2}, None, 9 / 16),
        ({"aspect_ratio": "9999:1"}, None, 9999.0),
    ],
)
def test_a_size_knows_its_pixels_and_its_shape(said: dict[str, Any], exact: Dimensions | None, aspect: float) -> None:
    """Pixels are there only where they were named; the shape always is."""
    size = msgspec.convert(said, Size)
    assert size.exact == exact
    assert size.aspect == pytest.approx(aspect)


def test_dimensions_are_written_as_sizes_are() -> None:
    """`WxH`, with the area and the shape at hand."""
    size = Dimensions(1344, 768)
    assert (str(size), size.pixels, size.aspect) == ("1344x768", 1344 * 768, 1.75)


def test_formats_and_media_types_are_each_others_inverse() -> None:
    """Five of each, one for one."""
    assert len(MEDIA_TYPES) == len(FORMATS) == 5
    assert all(FORMATS[MEDIA_TYPES[name]] == name for name in MEDIA_TYPES)


def test_nothing_leaves_a_terminal_state() -> None:
    """The table of transitions: only queued and running are left, and each state but the first can be entered."""
    assert set(ENTERED_FROM) == set(STATES)
    for state, sources in ENTERED_FROM.items():
        assert sources
        assert not sources & TERMINAL
        assert state not in sources
        assert is_terminal(state) == (state in TERMINAL)
    assert ENTERED_FROM["running"] == {"queued"}
    assert ENTERED_FROM["blocked"] == ENTERED_FROM["succeeded"] == {"running"}
    assert ENTERED_FROM["failed"] == ENTERED_FROM["cancelled"] == {"queued", "running"}


def test_every_action_of_the_catalogue_is_a_sentence() -> None:
    """Title and action tell a person what happened and what to do."""
    for row in CATALOG.values():
        assert row.title[0].isupper()
        assert row.action.endswith(".")


def test_unset_is_neither_true_nor_null() -> None:
    """Null is not "not set": it is refused, so that nobody can mean the one by the other."""
    assert not UNSET
    with pytest.raises(msgspec.ValidationError, match="null"):
        msgspec.json.decode(b'{"operation": "image.generate", "prompt": "x", "seed": null}', type=JobSpec)
