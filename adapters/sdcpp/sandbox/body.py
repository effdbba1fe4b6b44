"""Reads request bodies as Express's parsers do, before anything asks for a key (wire §2, §7.2)."""

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from msgspec import UNSET

from adapters.sdcpp.sandbox import stack
from adapters.sdcpp.sandbox.fault import PageError

LIMIT = 50 * 1024 * 1024
#: The parsed body: `UNSET` where no parser took it, as JavaScript's undefined.
BODY: web.RequestKey[Any] = web.RequestKey("body", object)


async def parsed(request: web.Request, *, empty_body: bool) -> Any:
    """Return the body's value; raise `PageError` for broken JSON, a JSON scalar, and more than 50 MB.

    `empty_body`: whether a body that no parser takes is an empty object (Express 4) or undefined.
    """
    nothing: Any = {} if empty_body else UNSET
    if request.content_type not in ("application/json", "application/x-www-form-urlencoded"):
        return nothing
    if request.content_length is None and "Transfer-Encoding" not in request.headers:
        return nothing
    too_large = PageError(413, "PayloadTooLargeError: request entity too large", stack.TOO_LARGE)
    if (request.content_length or 0) > LIMIT:
        # The client may finish before it hears of it.
        async for _ in request.content.iter_any():
            pass
        raise too_large
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise too_large from None
    if len(raw) > LIMIT:
        raise too_large
    if request.content_type != "application/json":
        return _form(raw.decode(errors="replace"))
    return _json(raw.decode(errors="replace")) if raw else {}


def _form(text: str) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        # The same name twice makes a list.
        fields[name] = value if name not in fields else [*_listed(fields[name]), value]
    return fields


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _json(text: str) -> Any:
    begin = text.lstrip()[:1]
    if begin not in ("{", "["):
        raise PageError(400, f"SyntaxError: {_unexpected(text)}", stack.STRICT_JSON)
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise PageError(400, f"SyntaxError: {_complaint(text)}", stack.BROKEN_JSON) from None


def _complaint(text: str) -> str:
    """Say about broken JSON what V8 says, as far as it was recorded."""
    inside = text.lstrip()[1:].lstrip()
    if text.lstrip().startswith("{") and inside[:1] not in ('"', "}"):
        return "Expected property name or '}' in JSON at position 1"
    return "Unexpected end of JSON input" if text.count("{") > text.count("}") else _unexpected(text)


def _unexpected(text: str) -> str:
    shown = text if len(text) <= 20 else f"{text[:10]}..."
    return f"Unexpected token '{text.lstrip()[:1]}', \"{shown}\" is not valid JSON"
