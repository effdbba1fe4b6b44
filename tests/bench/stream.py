"""(d) One event a second to thousands of streams: how late the lines are, and what a stream costs in memory.

Late means: from the moment that the event itself names, before its commit, until the client has read the line. The
client and a bare server that only writes the same line to every socket are part of it: their share stands beside it.
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import uvloop
from msgspec import Struct, to_builtins

from tests.bench.accept import Accepting
from tests.bench.child import Child
from tests.bench.contender import job, ready, running
from tests.bench.listener import Heard, listen, room_for
from tests.bench.load import Request, load
from tests.bench.setting import Setting, say
from tests.bench.table import aim, table

#: A frame as long as a real one.
_DATA = '{"id":1,"type":"job.queued","job_id":"job_01JD7Q8S3V6X2M4N5P7R8T9W0Y","at":"%s"}'
_FRAME = f"id: 1\nevent: job.queued\ndata: {_DATA}\n\n"
REST_S = 1.5


class Streamed(Struct, kw_only=True):
    """What so many streams heard."""

    server: str
    streams: int
    opened_in_s: float
    events: int
    #: Lines that did not come, or streams that broke.
    missing: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    kb_each: float | None = None
    cpu_ms_per_event: float | None = None


def measure(setting: Setting) -> tuple[dict[str, Any], str]:
    """Return everything that was measured, and the table."""
    found: list[Streamed] = []
    events = 4 if setting.quick else 20
    for wanted in (5000,) if setting.quick else (1000, 5000):
        streams = room_for(wanted)
        if streams < wanted:
            say(f"!!! (d) only {streams} streams: the limit of open files is too low (ulimit -n)")
        say(f"(d) {streams} streams")
        with setting.upstream() as upstream:
            found.append(uvloop.run(_bare(upstream, streams, events)))
            with (
                setting.scratch("streaming") as folder,
                running(Accepting(), upstream, folder, [], setting.cores) as server,
            ):
                ready(server)
                # The first job takes the only slot; every later one causes exactly one event.
                uvloop.run(load(job(server.port, "busy/gpt-5.4", 256, wait=False), callers=1, seconds=5, count=1))
                found.append(uvloop.run(_ours(server.child, server.port, streams, events)))
    rows = [
        [
            f"{each.streams:,} streams, {each.server}",
            each.opened_in_s,
            each.events,
            each.missing,
            each.p50_ms,
            each.p99_ms,
            each.worst_ms,
            each.kb_each,
            each.cpu_ms_per_event,
        ]
        for each in found
    ]
    head = ["(d) one event a second", "opened in s", "events", "missing", "p50 ms", "p99 ms", "worst ms", "KB each"]
    last = found[-1]
    return {"streamed": to_builtins(found)}, "\n".join(
        (
            table("(d) GET /v1/events: how late the lines are", [*head, "CPU ms/event"], rows),
            aim(f"p99 at {last.streams:,} streams", last.p99_ms, 150, at_least=False, unit=" ms"),
            aim(f"memory of each of {last.streams:,} streams", last.kb_each, 25, at_least=False, unit=" KB"),
        )
    )


async def _ours(child: Child, port: int, streams: int, events: int) -> Streamed:
    heard = Heard()
    await asyncio.sleep(REST_S)
    empty = child.rss_mb()
    began = time.monotonic()
    transports = await listen(f"http://127.0.0.1:{port}/v1/events", streams, heard)
    opened = time.monotonic() - began
    await asyncio.sleep(REST_S)
    request = job(port, "busy/gpt-5.4", 256, wait=False)
    # The first line makes what every stream keeps; it is not counted.
    await _cause(request, 1)
    full = child.rss_mb()
    heard.forget()
    before = child.cpu_s()
    await _cause(request, events)
    used = child.cpu_s() - before
    result = _streamed("triptych", streams, opened, events, heard)
    result.kb_each = round((full - empty) * 1000 / streams, 1)
    result.cpu_ms_per_event = round(used / events * 1000, 1)
    for transport in transports:
        transport.abort()
    return result


async def _cause(request: Request, events: int) -> None:
    for _ in range(events):
        began = time.monotonic()
        await load(request, callers=1, seconds=5, warmup=0, count=1)
        await asyncio.sleep(max(0.0, 1 - (time.monotonic() - began)))


async def _bare(upstream: int, streams: int, events: int) -> Streamed:
    heard = Heard()
    url = f"http://127.0.0.1:{upstream}/fan"
    began = time.monotonic()
    transports = await listen(url, streams, heard)
    opened = time.monotonic() - began
    await asyncio.sleep(REST_S)
    for _ in range(events):
        frame = _FRAME % datetime.now(UTC).isoformat().replace("+00:00", "Z")
        await load(Request(url, {}, frame.encode()), callers=1, seconds=5, warmup=0, count=1)
        await asyncio.sleep(0.5)
    for transport in transports:
        transport.abort()
    return _streamed("a bare loop", streams, opened, events, heard)


def _streamed(server: str, streams: int, opened: float, events: int, heard: Heard) -> Streamed:
    late = sorted(heard.late) or [float("nan")]
    return Streamed(
        server=server,
        streams=streams,
        opened_in_s=round(opened, 2),
        events=events,
        missing=streams * events - len(heard.late) + heard.broken,
        p50_ms=round(late[len(late) // 2] * 1000, 1),
        p99_ms=round(late[int((len(late) - 1) * 0.99)] * 1000, 1),
        worst_ms=round(late[-1] * 1000, 1),
    )
