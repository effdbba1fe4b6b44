"""Streams of events: first what is stored, then what is committed, and the store again after a gap."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator

from contracts.catalog import CatalogError
from contracts.desk import Caller
from contracts.job import TERMINAL
from gateway.access.gate import Gate, need
from gateway.jobs.reading import JobReader
from gateway.store import query
from gateway.store.hub import Subscription
from gateway.store.line import DRAINING, LISTENING, PING, Line
from gateway.store.store import Store

PING_S = 15.0
#: How often a stream's key is looked at, however much there is to tell: a revoked one ends within 15 s.
LOOK_S = 7.5
PAGE_OF_LINES = 500


class Listener:
    """Lets callers listen to their team's events."""

    def __init__(self, store: Store, reader: JobReader, gate: Gate, *, streams_per_team: int) -> None:
        """Take where events come from, who may still hear them, and how many streams a team may have open."""
        self._store = store
        self._reader = reader
        self._gate = gate
        self._limit = streams_per_team
        self._open: Counter[str] = Counter()

    def events(self, caller: Caller, job_id: str | None, after: int | None) -> AsyncGenerator[bytes]:
        """Stream a job's events, or all of the team's, as frames; ends after a terminal event or when stopping.

        A team's stream begins with a comment: from there on nothing is missed.
        """
        # Before the first byte: what is refused inside a stream is a broken answer.
        self.check(caller)
        return self._frames(caller, job_id, after)

    async def told(self, caller: Caller, job_id: str, before: int) -> bytes:
        """Return the frames of what was told of a job before an event."""
        need(caller, "jobs:read")
        await self._reader.mine(caller, job_id)
        lines = await self._store.read(lambda connection: query.earlier_lines(connection, job_id, before))
        return b"".join(line.frame for line in lines)

    def check(self, caller: Caller) -> None:
        """Raise what would keep the caller from listening now."""
        need(caller, "jobs:read")
        if self._open[caller.team] >= self._limit:
            raise CatalogError(
                "quota.rate_limited",
                "Your team listens to as many streams as it may.",
                retry_after_s=PING_S,
                limit=self._limit,
                limit_name="concurrency",
            )

    async def _frames(self, caller: Caller, job_id: str | None, after: int | None) -> AsyncGenerator[bytes]:
        self._open[caller.team] += 1
        try:
            if job_id is not None:
                await self._reader.mine(caller, job_id)
            subscription = self._store.hub.subscribe(caller.team, job_id)
            stream = _Stream(self._store, self._reader, self._gate, caller, job_id, subscription)
            try:
                async for frames in stream.run(after):
                    yield frames
            finally:
                subscription.close()
        finally:
            self._open[caller.team] -= 1


class _Stream:
    """One reader's place in the log."""

    def __init__(
        self,
        store: Store,
        reader: JobReader,
        gate: Gate,
        caller: Caller,
        job_id: str | None,
        subscription: Subscription,
    ) -> None:
        self._store = store
        self._reader = reader
        self._gate = gate
        self._caller = caller
        self._job_id = job_id
        self._subscription = subscription
        self._last = 0
        self._ended = False
        self._looked_at = self._told_at = asyncio.get_running_loop().time()

    async def run(self, after: int | None) -> AsyncGenerator[bytes]:
        if after is not None:
            oldest, newest = await self._store.read(_bounds)
            is_known = oldest <= after + 1 and after <= newest
            # An id that the log has not come to yet is of another log: nothing of this one was heard.
            self._last = after if after <= newest else 0
        elif self._job_id is None:
            self._last = await self._store.read(query.last_event_id)
        if self._job_id is None:
            yield LISTENING
        if after is not None and not is_known:
            yield b'event: stream.gap\ndata: {"oldest":%d}\n\n' % oldest
        behind = True
        while not self._ended and await self._may_go_on():
            if behind or self._subscription.overflowed:
                behind = self._subscription.overflowed = False
                async for frames in self._catch_up():
                    yield frames
                continue
            frames = await self._live()
            if frames:
                yield frames

    async def _catch_up(self) -> AsyncIterator[bytes]:
        """Read on from the table; a job that has ended has nothing more to come."""
        while not self._ended:
            lines = await self._store.read(self._page)
            if lines:
                yield self._told(lines)
            if len(lines) < PAGE_OF_LINES:
                break
        if not self._ended and self._job_id is not None:
            shown = await self._reader.mine(self._caller, self._job_id)
            self._ended = shown.job.state in TERMINAL

    def _page(self, connection: query.Connection) -> list[Line]:
        if self._job_id is not None:
            return query.job_lines(connection, self._job_id, self._last, PAGE_OF_LINES)
        return query.team_lines(connection, self._caller.team, self._last, PAGE_OF_LINES)

    async def _may_go_on(self) -> bool:
        """Look at the key every now and then."""
        now = asyncio.get_running_loop().time()
        if now - self._looked_at < LOOK_S:
            return True
        self._looked_at = now
        return await self._gate.still_valid(self._caller)

    async def _live(self) -> bytes:
        """Wait for what is committed next; every now and then say that we are still there."""
        if await self._subscription.wait(LOOK_S):
            lines = [line for line in self._subscription.take() if line.id is None or line.id > self._last]
            return self._told(lines) if lines else b""
        if self._subscription.closed:
            self._ended = True
            return DRAINING
        now = asyncio.get_running_loop().time()
        if now - self._told_at < PING_S:
            return b""
        self._told_at = now
        return PING

    def _told(self, lines: list[Line]) -> bytes:
        self._told_at = asyncio.get_running_loop().time()
        self._last = max((line.id for line in lines if line.id is not None), default=self._last)
        self._ended = self._job_id is not None and lines[-1].terminal
        return b"".join(line.frame for line in lines)


def _bounds(connection: query.Connection) -> tuple[int, int]:
    """Return the ids of the oldest and the newest event that are kept."""
    return query.oldest_event_id(connection), query.last_event_id(connection)
