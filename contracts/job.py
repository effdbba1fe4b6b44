"""A job as the world sees it: its states, what it delivered, and what became of every option.

`queued` waits with us. `running` is carried, at a backend or between two attempts' exchanges. The other four are
final: nothing leaves them. `blocked` means that a result exists and is withheld.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, structs

from contracts.catalog import Outcome, Problem
from contracts.media import MediaType
from contracts.spec import JobSpec, Operation, Video

JobState = Literal["queued", "running", "succeeded", "failed", "blocked", "cancelled"]
Phase = Literal[
    "waiting_for_backend",
    "submit",
    "queued_at_backend",
    "model_load",
    "search",
    "planner",
    "image",
    "video",
    "review",
    "download",
    "store",
]
STATES: tuple[JobState, ...] = ("queued", "running", "succeeded", "failed", "blocked", "cancelled")
TERMINAL: frozenset[JobState] = frozenset({"succeeded", "failed", "blocked", "cancelled"})
#: From which states each state may be entered (durability.md §2). Nothing leaves a terminal state.
ENTERED_FROM: dict[JobState, frozenset[JobState]] = {
    "queued": frozenset({"running"}),
    "running": frozenset({"queued"}),
    "succeeded": frozenset({"running"}),
    "failed": frozenset({"queued", "running"}),
    "blocked": frozenset({"running"}),
    "cancelled": frozenset({"queued", "running"}),
}

Why = Literal["dropped", "snapped", "clamped", "transcoded", "defaulted_by_backend", "not_honoured"]
Verdict = Literal["passed", "blocked", "not_reviewed"]
CancelAnswer = Literal["pending", "stopped", "forgotten", "cannot"]
OutputRole = Literal["image", "thumbnail", "video"]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339, UTC")]


def moment(at: float) -> datetime:
    """Turn a UTC timestamp in seconds into what is shown at the door."""
    return datetime.fromtimestamp(at, UTC)


class Value(Struct, frozen=True, kw_only=True):
    """The shape shared by what the gateway answers: frozen, every field always there, null when not known."""


class Adjustment(Value, frozen=True, kw_only=True):
    """One option that did not come out as asked, and who changed it."""

    pointer: str
    requested: Any
    applied: Any
    why: Why
    by: Literal["gateway", "backend"]


class Review(Value, frozen=True, kw_only=True):
    """What a reviewer said. Absence of a review is `not_reviewed`, never shown as safe."""

    verdict: Verdict
    ruleset: str | None = None
    categories: tuple[str, ...] = ()
    cached: bool = False


class JobOutput(Value, frozen=True, kw_only=True):
    """One stored file. `data` is base64, only in the answer that asked for it inline."""

    asset_id: str
    url: str
    media_type: MediaType
    width: int
    height: int
    bytes: int
    sha256: str
    role: OutputRole
    index: int
    review: Verdict
    revised_prompt: str | None = None
    duration_s: float | None = None
    data: str | UnsetType = UNSET


class JobPart(Value, frozen=True, kw_only=True):
    """One slice of a job whose pictures are made by several native jobs."""

    part: int
    count: int
    state: JobState
    delivered: int = 0
    error: Problem | None = None
    #: Of the attempt that runs.
    phase: Phase | None = None
    #: Of the last attempt that told of it: 0 to 1.
    progress: float | None = None
    #: The job's own is the sum.
    usage: "Usage | None" = None


class Effective(Value, frozen=True, kw_only=True):
    """What was really sent, after the gateway's own explicit choices and adjustments."""

    prompt: str | UnsetType = UNSET
    negative_prompt: str | UnsetType = UNSET
    character: str | UnsetType = UNSET
    style: str | UnsetType = UNSET
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET
    n: int | UnsetType = UNSET
    seed: int | UnsetType = UNSET
    effort: str | UnsetType = UNSET
    format: str | UnsetType = UNSET
    compression: int | UnsetType = UNSET
    lossless: bool | UnsetType = UNSET
    strictness: str | UnsetType = UNSET
    ruleset: str | UnsetType = UNSET
    optimize_prompt: bool | UnsetType = UNSET
    video: Video | UnsetType = UNSET
    cache_hit: bool | UnsetType = UNSET
    provider: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    options: dict[str, Any] | UnsetType = UNSET


class Attempt(Value, frozen=True, kw_only=True):
    """One try at one backend. A terminal job may still have one open: it is *draining*."""

    n: int
    part: int
    backend: str
    account: str | None
    model: str
    started_at: Moment
    ended_at: Moment | None = None
    effective: Effective | None = None
    adjustments: tuple[Adjustment, ...] = ()
    error: Problem | None = None
    outcome: Outcome | None = None
    how: str | None = None


class Cancel(Value, frozen=True, kw_only=True):
    """A wish to cancel, and what the backend really did about it."""

    requested_at: Moment
    answer: CancelAnswer
    detail: str | None = None


class Timings(Value, frozen=True, kw_only=True):
    """Where the time went, in seconds."""

    queued_s: float | None = None
    submit_s: float | None = None
    run_s: float | None = None
    download_s: float | None = None
    store_s: float | None = None


class Usage(Value, frozen=True, kw_only=True):
    """What the backend says it cost."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    web_searches: int | None = None
    model_load_s: float | None = None
    generation_s: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        """Return what both cost; what neither backend tells stays untold."""
        mine, theirs = structs.asdict(self), structs.asdict(other)
        told = {name: [each for each in (mine[name], theirs[name]) if each is not None] for name in mine}
        return Usage(**{name: sum(numbers) if numbers else None for name, numbers in told.items()})


class Links(Value, frozen=True, kw_only=True):
    """Where to go from here."""

    self: str
    events: str
    cancel: str


class Job(Value, frozen=True, kw_only=True):
    """The whole truth about one request, as one document."""

    id: str
    operation: Operation
    state: JobState
    spec: JobSpec
    created_at: Moment
    links: Links
    phase: Phase | None = None
    backend: str | None = None
    account: str | None = None
    model: str | None = None
    dialect: str | None = None
    sandbox: bool = False
    progress: float | None = None
    queue_position: int | None = None
    outputs: tuple[JobOutput, ...] = ()
    parts: tuple[JobPart, ...] = ()
    effective: Effective | None = None
    adjustments: tuple[Adjustment, ...] = ()
    warnings: tuple[str, ...] = ()
    review: Review | None = None
    error: Problem | None = None
    cancel: Cancel | None = None
    attempts: tuple[Attempt, ...] = ()
    usage: Usage | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    timings: Timings | None = None


def is_terminal(state: JobState) -> bool:
    """Say whether a job in this state has ended for its caller."""
    return state in TERMINAL
