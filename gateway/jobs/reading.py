"""Showing jobs: one, when it has changed or ended, or a page of them. What a process carries is shown as it is now."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pybase64

from contracts.catalog import CatalogError
from contracts.desk import Caller, JobPage, JobQuery, Shown
from contracts.job import TERMINAL, Job, JobState
from gateway.access.gate import need
from gateway.clock import Clock
from gateway.engine.carrier import Carrier
from gateway.store import query
from gateway.store.record import AttemptRecord, JobRecord
from gateway.store.store import Store
from gateway.store.view import to_job

MAX_INLINE_BYTES = 16 * 1024 * 1024


class JobReader:
    """Shows jobs of the caller's team; another team's are not found."""

    def __init__(self, store: Store, carrier: Carrier, clock: Clock) -> None:
        """Take where jobs are, and who carries them."""
        self._store = store
        self._carrier = carrier
        self._clock = clock

    async def get(self, caller: Caller, job_id: str, *, wait_s: float = 0, seen: str | None = None) -> Shown | None:
        """Return a job, after its end or a change if a wait is wished; None: nothing changed since `seen`."""
        need(caller, "jobs:read")
        return await self.watch(caller, job_id, wait_s=wait_s, seen=seen)

    async def watch(self, caller: Caller, job_id: str, *, wait_s: float = 0, seen: str | None = None) -> Shown | None:
        """Do as `get` does, for whoever may know of this job because it is the answer to what was just sent."""
        shown = await self.mine(caller, job_id)
        if wait_s > 0 and not _is_news(shown, seen):
            subscription = self._store.hub.subscribe(caller.team, job_id)
            try:
                deadline = asyncio.get_running_loop().time() + wait_s
                shown = await self.mine(caller, job_id)
                while not _is_news(shown, seen):
                    left = deadline - asyncio.get_running_loop().time()
                    if left <= 0 or not await subscription.wait(left):
                        break
                    subscription.take()
                    shown = await self.mine(caller, job_id)
            finally:
                subscription.close()
        return None if seen is not None and seen == shown.tag else shown

    async def mine(self, caller: Caller, job_id: str) -> Shown:
        """Return a job of the caller's team; raise `resource.not_found` for any other."""
        carried = self._carrier.carried(job_id)
        if carried is not None:
            if carried.record.team != caller.team:
                raise _no_job()
            return Shown(job=self._carrier.show(carried), tag=tag(carried.last_event_id))
        return await self.show(job_id, caller.team)

    async def show(self, job_id: str, team: str | None = None) -> Shown:
        """Return a job, of a team if one is named; what was kept long enough is `resource.expired`."""
        carried = self._carrier.carried(job_id)
        if carried is not None:
            return Shown(job=self._carrier.show(carried), tag=tag(carried.last_event_id))
        now = self._clock.now()

        def read(connection: query.Connection) -> tuple[JobRecord | None, list[AttemptRecord], bool]:
            record = query.job(connection, job_id)
            if record is None or (team is not None and record.team != team):
                return None, [], team is not None and query.is_gone(connection, job_id, team, now)
            return record, query.attempts(connection, job_id), False

        record, attempts, gone = await self._store.read(read)
        if record is None:
            raise CatalogError("resource.expired", "This job is past its retention.") if gone else _no_job()
        return Shown(job=to_job(record, attempts), tag=tag(record.last_event_id))

    async def inline(self, caller: Caller, job: Job) -> Mapping[str, bytes]:
        """Return a job's pictures in base64 by asset id, as far as they fit into one answer."""
        need(caller, "assets:read")
        found: dict[str, bytes] = {}
        room = MAX_INLINE_BYTES
        for output in job.outputs:
            length = (output.bytes + 2) // 3 * 4
            if output.role == "thumbnail" or length > room:
                continue
            try:
                data = await self._store.read(_file_reader(self._store, output.sha256))
            except FileNotFoundError:
                continue
            found[output.asset_id] = pybase64.b64encode(data)
            room -= length
        return found

    async def list(self, caller: Caller, wanted: JobQuery) -> JobPage:
        """Return a page of jobs, newest first."""
        need(caller, "jobs:read")
        filtered = _filter(caller, wanted)

        def read(connection: query.Connection) -> list[tuple[JobRecord, list[AttemptRecord]]]:
            records = query.jobs_page(connection, filtered)
            return [(record, query.attempts(connection, record.id)) for record in records]

        rows = await self._store.read(read)
        page = rows[: wanted.limit]
        token = query.page_token(page[-1][0].created_at, page[-1][0].id) if len(rows) > wanted.limit else None
        jobs = []
        for record, attempts in page:
            carried = self._carrier.carried(record.id)
            jobs.append(to_job(record, attempts) if carried is None else self._carrier.show(carried))
        return JobPage(jobs=tuple(jobs), next_page_token=token)

    async def counts(self, caller: Caller, wanted: JobQuery) -> Mapping[JobState, int]:
        """Return how many of the jobs that are wanted are in each state, on all pages."""
        need(caller, "jobs:read")
        filtered = _filter(caller, wanted)
        found: Mapping[Any, int] = await self._store.read(lambda each: query.job_counts(each, filtered))
        return found


def _filter(caller: Caller, wanted: JobQuery) -> query.Filter:
    return query.Filter(
        team=caller.team,
        state=wanted.state,
        backend=wanted.backend,
        operation=wanted.operation,
        tag=wanted.tag,
        created_after=wanted.created_after,
        created_before=wanted.created_before,
        limit=wanted.limit,
        after=None if wanted.page_token is None else query.read_page_token(wanted.page_token),
        states=wanted.states,
        operations=wanted.operations,
        unless_named=wanted.unless_named,
        offset=wanted.offset,
    )


def _file_reader(store: Store, sha256: str) -> Callable[[object], bytes]:
    return lambda _connection: store.files.read(sha256)


def tag(last_event_id: int) -> str:
    """Return the weak tag of a job's stored state."""
    return f'W/"{last_event_id}"'


def _is_news(shown: Shown, seen: str | None) -> bool:
    return shown.job.state in TERMINAL if seen is None else shown.tag != seen


def _no_job() -> CatalogError:
    return CatalogError("resource.not_found", "There is no such job.")
