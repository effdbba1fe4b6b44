"""Rows to write in tests, and small commands."""

from collections.abc import Callable
from itertools import count
from typing import Any

from msgspec import Raw, Struct

from contracts.event import JobQueued, JobRunning
from contracts.job import moment
from contracts.port import Handle
from contracts.spec import ImageGenerate
from gateway.store.change import Accept, tell
from gateway.store.record import AssetRecord, AttemptRecord, JobRecord
from gateway.store.writer import Transaction

#: When everything in these tests happens.
NOW = 1_800_000_000.0
_numbers = count(1)


def new(prefix: str) -> str:
    """Return an id that is like no other."""
    return f"{prefix}_{next(_numbers):026d}"


def job_row(**facts: Any) -> JobRecord:
    """Return a job that waits."""
    known: dict[str, Any] = {
        "id": new("job"),
        "team": "red",
        "operation": "image.generate",
        "state": "queued",
        "spec": ImageGenerate(prompt="a fox"),
        "created_at": NOW,
    }
    return JobRecord(**{**known, **facts})


def attempt_row(job_id: str, n: int = 1, **facts: Any) -> AttemptRecord:
    """Return an open attempt."""
    known: dict[str, Any] = {
        "job_id": job_id,
        "n": n,
        "part": 1,
        "count": 1,
        "backend": "north",
        "account": "main",
        "model": "m",
        "handle": Handle(f"{job_id}.{n}", Raw(b"{}")),
        "started_at": NOW,
    }
    return AttemptRecord(**{**known, **facts})


def asset_row(**facts: Any) -> AssetRecord:
    """Return an asset."""
    known: dict[str, Any] = {
        "id": new("ast"),
        "team": "red",
        "source": "output",
        "sha256": "0" * 64,
        "media_type": "image/png",
        "bytes": 3,
        "width": 1,
        "height": 1,
        "created_at": NOW,
        "expires_at": NOW + 1000,
    }
    return AssetRecord(**{**known, **facts})


def accept_of(job: JobRecord, **facts: Any) -> Accept:
    """Return the command that makes a job, and its first event."""
    return Accept(job=job, events=(queued(job.id),), **facts)


def queued(job_id: str, at: float = NOW) -> JobQueued:
    """Return an event."""
    return JobQueued(job_id=job_id, at=moment(at))


def running(job_id: str, n: int = 1, at: float = NOW) -> JobRunning:
    """Return an event."""
    return JobRunning(job_id=job_id, at=moment(at), attempt=n, part=1, backend="north", model="north/m")


class Do(Struct, frozen=True):
    """A command made of a function."""

    work: Callable[[Transaction], Any]

    def apply(self, tx: Transaction) -> Any:
        """Do it."""
        return self.work(tx)


class Tell(Struct, frozen=True):
    """A command that tells one event of a job, and may fail afterwards."""

    job_id: str
    fails: BaseException | None = None

    def apply(self, tx: Transaction) -> int:
        """Return the event's id."""
        last = tell(tx, "red", (queued(self.job_id),))
        if self.fails is not None:
            raise self.fails
        return last
