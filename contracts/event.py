"""What the gateway tells clients: the lines of a job's history, each replayable by its id.

`job.partial_image` alone is never stored: it carries no id and cannot be replayed.
"""

from typing import Literal

from msgspec import Struct

from contracts.catalog import Problem
from contracts.job import CancelAnswer, JobOutput, Moment, Phase, Review

EventType = Literal[
    "job.queued",
    "job.running",
    "job.phase",
    "job.progress",
    "job.partial_image",
    "job.output",
    "job.succeeded",
    "job.failed",
    "job.blocked",
    "job.cancelled",
]
TERMINAL_EVENTS = frozenset({"job.succeeded", "job.failed", "job.blocked", "job.cancelled"})


class EventBase(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When it happened, and to which job. The id is given by the store when the line is written."""

    job_id: str
    at: Moment
    id: int | None = None


class JobQueued(EventBase, frozen=True, kw_only=True, tag_field="type", tag="job.queued"):
    """The job waits with the gateway: accepted just now, or put back for another attempt."""

    attempt: int | None = None


class JobRunning(EventBase, frozen=True, kw_only=True, tag_field="type", tag="job.running"):
    """A backend was chosen and the attempt's intent is written."""

    attempt: int
    part: int
    backend: str
    model: str
    account: str | None = None


class JobPhase(EventBase, frozen=True, kw_only=True, tag_field="type", tag="job.phase"):
    """The job went on to another phase."""

    phase: Phase
    progress: float | None = None
    #: Which part of the job went on; `progress` is of the whole job.
    part: int = 1


class JobProgress(EventBase, frozen=True, kw_only=True, tag_field="type", tag="job.progress"):
    """Some five per cent and two seconds later."""

    progress: float
    phase: Phase | None = None
    #: Which part of the job went on; `progress` is of the whole job.
    part: int = 1


class JobPartialImage(EventBase, frozen=True, kw_only=True, tag_field="type", tag="job.partial_image"):
    """A preview of the picture in the making (base64). Never stored."""

    index: int
    media_type: str
    data: str


class JobOutputReady(EventBase, frozen=True, kw_only=True, tag_field="type", tag="job.output"):
    """One file is stored and checked."""

    output: JobOutput


class JobSucceeded(EventBase, frozen=True, kw_only=True, tag_field="type", tag="job.succeeded"):
    """The end: everything that was delivered."""

    outputs: tuple[JobOutput, ...]
    review: Review | None = None


class JobFailed(EventBase, frozen=True, kw_only=True, tag_field="type", tag="job.failed"):
    """The end: why nothing usable came."""

    error: Problem


class JobBlocked(EventBase, frozen=True, kw_only=True, tag_field="type", tag="job.blocked"):
    """The end: a result exists and is withheld."""

    error: Problem
    review: Review | None = None


class JobCancelled(EventBase, frozen=True, kw_only=True, tag_field="type", tag="job.cancelled"):
    """The end: somebody cancelled, and what the backend did about it."""

    answer: CancelAnswer
    detail: str | None = None


JobEvent = (
    JobQueued
    | JobRunning
    | JobPhase
    | JobProgress
    | JobPartialImage
    | JobOutputReady
    | JobSucceeded
    | JobFailed
    | JobBlocked
    | JobCancelled
)
