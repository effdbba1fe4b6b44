import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from contracts.catalog import CatalogError
from contracts.spec import ImageGenerate, Route
from gateway.store import query
from gateway.store.change import Accept, Accepted, Idempotency
from gateway.store.keep import AddAssets, MarkAsset
from gateway.store.record import AttemptRecord, JobRecord, from_row, params
from gateway.store.store import Store
from tests.unit.gateway.store.rows import NOW, accept_of, asset_row, attempt_row, job_row, queued, running


def keyed(key: str = "k", fingerprint: str = "f", *, team: str = "red", route: str = "v1", at: float = NOW) -> Accept:
    """Return an acceptance under an idempotency key, at a moment."""
    job = job_row(team=team, created_at=at)
    return accept_of(
        job,
        idempotency=Idempotency(
            team=team, route=route, key=key, fingerprint=fingerprint, job_id=job.id, expires_at=at + 100
        ),
    )


async def stored(store: Store, job_id: str) -> JobRecord | None:
    """Return a job as it is on disk."""
    return await store.read(lambda connection: query.job(connection, job_id))


async def count_jobs(store: Store) -> int:
    """Return how many jobs there are."""
    return await store.read(lambda connection: int(connection.execute("SELECT count(*) FROM job").fetchone()[0]))


async def test_an_accepted_job_is_there_with_everything_that_belongs_to_it(store: Store) -> None:
    """Job, events, attempt, tags, input assets and holds come in one commit."""
    job = structs.replace(job_row(), state="running", started_at=NOW)
    asset, attempt = asset_row(source="input"), attempt_row(job.id)
    accepted = await store.write(
        Accept(
            job=job,
            events=(queued(job.id), running(job.id)),
            attempt=attempt,
            tags={"project": "zoo"},
            assets=(asset,),
            holds=(asset.id,),
        )
    )
    assert accepted == Accepted(job.id, replayed=False, last_event_id=2)
    assert await stored(store, job.id) == structs.replace(job, last_event_id=2)
    assert await store.read(lambda c: query.attempts(c, job.id)) == [attempt]
    assert await store.read(lambda c: query.input_ids(c, job.id)) == [asset.id]
    assert [line.type for line in await store.read(lambda c: query.job_lines(c, job.id, 0))] == [
        "job.queued",
        "job.running",
    ]
    found = await store.read(lambda c: query.jobs_page(c, query.Filter(team="red", tag=("project", "zoo"))))
    assert [each.id for each in found] == [job.id]


async def test_the_same_key_and_body_make_one_job(store: Store) -> None:
    """A replay is told which job there is, and writes nothing."""
    first = await store.write(keyed())
    before = await store.read(query.last_event_id)
    assert await store.write(keyed(at=NOW + 50)) == Accepted(first.job_id, replayed=True)
    assert (await count_jobs(store), await store.read(query.last_event_id)) == (1, before)


async def test_the_same_key_at_the_same_moment_makes_one_job(store: Store) -> None:
    """Two equal requests that meet in one commit are one job."""
    results = await asyncio.gather(*(store.write(keyed()) for _ in range(5)))
    assert len({each.job_id for each in results}) == 1
    assert sorted(each.replayed for each in results) == [False, True, True, True, True]
    assert await count_jobs(store) == 1


async def test_another_body_under_the_same_key_is_refused(store: Store) -> None:
    """The refusal is a 422 that names the job of the key, and nothing is made."""
    first = await store.write(keyed())
    with pytest.raises(CatalogError) as refused:
        await store.write(keyed(fingerprint="other"))
    assert (refused.value.code, refused.value.status) == ("idempotency.conflict", 422)
    assert refused.value.facts["job_id"] == first.job_id
    assert await count_jobs(store) == 1


@pytest.mark.parametrize("other", [{"team": "blue"}, {"route": "openai"}, {"key": "k2"}])
async def test_a_key_means_something_only_to_its_team_and_route(store: Store, other: dict[str, str]) -> None:
    """Another team, route or key makes a job of its own."""
    first = await store.write(keyed())
    second = await store.write(keyed(**other))  # type: ignore[arg-type]
    assert not second.replayed
    assert second.job_id != first.job_id


async def test_a_key_past_its_time_is_free_again(store: Store) -> None:
    """After its 24 hours a key makes a new job, with whatever body, and then stands for that one."""
    first = await store.write(keyed())
    second = await store.write(keyed(fingerprint="other", at=NOW + 100))
    assert not second.replayed
    assert await store.write(keyed(fingerprint="other", at=NOW + 150)) == Accepted(second.job_id, replayed=True)
    assert first.job_id != second.job_id


@pytest.mark.parametrize("asset", [asset_row(team="blue"), asset_row(deleted_at=NOW - 1), None])
async def test_an_input_that_is_not_there_leaves_no_trace_of_the_job(store: Store, asset: object) -> None:
    """Another team's, a deleted and an unknown input are refused alike, and the key stays free."""
    if asset is not None:
        await store.write(AddAssets((asset,)))  # type: ignore[arg-type]
    wanted = asset.id if asset is not None else "ast_none"  # type: ignore[attr-defined]
    with pytest.raises(CatalogError) as refused:
        await store.write(structs.replace(keyed(), holds=(wanted,)))
    assert refused.value.code == "request.reference_invalid"
    assert (await count_jobs(store), await store.read(query.last_event_id)) == (0, 0)
    assert not (await store.write(keyed())).replayed


async def test_an_input_deleted_in_the_same_commit_is_refused(store: Store) -> None:
    """Whoever stands first in line wins: a delete before the acceptance takes the input away from it."""
    asset = asset_row(source="input")
    await store.write(AddAssets((asset,)))
    deleted, refused = await asyncio.gather(
        store.write(MarkAsset(asset.id, "red", NOW)),
        store.write(accept_of(job_row(), holds=(asset.id,))),
        return_exceptions=True,
    )
    assert deleted is True
    assert isinstance(refused, CatalogError)


texts = st.text(max_size=20)
specs = st.builds(
    ImageGenerate,
    prompt=texts.map("a{}".format),
    negative_prompt=texts,
    n=st.integers(1, 64),
    tags=st.dictionaries(st.sampled_from(["a", "b.c", "d_e-f"]), texts),
    route=st.builds(Route, failover=st.booleans()),
    options=st.dictionaries(texts, st.dictionaries(texts, st.none() | st.booleans() | texts), max_size=2),
)
moments = st.none() | st.floats(0, 4e9)
jobs = st.builds(
    job_row,
    spec=specs,
    key_id=st.none() | texts,
    phase=st.sampled_from([None, "submit", "image"]),
    priority=st.integers(-10, 10),
    sandbox=st.booleans(),
    progress=st.none() | st.floats(0, 1),
    warnings=st.lists(texts, max_size=3).map(tuple),
    started_at=moments,
    deadline_at=moments,
    last_event_id=st.integers(0, 2**62),
)


@settings(max_examples=50)
@given(jobs)
def test_what_is_stored_is_what_was_meant(job: JobRecord) -> None:
    """A record turned into columns and read back is the same record."""
    assert from_row(JobRecord, params(job)) == job


@settings(max_examples=30)
@given(st.booleans(), texts, st.sampled_from([None, "unknown", "not_started"]), moments)
def test_an_attempt_is_read_as_it_was_written(is_open: bool, account: str, outcome: str | None, at: float) -> None:  # noqa: FBT001 - given by position
    """An attempt turned into columns and read back is the same attempt."""
    attempt = attempt_row("job", is_open=is_open, account=account, outcome=outcome, closed_at=at)
    assert from_row(AttemptRecord, params(attempt)) == attempt
