import itertools
from typing import Any

import pytest
from msgspec import Raw, structs

from contracts.catalog import CatalogError
from contracts.job import ENTERED_FROM, STATES, TERMINAL, JobState
from contracts.port import Handle
from gateway.store import query
from gateway.store.change import Advance
from gateway.store.keep import AddAssets, RaiseEpochs
from gateway.store.record import AttemptRecord, JobRecord
from gateway.store.store import Store
from tests.unit.gateway.store.rows import NOW, accept_of, asset_row, attempt_row, job_row, queued, running

CLOSED: dict[str, Any] = {"is_open": False, "closed_at": NOW + 9, "how": "done"}


async def job_in(store: Store, state: JobState = "running", *, attempts: int = 1) -> JobRecord:
    """Make a job in a state, with open attempts."""
    job = job_row(state=state)
    await store.write(accept_of(job))
    for n in range(1, attempts + 1):
        await store.write(Advance(job_id=job.id, team="red", claim=attempt_row(job.id, n)))
    return job


async def row(store: Store, job_id: str) -> JobRecord:
    """Return the job as it is on disk."""
    found = await store.read(lambda connection: query.job(connection, job_id))
    assert found is not None
    return found


async def attempt(store: Store, job_id: str, n: int = 1) -> AttemptRecord:
    """Return an attempt as it is on disk."""
    return (await store.read(lambda connection: query.attempts(connection, job_id)))[n - 1]


async def lines(store: Store, job_id: str) -> list[str]:
    """Return the job's history."""
    return [line.type for line in await store.read(lambda connection: query.job_lines(connection, job_id, 0))]


@pytest.mark.parametrize(("come_from", "to"), list(itertools.product(STATES, STATES)))
async def test_a_state_is_entered_only_from_where_the_table_allows(
    store: Store, come_from: JobState, to: JobState
) -> None:
    """Every pair of states: the legal ones are done, all others are late and change nothing at all."""
    job = await job_in(store, come_from)
    changed = await store.write(
        Advance(
            job_id=job.id,
            team="red",
            to=to,
            job={"phase": "store"},
            assets=(asset_row(job_id=job.id),),
            events=(queued(job.id),),
        )
    )
    legal = come_from in ENTERED_FROM[to]
    after = await row(store, job.id)
    assert changed == ("done" if legal else "late")
    assert (after.state, after.phase) == ((to, "store") if legal else (come_from, None))
    assert len(await lines(store, job.id)) == (2 if legal else 1)
    assert len(await store.read(lambda c: query.job_assets(c, job.id))) == legal


@pytest.mark.parametrize("come_from", STATES)
async def test_only_a_job_that_is_not_over_is_given_out(store: Store, come_from: JobState) -> None:
    """A claim enters `running` from `queued`, or for a further part from `running`, and from nowhere else."""
    job = await job_in(store, come_from, attempts=1)
    changed = await store.write(Advance(job_id=job.id, team="red", to="running", claim=attempt_row(job.id, 2)))
    legal = come_from in {"queued", "running"}
    assert changed == ("done" if legal else "late")
    assert len(await store.read(lambda c: query.attempts(c, job.id))) == 1 + legal


@pytest.mark.parametrize("state", STATES)
async def test_what_happens_on_the_way_is_noted_only_while_the_job_runs(store: Store, state: JobState) -> None:
    """A change without a new state needs a running job; a narrower or wider guard can be named."""
    job = await job_in(store, state)
    assert await store.write(Advance(job_id=job.id, team="red", job={"progress": 0.5})) == (
        "done" if state == "running" else "late"
    )
    open_states: frozenset[JobState] = frozenset({"queued", "running"})
    wish = Advance(job_id=job.id, team="red", job={"phase": "image"}, only_from=open_states)
    assert await store.write(wish) == ("done" if state in open_states else "late")


async def test_an_attempt_of_another_carrier_is_fenced_off(store: Store) -> None:
    """After the epochs were raised an old carrier changes neither the attempt nor the job, and tells nothing."""
    job = await job_in(store)
    assert await store.write(RaiseEpochs()) == 1
    old = Advance(
        job_id=job.id,
        team="red",
        to="succeeded",
        n=1,
        epoch=1,
        attempt=CLOSED,
        late={"how": "late_result"},
        assets=(asset_row(job_id=job.id),),
        events=(queued(job.id),),
    )
    assert await store.write(old) == "fenced"
    assert (await row(store, job.id)).state == "running"
    assert await attempt(store, job.id) == attempt_row(job.id, epoch=2)
    assert await lines(store, job.id) == ["job.queued"]
    assert await store.write(structs.replace(old, epoch=2)) == "done"


async def test_a_closed_attempt_is_changed_no_more(store: Store) -> None:
    """An attempt ends once: whoever comes later is fenced, and raising epochs passes it over."""
    job = await job_in(store)
    close = Advance(job_id=job.id, team="red", n=1, epoch=1, attempt=CLOSED)
    assert await store.write(close) == "done"
    assert await store.write(structs.replace(close, attempt={"how": "again"})) == "fenced"
    assert await store.write(RaiseEpochs()) == 0
    closed = await attempt(store, job.id)
    assert (closed.how, closed.epoch, closed.is_open) == ("done", 1, False)


@pytest.mark.parametrize("state", sorted(TERMINAL))
async def test_a_result_that_comes_too_late_closes_its_attempt_and_nothing_else(store: Store, state: JobState) -> None:
    """The attempt takes note that it was late, whether its own write closed it or not; the job stays as it ended."""
    job = await job_in(store, state, attempts=2)
    late = {**CLOSED, "how": "late_result"}
    closing = Advance(
        job_id=job.id, team="red", to="succeeded", n=1, epoch=1, attempt=CLOSED, late=late, events=(queued(job.id),)
    )
    assert await store.write(closing) == "late"
    passing = structs.replace(closing, n=2, attempt={"phase": "image"})
    assert await store.write(passing) == "late"
    for n in (1, 2):
        found = await attempt(store, job.id, n)
        assert (found.is_open, found.how, found.closed_at) == (False, "late_result", NOW + 9)
    assert (await row(store, job.id)).state == state
    assert await lines(store, job.id) == ["job.queued"]


async def test_what_an_attempt_learned_is_kept_even_if_its_job_has_ended(store: Store) -> None:
    """The backend's own id is written although the job moved on: it is needed to follow the attempt to its end."""
    job = await job_in(store, "cancelled")
    handle = Handle(f"{job.id}.1", Raw(b'{"run":"r-1"}'))
    learned = Advance(
        job_id=job.id, team="red", job={"phase": "image"}, n=1, epoch=1, attempt={"handle": handle, "submitted_at": 1.0}
    )
    assert await store.write(learned) == "late"
    found = await attempt(store, job.id)
    assert (found.handle, found.submitted_at, found.is_open) == (handle, 1.0, True)


async def test_an_advance_whose_claim_collides_is_undone_as_a_whole(store: Store) -> None:
    """If its attempt's number is taken, the job does not change either."""
    job = await job_in(store, "queued")
    double = Advance(job_id=job.id, team="red", to="running", claim=attempt_row(job.id, 1), events=(running(job.id),))
    with pytest.raises(Exception, match="UNIQUE"):
        await store.write(double)
    assert (await row(store, job.id)).state == "queued"
    assert await lines(store, job.id) == ["job.queued"]


async def test_the_job_knows_its_last_event(store: Store) -> None:
    """`last_event_id` is the id of the last line told, which is what the ETag is made of."""
    job = await job_in(store)
    await store.write(Advance(job_id=job.id, team="red", to="queued", events=(queued(job.id), queued(job.id))))
    last = (await store.read(lambda c: query.job_lines(c, job.id, 0)))[-1].id
    assert (await row(store, job.id)).last_event_id == last == await store.read(query.last_event_id)


async def test_what_a_job_does_not_keep_is_deleted_with_its_end(store: Store) -> None:
    """Assets of earlier parts get their tombstone in the commit that fails the job, and only in that one."""
    job = await job_in(store)
    kept, dropped = asset_row(job_id=job.id), asset_row(job_id=job.id)
    await store.write(AddAssets((kept, dropped)))
    fail = Advance(job_id=job.id, team="red", to="failed", dropped={dropped.id: NOW + 1})
    assert await store.write(fail) == "done"
    assert await store.write(structs.replace(fail, dropped={kept.id: NOW + 2})) == "late"
    found = {each.id: each.deleted_at for each in await store.read(lambda c: query.job_assets(c, job.id))}
    assert found == {kept.id: None, dropped.id: NOW + 1}


async def test_a_refusal_inside_a_command_reaches_its_caller(store: Store) -> None:
    """What a command raises in the catalogue's words comes back as it was raised."""
    with pytest.raises(CatalogError):
        await store.write(accept_of(job_row(), holds=("ast_none",)))
