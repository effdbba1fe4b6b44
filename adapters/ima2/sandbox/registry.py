"""The in-flight registry: rows that outlive a crash, and what became of the jobs that ended (wire §7).

On TAG and HEAD a row is replaced by a second request with its id, the ends are kept in memory only, and nothing is
ever stopped. NEW refuses a second request, keeps the ends, and stops what it is told to (wire §11).
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from adapters.ima2.sandbox import code
from adapters.ima2.sandbox.failure import Refused, Route
from adapters.ima2.sandbox.profile import MAX_PARALLEL, Profile
from adapters.kit.scenario import Forced
from adapters.kit.shelf import Shelf

#: How long an end is remembered, and how long a row stays without one.
TERMINAL_S = 300.0
STALE_S = 600.0
#: What may be forced on a request as it asks to be let in.
_ADMISSION = {"REQUEST_ID_IN_USE", "TOO_MANY_JOBS"}
_ROW = "inflight"
_END = "terminal"


def milliseconds() -> int:
    """Return the time as JavaScript has it."""
    return int(time.time() * 1000)


class Job(Struct, kw_only=True):
    """A job under way in this process."""

    request_id: str
    route: Route
    kind: str
    forced: dict[str, Forced]
    began: float = field(default_factory=time.monotonic)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def elapsed(self) -> float:
        """Return the seconds since it began."""
        return time.monotonic() - self.began


class Registry:
    """Rows and ends."""

    def __init__(
        self, shelf: Shelf, profile: Profile, speed: float, announce: Callable[[str, str, dict[str, Any]], None]
    ) -> None:
        """Take where rows lie, which build it is, how much faster time runs, and whom to tell of expired jobs."""
        self._shelf = shelf
        self._profile = profile
        self._speed = speed
        self._announce = announce
        self._ends: dict[str, dict[str, Any]] = {}
        self._jobs: dict[str, Job] = {}
        if profile.is_new:
            ends = sorted(shelf.all(_END), key=lambda end: int(end["finishedAt"]))
            self._ends = {end["requestId"]: end for end in ends}

    def start(self, job: Job, prompt: Any, meta: dict[str, Any]) -> None:
        """Put a row; on NEW refuse an id in use, and a job too many. A job without an id is not tracked (wire §3)."""
        for name in _ADMISSION & job.forced.keys():
            # The job that has the id, or the place, keeps its row: nothing of the refused one is noted.
            raise Refused(code.failure(self._profile, job.forced[name], job.route))
        if not job.request_id:
            return
        if self._profile.is_new:
            self._admit(job.request_id)
        began = milliseconds()
        shown = prompt[:500] if isinstance(prompt, str) else ""
        row = {"requestId": job.request_id, "kind": job.kind, "prompt": shown, "meta": meta}
        self._shelf.put(_ROW, job.request_id, {**row, "startedAt": began, "phase": "queued", "phaseAt": began})
        self._forget_end(job.request_id)
        self._jobs[job.request_id] = job

    def _admit(self, request_id: str) -> None:
        self._expire()
        if self._shelf.get(_ROW, request_id) is not None:
            raise Refused(code.failure(self._profile, Forced("REQUEST_ID_IN_USE")))
        if len(self._shelf.all(_ROW)) >= MAX_PARALLEL:
            raise Refused(code.failure(self._profile, Forced("TOO_MANY_JOBS")))

    def set_phase(self, request_id: str, phase: str) -> None:
        """Note that a job went on, if its row is still there."""
        row = self._shelf.get(_ROW, request_id)
        if row is not None and row["phase"] != phase:
            self._shelf.put(_ROW, request_id, {**row, "phase": phase, "phaseAt": milliseconds()})

    def finish(
        self,
        request_id: str,
        *,
        status: str = "completed",
        http_status: int | None = None,
        error_code: str | None = None,
        meta: dict[str, Any] | None = None,
    ) -> None:
        """Take a row away and remember how it ended; without a row nothing is remembered (wire §7)."""
        row = self._shelf.get(_ROW, request_id)
        self._jobs.pop(request_id, None)
        if row is None:
            return
        ended = milliseconds()
        end = {
            "requestId": request_id,
            "kind": row["kind"],
            "status": status,
            "startedAt": row["startedAt"],
            "finishedAt": ended,
            "durationMs": ended - row["startedAt"],
            "phase": row["phase"],
            "phaseAt": row["phaseAt"],
            **({} if http_status is None else {"httpStatus": http_status}),
            **({} if error_code is None else {"errorCode": error_code}),
            "meta": {**row["meta"], **(meta or {})},
        }
        self._shelf.drop(_ROW, request_id)
        self._remember(end)

    def forget(self, request_id: str) -> None:
        """Take a row away without a trace."""
        self._shelf.drop(_ROW, request_id)
        self._jobs.pop(request_id, None)

    def cancel(self, request_id: str) -> dict[str, Any]:
        """Do what DELETE does: TAG and HEAD only forget the row, NEW stops the work, and says so."""
        job = self._jobs.get(request_id)
        active = self._shelf.get(_ROW, request_id) is not None
        if not self._profile.is_new:
            self.finish(request_id, status="canceled")
            return {}
        self.finish(request_id, status="canceled", http_status=499, error_code="GENERATION_CANCELED")
        if not active and request_id not in self._ends:
            now = milliseconds()
            tombstone = {"requestId": request_id, "kind": "unknown", "status": "canceled", "startedAt": now}
            ended = {"finishedAt": now, "durationMs": 0, "phase": "unknown", "phaseAt": now}
            why = {"httpStatus": 499, "errorCode": "GENERATION_CANCELED", "meta": {}}
            self._remember({**tombstone, **ended, **why})
        if job is not None:
            job.stop.set()
        return {"requestId": request_id, "active": active, "aborted": job is not None}

    def expire(self, request_id: str) -> None:
        """End a job as one that was lost sight of; TAG and HEAD just lose the row (wire §7, §11)."""
        if not self._profile.is_new:
            self.forget(request_id)
            return
        job = self._jobs.get(request_id)
        found = code.failure(self._profile, Forced("JOB_TRACKING_TIMEOUT"))
        self.finish(request_id, status="error", http_status=504, error_code=found.code)
        data = {"requestId": request_id, "code": found.code, "status": found.status, "error": found.message}
        self._announce(request_id, "error", data)
        if job is not None:
            job.stop.set()

    def rows(self, kind: str | None = None, session: str | None = None) -> list[dict[str, Any]]:
        """Return the active jobs, oldest first; phantoms of a crash are among them until they expire."""
        self._expire()
        return sorted(
            (row for row in self._shelf.all(_ROW) if _wanted(row, kind, session)), key=lambda row: int(row["startedAt"])
        )

    def ends(self, kind: str | None = None, session: str | None = None) -> list[dict[str, Any]]:
        """Return how jobs ended of late, newest first."""
        self._forget_old_ends()
        ends = [end for end in self._ends.values() if _wanted(end, kind, session)]
        return sorted(ends, key=lambda end: int(end["finishedAt"]), reverse=True)

    def was_canceled(self, request_id: str) -> bool:
        """Say whether a job ended because somebody asked for it."""
        return self._ends.get(request_id, {}).get("status") == "canceled"

    def _expire(self) -> None:
        oldest = milliseconds() - STALE_S * 1000 / self._speed
        for row in self._shelf.all(_ROW):
            if row["startedAt"] < oldest:
                self.expire(row["requestId"])

    def _remember(self, end: dict[str, Any]) -> None:
        self._forget_old_ends()
        self._ends.pop(end["requestId"], None)
        self._ends[end["requestId"]] = end
        if self._profile.is_new:
            self._shelf.put(_END, end["requestId"], end)

    def _forget_old_ends(self) -> None:
        oldest = milliseconds() - TERMINAL_S * 1000 / self._speed
        while self._ends:
            first = next(iter(self._ends.values()))
            if first["finishedAt"] >= oldest:
                return
            self._forget_end(first["requestId"])

    def _forget_end(self, request_id: str) -> None:
        self._ends.pop(request_id, None)
        self._shelf.drop(_END, request_id)


def _wanted(job: dict[str, Any], kind: str | None, session: str | None) -> bool:
    return (not kind or job["kind"] == kind) and (not session or job["meta"].get("sessionId") == session)
