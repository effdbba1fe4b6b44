"""Follows a job's events to its end: a line that breaks is taken up again where it broke, and nothing is made twice."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
from httpx_sse import ServerSentEvent, connect_sse
from ulid import ULID

from gateway.cli.client import RefusedError, problem_of, unreachable

ENDINGS = frozenset({"job.succeeded", "job.failed", "job.blocked", "job.cancelled"})
#: How often a broken line is taken up again, a second apart, before the program gives up.
TRIES = 60


def create(http: httpx.Client, spec: dict[str, Any]) -> Iterator[tuple[str, ServerSentEvent]]:
    """Create a job and yield its address with each of its events. Raise `RefusedError`."""
    key = {"Idempotency-Key": str(ULID())}
    yield from _follow(http, None, {"method": "POST", "url": "/v1/jobs", "json": spec, "headers": key})


def watch(http: httpx.Client, job_id: str) -> Iterator[ServerSentEvent]:
    """Yield the events of a job, from its first on. Raise `RefusedError`."""
    path = f"/v1/jobs/{job_id}"
    for _, event in _follow(http, path, {"method": "GET", "url": f"{path}/events"}):
        yield event


def _follow(http: httpx.Client, path: str | None, asking: dict[str, Any]) -> Iterator[tuple[str, ServerSentEvent]]:
    for _ in range(TRIES):
        try:
            with connect_sse(http, **asking) as source:
                if source.response.is_error:
                    source.response.read()
                    raise RefusedError(problem_of(source.response))
                path = path or source.response.headers["location"]
                for event in source.iter_sse():
                    asking = {"method": "GET", "url": f"{path}/events", "headers": {"Last-Event-ID": event.id}}
                    yield path, event
                    if event.event in ENDINGS:
                        return
        except httpx.ConnectError:
            if path is None:
                unreachable(http)
        except httpx.TransportError:
            pass
        time.sleep(1)
    unreachable(http)
