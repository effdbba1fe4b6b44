"""A real store that counts what is written, and that can be told to fail or to hang in the middle."""

import asyncio
import contextlib
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

from contracts.catalog import CatalogError
from gateway.store.change import Accept, Advance
from gateway.store.database import DataDir
from gateway.store.reader import Connection
from gateway.store.store import Store
from gateway.store.writer import Command, Transaction

T = TypeVar("T")


class _Stall:
    """A command that keeps the writer busy until it is let go: what comes after it stands in line."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def apply(self, _tx: Transaction, /) -> None:
        self.go.wait(10)


class StoreUnderTest(Store):
    """A store on a data directory whose schema is made already."""

    def __init__(self, data_dir: DataDir) -> None:
        """Open it."""
        super().__init__(data_dir)
        #: Every change of a job that was asked for, in order.
        self.commands: list[Accept | Advance] = []
        self.pending = 0
        #: So many writes fail as a full disk lets them fail; only those that the guard picks.
        self.failing = 0
        self.fails: Callable[[Any], bool] = lambda _command: True

    async def write(self, command: Command[T]) -> T:
        """Apply a command, or fail it."""
        if isinstance(command, Accept | Advance):
            self.commands.append(command)
        if self.failing and self.fails(command):
            self.failing -= 1
            raise CatalogError("gateway.internal", "The store cannot be written.", reason="storage")
        self.pending += 1
        try:
            return await super().write(command)
        finally:
            self.pending -= 1

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Ask the store something."""
        self.pending += 1
        try:
            return await super().read(query)
        finally:
            self.pending -= 1

    @contextlib.asynccontextmanager
    async def stalled(self) -> AsyncIterator[None]:
        """Let what is written meanwhile wait in line, to be committed in that order afterwards."""
        stall = _Stall()
        waiting = asyncio.ensure_future(Store.write(self, stall))
        await asyncio.sleep(0)
        try:
            yield
        finally:
            stall.go.set()
            await waiting

    async def flush(self) -> None:
        """Wait until everything that stands in line is written."""
        nothing = _Stall()
        nothing.go.set()
        await Store.write(self, nothing)

    def of_job(self, job_id: str) -> list[Accept | Advance]:
        """Return what was asked to be written of one job."""
        return [each for each in self.commands if job_id == (each.job.id if isinstance(each, Accept) else each.job_id)]


def data_dir(root: Path, template: Path) -> DataDir:
    """Return a data directory with a copy of the empty database in it: a migration takes longer than a test."""
    made = DataDir(root)
    made.make()
    shutil.copyfile(template, made.database)
    return made
