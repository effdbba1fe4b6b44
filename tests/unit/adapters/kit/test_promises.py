"""What is found where an answer is not of the shape that was promised, and that nothing of the answer is in it."""

from typing import Any

import pytest

from adapters.kit.promise import Promise, broken, described, frames_of
from adapters.kit.shape import Each, Like, either, one, unlike
from contracts.verify import Observed

SECRET = "sk-a-servers-own-words"
CASES: dict[str, tuple[Any, Any, list[str]]] = {
    "all is there": ({"a": 1, "b": "x"}, {"a": "number", "b": "text"}, []),
    "more is welcome": ({"a": 1, SECRET: SECRET}, {"a": "number"}, []),
    "a key is missing": ({"b": 1}, {"a": "number", "b": "number"}, ["missing: `a`"]),
    "a key may be missing": ({}, {"a?": "number"}, []),
    "what may be missing is checked": ({"a": SECRET}, {"a?": "number"}, ["`a` is text, promised number"]),
    "a key was renamed": ({SECRET: 1}, {"a": "number"}, ["missing: `a` (there are 1 that nobody promised)"]),
    "true is no number": ({"a": True}, {"a": "number"}, ["`a` is bool, promised number"]),
    "one is not true": ({"a": 1}, {"a": one(True)}, ["`a` is none of the promised values"]),
    "several kinds": (
        {"a": None, "b": []},
        {"a": "text|null", "b": "text|null"},
        ["`b` is list, promised text or null"],
    ),
    "deep down": (
        {"a": {"b": [{"c": SECRET}]}},
        {"a": {"b": [{"c": "number"}]}},
        ["`a.b[].c` is text, promised number"],
    ),
    "each fault once": ([{}, {}, {}], [{"a": "any"}], ["missing: `[].a`"]),
    "a pattern": ({"a": f"run_{SECRET}"}, {"a": Like("run_[0-9]+")}, ["`a` is not the promised text"]),
    "any keys": ({SECRET: {"a": 1}, "x": {"a": "y"}}, Each({"a": "number"}), ["`{}.a` is text, promised number"]),
    "the nearest of several": (
        {"kind": "b", "x": 1},
        either({"kind": one("a"), "y": "text", "z": "text"}, {"kind": one("b"), "x": "text"}),
        ["`x` is number, promised text"],
    ),
    "no object": ([], {"a": "any"}, ["the answer is list, promised object"]),
    "no list": ({}, ["any"], ["the answer is object, promised list"]),
}


@pytest.mark.parametrize("name", CASES)
def test_a_shape_finds_what_is_unlike_it(name: str) -> None:
    """Each fault is named by the contract's own names, and no word of the server's is in it."""
    value, shape, faults = CASES[name]
    found = list(unlike(value, shape))
    assert found == faults
    assert SECRET not in "".join(found)


def answer(status: int = 200, body: bytes = b"{}", media_type: str = "application/json; charset=utf-8") -> Observed:
    """Return what a server answered."""
    return Observed(status=status, headers={"content-type": media_type}, body=body)


@pytest.mark.parametrize(
    ("promise", "seen", "faults"),
    [
        (Promise(route="x"), answer(), ()),
        (Promise(route="x"), answer(500), ("status 500, promised 200",)),
        (Promise(route="x"), answer(body=b"{"), ("the body is no JSON",)),
        (Promise(route="x"), answer(body=b"null"), ()),
        (Promise(route="x"), answer(media_type="text/html"), ("page, promised JSON",)),
        (Promise(route="x"), answer(media_type=SECRET), ("of another media type, promised JSON",)),
        (Promise(route="x", headers=("etag",)), answer(), ("header etag is missing",)),
        (Promise(route="x", body="none", status=204), answer(204, b""), ()),
        (Promise(route="x", body="none"), answer(), ("a body, promised none",)),
        (
            Promise(route="x", body="picture"),
            answer(body=b"junk", media_type="image/png"),
            ("the bytes are no picture",),
        ),
        (
            Promise(route="x", body="page", words="Cannot GET"),
            answer(body=b"<p>Oops", media_type="text/html"),
            ("the page has other words than promised",),
        ),
        (
            Promise(route="x", shape={"a": "any"}, read_as=dict[str, int]),
            answer(body=b'{"a": "b"}'),
            ("the adapter cannot read it",),
        ),
    ],
)
def test_a_promise_is_broken_in_every_way_that_shows(promise: Promise, seen: Observed, faults: tuple[str, ...]) -> None:
    """Status, headers, kind of body, shape, and that the adapter can read it: what is wrong is said, once."""
    assert broken(promise, seen) == faults
    assert SECRET not in described(seen)


STREAM = Promise(route="x", body="stream", shape={"phase": {"phase": "text"}, "done": {"ok": one(True)}})
SSE = "text/event-stream"


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        (b'event: phase\ndata: {"phase":"a"}\n\nevent: done\ndata: {"ok":true}\n\n', ()),
        (b': a comment\n\nevent: done\ndata: {"ok":true}\n\n', ()),
        (b"", ("without a body, promised stream",)),
        (b": a comment\n\n", ("the stream has no frames",)),
        (b'event: done\ndata: {"ok":true}\n', ("the stream is not made of frames",)),
        (b'id: 1\nevent: done\ndata: {"ok":true}\n\n', ("the stream is not made of frames",)),
        (b'event: phase\ndata: {"phase":"a"}\n\n', ("the stream does not end with done or error",)),
        (b'event: news\ndata: {}\n\nevent: done\ndata: {"ok":true}\n\n', ("a frame whose event nobody promised",)),
        (b'event: done\ndata: {"ok":1}\n\n', ("`done.ok` is none of the promised values",)),
    ],
)
def test_a_stream_is_made_of_frames(body: bytes, faults: tuple[str, ...]) -> None:
    """Exactly `event` and `data` a frame, known events alone, and an end that is one."""
    assert broken(STREAM, answer(body=body, media_type=SSE)) == faults


def test_frames_are_taken_apart() -> None:
    """Events with their data, in order; None for what is no stream."""
    assert frames_of(b"event: a\ndata: 1\n\nevent: b\ndata: 2\n\n") == (("a", b"1"), ("b", b"2"))
    assert frames_of(b"data: 1\n\n") is None
