"""An answer in frames: `event` and `data`, nothing else, and no heartbeat (wire §5). Who leaves stops nothing."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from adapters.ima2.sandbox.faults import forced_of, torn

EVENT_STREAM = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache, no-transform"}


class Stream:
    """One such answer. It takes frames also when nobody reads them any more, or when it is forced to be mute."""

    def __init__(self, request: web.Request, publish: Callable[[str, dict[str, Any]], None] | None = None) -> None:
        """Take the request to answer, and whom else to tell of every frame."""
        self._request = request
        self._forced = forced_of(request)
        self._publish = publish
        self._response: web.StreamResponse | None = None

    @property
    def is_mute(self) -> bool:
        """Whether the answer is forced to be lost before its first byte."""
        return bool(self._forced.keys() & {"cut", "hang"})

    async def open(self) -> None:
        """Send the head."""
        if self.is_mute or self._response is not None:
            return
        self._response = web.StreamResponse(headers=EVENT_STREAM)
        await self._response.prepare(self._request)

    async def send(self, event: str, data: dict[str, Any]) -> None:
        """Send a frame."""
        await self._write(event, data, last=False)

    async def end(self, event: str, data: dict[str, Any]) -> None:
        """Send the last frame, torn where that is forced."""
        await self._write(event, data, last=True)

    async def _write(self, event: str, data: dict[str, Any], *, last: bool) -> None:
        if self._publish is not None:
            self._publish(event, data)
        if self._response is None:
            return
        frame, broken = torn(event, data, self._forced) if last else (_frame(event, data), False)
        try:
            await self._response.write(frame)
        except ConnectionError:
            self._response = None
            return
        if broken and self._request.transport is not None:
            self._request.transport.abort()

    def response(self) -> web.StreamResponse:
        """Return what the route returns when all is sent."""
        return self._response or web.Response()


def _frame(event: str, data: dict[str, Any]) -> bytes:
    return f"event: {event}\ndata: ".encode() + msgspec.json.encode(data) + b"\n\n"
