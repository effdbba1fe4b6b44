"""The one writer: a thread that takes every command waiting, commits them as a group, and wakes the waiters.

A commit that survives power loss costs half a millisecond alone and some twenty microseconds in a group. Each command
has its own savepoint and its own result: none can fail the others. What a command says to the world (events) leaves
only after the commit.
"""

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

from contracts.catalog import CatalogError
from gateway.store.line import Line
from gateway.store.statement import Statement

R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")
#: At most so many commands share one commit.
MAX_GROUP = 256


class Transaction:
    """What a command sees: statements to run, and events to tell once the group is committed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Wrap the writer's connection."""
        self.connection = connection
        self.told: list[Line] = []

    def run(self, statement: Statement, params: Mapping[str, Any] = {}) -> int:
        """Run a statement; return how many rows it changed."""
        return statement.run(self.connection, params).rowcount

    def insert(self, statement: Statement, params: Mapping[str, Any]) -> int:
        """Run an insert; return the id it was given."""
        return statement.run(self.connection, params).lastrowid or 0

    def one(self, statement: Statement, params: Mapping[str, Any] = {}) -> sqlite3.Row | None:
        """Return the first row, if there is one."""
        row: sqlite3.Row | None = statement.run(self.connection, params).fetchone()
        return row

    def all(self, statement: Statement, params: Mapping[str, Any] = {}) -> list[sqlite3.Row]:
        """Return all rows."""
        return statement.run(self.connection, params).fetchall()

    def tell(self, line: Line) -> None:
        """Tell the world of an event, once this is committed."""
        self.told.append(line)


class Command(Protocol[R_co]):
    """One change, whole or not at all."""

    def apply(self, tx: Transaction, /) -> R_co:
        """Make the change; what it returns is the caller's result."""


class _Item:
    __slots__ = ("apply", "done", "error", "loop", "result")

    def __init__(self, apply: Callable[[Transaction], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.apply = apply
        self.loop = loop
        self.done: asyncio.Future[Any] = loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None


class Writer:
    """Owns the only connection that writes."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        on_committed: Callable[[list[Line]], None],
        on_group: Callable[[int], None],
    ) -> None:
        """Take the connection, who hears committed events (on the event loop), and who counts group sizes."""
        self._connection = connection
        self._on_committed = on_committed
        self._on_group = on_group
        self._queue: queue.SimpleQueue[_Item | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="triptych-writer", daemon=True)
        self._closed = False
        #: Job commits are counted here, so that a test can hold the engine to its budget.
        self.commits = 0

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    async def write(self, command: Command[T]) -> T:
        """Apply a command and return its result once it is on disk; raise what it raised."""
        if self._closed:
            raise CatalogError("gateway.overloaded", "The gateway is stopping.", retry_after_s=2)
        item = _Item(command.apply, asyncio.get_running_loop())
        self._queue.put(item)
        # The commit happens whether or not the caller is still there: a cancelled caller never undoes it.
        result: T = await asyncio.shield(item.done)
        return result

    def close(self) -> None:
        """Write what is waiting, then end."""
        self._closed = True
        self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._connection.close()

    def _run(self) -> None:
        open_ = True
        while open_:
            first = self._queue.get()
            if first is None:
                return
            group = [first]
            while len(group) < MAX_GROUP:
                try:
                    item = self._queue.get_nowait()
                except queue.Empty:
                    break
                if item is None:
                    open_ = False
                    break
                group.append(item)
            self._commit(group)

    def _commit(self, group: list[_Item]) -> None:
        connection = self._connection
        told: list[Line] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for item in group:
                told += self._apply(item)
            connection.execute("COMMIT")
            self.commits += 1
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                # Where this fails too, the next group's BEGIN does; the thread must live on.
                connection.execute("ROLLBACK")
            told = []
            for item in group:
                item.error = CatalogError(
                    "gateway.internal", "The store cannot be written.", reason="storage", outcome="not_started"
                )
        try:
            group[0].loop.call_soon_threadsafe(self._settle, group, told)
        except RuntimeError:
            # The loop is gone: the process is ending, and what was committed is found again at the next start.
            return

    def _apply(self, item: _Item) -> list[Line]:
        connection = self._connection
        tx = Transaction(connection)
        connection.execute("SAVEPOINT command")
        try:
            item.result = item.apply(tx)
        except BaseException as error:
            connection.execute("ROLLBACK TO command")
            connection.execute("RELEASE command")
            if isinstance(error, sqlite3.OperationalError):
                raise
            item.error = error
            return []
        connection.execute("RELEASE command")
        return tx.told

    def _settle(self, group: list[_Item], told: list[Line]) -> None:
        self._on_group(len(group))
        if told:
            self._on_committed(told)
        for item in group:
            if item.done.cancelled():
                continue
            if item.error is not None:
                item.done.set_exception(item.error)
                # A caller that went away never collects it: that is no unhandled error.
                item.done.exception()
            else:
                item.done.set_result(item.result)
