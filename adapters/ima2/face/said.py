"""Answers as Express writes them: JSON, HTML pages for what is no route's business, and frames (wire §1, §5)."""

import hashlib
from base64 import b64encode
from html import escape
from typing import Any

import msgspec
from msgspec import Raw

from contracts.codes import ErrorCode
from contracts.face import Answer, Call

JSON = "application/json; charset=utf-8"
EVENT_STREAM = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}
SANDBOX = "X-Triptych-Sandbox"
_PAGE = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n'
    "<pre>{}</pre>\n</body>\n</html>\n"
)
encode = msgspec.json.Encoder().encode


def said(
    body: Any, *, status: int = 200, headers: dict[str, str] | None = None, code: ErrorCode | None = None
) -> Answer:
    """Return what `res.json` sends."""
    return Answer(status=status, body=encode(body), headers={"Content-Type": JSON, **(headers or {})}, code=code)


def read(call: Call, body: Any) -> Answer:
    """Return the answer to a GET: JSON with Express's weak ETag, or 304 to who has it."""
    data = encode(body)
    digest = b64encode(hashlib.sha1(data, usedforsecurity=False).digest())[:27].decode()
    tag = f'W/"{len(data):x}-{digest}"'
    known = {each.strip() for each in call.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Answer(status=304, headers={"ETag": tag})
    return Answer(body=data, headers={"Content-Type": JSON, "ETag": tag, "Cache-Control": "private, no-cache"})


def page(status: int, text: str, *, code: ErrorCode) -> Answer:
    """Return one of Express's error pages, as a production server writes them: without a stack trace."""
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": "default-src 'none'"}
    return Answer(status=status, body=_PAGE.format(escape(text, quote=True)).encode(), headers=headers, code=code)


def not_found(call: Call) -> Answer:
    """Return the page for an unknown path, or a method that a path has not: there is no 405 (wire §1)."""
    return page(404, f"Cannot {call.method} {call.path}", code="resource.not_found")


def frame(event: str, data: Any) -> bytes:
    """Return a frame: `event` and `data`, nothing else (wire §5)."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), encode(data))


def data_url(media_type: str, base64: bytes) -> Raw:
    """Return a picture as a JSON string, without its base64 going through an encoder."""
    return Raw(b'"data:%b;base64,%b"' % (media_type.encode(), base64))
