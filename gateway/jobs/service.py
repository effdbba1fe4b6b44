"""The one object that faces know of all this."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

from contracts.catalog import CatalogError
from contracts.desk import Caller, Created, Explanation, JobPage, JobQuery, Shown
from contracts.job import TERMINAL, Job, JobState
from contracts.names import NewName
from contracts.port import Dialect
from contracts.sender import Sent
from contracts.spec import JobSpec
from gateway.access.gate import need
from gateway.engine.backends import Backend
from gateway.engine.carrier import Carrier
from gateway.jobs.creating import ALONE, Creator
from gateway.jobs.explaining import explain
from gateway.jobs.listening import Listener
from gateway.jobs.reading import JobReader
from gateway.routing import Router


class JobService:
    """Jobs of the caller's team (see contracts.desk.Jobs)."""

    def __init__(
        self,
        *,
        creator: Creator,
        reader: JobReader,
        listener: Listener,
        carrier: Carrier,
        router: Router,
        backends: Mapping[str, Backend],
        dialects: dict[str, Dialect],
    ) -> None:
        """Take those who do the work."""
        self._creator = creator
        self._reader = reader
        self._listener = listener
        self._carrier = carrier
        self._router = router
        self._backends = backends
        self._dialects = dialects

    async def create(
        self,
        caller: Caller,
        spec: JobSpec,
        *,
        idempotency_key: str | None,
        wait_s: float,
        route: str,
        names: Sequence[NewName] = (),
        sent: Sent = ALONE,
    ) -> Created:
        """Accept a job, durable with its names when this returns, and wait for its end as long as wished."""
        return await self._creator.create(
            caller, spec, idempotency_key=idempotency_key, wait_s=wait_s, route=route, names=names, sent=sent
        )

    async def earlier(self, caller: Caller, spec: JobSpec, *, idempotency_key: str, route: str) -> Created | None:
        """Return the job that an equal request made under this key; None: none did. Nothing is made."""
        need(caller, "jobs:write")
        return await self._creator.replayer.earlier(caller, spec, idempotency_key=idempotency_key, route=route)

    async def explain(self, caller: Caller, spec: JobSpec) -> Explanation:
        """Say what would happen."""
        need(caller, "jobs:write")
        spec, origin = await self._creator.foresee(caller, spec)
        return explain(self._router, self._backends, caller, spec, origin)

    async def get(self, caller: Caller, job_id: str, *, wait_s: float = 0, seen: str | None = None) -> Shown | None:
        """Return a job, after its end or a change if a wait is wished; None: nothing changed since `seen`."""
        return await self._reader.get(caller, job_id, wait_s=wait_s, seen=seen)

    async def inline(self, caller: Caller, job: Job) -> Mapping[str, bytes]:
        """Return a job's pictures in base64 by asset id, as far as they fit into one answer."""
        return await self._reader.inline(caller, job)

    async def list(self, caller: Caller, query: JobQuery) -> JobPage:
        """Return a page of jobs, newest first."""
        return await self._reader.list(caller, query)

    async def counts(self, caller: Caller, query: JobQuery) -> Mapping[JobState, int]:
        """Return how many of the jobs that are wanted are in each state."""
        return await self._reader.counts(caller, query)

    def check_listening(self, caller: Caller) -> None:
        """Raise what would keep the caller from listening now."""
        self._listener.check(caller)

    def events(self, caller: Caller, job_id: str | None, after: int | None) -> AsyncGenerator[bytes]:
        """Stream a job's events, or all of the team's, as frames."""
        return self._listener.events(caller, job_id, after)

    async def told(self, caller: Caller, job_id: str, before: int) -> bytes:
        """Return the frames of what was told of a job before an event."""
        return await self._listener.told(caller, job_id, before)

    async def cancel(self, caller: Caller, job_id: str, *, wait_s: float) -> Shown:
        """Cancel, and return the job as it is once the backend has answered; one that ended by itself is a conflict."""
        need(caller, "jobs:write")
        await self._reader.mine(caller, job_id)
        carried = self._carrier.carried(job_id)
        if carried is not None:
            await self._carrier.cancel(carried)
            if carried.cancelling is not None and wait_s > 0:
                await asyncio.wait([carried.cancelling], timeout=wait_s)
        shown = await self._reader.mine(caller, job_id)
        if shown.job.state in TERMINAL and shown.job.state != "cancelled":
            raise _already(shown.job)
        return shown


def _already(job: Job) -> CatalogError:
    return CatalogError("resource.state_conflict", f"The job has {job.state} already.", job=job, job_id=job.id)
