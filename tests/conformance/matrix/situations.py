"""What can become of a request: every row of the catalogue, and the good and the cancelled ends beside it.

A situation says once, for all operations and dialects, what the canonical job looks like. How a sandbox is brought to
it, each dialect knows in words of its own. A cell that cannot be brought there has no word here: `explained.py` says
why.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from contracts.codes import CATALOG, ErrorCode, Outcome
from contracts.job import CancelAnswer, JobState
from tests.conformance.matrix.cells import COLUMNS, Cell

#: How a job is cancelled: before any backend has it, or when one is at it.
Act = Literal["cancel_waiting", "cancel_running"]
#: So often a job is tried that may be tried again.
TRIES = 3


class Situation(Struct, frozen=True, kw_only=True):
    """One row of the matrix: what happens, and how the job looks then wherever it happens."""

    name: str
    says: str
    code: ErrorCode | None = None
    ends: JobState = "failed"
    #: So many attempts the canonical job has; none: it was never given to a backend.
    tries: int = 1
    outcome: Outcome | None = None
    answer: CancelAnswer | None = None
    #: By cell, column or dialect: the token that forces it; "" where nothing need, None where nothing can.
    force: Mapping[str, str | None] = {}
    #: On so many requests the token bears; None: on all of them.
    times: int | None = None
    #: What is asked for besides.
    fields: Mapping[str, Any] = {}
    #: Dialects whose whole server it concerns: each cell gets one of its own.
    alone: tuple[str, ...] = ()
    act: Act | None = None
    #: Through which of a column's doors it goes; None: any.
    door: Literal["slow", "busy", "gone"] | None = None

    def token(self, cell: Cell) -> str | None:
        """Return what forces it at a cell; "" where nothing need, None where it cannot be had."""
        dialect = COLUMNS[cell.column].dialect
        names = (f"{cell.column} {cell.operation}", cell.column, f"{dialect} {cell.operation}", dialect)
        return next((self.force[name] for name in names if name in self.force), None)

    def is_alone(self, cell: Cell) -> bool:
        """Say whether a cell needs a server of its own: an upscale has no words that could hold a token."""
        wordless = cell.operation == "image.upscale" and bool(self.token(cell))
        return wordless or COLUMNS[cell.column].dialect in self.alone

    @property
    def path(self) -> tuple[JobState, ...]:
        """The states of the canonical job, in order."""
        return path_of(self.tries, self.ends)

    @property
    def leaves(self) -> Outcome | None:
        """What the canonical error leaves behind."""
        return None if self.code is None else self.outcome or CATALOG[self.code].outcome


def path_of(tries: int, ends: JobState) -> tuple[JobState, ...]:
    """Return the states of a job that was tried so often and ended so."""
    path: list[JobState] = ["queued", "running"] * tries or ["queued"]
    return (*path, ends)


_ALL = dict.fromkeys(("ima2", "sdcpp", "imgen"), "")
_VIDEO = "ima2-grok video.generate"
_WAIT = {"ima2": "slow:20000", "sdcpp": "stuck_loading", "sdcpp image.upscale": "slow:20000", "imgen": "slow:20000"}

SITUATIONS: tuple[Situation, ...] = (
    Situation(name="succeeded", says="The picture comes.", ends="succeeded", force=_ALL),
    Situation(
        name="succeeded at the second try", says="The backend is at its limit once, then the picture comes.",
        ends="succeeded", tries=2, times=1,
        force={"ima2": "429", "ima2-grok": "GROK_RATE_LIMITED", "sdcpp": "upstream_429", "imgen": "rate_limited"},
    ),
    Situation(
        name="found again", says="The answer to the submit is lost on its way; the work is found and fetched.",
        ends="succeeded", force=dict.fromkeys(("ima2", "sdcpp", "imgen"), "cut"),
    ),
    Situation(
        name="blocked", says="A reviewer withholds the result.", code="policy.output_blocked", ends="blocked",
        force={"imgen": "unsafe"},
    ),
    Situation(
        name="cancelled while waiting", says="Cancelled before any backend had it.", ends="cancelled", tries=0,
        answer="stopped", force=_ALL, act="cancel_waiting", door="busy",
    ),
    Situation(
        name="cancelled while running", says="Cancelled while the backend is at it.", ends="cancelled",
        answer="stopped", force={**_WAIT, "sdcpp": "loading:20000"}, alone=("sdcpp",), act="cancel_running",
        door="slow",
    ),
    Situation(
        name="cancelled by somebody else", says="The backend ends the work as cancelled, and nobody here asked it to.",
        code="job.cancelled", ends="cancelled",
        force={"ima2": "GENERATION_CANCELED", "sdcpp": "cancelled_by_operator", "imgen": "cancelled"},
    ),
    Situation(
        name="out of time", says="The job's own deadline passes while the backend is at it.",
        code="job.deadline_exceeded", force=_WAIT, fields={"deadline_s": 5}, door="slow",
    ),
    Situation(
        name="server down", says="The server is known to be down, and does not come back before the deadline.",
        code="job.deadline_exceeded", tries=0, outcome="not_started", force=_ALL, fields={"deadline_s": 1},
        door="gone",
    ),
    Situation(
        name="refused by policy", says="The backend refuses to make the picture.", code="policy.refused",
        force={"ima2": "mod400", "ima2-grok": "MODERATION_REFUSED", _VIDEO: "GROK_VIDEO_MODERATION_BLOCKED"},
    ),
    Situation(
        name="field refused", says="The backend finds fault with a field that passed at the door.",
        code="request.field_invalid",
        force={
            "ima2": "400_size", "ima2-grok": "PROMPT_TOO_LONG", "sdcpp": "missing_prompt",
            "sdcpp image.upscale": "image_required", "imgen": "prompt_required",
        },
    ),
    Situation(
        name="option refused", says="The backend cannot honour an option that passed at the door.",
        code="request.option_unsupported",
        force={
            "ima2": "CONTEXT_MODE_UNSUPPORTED", "ima2 image.edit": "EDIT_MASK_NOT_SUPPORTED",
            "ima2-grok": "GROK_MASK_UNSUPPORTED", _VIDEO: "GROK_VIDEO_INVALID_MODE",
        },
    ),
    Situation(
        name="model forgotten", says="The backend no longer knows the model.", code="request.model_unknown",
        force={
            "ima2": "404_model", "ima2-grok": "INVALID_GROK_IMAGE_MODEL", _VIDEO: "INVALID_GROK_VIDEO_MODEL",
            "sdcpp": "model_not_found", "sdcpp image.upscale": None,
        },
    ),
    Situation(
        name="model incapable", says="The backend knows the model, and that it makes no pictures.",
        code="request.model_incapable", force={"ima2": "IMAGE_MODEL_UNSUPPORTED", "ima2-grok": None},
    ),
    Situation(
        name="picture refused", says="The backend cannot use an input picture.", code="request.reference_invalid",
        force={
            "ima2": "REF_NOT_BASE64", "ima2 image.edit": "INVALID_EDIT_IMAGE_PNG", "sdcpp": "only_images",
            "sdcpp image.generate": None,
        },
    ),
    Situation(
        name="pictures too many", says="The backend takes fewer input pictures.", code="request.reference_too_many",
        force={
            "ima2": "REF_TOO_MANY", "ima2 image.edit": None, "ima2-grok": "GROK_REF_TOO_MANY",
            "ima2-grok image.edit": "GROK_REF_TOO_MANY", _VIDEO: "GROK_VIDEO_REF_TOO_MANY",
        },
    ),
    Situation(
        name="too large there", says="The backend takes less than the gateway does.", code="request.too_large",
        force={
            "ima2": "REF_TOO_LARGE", "ima2 image.edit": "EDIT_MASK_TOO_LARGE", "ima2-grok image.edit": "REF_TOO_LARGE",
            "sdcpp": "file_too_large", "sdcpp image.generate": "body_too_large", "imgen": "too_large",
        },
    ),
    Situation(
        name="expired there", says="The backend made the picture, and no longer has it when it is fetched.",
        code="resource.expired",
        force={
            "ima2-new image.generate": "file:gone", "ima2-grok image.generate": "file:gone", _VIDEO: "file:gone",
            "sdcpp": "image_gone", "imgen": "expired_url",
        },
    ),
    Situation(
        name="nothing in the cache", says="Only a picture of the cache was wanted, and there is none.",
        code="resource.cache_miss", force={"imgen": "no_cached"}, fields={"cache": {"mode": "only"}},
    ),
    Situation(
        name="not available", says="The backend says that it cannot work now.", code="backend.unavailable",
        tries=TRIES,
        force={
            "ima2": "oauth_failed", "ima2-grok": "GROK_NETWORK_FAILED", "sdcpp": "startup_failed",
            "sdcpp image.upscale": "process_exited", "imgen": "edge_503",
        },
    ),
    Situation(
        name="at its limit", says="The backend is at its limit, again and again.", code="backend.overloaded",
        tries=TRIES,
        force={"ima2": "429", "ima2-grok": "GROK_RATE_LIMITED", "sdcpp": "upstream_429", "imgen": "rate_limited"},
    ),
    Situation(
        name="credentials rejected", says="The backend rejects the gateway's own credentials.",
        code="backend.credentials_rejected",
        force={"ima2": "401_expired", "ima2-grok": "GROK_AUTH_FAILED", "sdcpp": "unauthorized", "imgen": "invalid_key"},
    ),
    Situation(
        name="out of credit", says="The backend's account is out of credit.", code="backend.quota_exhausted",
        force={"ima2": "429_quota", "ima2-grok": None},
    ),
    Situation(
        name="not set up", says="The backend is not set up for what it offers.", code="backend.misconfigured",
        force={
            "ima2": "APIKEY_DISABLED", "ima2-grok": "GROK_API_KEY_MISSING", "sdcpp": "no_default_model",
            "sdcpp image.upscale": "upscaler_missing", "imgen": "result_host",
        },
    ),
    Situation(
        name="request rejected", says="The backend refuses, and names nothing that the caller could change.",
        code="backend.rejected_request",
        force={
            "ima2": "INVALID_REQUEST", _VIDEO: "GROK_VIDEO_REQUEST_FAILED", "sdcpp": "bad_request",
            "imgen": "missing_action",
        },
    ),
    Situation(
        name="timed out there", says="The backend gives its upstream up, which may still be at it.",
        code="backend.timeout",
        force={
            "ima2": "timeout:40", "ima2-grok": "GROK_IMAGE_TIMEOUT", _VIDEO: "GROK_VIDEO_TIMEOUT",
            "sdcpp": "timeout:40", "imgen": "timed_out",
        },
    ),
    Situation(
        name="failed", says="The backend took the work, and failed.", code="backend.failed", tries=TRIES,
        force={
            "ima2": "500", "ima2-grok": "GROK_UPSTREAM_ERROR", _VIDEO: "GROK_VIDEO_FAILED", "sdcpp": "upstream_500",
            "imgen": "failed",
        },
    ),
    Situation(
        name="no picture", says="The backend says that it is done, and has no picture.", code="backend.bad_response",
        tries=TRIES, outcome="finished_no_result",
        force={
            "ima2": "empty", "ima2-grok": "EMPTY_RESPONSE", _VIDEO: "GROK_VIDEO_EMPTY_RESPONSE", "sdcpp": "no_images",
            "imgen": "none",
        },
    ),
    Situation(
        name="no picture but junk", says="What the backend delivers as a picture is none.",
        code="backend.bad_response", tries=TRIES, outcome="finished_no_result",
        force=dict.fromkeys(("ima2", "sdcpp", "imgen"), "not_an_image"),
    ),
    Situation(
        name="lost there", says="The backend forgets a job that it had taken.", code="backend.job_lost",
        force={
            "ima2-new": "JOB_TRACKING_TIMEOUT", "ima2-grok": "JOB_TRACKING_TIMEOUT", "sdcpp": "lost", "imgen": "lost",
        },
    ),
)  # fmt: skip
