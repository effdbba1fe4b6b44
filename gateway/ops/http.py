"""Around every request: its id, its log line, its metrics. One ASGI layer, outside the framework.

The framework's own middlewares miss what it refuses itself; this one sees the status that really went out.
"""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from gateway.clock import new_id
from gateway.ops.log import logger
from gateway.ops.metrics import Metrics
from gateway.ops.room import Room

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._:-]{1,128}$")
_TRACE = re.compile(rb"^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$")
#: Routes that are called all the time and say nothing.
UNLOGGED = frozenset({"/livez", "/readyz", "/metrics"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NOSNIFF = (b"x-content-type-options", b"nosniff")
#: Where jobs are made: what is refused there never became one.
CREATING = frozenset({("POST", "/v1/jobs")})


class Observed:
    """An ASGI application that is watched."""

    def __init__(self, app: App, metrics: Metrics, room: Room) -> None:
        """Take the application, and where the bytes of its requests are held."""
        self._app = app
        self._room = room
        self._metrics = metrics
        self._log = logger("http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one socket to its end."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            scope["headers"] = [(name.lower(), value) for name, value in scope["headers"]]
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given if _REQUEST_ID.match(given) else new_id("req").encode()
        state = scope.setdefault("state", {})
        state["request_id"] = request_id.decode()
        bound = {"request_id": request_id.decode()}
        trace = _TRACE.match(headers.get(b"traceparent", b""))
        if trace is not None:
            bound["trace_id"] = trace.group(1).decode()
        tokens = structlog.contextvars.bind_contextvars(**bound)
        seen = _Seen(send, request_id)
        began = time.perf_counter()
        self._metrics.requests_open.inc()
        try:
            await self._app(scope, receive, seen.send)
        finally:
            self._metrics.requests_open.dec()
            if held := state.get("held"):
                self._room.give_back(held)
            self._note(scope, seen.status, time.perf_counter() - began)
            structlog.contextvars.reset_contextvars(**tokens)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = scope.get("path_template") or "unmatched"
        method = scope.get("method", "GET")
        method = method if method in METHODS else "other"
        self._metrics.requests.labels(route, method, status or "aborted").inc()
        self._metrics.request_seconds.labels(route, method).observe(seconds)
        state = scope["state"]
        if ((method, route) in CREATING or state.get("makes_jobs")) and "code" in state:
            self._metrics.jobs_refused.labels(state["code"]).inc()
        error = state.get("error")
        if error is not None:
            self._log.error("http.crashed", route=route, method=method, exc_info=error)
        if route not in UNLOGGED:
            facts = {"code": state["code"]} if "code" in state else {}
            self._log.info(
                "http.answered", route=route, method=method, status=status, ms=round(seconds * 1000, 1), **facts
            )


#: What an answer begins with: one of HTTP, a socket that is accepted, and one that is refused.
_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})


class _Seen:
    """Watches an answer go out, and puts the request's id on it."""

    __slots__ = ("_headers", "_send", "status")

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self._headers = ((b"x-request-id", request_id), NOSNIFF)
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] in _STARTS:
            self.status = message.get("status", 101)
            own = message.get("headers", [])
            known = {name for name, _ in own}
            message["headers"] = [*own, *(each for each in self._headers if each[0] not in known)]
        await self._send(message)
