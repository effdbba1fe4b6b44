"""Giving work out: a candidate is chosen when a slot is free, the intent is written, and only then is anything sent."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, UnsetType, structs

from contracts.catalog import CatalogError
from contracts.event import JobRunning
from contracts.job import moment
from contracts.port import Order
from contracts.spec import SpecBase
from gateway.engine import steps
from gateway.engine.backends import Backend, SlotKey
from gateway.engine.carried import Carried, Flight, Part
from gateway.engine.context import Context
from gateway.engine.endings import end_without_attempt
from gateway.engine.lanes import Ticket
from gateway.engine.writing import enqueue
from gateway.routing import Choice
from gateway.store.change import Advance
from gateway.store.record import AttemptRecord

#: A part that could not be placed although a slot seemed free is looked at again after this.
LOOK_AGAIN_S = 0.2


class Claim(Struct, frozen=True):
    """A slot that is taken, and the attempt that will use it."""

    choice: Choice
    attempt: AttemptRecord
    order: Order
    backend: Backend
    #: From when on the backend could have been given work, had this not been claimed.
    free_at: float


def keys_of(choices: Sequence[Choice]) -> frozenset[SlotKey]:
    """Return whose slots could serve a job."""
    return frozenset(SlotKey(choice.candidate.backend, choice.candidate.account) for choice in choices)


def wanted_pictures(spec: SpecBase) -> int:
    """Return how many pictures a spec asks for."""
    return 1 if isinstance(spec.n, UnsetType) else spec.n


def reserve(ctx: Context, carried: Carried, part: Part, choices: Sequence[Choice]) -> Claim | None:
    """Take a free slot for the best choice that has one, and make its attempt; None when nothing is free."""
    now = ctx.clock.now()
    failed = {backend for backend, _, _ in part.excluded}
    # After a failure another backend comes before another model of the same one.
    for choice in sorted(choices, key=lambda each: each.candidate.backend in failed):
        candidate = choice.candidate
        backend = ctx.backends[candidate.backend]
        here = (candidate.backend, candidate.account, candidate.model)
        if here in part.excluded or (part.pinned is not None and part.pinned != here):
            continue
        if not backend.ready(candidate.account) or not backend.free(candidate.account):
            continue
        pace = choice.capability.pace
        if now < backend.next_submit_at or (pace.serial and backend.in_flight):
            continue
        free_at = backend.next_submit_at
        backend.take(candidate.account)
        # `steps` brings it forward when the answer is there.
        lasts = choice.capability.time.submit_s if pace.after_answer else 0.0
        backend.next_submit_at = now + max(pace.min_submit_interval_s, lasts)
        try:
            return _prepared(carried, part, choice, backend, now, free_at)
        except BaseException:
            backend.release(candidate.account)
            backend.next_submit_at = free_at
            raise
    return None


def _prepared(carried: Carried, part: Part, choice: Choice, backend: Backend, now: float, free_at: float) -> Claim:
    """Make the order and let the adapter make the handle. A part that is too large for one native job is split."""
    part.count = min(part.count, choice.fit.count)
    most = choice.capability.max_n
    if part.count > most:
        _split(carried, part, most)
    order = Order(
        job_id=carried.id,
        n=carried.next_n(),
        part=part.number,
        spec=carried.record.spec,
        effective=choice.fit.effective,
        candidate=choice.candidate,
        capability=choice.capability,
        count=part.count,
    )
    prepared = backend.adapter.prepare(order)
    attempt = AttemptRecord(
        job_id=carried.id,
        n=order.n,
        part=part.number,
        count=part.count,
        backend=choice.candidate.backend,
        account=choice.candidate.account,
        model=choice.candidate.model,
        handle=prepared.handle,
        started_at=now,
        phase="submit",
        effective=prepared.effective,
        adjustments=(*choice.fit.adjustments, *prepared.adjustments),
    )
    return Claim(choice, attempt, order, backend, free_at)


def _split(carried: Carried, part: Part, most: int) -> None:
    """Leave `most` pictures to this part, and make further parts for the rest."""
    rest, part.count = part.count - most, most
    while rest > 0:
        number = max(carried.parts) + 1
        carried.parts[number] = Part(number, min(most, rest))
        rest -= most


def changes_of(carried: Carried, claim: Claim, now: float) -> dict[str, Any]:
    """Return what a claim changes in the job."""
    attempt = claim.attempt
    shown = (carried.parts[number].show() for number in sorted(carried.parts))
    parts = tuple(
        structs.replace(each, state="running", phase="submit", progress=None) if each.part == attempt.part else each
        for each in shown
    )
    return {
        "phase": "submit",
        "backend": attempt.backend,
        "account": attempt.account,
        "model": attempt.model,
        "dialect": claim.backend.dialect_name,
        "sandbox": claim.backend.sandbox,
        "effective": attempt.effective,
        "adjustments": attempt.adjustments,
        "warnings": claim.choice.fit.warnings,
        "started_at": carried.record.started_at or now,
        "not_before": None,
        "parts": parts if len(parts) > 1 else (),
    }


def running_event(claim: Claim, now: float) -> JobRunning:
    """Return the event of a claim."""
    attempt = claim.attempt
    return JobRunning(
        job_id=attempt.job_id,
        at=moment(now),
        attempt=attempt.n,
        part=attempt.part,
        backend=attempt.backend,
        model=claim.choice.candidate.full_model,
        account=attempt.account,
    )


def launch(ctx: Context, carried: Carried, claim: Claim) -> Flight:
    """Send what was claimed; the other parts of a job that was split wait for slots of their own."""
    flight = Flight(carried, claim.attempt, claim.backend, claim.choice.capability)
    flight.order = claim.order
    carried.attempts[claim.attempt.n] = claim.attempt
    carried.flights[claim.attempt.n] = flight
    mine = carried.parts[claim.attempt.part]
    mine.state, mine.phase, mine.progress = "running", "submit", None
    steps.submit(ctx, flight)
    here = (claim.attempt.backend, claim.attempt.account, claim.attempt.model)
    for part in carried.parts.values():
        if part.state == "queued" and not part.lined_up and not part.tries:
            # One job's pictures come from one model, while it can make them.
            part.pinned = part.pinned or here
            enqueue(ctx, carried, part, frozenset({SlotKey(here[0], here[1])}))
    return flight


def abandon(claim: Claim) -> None:
    """Give back the slot of a claim that was not written, and its turn: nothing was sent."""
    claim.backend.release(claim.attempt.account)
    claim.backend.next_submit_at = claim.free_at


async def claim_ticket(ctx: Context, ticket: Ticket) -> None:
    """Claim a part that waited: choose now, write the intent, send."""
    carried = ctx.jobs.get(ticket.job_id)
    if carried is None:
        return
    # One part at a time: each attempt gets a number of its own, and a cancel finds all that were begun.
    async with carried.lock:
        refusal = await _claim(ctx, carried, ticket)
    if refusal is not None:
        # What was capable at the door is so no more: the job ends with the reason.
        await end_without_attempt(ctx, carried, "failed", refusal)


async def _claim(ctx: Context, carried: Carried, ticket: Ticket) -> CatalogError | None:
    part = carried.parts[ticket.part]
    if ctx.stopping or carried.ended or carried.record.cancel is not None or part.state != "queued":
        return None
    try:
        choices = ctx.capable(carried)
        claim = reserve(ctx, carried, part, choices)
    except CatalogError as error:
        if error.code != "routing.no_candidate":
            return error
        choices, claim = [], None
    if claim is None:
        keys = keys_of(choices) or ticket.keys
        ctx.after(LOOK_AGAIN_S, lambda: enqueue(ctx, carried, part, keys))
        return None
    now = ctx.clock.now()
    changes = changes_of(carried, claim, now)
    last = max(carried.attempts.values(), key=lambda attempt: attempt.n, default=None)
    try:
        changed = await ctx.store.write(
            Advance(
                job_id=carried.id,
                team=carried.record.team,
                to="running",
                job=changes,
                claim=claim.attempt,
                events=(running_event(claim, now),),
            )
        )
    except BaseException:
        abandon(claim)
        raise
    if changed != "done":
        abandon(claim)
        return None
    carried.record = structs.replace(carried.record, state="running", **changes)
    if last is not None and last.backend != claim.attempt.backend:
        ctx.metrics.failovers.labels(last.backend, claim.attempt.backend).inc()
    ctx.observe_queued(carried, claim.backend, now)
    launch(ctx, carried, claim)
    return None
