"""The way of every request that makes something into a job, and of every job into what Studio's clients see of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from adapters.kit.repeated import key_of, replayed
from adapters.kit.wish import Wish, left_out, without
from adapters.sdcpp.face import inverse, model
from adapters.sdcpp.face.asked import Terms
from adapters.sdcpp.face.failure import Refused, not_found
from adapters.sdcpp.face.ids import to_job
from adapters.sdcpp.face.profile import WAIT_S, Profile
from adapters.sdcpp.face.row import KINDS, error, list_row, whole_row
from adapters.sdcpp.face.wish import wish
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Created, Desk, JobQuery
from contracts.face import Call, FaceSettings
from contracts.job import TERMINAL, Job, JobState
from contracts.media import Input
from contracts.names import NewName
from contracts.sender import Sent
from contracts.spec import Operation

FACE = "sdcpp"
#: Kinds of names: what is remembered of a request, and what was deleted.
SENT, DELETED = "sent", "deleted"
#: How often wishes may be left out of one request: once for each that there is, at most.
_TRIES = 16
#: So many rows a list has at most: the real one is unpaged and grows for ever (wire §7.2).
MOST_ROWS = 1000
_OPERATIONS = tuple(KINDS)


class Ask(Struct, frozen=True, kw_only=True):
    """What a route makes of a request."""

    route: str
    operation: Operation
    terms: Terms
    inputs: tuple[Input, ...] = ()
    #: The client waits for the end.
    waits: bool = False


class Front:
    """What all routes share."""

    def __init__(self, desk: Desk, settings: FaceSettings, profile: Profile) -> None:
        """Take what may be asked of the gateway, where the face is, and which Studio it is."""
        self.desk = desk
        self.settings = settings
        self.profile = profile

    async def begin(self, call: Call, caller: Caller, ask: Ask) -> Created:
        """Make the job, leaving out wishes that nobody can honour; raise what refuses it."""
        key = key_of(call)
        meant = model.resolve(self.desk.catalogue, caller, ask.terms.model, ask.operation)
        wished = wish(ask.operation, ask.terms, model=meant, inputs=ask.inputs, waits=ask.waits)
        sent = Sent(sender=call.sender, meant=wished.spec)
        dropped: frozenset[str] = frozenset()
        for _ in range(_TRIES):
            try:
                return await self._made(caller, ask, wished, dropped, key, sent)
            except CatalogError as refusal:
                found = left_out(refusal, wished)
                if not found:
                    raise
                dropped |= found
                wished = without(wished, found)
        raise CatalogError("gateway.internal", "The request could not be settled.", reason="bug")

    async def _made(
        self, caller: Caller, ask: Ask, wished: Wish, dropped: frozenset[str], key: str | None, sent: Sent
    ) -> Created:
        shown = {name: value for name, value in ask.terms.shown.items() if value is not None}
        note = {**shown, "dropped": sorted(dropped)}
        return await self.desk.jobs.create(
            caller,
            wished.spec,
            idempotency_key=key,
            wait_s=WAIT_S if ask.waits else 0,
            route=f"/sdcpp{ask.route}",
            names=(NewName(face=FACE, kind=SENT, note=note),),
            sent=sent,
        )

    async def ended(self, call: Call, caller: Caller, ask: Ask) -> Created:
        """Make the job and wait for its end as long as is promised; raise when it brings no picture.

        The job of a client that was sent away goes on. A cancelled one sends its client away at once.
        """
        began = self.settings.clock()
        created = await self.begin(call, caller, ask)
        job = created.job
        if job.state == "succeeded":
            return created
        if job.state not in TERMINAL:
            if self.settings.clock() - began < WAIT_S:
                raise Refused("The server is stopping; the job goes on", status=503, code="gateway.overloaded")
            raise Refused("Generation timeout", status=500, code="job.deadline_exceeded")
        code = job.error.code if job.error is not None else "job.cancelled"
        raise Refused(error(job) or inverse.CANCELLED, status=500, code=code, headers=replayed(created))

    async def job(self, caller: Caller, uuid: str, what: str) -> Job:
        """Return a job by its uuid; what is unknown, another team's, deleted or no picture's is not found."""
        job_id = to_job(uuid)
        if job_id is None:
            raise not_found(what)
        try:
            shown = await self.desk.jobs.get(caller, job_id)
        except CatalogError as refusal:
            if refusal.code in ("resource.not_found", "resource.expired"):
                raise not_found(what) from None
            raise
        gone = await self.desk.names.notes(caller, FACE, DELETED, (job_id,))
        if shown is None or gone or shown.job.operation not in KINDS:
            raise not_found(what)
        return shown.job

    async def shown(self, caller: Caller, job: Job) -> dict[str, Any]:
        """Return what shows one job."""
        return whole_row(job, (await self.notes(caller, (job,))).get(job.id, {}), self.profile)

    async def notes(self, caller: Caller, jobs: Sequence[Job]) -> Mapping[str, Mapping[str, Any]]:
        """Return what is remembered of the requests that made these jobs, as far as they came through this face."""
        return await self.desk.names.notes(caller, FACE, SENT, [job.id for job in jobs])

    def query(self, **how: Any) -> JobQuery:
        """Return the question for the team's pictures, without what was deleted."""
        return JobQuery(operations=_OPERATIONS, unless_named=(FACE, DELETED), **how)

    async def jobs(self, caller: Caller, *, states: tuple[JobState, ...] = (), **how: Any) -> Sequence[Job]:
        """Return the team's jobs, newest first."""
        return (await self.desk.jobs.list(caller, self.query(**{"states": states, "limit": MOST_ROWS, **how}))).jobs

    async def rows(self, caller: Caller, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """Return what lists show of jobs."""
        notes = await self.notes(caller, jobs)
        return [list_row(job, notes.get(job.id, {}), self.profile) for job in jobs]

    async def stats(self, caller: Caller) -> dict[str, int]:
        """Count the team's jobs in the four states that have a counter; one that loads its model is processing."""
        found = await self.desk.jobs.counts(caller, self.query())
        return {
            "pending": found.get("queued", 0),
            "processing": found.get("running", 0),
            "completed": found.get("succeeded", 0),
            "failed": found.get("failed", 0) + found.get("blocked", 0),
        }
