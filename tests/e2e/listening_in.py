"""Listening to streams of events: a reader on a thread of its own, and what makes a history a legal one."""

import contextlib
import socket
import threading
from collections.abc import Iterable, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any

import httpx
import msgspec
from httpx_sse import connect_sse
from msgspec import Struct

from contracts.event import TERMINAL_EVENTS, JobEvent
from tests.e2e.asked import wait_for

_EVENTS: msgspec.json.Decoder[JobEvent] = msgspec.json.Decoder(JobEvent)


class Told(Struct, frozen=True):
    """One event as it came."""

    id: str
    event: str
    data: str

    def json(self) -> dict[str, Any]:
        """Return what it carries."""
        carried: dict[str, Any] = msgspec.json.decode(self.data)
        return carried


class Listener:
    """Reads one stream on a thread until it ends, or until nobody wants it any more.

    It has a line of its own: only whoever holds the socket can hang up while somebody reads from it.
    """

    def __init__(self, http: httpx.Client, path: str, *, after: int | None = None) -> None:
        """Connect, and begin to read."""
        self.lines: list[str] = []
        headers = {"Accept": "text/event-stream"}
        if "authorization" in http.headers:
            headers["Authorization"] = http.headers["authorization"]
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        line = HTTPConnection(http.base_url.host, http.base_url.port or 80)
        line.request("GET", path, headers=headers)
        self._socket = line.sock
        self.response = line.getresponse()
        assert self.response.status == 200, self.response.read()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError, HTTPException, ValueError):
            for line in self.response:
                self.lines.append(line.decode().rstrip("\n"))

    @property
    def ended(self) -> bool:
        """Whether the stream is over."""
        return not self._thread.is_alive()

    @property
    def types(self) -> list[str]:
        """The types of the events until now."""
        return [line.removeprefix("event: ") for line in list(self.lines) if line.startswith("event: ")]

    @property
    def data(self) -> list[dict[str, Any]]:
        """The events until now."""
        return [
            msgspec.json.decode(line.removeprefix("data: ")) for line in list(self.lines) if line.startswith("data: ")
        ]

    def until(self, *types: str, timeout_s: float = 30) -> None:
        """Wait until an event of one of these types came."""
        wait_for(lambda: set(types) & set(self.types), f"an event {types}", timeout_s)

    def until_ended(self, timeout_s: float = 30) -> None:
        """Wait until the stream is over."""
        wait_for(lambda: self.ended, "the end of the stream", timeout_s)

    def close(self) -> None:
        """Hang up in the middle, as a client does that is closed."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self.response.close()
        self._socket.close()


def told(http: httpx.Client, path: str, *, after: int | None = None) -> list[Told]:
    """Return all events of a stream that ends by itself."""
    headers = {"Last-Event-ID": str(after)} if after is not None else {}
    with connect_sse(http, "GET", path, headers=headers) as source:
        source.response.raise_for_status()
        return [Told(each.id, each.event, each.data) for each in source.iter_sse()]


def ids(events: Iterable[Told]) -> list[int]:
    """Return the ids of stored events."""
    return [int(event.id) for event in events if event.id]


def check_history(events: Sequence[Told], job_id: str) -> None:
    """Check that a job's whole history is one: in order, typed, with one end, and the end last (contract.md)."""
    assert events[0].event == "job.queued"
    assert [event.event in TERMINAL_EVENTS for event in events].count(True) == 1
    assert events[-1].event in TERMINAL_EVENTS
    numbers = ids(events)
    assert numbers == sorted(set(numbers))
    for event in events:
        decoded = _EVENTS.decode(event.data)
        assert decoded.__struct_config__.tag == event.event
        assert decoded.job_id == job_id
        if event.event != "job.partial_image":
            assert str(decoded.id) == event.id
