"""Decoding names everything that is wrong with a request at once, each by its JSON pointer."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from contracts.catalog import CatalogError
from contracts.decode import HINTS, convert, decode
from contracts.spec import ImageGenerate, ImageVariation, JobSpec, Size, VideoGenerate
from tests.unit.contracts.violations import Violation, sample, violations

GENERATE = inspect.type_info(ImageGenerate)
BROKEN = [each for each in violations(GENERATE) if isinstance(each.value, dict)]
MINIMAL: dict[str, Any] = {"operation": "image.generate", "prompt": "x"}


def told(body: bytes) -> list[tuple[str, str]]:
    """Return what a refusal names: pointers and reasons, in its order."""
    with pytest.raises(CatalogError) as caught:
        decode(body, JobSpec)
    assert caught.value.code == "request.field_invalid"
    return [(fault.pointer, fault.reason) for fault in caught.value.errors]


def refused(**members: Any) -> list[tuple[str, str]]:
    """Return what is named when these members are added to a legal request."""
    return told(json.dumps({**MINIMAL, **members}).encode())


def malformed(body: bytes) -> str:
    """Return the sentence that refuses a body that is no JSON at all."""
    with pytest.raises(CatalogError) as caught:
        decode(body, JobSpec)
    assert (caught.value.code, caught.value.errors) == ("request.malformed", ())
    return caught.value.detail


def test_the_sample_that_everything_is_broken_in_is_legal() -> None:
    """What the broken requests are made from is itself taken, so that each has one thing wrong and no more."""
    assert decode(json.dumps(sample(GENERATE)).encode(), JobSpec)
    tops = {each.pointer.split("/")[1] for each in BROKEN}
    assert tops == {*ImageGenerate.__struct_fields__, "surplus"}


def test_every_constraint_of_a_spec_is_told_by_pointer_and_reason() -> None:
    """Each constraint of every field, nested ones too, broken alone: exactly that is named, where it is."""
    assert len(BROKEN) > 250
    for value, pointer, reasons in BROKEN:
        assert told(json.dumps(value).encode()) == [(pointer, reason) for reason in reasons], value


@settings(max_examples=100, deadline=None)
@given(
    chosen=st.lists(st.sampled_from(BROKEN), min_size=2, max_size=6, unique_by=lambda each: each.pointer.split("/")[1])
)
def test_several_faults_are_told_together(chosen: list[Violation]) -> None:
    """Whatever fields are wrong at once, all of them are named, and nothing else."""
    body = sample(GENERATE)
    expected = set()
    for value, pointer, reasons in chosen:
        name = pointer.split("/")[1]
        body |= {key: each for key, each in value.items() if key == name}
        if name not in value:
            del body[name]
        expected |= {(pointer, reason) for reason in reasons}
    found = told(json.dumps(body).encode())
    assert set(found) == expected
    assert len(found) == len(expected)


def test_the_sentence_names_the_first_fault_and_counts_the_others() -> None:
    """A reader of `detail` alone knows where to begin, and how much more there is."""
    with pytest.raises(CatalogError) as caught:
        decode(b'{"operation": "image.generate", "prompt": "", "n": 0, "seed": -1}', JobSpec)
    assert caught.value.detail == "/prompt: must not be blank (and 2 more)"


@pytest.mark.parametrize(
    ("operation", "needs"), [("image.edit", True), ("image.variation", False), ("image.upscale", False)]
)
def test_the_operation_decides_what_is_required(operation: str, needs: bool) -> None:  # noqa: FBT001
    """Words are needed where the picture is made from them."""
    body = json.dumps({"operation": operation}).encode()
    if needs:
        assert told(body) == [("/prompt", "missing")]
    else:
        assert decode(body, JobSpec)


@pytest.mark.parametrize(
    "body", [{}, {"operation": "image.paint"}, {"operation": 5}, {"operation": None}, {"operation": []}]
)
def test_an_operation_that_is_none_is_told_with_all_that_there_are(body: dict[str, Any]) -> None:
    """Without an operation nothing else can be judged: the five are offered."""
    with pytest.raises(CatalogError) as caught:
        decode(json.dumps({"n": 0, **body}).encode(), JobSpec)
    fault = caught.value.errors[0]
    assert (len(caught.value.errors), fault.pointer) == (1, "/operation")
    assert fault.reason == ("enum" if body else "missing")
    assert set(fault.allowed or ()) == {
        "image.generate", "image.edit", "image.variation", "image.upscale", "video.generate",
    }  # fmt: skip


@pytest.mark.parametrize("word", sorted(HINTS))
def test_words_of_other_apis_are_refused_with_a_hint(word: str) -> None:
    """Each such word is no field of a request, and the refusal says which field is meant."""
    assert word not in ImageGenerate.__struct_fields__
    with pytest.raises(CatalogError) as caught:
        decode(json.dumps({**MINIMAL, word: "x"}).encode(), JobSpec)
    fault = caught.value.errors[0]
    assert (fault.pointer, fault.reason) == (f"/{word}", "unknown_field")
    assert HINTS[word] in fault.detail
    assert "prompt" in (fault.allowed or ())


def test_the_bare_word_quality_is_refused_with_both_its_meanings() -> None:
    """`quality` is effort in one API and compression in another: the hint names both fields (contract.md)."""
    with pytest.raises(CatalogError, match=r"use effort .* or output\.compression"):
        decode(json.dumps({**MINIMAL, "quality": 80}).encode(), JobSpec)


@pytest.mark.parametrize(
    ("size", "fault"),
    [
        ({}, ("/size", "contradiction")),
        ({"width": 64}, ("/size", "contradiction")),
        ({"width": 64, "height": 64, "aspect_ratio": "1:1"}, ("/size", "contradiction")),
        ({"width": 64, "height": 64, "megapixels": 1}, ("/size", "contradiction")),
        ({"megapixels": 1}, ("/size", "contradiction")),
        ({"width": 0, "aspect_ratio": "1:1"}, ("/size/width", "range")),
    ],
)
def test_parts_that_contradict_one_another_are_told_once_they_are_legal(size: Any, fault: tuple[str, str]) -> None:
    """A whole that makes no sense is named at its own place, after the parts are right by themselves."""
    assert refused(size=size, seed=-1) == [fault, ("/seed", "range")]


@pytest.mark.parametrize("given_", [{}, {"asset_id": "a", "data": "b"}, {"data": "b", "url": "https://c"}])
def test_an_input_is_exactly_one_picture(given_: dict[str, str]) -> None:
    """None and two are both told, at the input's own place."""
    assert refused(inputs=[{"role": "source", "asset_id": "a"}, {"role": "mask", **given_}]) == [
        ("/inputs/1", "contradiction")
    ]


def test_jpeg_and_lossless_contradict_one_another() -> None:
    """No encoder can do both."""
    assert refused(output={"format": "jpeg", "lossless": True}) == [("/output", "contradiction")]
    assert decode(json.dumps({**MINIMAL, "output": {"format": "jpeg", "lossless": False}}).encode(), JobSpec)


def test_pointers_are_escaped() -> None:
    """`~` and `/` in a name are written as RFC 6901 says."""
    assert refused(**{"a/b~c": 1, "": 2}) == [("/a~1b~0c", "unknown_field"), ("/", "unknown_field")]
    assert refused(tags={"a/b": "c", "~1": "d"}) == [("/tags/a~1b", "format"), ("/tags/~01", "format")]
    assert refused(options={"x/y": 5}) == [("/options/x~1y", "type")]


@pytest.mark.parametrize(
    ("doubled", "pointer"),
    [
        (b'"n": 0, "n": 1', "/n"),
        (b'"tags": {"a": 1, "a": "b"}', "/tags"),
        (b'"inputs": [{"role": "x", "role": "mask", "data": ""}]', "/inputs/0/role"),
        (b'"tags": {"!": "b"}, "tags": {"a": "b"}', "/tags"),
    ],
)
def test_a_doubled_member_whose_first_is_wrong_is_still_refused(doubled: bytes, pointer: str) -> None:
    """The refusal points to what is in the document, though the wrong half of it is hidden behind the other."""
    assert told(b'{"operation": "image.generate", "prompt": "x", %b}' % doubled) == [(pointer, "format")]


def test_numbers_are_taken_as_they_are_written() -> None:
    """A whole number may not be written as a fraction, a fraction may be whole, and no size of number breaks it."""
    spec = decode(json.dumps({**MINIMAL, "deadline_s": 1, "seed": 2**53 - 1}).encode(), JobSpec)
    assert (spec.deadline_s, spec.seed) == (1.0, 2**53 - 1)
    assert refused(n=1.0) == [("/n", "type")]
    assert refused(seed=2**53) == [("/seed", "range")]
    assert refused(seed=10**30, deadline_s=10**30) == [("/seed", "range"), ("/deadline_s", "range")]
    assert refused(n=1e300) == [("/n", "type")]
    for number in (b"1e400", b"9" * 5000, b"-" + b"9" * 5000):
        assert malformed(b'{"operation": "image.generate", "prompt": "x", "seed": %b}' % number)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff", b"{", b"{'a': 1}", b'{"a": 1,}', b"nope", b"NaN", b'{"a": NaN}', b"\xef\xbb\xbf{}", b"{}{}",
        b'{"prompt": "\\ud800"}', b'"\xed\xa0\x80"', b"[" * 100_000, b'{"a":' * 100_000,
        json.dumps(MINIMAL).encode("utf-16"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    """Broken bytes, broken texts and bottomless nesting are refused as one thing, and never crash."""
    assert malformed(body) == "The body is not JSON."


@pytest.mark.parametrize("body", [b"", b"  \n"])
def test_an_empty_body_is_told_so(body: bytes) -> None:
    """Nothing is a common mistake, with a sentence of its own."""
    assert malformed(body) == "The body is empty; send JSON."


def test_deep_options_are_refused_and_not_followed() -> None:
    """Free values of a dialect may not nest without end, whether the rest is right or wrong."""
    deep = b"[" * 50_000 + b"]" * 50_000
    assert malformed(b'{"operation": "image.generate", "prompt": "x", "options": {"a": {"b": %b}}}' % deep)
    assert malformed(b'{"operation": "image.generate", "prompt": "x", "n": 0, "x": %b}' % deep)


def test_what_is_parsed_already_is_judged_alike_below_its_place() -> None:
    """`convert` names the same faults, behind the pointer of where the value stands."""
    with pytest.raises(CatalogError) as caught:
        convert({"width": 0, "depth": 1}, Size, "/size")
    assert [(fault.pointer, fault.reason) for fault in caught.value.errors] == [
        ("/size/width", "range"),
        ("/size/depth", "unknown_field"),
    ]
    assert convert({"width": 1, "height": 2}, Size) == Size(width=1, height=2)


def test_each_operation_has_a_type_of_its_own() -> None:
    """The tag chooses the type, wherever it stands in the document."""
    assert isinstance(decode(b'{"seed": 1, "operation": "image.variation"}', JobSpec), ImageVariation)
    assert isinstance(decode(b'{"prompt": "x", "operation": "video.generate"}', JobSpec), VideoGenerate)
    assert (
        msgspec.json.encode(decode(json.dumps(MINIMAL).encode(), JobSpec))
        == json.dumps(MINIMAL, separators=(",", ":")).encode()
    )
