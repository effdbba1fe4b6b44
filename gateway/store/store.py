"""The store as everybody sees it: one `write`, many `read`s, the files, and who listens."""

from collections.abc import Callable
from typing import TypeVar

from gateway.store.assets import AssetFiles
from gateway.store.database import DataDir, connect, migrate
from gateway.store.hub import Hub
from gateway.store.line import Line
from gateway.store.reader import Connection, Reader
from gateway.store.writer import Command, Writer

T = TypeVar("T")


class Store:
    """Opened once by a process that holds the data directory."""

    def __init__(self, data_dir: DataDir, *, on_group: Callable[[int], None] = lambda size: None) -> None:  # noqa: ARG005
        """Bring the schema up to date and open everything."""
        data_dir.make()
        migrate(data_dir.database)
        self.data_dir = data_dir
        self.hub = Hub()
        self.files = AssetFiles(data_dir.assets)
        self.reader = Reader(data_dir.database)
        self._listeners: list[Callable[[list[Line]], None]] = [self.hub.publish]
        self.writer = Writer(connect(data_dir.database), on_committed=self._committed, on_group=on_group)
        self.writer.start()

    def _committed(self, lines: list[Line]) -> None:
        for listener in self._listeners:
            listener(lines)

    def listen(self, listener: Callable[[list[Line]], None]) -> None:
        """Hear of every committed event before those who wait for the commit do."""
        self._listeners.append(listener)

    async def write(self, command: Command[T]) -> T:
        """Apply a command; it is on disk when this returns."""
        return await self.writer.write(command)

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Ask the store something."""
        return await self.reader.read(query)

    def close(self) -> None:
        """Write what is waiting, and close."""
        self.writer.close()
        self.reader.close()
        self.files.close()
