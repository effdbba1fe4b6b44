"""Records into the job that the world sees."""

from collections.abc import Sequence

from contracts.job import Attempt, Job, JobOutput, Links, moment
from gateway.store.record import AttemptRecord, JobRecord


def to_job(
    record: JobRecord,
    attempts: Sequence[AttemptRecord],
    *,
    queue_position: int | None = None,
    outputs: tuple[JobOutput, ...] | None = None,
) -> Job:
    """Return a job as one document."""
    path = f"/v1/jobs/{record.id}"
    return Job(
        id=record.id,
        operation=record.operation,
        state=record.state,
        phase=record.phase if record.state in ("queued", "running") else None,
        spec=record.spec,
        backend=record.backend,
        account=record.account,
        model=f"{record.backend}/{record.model}" if record.backend and record.model else None,
        dialect=record.dialect,
        sandbox=record.sandbox,
        progress=1.0 if record.state == "succeeded" else record.progress,
        queue_position=queue_position,
        outputs=record.outputs if outputs is None else outputs,
        parts=record.parts,
        effective=record.effective,
        adjustments=record.adjustments,
        warnings=record.warnings,
        review=record.review,
        error=record.error,
        cancel=record.cancel,
        attempts=tuple(to_attempt(attempt) for attempt in attempts),
        usage=record.usage,
        created_at=moment(record.created_at),
        started_at=None if record.started_at is None else moment(record.started_at),
        finished_at=None if record.finished_at is None else moment(record.finished_at),
        timings=record.timings,
        links=Links(self=path, events=f"{path}/events", cancel=f"{path}/cancel"),
    )


def to_attempt(record: AttemptRecord) -> Attempt:
    """Return an attempt without its handle and its epoch: those are the engine's own."""
    return Attempt(
        n=record.n,
        part=record.part,
        backend=record.backend,
        account=record.account,
        model=f"{record.backend}/{record.model}",
        started_at=moment(record.started_at),
        ended_at=None if record.closed_at is None else moment(record.closed_at),
        effective=record.effective,
        adjustments=record.adjustments,
        error=record.error,
        outcome=record.outcome,
        how=record.how,
    )
