"""Requests that come again: which job they join, as rows on disk say it."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs

from contracts.catalog import CatalogError
from contracts.codes import ErrorCode
from gateway.store.change import Accept, Accepted
from gateway.store.database import connect
from gateway.store.keep import Sweep
from gateway.store.record import column
from gateway.store.sent import KNOWN_S, Join, Resent, See, SentRecord
from gateway.store.store import Store
from gateway.store.writer import Transaction
from tests.unit.gateway.store.rows import NOW, accept_of, job_row

RETRYABLE: ErrorCode = "backend.unavailable"
REFUSED: ErrorCode = "policy.refused"


def sent(
    wish: str = "fox", *, at: float = NOW, again: bool = False, awaited: set[str] | None = None, key: str = "key_1"
) -> Accept:
    """Return the acceptance of a request that may join another's job."""
    job = job_row(created_at=at)
    record = SentRecord(
        job_id=job.id, team="red", key_id=key, route="/openai/v1/images/generations", fingerprint=wish, seen_at=at
    )
    return accept_of(job, resent=Resent(record=record, again=again, awaited=awaited or set()))


def fail(connection: sqlite3.Connection, job_id: str, code: ErrorCode) -> None:
    """Let a job fail."""
    error = CatalogError(code, "It failed.").problem(job_id=job_id)
    values = (column("error", error), job_id)
    connection.execute("UPDATE job SET state = 'failed', error = ? WHERE id = ?", values)


def see(job_id: str, *, answered: bool, at: float = NOW) -> See:
    """Return the note that a client left, or was answered."""
    return See(job_id=job_id, at=at, answered=answered)


@pytest.mark.parametrize("again", [False, True])
async def test_a_lost_request_is_joined_for_a_quarter_of_an_hour(store: Store, again: bool) -> None:  # noqa: FBT001
    """Each time that it is heard of, the quarter begins anew; after it the request is a new one."""
    first = await store.write(sent())
    for minutes in (14, 28, 42):
        later = await store.write(sent(at=NOW + minutes * 60, again=again))
        assert later == Accepted(first.job_id, replayed=True, joined=True)
    assert not (await store.write(sent(at=NOW + 42 * 60 + KNOWN_S + 1, again=again))).joined


async def test_of_several_equal_ones_the_newest_is_joined_and_a_lost_one_before_it(store: Store) -> None:
    """A retry means the request that was sent last, unless somebody heard nothing of an earlier one."""
    older = (await store.write(sent())).job_id
    newer = (await store.write(sent(at=NOW + 1, awaited={older}))).job_id
    assert (await store.write(sent(at=NOW + 2, again=True, awaited={older, newer}))).job_id == newer
    assert (await store.write(sent(at=NOW + 3, again=True, awaited={newer}))).job_id == older


async def test_joining_makes_nothing(store: Store) -> None:
    """Neither a job nor a row: only the first request's last sign of life is written."""
    await store.write(sent())
    await store.write(sent(at=NOW + 60))
    count = "SELECT (SELECT count(*) FROM job), (SELECT count(*) FROM sent), (SELECT seen_at FROM sent)"
    assert tuple(await store.read(lambda each: each.execute(count).fetchone())) == (1, 1, NOW + 60)


async def test_one_that_only_joins_finds_the_job_or_nothing(store: Store) -> None:
    """Where no job can be made now, one that is there is still joined, and none is made."""
    resent = sent().resent
    assert resent is not None
    assert await store.write(Join(resent)) is None
    first = await store.write(sent())
    assert await store.write(Join(resent)) == first.job_id


async def test_what_nobody_can_join_any_more_is_swept(store: Store) -> None:
    """A row lives as long as it could be joined, and no longer."""
    await store.write(sent())
    counts = []
    for at in (NOW + KNOWN_S, NOW + KNOWN_S + 1):
        await store.write(Sweep(now=at, jobs_before=0, events_before=0, tombstones_before=0, gone_until=at))
        counts.append(await store.read(lambda each: each.execute("SELECT count(*) FROM sent").fetchone()[0]))
    assert counts == [1, 0]


class Known(Struct):
    """What is true of a job that a request made."""

    job_id: str
    wish: str
    seen_at: float
    answered: bool = False
    invites: bool = False


class World:
    """Requests of one key on a database in memory, each held to what joining promises."""

    def __init__(self, empty_database: Path) -> None:
        """Begin without any."""
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        template = connect(empty_database, readonly=True)
        template.backup(self.connection)
        template.close()
        self.now = NOW
        self.known: list[Known] = []
        self.awaited: set[str] = set()

    def send(self, wish: str, *, again: bool) -> None:
        """Send a request, and hold what becomes of it against what was known before."""
        accept = sent(wish, at=self.now, again=again, awaited=self.awaited)
        own = accept.job.id
        self.awaited.add(own)
        accepted = accept.apply(Transaction(self.connection))
        self.awaited -= {own} if accepted.joined else set()
        fresh = [each for each in self.known if each.wish == wish and self.now - each.seen_at <= KNOWN_S]
        lost = [each for each in fresh if not each.answered and each.job_id not in self.awaited and not each.invites]
        newest = fresh[-1] if fresh else None
        may = {each.job_id for each in lost}
        if again and newest is not None and not newest.invites:
            may.add(newest.job_id)
        if not accepted.joined:
            assert not may, "somebody paid twice"
            self.known.append(Known(own, wish, self.now))
            return
        assert accepted.job_id in may, "somebody was given what he did not ask for"
        next(each for each in self.known if each.job_id == accepted.job_id).seen_at = self.now

    def over(self, at: int, *, answered: bool) -> None:
        """Let the first client of a job hear its answer, or leave."""
        if self.known:
            each = self.known[at % len(self.known)]
            see(each.job_id, answered=answered, at=self.now).apply(Transaction(self.connection))
            self.awaited.discard(each.job_id)
            each.seen_at, each.answered = self.now, each.answered or answered

    def fail(self, at: int, code: ErrorCode) -> None:
        """Let a job fail."""
        if self.known:
            each = self.known[at % len(self.known)]
            fail(self.connection, each.job_id, code)
            each.invites = code == RETRYABLE

    def die(self) -> None:
        """Let the process die: whoever waited for it is lost."""
        self.awaited.clear()


STEPS = st.one_of(
    st.tuples(st.just("send"), st.sampled_from(["fox", "owl"]), st.booleans()),
    st.tuples(st.just("over"), st.integers(0, 5), st.booleans()),
    st.tuples(st.just("fail"), st.integers(0, 5), st.sampled_from([RETRYABLE, REFUSED])),
    st.tuples(st.just("wait"), st.sampled_from([1.0, 400.0, 901.0]), st.none()),
    st.tuples(st.just("die"), st.none(), st.none()),
)


@given(steps=st.lists(STEPS, max_size=25))
def test_nobody_pays_twice_and_nobody_is_given_another_ones_picture(
    empty_database: Path, steps: list[tuple[str, object, object]]
) -> None:
    """Whatever comes, leaves, fails and dies: lost requests are joined, answered ones are not, retries know theirs."""
    world = World(empty_database)
    for kind, one, other in steps:
        match kind:
            case "send":
                world.send(str(one), again=bool(other))
            case "over":
                world.over(int(str(one)), answered=bool(other))
            case "fail":
                world.fail(int(str(one)), other)  # type: ignore[arg-type]
            case "wait":
                world.now += float(str(one))
            case _:
                world.die()
    world.connection.close()


@pytest.mark.parametrize("other", [{"key_id": "key_2"}, {"team": "blue"}, {"route": "/openai/v1/videos"}])
async def test_only_the_same_key_at_the_same_address_joins(store: Store, other: dict[str, str]) -> None:
    """Another key of the team, another team and another address make jobs of their own."""
    await store.write(sent())
    second = sent(again=True)
    assert second.resent is not None
    record = structs.replace(second.resent.record, **other)
    second = structs.replace(second, resent=structs.replace(second.resent, record=record))
    assert not (await store.write(second)).joined
