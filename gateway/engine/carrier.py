"""The carrier: takes jobs in, looks at the timetable, gives out slots, and stops without losing anything.

A task exists only for an exchange in flight. Everything else that a job waits for is a moment in the timetable or a
place in a lane.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from msgspec import structs

from contracts.job import Job
from gateway.engine import cancelling, claim, drifting, endings, polling, probing, recovery, steps, sweep, watching
from gateway.engine.carried import Carried, Finished, Flight, Part
from gateway.engine.context import Action, Context
from gateway.engine.lanes import Ticket
from gateway.engine.writing import enqueue
from gateway.routing import Choice
from gateway.store.change import Accept, Accepted
from gateway.store.line import Line
from gateway.store.view import to_job

#: Heads looked at in one go before the loop is given back to others.
PUMP_BATCH = 64
#: The name of the tasks that give work out.
CLAIM = "claim"


class Carrier:
    """Carries the jobs of one process."""

    def __init__(self, ctx: Context) -> None:
        """Take what the engine works with."""
        self._ctx = ctx
        ctx.resume = self._resume
        ctx.store.listen(self._heard)
        self._loop: asyncio.Task[None] | None = None

    def _heard(self, lines: list[Line]) -> None:
        for line in lines:
            carried = self._ctx.jobs.get(line.job_id)
            if carried is not None and line.id is not None:
                carried.last_event_id = line.id
                carried.end_is_stored = carried.end_is_stored or line.terminal

    async def start(self) -> None:
        """Take up what is open, then begin to give out work."""
        ctx = self._ctx
        await recovery.take_up(ctx)
        probing.begin(ctx)
        drifting.begin(ctx)
        sweep.begin(ctx)
        watching.begin(ctx)
        self._loop = asyncio.create_task(self._run(), name="carrier")
        ctx.spawn(self._check_files(), name="check_files")

    async def _check_files(self) -> None:
        await recovery.check_files(self._ctx)

    async def _run(self) -> None:
        ctx = self._ctx
        while True:
            ctx.wake.clear()
            self.turn()
            next_at = ctx.timetable.next_at()
            if ctx.pump_wanted or (next_at is not None and next_at <= ctx.clock.now()):
                await asyncio.sleep(0)
                continue
            timer = None
            if next_at is not None:
                loop = asyncio.get_running_loop()
                timer = loop.call_later(max(next_at - ctx.clock.now(), 0.001), ctx.wake.set)
            await ctx.wake.wait()
            if timer is not None:
                timer.cancel()

    def turn(self) -> None:
        """Do everything that is due now."""
        ctx = self._ctx
        for action in ctx.timetable.due(ctx.clock.now()):
            self._do(action)
        self._do(partial(polling.begin_due, ctx))
        if ctx.pump_wanted and not ctx.stopping:
            ctx.pump_wanted = False
            self._do(self._give_out)

    def _do(self, action: Action) -> None:
        """Do one thing: a fault of our own in it must not end the carrying of everything else."""
        try:
            action()
        except Exception:
            self._ctx.log.exception("engine.crashed", step="turn")

    def _give_out(self) -> None:
        """Let those go who may: priority first, then the team that waited longest for its turn, then age."""
        ctx = self._ctx
        for _ in range(PUMP_BATCH):
            free = ctx.free_slots()
            if not free:
                self._wait_for_pace()
                return
            # A job's parts go one by one: the next one when the slot of the last is taken for sure.
            ticket = next((head for head in ctx.lanes.heads(free) if not self._is_claiming(head)), None)
            if ticket is None:
                self._wait_for_pace()
                return
            ctx.lanes.take(ticket)
            ctx.lanes.served(ticket.team)
            carried = ctx.jobs.get(ticket.job_id)
            if carried is None or carried.ended:
                continue
            # The slot is taken inside; until that is written the ticket's part is nobody else's.
            self._claim_soon(carried, ticket)
            ctx.pump_wanted = True
            return

    def _is_claiming(self, ticket: Ticket) -> bool:
        carried = self._ctx.jobs.get(ticket.job_id)
        return carried is not None and carried.is_claiming

    def _claim_soon(self, carried: Carried, ticket: Ticket) -> None:
        ctx = self._ctx
        carried.is_claiming = True

        async def run() -> None:
            try:
                await claim.claim_ticket(ctx, ticket)
            finally:
                carried.is_claiming = False
                ctx.pump()

        part = carried.parts[ticket.part]
        ctx.spawn(run(), name=CLAIM, again=lambda: enqueue(ctx, carried, part, ticket.keys))

    def _wait_for_pace(self) -> None:
        ctx = self._ctx
        now = ctx.clock.now()
        moments = [b.next_submit_at for b in ctx.backends.values() if b.up and b.next_submit_at > now]
        if moments and len(ctx.lanes):
            ctx.at(min(moments), ctx.pump)

    def _resume(self, flight: Flight) -> None:
        """Take a flight up where it stands: looked for, to be delivered, to be asked after, or to be sent."""
        ctx = self._ctx
        if flight.closed or ctx.stopping:
            return
        if flight.failure is not None:
            flight.exchange = ctx.spawn(endings.fail(ctx, flight, flight.failure), name="fail", flight=flight)
        elif flight.done is not None:
            flight.exchange = ctx.spawn(steps.deliver(ctx, flight, flight.done), name="deliver", flight=flight)
        elif flight.recovering:
            steps.recover_due(ctx, flight)
        elif flight.attempt.submitted_at is not None:
            polling.poll_later(ctx, flight, 0.0)
        elif flight.exchange is None or flight.exchange.done():
            flight.recovering = True
            steps.recover(ctx, flight)

    async def accept(
        self, accept: Accept, choices: Sequence[Choice], waiter: "asyncio.Future[Finished | None] | None"
    ) -> Accepted:
        """Make a job durable, with its first attempt in the same commit when a slot is free, and carry it."""
        ctx = self._ctx
        carried = Carried(accept.job)
        carried.parts[1] = Part(1, claim.wanted_pictures(accept.job.spec))
        keys = claim.keys_of(choices)
        taken = None
        if not ctx.stopping and not ctx.lanes.heads(keys):
            taken = claim.reserve(ctx, carried, carried.parts[1], choices)
        if taken is not None:
            accept = self._with_claim(carried, accept, taken)
        if waiter is not None:
            carried.waiters.append(waiter)
        try:
            accepted = await ctx.store.write(accept)
        except BaseException:
            self._give_back(taken)
            raise
        if accepted.replayed:
            self._give_back(taken)
            return accepted
        carried.last_event_id = accepted.last_event_id
        ctx.jobs[carried.id] = carried
        recovery.watch_deadline(ctx, carried)
        ctx.metrics.jobs_accepted.labels(accept.job.operation).inc()
        if taken is not None:
            ctx.observe_queued(carried, taken.backend, ctx.clock.now())
            claim.launch(ctx, carried, taken)
        else:
            enqueue(ctx, carried, carried.parts[1], keys)
        return accepted

    def _give_back(self, taken: claim.Claim | None) -> None:
        """Give a slot back that was not needed: somebody may have begun to wait for it meanwhile."""
        if taken is not None:
            claim.abandon(taken)
            self._ctx.pump()

    def _with_claim(self, carried: Carried, accept: Accept, taken: claim.Claim) -> Accept:
        now = self._ctx.clock.now()
        record = structs.replace(accept.job, state="running", **claim.changes_of(carried, taken, now))
        carried.record = record
        return structs.replace(
            accept,
            job=record,
            attempt=taken.attempt,
            events=(*accept.events, claim.running_event(taken, now)),
        )

    def carried(self, job_id: str) -> Carried | None:
        """Return a job that this process carries and whose end is not yet written: what has ended is read from disk."""
        carried = self._ctx.jobs.get(job_id)
        return None if carried is None or carried.ended or carried.end_is_stored else carried

    def show(self, carried: Carried) -> Job:
        """Return a carried job as it is this very moment, progress and place in the queue included."""
        attempts = [carried.attempts[n] for n in sorted(carried.attempts)]
        for flight in carried.flights.values():
            attempts = [flight.attempt if each.n == flight.attempt.n else each for each in attempts]
        position = self._ctx.lanes.position(carried.id, self._ctx.clock.now())
        return to_job(carried.record, attempts, queue_position=position)

    async def cancel(self, carried: Carried) -> None:
        """Begin to cancel a job."""
        await cancelling.cancel(self._ctx, carried)

    def queued(self, team: str) -> int:
        """Return how many tickets of a team wait."""
        return self._ctx.lanes.count(team)

    def queued_in_all(self) -> int:
        """Return how many tickets wait."""
        return len(self._ctx.lanes)

    def refresh_gauges(self) -> None:
        """Bring the gauges up to date, for a scrape."""
        ctx = self._ctx
        now = ctx.clock.now()
        oldest: dict[str, float] = {}
        draining: dict[str, int] = {}
        for carried in ctx.jobs.values():
            name = carried.record.backend or "none"
            if not carried.ended:
                oldest[name] = max(oldest.get(name, 0.0), now - carried.record.created_at)
            for flight in carried.flights.values():
                draining[flight.backend.name] = draining.get(flight.backend.name, 0) + flight.draining
        waiting: dict[str, int] = {}
        for ticket in ctx.lanes:
            for name in {key.backend for key in ticket.keys} or {"none"}:
                waiting[name] = waiting.get(name, 0) + 1
        for backend in ctx.backends.values():
            backend.queued = waiting.get(backend.name, 0)
            backend.show(now)
            ctx.metrics.oldest_job_seconds.labels(backend.name).set(oldest.get(backend.name, 0.0))
            ctx.metrics.jobs_draining.labels(backend.name).set(draining.get(backend.name, 0))
        ctx.metrics.oldest_job_seconds.labels("none").set(oldest.get("none", 0.0))

    def begin_stop(self) -> None:
        """Give out no more work, and tell those who wait that they must ask again."""
        ctx = self._ctx
        ctx.stopping = True
        if self._loop is not None:
            self._loop.cancel()
        for carried in ctx.jobs.values():
            for waiter in carried.waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def drain(self, seconds: float) -> None:
        """Stop: what can be found again is let go, what cannot is waited for, but not for ever."""
        ctx = self._ctx
        self.begin_stop()
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (waited_for := self._unrecoverable()) and (left := until - loop.time()) > 0:
            await asyncio.wait(waited_for, timeout=left)
        for task in list(ctx.tasks):
            task.cancel()
        await asyncio.gather(*ctx.tasks, return_exceptions=True)
        ctx.deliverer.close()
        for backend in ctx.backends.values():
            await backend.adapter.close()

    def _unrecoverable(self) -> list[asyncio.Task[None]]:
        """Return what is being handed over to a backend that could never be asked about it, or soon will be."""
        claims = [task for task in self._ctx.tasks if task.get_name() == CLAIM]
        exchanges = [
            flight.exchange
            for carried in self._ctx.jobs.values()
            for flight in carried.flights.values()
            if not flight.capability.recover and flight.attempt.submitted_at is None
        ]
        return claims + [task for task in exchanges if task is not None and not task.done()]
