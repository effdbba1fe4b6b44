"""Reads: on threads, over connections of their own that can only read, never across an await."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from gateway.store.database import connect
from gateway.store.threads import Threads

T = TypeVar("T")
Connection = sqlite3.Connection


class Reader:
    """A few threads, each with its own connection."""

    def __init__(self, path: Path, *, threads: int = 2) -> None:
        """Take the database file."""
        self._path = path
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._threads = Threads(threads, "triptych-reader")

    async def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query and return what it returns."""
        return await self._threads.run(lambda: self._run(query))

    def read_now(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query in this thread (at start, and in commands)."""
        return self._run(query)

    def _run(self, query: Callable[[sqlite3.Connection], T]) -> T:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = connect(self._path, readonly=True)
            self._local.connection = connection
            self._connections.append(connection)
        return query(connection)

    def close(self) -> None:
        """End the threads."""
        self._threads.close()
        for connection in self._connections:
            connection.close()
