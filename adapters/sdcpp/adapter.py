"""Drives one sd.cpp Studio, by its queue routes alone: the sync ones never tell the id of what they wait for.

A cancel of a job that has started is only a note in its row: the worker goes on, and the row comes back to life. So
such a job counts as running until it has really ended, and no row is ever deleted: under a running job that kills the
server (wire §5).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeVar

import msgspec
from msgspec import structs

from adapters.kit.http import MAX_PICTURE_BYTES, Exchanges
from adapters.kit.passing import passed
from adapters.kit.socket import spoken
from adapters.sdcpp import asking, errors, relay, translate
from adapters.sdcpp.capability import ACCOUNT, discovery
from adapters.sdcpp.tracing import Trace
from adapters.sdcpp.translate import Note, to_handle, to_note
from adapters.sdcpp.wire import Cancelled, Config, Fleet, Heard, Job, Models, Queued, Upscaler, WaitingList
from contracts.capability import Discovery
from contracts.catalog import CatalogError
from contracts.port import (
    AccountHealth,
    BackendSettings,
    Done,
    Emit,
    Handle,
    Health,
    Hint,
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
from contracts.relay import RelayCall, Relayed

T = TypeVar("T")

#: What one exchange costs besides its answer, in bytes of rows that cost as much; and one row. Read here an exchange
#: costs as much as some 500 rows; a tenth of that is taken, because the server has to write every one of them.
EXCHANGE_BYTES = 64 * 1024
ROW_BYTES = 1200
#: A list that could not be read to its end costs more than any number of single answers.
TOO_LONG = 2**40
#: Jobs whose names are kept for the socket, which knows them by their native ids alone.
MAX_NAMES = 20_000
SUBSCRIBE = '{"type":"subscribe","channel":"queue"}'


class Sdcpp:
    """See the module's docstring."""

    def __init__(self, settings: BackendSettings) -> None:
        """Take the settings of one backend."""
        self._settings = settings
        self._found: Discovery | None = None
        # X-Api-Key would stand in the server's own log in clear (wire §7.7).
        self._key = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        self._exchanges = Exchanges(
            settings,
            read=errors.read,
            classify=errors.TABLE.classify,
            key_header=lambda _key: self._key,
        )
        self._trace = Trace(self._exchanges)
        self._names: dict[str, str] = {}
        self._list_bytes: int | None = None
        self._has_socket = True
        #: Jobs that were cancelled in the worker's hands, and whether the server was away since.
        self._forsaken: dict[str, bool] = {}

    async def close(self) -> None:
        """Close connections."""
        await self._exchanges.close()

    def discovery(self) -> Discovery | None:
        """Return what was last found."""
        return self._found

    async def discover(self) -> Discovery:
        """Read the list of models, how they run, the default ones, and what enlarges pictures."""
        config = await self._exchanges.json(Config, "GET", "/api/config")
        models = await self._exchanges.json(Models, "GET", "/api/v1/models")
        fleet = await self._offered(Fleet, "/api/models") or Fleet()
        upscalers = await self._offered(tuple[Upscaler, ...], "/sdapi/v1/upscalers") or ()
        self._found = discovery(models, config, fleet, upscalers, self._settings.timeouts)
        # Both may have changed: they are found out anew.
        self._list_bytes, self._has_socket = None, True
        return self._found

    async def _offered(self, kind: type[T], path: str) -> T | None:
        """Read what not every release has; None where it is not there."""
        try:
            return await self._exchanges.json(kind, "GET", path)
        except CatalogError as error:
            if error.code == "backend.bad_response":
                return None
            raise

    async def health(self) -> Health:
        """Ask the configuration, which also tells whether our key is right, and needs none."""
        config = await self._exchanges.json(Config, "GET", "/api/config")
        ready = not config.auth_enabled or config.key_valid
        code = None if ready else "backend.credentials_rejected"
        return Health(up=True, accounts=(AccountHealth(name=ACCOUNT, ready=ready, code=code),))  # type: ignore[arg-type]

    def prepare(self, order: Order) -> Prepared:
        """Make the handle with the fingerprint."""
        return asking.prepare(order)

    async def submit(self, handle: Handle, order: Order, inputs: Sequence[InputBytes], emit: Emit) -> Pending | Done:
        """Put the job into the queue."""
        del emit
        ask = await asking.ask(order, inputs)
        answer = await self._exchanges.json(
            Queued,
            "POST",
            ask.path,
            body=ask.body,
            form=ask.form,
            timeout_s=order.capability.time.submit_s,
            phase="queue",
        )
        note = structs.replace(to_note(handle), job_id=answer.job_id)
        self._know(answer.job_id, handle.id)
        return Pending(translate.POLL_S, phase="queued_at_backend", handle=to_handle(note, handle.id))

    def lists(self, count: int) -> bool:
        """Say whether the list of what waits there is worth it: it is unpaged, and strangers' jobs are in it."""
        if count < 2 or self._list_bytes is None:
            return count > 1
        return EXCHANGE_BYTES + self._list_bytes < count * (EXCHANGE_BYTES + ROW_BYTES)

    async def poll(self, handles: Sequence[Handle]) -> Mapping[str, Polled]:
        """Read one row, or the list of what waits: who is no longer in it is asked after by itself."""
        if len(handles) > 1:
            return await self._listed(handles)
        (handle,) = handles
        note = to_note(handle)
        try:
            if note.forsaken:
                return {handle.id: await self._beside(note, handle.id)}
            job = await self._exchanges.json(Job, "GET", f"/api/queue/{note.job_id}", route="GET /api/queue/:id")
        except CatalogError as error:
            if error.code == "backend.unavailable" and error.outcome == "not_started":
                self._forsaken = dict.fromkeys(self._forsaken, True)
            # Whatever is not about this very job may pass: the engine asks again.
            if error.code not in ("backend.job_lost", "resource.not_found", "resource.expired"):
                raise
            self._names.pop(note.job_id or "", None)
            return {handle.id: error}
        polled = self._read(job, note, handle.id)
        if isinstance(polled, Pending):
            self._know(job.id, handle.id)
        else:
            self._names.pop(job.id, None)
            self._forsaken.pop(job.id, None)
        return {handle.id: polled}

    async def _beside(self, note: Note, name: str) -> Polled:
        """Look whether the one worker has gone on to another job: then it has let go of this one for sure."""
        path, route = "/api/queue?status=processing", "GET /api/queue"
        running = await self._exchanges.json(WaitingList, "GET", path, route=route)
        if any(each.id != note.job_id for each in running.jobs):
            self._forsaken[note.job_id or ""] = True
        row_next = to_handle(structs.replace(note, forsaken=False), name)
        return Pending(translate.POLL_S / 2, phase="image", handle=row_next, alone=True)

    async def _listed(self, handles: Sequence[Handle]) -> Mapping[str, Polled]:
        try:
            answer = await self._exchanges.send("GET", "/api/queue?status=pending", route="GET /api/queue")
        except CatalogError as error:
            if error.facts.get("limit") is not None:
                self._list_bytes = TOO_LONG
            raise
        self._list_bytes = len(answer.body)
        waiting = {each.id for each in self._exchanges.decode(answer.body, WaitingList, status=answer.status).jobs}
        found: dict[str, Polled] = {}
        for handle in handles:
            job_id = to_note(handle).job_id
            self._know(job_id or "", handle.id)
            begun = Pending(0, alone=True)
            waits = Pending(translate.POLL_S, phase="queued_at_backend", progress=0.0)
            found[handle.id] = waits if job_id in waiting else begun
        return found

    def _know(self, job_id: str, name: str) -> None:
        self._names[job_id] = name
        if len(self._names) > MAX_NAMES:
            del self._names[next(iter(self._names))]

    def _read(self, job: Job, note: Note, name: str) -> Polled:
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
        if job.status == "cancelled" and job.started_at is not None and not self._forsaken.get(job.id):
            # It comes back to life, unless the server died before its upstream answered (wire §5).
            self._forsaken[job.id] = False
            look_beside = to_handle(structs.replace(note, forsaken=True), name)
            return Pending(translate.POLL_S / 2, phase="image", handle=look_beside, alone=True)
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
        job = self._exchanges.decode(answer.body, Cancelled, status=answer.status).job
        if job.started_at is None:
            self._names.pop(job.id, None)
            return Stopped("stopped", "the job had not started")
        return Stopped("forgotten", "the job had started: the backend makes the picture all the same")

    async def recover(self, handle: Handle, moments: Moments) -> Recovered:
        """Find a submit whose answer was lost by its fingerprint, one look at a time."""
        return await self._trace.recover(to_note(handle), handle.id, moments)

    def watch(self) -> AsyncGenerator[Hint, None] | None:
        """Listen to the socket, unless the server has none."""
        return self._hints() if self._has_socket else None

    async def _hints(self) -> AsyncGenerator[Hint, None]:
        """Yield whose job began or ended. Nothing is repeated there, so a new connection is a reason to ask after all.

        Cancels, deletions and restarts are told to nobody (wire §7.9): polling finds them.
        """
        texts = spoken(
            self._settings.base_url.rstrip("/") + "/ws",
            backend=self._settings.name,
            opening=(SUBSCRIBE,),
            headers=self._key,
            connect_s=self._settings.connect_timeout_s,
        )
        try:
            async with aclosing(texts):
                async for text in texts:
                    hint = self._hint(text)
                    if hint is not None:
                        yield hint
        except CatalogError as error:
            self._has_socket = error.code != "backend.bad_response"
            raise

    def _hint(self, text: str) -> Hint | None:
        try:
            heard = msgspec.json.decode(text, type=Heard)
        except msgspec.DecodeError:
            return None
        if heard.type == "subscribed":
            return Hint(None)
        job_id = heard.data.get("id") if heard.channel == "queue" and isinstance(heard.data, dict) else None
        name = self._names.get(job_id) if isinstance(job_id, str) else None
        return None if name is None else Hint(name)

    async def relay(self, call: RelayCall) -> Relayed:
        """Pass a request about the server's own state on (contracts.relay)."""
        return await passed(self._exchanges, self._settings.name, call, partial(relay.cleaned, call.route))

    def fetch(self, output: Output) -> AsyncIterator[bytes]:
        """Stream a picture; its content type is not believed."""
        return self._exchanges.stream(output.reference or "", max_bytes=MAX_PICTURE_BYTES)
