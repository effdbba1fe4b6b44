"""Cancelling truthfully: what waits with us stops at once; what a backend has is asked for, and its answer is told."""

import asyncio

from msgspec import structs

from contracts.catalog import CatalogError
from contracts.job import Cancel, CancelAnswer, moment
from gateway.engine import endings
from gateway.engine.carried import Carried, Flight
from gateway.engine.context import Context
from gateway.store.change import Advance

#: A cancel exchange takes no longer; whoever does not answer by then has not stopped for sure.
CANCEL_S = 10.0
#: Worst last: what one of several parts could not do, the job could not.
_ORDER: tuple[CancelAnswer, ...] = ("stopped", "forgotten", "cannot")


async def cancel(ctx: Context, carried: Carried) -> None:
    """Begin to cancel a job that has not ended. Whichever commits first wins, success included."""
    if carried.cancelling is not None:
        return
    now = ctx.clock.now()
    if carried.record.state == "queued" and not carried.flights and not carried.is_claiming:
        wish = Cancel(requested_at=moment(now), answer="stopped", detail="the job had not been given to a backend")
        await endings.end_without_attempt(ctx, carried, "cancelled", None, wish)
        ctx.metrics.cancels.labels("none", "stopped").inc()
        return
    wish = Cancel(requested_at=moment(now), answer="pending")
    changed = await ctx.store.write(
        Advance(
            job_id=carried.id,
            team=carried.record.team,
            job={"cancel": wish},
            only_from=frozenset({"queued", "running"}),
        )
    )
    if changed == "done":
        carried.record = structs.replace(carried.record, cancel=wish)
        carry_out(ctx, carried)


def carry_out(ctx: Context, carried: Carried) -> None:
    """Ask every backend that has a part of the job; also after a restart that interrupted the asking."""
    if carried.cancelling is None:
        carried.cancelling = ctx.spawn(_carry_out(ctx, carried), name="cancel", again=lambda: _again(ctx, carried))


def _again(ctx: Context, carried: Carried) -> None:
    carried.cancelling = None
    if not carried.ended:
        carry_out(ctx, carried)


async def _carry_out(ctx: Context, carried: Carried) -> None:
    ctx.lanes.discard(carried.id)
    async with carried.lock:
        # What was being given out has a flight by now, and nothing more is given out.
        flights = list(carried.flights.values())
    answers = await asyncio.gather(*(_ask(flight) for flight in flights))
    worst = max(answers, key=lambda answer: _ORDER.index(answer[0]), default=("stopped", None))
    requested = carried.record.cancel.requested_at if carried.record.cancel is not None else moment(ctx.clock.now())
    told = Cancel(requested_at=requested, answer=worst[0], detail=worst[1])
    if not await endings.end_without_attempt(ctx, carried, "cancelled", None, told):
        return
    for flight, answer in zip(flights, answers, strict=True):
        ctx.metrics.cancels.labels(flight.backend.name, answer[0]).inc()
        if answer[0] == "stopped" and not flight.closed:
            await endings.close_late(ctx, flight, how="stopped", result="none")


async def _ask(flight: Flight) -> tuple[CancelAnswer, str | None]:
    """Make one cancel exchange. A queue is only asked once it has told its id; a blocking submit at once."""
    try:
        async with asyncio.timeout(CANCEL_S):
            if not flight.capability.blocking and not flight.recovering:
                await flight.submitted.wait()
            if flight.closed:
                return "stopped", "the attempt had ended"
            said = await flight.backend.adapter.cancel(flight.attempt.handle)
            return said.answer, said.detail
    except TimeoutError:
        return "forgotten", "the backend did not answer the cancel in time: it may go on"
    except CatalogError:
        return "forgotten", "the backend could not be asked to cancel: it may go on"
