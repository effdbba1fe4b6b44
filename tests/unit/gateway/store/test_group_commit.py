import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator

import pytest

from contracts.catalog import CatalogError
from gateway.store import query
from gateway.store.database import DataDir, connect
from gateway.store.line import Line
from gateway.store.store import Store
from gateway.store.writer import MAX_GROUP, Transaction, Writer
from tests.unit.gateway.store.rows import Do, Tell


@contextlib.asynccontextmanager
async def busy(writer: Store | Writer) -> AsyncIterator[None]:
    """Keep the writer busy: what is asked for meanwhile shares the next commit."""
    began, go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def last(_tx: Transaction) -> None:
        loop.call_soon_threadsafe(began.set)
        go.wait(10)

    first = asyncio.ensure_future(writer.write(Do(last)))
    await began.wait()
    try:
        yield
    finally:
        go.set()
        await first


async def written_together(store: Store | Writer, *commands: Do | Tell) -> list[object]:
    """Write commands in one group; return what each came to."""
    async with busy(store):
        writes = [asyncio.ensure_future(store.write(command)) for command in commands]
        await asyncio.sleep(0)
    return list(await asyncio.gather(*writes, return_exceptions=True))


async def test_commands_that_wait_share_one_commit_and_each_gets_its_own_result(store: Store) -> None:
    """What piles up while the writer is busy is one commit, and nobody gets another's result."""
    async with busy(store):
        before = store.writer.commits
        writes = [asyncio.ensure_future(store.write(Do(lambda _tx, n=n: n))) for n in range(50)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*writes) == list(range(50))
    # The busy one is a commit of its own.
    assert store.writer.commits - before == 2


async def test_a_group_is_bounded(data_dir: DataDir) -> None:
    """No commit takes more than its share, so that the first in line need not wait for all."""
    sizes: list[int] = []
    store = Store(data_dir, on_group=sizes.append)
    writer = Writer(connect(data_dir.database), on_committed=lambda _lines: None, on_group=sizes.append)
    writer.start()
    await written_together(writer, *(Do(lambda _tx: None) for _ in range(MAX_GROUP + 1)))
    assert sizes == [1, MAX_GROUP, 1]
    writer.close()
    store.close()


async def test_a_command_that_fails_fails_alone(store: Store) -> None:
    """Its neighbours in the same group are written, before it and behind it, and only it hears of its error."""
    wrong = CatalogError("idempotency.conflict", "no")
    results = await written_together(store, Tell("a"), Tell("b", fails=wrong), Tell("c"), Do(lambda _tx: 1 // 0))
    assert results[1] is wrong
    assert isinstance(results[3], ZeroDivisionError)
    assert [type(each) for each in results] == [int, CatalogError, int, ZeroDivisionError]
    lines = await store.read(lambda connection: query.team_lines(connection, "red", 0))
    assert [(line.id, line.job_id) for line in lines] == [(results[0], "a"), (results[2], "c")]


async def test_a_row_that_breaks_a_constraint_is_its_commands_own_fault(store: Store) -> None:
    """A conflict in the database is no trouble of the storage: the rest of the group is written."""

    def twice(tx: Transaction) -> None:
        for _ in range(2):
            tx.connection.execute("INSERT INTO gone (id, team, until) VALUES ('x', 'red', 1)")

    results = await written_together(store, Tell("a"), Do(twice), Tell("c"))
    assert [type(each) for each in results] == [int, sqlite3.IntegrityError, int]
    assert await store.read(lambda connection: connection.execute("SELECT count(*) FROM gone").fetchone()[0]) == 0


async def test_what_a_failed_command_told_is_never_heard(store: Store) -> None:
    """Listeners hear the events of what is on disk, in its order, and of nothing else."""
    heard: list[Line] = []
    store.listen(heard.extend)
    subscription = store.hub.subscribe("red")
    await written_together(store, Tell("a"), Tell("b", fails=ValueError()), Tell("c"))
    assert [line.job_id for line in heard] == ["a", "c"]
    assert [line.job_id for line in subscription.take()] == ["a", "c"]


async def test_listeners_hear_before_the_caller_does(store: Store) -> None:
    """Whoever waited for a commit finds that all who listen know of it."""
    heard: list[Line] = []
    store.listen(heard.extend)
    told = await store.write(Tell("a"))
    assert [line.id for line in heard] == [told]


class FailingConnection:
    """A connection whose statements fail once each when told to, as a full or broken disk lets them fail."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Take a real connection."""
        self._connection = connection
        self.failing: list[str] = []

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        """Run a statement, or fail."""
        if sql in self.failing:
            self.failing.remove(sql)
            msg = "disk I/O error"
            raise sqlite3.OperationalError(msg)
        return self._connection.execute(sql, *parameters)

    def close(self) -> None:
        """Close it."""
        self._connection.close()


@pytest.mark.parametrize("failing", [("BEGIN IMMEDIATE",), ("COMMIT",), ("COMMIT", "ROLLBACK"), ("RELEASE command",)])
async def test_a_commit_that_fails_is_told_to_every_caller_and_to_nobody_else(
    store: Store, failing: tuple[str, ...]
) -> None:
    """All of the group are refused with `storage`, nothing is published or kept, and the writer lives on."""
    heard: list[Line] = []
    broken = FailingConnection(connect(store.data_dir.database))
    writer = Writer(broken, on_committed=heard.extend, on_group=lambda _size: None)  # type: ignore[arg-type]
    writer.start()

    def break_now(_tx: Transaction) -> None:
        broken.failing += failing

    if failing == ("BEGIN IMMEDIATE",):
        break_now(Transaction(store.writer._connection))
        results = await asyncio.gather(*(writer.write(Tell(name)) for name in "abc"), return_exceptions=True)
        # Whoever came after the first is in the next group.
        results = results[:1]
        await store.write(Do(lambda tx: tx.connection.execute("DELETE FROM event")))
        heard.clear()
    else:
        results = await written_together(writer, Tell("a"), Do(break_now), Tell("b"))
    for result in results:
        assert isinstance(result, CatalogError)
        assert (result.code, result.facts["reason"], result.outcome) == ("gateway.internal", "storage", "not_started")
    assert heard == []
    assert not broken.failing
    if failing == ("COMMIT", "ROLLBACK"):
        # The transaction is still open: the next group finds that out, and ends it.
        await asyncio.gather(writer.write(Tell("d")), return_exceptions=True)
    assert await store.read(query.last_event_id) == 0
    told = await writer.write(Tell("e"))
    assert [(line.id, line.job_id) for line in heard] == [(told, "e")]
    writer.close()


async def test_a_caller_that_goes_away_does_not_undo_its_commit(store: Store) -> None:
    """What stands in line is written, whoever still waits for it."""
    async with busy(store):
        gone = asyncio.ensure_future(store.write(Tell("a")))
        failing = asyncio.ensure_future(store.write(Tell("b", fails=ValueError())))
        await asyncio.sleep(0)
        gone.cancel()
        failing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
    await store.write(Do(lambda _tx: None))
    lines = await store.read(lambda connection: query.team_lines(connection, "red", 0))
    assert [line.job_id for line in lines] == ["a"]


async def test_closing_writes_what_waits_and_takes_nothing_more(data_dir: DataDir) -> None:
    """A stop loses no command that was taken, and refuses the next one with a reason to come back."""
    store = Store(data_dir)
    writes = [asyncio.ensure_future(store.write(Tell(name))) for name in "abc"]
    await asyncio.sleep(0)
    store.close()
    assert await asyncio.gather(*writes) == [1, 2, 3]
    with pytest.raises(CatalogError) as refused:
        await store.write(Tell("d"))
    assert (refused.value.code, refused.value.retry_after_s) == ("gateway.overloaded", 2)


def test_a_loop_that_is_gone_does_not_undo_what_it_asked_for(data_dir: DataDir) -> None:
    """A process that ends in the middle finds what was committed at its next start."""
    store = Store(data_dir)

    async def ask_and_leave() -> None:
        async with busy(store):
            asked.append(asyncio.ensure_future(store.write(Tell("a"))))
            await asyncio.sleep(0)

    asked: list[asyncio.Future[int]] = []
    asyncio.run(ask_and_leave())
    store.close()
    again = Store(data_dir)
    assert again.reader.read_now(query.last_event_id) == 1
    again.close()
