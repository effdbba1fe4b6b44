"""Rude endings on any route, as forced: cut connections, pages of a proxy, silence, answers that make no sense.

What is forced for a request is worked out here once: its prompt's tokens, then the rules of the scenario. A rule that
names no route is for requests with a prompt.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from aiohttp import web

from adapters.ima2.sandbox import express
from adapters.ima2.sandbox.express import call_of
from adapters.ima2.sandbox.gallery import Gallery
from adapters.ima2.sandbox.profile import Profile
from adapters.ima2.sandbox.refusal import forced_refusal
from adapters.kit.emulator import Emulator, cut, cut_after, hang
from adapters.kit.scenario import Forced, Scenario

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_HANG_S = 30.0
_HUGE_MB = 200.0
_MEGABYTE = 1024 * 1024
_FORCED: web.RequestKey[dict[str, Forced]] = web.RequestKey("forced", dict)
_GARBAGE = b"\x1f<<< this is no JSON >>>"


def forced_of(request: web.Request) -> dict[str, Forced]:
    """Return what is forced for a request."""
    return request[_FORCED]


def prompt_of(body: dict[str, Any] | None) -> str | None:
    """Return the text of a body that may hold tokens; None: the route has no prompt."""
    if body is None:
        return None
    if isinstance(body.get("prompt"), str):
        return str(body["prompt"])
    if isinstance(body.get("messages"), list):
        return " ".join(str(each.get("content")) for each in body["messages"] if isinstance(each, dict))
    return None


class Faults:
    """The middleware; it stands inside Express's manners and around the routes."""

    def __init__(self, emulator: Emulator, profile: Profile, gallery: Gallery) -> None:
        """Take where the rules are, the build, and where it stands what was forced at submit time for later."""
        self._emulator = emulator
        self._profile = profile
        self._gallery = gallery

    @web.middleware
    async def faults(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve a request, and end it as is forced."""
        if request.path.startswith("/_sandbox"):
            return await handler(request)
        forced = self._forced(request)
        request[_FORCED] = forced
        if "cut_early" in forced:
            return cut(request)
        if "html" in forced:
            return express.from_proxy(request, int(forced["html"].number(502)))
        response = forced_refusal(self._profile, request, forced) or await handler(request)
        return response if response.prepared else await self._ended(request, response, forced)

    def _forced(self, request: web.Request) -> dict[str, Forced]:
        prompt = prompt_of(call_of(request).body)
        if prompt is not None:
            return self._emulator.forced(request, prompt)
        named = Scenario(rule for rule in self._emulator.scenario.rules if rule.route)
        return {**self._gallery.remembered(request.path), **named.forced(f"{request.method} {request.path}", "")}

    async def _ended(
        self, request: web.Request, response: web.StreamResponse, forced: dict[str, Forced]
    ) -> web.StreamResponse:
        if "hang" in forced:
            await hang(forced["hang"].number(_HANG_S))
            return cut(request)
        if "cut" in forced:
            return cut(request)
        if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
            return response
        if "cut_body" in forced:
            return await cut_after(request, response)
        if "garbage" in forced:
            return web.Response(body=_GARBAGE, headers={"Content-Type": "application/json; charset=utf-8"})
        if "huge" in forced:
            return _padded(response.body, int(forced["huge"].number(_HUGE_MB) * _MEGABYTE))
        return response


def _padded(body: bytes, size: int) -> web.Response:
    padding = b'"padding":"' + b"x" * max(0, size - len(body) - 13) + b'"'
    empty = body.strip() in (b"{}", b"")
    padded = b"{" + padding + b"}" if empty else body.rstrip()[:-1] + b"," + padding + b"}"
    return web.Response(body=padded, headers={"Content-Type": "application/json; charset=utf-8"})


def torn(event: str, data: Any, forced: dict[str, Forced]) -> tuple[bytes, bool]:
    """Return a stream's last frame as is forced, and whether the connection breaks after it."""
    payload = msgspec.json.encode(data)
    if "garbage" in forced:
        payload = _GARBAGE
    if "huge" in forced:
        padding = b'"padding":"' + b"x" * int(forced["huge"].number(_HUGE_MB) * _MEGABYTE) + b'"}'
        payload = payload[:-1] + b"," + padding
    written = b"event: " + event.encode() + b"\ndata: " + payload + b"\n\n"
    return (written[: len(written) // 2], True) if "cut_body" in forced else (written, False)
