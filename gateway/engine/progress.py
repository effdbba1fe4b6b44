"""Phase and progress: held in memory at once, written when they last, told to those who listen."""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from contracts.catalog import CatalogError
from contracts.event import JobPartialImage, JobPhase, JobProgress
from contracts.job import Phase, moment
from contracts.port import PartialImage, PhaseNote
from gateway.engine.carried import Flight
from gateway.engine.context import AGAIN_S, Context
from gateway.store.change import Advance
from gateway.store.line import Line
from gateway.store.record import encode_json

#: A phase or progress that lasts this long is written; what is over sooner rides with the next commit.
LASTING_S = 1.0
PROGRESS_STEP = 0.05
PROGRESS_INTERVAL_S = 2.0


class Emitter:
    """Takes what an exchange that lasts tells meanwhile."""

    def __init__(self, ctx: Context, flight: Flight) -> None:
        """Take whose exchange it is."""
        self.ctx = ctx
        self.flight = flight

    def __call__(self, note: PhaseNote | PartialImage) -> None:
        """Note a phase, or hand a preview on. Who tells of the work has it, and can be asked to stop."""
        self.flight.submitted.set()
        if isinstance(note, PhaseNote):
            self.ctx.took_phase(self.flight, note.phase)
            progressed(self.ctx, self.flight, note.phase, note.progress)
            return
        carried = self.flight.carried
        event = JobPartialImage(
            job_id=carried.id,
            at=moment(self.ctx.clock.now()),
            index=note.index,
            media_type=note.media_type,
            data=note.data,
        )
        line = Line(None, carried.record.team, carried.id, "job.partial_image", encode_json(event))
        self.ctx.hub.publish([line])


def progressed(ctx: Context, flight: Flight, phase: Phase | None, progress: float | None) -> None:
    """Note phase and progress; what lasts is written, with an event (durability.md §2)."""
    if progress is not None:
        flight.progress = progress
    if flight.draining:
        return
    carried, part = flight.carried, flight.carried.parts[flight.attempt.part]
    part.phase = phase or part.phase
    part.progress = part.progress if progress is None else progress
    known = {"phase": phase or carried.record.phase, "progress": carried.progress} | carried.shown_parts()
    carried.record = structs.replace(carried.record, **known)
    step = (flight.progress or 0.0) - flight.stored_progress
    new_phase = phase is not None and phase != flight.stored_phase
    if not flight.dirty and (new_phase or step >= PROGRESS_STEP):
        flight.dirty = True
        wait = LASTING_S if new_phase else max(0.0, PROGRESS_INTERVAL_S - (ctx.clock.now() - flight.stored_at))
        ctx.after(wait, lambda: _flush(ctx, flight))


def _flush(ctx: Context, flight: Flight) -> None:
    if flight.dirty and not flight.closed and not flight.draining and flight.done is None:
        ctx.spawn(_store_progress(ctx, flight), name="progress")
    flight.dirty = False


async def _store_progress(ctx: Context, flight: Flight) -> None:
    now = ctx.clock.now()
    if flight.phase != flight.stored_phase:
        event: JobPhase | JobProgress = phase_event(flight, now)
    else:
        event = JobProgress(
            job_id=flight.carried.id,
            at=moment(now),
            progress=flight.carried.progress or 0.0,
            phase=flight.phase,
            part=flight.attempt.part,
        )
    flight.stored_phase, flight.stored_progress, flight.stored_at = flight.phase, flight.progress or 0.0, now
    attempt = flight.attempt
    known = {"phase": flight.phase, "handle": attempt.handle, "submitted_at": attempt.submitted_at}
    try:
        await ctx.store.write(noted(flight, known, (event,)))
    except CatalogError:
        owe(ctx, flight)
        raise


def owe(ctx: Context, flight: Flight) -> None:
    """Write later what could not be written now."""
    flight.stored_phase, flight.dirty = None, True
    ctx.after(AGAIN_S, lambda: _flush(ctx, flight))


def phase_event(flight: Flight, now: float) -> JobPhase:
    """Return the event of the phase that a flight is in."""
    flight.stored_phase, flight.stored_at = flight.phase, now
    carried = flight.carried
    return JobPhase(
        job_id=carried.id,
        at=moment(now),
        phase=flight.phase or "submit",
        progress=carried.progress,
        part=flight.attempt.part,
    )


def noted(flight: Flight, attempt: Mapping[str, Any], events: tuple[JobPhase | JobProgress, ...]) -> Advance:
    """Return the write of something that happened on the way. On an ended job only the attempt takes note."""
    return Advance(
        job_id=flight.carried.id,
        team=flight.carried.record.team,
        job=None if flight.draining else _known(flight),
        n=flight.attempt.n,
        epoch=flight.attempt.epoch,
        attempt=attempt,
        events=() if flight.draining else events,
    )


def _known(flight: Flight) -> dict[str, Any]:
    return {"phase": flight.phase, "progress": flight.carried.progress} | flight.carried.shown_parts()
