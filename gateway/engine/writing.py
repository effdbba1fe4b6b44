"""Writing an attempt's end, and with it the job's: the row first, then what this process holds, then who waits."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from contracts.catalog import CatalogError
from contracts.event import JobBlocked, JobCancelled, JobEvent, JobFailed, JobSucceeded
from contracts.job import Adjustment, Cancel, Timings, moment
from contracts.spec import SpecBase
from gateway.engine.backends import SlotKey
from gateway.engine.carried import Carried, Flight, Part
from gateway.engine.context import Context
from gateway.engine.deliver import Delivered
from gateway.engine.lanes import Ticket
from gateway.engine.policy import Conclusion
from gateway.store.change import Advance, Changed


def enqueue(ctx: Context, carried: Carried, part: Part, keys: frozenset[SlotKey]) -> None:
    """Let a part of a job wait for a slot; it waits in one place only."""
    if carried.ended or part.is_closed or ctx.lanes.has(carried.id, part.number):
        return
    part.lined_up = True
    record = carried.record
    ctx.lanes.add(
        Ticket(
            carried.id,
            part.number,
            team=record.team,
            priority=record.priority,
            created_at=record.created_at,
            keys=keys,
        )
    )
    ctx.pump()


async def write_end(
    ctx: Context,
    flight: Flight,
    changes: dict[str, Any],
    conclusion: Conclusion | None,
    attempt: Mapping[str, Any],
    events: list[JobEvent],
    delivered: Delivered | None,
    now: float,
) -> Changed:
    """Write the end of an attempt, and with it the job's if there is a conclusion."""
    carried = flight.carried
    assets = delivered.assets if delivered is not None else ()
    dropped: Mapping[str, float] = {}
    if conclusion is not None:
        dropped = concluding(ctx, flight, changes, conclusion, events, now)
        if not conclusion.keeps_outputs:
            assets = ()
    assets = (*assets, *flight.withheld)
    changed = await ctx.store.write(
        Advance(
            job_id=carried.id,
            team=carried.record.team,
            to=conclusion.state if conclusion is not None else None,
            job=changes,
            n=flight.attempt.n,
            epoch=flight.attempt.epoch,
            attempt=closing(flight, now, attempt),
            late=closing(flight, now, {"how": "late_result"}),
            assets=assets,
            dropped=dropped,
            events=tuple(events),
        )
    )
    if changed == "done":
        state = conclusion.state if conclusion is not None else carried.record.state
        carried.record = structs.replace(carried.record, state=state, **changes)
        carried.waits_from(now)
    closed(ctx, flight, changed, attempt, now)
    if changed == "done" and conclusion is not None:
        ctx.lanes.discard(carried.id)
        ctx.finished(carried)
    return changed


def concluding(
    ctx: Context, flight: Flight, changes: dict[str, Any], conclusion: Conclusion, events: list[JobEvent], now: float
) -> Mapping[str, float]:
    """Add the job's end to the changes and events of an attempt's; return the assets that it does not keep."""
    carried = flight.carried
    dropped: Mapping[str, float] = {}
    if not conclusion.keeps_outputs:
        dropped = dict.fromkeys((output.asset_id for output in carried.record.outputs), now)
        thrown_away = changes.get("outputs", carried.record.outputs)
        ctx.metrics.discarded_outputs.labels(flight.backend.name).inc(len(thrown_away))
        changes["outputs"] = ()
        events.clear()
    cancel = carried.record.cancel
    if cancel is not None and conclusion.state == "cancelled":
        cancel = changes["cancel"] = structs.replace(cancel, answer="stopped", detail="cancelled at the backend")
    elif cancel is not None:
        changes["cancel"] = overtaken(cancel)
    # What ended as its caller wished has not failed.
    error = None if cancel is not None and conclusion.state == "cancelled" else conclusion.error
    changes |= {"finished_at": now, "error": error, "review": conclusion.review}
    if conclusion.keeps_outputs:
        changes["adjustments"] = _with_count(carried, changes.get("adjustments", carried.record.adjustments))
    events.append(ending_of(carried, conclusion, cancel, now, changes))
    return dropped


def overtaken(cancel: Cancel) -> Cancel:
    """Return the answer to a wish that came too late: nothing waits for one that never comes."""
    return structs.replace(cancel, answer="cannot", detail="the job ended by itself before the cancel took effect")


def closing(flight: Flight, now: float, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an attempt's row becomes when it closes."""
    return {"is_open": False, "closed_at": now, "phase": flight.phase, **facts}


def closed(ctx: Context, flight: Flight, changed: Changed, facts: Mapping[str, Any], now: float) -> None:
    """Take an attempt out of the process's hands, and give its slot back."""
    if flight.closed:
        return
    flight.closed = True
    # What is left in the timetable must not keep pictures alive.
    flight.done = flight.order = None
    carried = flight.carried
    carried.flights.pop(flight.attempt.n, None)
    if changed == "done":
        flight.attempt = structs.replace(flight.attempt, is_open=False, closed_at=now, **facts)
    carried.attempts[flight.attempt.n] = flight.attempt
    if flight.phase is not None:
        ctx.observe_phase(flight, flight.phase, now - flight.phase_since)
    if flight.holds_slot:
        flight.holds_slot = False
        flight.backend.release(flight.attempt.account)
    ctx.forget(carried)
    ctx.pump()


def ending_of(
    carried: Carried,
    conclusion: Conclusion,
    cancel: Cancel | None,
    now: float,
    changes: Mapping[str, Any] | None = None,
) -> JobEvent:
    """Return the one terminal event of a job."""
    at = moment(now)
    match conclusion.state:
        case "succeeded":
            outputs = (changes or {}).get("outputs", carried.record.outputs)
            return JobSucceeded(job_id=carried.id, at=at, outputs=outputs, review=conclusion.review)
        case "blocked" if conclusion.error is not None:
            return JobBlocked(job_id=carried.id, at=at, error=conclusion.error, review=conclusion.review)
        case "cancelled":
            answer = cancel.answer if cancel is not None else "stopped"
            detail = cancel.detail if cancel is not None else "cancelled at the backend"
            return JobCancelled(job_id=carried.id, at=at, answer=answer, detail=detail)
        case _:
            error = conclusion.error or CatalogError("gateway.internal", "The job ended without a reason.").problem()
            return JobFailed(job_id=carried.id, at=at, error=error)


def with_adjustments(carried: Carried, latest: tuple[Adjustment, ...]) -> tuple[Adjustment, ...]:
    """Return the adjustments of all parts so far, each pointer once."""
    known = {(a.pointer, a.why, a.by): a for a in (*carried.record.adjustments, *latest)}
    return tuple(known.values())


def _with_count(carried: Carried, adjustments: tuple[Adjustment, ...]) -> tuple[Adjustment, ...]:
    """Add the receipt for pictures that were asked for and did not come."""
    wanted = sum(part.count for part in carried.parts.values())
    delivered = sum(part.delivered for part in carried.parts.values())
    spec: SpecBase = carried.record.spec
    if not delivered or delivered >= wanted:
        return adjustments
    missing = Adjustment(pointer="/n", requested=spec.n, applied=delivered, why="not_honoured", by="backend")
    return (*adjustments, missing)


def timings_of(flight: Flight, now: float) -> Timings:
    """Return where the time went, in seconds."""
    marks = flight.marks
    record = flight.carried.record
    return Timings(
        queued_s=round(flight.attempt.started_at - record.created_at, 4),
        submit_s=marks.submit_s,
        run_s=round((marks.done_at or now) - (marks.submitted_at or flight.attempt.started_at), 4),
        download_s=marks.download_s,
        store_s=marks.store_s,
    )
