"""What a process finds when it starts: jobs that wait, attempts that are open, files that must be there.

Every open attempt is taken up again, whatever its job's state. One whose submit may or may not have happened is looked
for by its handle before anything is sent.
"""

from collections.abc import Callable

from msgspec import structs

from contracts.capability import Candidate, Capability
from contracts.catalog import CatalogError, Problem
from contracts.job import TERMINAL, Effective, Review
from contracts.port import Order
from gateway.engine import cancelling, endings
from gateway.engine.carried import Carried, Flight, Part
from gateway.engine.claim import keys_of, wanted_pictures
from gateway.engine.context import Context
from gateway.engine.policy import blocked_review, may_fail_over, worst_review
from gateway.engine.writing import enqueue
from gateway.store.change import Advance
from gateway.store.keep import RaiseEpochs
from gateway.store.query import attempts, job, open_attempts, open_jobs, recent_assets
from gateway.store.record import AttemptRecord, JobRecord

#: How far back files are checked at start: a commit may have survived a power cut that its file did not.
CHECK_FILES_S = 600.0


async def take_up(ctx: Context) -> None:
    """Load everything that is open and go on with it."""
    await ctx.store.write(RaiseEpochs())
    records = await ctx.store.read(open_jobs)
    open_rows = await ctx.store.read(open_attempts)
    known = {record.id: Carried(record) for record in records}
    for job_id in {row.job_id for row in open_rows} - known.keys():
        record = await ctx.store.read(_reader(job_id))
        if record is not None:
            known[job_id] = Carried(record)
    for carried in known.values():
        rows = await ctx.store.read(_attempts_reader(carried.id)) if carried.record.started_at is not None else []
        carried.attempts = {row.n: row for row in rows}
        # Since when a part waits that comes after others; after one that is still open, at most since now.
        carried.waits_from(max((row.closed_at or ctx.clock.now() for row in rows), default=0.0))
        _parts(ctx, carried)
        ctx.jobs[carried.id] = carried
    for row in open_rows:
        if row.job_id in known:
            await _take_up_attempt(ctx, known[row.job_id], row)
    for carried in known.values():
        await _take_up_job(ctx, carried)
    ctx.log.info("engine.took_up", jobs=len(records), attempts=len(open_rows))


def _reader(job_id: str) -> Callable[..., JobRecord | None]:
    return lambda connection: job(connection, job_id)


def _attempts_reader(job_id: str) -> Callable[..., list[AttemptRecord]]:
    return lambda connection: attempts(connection, job_id)


def _parts(ctx: Context, carried: Carried) -> None:
    """Rebuild a job's parts from its row and its attempts."""
    record = carried.record
    if record.parts:
        for shown in record.parts:
            part = Part(shown.part, shown.count)
            part.state, part.delivered, part.error = shown.state, shown.delivered, shown.error
            part.phase, part.progress, part.usage = shown.phase, shown.progress, shown.usage
            first = sum(each.count for each in record.parts if each.part < shown.part)
            mine = [output for output in record.outputs if first <= output.index < first + shown.count]
            part.review = worst_review(Review(verdict=output.review) for output in mine)
            if part.state == "blocked":
                tried = (each.effective for each in carried.attempts.values() if each.part == part.number)
                part.review = blocked_review(part.error, next(tried, None))
            carried.parts[shown.part] = part
    else:
        latest = max(carried.attempts.values(), key=lambda attempt: attempt.n, default=None)
        carried.parts[1] = Part(1, wanted_pictures(record.spec) if latest is None else latest.count)
        carried.parts[1].state = record.state
    for attempt in carried.attempts.values():
        part = carried.parts.setdefault(attempt.part, Part(attempt.part, attempt.count))
        if not attempt.is_open and attempt.error is not None:
            part.tries += 1
            here = (attempt.backend, attempt.account, attempt.model)
            if not may_fail_over(record.spec, ctx.settings.aliases):
                part.pinned = here
            elif not _may_have_it_again(ctx, record, attempt, attempt.error):
                part.excluded.add(here)


def _may_have_it_again(ctx: Context, record: JobRecord, attempt: AttemptRecord, error: Problem) -> bool:
    """Say whether the candidate of a failed attempt may be given the part once more (`policy.next_attempt`)."""
    backend = ctx.backends.get(attempt.backend)
    known = backend.capability(attempt.account, attempt.model, record.operation) if backend is not None else None
    used_up = known is not None and known.retries_itself and error.outcome == "finished_no_result"
    return "same" in error.retry and not used_up


async def _take_up_attempt(ctx: Context, carried: Carried, row: AttemptRecord) -> None:
    backend = ctx.backends.get(row.backend)
    part = carried.parts[row.part]
    if part.state not in TERMINAL and not carried.ended:
        part.state = "running"
    if backend is None:
        await _without_backend(ctx, carried, row)
        return
    capability = backend.capability(row.account, row.model, carried.record.operation) or Capability()
    flight = Flight(carried, row, backend, capability)
    flight.order = Order(
        job_id=carried.id,
        n=row.n,
        part=row.part,
        spec=carried.record.spec,
        effective=row.effective or Effective(),
        candidate=Candidate(row.backend, row.account, row.model),
        capability=capability,
        count=row.count,
    )
    carried.flights[row.n] = flight
    backend.take(row.account)
    flight.submitted.set()
    # Without a word from the backend in the row, nobody knows whether the submit ever left.
    flight.recovering = row.submitted_at is None
    ctx.resume(flight)


async def _without_backend(ctx: Context, carried: Carried, row: AttemptRecord) -> None:
    """End what belongs to a backend that the settings no longer name: nobody can be asked."""
    error = CatalogError(
        "backend.misconfigured",
        f"The backend {row.backend!r} is no longer configured, so its work cannot be followed.",
        outcome="unknown",
    )
    await ctx.store.write(
        Advance(
            job_id=row.job_id,
            team=carried.record.team,
            n=row.n,
            epoch=row.epoch,
            attempt={"is_open": False, "closed_at": ctx.clock.now(), "how": "backend_gone", "outcome": "unknown"},
        )
    )
    carried.attempts[row.n] = structs.replace(row, is_open=False)
    if not carried.ended:
        await endings.end_without_attempt(ctx, carried, "failed", error)


async def _take_up_job(ctx: Context, carried: Carried) -> None:
    if carried.ended:
        ctx.forget(carried)
        return
    watch_deadline(ctx, carried)
    if carried.record.cancel is not None and carried.record.cancel.answer == "pending":
        cancelling.carry_out(ctx, carried)
        return
    busy = {flight.attempt.part for flight in carried.flights.values()}
    for part in carried.parts.values():
        if part.number not in busy and not part.is_closed:
            part.state = "queued"
            _queue_in_time(ctx, carried, part)


def _queue_in_time(ctx: Context, carried: Carried, part: Part) -> None:
    """Let a part wait for a slot, but not before the moment that was agreed when its last try failed."""
    moment = carried.record.not_before
    if moment is None or moment <= ctx.clock.now():
        queue(ctx, carried, part)
    else:
        ctx.at(moment, lambda: queue(ctx, carried, part))


def queue(ctx: Context, carried: Carried, part: Part) -> None:
    """Let a part wait for whoever could serve it; where nobody can be named yet, for anybody."""
    try:
        keys = keys_of(ctx.capable(carried))
    except CatalogError:
        keys = frozenset()
    enqueue(ctx, carried, part, keys)


def watch_deadline(ctx: Context, carried: Carried) -> None:
    """Put the job's own deadlines into the timetable."""
    record = carried.record
    if record.deadline_at is not None:
        carried.timers.append(ctx.at(record.deadline_at, lambda: _deadline(ctx, carried)))
    _watch_queue(ctx, carried, carried.queued_since)


def _watch_queue(ctx: Context, carried: Carried, since: float) -> None:
    carried.timers.append(ctx.at(since + ctx.settings.limits.queue_s, lambda: _queued_too_long(ctx, carried)))


def _deadline(ctx: Context, carried: Carried) -> None:
    if not carried.ended:
        error = CatalogError(
            "job.deadline_exceeded",
            "The job's deadline_s is over.",
            outcome="not_started" if not carried.attempts else "unknown",
        )
        ctx.spawn(_end(ctx, carried, error), name="deadline", again=lambda: _deadline(ctx, carried))


def _queued_too_long(ctx: Context, carried: Carried) -> None:
    if carried.ended:
        return
    since = carried.queued_since if carried.waits else ctx.clock.now()
    if ctx.clock.now() < since + ctx.settings.limits.queue_s:
        # It was given out meanwhile: another wait would be bounded anew.
        _watch_queue(ctx, carried, since)
        return
    choices_ready = any(
        backend.ready(account.name) for backend in ctx.backends.values() for account in backend.accounts
    )
    if choices_ready:
        error = CatalogError(
            "job.deadline_exceeded", "The job waited too long for a free backend.", outcome="not_started"
        )
    else:
        error = CatalogError("routing.no_candidate", "No backend came up while the job waited.", retry_after_s=60)
    ctx.spawn(_end(ctx, carried, error), name="queue_limit", again=lambda: _queued_too_long(ctx, carried))


async def _end(ctx: Context, carried: Carried, error: CatalogError) -> None:
    await endings.end_without_attempt(ctx, carried, "failed", error)


async def check_files(ctx: Context) -> int:
    """Look whether the files of the last minutes' assets are there at their length; return how many are not."""
    since = ctx.clock.now() - CHECK_FILES_S
    recent = await ctx.store.read(lambda connection: recent_assets(connection, since))
    missing = [asset.id for asset in recent if not ctx.store.files.has(asset.sha256, asset.bytes)]
    for asset_id in missing:
        ctx.log.error("assets.missing", asset_id=asset_id)
    return len(missing)
