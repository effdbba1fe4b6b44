"""Asking after work in flight: what was accepted is not given up for a broken line, only when its time is over."""

import random
from collections.abc import Sequence

from msgspec import structs

from contracts.catalog import CatalogError
from contracts.port import Absent, Done, Handle, Lister, Pending
from gateway.engine import endings, withholding
from gateway.engine.backends import Backend
from gateway.engine.carried import Flight
from gateway.engine.context import AGAIN_S, Context
from gateway.engine.progress import progressed

MAX_BACKOFF_S = 30.0
JITTER = 0.15


def begin_due(ctx: Context) -> None:
    """Begin the due polls, within each backend's budget of exchanges a second."""
    for name in list(ctx.to_poll):
        backend, flights = ctx.backends[name], ctx.to_poll.pop(name)
        groups = _groups(ctx, backend, flights)
        now = ctx.clock.now()
        allowed = backend.poll_allowance(now, len(groups))
        for group in groups[:allowed]:
            poll(ctx, group)
        late = [flight for group in groups[allowed:] for flight in group]
        if late:
            ctx.to_poll[name] = late
            if backend.late_polls_at <= now:
                backend.late_polls_at = backend.next_poll_at(now)
                ctx.at(backend.late_polls_at, lambda: None)


def _groups(ctx: Context, backend: Backend, flights: Sequence[Flight]) -> list[list[Flight]]:
    """Put together what is asked after in one exchange. A list tells of all: those not due yet come along."""
    batch = [flight for flight in flights if _in_lists(flight)]
    single = [[flight] for flight in flights if not _in_lists(flight)]
    worth = backend.adapter.lists(backend.in_flight) if batch and isinstance(backend.adapter, Lister) else None
    if worth is False:
        return [*single, *([flight] for flight in batch)]
    if worth:
        batch += _companions(ctx, backend)
    return [batch, *single] if batch else single


def _in_lists(flight: Flight) -> bool:
    return flight.capability.poll_batch and not flight.alone


def _companions(ctx: Context, backend: Backend) -> list[Flight]:
    """Take those out of the timetable that wait for their turn to be asked after."""
    found = []
    for carried in ctx.jobs.values():
        for flight in carried.flights.values():
            entry = flight.next_poll
            waits = entry is not None and not entry.taken and not entry.cancelled
            if flight.backend is backend and waits and _in_lists(flight) and entry is not None:
                ctx.timetable.cancel(entry)
                found.append(flight)
    return found


def poll(ctx: Context, flights: Sequence[Flight]) -> None:
    """Ask after flights of one backend: all in one exchange where it can be asked so."""

    def again() -> None:
        for flight in flights:
            ctx.resume(flight)

    task = ctx.spawn(_poll(ctx, flights), name="poll", again=again)
    for flight in flights:
        flight.exchange = task


async def _poll(ctx: Context, flights: Sequence[Flight]) -> None:
    backend = flights[0].backend
    handles: list[Handle] = [flight.attempt.handle for flight in flights]
    try:
        answers = await backend.adapter.poll(handles)
    except CatalogError as error:
        ctx.metrics.polls.labels(backend.name, "failed").inc()
        for flight in flights:
            _missed(ctx, flight, error)
        return
    ctx.metrics.polls.labels(backend.name, "answered").inc()
    for flight in flights:
        if flight.closed:
            continue
        flight.misses = 0
        answer = answers.get(flight.attempt.handle.id, Absent())
        match answer:
            case Pending():
                _still_pending(ctx, flight, answer)
            case Done():
                flight.marks.done_at = ctx.clock.now()
                flight.done = answer
                ctx.resume(flight)
            case Absent():
                flight.recovering = True
                ctx.resume(flight)
            case CatalogError():
                ctx.spawn(withholding.end(ctx, flight, answer), name="fail", flight=flight)
            case _:
                # Nothing that the port knows: said aloud, and asked again as after a broken line.
                ctx.log.error("engine.nonsense", step="poll", job_id=flight.carried.id, backend=backend.name)
                poll_later(ctx, flight, AGAIN_S)


def _missed(ctx: Context, flight: Flight, error: CatalogError) -> None:
    """Ask again, ever later, while nobody answers: what was accepted is not given up for a broken line."""
    flight.misses += 1
    flight.backend.last_code = error.code
    if flight.misses == 1:
        ctx.log.info("engine.poll_failed", job_id=flight.carried.id, backend=flight.backend.name, code=error.code)
    poll_later(ctx, flight, min(2.0**flight.misses, MAX_BACKOFF_S))


def _still_pending(ctx: Context, flight: Flight, pending: Pending) -> None:
    if pending.handle is not None:
        flight.attempt = structs.replace(flight.attempt, handle=pending.handle)
    if flight.phase == "model_load" and pending.phase == "model_load" and _is_stuck(ctx, flight):
        error = CatalogError(
            "backend.timeout",
            "The backend has been loading the model for too long.",
            phase="model_load",
            outcome="unknown",
            backend=flight.backend.name,
        )
        ctx.spawn(endings.fail(ctx, flight, error), name="fail", flight=flight)
        return
    flight.alone = pending.alone
    ctx.took_phase(flight, pending.phase)
    progressed(ctx, flight, pending.phase, pending.progress)
    poll_later(ctx, flight, pending.poll_after_s)


def _is_stuck(ctx: Context, flight: Flight) -> bool:
    limit = flight.capability.time.stuck_load_s
    return limit is not None and ctx.clock.now() - flight.phase_since > limit and not flight.draining


def poll_later(ctx: Context, flight: Flight, delay_s: float) -> None:
    """Ask again after a while, give or take a little."""
    if flight.closed:
        return
    now = ctx.clock.now()
    delay = delay_s * (1 + random.uniform(-JITTER, JITTER))  # noqa: S311 - jitter is no secret
    if flight.next_poll is not None:
        ctx.timetable.cancel(flight.next_poll)
    due = min(now + delay, max(flight.give_up_at, now + 0.01))
    flight.next_poll = ctx.at(due, lambda: _poll_due(ctx, flight))


def poll_soon(ctx: Context, flight: Flight) -> None:
    """Ask now after a flight that waits for its turn to be asked after; one that is being asked after is left alone."""
    entry = flight.next_poll
    if entry is None or entry.taken or entry.cancelled:
        return
    ctx.timetable.cancel(entry)
    _poll_due(ctx, flight)
    ctx.wake.set()


def _poll_due(ctx: Context, flight: Flight) -> None:
    if not flight.closed and not out_of_time(ctx, flight):
        ctx.to_poll.setdefault(flight.backend.name, []).append(flight)


def out_of_time(ctx: Context, flight: Flight) -> bool:
    """Give up an attempt whose time is over; say whether it was."""
    if ctx.clock.now() < flight.give_up_at:
        return False
    if flight.draining:
        ctx.spawn(endings.close_late(ctx, flight, how="settled", result="none"), name="settle", flight=flight)
    else:
        error = flight.lost or CatalogError(
            "job.deadline_exceeded",
            "The backend did not end the work within the time that the gateway waits for it.",
            backend=flight.backend.name,
        )
        ctx.spawn(endings.fail_and_drain(ctx, flight, error), name="give_up", flight=flight)
    return True
