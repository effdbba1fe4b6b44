"""Requests that are sent again: known by the row of the first one, and joined to its job instead of paid for twice.

A client is lost when it hung up before its answer was written, or when the process that would have answered died: the
row says only who was answered, so that a crash needs nobody to write anything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from contracts.catalog import CatalogError, should_retry
from contracts.codes import CATALOG
from contracts.desk import Caller
from contracts.sender import Gone, Sender, Sent
from gateway.clock import Clock
from gateway.ops.log import logger
from gateway.store.change import Accepted
from gateway.store.sent import Join, Resent, See, SentRecord
from gateway.store.store import Store

T = TypeVar("T")
#: So many requests that were turned away are remembered.
MAX_TURNED_AWAY = 10_000


class Joining:
    """Knows which clients wait for a job that was made for them, and writes down who was answered."""

    def __init__(self, store: Store, clock: Clock, *, is_cut: Callable[[str], bool]) -> None:
        """Take where requests are remembered, and who says of a job that its answers are cut short just now."""
        self._store = store
        self._clock = clock
        self._is_cut = is_cut
        self._awaited: set[str] = set()
        #: When a request was last sent away to come again later: then it comes for a job of its own.
        self._turned_away: dict[tuple[str, str, str, str], float] = {}
        self._writes: set[asyncio.Task[None]] = set()
        self._log = logger("jobs")

    def resent(self, caller: Caller, route: str, fingerprint: str, job_id: str, sent: Sent) -> Resent | None:
        """Return how a request that would make a job is held against those before; None if it joins nothing."""
        if sent.joins is None:
            return None
        record = SentRecord(
            job_id=job_id,
            team=caller.team,
            key_id=caller.key_id or "",
            route=route,
            fingerprint=fingerprint,
            seen_at=self._clock.now(),
        )
        return Resent(
            record=record,
            again=sent.joins == "newest",
            awaited=self._awaited,
            turned_away_at=self._turned_away.get(record.request),
        )

    async def entered(
        self, resent: Resent, accept: Callable[[], Awaitable[Accepted]], sender: Sender | None
    ) -> Accepted:
        """Have a job made, or an earlier one joined; its client is followed to its end from now on."""
        # Before it is written: an equal request in the same commit finds this one's client waiting.
        self._awaited.add(resent.record.job_id)
        try:
            accepted = await accept()
        except BaseException as error:
            self._forget(resent)
            self._note_turned_away(resent, error)
            raise
        if accepted.replayed:
            self._forget(resent)
        self._follow(resent, accepted.job_id, sender)
        return accepted

    async def only(self, resent: Resent, refusal: CatalogError, sender: Sender | None) -> Accepted:
        """Join an earlier job where no other one can be made now; raise why there is none to join."""
        joined = await self._store.write(Join(resent))
        if joined is None:
            self._note_turned_away(resent, refusal)
            raise refusal
        self._follow(resent, joined, sender)
        return Accepted(joined, replayed=True, joined=True)

    def _note_turned_away(self, resent: Resent, error: BaseException) -> None:
        """Remember who was told to come again and got no job: it must not be given that of an equal request before."""
        if not isinstance(error, CatalogError) or not should_retry(CATALOG[error.code].retry, error.outcome):
            return
        self._turned_away.pop(resent.record.request, None)
        self._turned_away[resent.record.request] = self._clock.now()
        if len(self._turned_away) > MAX_TURNED_AWAY:
            del self._turned_away[next(iter(self._turned_away))]

    def _forget(self, resent: Resent) -> None:
        """Note that nobody waits for a job of this request's own any more, or that none was made."""
        self._awaited.discard(resent.record.job_id)

    def _follow(self, resent: Resent, job_id: str, sender: Sender | None) -> None:
        """Write down how a request ends that made a job, or joined one; whom nobody watches is as good as lost."""
        if sender is None:
            self._forget(resent)
        else:
            sender.when_over(lambda written: self._over(resent, job_id, written=written))

    def _over(self, resent: Resent, job_id: str, *, written: bool) -> None:
        answered = written and not self._is_cut(job_id)
        if not answered:
            self._forget(resent)
        task = asyncio.create_task(self._write(resent, job_id, answered=answered))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _write(self, resent: Resent, job_id: str, *, answered: bool) -> None:
        try:
            await self._store.write(See(job_id=job_id, at=self._clock.now(), answered=answered))
        except CatalogError as error:
            # It counts as lost then: who comes again joins, and nobody pays twice.
            self._log.warning("jobs.answer_unnoted", code=error.code)
        finally:
            self._forget(resent)


async def unless_gone(work: Awaitable[T], sender: Sender | None) -> T:
    """Return what is waited for; raise `Gone` when the client hangs up first. Only the wait ends then."""
    if sender is None:
        return await work
    waiting, leaving = asyncio.ensure_future(work), asyncio.ensure_future(sender.gone())
    try:
        await asyncio.wait((waiting, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not waiting.done():
            raise Gone
        return waiting.result()
    finally:
        for task in (waiting, leaving):
            task.cancel()
        await asyncio.gather(waiting, leaving, return_exceptions=True)
