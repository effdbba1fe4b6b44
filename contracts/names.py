"""Native ids: what a face calls its jobs and their files, and how they are asked for."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from contracts.caller import Caller
from contracts.job import Job


class NewName(Struct, frozen=True, kw_only=True):
    """A native id that a face gives a job, committed with it: within (face, team, kind) it stands for one job."""

    face: str
    kind: str
    #: None: the job's own id.
    native_id: str | None = None
    #: What the face's clients group jobs by, such as a session.
    collection: str | None = None
    #: What the face must remember of the request to show the job in its own words.
    note: Mapping[str, Any] = {}
    #: Refuse the job while another one of this name is open; else the name goes over to the new job.
    exclusive: bool = False


class Named(Struct, frozen=True, kw_only=True):
    """A job by one of its native ids."""

    native_id: str
    job: Job
    collection: str | None = None
    note: Mapping[str, Any] = {}


class FileQuery(Struct, frozen=True, kw_only=True):
    """Which files of named jobs are wanted. Times are milliseconds; `before` alone, or with a name and a position."""

    limit: int
    before_ms: float | None = None
    before_id: str | None = None
    before_position: int = 0
    #: Exclusive.
    since_ms: float | None = None
    collection: str | None = None


class NamedFile(Struct, frozen=True, kw_only=True):
    """One file that a named job made: its place in the job, and when it was stored."""

    named: Named
    asset_id: str
    position: int
    created_ms: int


class FilePage(Struct, frozen=True, kw_only=True):
    """A page of files, newest first; `total` counts all of the team's, whatever was asked for."""

    files: tuple[NamedFile, ...]
    total: int
    more: bool


class Names(Protocol):
    """Native ids of the caller's team: what a face calls its jobs and files. Another team's are not found."""

    async def find(self, caller: Caller, face: str, kind: str, native_id: str) -> Named | None:
        """Return the job that a native id stands for."""

    async def add(self, caller: Caller, job_id: str, name: NewName) -> None:
        """Give a job of the team one more name; it lives as long as the job is kept."""

    async def of_job(self, caller: Caller, face: str, kind: str, job_id: str) -> Named | None:
        """Return a job by the native id of a kind that it was given."""

    async def notes(
        self, caller: Caller, face: str, kind: str, job_ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return by job what a face remembers of those that it gave a name of a kind."""

    async def give(self, caller: Caller, job_id: str, name: NewName) -> None:
        """Give a job that is there already one more name."""

    async def open(self, caller: Caller, face: str, kind: str, *, ended_since: float | None = None) -> Sequence[Named]:
        """Return the jobs of a kind that have not ended, oldest first, and those that have since a moment (UTC)."""

    async def files(self, caller: Caller, face: str, kind: str, query: FileQuery) -> FilePage:
        """Return the files that jobs of a kind made and that are neither deleted nor withheld."""
