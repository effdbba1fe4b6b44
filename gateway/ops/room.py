"""How many bytes of bodies may be in memory at once: what is over waits, or is refused (security.md §4)."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.catalog import CatalogError


class Room:
    """A number of bytes that bodies share. It belongs to one event loop."""

    def __init__(self, limit: int) -> None:
        """Take how many bytes there are."""
        self._limit = limit
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.used = 0

    def take(self, length: int) -> None:
        """Take room for what a caller sends; raise `gateway.overloaded` where there is none."""
        if self.used and self.used + length > self._limit:
            raise CatalogError(
                "gateway.overloaded",
                "The gateway holds as many bytes of requests and answers as it may.",
                retry_after_s=2,
                reason="memory",
            )
        self.used += length

    def give_back(self, length: int) -> None:
        """Return room, and let those in who wait for it, in their order."""
        self.used -= length
        while self._waiting and (self._waiting[0][1].done() or self._fits(self._waiting[0][0])):
            wanted, future = self._waiting.popleft()
            if not future.done():
                self.used += wanted
                future.set_result(None)

    def _fits(self, length: int) -> bool:
        """Say whether it may come in: one that is larger than everything may when it is alone."""
        return not self.used or self.used + length <= self._limit

    @asynccontextmanager
    async def held(self, length: int) -> AsyncIterator[None]:
        """Hold room for a backend's answer, after waiting for it; nothing is read meanwhile."""
        if self._waiting or not self._fits(length):
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((length, future))
            try:
                await future
            except asyncio.CancelledError:
                if future.done() and not future.cancelled():
                    self.give_back(length)
                raise
        else:
            self.used += length
        try:
            yield
        finally:
            self.give_back(length)
