"""Answers as ima2 writes them: what Express does is the kit's, and frames (wire §1, §5)."""

from typing import Any

from msgspec import Raw

from adapters.kit.express import JSON, SANDBOX, encode, page, read, said
from contracts.face import Answer, Call

__all__ = ["EVENT_STREAM", "JSON", "SANDBOX", "data_url", "encode", "frame", "not_found", "page", "read", "said"]

EVENT_STREAM = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


def not_found(call: Call) -> Answer:
    """Return the page for an unknown path, or a method that a path has not: there is no 405 (wire §1)."""
    return page(404, f"Cannot {call.method} {call.path}", code="resource.not_found")


def frame(event: str, data: Any) -> bytes:
    """Return a frame: `event` and `data`, nothing else (wire §5)."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), encode(data))


def data_url(media_type: str, base64: bytes) -> Raw:
    """Return a picture as a JSON string, without its base64 going through an encoder."""
    return Raw(b'"data:%b;base64,%b"' % (media_type.encode(), base64))
