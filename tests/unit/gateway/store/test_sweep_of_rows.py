import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from msgspec import structs

from contracts.job import TERMINAL, JobState
from gateway.store import query
from gateway.store.change import Accept, Advance, Idempotency
from gateway.store.keep import AddAssets, MarkAsset, PurgeAsset, Sweep, Swept
from gateway.store.record import JobRecord
from gateway.store.store import Store
from gateway.store.writer import Transaction
from tests.unit.gateway.store.rows import NOW, Do, accept_of, asset_row, attempt_row, job_row, queued

DAY = 86_400.0


def sweep_at(now: float, **facts: Any) -> Sweep:
    """Return a sweep with the usual times: jobs 30 days, events 7, tombstones 7, notes of what is gone 30."""
    known: dict[str, Any] = {
        "jobs_before": now - 30 * DAY,
        "events_before": now - 7 * DAY,
        "tombstones_before": now - 7 * DAY,
        "gone_until": now + 30 * DAY,
    }
    return Sweep(now=now, **{**known, **facts})


async def ended_job(store: Store, at: float = NOW, state: JobState = "succeeded", **facts: Any) -> JobRecord:
    """Make a job that has ended at a moment, with an event, a tag and whatever else is named."""
    job = job_row(state=state, finished_at=at if state in TERMINAL else None)
    await store.write(Accept(job=job, events=(queued(job.id, at),), tags={"k": "v"}, **facts))
    return job


async def count(store: Store, table: str) -> int:
    """Return how many rows a table has."""
    return await store.read(lambda c: int(c.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))  # noqa: S608 - our own word


async def is_there(store: Store, ask: Callable[..., Any], thing_id: str) -> bool:
    """Say whether a job or an asset is there."""
    return await store.read(lambda c: ask(c, thing_id)) is not None


@pytest.mark.parametrize("state", sorted(TERMINAL))
async def test_a_job_goes_with_everything_of_it_when_its_days_are_over(store: Store, state: JobState) -> None:
    """Until then it stays; afterwards its row, events, tags, holds and attempts are gone, and a note is left."""
    asset = asset_row(source="input", expires_at=NOW + 99 * DAY)
    job = await ended_job(store, state=state, assets=(asset,), holds=(asset.id,))
    await store.write(Advance(job_id=job.id, team="red", claim=attempt_row(job.id, is_open=False)))
    await store.write(sweep_at(NOW + 30 * DAY, events_before=NOW))
    assert await is_there(store, query.job, job.id)
    await store.write(sweep_at(NOW + 30 * DAY + 1))
    assert not await is_there(store, query.job, job.id)
    for table in ("job", "event", "job_tag", "job_input", "attempt"):
        assert await count(store, table) == 0, table


async def test_what_is_gone_is_known_for_a_while_and_only_to_its_team(store: Store) -> None:
    """First 410, then 404; another team is told 404 all along."""
    job = await ended_job(store)
    now = NOW + 31 * DAY
    await store.write(sweep_at(now))

    async def is_gone(team: str, at: float) -> bool:
        return await store.read(lambda c: query.is_gone(c, job.id, team, at))

    assert await is_gone("red", now + 29 * DAY)
    assert not await is_gone("blue", now)
    assert not await is_gone("red", now + 30 * DAY)
    await store.write(sweep_at(now + 30 * DAY + 1))
    assert await count(store, "gone") == 0


@pytest.mark.parametrize("state", ["queued", "running"])
async def test_an_open_job_is_never_swept_and_neither_is_its_history(store: Store, state: JobState) -> None:
    """However old it is, a job that has not ended keeps its row, its events and its inputs."""
    asset = asset_row(source="input", expires_at=NOW + 1)
    job = await ended_job(store, state=state, assets=(asset,), holds=(asset.id,))
    await store.write(MarkAsset(asset.id, "red", NOW))
    swept = await store.write(sweep_at(NOW + 1000 * DAY))
    assert swept == Swept(0)
    assert await is_there(store, query.job, job.id)
    assert await is_there(store, query.asset, asset.id)
    assert await count(store, "event") == 1
    # Its end lets go of them.
    await store.write(Advance(job_id=job.id, team="red", to="cancelled", job={"finished_at": NOW + 1000 * DAY}))
    await store.write(sweep_at(NOW + 1000 * DAY))
    assert not await is_there(store, query.asset, asset.id)
    assert await is_there(store, query.job, job.id)


async def test_a_job_whose_attempt_still_drains_is_kept(store: Store) -> None:
    """As long as an attempt is carried its job's row is needed."""
    job = await ended_job(store, state="cancelled")
    await store.write(Advance(job_id=job.id, team="red", claim=attempt_row(job.id), only_from=frozenset()))
    await store.write(Do(lambda tx: tx.connection.execute("UPDATE attempt SET is_open = 1")))
    await store.write(sweep_at(NOW + 31 * DAY))
    assert await is_there(store, query.job, job.id)
    await store.write(Do(lambda tx: tx.connection.execute("UPDATE attempt SET is_open = 0")))
    await store.write(sweep_at(NOW + 31 * DAY))
    assert not await is_there(store, query.job, job.id)


async def test_events_go_after_their_days_and_ids_never_come_back(store: Store) -> None:
    """Old lines of ended jobs go, younger ones stay, and a new line never gets an id that was used before."""
    old, young = await ended_job(store, NOW), await ended_job(store, NOW + 3 * DAY)
    opened = await ended_job(store, NOW, "running")
    last = await store.read(query.last_event_id)
    await store.write(sweep_at(NOW + 8 * DAY))
    kept = await store.read(lambda c: query.team_lines(c, "red", 0))
    assert [line.job_id for line in kept] == [young.id, opened.id]
    await store.write(Do(lambda tx: tx.connection.execute("DELETE FROM event")))
    await store.write(Advance(job_id=opened.id, team="red", to="queued", events=(queued(opened.id),)))
    assert await store.read(query.last_event_id) == last + 1
    assert await is_there(store, query.job, old.id)


async def test_events_behind_an_open_jobs_are_swept_too(store: Store) -> None:
    """An old job that never ends does not keep the lines of others, whatever their order in the log."""
    await ended_job(store, NOW, "running")
    jobs = [await ended_job(store, NOW + n) for n in range(4)]
    await ended_job(store, NOW + 9 * DAY)
    swept = await store.write(sweep_at(NOW + 10 * DAY))
    assert swept.removed == len(jobs)
    assert await count(store, "event") == 2


async def test_an_asset_goes_when_its_time_is_over_and_leaves_a_note(store: Store) -> None:
    """It goes at its own moment, not with its job, and its id is 410 from then on."""
    job = await ended_job(store)
    asset = asset_row(job_id=job.id, expires_at=NOW + DAY)
    await store.write(AddAssets((asset,)))
    assert (await store.write(sweep_at(NOW + DAY))).removed == 0
    swept = await store.write(sweep_at(NOW + DAY + 1))
    assert swept == Swept(1, (asset.sha256,))
    assert not await is_there(store, query.asset, asset.id)
    assert await is_there(store, query.job, job.id)
    assert await store.read(lambda c: query.is_gone(c, asset.id, "red", NOW + DAY + 1))


async def test_a_deleted_asset_can_be_restored_until_its_tombstone_falls(store: Store) -> None:
    """Deleting marks it; within the window it comes back whole, afterwards it is purged."""
    asset = asset_row(expires_at=NOW + 99 * DAY)
    await store.write(AddAssets((asset,)))
    assert not await store.write(MarkAsset(asset.id, "blue", NOW))
    assert await store.write(MarkAsset(asset.id, "red", NOW))
    await store.write(sweep_at(NOW + 7 * DAY))
    assert await store.write(MarkAsset(asset.id, "red", None))
    await store.write(sweep_at(NOW + 8 * DAY))
    assert await store.read(lambda c: query.asset(c, asset.id)) == asset
    await store.write(MarkAsset(asset.id, "red", NOW))
    await store.write(sweep_at(NOW + 8 * DAY))
    assert not await is_there(store, query.asset, asset.id)


async def test_an_asset_that_was_deleted_for_good_never_comes_back(store: Store) -> None:
    """Not restored, not by deleting it once more before that; the next sweep takes it, long before its time."""
    asset = asset_row(expires_at=NOW + 99 * DAY)
    await store.write(AddAssets((asset,)))
    assert not await store.write(PurgeAsset(asset.id, "blue", NOW))
    assert await store.write(PurgeAsset(asset.id, "red", NOW))
    for again in (None, NOW + 1, None):
        assert await store.write(MarkAsset(asset.id, "red", again)) is (again is not None)
    assert await store.write(sweep_at(NOW + 2)) == Swept(1, (asset.sha256,))
    assert await store.read(lambda c: query.is_gone(c, asset.id, "red", NOW + 3))


async def test_a_file_is_let_go_only_with_the_last_row_that_speaks_of_it(store: Store) -> None:
    """Two teams' assets of the same bytes, a deleted one included, keep the file until both are gone."""
    digest = hashlib.sha256(b"same").hexdigest()
    first = asset_row(sha256=digest, expires_at=NOW + 1)
    second = asset_row(sha256=digest, team="blue", expires_at=NOW + 10, deleted_at=NOW)
    await store.write(AddAssets((first, second)))
    assert await store.write(sweep_at(NOW + 2)) == Swept(1)
    assert await store.write(sweep_at(NOW + 11)) == Swept(1, (digest,))


async def test_idempotency_keys_go_after_their_time(store: Store) -> None:
    """Only keys whose time is over are forgotten."""
    for key, until in (("old", NOW + 1), ("young", NOW + 5)):
        job = job_row()
        await store.write(
            accept_of(
                job,
                idempotency=Idempotency(
                    team="red", route="v1", key=key, fingerprint="f", job_id=job.id, expires_at=until
                ),
            )
        )
    await store.write(sweep_at(NOW + 2))
    left = await store.read(lambda c: [row[0] for row in c.execute("SELECT key FROM idempotency")])
    assert left == ["young"]


async def test_a_sweep_is_bounded_and_says_that_there_is_more(store: Store) -> None:
    """Many old rows go in small steps, so that no commit lasts; the last step says that it was the last."""
    for _ in range(5):
        job = await ended_job(store)
        await store.write(AddAssets((asset_row(job_id=job.id, expires_at=NOW + 1),)))
    step = structs.replace(sweep_at(NOW + 40 * DAY), batch=2)
    more = [(await store.write(step)).more for _ in range(4)]
    assert more == [True, True, False, False]
    assert (await count(store, "job"), await count(store, "asset"), await count(store, "event")) == (0, 0, 0)


async def cost(store: Store, command: Sweep) -> int:
    """Return how many steps the database takes for a sweep."""
    steps = 0

    def count_step() -> int:
        nonlocal steps
        steps += 1
        return 0

    def apply(tx: Transaction) -> None:
        tx.connection.set_progress_handler(count_step, 10)
        assert command._jobs(tx) == command._events(tx) == 0
        tx.connection.set_progress_handler(None, 0)

    await store.write(Do(apply))
    return steps


async def test_the_price_of_a_sweep_does_not_grow_with_what_is_kept(store: Store) -> None:
    """It runs where everything is written: jobs and events that stay are not looked at."""
    await ended_job(store)
    few = await cost(store, sweep_at(NOW + DAY))
    for _ in range(300):
        await ended_job(store)
    assert await cost(store, sweep_at(NOW + DAY)) <= few + 5
