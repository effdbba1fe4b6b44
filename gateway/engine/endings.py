"""How attempts and jobs end: each ending is one write, and whoever writes first wins."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from contracts.catalog import CatalogError, Problem
from contracts.event import JobEvent, JobOutputReady, JobQueued
from contracts.job import Cancel, JobState, moment
from gateway.engine import probing
from gateway.engine.backends import SlotKey
from gateway.engine.carried import Carried, Flight
from gateway.engine.context import Context
from gateway.engine.deliver import Delivered
from gateway.engine.policy import Again, Conclusion, blocked_review, conclude, may_fail_over, next_attempt, refine
from gateway.engine.writing import (
    closed,
    closing,
    concluding,
    ending_of,
    enqueue,
    overtaken,
    timings_of,
    with_adjustments,
    write_end,
)
from gateway.store.change import Advance


async def succeed(ctx: Context, flight: Flight, delivered: Delivered) -> None:
    """Write what an attempt delivered, and the job's end if nothing else is to come."""
    carried, part = flight.carried, flight.carried.parts[flight.attempt.part]
    async with carried.ending():
        now = ctx.clock.now()
        part.delivered, part.state = delivered.pictures, "succeeded"
        if flight.done is not None:
            part.review, part.usage = flight.done.review, flight.done.usage
        outputs = tuple(sorted((*carried.record.outputs, *delivered.outputs), key=lambda output: output.index))
        conclusion = conclude(list(carried.parts.values()), carried.record.spec)
        adjustments = (*flight.attempt.adjustments, *delivered.adjustments)
        changes: dict[str, Any] = {
            "outputs": outputs,
            "effective": delivered.effective,
            "adjustments": with_adjustments(carried, adjustments),
            "warnings": tuple(dict.fromkeys((*carried.record.warnings, *delivered.warnings))),
            "usage": carried.usage,
            "timings": timings_of(flight, now),
            **carried.shown_parts(),
        }
        events: list[JobEvent] = [
            JobOutputReady(job_id=carried.id, at=moment(now), output=output) for output in delivered.outputs
        ]
        attempt = {
            "effective": delivered.effective,
            "adjustments": adjustments,
            "how": "done",
            "outcome": None,
            "error": None,
        }
        if carried.wants_inline():
            carried.inline |= delivered.inline
        changed = await write_end(ctx, flight, changes, conclusion, attempt, events, delivered, now)
    if changed == "done":
        flight.backend.noted_success(flight.attempt.account)
        ctx.metrics.attempts.labels(flight.backend.name, "succeeded").inc()
    elif changed == "late":
        ctx.metrics.late_results.labels(flight.backend.name, "succeeded").inc()


async def fail(ctx: Context, flight: Flight, error: CatalogError) -> None:
    """Write how an attempt failed: it goes to the queue again, or stands, and perhaps ends the job."""
    carried, part = flight.carried, flight.carried.parts[flight.attempt.part]
    if flight.closed:
        return
    if flight.draining:
        await close_late(ctx, flight, how="failed_late", result=_late_word(error))
        return
    flight.failure = error
    error = refine(error, cancel_asked=carried.record.cancel is not None)
    problem = (
        error.problem(job_id=carried.id, backend=flight.backend.name)
        if "backend" not in error.facts
        else (error.problem(job_id=carried.id))
    )
    now = ctx.clock.now()
    flight.backend.noted_failure(flight.attempt.account, error.code, now)
    account = flight.backend.account(flight.attempt.account)
    if error.code == "backend.credentials_rejected" and not account.breaker.is_open:
        # Perhaps it must sign in again: its status says so, and keeps every job away that it would fail.
        probing.surprised(ctx, flight.backend)
    if error.code == "backend.unavailable" and error.outcome == "not_started":
        probing.surprised(ctx, flight.backend)
    ctx.metrics.attempts.labels(flight.backend.name, error.outcome).inc()
    if "passed_our_validation" in error.refinements:
        ctx.metrics.contract_refusals.labels(flight.backend.name, error.code).inc()
    tries = part.tries + 1
    again = None
    if carried.record.cancel is None and error.code != "job.cancelled":
        failover = may_fail_over(carried.record.spec, ctx.settings.aliases)
        again = next_attempt(error, tries, flight.capability, may_fail_over=failover)
    if again is not None and await _again(ctx, flight, problem, again, tries, now):
        return
    states: dict[str, JobState] = {"policy.output_blocked": "blocked", "job.cancelled": "cancelled"}
    async with carried.ending():
        part.tries = tries
        part.state, part.error = states.get(error.code, "failed"), problem
        attempt: dict[str, Any] = {"error": problem, "outcome": error.outcome, "how": "failed"}
        if part.state == "blocked":
            part.review = blocked_review(problem, flight.attempt.effective)
        elif part.state == "cancelled" and carried.record.cancel is not None:
            # As was asked for: the same job comes of it, whether its end or the answer to the cancel is heard first.
            part.error, attempt = None, {"how": "stopped"}
        conclusion = conclude(list(carried.parts.values()), carried.record.spec)
        changes = {**carried.shown_parts(), "timings": timings_of(flight, now)}
        await write_end(ctx, flight, changes, conclusion, attempt, [], None, now)


def _late_word(error: CatalogError) -> str:
    return "blocked" if error.code == "policy.output_blocked" else "failed"


async def _again(ctx: Context, flight: Flight, problem: Problem, again: Again, tries: int, now: float) -> bool:
    """Put the part back into the queue, if any candidate is left for it."""
    carried, part = flight.carried, flight.carried.parts[flight.attempt.part]
    attempt = flight.attempt
    here = (attempt.backend, attempt.account, attempt.model)
    others = [each for each in _candidates(ctx, carried) if each != here and each not in part.excluded]
    if again.other and others:
        part.excluded.add(here)
        left, delay = others, 0.0
    elif again.same:
        part.pinned = here
        left, delay = [here], again.delay_s
    else:
        return False
    async with carried.ending():
        part.state, part.tries = "queued", tries
        alone = all(other is flight for other in carried.flights.values())
        changed = await ctx.store.write(
            Advance(
                job_id=carried.id,
                team=carried.record.team,
                to="queued" if alone else None,
                job={"phase": "waiting_for_backend", "not_before": now + delay, **carried.shown_parts()},
                n=attempt.n,
                epoch=attempt.epoch,
                attempt=closing(flight, now, {"error": problem, "outcome": problem.outcome, "how": "failed"}),
                late=closing(flight, now, {"how": "failed_late"}),
                events=(JobQueued(job_id=carried.id, at=moment(now), attempt=attempt.n + 1),),
            )
        )
        if changed == "done":
            carried.record = structs.replace(
                carried.record,
                state="queued" if alone else carried.record.state,
                phase="waiting_for_backend",
            )
            carried.queued_since = now + delay
        closed(ctx, flight, changed, {"error": problem, "outcome": problem.outcome, "how": "failed"}, now)
    if changed == "done":
        ctx.metrics.retries.labels(flight.backend.name, problem.code).inc()
        keys = frozenset(SlotKey(backend, account) for backend, account, _ in left)
        ctx.after(delay, lambda: enqueue(ctx, carried, part, keys))
    return True


def _candidates(ctx: Context, carried: Carried) -> list[tuple[str, str | None, str]]:
    """Return who could take a job over now: for an account without a key a caller would wait in vain."""
    try:
        choices = ctx.capable(carried)
    except CatalogError:
        return []
    able = (choice for choice in choices if choice.backend.ready(choice.candidate.account))
    return [(c.candidate.backend, c.candidate.account, c.candidate.model) for c in able]


async def end_without_attempt(
    ctx: Context, carried: Carried, state: JobState, error: CatalogError | None, cancel: Cancel | None = None
) -> bool:
    """End a job by our own decision: cancelled, or out of time. Its open attempts drain. Say whether we were first."""
    async with carried.ending():
        now = ctx.clock.now()
        for part in carried.parts.values():
            if not part.is_closed:
                part.state = state
        problem = None if error is None else error.problem(job_id=carried.id)
        changes: dict[str, Any] = {**carried.shown_parts(), "finished_at": now, "error": problem}
        if cancel is None and carried.record.cancel is not None:
            cancel = overtaken(carried.record.cancel)
        if cancel is not None:
            changes["cancel"] = cancel
        event = ending_of(carried, Conclusion(state, problem), cancel, now)
        changed = await ctx.store.write(
            Advance(job_id=carried.id, team=carried.record.team, to=state, job=changes, events=(event,))
        )
        if changed == "done":
            carried.record = structs.replace(carried.record, state=state, **changes)
            ctx.lanes.discard(carried.id)
            ctx.finished(carried)
    return changed == "done"


async def fail_and_drain(ctx: Context, flight: Flight, error: CatalogError) -> None:
    """End an attempt's part for its caller, and keep the attempt open: the backend may still be at it."""
    async with flight.carried.ending():
        # Somebody else may have ended the job meanwhile: the attempt is followed on all the same.
        if not flight.draining:
            await _fail_open(ctx, flight, error)
    ctx.resume(flight)


async def _fail_open(ctx: Context, flight: Flight, error: CatalogError) -> None:
    carried, part = flight.carried, flight.carried.parts[flight.attempt.part]
    now = ctx.clock.now()
    problem = error.problem(job_id=carried.id)
    part.state, part.error = "failed", problem
    flight.attempt = structs.replace(flight.attempt, error=problem, outcome=error.outcome)
    conclusion = conclude(list(carried.parts.values()), carried.record.spec)
    changes: dict[str, Any] = {**carried.shown_parts(), "timings": timings_of(flight, now)}
    events: list[JobEvent] = []
    dropped: Mapping[str, float] = {}
    if conclusion is not None:
        dropped = concluding(ctx, flight, changes, conclusion, events, now)
    changed = await ctx.store.write(
        Advance(
            job_id=carried.id,
            team=carried.record.team,
            to=conclusion.state if conclusion is not None else None,
            job=changes,
            n=flight.attempt.n,
            epoch=flight.attempt.epoch,
            attempt={"error": problem, "outcome": error.outcome},
            dropped=dropped,
            events=tuple(events),
        )
    )
    if changed == "done":
        state = conclusion.state if conclusion is not None else carried.record.state
        carried.record = structs.replace(carried.record, state=state, **changes)
        carried.waits_from(now)
        if conclusion is not None:
            ctx.lanes.discard(carried.id)
            ctx.finished(carried)


async def close_late(ctx: Context, flight: Flight, *, how: str, result: str) -> None:
    """Close an attempt whose job has ended without it: the result is counted, and changes nothing."""
    if flight.closed:
        return
    now = ctx.clock.now()
    changes = closing(flight, now, {"how": how})
    changed = await ctx.store.write(
        Advance(
            job_id=flight.carried.id,
            team=flight.carried.record.team,
            n=flight.attempt.n,
            epoch=flight.attempt.epoch,
            attempt=changes,
        )
    )
    if changed == "done":
        ctx.metrics.late_results.labels(flight.backend.name, result).inc()
    closed(ctx, flight, changed, {"how": how}, now)
