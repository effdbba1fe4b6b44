"""The desk: everything that a face may ask of the gateway, and nothing behind it. Every face gets the same one."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from contracts.caller import SCOPES, Access, Caller, Scope
from contracts.catalog import Problem
from contracts.codes import ErrorCode
from contracts.gallery import Asset, AssetPage, Assets, Content
from contracts.job import Adjustment, Job, JobState
from contracts.listed import AccountView, Alias, BackendView, Catalogue, Model
from contracts.names import Names, NewName
from contracts.prompts import Prompts
from contracts.relay import Relay
from contracts.sender import Sent
from contracts.spec import JobSpec, Operation

__all__ = [
    "SCOPES",
    "Access",
    "AccountView",
    "Alias",
    "Asset",
    "AssetPage",
    "Assets",
    "BackendView",
    "Caller",
    "Catalogue",
    "Content",
    "Created",
    "Desk",
    "Explanation",
    "JobPage",
    "JobQuery",
    "Jobs",
    "Model",
    "NativeRequest",
    "Scope",
    "Shown",
    "Verdict",
]


class JobPage(Struct, frozen=True, kw_only=True):
    """A page of jobs."""

    jobs: tuple[Job, ...]
    next_page_token: str | None = None


class JobQuery(Struct, frozen=True, kw_only=True):
    """Which jobs are wanted."""

    state: JobState | None = None
    backend: str | None = None
    operation: Operation | None = None
    tag: tuple[str, str] | None = None
    created_after: float | None = None
    created_before: float | None = None
    limit: int = 50
    page_token: str | None = None
    #: Any of these; none: whatever they are.
    states: tuple[JobState, ...] = ()
    operations: tuple[Operation, ...] = ()
    #: Leave out the jobs that a face gave a name of this kind: (face, kind).
    unless_named: tuple[str, str] | None = None
    #: How many to pass over, for lists that count instead of going on from a token.
    offset: int = 0


class Shown(Struct, frozen=True, kw_only=True):
    """A job as it is now, with the weak tag of its stored state."""

    job: Job
    tag: str


class Created(Struct, frozen=True, kw_only=True):
    """What became of a request: its job, now or as it ended while the caller waited."""

    job: Job
    tag: str
    #: Its idempotency key had made it before.
    replayed: bool = False
    #: An equal request had made it before, and nobody had been told: this one joined it.
    joined: bool = False
    #: Base64 by asset id, for outputs that were wished inline.
    data: Mapping[str, bytes] = {}


class Verdict(Struct, frozen=True, kw_only=True):
    """What `dry_run` says of one candidate."""

    backend: str
    model: str
    fits: bool
    ready: bool
    account: str | None = None
    adjustments: tuple[Adjustment, ...] = ()
    code: ErrorCode | None = None
    reasons: tuple[Any, ...] = ()
    #: It fits, but is external while a local backend could serve: only an alias or a route that names both goes there.
    kept_local: bool = False


class NativeRequest(Struct, frozen=True, kw_only=True):
    """What would be sent, secrets and pictures left out; `host` only for who may see it."""

    method: str
    path: str
    body: Any
    host: str | None = None


class Explanation(Struct, frozen=True, kw_only=True):
    """The answer to `dry_run`: nothing was sent, fetched or stored."""

    chosen: str | None
    candidates: tuple[Verdict, ...]
    adjustments: tuple[Adjustment, ...] = ()
    effective: Any = None
    request: NativeRequest | None = None
    warnings: tuple[str, ...] = ()
    #: What the request itself would be answered with, if nobody is chosen.
    refusal: Problem | None = None


class Jobs(Protocol):
    """Jobs of the caller's team; another team's are not found."""

    async def create(
        self,
        caller: Caller,
        spec: JobSpec,
        *,
        idempotency_key: str | None,
        wait_s: float,
        route: str,
        names: Sequence[NewName] = (),
        sent: Sent = ...,
    ) -> Created:
        """Accept a job, durable with its names when this returns, and wait for its end as long as wished.

        `sent` says who waits, and whether the request may join the job of an equal one; left out, it does not.
        """

    async def earlier(self, caller: Caller, spec: JobSpec, *, idempotency_key: str, route: str) -> Created | None:
        """Return the job that an equal request made under this key; None: none did. Raise for another one's key.

        For faces that do something costly before they create a job; `spec` is then what they send as `Sent.meant`.
        """

    async def explain(self, caller: Caller, spec: JobSpec) -> Explanation:
        """Say what would happen."""

    async def get(self, caller: Caller, job_id: str, *, wait_s: float = 0, seen: str | None = None) -> Shown | None:
        """Return a job, after its end or a change if a wait is wished; None: nothing changed since `seen`."""

    async def inline(self, caller: Caller, job: Job) -> Mapping[str, bytes]:
        """Return a job's pictures in base64 by asset id, as far as they may be handed out so."""

    async def list(self, caller: Caller, query: JobQuery) -> JobPage:
        """Return a page of jobs, newest first."""

    async def counts(self, caller: Caller, query: JobQuery) -> Mapping[JobState, int]:
        """Return how many of the jobs that are wanted are in each state, on all pages."""

    async def cancel(self, caller: Caller, job_id: str, *, wait_s: float) -> Shown:
        """Cancel, and return the job as it is after waiting for the backend's answer."""

    def check_listening(self, caller: Caller) -> None:
        """Raise what would keep the caller from listening now: its scopes, or how many streams its team has open."""

    def events(self, caller: Caller, job_id: str | None, after: int | None) -> AsyncGenerator[bytes]:
        """Stream a job's events to its end, or, after a comment, all of the team's until stopping, as frames."""

    async def told(self, caller: Caller, job_id: str, before: int) -> bytes:
        """Return the frames of what was told of a job before an event: that is what is stored of it."""


class Desk(Struct, frozen=True, kw_only=True):
    """What every face receives."""

    jobs: Jobs
    assets: Assets
    catalogue: Catalogue
    access: Access
    names: Names
    prompts: Prompts
    relay: Relay
