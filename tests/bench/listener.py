"""A client with thousands of event streams: raw sockets, one protocol object each, and when each line came."""

import asyncio
import resource
import time
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

#: Connections that are made at the same moment.
AT_ONCE = 200
#: Files that a process needs besides its streams.
SPARE_FILES = 200


def room_for(streams: int) -> int:
    """Raise the limit of open files as far as may be, also for children; return how many streams fit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return streams if hard == resource.RLIM_INFINITY else min(streams, hard - SPARE_FILES)


class Heard:
    """What all streams heard: how late each line was, and how many lines there were."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.late: list[float] = []
        self.broken = 0
        self._moments: dict[bytes, list[float]] = {}

    def take(self, data: bytes) -> None:
        """Note a piece; the same piece comes on every stream, and is read once."""
        now = time.time()
        moments = self._moments.get(data)
        if moments is None:
            moments = self._moments[data] = _moments(data)
        for moment in moments:
            self.late.append(now - moment)

    def forget(self) -> None:
        """Begin anew."""
        self.late.clear()


def _moments(data: bytes) -> list[float]:
    """Return when the events in a piece happened, by what they say."""
    texts = (part.partition(b'"')[0].decode() for part in data.split(b'"at":"')[1:])
    return [datetime.fromisoformat(text).timestamp() for text in texts]


class Stream(asyncio.Protocol):
    """One stream."""

    def __init__(self, request: bytes, heard: Heard) -> None:
        """Take what it asks, and where lines are noted."""
        self._request = request
        self._heard = heard
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        # uvloop's transports are asyncio's in all but name.
        cast(asyncio.Transport, transport).write(self._request)

    def data_received(self, data: bytes) -> None:
        """Note a line."""
        if not self.open.done():
            self.open.set_result(None)
            if not data.startswith(b"HTTP/1.1 200"):
                self._heard.broken += 1
        self._heard.take(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note a stream that ended."""
        del exc
        self._heard.broken += 1
        if not self.open.done():
            self.open.set_result(None)


async def listen(url: str, count: int, heard: Heard) -> list[asyncio.Transport]:
    """Open so many streams."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(url)
    request = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: text/event-stream\r\n\r\n".encode()
    transports: list[asyncio.Transport] = []
    while len(transports) < count:
        made = await asyncio.gather(
            *(
                loop.create_connection(lambda: Stream(request, heard), parts.hostname, parts.port)
                for _ in range(min(AT_ONCE, count - len(transports)))
            )
        )
        await asyncio.wait_for(asyncio.gather(*(stream.open for _, stream in made)), 30)
        transports += [transport for transport, _ in made]
    return transports
