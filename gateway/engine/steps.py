"""The steps of an attempt: one exchange with a backend, one write of what came of it.

Whatever a backend does, hang, lie, vanish or come back after a cancel, is met here. Nothing here sleeps: what comes
later is put into the timetable.
"""

import contextlib
from collections.abc import Sequence

from msgspec import structs

from contracts.catalog import CatalogError
from contracts.port import Absent, CannotTell, Done, InputBytes, Moments, Pending
from gateway.engine import endings
from gateway.engine.carried import Flight
from gateway.engine.context import AGAIN_S, Context
from gateway.engine.deliver import Delivered
from gateway.engine.inputs import load_inputs, load_mark
from gateway.engine.polling import MAX_BACKOFF_S, out_of_time, poll_later
from gateway.engine.progress import Emitter, noted, owe, phase_event, progressed
from gateway.engine.writing import closed

MAX_DOWNLOAD_TRIES = 3
#: So often one attempt is sent again to a backend that took it and then had nothing of it.
MAX_RESUBMITS = 5
#: An attempt whose submit got lost on the way so often is not sent once more: it failed.
MAX_LOSSES = 3
#: How soon the work is looked for when the answer to its submit was lost.
FIRST_LOOK_S = 0.5


def submit(ctx: Context, flight: Flight) -> None:
    """Hand the work over; the intent to do so is on disk already."""
    flight.exchange = ctx.spawn(_submit(ctx, flight), name="submit", flight=flight)


async def _submit(ctx: Context, flight: Flight) -> None:
    try:
        inputs = await load_inputs(ctx, flight.carried)
        async with ctx.blocking if flight.capability.blocking else contextlib.nullcontext():
            result = await _hand_over(ctx, flight, inputs) if flight.is_wanted else None
        _let_the_next_go(ctx, flight)
    except CatalogError as error:
        _let_the_next_go(ctx, flight)
        flight.submitted.set()
        await _submit_failed(ctx, flight, error)
        return
    if result is None:
        await _not_sent(ctx, flight)
        return
    now = ctx.clock.now()
    flight.marks.submit_s = round(now - flight.sent_at, 4)
    flight.marks.submitted_at = flight.sent_at if isinstance(result, Done) else now
    if isinstance(result, Pending):
        await _accepted(ctx, flight, result, now)
    elif isinstance(result, Done):
        flight.submitted.set()
        await deliver(ctx, flight, result)
    else:
        raise TypeError(type(result))


def _let_the_next_go(ctx: Context, flight: Flight) -> None:
    """Count the pace from here where it begins with the answer: what is handed over next arrives later for sure."""
    pace = flight.capability.pace
    if pace.after_answer:
        flight.backend.next_submit_at = ctx.clock.now() + pace.min_submit_interval_s
        ctx.pump()


async def _hand_over(ctx: Context, flight: Flight, inputs: Sequence[InputBytes]) -> Pending | Done:
    order = flight.order
    assert order is not None  # noqa: S101 - set wherever a flight is made to be submitted
    flight.sent_at = ctx.clock.now()
    if not flight.capability.watermark:
        # The gateway lays it over what comes back.
        inputs = [each for each in inputs if each.role != "watermark"]
    return await flight.backend.adapter.submit(flight.attempt.handle, order, inputs, Emitter(ctx, flight))


async def _not_sent(ctx: Context, flight: Flight) -> None:
    """Close an attempt that the backend does not have and nobody wants any more."""
    flight.submitted.set()
    if flight.draining:
        await endings.close_late(ctx, flight, how="not_sent", result="none")
        return
    error = CatalogError("job.cancelled", "Cancelled before a backend had it.", outcome="not_started")
    await endings.fail(ctx, flight, error)


async def _accepted(ctx: Context, flight: Flight, pending: Pending, now: float) -> None:
    """Write the backend's own id down (the one commit that a queue costs), and ask again later."""
    handle = pending.handle or flight.attempt.handle
    flight.attempt = structs.replace(flight.attempt, handle=handle, submitted_at=now)
    ctx.took_phase(flight, pending.phase or "queued_at_backend")
    changes = {"handle": handle, "submitted_at": now, "phase": flight.phase}
    try:
        changed = await ctx.store.write(noted(flight, changes, (phase_event(flight, now),)))
    except CatalogError:
        owe(ctx, flight)
        raise
    finally:
        flight.submitted.set()
    if changed == "fenced":
        drop(ctx, flight)
    else:
        poll_later(ctx, flight, pending.poll_after_s)


async def _submit_failed(ctx: Context, flight: Flight, error: CatalogError) -> None:
    """Look for the work where the answer was lost; otherwise the error is the answer."""
    lost = error.outcome == "unknown" and error.facts.get("reason") == "answer_lost"
    if lost and flight.capability.recover:
        flight.lost = error
        flight.losses += 1
        flight.recovering = True
        _recover_later(ctx, flight, FIRST_LOOK_S)
        return
    await endings.fail(ctx, flight, error)


def recover(ctx: Context, flight: Flight) -> None:
    """Find out what became of a submit whose answer was lost, or that a crash cut off."""
    flight.exchange = ctx.spawn(_recover(ctx, flight), name="recover", flight=flight)


async def _recover(ctx: Context, flight: Flight) -> None:
    time = flight.capability.time
    moments = Moments(submitted_at=flight.sent_at, now=ctx.clock.now(), settle_s=time.settle_s)
    backend = flight.backend
    try:
        answer = await backend.adapter.recover(flight.attempt.handle, moments)
    except CatalogError as error:
        flight.misses += 1
        ctx.metrics.recoveries.labels(backend.name, "failed").inc()
        backend.last_code = error.code
        _recover_later(ctx, flight, min(2.0**flight.misses, MAX_BACKOFF_S))
        return
    flight.misses = 0
    ctx.metrics.recoveries.labels(backend.name, type(answer).__name__.lower()).inc()
    match answer:
        case Pending(found=False):
            if answer.handle is not None:
                flight.attempt = structs.replace(flight.attempt, handle=answer.handle)
            ctx.took_phase(flight, answer.phase)
            progressed(ctx, flight, answer.phase, answer.progress)
            _recover_later(ctx, flight, answer.poll_after_s)
        case Pending():
            flight.recovering = False
            flight.marks.submitted_at = flight.sent_at
            await _accepted(ctx, flight, answer, ctx.clock.now())
        case Done():
            flight.recovering = False
            flight.marks.done_at = ctx.clock.now()
            flight.submitted.set()
            await deliver(ctx, flight, answer)
        case Absent():
            # The first time at once; a backend that loses every submit is not hammered.
            flight.resubmits += 1
            delay = 0.0 if flight.resubmits == 1 else min(2.0**flight.resubmits, MAX_BACKOFF_S)
            ctx.after(delay, lambda: _submit_later(ctx, flight))
        case CannotTell():
            await _give_up_unknown(ctx, flight)
        case CatalogError():
            await endings.fail(ctx, flight, answer)
        case _:
            raise TypeError(type(answer))


def _submit_later(ctx: Context, flight: Flight) -> None:
    if not flight.closed and not out_of_time(ctx, flight):
        flight.exchange = ctx.spawn(_submit_again(ctx, flight), name="submit_again", flight=flight)


async def _submit_again(ctx: Context, flight: Flight) -> None:
    """The backend certainly has nothing: the same attempt may be sent again, after a fenced write."""
    if not flight.is_wanted:
        await _not_sent(ctx, flight)
        return
    if flight.lost is not None and flight.losses >= MAX_LOSSES:
        never_arrived = CatalogError(flight.lost.code, flight.lost.detail, outcome="not_started", **flight.lost.facts)
        await endings.fail(ctx, flight, never_arrived)
        return
    if flight.resubmits > MAX_RESUBMITS:
        forgotten = "The backend took the work again and again, and had nothing of it each time."
        error = CatalogError("backend.job_lost", forgotten, outcome="finished_no_result", backend=flight.backend.name)
        await endings.fail(ctx, flight, error)
        return
    if flight.order is not None:
        # What the search noted on its way is about the submit that never arrived: the next one is looked for anew.
        handle = flight.backend.adapter.prepare(flight.order).handle
        flight.attempt = structs.replace(flight.attempt, handle=handle)
    changed = await ctx.store.write(noted(flight, {"phase": "submit", "handle": flight.attempt.handle}, ()))
    if changed == "fenced":
        drop(ctx, flight)
    elif changed == "done" and flight.order is not None:
        flight.recovering = False
        submit(ctx, flight)
    elif changed == "late":
        await endings.close_late(ctx, flight, how="never_arrived", result="none")


async def _give_up_unknown(ctx: Context, flight: Flight) -> None:
    """Nobody can say what became of it: unless a second submit is harmless, the job fails honestly."""
    if flight.capability.resubmit == "safe":
        await _submit_again(ctx, flight)
        return
    error = flight.lost or CatalogError(
        "gateway.internal",
        "The gateway stopped before the backend's answer was written down, and the backend cannot be asked what "
        "became of the request.",
        outcome="unknown",
        backend=flight.backend.name,
        reason="outcome_unknown",
    )
    await endings.fail(ctx, flight, error)


async def deliver(ctx: Context, flight: Flight, done: Done) -> None:
    """Fetch, check and store what a backend offers, then write the end. A late result's bytes are not fetched."""
    if flight.closed:
        return
    if flight.draining:
        await endings.close_late(ctx, flight, how="late_result", result="succeeded")
        return
    flight.done = done
    now = ctx.clock.now()
    flight.marks.done_at = flight.marks.done_at or now
    ctx.took_phase(flight, "download")
    part = flight.carried.parts[flight.attempt.part]
    first_index = sum(p.count for number, p in flight.carried.parts.items() if number < part.number)
    try:
        await load_mark(ctx, flight.carried)
        delivered = await ctx.deliverer.deliver(flight, done, first_index)
    except CatalogError as error:
        if error.facts.get("reason") == "storage" or _may_fetch_again(error, flight):
            flight.download_tries += 1
            delay = min(2.0**flight.download_tries, MAX_BACKOFF_S)
            ctx.after(delay, lambda: _deliver_again(ctx, flight, done))
            return
        await endings.fail(ctx, flight, error)
        return
    stored = ctx.clock.now()
    flight.marks.download_s = round(delivered.fetch_s, 4)
    flight.marks.store_s = round(stored - now - delivered.fetch_s, 4)
    ctx.took_phase(flight, "store")
    await _succeed(ctx, flight, delivered)


async def _succeed(ctx: Context, flight: Flight, delivered: Delivered) -> None:
    """Write the end; what is on disk is not fetched again because the row could not be written."""
    try:
        await endings.succeed(ctx, flight, delivered)
    except CatalogError as error:
        ctx.log.warning("engine.stuck", step="succeed", code=error.code, job_id=flight.carried.id)
        ctx.after(AGAIN_S, lambda: _succeed_again(ctx, flight, delivered))


def _succeed_again(ctx: Context, flight: Flight, delivered: Delivered) -> None:
    if not flight.closed:
        flight.exchange = ctx.spawn(_succeed(ctx, flight, delivered), name="succeed", flight=flight)


def _may_fetch_again(error: CatalogError, flight: Flight) -> bool:
    passing = error.code in ("backend.unavailable", "backend.timeout", "backend.overloaded")
    return passing and flight.download_tries < MAX_DOWNLOAD_TRIES


def _deliver_again(ctx: Context, flight: Flight, done: Done) -> None:
    if not flight.closed:
        flight.exchange = ctx.spawn(deliver(ctx, flight, done), name="deliver", flight=flight)


def _recover_later(ctx: Context, flight: Flight, delay_s: float) -> None:
    if not flight.closed:
        ctx.after(delay_s, lambda: recover_due(ctx, flight))


def recover_due(ctx: Context, flight: Flight) -> None:
    """Look for a flight's work, unless its time is over."""
    # While it is looked for, its own recovery knows when to give up; only a backend that never answers ends here.
    if not flight.closed and not (flight.misses and out_of_time(ctx, flight)):
        recover(ctx, flight)


def drop(ctx: Context, flight: Flight) -> None:
    """Let go of an attempt that another carrier holds now."""
    closed(ctx, flight, "fenced", {}, ctx.clock.now())
    ctx.log.warning("engine.fenced", job_id=flight.carried.id)
