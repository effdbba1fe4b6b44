"""What the engine's parts share: the store, the backends, the queue, the timetable, and the jobs in hand."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from contracts.catalog import CatalogError
from contracts.job import Phase
from gateway.clock import Clock
from gateway.engine.backends import Backend, SlotKey
from gateway.engine.carried import Carried, Finished, Flight
from gateway.engine.deliver import Deliverer
from gateway.engine.lanes import Lanes
from gateway.engine.timetable import Entry, Timetable
from gateway.ops.log import logger
from gateway.ops.metrics import Metrics
from gateway.routing import Allow, Choice, Router
from gateway.settings import Settings
from gateway.store.hub import Hub
from gateway.store.store import Store
from gateway.store.view import to_job

Action = Callable[[], None]
#: What a team's key may use, by its id; whoever has none may use all that its team may.
Allowed = Callable[[str | None, str], Allow]
#: After a fault of our own (the store, a bug) the same is tried again so much later.
AGAIN_S = 2.0


class Context:
    """Made once; every function of the engine takes it first."""

    def __init__(
        self,
        *,
        store: Store,
        backends: Mapping[str, Backend],
        router: Router,
        settings: Settings,
        clock: Clock,
        metrics: Metrics,
        allowed: Allowed = lambda _key_id, team: Allow(team=team),
    ) -> None:
        """Take what the engine works with."""
        self.store = store
        self.backends = backends
        self.router = router
        self._allowed = allowed
        self.settings = settings
        self.clock = clock
        self.metrics = metrics
        self.deliverer = Deliverer(store.files, settings, clock, metrics)
        self.lanes = Lanes()
        self.timetable: Timetable[Action] = Timetable()
        self.jobs: dict[str, Carried] = {}
        self.to_poll: dict[str, list[Flight]] = {}
        self.blocking = asyncio.Semaphore(settings.limits.blocking_submits)
        self.log = logger("engine")
        self.wake = asyncio.Event()
        self.pump_wanted = False
        self.stopping = False
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def hub(self) -> Hub:
        """Who listens to events."""
        return self.store.hub

    def at(self, moment: float, action: Action) -> Entry[Action]:
        """Do something at a moment."""
        entry = self.timetable.add(moment, action)
        self.wake.set()
        return entry

    def after(self, delay_s: float, action: Action) -> Entry[Action]:
        """Do something after a while."""
        return self.at(self.clock.now() + delay_s, action)

    def capable(self, carried: Carried) -> Sequence[Choice]:
        """Return who could do a job now, best first, as far as the key that made it may use them."""
        return self.router.capable(carried.record.spec, self._allowed(carried.record.key_id, carried.record.team))

    def pump(self) -> None:
        """Look soon whether somebody who waits may go."""
        self.pump_wanted = True
        self.wake.set()

    def spawn(
        self,
        work: Coroutine[Any, Any, None],
        *,
        name: str,
        flight: Flight | None = None,
        again: Action | None = None,
    ) -> asyncio.Task[None]:
        """Start an exchange; whatever it raises beyond the catalogue is caught here and nowhere else.

        After a fault of our own `again` goes on with it; by default the flight is resumed.
        """
        if again is None and flight is not None:
            again = partial(self.resume, flight)
        task = asyncio.create_task(self._guarded(work, name, flight, again), name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def _guarded(
        self, work: Coroutine[Any, Any, None], name: str, flight: Flight | None, again: Action | None
    ) -> None:
        try:
            await work
        except CatalogError as error:
            # Only the store raises here: every backend's error is handled where it is met.
            self.log.warning("engine.stuck", step=name, code=error.code, job_id=flight and flight.carried.id)
        except Exception:
            self.log.exception("engine.crashed", step=name, job_id=flight and flight.carried.id)
        else:
            return
        if again is not None and not self.stopping:
            self.after(AGAIN_S, again)

    #: Set by the carrier: takes a flight up again after a fault of our own.
    resume: Callable[[Flight], None] = staticmethod(lambda flight: None)  # noqa: ARG005

    def free_slots(self) -> list[SlotKey]:
        """Return the accounts that can take another job now."""
        now = self.clock.now()
        return [
            SlotKey(backend.name, account.name)
            for backend in self.backends.values()
            if backend.up and now >= backend.next_submit_at
            for account in backend.accounts
            if backend.ready(account.name) and backend.free(account.name)
        ]

    def took_phase(self, flight: Flight, phase: Phase | None) -> None:
        """Note that a flight went on to another phase, and how long the last one was."""
        if phase is None or phase == flight.phase:
            return
        ended, lasted = flight.entered(phase, self.clock.now())
        if ended is not None:
            self.observe_phase(flight, ended, lasted)

    def observe_phase(self, flight: Flight, phase: str, seconds: float) -> None:
        """Put a phase into the histogram."""
        operation = flight.carried.record.operation
        self.metrics.phase_seconds.labels(flight.backend.name, operation, phase).observe(seconds)

    def observe_queued(self, carried: Carried, backend: Backend, now: float) -> None:
        """Put the time a job waited with us into the histogram."""
        record = carried.record
        self.metrics.phase_seconds.labels(backend.name, record.operation, "queued").observe(now - record.created_at)

    def finished(self, carried: Carried) -> None:
        """Tell those who wait for the job that it has ended, and forget it once nothing of it is open."""
        record = carried.record
        waiters, carried.waiters = carried.waiters, []
        if waiters:
            job = to_job(record, [carried.attempts[n] for n in sorted(carried.attempts)])
            finished = Finished(job, carried.inline, carried.last_event_id)
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(finished)
        carried.inline, carried.inputs = {}, None
        for timer in carried.timers:
            self.timetable.cancel(timer)
        carried.timers.clear()
        code = record.error.code if record.error is not None else "none"
        self.metrics.jobs_finished.labels(record.backend or "none", record.operation, record.state, code).inc()
        self.log.info(
            "job.ended",
            job_id=record.id,
            state=record.state,
            code=None if record.error is None else record.error.code,
            backend=record.backend,
            seconds=round((record.finished_at or 0) - record.created_at, 3),
        )
        self.forget(carried)

    def forget(self, carried: Carried) -> None:
        """Let go of a job that has ended and whose attempts are all closed."""
        if carried.ended and not carried.flights:
            self.jobs.pop(carried.id, None)
