"""Who listens to the event log in this process, with bounded queues: a slow reader falls back to the table.

The table is the truth. The hub only spares readers from asking it: a subscription that overflows says so, and its
owner reads on from the last id it saw.
"""

import asyncio
from collections import deque
from collections.abc import Iterable

from gateway.store.line import Line

#: Lines a reader may lag behind before it must read from the table again.
MAX_LAG = 256


class Subscription:
    """One reader's queue."""

    __slots__ = ("_closed", "_hub", "_key", "_lines", "_ready", "overflowed")

    def __init__(self, hub: "Hub", key: tuple[str, str | None]) -> None:
        """Made by `Hub.subscribe`."""
        self._hub = hub
        self._key = key
        self._lines: deque[Line] = deque()
        self._ready: asyncio.Future[None] | None = None
        self._closed = False
        self.overflowed = False

    def put(self, line: Line) -> None:
        """Add a line, or note that the reader lost its place."""
        if len(self._lines) >= MAX_LAG:
            self.overflowed = True
        else:
            self._lines.append(line)
        self._wake()

    def take(self) -> list[Line]:
        """Return and forget what is waiting."""
        lines = list(self._lines)
        self._lines.clear()
        return lines

    async def wait(self, timeout_s: float) -> bool:
        """Wait until something is there; False when the time is over or the hub closes."""
        if self._lines or self.overflowed or self._closed:
            return not self._closed
        self._ready = asyncio.get_running_loop().create_future()
        handle = asyncio.get_running_loop().call_later(timeout_s, self._wake)
        try:
            await self._ready
        finally:
            handle.cancel()
            self._ready = None
        return bool(self._lines or self.overflowed) and not self._closed

    @property
    def closed(self) -> bool:
        """Whether the gateway is stopping."""
        return self._closed

    def close(self) -> None:
        """Listen no more."""
        self._hub.forget(self._key, self)

    def end(self) -> None:
        """Tell the reader that the gateway is stopping."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        if self._ready is not None and not self._ready.done():
            self._ready.set_result(None)


class Hub:
    """Hands committed lines to those who listen to a job or to a team."""

    def __init__(self) -> None:
        """Begin with nobody listening."""
        self._subscriptions: dict[tuple[str, str | None], set[Subscription]] = {}
        self._closed = False

    def subscribe(self, team: str, job_id: str | None = None) -> Subscription:
        """Listen to one job, or to everything of a team."""
        key = (team, job_id)
        subscription = Subscription(self, key)
        self._subscriptions.setdefault(key, set()).add(subscription)
        if self._closed:
            subscription.end()
        return subscription

    def forget(self, key: tuple[str, str | None], subscription: Subscription) -> None:
        """Drop a subscription."""
        readers = self._subscriptions.get(key)
        if readers is not None:
            readers.discard(subscription)
            if not readers:
                del self._subscriptions[key]

    def publish(self, lines: Iterable[Line]) -> None:
        """Hand out lines, in commit order."""
        subscriptions = self._subscriptions
        if not subscriptions:
            return
        for line in lines:
            for key in ((line.team, line.job_id), (line.team, None)):
                for subscription in subscriptions.get(key, ()):
                    subscription.put(line)

    def close(self) -> None:
        """End every stream: the gateway is stopping."""
        self._closed = True
        for readers in list(self._subscriptions.values()):
            for subscription in list(readers):
                subscription.end()

    @property
    def streams(self) -> int:
        """How many readers listen."""
        return sum(len(readers) for readers in self._subscriptions.values())
