"""Orders among the words of a prompt, both ways: what is written is read again, and nothing becomes one by accident."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.imgen.capability import ACTIVE_SYNTAX, TAGS
from adapters.imgen.sandbox.catalogue import CHARACTERS
from adapters.imgen.sandbox.prompt import read as read_by_server
from contracts.tags import SPACE, Tagged, read, written
from tests.unit.contracts.requests import fitted, refusals, spec

#: Signs, what parts words for one reader or another, and words.
PIECES = st.sampled_from([
    "@", "-", ",", " ", "\t", "\n", "\u00a0", "\ufeff", "a", "shiba", "aya", "red dress", "--", "a@b", "x-y", "—", ".",
])  # fmt: skip
TEXTS = st.lists(PIECES, min_size=1, max_size=12).map("".join).filter(lambda text: re.search(r"\S", text))
NAMES = st.sampled_from([*CHARACTERS, "nobody"])


def plain(text: str) -> bool:
    """Say whether the gateway lets a text through as words."""
    return not any(re.search(pattern, text) for pattern in ACTIVE_SYNTAX)


def joined(text: str) -> str:
    """Return the words of a text, each segment's parted by one space."""
    segments = (re.sub(rf"[{SPACE}]+", " ", segment).strip() for segment in text.split(","))
    return ", ".join(segment for segment in segments if segment)


WORDS = TEXTS.filter(plain).map(joined).filter(bool)
TERMS = WORDS.filter(lambda text: "," not in text)


@given(text=TEXTS)
def test_no_text_that_is_let_through_is_read_as_an_order(text: str) -> None:
    """Neither a character nor a negative comes of it, by our reading or by the server's own, wherever it is put."""
    if not plain(text):
        assert ("/prompt", "request.option_unsupported", "prompt_syntax") in refusals(fitted("imgen", prompt=text))
        return
    assert fitted("imgen", prompt=text).effective.prompt == text
    assert read(text, TAGS) == Tagged(text=text)
    sent = written(Tagged(text=text, characters=("aya",)), TAGS)
    seen = read_by_server(sent)
    assert (seen.character, seen.terms, seen.unknown) == ("aya", (), ())


@given(text=WORDS, names=st.lists(NAMES, max_size=1), terms=st.lists(TERMS, max_size=3))
def test_what_is_written_is_read_again(text: str, names: list[str], terms: list[str]) -> None:
    """The same words, the same character, the same terms; and the server reads no others."""
    tagged = Tagged(text=text, characters=tuple(names), terms=tuple(terms))
    prompt = written(tagged, TAGS)
    assert read(prompt, TAGS) == tagged
    seen = read_by_server(prompt)
    assert seen.text == text
    assert seen.terms == tuple(terms)
    assert (seen.character, seen.unknown) == (
        (names[0], ()) if names and names[0] in CHARACTERS else ("", tuple(names))
    )


@given(raw=TEXTS)
def test_reading_twice_finds_nothing_more(raw: str) -> None:
    """What is left as words after the orders were taken out, written again with them, comes apart the same way."""
    tagged = read(raw, TAGS)
    if tagged.text and tagged.characters + tagged.terms:
        assert read(written(tagged, TAGS), TAGS) == tagged


@pytest.mark.parametrize(
    ("raw", "prompt", "character", "negative"),
    [
        ("@shiba on a beach", "on a beach", "shiba", None),
        ("on a beach, @shiba, at dawn", "on a beach, at dawn", "shiba", None),
        ("a beach, -red dress, -ugly hands", "a beach", None, "red dress, ugly hands"),
        ("@shiba -red dress, at dawn", "at dawn", "shiba", "red dress"),
        ("@shiba", "", "shiba", None),
        ("a  beach,at dawn", "a  beach,at dawn", None, None),
        ("-red dress", "-red dress", None, None),
    ],
)
def test_a_raw_prompt_becomes_fields(raw: str, prompt: str, character: str | None, negative: str | None) -> None:
    """What a caller sends knowingly is shown as what it means; one of nothing but terms is sent as it is."""
    effective = fitted("imgen", prompt=raw, options={"imgen": {"raw_prompt": True}}).effective
    assert effective.prompt == prompt
    assert (effective.character or None, effective.negative_prompt or None) == (character, negative)


def test_terms_of_the_prompt_come_before_the_negative_prompt() -> None:
    """In the order in which the server itself puts them together."""
    both = fitted("imgen", prompt="x, -fog", negative_prompt="rain", options={"imgen": {"raw_prompt": True}})
    assert both.effective.negative_prompt == "fog, rain"


@pytest.mark.parametrize(
    ("fields", "reason", "token"),
    [
        ({"prompt": "@nobody at sea"}, "enum", "nobody"),
        ({"prompt": "@shiba and @tabby"}, "contradiction", "tabby"),
        ({"prompt": "@shiba at sea", "character": "tabby"}, "contradiction", "shiba"),
    ],
)
def test_a_raw_prompt_names_one_character_that_is_known(fields: dict[str, str], reason: str, token: str) -> None:
    """An unknown one would be ignored or refused there, a second one lost: both are refused here, with the token."""
    result = fitted("imgen", **fields, options={"imgen": {"raw_prompt": True}})
    assert refusals(result) == [("/prompt", "request.field_invalid", reason)]
    assert result.mismatches[0].fault.token == token


def test_the_same_character_may_be_named_twice() -> None:
    """In the prompt and in its field it is still one."""
    options = {"imgen": {"raw_prompt": True}}
    result = fitted("imgen", prompt="@shiba at sea, @shiba", character="shiba", options=options)
    assert not result.mismatches
    assert (result.effective.prompt, result.effective.character) == ("at sea", "shiba")


def test_a_lone_sign_before_a_segment_is_an_order_too() -> None:
    """The server drops the space behind it; in the middle of a segment it is a dash like any other."""
    assert refusals(fitted("imgen", prompt="a sea, - red boats"))[0][2] == "prompt_syntax"
    assert refusals(fitted("imgen", prompt="- a list"))[0][2] == "prompt_syntax"
    assert not fitted("imgen", prompt="a man - a plan").mismatches
    assert spec(prompt="a man - a plan").prompt == "a man - a plan"
