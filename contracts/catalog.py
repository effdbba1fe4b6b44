"""The error catalogue: 35 codes, what each means for the caller, and the only exception that crosses a wall.

A backend's own 401, 403 or 429 never becomes the caller's. `outcome` is kept apart from `retry`: after a timeout
the work may still run and be billed, and an unknown outcome never invites anybody to pay again.
"""

from typing import Any, Literal

from msgspec import Struct

from contracts.codes import CATALOG, Blame, ErrorCode, Outcome, Retry, Row

__all__ = [
    "CATALOG",
    "Blame",
    "CatalogError",
    "ErrorCode",
    "Fault",
    "Native",
    "Outcome",
    "Problem",
    "Retry",
    "Row",
    "should_retry",
]

#: Where an error happened; an enum of its own, apart from a job's phases.
ErrorPhase = Literal[
    "connect", "queue", "model_load", "search", "planner", "optimize", "image", "video", "poll", "review", "download"
]
Reason = Literal[
    "missing",
    "type",
    "enum",
    "range",
    "format",
    "too_long",
    "unknown_field",
    "contradiction",
    "unsupported",
    "prompt_syntax",
    "empty",
    "not_base64",
    "undecodable",
    "media_type",
    "no_alpha",
    "dimensions",
    "url_forbidden",
    "unknown",
]


class Fault(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with a request: where, why, and what would be right."""

    pointer: str
    reason: Reason
    detail: str
    allowed: tuple[Any, ...] | None = None
    limit: float | None = None
    token: str | None = None


class Native(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the backend said, never in its own words: the message only as a keyed fingerprint."""

    http_status: int | None = None
    code: str | None = None
    message_fingerprint: str | None = None


class Rejection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why one candidate was not chosen."""

    backend: str
    model: str
    code: ErrorCode
    reasons: tuple[Fault, ...] = ()
    account: str | None = None
    detail: str | None = None


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """RFC 9457 problem details: the same object in a response, in a job, in an event and in a webhook."""

    type: str
    title: str
    status: int
    detail: str
    code: ErrorCode
    group: str
    retry: tuple[Retry, ...]
    blame: Blame
    outcome: Outcome
    instance: str | None = None
    doc_url: str | None = None
    retry_after_s: float | None = None
    job_id: str | None = None
    backend: str | None = None
    phase: ErrorPhase | None = None
    native: Native | None = None
    errors: tuple[Fault, ...] = ()
    candidates: tuple[Rejection, ...] = ()
    reason: str | None = None
    stage: Literal["input", "unknown"] | None = None
    categories: tuple[str, ...] = ()
    limit: float | None = None
    limit_name: str | None = None
    resets_at: str | None = None
    available: tuple[str, ...] = ()
    capable: tuple[str, ...] = ()
    supported_by: tuple[str, ...] = ()
    limits_by_backend: dict[str, int] | None = None
    current_version: str | None = None
    job: Any = None


class CatalogError(Exception):
    """A failure in the catalogue's words. `facts` are further fields of `Problem`."""

    def __init__(
        self,
        code: ErrorCode,
        detail: str,
        *,
        outcome: Outcome | None = None,
        retry_after_s: float | None = None,
        phase: ErrorPhase | None = None,
        errors: tuple[Fault, ...] = (),
        native: Native | None = None,
        status: int | None = None,
        **facts: Any,
    ) -> None:
        """Take the code, a sentence for the caller, and what is known beyond the catalogue's row."""
        super().__init__(code, detail)
        self.row = CATALOG[code]
        self.code: ErrorCode = code
        self.detail = detail
        self.outcome: Outcome = outcome or self.row.outcome
        self.retry_after_s = retry_after_s
        self.phase: ErrorPhase | None = phase
        self.errors = errors
        self.native = native
        self.status = status or self.row.status
        self.facts = facts
        #: What only the engine can know and may change the code (errors.md §1.9); never shown.
        self.refinements: tuple[str, ...] = ()
        #: Where the pictures lie that a reviewer withholds, as `fetch` understands it: never shown, never logged.
        self.withheld: tuple[str, ...] = ()

    def turned(self, code: ErrorCode, detail: str) -> "CatalogError":
        """Return the same failure under another code, with that code's own outcome."""
        facts = {name: value for name, value in self.facts.items() if name in ("backend", "job_id")}
        return CatalogError(code, detail, native=self.native, phase=self.phase, **facts)

    def __str__(self) -> str:
        """Return the code and the sentence."""
        return f"{self.code}: {self.detail}"

    def problem(self, **facts: Any) -> Problem:
        """Return the problem object, with more facts where the place that shows it knows them."""
        row = self.row
        known = {**self.facts, **facts}
        return Problem(
            type=f"/v1/errors/{self.code}",
            title=row.title,
            status=self.status,
            detail=self.detail,
            code=self.code,
            group=row.group,
            retry=row.retry,
            blame=row.blame,
            outcome=self.outcome,
            retry_after_s=self.retry_after_s,
            phase=self.phase,
            errors=self.errors,
            native=self.native,
            doc_url=known.pop("doc_url", f"/v1/errors/{self.code}"),
            **known,
        )


def should_retry(retry: tuple[Retry, ...], outcome: Outcome) -> bool:
    """Say whether a client may send the same request again without risking to pay twice (errors.md §1.8)."""
    return "same" in retry and outcome in ("not_started", "finished_no_result")
