"""Drives one ima2 server. TAG and HEAD answer when the picture is there; NEW answers at once and is asked again.

What an answer that was lost became is found by request id: in the in-flight registry, then in the history. Presence in
the registry is no proof (phantoms outlive a restart), and absence is one only for a few minutes (durability.md §4).
"""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec
from msgspec import structs

from adapters.ima2 import errors, translate
from adapters.ima2.capability import discovery
from adapters.ima2.translate import Note, to_handle, to_note
from adapters.ima2.wire import (
    AccountStatus,
    CancelAnswer,
    Capabilities,
    GenerateAnswer,
    History,
    HistoryRow,
    Inflight,
    InflightJob,
    Providers,
)
from adapters.ima2.wire import Health as ServerHealth
from adapters.kit.http import MAX_PICTURE_BYTES, Exchanges
from adapters.kit.rules import Signal
from contracts.capability import Discovery
from contracts.catalog import CatalogError
from contracts.codes import ErrorCode
from contracts.job import Phase
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
    PhaseNote,
    Polled,
    Prepared,
    Recovered,
    Stopped,
)

#: The registry's phases in the contract's words.
PHASES: dict[str | None, Phase] = {"queued": "queued_at_backend", "streaming": "image", "decoding": "download"}
#: A request that arrived is in the registry at once; this much later it certainly is.
GRACE_S = 5.0
#: Terminal records live 5 minutes: until then nothing found means that nothing arrived.
TRACELESS_S = 240.0
POLL_S = 1.5
PAGE = 500


class Ima2:
    """See the module's docstring."""

    def __init__(self, settings: BackendSettings) -> None:
        """Take the settings of one backend."""
        self._settings = settings
        self._found: Discovery | None = None
        self._exchanges = Exchanges(
            settings,
            read=errors.read,
            classify=errors.classify,
            key_header=lambda key: {"x-ima2-token": key},
        )

    async def close(self) -> None:
        """Close connections."""
        await self._exchanges.close()

    def discovery(self) -> Discovery | None:
        """Return what the last probes found."""
        return self._found

    async def discover(self) -> Discovery:
        """Probe what it is: capabilities, then providers, then its accounts (wire §13.1)."""
        capabilities = await self._capabilities()
        providers = await self._exchanges.json(Providers, "GET", "/api/providers")
        oauth = await self._exchanges.json(AccountStatus, "GET", "/api/oauth/status")
        grok = None
        if capabilities is not None and "grok" in (capabilities.valid.get("providers") or ()):
            grok = await self._exchanges.json(AccountStatus, "GET", "/api/grok/status")
        self._found = discovery(capabilities, providers, oauth, grok, self._settings.timeouts)
        return self._found

    async def _capabilities(self) -> Capabilities | None:
        try:
            return await self._exchanges.json(Capabilities, "GET", "/api/capabilities")
        except CatalogError as error:
            # TAG and HEAD answer a 404 page: that is their way of saying what they are.
            if error.code == "backend.bad_response" and error.native and error.native.http_status == 404:
                return None
            raise

    async def health(self) -> Health:
        """Ask each account; `/api/health` itself says `ok` even with a dead upstream (wire §2)."""
        oauth = await self._exchanges.json(AccountStatus, "GET", "/api/oauth/status")
        accounts = [_account("oauth", oauth.status)]
        names = {account.name for account in self._found.accounts} if self._found else set()
        if "api" in names:
            providers = await self._exchanges.json(Providers, "GET", "/api/providers")
            accounts.append(_account("api", "ready" if providers.api_key else "no_key"))
        if "grok" in names:
            grok = await self._exchanges.json(AccountStatus, "GET", "/api/grok/status")
            accounts.append(_account("grok", grok.status))
        return Health(up=True, accounts=tuple(accounts))

    @property
    def _is_new(self) -> bool:
        return self._found is not None and self._found.profile == "new"

    def prepare(self, order: Order) -> Prepared:
        """Make the request id and the note; NEW is asked asynchronously."""
        return translate.prepare(order, asynchronous=not order.capability.blocking)

    async def submit(self, handle: Handle, order: Order, inputs: Sequence[InputBytes], emit: Emit) -> Pending | Done:
        """Hand the work over; on TAG and HEAD this lasts until the picture is there, without a sign of life."""
        del handle
        asynchronous = not order.capability.blocking
        request = translate.to_request(order, inputs, asynchronous=asynchronous)
        headers = {"X-Request-Id": request.request_id}
        if asynchronous:
            headers["Idempotency-Key"] = request.request_id
        else:
            emit(PhaseNote("image"))
        try:
            answer = await self._exchanges.send(
                "POST",
                "/api/generate",
                body=msgspec.json.encode(request),
                headers=headers,
                timeout_s=order.capability.time.submit_s,
                phase="image",
                lasting=not asynchronous,
                max_bytes=MAX_PICTURE_BYTES,
            )
        except CatalogError as error:
            if error.facts.get("reason") == "ours_already":
                return Pending(POLL_S)
            raise
        body = self._exchanges.decode(answer.body, GenerateAnswer, status=answer.status)
        if answer.status == 202:
            return Pending(POLL_S, phase="image")
        return translate.from_answer(body, order)

    async def poll(self, handles: Sequence[Handle]) -> Mapping[str, Polled]:
        """Ask the registry for all handles at once, or the history for those that the registry calls finished."""
        notes = {handle.id: to_note(handle) for handle in handles}
        finished = [note for note in notes.values() if note.stage == "history"]
        if finished:
            return await self._in_history(notes, finished[0])
        inflight = await self._inflight()
        return {name: self._registered(note, inflight) for name, note in notes.items()}

    async def _inflight(self) -> Inflight:
        return await self._exchanges.json(Inflight, "GET", "/api/inflight?includeTerminal=1")

    def _registered(self, note: Note, inflight: Inflight) -> Polled:
        for job in inflight.terminal_jobs:
            if job.request_id == note.request_id:
                return self._ended(note, job)
        for job in inflight.jobs:
            if job.request_id == note.request_id:
                return Pending(POLL_S, phase=PHASES.get(job.phase, "image"))
        return Absent()

    def _ended(self, note: Note, job: InflightJob) -> Polled:
        if job.status == "completed":
            since = (job.started_at or 1) - 1
            return Pending(
                0, phase="download", handle=to_handle(structs.replace(note, stage="history", since_ms=since))
            )
        signal = Signal(route="POST /api/generate", status=job.http_status, code=job.error_code, state=job.status)
        return self._exchanges.error(signal)

    async def _in_history(self, notes: Mapping[str, Note], lead: Note) -> dict[str, Polled]:
        """Look one page of the history over, led by one note, for all of them."""
        since = min((note.since_ms or 0 for note in notes.values() if note.stage == "history"), default=None)
        items, cursor = await self._page(structs.replace(lead, since_ms=since))
        answers: dict[str, Polled] = {}
        for name, note in notes.items():
            rows = [row for row in items if row.request_id == note.request_id]
            if rows:
                answers[name] = translate.from_rows(rows, note)
            elif note is lead:
                answers[name] = Absent() if cursor is None else Pending(0, handle=to_handle(cursor))
            else:
                answers[name] = Pending(0 if note.stage == "history" else POLL_S)
        return answers

    async def _page(self, note: Note) -> tuple[tuple[HistoryRow, ...], Note | None]:
        """Read a page; return its rows, and the note that leads on to the next one if there is one."""
        query = f"limit={PAGE}"
        if note.since_ms is not None:
            query += f"&since={note.since_ms:.0f}"
        if note.before is not None:
            query += f"&before={note.before:.0f}&beforeFilename={note.before_filename}"
        history = await self._exchanges.json(History, "GET", f"/api/history?{query}", max_bytes=MAX_PICTURE_BYTES)
        cursor = history.next_cursor
        if cursor is None or len(history.items) < PAGE:
            return history.items, None
        return history.items, structs.replace(note, before=cursor.before, before_filename=cursor.before_filename)

    async def cancel(self, handle: Handle) -> Stopped:
        """TAG and HEAD forget the row and go on; NEW stops the upstream call and says so (wire §7, §11)."""
        note = to_note(handle)
        answer = await self._exchanges.send("DELETE", f"/api/inflight/{note.request_id}", timeout_s=10)
        if answer.status == 204 or not answer.body:
            return Stopped("forgotten", "this server only forgets the request: the picture is still made, and billed")
        said = self._exchanges.decode(answer.body, CancelAnswer, status=answer.status)
        if said.aborted:
            return Stopped("stopped", "the server aborted the upstream call")
        return Stopped("forgotten", "the server had nothing under way to stop")

    async def recover(self, handle: Handle, moments: Moments) -> Recovered:
        """Find a request whose answer was lost, one look at a time: the process, the registry, the history."""
        note = to_note(handle)
        if note.stage == "history":
            return await self._recover_from_history(note, moments)
        if note.stage == "inflight" and not self._is_new:
            health = await self._exchanges.json(ServerHealth, "GET", "/api/health")
            restarted = health.started_at / 1000 > moments.submitted_at
            stage = "history" if restarted else "registry"
            return _look(structs.replace(note, stage=stage, restarted=restarted, since_ms=_since(moments)), 0)
        seen = self._registered(note, await self._inflight())
        if isinstance(seen, Absent):
            return _look(structs.replace(note, stage="history", since_ms=_since(moments)), 0)
        if isinstance(seen, Pending) and seen.handle is None:
            return _look(structs.replace(note, stage="inflight"), POLL_S if self._is_new else GRACE_S, seen.phase)
        if isinstance(seen, Pending):
            return structs.replace(seen, found=False)
        return seen

    async def _recover_from_history(self, note: Note, moments: Moments) -> Recovered:
        items, cursor = await self._page(note)
        rows = [row for row in items if row.request_id == note.request_id]
        if rows:
            return translate.from_rows(rows, note)
        if cursor is not None:
            return _look(cursor, 0)
        if note.restarted:
            return CatalogError(
                "backend.job_lost",
                "The backend restarted while it had the request, and kept no result of it.",
                outcome="unknown",
                backend=self._settings.name,
            )
        again = structs.replace(note, stage="inflight", before=None, before_filename=None)
        waited = moments.now - moments.submitted_at
        if self._is_new:
            # The same Idempotency-Key joins or replays: a second submit is harmless there (wire §11).
            return Absent()
        if waited < GRACE_S:
            return _look(again, GRACE_S)
        if waited < TRACELESS_S:
            return Absent()
        if waited > moments.settle_s:
            return CannotTell("the backend keeps no trace of the request that would tell")
        return _look(again, 15)

    def fetch(self, output: Output) -> AsyncIterator[bytes]:
        """Stream a stored file."""
        return self._exchanges.stream(output.reference or "", max_bytes=MAX_PICTURE_BYTES)


def _look(note: Note, after_s: float, phase: Phase | None = None) -> Pending:
    return Pending(after_s, found=False, phase=phase, handle=to_handle(note))


def _since(moments: Moments) -> float:
    """Return where to begin in the history: two minutes before the submit, for clocks that differ."""
    return (moments.submitted_at - 120) * 1000


def _account(name: str, status: str) -> AccountHealth:
    codes: dict[str, ErrorCode] = {
        "auth_required": "backend.credentials_rejected",
        "no_key": "backend.misconfigured",
        "no_image_model": "backend.misconfigured",
    }
    ready = status == "ready"
    return AccountHealth(
        name=name, ready=ready, code=None if ready else codes.get(status, "backend.unavailable"), detail=status
    )
