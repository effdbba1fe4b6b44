"""Express's manners around every route: request ids, bodies, unknown paths, 304, and connections that end when idle."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import msgspec
from aiohttp import web
from aiohttp.helpers import parse_mimetype
from msgspec import Struct

from adapters.ima2.sandbox import page

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: `50mb`, for all routes (wire §1).
MAX_BODY = 50 * 1024 * 1024
#: Node closes a connection that is idle for so long; real time, because it is a property of the transport.
KEEP_ALIVE_S = 5.0
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}\Z")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SEGMENT = re.compile(r"[^/]*%[^/]*")
_NO_BODY = ("Content-Type", "Content-Length")


class Call(Struct, frozen=True, kw_only=True):
    """What Express hands to a route: the id of the request, and its body (None: `undefined`)."""

    id: str
    body: dict[str, Any] | None = None


_CALL = web.RequestKey("call", Call)
_PROXY = web.RequestKey("proxy", bool)


def call_of(request: web.Request) -> Call:
    """Return what Express made of a request."""
    return request[_CALL]


def good_id(value: object) -> bool:
    """Say whether a request id is one that the server takes over from a header."""
    return isinstance(value, str) and bool(_ID.match(value))


class Express:
    """The middleware, and the hook that dresses every answer."""

    def __init__(self, idle_s: float = KEEP_ALIVE_S) -> None:
        """Take how long a connection may be idle."""
        self._idle_s = idle_s
        self._resting: WeakKeyDictionary[asyncio.Transport, asyncio.TimerHandle] = WeakKeyDictionary()

    def wrap(self, app: web.Application) -> None:
        """Put itself around everything an application does."""
        app.middlewares.insert(0, self.manners)
        app.on_response_prepare.append(self._dress)

    @web.middleware
    async def manners(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve a request as Express would; what is under `/_sandbox` is no part of the server."""
        if request.path.startswith("/_sandbox"):
            return await handler(request)
        self._wake(request)
        given = request.headers.get("X-Request-Id")
        name = given if given is not None and good_id(given) else f"req_{uuid4()}"
        request[_CALL] = Call(id=name)
        response = await self._served(request, handler, name)
        self._rest(request)
        return _if_changed(request, response)

    async def _served(self, request: web.Request, handler: Handler, name: str) -> web.StreamResponse:
        read = await _read(request)
        if isinstance(read, web.Response):
            return read
        request[_CALL] = Call(id=name, body=read)
        trouble = request.match_info.http_exception
        if request.method == "OPTIONS" and isinstance(trouble, web.HTTPMethodNotAllowed):
            allowed = ", ".join(sorted(trouble.allowed_methods))
            headers = {"Allow": allowed, "Content-Type": "text/plain", "X-Content-Type-Options": "nosniff"}
            return web.Response(body=allowed.encode(), headers=headers)
        path = request.raw_path.partition("?")[0]
        if trouble is not None:
            return page.not_found(request.method, path)
        if _BAD_ESCAPE.search(path):
            segment = _SEGMENT.search(path)
            return page.undecodable(segment.group() if segment else path)
        return await handler(request)

    async def _dress(self, request: web.Request, response: web.StreamResponse) -> None:
        if _PROXY in request or request.path.startswith("/_sandbox"):
            return
        response.headers.popall("Server", None)
        response.headers["X-Powered-By"] = "Express"
        if request.path.startswith("/api/") and _CALL in request:
            response.headers["X-Request-Id"] = call_of(request).id
        if not request.keep_alive:
            response.headers["Connection"] = "close"
            return
        response.headers["Connection"] = "keep-alive"
        if isinstance(response, web.Response):
            response.headers["Keep-Alive"] = f"timeout={self._idle_s:g}"

    def _wake(self, request: web.Request) -> None:
        timer = self._resting.pop(request.transport, None) if request.transport is not None else None
        if timer is not None:
            timer.cancel()

    def _rest(self, request: web.Request) -> None:
        if request.transport is not None and not request.transport.is_closing():
            loop = asyncio.get_running_loop()
            self._resting[request.transport] = loop.call_later(self._idle_s, request.transport.close)


def from_proxy(request: web.Request, status: int) -> web.Response:
    """Answer in the name of a proxy in front of the server."""
    request[_PROXY] = True
    return page.proxy_page(status)


async def _read(request: web.Request) -> dict[str, Any] | web.Response | None:
    """Return the body as `express.json` leaves it, or the page that says why not."""
    if not request.body_exists:
        return None
    kind = parse_mimetype(request.headers.get("Content-Type", ""))
    if (kind.type, kind.subtype) != ("application", "json"):
        return None
    charset = kind.parameters.get("charset", "utf-8")
    if not charset.lower().startswith("utf-"):
        return page.unsupported_charset(charset)
    if (request.content_length or 0) > MAX_BODY:
        return page.too_large()
    try:
        data = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return page.too_large()
    return page.too_large() if len(data) > MAX_BODY else _parsed(data)


def _parsed(data: bytes) -> dict[str, Any] | web.Response:
    if not data:
        return {}
    first = data.lstrip()[:1].decode("latin-1")
    if first not in ("{", "["):
        shown = data.decode("utf-8", "replace")[:20]
        return page.malformed(f"Unexpected token '{first}', \"{shown}\" is not valid JSON")
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        ended = "truncated" in str(error)
        return page.malformed("Unexpected end of JSON input" if ended else "Unexpected token in JSON")
    return body if isinstance(body, dict) else {}


def _if_changed(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Turn an answer that the client has into 304."""
    tag = response.headers.get("ETag")
    wanted = request.headers.get("If-None-Match")
    if request.method not in ("GET", "HEAD") or response.prepared or response.status != 200 or tag is None:
        return response
    if wanted is None or (wanted != "*" and tag.removeprefix("W/") not in _tags(wanted)):
        return response
    kept = {name: value for name, value in response.headers.items() if name not in _NO_BODY}
    return web.Response(status=304, headers=kept)


def _tags(header: str) -> set[str]:
    return {each.strip().removeprefix("W/") for each in header.split(",")}
