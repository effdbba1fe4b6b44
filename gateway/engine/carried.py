"""What a process has in its hands: jobs that have not ended, and the attempts it carries for them.

These are the only mutable values of the engine. The rows are the truth; what stands here was written first, or can be
read again.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from msgspec import Struct

from contracts.capability import Capability
from contracts.catalog import CatalogError, Problem
from contracts.job import TERMINAL, Job, JobPart, JobState, Phase, Review, Usage
from contracts.port import Done, InputBytes, Order
from gateway.engine.backends import Backend
from gateway.engine.timetable import Entry
from gateway.store.record import AssetRecord, AttemptRecord, JobRecord


class Finished(Struct, frozen=True):
    """A job that ended, for those who wait: its document, and its pictures in base64 if they were wished inline."""

    job: Job
    data: dict[str, bytes]
    last_event_id: int


class Part:
    """One slice of a job's pictures."""

    def __init__(self, number: int, count: int) -> None:
        """Take its number and how many pictures it is for."""
        self.number = number
        self.count = count
        self.state: JobState = "queued"
        self.delivered = 0
        self.error: Problem | None = None
        self.review: Review | None = None
        self.phase: Phase | None = None
        self.progress: float | None = None
        self.usage: Usage | None = None
        self.tries = 0
        #: Whether it has its place in the queue, or had it: nobody else puts it there.
        self.lined_up = False
        #: Candidates that an earlier attempt used up.
        self.excluded: set[tuple[str, str | None, str]] = set()
        #: The only candidate that may have it, where another must not take over.
        self.pinned: tuple[str, str | None, str] | None = None

    @property
    def is_closed(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in TERMINAL

    def show(self) -> JobPart:
        """Return it as the world sees it."""
        return JobPart(
            part=self.number,
            count=self.count,
            state=self.state,
            delivered=self.delivered,
            error=self.error,
            phase=self.phase if self.state == "running" else None,
            progress=1.0 if self.state == "succeeded" else self.progress,
            usage=self.usage,
        )


class Carried:
    """One job that has not ended, or that waits for its last attempt's end."""

    def __init__(self, record: JobRecord) -> None:
        """Take the row."""
        self.record = record
        self.attempts: dict[int, AttemptRecord] = {}
        self.parts: dict[int, Part] = {}
        self.flights: dict[int, Flight] = {}
        self.inputs: Sequence[InputBytes] | None = None
        self.last_event_id = record.last_event_id
        #: Since when it waits, if it waits.
        self.queued_since = record.not_before or record.created_at
        #: The end is on disk; what stands here follows within the same turn of the loop.
        self.end_is_stored = False
        #: Whether one of its parts is being given out at this moment.
        self.is_claiming = False
        self.cancelling: asyncio.Task[None] | None = None
        #: What stands in the timetable for it, to be taken out at its end.
        self.timers: list[Entry[Callable[[], None]]] = []
        #: Callers who wait for the end; they are told None when the gateway stops first.
        self.waiters: list[asyncio.Future[Finished | None]] = []
        #: Pictures in base64 by asset id, kept only while somebody waits for them inline.
        self.inline: dict[str, bytes] = {}
        #: Endings of one job are written one after the other: each reads what the one before it wrote.
        self.lock = asyncio.Lock()

    @property
    def id(self) -> str:
        """The job's id."""
        return self.record.id

    @property
    def ended(self) -> bool:
        """Whether the job has ended for its caller."""
        return self.record.state in TERMINAL

    @property
    def waits(self) -> bool:
        """Whether nothing is made for it now: all that is still to come waits for a slot."""
        return all(flight.draining for flight in self.flights.values())

    @property
    def progress(self) -> float | None:
        """How far all its pictures are, 0 to 1: a part of which nothing more comes is through."""
        parts = self.parts.values()
        far = [1.0 if part.is_closed else part.progress for part in parts]
        if all(each is None for each in far):
            return None
        done = sum(part.count * (each or 0.0) for part, each in zip(parts, far, strict=True))
        return done / sum(part.count for part in parts)

    @property
    def usage(self) -> Usage | None:
        """What all its parts cost so far, as far as their backends tell."""
        told = [part.usage for part in self.parts.values() if part.usage is not None]
        return sum(told[1:], told[0]) if told else None

    def shown_parts(self) -> dict[str, Any]:
        """Return what the parts change in the job, and how far it is with them; one part alone is not shown."""
        if len(self.parts) < 2:
            return {"parts": ()}
        shown = tuple(self.parts[number].show() for number in sorted(self.parts))
        return {"parts": shown, "progress": self.progress}

    def waits_from(self, moment: float) -> None:
        """Note that a part ended while others are to come: if they wait, it is from now on."""
        self.queued_since = max(self.queued_since, moment)

    @contextlib.asynccontextmanager
    async def ending(self) -> AsyncIterator[None]:
        """Write an ending, alone; if that fails the parts are as they were: nothing ends before it is on disk."""
        async with self.lock:
            before = [(part, dict(vars(part))) for part in self.parts.values()]
            try:
                yield
            except BaseException:
                for part, facts in before:
                    vars(part).update(facts)
                raise

    def next_n(self) -> int:
        """Return the number of the next attempt."""
        return max(self.attempts, default=0) + 1

    def wants_inline(self) -> bool:
        """Whether somebody waits who wished the pictures inline."""
        output = self.record.spec.output
        return bool(self.waiters) and getattr(output, "delivery", None) == "inline"


class Marks:
    """When what happened to an attempt, for the job's timings."""

    __slots__ = ("done_at", "download_s", "store_s", "submit_s", "submitted_at")

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.submit_s: float | None = None
        self.submitted_at: float | None = None
        self.done_at: float | None = None
        self.download_s: float | None = None
        self.store_s: float | None = None


class Flight:
    """One open attempt."""

    def __init__(self, carried: Carried, attempt: AttemptRecord, backend: Backend, capability: Capability) -> None:
        """Take the job, the attempt's row and who serves it."""
        self.carried = carried
        self.attempt = attempt
        self.backend = backend
        self.capability = capability
        self.order: Order | None = None
        self.recovering = False
        self.exchange: asyncio.Task[None] | None = None
        self.submitted = asyncio.Event()
        self.phase: Phase | None = attempt.phase
        self.phase_since = attempt.started_at
        self.progress: float | None = None
        self.dirty = False
        self.misses = 0
        #: Whether no list tells of it any more, so that it is asked after by itself.
        self.alone = False
        #: When it is asked after next, so that it can be asked sooner.
        self.next_poll: Entry[Callable[[], None]] | None = None
        self.resubmits = 0
        self.lost: CatalogError | None = None
        self.losses = 0
        self.done: Done | None = None
        #: How it failed, until that is written.
        self.failure: CatalogError | None = None
        #: What a reviewer withholds of it, on disk already.
        self.withheld: tuple[AssetRecord, ...] = ()
        self.download_tries = 0
        #: When the submit went out: recovery looks for the work from there on.
        self.sent_at = attempt.started_at
        self.marks = Marks()
        self.stored_phase: Phase | None = attempt.phase
        self.stored_progress = 0.0
        self.stored_at = 0.0
        self.holds_slot = True
        self.closed = False

    @property
    def draining(self) -> bool:
        """Whether its job, or its part of the job, has ended without it."""
        return self.carried.ended or self.carried.parts[self.attempt.part].is_closed

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still wants it to be sent."""
        return not self.closed and not self.draining and self.carried.record.cancel is None

    @property
    def give_up_at(self) -> float:
        """When the engine stops waiting for it: sooner while its job lives, later to let the backend settle."""
        time = self.capability.time
        return (self.attempt.submitted_at or self.attempt.started_at) + (
            time.settle_s if self.draining else time.attempt_s
        )

    def entered(self, phase: Phase, now: float) -> tuple[Phase | None, float]:
        """Go on to a phase; return the one that ended and how long it lasted."""
        ended, lasted = self.phase, now - self.phase_since
        self.phase, self.phase_since = phase, now
        return ended, lasted
