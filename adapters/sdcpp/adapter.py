"""Drives one sd.cpp Studio, by its queue routes alone: the sync ones never tell the id of what they wait for.

A cancel of a job that has started is only a note in its row: the worker goes on, and the row comes back to life. So
such a job counts as running until it has really ended.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
from msgspec import structs

from adapters.kit.http import MAX_PICTURE_BYTES, Exchanges
from adapters.sdcpp import errors, translate
from adapters.sdcpp.capability import ACCOUNT, discovery
from adapters.sdcpp.translate import Note, to_handle, to_note
from adapters.sdcpp.wire import Config, Job, Models, Queue, Queued
from contracts.capability import Discovery
from contracts.catalog import CatalogError
from contracts.port import (
    Absent,
    AccountHealth,
    BackendSettings,
    CannotTell,
    Done,
    Emit,
    Handle,
    Health,
    InputBytes,
    Moments,
    Order,
    Output,
    Pending,
    Polled,
    Prepared,
    Recovered,
    Stopped,
)

#: A submit that was on its way when we stopped looking has arrived by then.
GRACE_S = 2.0
#: Rows created this long before our submit cannot be ours, whatever the clocks say.
WINDOW_S = 120.0


class Sdcpp:
    """See the module's docstring."""

    def __init__(self, settings: BackendSettings) -> None:
        """Take the settings of one backend."""
        self._settings = settings
        self._found: Discovery | None = None
        self._exchanges = Exchanges(
            settings,
            read=errors.read,
            classify=errors.TABLE.classify,
            # X-Api-Key would stand in the server's own log in clear (wire §7.7).
            key_header=lambda key: {"Authorization": f"Bearer {key}"},
        )

    async def close(self) -> None:
        """Close connections."""
        await self._exchanges.close()

    def discovery(self) -> Discovery | None:
        """Return what was last found."""
        return self._found

    async def discover(self) -> Discovery:
        """Read the list of models and the default one."""
        config = await self._exchanges.json(Config, "GET", "/api/config")
        models = await self._exchanges.json(Models, "GET", "/api/v1/models")
        self._found = discovery(models, config, self._settings.timeouts)
        return self._found

    async def health(self) -> Health:
        """Ask the configuration, which also tells whether our key is right, and needs none."""
        config = await self._exchanges.json(Config, "GET", "/api/config")
        ready = not config.auth_enabled or config.key_valid
        code = None if ready else "backend.credentials_rejected"
        return Health(up=True, accounts=(AccountHealth(name=ACCOUNT, ready=ready, code=code),))  # type: ignore[arg-type]

    def prepare(self, order: Order) -> Prepared:
        """Make the handle with the fingerprint."""
        return translate.prepare(order)

    async def submit(self, handle: Handle, order: Order, inputs: Sequence[InputBytes], emit: Emit) -> Pending | Done:
        """Put the job into the queue."""
        del inputs, emit
        answer = await self._exchanges.json(
            Queued,
            "POST",
            "/api/queue/generate",
            body=msgspec.json.encode(translate.to_request(order)),
            timeout_s=order.capability.time.submit_s,
            phase="queue",
        )
        note = structs.replace(to_note(handle), job_id=answer.job_id)
        return Pending(translate.POLL_S, phase="queued_at_backend", handle=to_handle(note, handle.id))

    async def poll(self, handles: Sequence[Handle]) -> Mapping[str, Polled]:
        """Read one row."""
        (handle,) = handles
        note = to_note(handle)
        try:
            job = await self._exchanges.json(Job, "GET", f"/api/queue/{note.job_id}", route="GET /api/queue/:id")
        except CatalogError as error:
            # Whatever is not about this very job may pass: the engine asks again.
            if error.code not in ("backend.job_lost", "resource.not_found", "resource.expired"):
                raise
            return {handle.id: error}
        return {handle.id: self._read(job, note)}

    def _read(self, job: Job, note: Note) -> Polled:
        if job.status == "completed":
            if job.images:
                return translate.to_done(job, note)
            return CatalogError(
                "backend.bad_response",
                "The backend calls the job completed and has no picture of it.",
                outcome="finished_no_result",
                backend=self._settings.name,
            )
        if job.status in ("pending", "processing", "model_loading"):
            return translate.to_pending(job)
        if job.status == "cancelled" and job.started_at is not None:
            return translate.to_pending(structs.replace(job, status="processing"))
        return self._exchanges.error(errors.job_signal(job.status, job.error))

    async def cancel(self, handle: Handle) -> Stopped:
        """Cancel the row; only a job that had not started is really stopped (wire §5)."""
        note = to_note(handle)
        if note.job_id is None:
            return Stopped("forgotten", "the backend's id of this job is not known yet")
        try:
            answer = await self._exchanges.send(
                "DELETE", f"/api/queue/{note.job_id}", timeout_s=10, route="DELETE /api/queue/:id"
            )
        except CatalogError as error:
            if error.facts.get("reason") == "look_again":
                return Stopped("forgotten", "the backend cannot cancel it in its present state")
            raise
        job = self._exchanges.decode(answer.body, _Cancelled, status=answer.status).job
        if job.started_at is None:
            return Stopped("stopped", "the job had not started")
        return Stopped("forgotten", "the job had started: the backend makes the picture all the same")

    async def recover(self, handle: Handle, moments: Moments) -> Recovered:
        """Find a submit whose answer was lost by its fingerprint; rows are durable, so none means none."""
        note = to_note(handle)
        if note.job_id is not None:
            return Pending(0)
        queue = await self._exchanges.json(Queue, "GET", "/api/queue", max_bytes=MAX_PICTURE_BYTES)
        since = (moments.submitted_at - WINDOW_S) * 1000
        ours = [job for job in queue.jobs if translate.is_ours(job, note) and (job.created_at or since) >= since]
        if len(ours) > 1:
            return CannotTell("several jobs at the backend carry this seed and prompt")
        if ours:
            found = structs.replace(note, job_id=ours[0].id)
            return Pending(0, phase=translate.to_phase(ours[0]), handle=to_handle(found, handle.id))
        if moments.now - moments.submitted_at < GRACE_S:
            return Pending(GRACE_S, found=False)
        return Absent()

    def fetch(self, output: Output) -> AsyncIterator[bytes]:
        """Stream a picture; its content type is not believed."""
        return self._exchanges.stream(output.reference or "", max_bytes=MAX_PICTURE_BYTES)


class _Cancelled(msgspec.Struct, frozen=True):
    job: Job
