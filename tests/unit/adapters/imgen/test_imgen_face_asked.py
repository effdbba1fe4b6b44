"""The prompt syntax of imgen's clients, read by its face: what is an order, what is words, and the way back."""

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.imgen.face.asked import SIZES, SYNTAX, ask_of
from adapters.imgen.face.said import Refused
from contracts.tags import Tagged, read, written

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,11}", fullmatch=True)
#: Words as people write them, hyphens and addresses among them; none begins with a sign.
WORDS = st.from_regex(r"[A-Za-zäé][A-Za-zäé'@-]{0,9}", fullmatch=True)
SEGMENTS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)


def tagged_of(prompt: str, *, lenient: bool = False) -> Tagged:
    """Return what the face reads in a prompt."""
    return ask_of({"prompt": prompt}, lenient=lenient).tagged


@given(
    name=st.none() | NAMES,
    text=st.lists(SEGMENTS, min_size=1, max_size=4).map(", ".join),
    terms=st.lists(SEGMENTS, max_size=3),
)
@settings(max_examples=300)
def test_what_is_written_is_read_again(name: str | None, text: str, terms: list[str]) -> None:
    """A character, words and terms come back as they were put together: the same meaning both ways."""
    meant = Tagged(text=text, characters=() if name is None else (name,), terms=tuple(terms))
    assert tagged_of(written(meant, SYNTAX)) == meant


@given(st.text(alphabet=st.sampled_from("ab @-,\t\n"), min_size=1, max_size=40))
@settings(max_examples=500)
def test_nothing_becomes_an_order_by_accident(prompt: str) -> None:
    """A name stands behind its sign at the beginning of a token, a term behind its own at that of a segment.

    Whatever is read as words has neither left in it, and whatever was in the prompt is in one of the three.
    """
    if not read(prompt, SYNTAX).text.strip():
        with pytest.raises(Refused, match="Prompt is required"):
            tagged_of(prompt, lenient=True)
        return
    tagged = tagged_of(prompt, lenient=True)
    for name in tagged.characters:
        assert re.search(rf"(?:^|[\s,])@{re.escape(name)}(?:[\s,]|$)", prompt)
    if tagged.characters or tagged.terms:
        assert not re.search(r"(?:^|[\s,])@[^\s,]", tagged.text)
        assert not any(segment.strip().startswith("-") for segment in tagged.text.split(","))
    assert prompt.count("a") >= sum(text.count("a") for text in (tagged.text, *tagged.terms))


@pytest.mark.parametrize(
    ("prompt", "text", "characters", "terms"),
    [
        (
            "@aya black lingerie, on bed, warm lighting, -red dress, -ugly hands",
            "black lingerie, on bed, warm lighting",
            ("aya",),
            ("red dress", "ugly hands"),
        ),
        ("a well-lit room, mail me@home", "a well-lit room, mail me@home", (), ()),
        ("a room -dark", "a room -dark", (), ()),
        ("a room, @ noon - or later", "a room, @ noon - or later", (), ()),
        ("a room, -", "a room", (), ()),
        ("on the roof @aya, -fog @ noon", "on the roof", ("aya",), ("fog @ noon",)),
        ("  two  spaces ", "  two  spaces ", (), ()),
    ],
)
def test_a_prompt_is_read_as_the_document_shows_it(
    prompt: str, text: str, characters: tuple[str, ...], terms: tuple[str, ...]
) -> None:
    """The seed's own example, and what only looks like an order."""
    tagged = tagged_of(prompt)
    assert (tagged.characters, tagged.terms) == (characters, terms)
    assert tagged.text == text


FIELDS = (
    "model", "style", "negative", "width", "height", "format", "quality", "lossless", "optimize", "use_cache",
    "cache_only", "cache_force", "cache_pick", "compliance_ruleset", "precompliance", "wm_image", "wm_position",
    "wm_scale", "wm_transparency", "wm_rotation", "wm_padding_x", "wm_padding_y", "cs_author",
)  # fmt: skip
NUMBERS = st.integers(-500, 5000) | st.floats(allow_nan=False)
ANYTHING = st.none() | st.booleans() | NUMBERS | st.text(max_size=9) | st.lists(st.integers(), max_size=2)


@given(fields=st.dictionaries(st.sampled_from(FIELDS), ANYTHING), lenient=st.booleans())
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_is_taken_or_refused_by_name(*, fields: dict[str, Any], lenient: bool) -> None:
    """No body of any kind makes anything but an ask within the seed's ranges, or imgen's `Invalid` and the field."""
    try:
        ask = ask_of({"prompt": "a hill", **fields}, lenient=lenient)
    except Refused as refused:
        name = refused.error.removeprefix("Invalid ")
        assert name in fields or (name == "dimensions" and {"width", "height"} & fields.keys())
        return
    assert ask.size in SIZES
    assert ask.quality is None or 1 <= ask.quality <= 100
    assert ask.cache is None or 1 <= ask.cache.pick <= 10
    assert not (ask.lossless and ask.format == "jpeg")


@pytest.mark.parametrize(
    ("fields", "field", "kept"),
    [
        ({"format": "GIF"}, "format", "jpeg"),
        ({"precompliance": "n" * 2001}, "note", "n" * 2000),
        ({"compliance_ruleset": " "}, "ruleset", None),
        ({"width": 1, "height": 2}, "size", SIZES[0]),
    ],
)
def test_a_fallback_is_taken_only_by_who_asks_for_it(fields: dict[str, Any], field: str, kept: object) -> None:
    """Strict: refused. Lenient: what the seed takes instead."""
    with pytest.raises(Refused, match="Invalid"):
        ask_of({"prompt": "a hill", **fields}, lenient=False)
    assert getattr(ask_of({"prompt": "a hill", **fields}, lenient=True), field) == kept
