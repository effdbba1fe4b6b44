"""Finding work again: the registry while it is young, the history once it is done, the time when neither knows.

Presence in the registry is no proof (phantoms outlive a restart), and absence is one only for a few minutes. An edit's
row of the history bears no request id: only the registry's terminal record tells which file it became, and that lives
five minutes (wire §4, §7; durability.md §4).
"""

from collections.abc import Mapping

from msgspec import structs

from adapters.ima2 import translate
from adapters.ima2.asking import PATHS
from adapters.ima2.stream import Streams
from adapters.ima2.translate import Note, Route, to_handle
from adapters.ima2.wire import Health, History, HistoryRow, Inflight, InflightJob
from adapters.kit.http import MAX_PICTURE_BYTES
from adapters.kit.rules import Signal
from contracts.catalog import CatalogError
from contracts.job import Phase
from contracts.port import Absent, CannotTell, Moments, Pending, Polled, Recovered

#: The registry's phases in the contract's words.
PHASES: dict[str | None, Phase] = {
    "queued": "queued_at_backend",
    "planning": "planner",
    "streaming": "image",
    "decoding": "download",
}
#: A request that arrived is in the registry at once; this much later it certainly is.
GRACE_S = 5.0
#: Terminal records live 5 minutes: until then nothing found means that nothing arrived.
TRACELESS_S = 240.0
POLL_S = 1.5
PAGE = 500
#: NEW replays or joins these by their Idempotency-Key: a second submit starts nothing twice (wire §11).
IDEMPOTENT: frozenset[Route] = frozenset({"generate"})


class Trace:
    """Looks for the work of one backend, one exchange a look."""

    def __init__(self, exchanges: Streams, backend: str) -> None:
        """Take the exchanges and the backend's name."""
        self._exchanges = exchanges
        self._backend = backend

    async def poll(self, notes: Mapping[str, Note]) -> Mapping[str, Polled]:
        """Ask the registry for all of them at once, or the history for those that the registry calls finished."""
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
                return Pending(POLL_S, phase=_phase(note, job))
        return Absent()

    def _ended(self, note: Note, job: InflightJob) -> Polled:
        meta = job.meta or {}
        if job.status == "completed" and meta.get("status") != "empty":
            names = meta.get("filenames") or [meta.get("filename")]
            found = structs.replace(
                note,
                stage="history",
                ended=True,
                since_ms=(job.started_at or 1) - 1,
                filenames=tuple(name for name in names if isinstance(name, str)),
            )
            return Pending(0, phase="download", handle=to_handle(found))
        state = "empty" if job.status == "completed" else job.status
        route = f"POST {PATHS[note.route]}"
        return self._exchanges.error(Signal(route=route, status=job.http_status, code=job.error_code, state=state))

    async def _in_history(self, notes: Mapping[str, Note], lead: Note) -> dict[str, Polled]:
        """Look one page of the history over, led by one note, for all of them."""
        since = min((note.since_ms or 0 for note in notes.values() if note.stage == "history"), default=None)
        items, cursor = await self._page(structs.replace(lead, since_ms=since))
        answers: dict[str, Polled] = {}
        for name, note in notes.items():
            rows = _rows_of(note, items)
            if rows:
                answers[name] = translate.from_rows(rows, note)
            elif note is not lead:
                answers[name] = Pending(0 if note.stage == "history" else POLL_S)
            elif cursor is not None:
                answers[name] = Pending(0, handle=to_handle(cursor))
            else:
                answers[name] = translate.from_filenames(note) if note.filenames else Absent()
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

    async def recover(self, note: Note, moments: Moments) -> Recovered:
        """Find a request whose answer was lost, one look at a time: the process, the registry, the history."""
        if note.stage == "history":
            return await self._recover_from_history(note, moments)
        if note.stage == "inflight" and not note.is_new:
            restarted = await self._restarted(moments)
            stage = "history" if restarted else "registry"
            return _look(structs.replace(note, stage=stage, restarted=restarted, since_ms=_since(moments)), 0)
        seen = self._registered(note, await self._inflight())
        if isinstance(seen, Absent):
            return _look(structs.replace(note, stage="history", since_ms=_since(moments)), 0)
        if isinstance(seen, Pending) and seen.handle is None:
            return _look(structs.replace(note, stage="inflight"), POLL_S if note.is_new else GRACE_S, seen.phase)
        if isinstance(seen, Pending):
            return structs.replace(seen, found=False)
        return seen

    async def _recover_from_history(self, note: Note, moments: Moments) -> Recovered:
        items, cursor = await self._page(note)
        rows = _rows_of(note, items)
        if rows:
            return translate.from_rows(rows, note)
        if cursor is not None:
            return _look(cursor, 0)
        if note.filenames:
            return translate.from_filenames(note)
        if note.ended:
            return self._lost("The backend ended the work, and no longer has what it made.")
        if note.is_new and note.route in IDEMPOTENT:
            return Absent()
        if not note.is_new and not note.restarted and await self._restarted(moments):
            # It went between two looks, and its registry with it: only what the history says now is true.
            return _look(structs.replace(note, restarted=True, before=None, before_filename=None), 0)
        return self._without_a_trace(note, moments)

    async def _restarted(self, moments: Moments) -> bool:
        """Ask whether the process that was given the request is another one than today's."""
        health = await self._exchanges.json(Health, "GET", "/api/health")
        return health.started_at / 1000 > moments.submitted_at

    def _without_a_trace(self, note: Note, moments: Moments) -> Recovered:
        """Say what it means that neither knows of the request: that depends on how long ago it was sent."""
        if note.restarted and note.route != "edit":
            return self._lost("The backend restarted while it had the request, and kept no result of it.")
        again = structs.replace(note, stage="inflight", before=None, before_filename=None)
        waited = moments.now - moments.submitted_at
        if waited < GRACE_S and not note.restarted:
            return _look(again, GRACE_S)
        if waited < TRACELESS_S and not note.restarted:
            return Absent()
        if waited <= moments.settle_s and note.route != "edit":
            return _look(again, 15)
        if note.is_new and note.route != "edit":
            # The candidate's capability speaks of the idempotent route; this one must not be sent again unasked.
            return self._lost("The backend keeps no trace of the request that would tell what became of it.")
        return CannotTell("the backend keeps no trace of the request that would tell")

    def _lost(self, detail: str) -> CatalogError:
        return CatalogError("backend.job_lost", detail, outcome="unknown", backend=self._backend)


def _rows_of(note: Note, items: tuple[HistoryRow, ...]) -> list[HistoryRow]:
    return [row for row in items if row.request_id == note.request_id or row.filename in note.filenames]


def _phase(note: Note, job: InflightJob) -> Phase:
    found = PHASES.get(job.phase, "image")
    return "video" if note.route == "video" and found == "image" else found


def _look(note: Note, after_s: float, phase: Phase | None = None) -> Pending:
    return Pending(after_s, found=False, phase=phase, handle=to_handle(note))


def _since(moments: Moments) -> float:
    """Return where to begin in the history: two minutes before the submit, for clocks that differ."""
    return (moments.submitted_at - 120) * 1000
