"""Answers as Express writes them, for the faces of servers built on it: JSON, weak tags, and HTML pages."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from html import escape
from typing import Any

import msgspec

from contracts.codes import ErrorCode
from contracts.face import Answer, Call

JSON = "application/json; charset=utf-8"
#: Says that a sandbox made it.
SANDBOX = "X-Triptych-Sandbox"
_PAGE = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n'
    "<pre>{}</pre>\n</body>\n</html>\n"
)
encode = msgspec.json.Encoder().encode


def said(
    body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, code: ErrorCode | None = None
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
