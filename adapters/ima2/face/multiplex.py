"""`GET /api/events` of NEW: every event of every job of this face, in one stream that can be resumed (wire §11).

It is told from the team's durable log, so that it survives the gateway's restarts, ids and all. An event of the log is
one frame or more: only the last of them bears the id, so that who was cut off in between hears all of them again.
Previews alone are told once: they are in no log, and bear no id.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from msgspec import Struct

from adapters.ima2.face import failure
from adapters.ima2.face.asked import may_answer_pictures
from adapters.ima2.face.edit import Edited
from adapters.ima2.face.failure import Failure
from adapters.ima2.face.front import FACE, FILE, Front
from adapters.ima2.face.generate import Generated
from adapters.ima2.face.multimode import Sequenced
from adapters.ima2.face.node import Continued
from adapters.ima2.face.said import EVENT_STREAM, frame, said
from adapters.ima2.face.story import Telling, Told
from adapters.ima2.face.video import Filmed
from adapters.kit.story import BLOCK, event_of, events_of
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.event import TERMINAL_EVENTS, JobEvent, JobPartialImage, JobQueued
from contracts.face import Answer, Call, FaceRoute

PING_S = 15.0
_PING = b": ping\n\n"
_GAP = b"event: stream.gap"
#: Pictures that are longer are not told again: who comes back fetches them by their names.
_LARGE = 1000
_CURSOR = re.compile(r"\s*([+-]?\d{1,18})")
_TELLINGS: dict[str, type[Telling]] = {
    each.route: each for each in (Generated, Edited, Sequenced, Continued, Filmed)
}  # fmt: skip


class Multiplex:
    """The route."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the route."""
        return [FaceRoute(method="GET", template="/api/events", answer=self._get)]

    async def _get(self, call: Call, caller: Caller) -> Answer:
        front, cursor = self._front, _cursor(call)
        may_answer_pictures(caller)
        try:
            log = front.desk.jobs.events(caller, None, cursor)
        except CatalogError as error:
            if error.code != "quota.rate_limited":
                raise
            return _full(error)
        # It begins with a comment: from the head of the answer on, nothing is missed.
        await anext(log, b"")
        frames = _Reader(front, caller, cursor).frames(log)
        return Answer(headers=front.stream_headers(EVENT_STREAM), frames=frames)


class _Job(Struct):
    """A job under way, and how many of its frames a reader has been told that can be told again."""

    telling: Telling
    name: str
    told: int = 0


class _Reader:
    """Who listens, and the jobs under way that it has heard of; None is a job that was not made here."""

    def __init__(self, front: Front, caller: Caller, cursor: int | None) -> None:
        self._front = front
        self._caller = caller
        self._cursor = cursor
        self._came_at = front.settings.clock()
        self._jobs: dict[str, _Job | None] = {}

    async def frames(self, log: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Pass on what the log tells, each job in the frames of its route."""
        clock, told_at = self._front.settings.clock, self._came_at
        async with aclosing(log):
            async for several in log:
                for block in several.split(BLOCK):
                    async for each in self._told(block):
                        told_at = clock()
                        yield each
                if clock() - told_at >= PING_S:
                    # The team has much to tell, and nothing of it is for here.
                    told_at = clock()
                    yield _PING

    async def _told(self, block: bytes) -> AsyncIterator[bytes]:
        if block.startswith(b":"):
            yield block + BLOCK
        elif block.startswith(_GAP):
            yield self._gap(block)
        elif (event := event_of(block)) is not None:
            job = await self._job(event)
            if job is None:
                return
            is_replay = self._cursor is not None and event.at.timestamp() <= self._came_at
            told = await _of(job.telling, event, _LARGE if is_replay else None)
            for place, (name, data) in enumerate(told, 1):
                number = event.id if place == len(told) else None
                yield _numbered(number) + frame(name, _dated(job, event, name, data))

    def _gap(self, block: bytes) -> bytes:
        oldest = msgspec.json.decode(block.partition(b"data: ")[2])["oldest"]
        return frame("replay-gap", {"lastEventId": self._cursor, "oldestAvailableId": oldest or None})

    async def _job(self, event: JobEvent) -> _Job | None:
        """Return whose event it is; a job that has ended is forgotten."""
        job_id = event.job_id
        if job_id in self._jobs:
            job = self._jobs[job_id]
        else:
            job = await self._met(event)
            if job is None or event.id is not None:
                self._jobs[job_id] = job
        if event.__struct_config__.tag in TERMINAL_EVENTS:
            self._jobs.pop(job_id, None)
        return job

    async def _met(self, event: JobEvent) -> _Job | None:
        """Return a job as it is told from the beginning, up to this event; None for one that is not of this face."""
        desk, caller, job_id = self._front.desk, self._caller, event.job_id
        try:
            named = await desk.names.of_job(caller, FACE, FILE, job_id)
            if named is None:
                return None
            earlier = b""
            if event.id is not None and not _is_first(event):
                earlier = await desk.jobs.told(caller, job_id, event.id)
        except CatalogError as error:
            if error.code in ("resource.not_found", "resource.expired"):
                return None
            raise
        telling = _TELLINGS[named.note["route"]](self._front, caller, named)
        job = _Job(telling, telling.request_id or named.native_id)
        for each in events_of(earlier):
            job.told += len(await _of(telling, each))
        return job


async def _of(telling: Telling, event: JobEvent, most: int | None = None) -> Sequence[Told]:
    """Return what a job's route tells of an event."""
    if _is_first(event):
        return (telling.begin(),)
    if event.__struct_config__.tag in TERMINAL_EVENTS:
        return await telling.end(most)
    return await telling.hear(event)


def _is_first(event: JobEvent) -> bool:
    """Say whether a job's story begins here; one that is put back is queued again, for an attempt."""
    return isinstance(event, JobQueued) and event.attempt is None


def _numbered(number: int | None) -> bytes:
    return b"" if number is None else b"id: %d\n" % number


def _dated(job: _Job, event: JobEvent, name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return what a frame says, whose it is, and which of its job's; an end says so once more (wire §11)."""
    full = {**data, "jobId": job.name}
    if isinstance(event, JobPartialImage):
        return full
    job.told += 1
    full["jobSeq"] = job.told
    if name in ("done", "error"):
        whose = {"version": 1, "jobId": job.name, "requestId": job.name}
        full["envelope"] = {**whose, "sequence": job.told, "event": name}
    return full


def _cursor(call: Call) -> int | None:
    """Return after which event to begin; None: with what comes from now on."""
    for given in (call.headers.get("last-event-id", ""), call.query.get("lastEventId", "")):
        found = _CURSOR.match(given)
        if found is not None:
            return max(0, int(found.group(1)))
    return None


def _full(error: CatalogError) -> Answer:
    found = Failure(
        status=503,
        code="SSE_CAPACITY",
        message="Too many event stream connections",
        retry_after_s=error.problem().retry_after_s,
    )
    return said(failure.nested(found), status=503, headers=found.headers, code=error.code)
