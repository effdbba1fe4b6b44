"""NEW's event multiplex: every event of every job, in one stream that can be resumed (wire §11)."""

import asyncio
from collections import deque
from typing import Any

import msgspec
from aiohttp import web
from msgspec import Struct

from adapters.ima2.sandbox import code, failure, page
from adapters.ima2.sandbox.faults import forced_of
from adapters.ima2.sandbox.javascript import parse_int
from adapters.ima2.sandbox.profile import PROFILES
from adapters.ima2.sandbox.stream import EVENT_STREAM
from adapters.kit.scenario import Forced

RING = 2000
LISTENERS = 512
PING_S = 15.0
#: A reader that does not take what is sent for so long is cut.
DRAIN_S = 30.0
_LARGE = 1000
_TERMINAL = ("done", "error")


class Event(Struct, frozen=True, kw_only=True):
    """One event as it is kept for those who come back: without its pictures."""

    id: int
    name: str
    data: dict[str, Any]


class Bus:
    """The ring of the last events, and who listens. It is gone with the process, ids and all."""

    def __init__(self, speed: float) -> None:
        """Begin with nothing said."""
        self._speed = speed
        self._ring: deque[Event] = deque(maxlen=RING)
        self._said = 0
        self._said_of: dict[str, int] = {}
        self._listeners: set[asyncio.Queue[Event | None]] = set()

    def publish(self, job_id: str, name: str, data: dict[str, Any]) -> None:
        """Tell all listeners of a job's event."""
        self._said += 1
        number = self._said_of[job_id] = self._said_of.get(job_id, 0) + 1
        full: dict[str, Any] = {**data, "jobId": job_id, "jobSeq": number}
        if name in _TERMINAL:
            full["envelope"] = {"version": 1, "jobId": job_id, "requestId": job_id, "sequence": number, "event": name}
            self._said_of.pop(job_id)
        self._ring.append(Event(id=self._said, name=name, data=_without_pictures(full)))
        for listener in self._listeners:
            listener.put_nowait(Event(id=self._said, name=name, data=full))

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET /api/events` for as long as the client listens."""
        if len(self._listeners) >= LISTENERS:
            refused = code.failure(PROFILES["new"], Forced("SSE_CAPACITY"))
            return page.json_answer(failure.nested(refused), status=refused.status)
        stream = web.StreamResponse(headers=EVENT_STREAM)
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        cursor = self._cursor(request)
        self._listeners.add(queue)
        try:
            await stream.prepare(request)
            last = await self._replay(stream, cursor)
            if "cut_body" in forced_of(request) and request.transport is not None:
                request.transport.abort()
            await self._live(stream, queue, last)
        except (ConnectionError, TimeoutError):
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._listeners.discard(queue)
        return stream

    async def close(self, _app: web.Application) -> None:
        """End all streams: the server stops."""
        for listener in self._listeners:
            listener.put_nowait(None)

    def _cursor(self, request: web.Request) -> int | None:
        """Return after which event to begin; None: with what comes from now on."""
        header = request.headers.get("Last-Event-ID", "").partition(",")[0]
        given = parse_int(header)
        if given is None:
            given = parse_int(request.query.get("lastEventId", ""))
        return None if given is None else max(0, given)

    async def _replay(self, stream: web.StreamResponse, cursor: int | None) -> int:
        if cursor is None:
            return self._said
        oldest = self._ring[0].id if self._ring else None
        if cursor > self._said or (oldest is not None and cursor < oldest - 1):
            gap = {"lastEventId": cursor, "oldestAvailableId": oldest}
            await stream.write(b"event: replay-gap\ndata: " + msgspec.json.encode(gap) + b"\n\n")
            cursor = self._said if oldest is None else oldest - 1
        for event in [event for event in self._ring if event.id > cursor]:
            await stream.write(_frame(event))
            cursor = event.id
        return cursor

    async def _live(self, stream: web.StreamResponse, queue: asyncio.Queue[Event | None], last: int) -> None:
        """Pass on what comes; what was replayed meanwhile is not told twice."""
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), PING_S / self._speed)
                if event is None:
                    return
                written = _frame(event) if event.id > last else b""
            except TimeoutError:
                written = b": ping\n\n"
            async with asyncio.timeout(DRAIN_S / self._speed):
                await stream.write(written)


def _frame(event: Event) -> bytes:
    return f"id: {event.id}\nevent: {event.name}\ndata: ".encode() + msgspec.json.encode(event.data) + b"\n\n"


def _without_pictures(data: dict[str, Any]) -> dict[str, Any]:
    kept = dict(data)
    images = kept.get("images")
    lighter = [_lighter(each) for each in images] if isinstance(images, list) else images
    if lighter != images:
        kept |= {"images": lighter, "_imageOmitted": True}
    return _lighter(kept)


def _lighter(data: dict[str, Any]) -> dict[str, Any]:
    if len(str(data.get("image") or "")) <= _LARGE:
        return data
    return {**{name: value for name, value in data.items() if name != "image"}, "_imageOmitted": True}
