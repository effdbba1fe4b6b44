"""What an answer promises, as data: status, headers, body and shape. Pure; names nothing that a server wrote."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from adapters.kit.shape import unlike
from contracts.sniff import sniff
from contracts.verify import Observed

_FRAME = re.compile(rb"event: ([a-z_-]{1,40})\ndata: ([^\n]*)")
Body = Literal["json", "page", "picture", "stream", "none", "any"]
_MEDIA: dict[str, str] = {
    "application/json": "JSON",
    "text/html": "page",
    "text/plain": "text",
    "text/event-stream": "stream",
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/webp": "webp",
    "image/avif": "avif",
}
_BODIES: dict[Body, tuple[str, ...]] = {
    "json": ("JSON",),
    "page": ("page",),
    "picture": ("png", "jpeg", "webp", "avif"),
    "stream": ("stream",),
}


class Promise(Struct, frozen=True, kw_only=True):
    """How one route answers one kind of request."""

    route: str
    status: int = 200
    body: Body = "json"
    #: Of JSON, or of a stream: the shape of each event's data by the event's name.
    shape: Any = "any"
    #: What the adapter reads it as: nobody can be content with what it cannot read.
    read_as: Any = None
    #: Words that a page must have, as a pattern.
    words: str | None = None
    #: Headers that must be there, whatever they say.
    headers: tuple[str, ...] = ()
    #: The builds that promise it; empty: all.
    profiles: tuple[str, ...] = ()

    def holds_for(self, profile: str) -> bool:
        """Say whether a build promises it."""
        return not self.profiles or profile in self.profiles


def described(seen: Observed) -> str:
    """Say what came back, in words of our own."""
    if seen.status == 0:
        return "no socket"
    if seen.status == 101:
        return "101 socket"
    return f"{seen.status} {_kind(seen)}"


def _kind(seen: Observed) -> str:
    if not seen.body:
        return "without a body"
    return _MEDIA.get(seen.media_type, "of another media type")


def broken(promise: Promise, seen: Observed) -> tuple[str, ...]:
    """Return every way in which an answer is not what is promised."""
    return tuple(_broken(promise, seen))


def _broken(promise: Promise, seen: Observed) -> Iterator[str]:
    if seen.status != promise.status:
        yield f"status {seen.status}, promised {promise.status}"
        return
    yield from (f"header {name} is missing" for name in promise.headers if name not in seen.headers)
    if promise.body == "none":
        yield from ("a body, promised none",) if seen.body else ()
        return
    wanted = _BODIES.get(promise.body)
    if wanted is not None and promise.status != 101 and _kind(seen) not in wanted:
        yield f"{_kind(seen)}, promised {' or '.join(wanted)}"
        return
    yield from _unlike_body(promise, seen.body)


def _unlike_body(promise: Promise, body: bytes) -> Iterator[str]:
    if promise.body == "json":
        yield from _unlike_json(promise, body)
    elif promise.body == "stream":
        yield from _unlike_stream(promise.shape, body)
    elif promise.body == "picture" and sniff(body) is None:
        yield "the bytes are no picture"
    if promise.words is not None and re.search(promise.words, body.decode("utf-8", "replace")) is None:
        yield "the page has other words than promised"


def _unlike_json(promise: Promise, body: bytes) -> Iterator[str]:
    value = decoded(body)
    if value is None and body.strip() != b"null":
        yield "the body is no JSON"
        return
    faults = tuple(unlike(value, promise.shape))
    yield from faults
    if promise.read_as is not None and not faults:
        try:
            msgspec.json.decode(body, type=promise.read_as)
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield "the adapter cannot read it"


def decoded(body: bytes) -> Any:
    """Return a body's JSON; None where it is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _unlike_stream(shapes: Mapping[str, Any], body: bytes) -> Iterator[str]:
    frames = frames_of(body)
    if frames is None:
        yield "the stream is not made of frames"
        return
    if not frames:
        yield "the stream has no frames"
    elif frames[-1][0] not in ("done", "error"):
        yield "the stream does not end with done or error"
    for event, data in frames:
        if event not in shapes:
            yield "a frame whose event nobody promised"
        else:
            yield from unlike(decoded(data), shapes[event], event)


def frames_of(body: bytes) -> tuple[tuple[str, bytes], ...] | None:
    """Return the events of a stream with their data; None where a block is no frame of `event` and `data` alone.

    Comments, which keep a line open, are passed over.
    """
    found = []
    for block in body.split(b"\n\n"):
        if not block.strip() or block.startswith(b":"):
            continue
        frame = _FRAME.fullmatch(block)
        if frame is None:
            return None
        found.append((frame[1].decode(), frame[2]))
    return tuple(found) if body.endswith(b"\n\n") else None
