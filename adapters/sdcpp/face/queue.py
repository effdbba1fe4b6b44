"""The queue: submit, look, cancel (wire §7.2). Submits answer 200, and the job's id is the generation's."""

from adapters.kit.express import read, said
from adapters.kit.repeated import replayed
from adapters.sdcpp.face import making
from adapters.sdcpp.face.failure import Refused
from adapters.sdcpp.face.front import Front
from adapters.sdcpp.face.ids import to_uuid
from adapters.sdcpp.face.row import milliseconds, status
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import TERMINAL, Job, JobState

#: How long a cancel waits for what the backend says to it.
CANCEL_WAIT_S = 12.0
#: Studio's states as those that a job of ours may be in.
_STATES: dict[str, tuple[JobState, ...]] = {
    "pending": ("queued",),
    "processing": ("running",),
    "model_loading": ("running",),
    "completed": ("succeeded",),
    "failed": ("failed", "blocked"),
    "cancelled": ("cancelled",),
}
_OPEN: tuple[JobState, ...] = ("queued", "running")


class Queue:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes; fixed words stand before ids."""
        files = {kind: len(names) for kind, names in making.FILES.items()}
        return [
            *(
                FaceRoute(
                    method="POST",
                    template=f"/api/queue/{kind}",
                    answer=self._submit,
                    makes_jobs=True,
                    files=files.get(kind, 0),
                )
                for kind in making.OPERATIONS
            ),
            FaceRoute(method="POST", template="/api/queue/cancel-all", answer=self._cancel_all),
            FaceRoute(method="GET", template="/api/queue", answer=self._list),
            FaceRoute(method="GET", template="/api/queue/stats", answer=self._stats),
            FaceRoute(method="GET", template="/api/queue/{id}", answer=self._show),
            FaceRoute(method="DELETE", template="/api/queue/{id}", answer=self._cancel),
        ]

    async def _submit(self, call: Call, caller: Caller) -> Answer:
        kind = call.path.rstrip("/").rpartition("/")[2]
        ask = await making.asked(self._front, call, caller, kind, waits=False)
        created = await self._front.begin(call, caller, ask)
        return said({"job_id": to_uuid(created.job.id), "status": "pending"}, headers=replayed(created))

    async def _list(self, call: Call, caller: Caller) -> Answer:
        """Show the team's jobs, in one state if that is asked; the counters are of all of them."""
        front, wanted = self._front, call.query.get("status") or None
        jobs: list[Job] = []
        if wanted is None or wanted in _STATES:
            jobs = list(await front.jobs(caller, states=_STATES.get(wanted or "", ())))
        if wanted is not None:
            # Whether a model loads is a phase of ours, and no state.
            jobs = [job for job in jobs if status(job, front.profile) == wanted]
        return read(call, {"jobs": await front.rows(caller, jobs), "stats": await front.stats(caller)})

    async def _stats(self, call: Call, caller: Caller) -> Answer:
        return read(call, await self._front.stats(caller))

    async def _show(self, call: Call, caller: Caller) -> Answer:
        job = await self._front.job(caller, call.params["id"], "Job")
        return read(call, await self._front.shown(caller, job))

    async def _cancel(self, call: Call, caller: Caller) -> Answer:
        """Cancel what waits or runs; one text for all that cannot be (wire §7.2)."""
        cannot = Refused("Job not found or cannot be cancelled", status=404, code="resource.state_conflict")
        try:
            job = await self._front.job(caller, call.params["id"], "Job")
        except Refused as refused:
            raise cannot if refused.status == 404 else refused from None
        if job.state in TERMINAL or not await self._cancelled(caller, job, CANCEL_WAIT_S):
            raise cannot
        job = await self._front.job(caller, call.params["id"], "Job")
        shown = await self._front.shown(caller, job)
        if job.cancel is not None and job.cancel.answer != "stopped":
            # Said here alone, and as Studio says it: the work had begun, and its backend may go on with it.
            shown["started_at"] = milliseconds(job.started_at)
        return said({"success": True, "job": shown})

    async def _cancel_all(self, _call: Call, caller: Caller) -> Answer:
        """Cancel all that the queue lists; nobody waits for what their backends say."""
        jobs = await self._front.jobs(caller, states=_OPEN)
        done = [await self._cancelled(caller, job, 0) for job in jobs]
        return said({"success": True, "cancelled": sum(done)})

    async def _cancelled(self, caller: Caller, job: Job, wait_s: float) -> bool:
        """Say whether a job is cancelled, or about to be; False when it ended by itself."""
        try:
            await self._front.desk.jobs.cancel(caller, job.id, wait_s=wait_s)
        except CatalogError as error:
            if error.code in ("resource.state_conflict", "resource.not_found", "resource.expired"):
                return False
            raise
        return True
