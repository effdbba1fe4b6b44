"""A load generator that costs little: so many callers, each with one connection and one request at a time.

What is not the expected answer (another status, too short to hold the picture, a broken connection) is counted apart:
a gateway that answers errors quickly is not fast.

`python -m tests.bench.load URL --callers 16 --seconds 5 --body FILE --header 'K: V'` prints one JSON object.
"""

import argparse
import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import uvloop
from msgspec import Struct, field, to_builtins

#: How long the last answers are waited for.
PATIENCE_S = 30.0
_BUFFER = 256 * 1024


class Request(Struct, frozen=True):
    """What a caller sends, and the least that an answer has."""

    url: str
    headers: dict[str, str] = {}
    body: bytes = b""
    least_bytes: int = 0
    status: int = 200

    def wire(self) -> bytes:
        """Return it as it is sent."""
        parts = urlsplit(self.url)
        sent = {"Host": parts.netloc}
        if self.body:
            sent |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        head = f"{'POST' if self.body else 'GET'} {parts.path or '/'} HTTP/1.1\r\n"
        return (
            head + "".join(f"{k}: {v}\r\n" for k, v in {**sent, **self.headers}.items()) + "\r\n"
        ).encode() + self.body


class Measured(Struct, kw_only=True):
    """What was seen; the warm-up is left out."""

    callers: int
    per_s: float
    p50_ms: float
    p99_ms: float
    answers: int
    #: What was no expected answer: a status, `short`, `broken` or `unanswered`.
    wrong: dict[str, int] = {}
    #: CPU of the server for each answer.
    cpu_ms: float | None = None


class Round(Struct):
    """What the callers of one round share."""

    request: Request
    #: Answers are counted from here on, and nothing is sent after the end. uvloop's clock has but milliseconds.
    begin: float = 0.0
    end: float = float("inf")
    #: No more than so many requests in all.
    left: float = float("inf")
    latencies: list[float] = field(default_factory=list)
    in_window: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    #: The paths in `Location` headers, when wanted.
    locations: set[str] | None = None


class Caller(asyncio.BufferedProtocol):
    """One caller on one kept-alive connection."""

    #: All callers read into the same place: every piece is looked at before the next one comes.
    _shared = bytearray(_BUFFER)

    def __init__(self, shared: Round) -> None:
        """Take what is sent, and where what came is noted."""
        self._round = shared
        self._request = shared.request.wire()
        self._transport: asyncio.Transport | None = None
        self._sent_at = 0.0
        self._head = bytearray()
        self._status = 0
        self._read = 0
        #: What is still to come; None while chunks are read, of which only the last one ends so.
        self._wanted: int | None = None
        self._tail = b""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        # uvloop's transports are asyncio's in all but name.
        self._transport = cast(asyncio.Transport, transport)
        self._next()

    def get_buffer(self, sizehint: int) -> bytearray:
        """Return where to read to."""
        del sizehint
        return self._shared

    def buffer_updated(self, nbytes: int) -> None:
        """Count the answer's bytes."""
        if self._head or not self._status:
            self._head += memoryview(self._shared)[:nbytes]
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            self._begin_answer(bytes(self._head[:end]))
            self._read = len(self._head) - end - 4
            self._tail = bytes(self._head[-5:])
            self._head.clear()
        else:
            self._read += nbytes
            if self._wanted is None:
                self._tail = (self._tail + bytes(memoryview(self._shared)[max(0, nbytes - 5) : nbytes]))[-5:]
        if self._read == self._wanted or (self._wanted is None and self._tail == b"0\r\n\r\n"):
            self._end_answer()

    def _begin_answer(self, head: bytes) -> None:
        self._status = int(head[9:12])
        lowered = head.lower()
        at = lowered.find(b"\r\ncontent-length:")
        self._wanted = int(lowered[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else None
        if self._round.locations is not None and self._status == self._round.request.status:
            at = lowered.find(b"\r\nlocation: ")
            self._round.locations.add(head[at + 12 :].split(b"\r\n", 1)[0].decode())

    def _end_answer(self) -> None:
        now, shared = time.monotonic(), self._round
        if self._status != shared.request.status:
            shared.wrong[str(self._status)] += 1
        elif self._read < shared.request.least_bytes:
            shared.wrong["short"] += 1
        else:
            if self._sent_at >= shared.begin:
                shared.latencies.append(now - self._sent_at)
            if shared.begin <= now < shared.end:
                shared.in_window += 1
        self._status = self._read = 0
        if now < shared.end and shared.left > 0:
            self._next()
        else:
            self._finish()

    def _next(self) -> None:
        self._round.left -= 1
        self._sent_at = time.monotonic()
        if self._transport is not None:
            self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note a connection that broke."""
        del exc
        if not self.done.done():
            self._round.wrong["broken"] += 1
            self._finish()

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)
        if self._transport is not None:
            self._transport.close()


async def load(
    request: Request,
    *,
    callers: int,
    seconds: float,
    warmup: float = 0.5,
    count: float = float("inf"),
    locations: set[str] | None = None,
    cpu: Callable[[], float] | None = None,
) -> Measured:
    """Send a request again and again, for a while or so many times; `cpu` tells the server's CPU seconds so far."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(request.url)
    shared = Round(request, left=count, locations=locations)
    shared.begin = time.monotonic() + warmup
    shared.end = shared.begin + seconds
    used: list[float] = []
    if cpu is not None:
        for moment in (shared.begin, shared.end):
            loop.call_at(moment, lambda: used.append(cpu()))
    made = await asyncio.gather(
        *(loop.create_connection(lambda: Caller(shared), parts.hostname, parts.port) for _ in range(callers))
    )
    pending = {protocol.done for _, protocol in made}
    _, late = await asyncio.wait(pending, timeout=warmup + seconds + PATIENCE_S)
    for future in late:
        shared.wrong["unanswered"] += 1
        future.cancel()
    for transport, _ in made:
        transport.abort()
    return _measured(shared, callers, min(seconds, time.monotonic() - shared.begin), used)


def _measured(shared: Round, callers: int, seconds: float, used: list[float]) -> Measured:
    latencies = sorted(shared.latencies)
    spent = used[1] - used[0] if len(used) == 2 else None
    return Measured(
        callers=callers,
        per_s=round(shared.in_window / seconds, 1) if seconds > 0 else 0.0,
        p50_ms=at_share(latencies, 0.5),
        p99_ms=at_share(latencies, 0.99),
        answers=len(latencies),
        wrong=dict(shared.wrong),
        cpu_ms=round(spent / shared.in_window * 1000, 3) if spent is not None and shared.in_window else None,
    )


def at_share(ordered: list[float], share: float) -> float:
    """Return the value below which so much of an ordered list lies, in milliseconds."""
    return round(ordered[int((len(ordered) - 1) * share)] * 1000, 2) if ordered else float("nan")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--warmup", type=float, default=0.5)
    parser.add_argument("--body", type=Path, required=True)
    parser.add_argument("--header", action="append", default=[])
    asked = parser.parse_args()
    given = dict(each.split(": ", 1) for each in asked.header)
    wanted = Request(asked.url, given, asked.body.read_bytes())
    found = uvloop.run(load(wanted, callers=asked.callers, seconds=asked.seconds, warmup=asked.warmup))
    print(json.dumps(to_builtins(found)))
