"""A backend that has works of its own and tells the truth about them, over lines that break, hang and lose answers."""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, get_args

from msgspec import Raw

from contracts.capability import Capability, TimeLimits
from contracts.catalog import CATALOG, CatalogError, Outcome
from contracts.codes import ErrorCode
from contracts.port import (
    Absent,
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
    Recovered,
    Stopped,
)
from tests.unit.gateway.engine.fake_backend import FakeAdapter, done, lost, offered, picture

#: What may happen to one exchange; those of `Server.submit` say how far the order gets.
TROUBLES: dict[str, tuple[str, ...]] = {
    "submit": (
        "refused",
        "never_arrives",
        "answer_lost",
        "waits_outside",
        "answer_waits",
        "bug",
        "nonsense",
        "at_once",
    ),
    "poll": ("unavailable", "waits", "bug", "nonsense", "omits"),
    "recover": ("unavailable", "waits", "bug", "nonsense", "looking", "cannot_tell"),
    "cancel": ("unavailable", "waits", "bug", "nonsense"),
    "fetch": ("unavailable", "waits", "bug", "garbage", "short"),
}
#: How a work ends at the backend: with something that is, or is not, what was ordered; else with an error.
RESULTS = ("pictures", "references", "more", "fewer", "none", "no_base64", "no_picture")
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
ERRORS: tuple[ErrorCode, ...] = tuple(code for code in CATALOG if code.startswith(("backend.", "policy.")))
TIME = TimeLimits(submit_s=15, attempt_s=60, settle_s=90, stuck_load_s=30)
#: One that makes a picture while its caller waits and cannot be asked afterwards; one that can; one that polls batches.
KINDS: dict[str, Capability] = {
    "blind": Capability(blocking=True, cancel="cannot", time=TIME),
    "queue": Capability(recover=True, cancel="stops", progress=True, max_n=2, time=TIME),
    "batch": Capability(recover=True, poll_batch=True, cancel="forgets", time=TIME),
}


class Work:
    """What a backend has of one attempt."""

    def __init__(self, key: str, count: int) -> None:
        """Begin to run."""
        self.key = key
        self.count = count
        self.end: Done | CatalogError | None = None


class Line:
    """One exchange that lasts until somebody lets it go on, or cuts it."""

    def __init__(self, verb: str, key: str) -> None:
        """Take what it is about."""
        self.verb = verb
        self.key = key
        self.future: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Server(FakeAdapter):
    """One backend. What it must never be asked is kept in `faults`."""

    def __init__(self, name: str) -> None:
        """Take its name, which is its kind."""
        super().__init__(name, KINDS[name])
        self.capability = KINDS[name]
        self.up = True
        self.works: dict[str, Work] = {}
        self.lines: list[Line] = []
        self.refusal: tuple[ErrorCode, float | None] = ("backend.overloaded", None)
        self.faults: list[str] = []
        #: Jobs that had ended when everything last stood still.
        self.ended: set[str] = set()
        self.said: dict[str, list[str]] = {}
        self.sent: Counter[str] = Counter()
        self.on_its_way: Counter[str] = Counter()
        self._told_absent: set[str] = set()

    @property
    def running(self) -> list[Work]:
        """What it works on now."""
        return [work for work in self.works.values() if work.end is None]

    def finish(self, work: Work, end: str | tuple[ErrorCode, Outcome]) -> None:
        """Let a work end."""
        names = [f"{work.key}/{at}" for at in range(work.count)]
        ends: dict[str, Done] = {
            "pictures": done(*names),
            "references": offered(*names),
            "more": done(*names, "more"),
            "fewer": done(names[0]),
            "none": Done(outputs=()),
            "no_base64": Done(outputs=(Output(index=0, base64=b"!!"),)),
            "no_picture": Done(outputs=(Output(index=0, base64=base64.b64encode(b"hello")),)),
        }
        work.end = ends[end] if isinstance(end, str) else CatalogError(end[0], "It failed.", outcome=end[1])
        self.let_go([line for line in self.lines if (line.verb, line.key) == ("work", work.key)])

    def let_go(self, lines: Sequence[Line]) -> None:
        """Let exchanges go on."""
        for line in lines:
            if not line.future.done():
                line.future.set_result(None)

    def cut(self, lines: Sequence[Line]) -> None:
        """Break lines; the work at the other end goes on."""
        for line in lines:
            if not line.future.done():
                line.future.set_exception(lost())

    def forget(self) -> None:
        """Start anew: what ran is gone, and every line is broken."""
        self.works = {key: work for key, work in self.works.items() if work.end is not None}
        self.cut(list(self.lines))

    def _trouble(self, verb: str) -> str | None:
        if not self.up:
            raise CatalogError("backend.unavailable", "Nobody listens there.", outcome="not_started")
        trouble: str | None = self._next(verb) if self._line[verb] else None
        if trouble == "unavailable":
            raise CatalogError("backend.unavailable", "The line broke.")
        return trouble

    async def _wait(self, verb: str, key: str) -> None:
        line = Line(verb, key)
        self.lines.append(line)
        self.blocked[verb] += 1
        try:
            await line.future
        finally:
            self.blocked[verb] -= 1
            self.lines.remove(line)

    async def health(self) -> Health:
        """See the port."""
        if not self.up:
            raise CatalogError("backend.unavailable", "Nobody listens there.")
        return await super().health()

    async def submit(
        self, handle: Handle, order: Order, _inputs: Sequence[InputBytes], _emit: Emit, /
    ) -> Pending | Done:
        """See the port."""
        key = key_of(handle)
        self._asked("submit", handle)
        self._check_order(key, order)
        self._told_absent.discard(key)
        self.sent[key] += 1
        self.on_its_way[key] += 1
        try:
            return await self._submit(key, order)
        finally:
            self.on_its_way[key] -= 1

    def _check_order(self, key: str, order: Order) -> None:
        if key in self.works:
            self.faults.append(f"{key} was sent again although the backend has it")
        if self.sent[key] and key not in self._told_absent:
            self.faults.append(f"{key} was sent again although nobody knows what became of it")
        if self.on_its_way[key]:
            self.faults.append(f"{key} was sent again while it was on its way")
        if order.job_id in self.ended:
            self.faults.append(f"{key} was sent although its job had ended")

    async def _submit(self, key: str, order: Order) -> Pending | Done:
        trouble = await self._arrive(key)
        work = self.works[key] = Work(key, order.count)
        if trouble == "answer_lost":
            raise lost()
        if trouble == "bug":
            raise ZeroDivisionError
        if trouble == "nonsense":
            return "nonsense"  # type: ignore[return-value]
        if trouble == "answer_waits":
            await self._wait("submit", key)
        if trouble == "at_once":
            self.finish(work, "pictures")
        while self.capability.blocking and work.end is None:
            await self._wait("work", key)
        if isinstance(work.end, CatalogError):
            raise work.end
        return work.end or Pending(1.0, handle=Handle(f"own:{key}", Raw(b"{}")))

    async def _arrive(self, key: str) -> str | None:
        trouble = self._trouble("submit")
        if trouble == "refused":
            raise CatalogError(self.refusal[0], "no", outcome="not_started", retry_after_s=self.refusal[1])
        if trouble == "never_arrives":
            raise lost()
        if trouble == "waits_outside":
            await self._wait("submit", key)
        return trouble

    def _truth(self, key: str) -> Pending | Done | Absent | CatalogError:
        work = self.works.get(key)
        if work is None:
            return Absent()
        return work.end or Pending(1.0, phase="image", progress=0.5)

    async def poll(self, handles: Sequence[Handle]) -> Mapping[str, Polled]:
        """See the port."""
        self._asked("poll", *handles)
        trouble = self._trouble("poll")
        if trouble == "waits":
            await self._wait("poll", key_of(handles[0]))
        if trouble == "bug":
            raise ZeroDivisionError
        answers: dict[str, Any] = {handle.id: self._truth(key_of(handle)) for handle in handles}
        if trouble == "nonsense":
            answers[handles[0].id] = "nonsense"
        if trouble == "omits":
            del answers[handles[0].id]
        return answers

    async def recover(self, handle: Handle, _moments: Moments, /) -> Recovered:
        """See the port."""
        self._asked("recover", handle)
        key, trouble = key_of(handle), self._trouble("recover")
        if trouble == "waits":
            await self._wait("recover", key)
        if trouble == "bug":
            raise ZeroDivisionError
        if trouble == "nonsense":
            return "nonsense"  # type: ignore[return-value]
        if trouble == "looking":
            return Pending(1.0, found=False)
        if trouble == "cannot_tell" or not self.capability.recover:
            return CannotTell("it keeps no record")
        answer = self._truth(key)
        if isinstance(answer, Absent):
            self._told_absent.add(key)
        return answer

    async def cancel(self, handle: Handle) -> Stopped:
        """See the port."""
        self._asked("cancel", handle)
        key, trouble = key_of(handle), self._trouble("cancel")
        if trouble == "waits":
            await self._wait("cancel", key)
        if trouble == "bug":
            raise ZeroDivisionError
        if trouble == "nonsense":
            return "nonsense"  # type: ignore[return-value]
        answer = self._cancelled(self.works.get(key))
        self.said.setdefault(key.partition(".")[0], []).append(answer.answer)
        return answer

    def _cancelled(self, work: Work | None) -> Stopped:
        if self.capability.cancel == "cannot":
            return Stopped("cannot")
        if self.capability.cancel == "forgets" or work is None or work.end is not None:
            return Stopped("forgotten")
        error = CatalogError("backend.failed", "It was cancelled.")
        error.refinements = ("we_asked_to_cancel",)
        work.end = error
        return Stopped("stopped")

    async def fetch(self, output: Output) -> AsyncIterator[bytes]:
        """See the port."""
        key, trouble = str(output.reference), self._trouble("fetch")
        if key.partition(".")[0] in self.ended:
            self.faults.append(f"{key} was fetched although its job had ended")
        if trouble == "waits":
            await self._wait("fetch", key)
        if trouble == "bug":
            raise ZeroDivisionError
        data = picture(key)
        yield {"garbage": b"hello", "short": data[:40]}.get(str(trouble), data)


def key_of(handle: Handle) -> str:
    """Return what the gateway calls an attempt, also by the backend's own id."""
    return handle.id.removeprefix("own:")
