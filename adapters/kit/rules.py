"""Error tables: a native complaint, reduced to a few words, looked up row by row. The first row that fits wins.

A table is a pure function of what the backend said. What only the engine knows (is it our id, did we ask to cancel, had
we checked the request) refines the answer there; a row names the refinements that may apply.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct, structs

from contracts.catalog import CATALOG, CatalogError, ErrorPhase, Fault, Native, Outcome, Reason
from contracts.codes import ErrorCode
from contracts.port import Verdict

Shape = Literal["json", "html", "text", "empty"]
#: What may be shown as a native code: a word of a vocabulary, never a sentence that a server put in its place.
_PLAIN = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
Refinement = Literal["ours_by_id", "we_asked_to_cancel", "passed_our_validation"]


class Signal(Struct, frozen=True, kw_only=True):
    """A native answer, reduced to what tables look at. `text` never leaves the adapter."""

    route: str | None = None
    status: int | None = None
    code: str | None = None
    upstream: str | None = None
    error_class: str | None = None
    param: str | None = None
    text: str = ""
    state: str | None = None
    shape: Shape = "json"
    categories: tuple[str, ...] = ()
    #: Which build said it, where builds mean different things by the same words.
    profile: str | None = None


class Rule(Struct, frozen=True, kw_only=True, dict=True):
    """One row: every condition that is named must hold. `example` is a text that its pattern is for."""

    to: ErrorCode
    route: str | None = None
    status: tuple[int, ...] = ()
    code: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()
    error_class: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    shape: tuple[Shape, ...] = ()
    profile: tuple[str, ...] = ()
    param: bool | None = None
    text: str | None = None
    example: str | None = None
    outcome: Outcome | None = None
    phase: ErrorPhase | None = None
    reason: Reason | str | None = None
    pointer: str | None = None
    stage: Literal["input", "unknown"] | None = None
    refinements: tuple[Refinement, ...] = ()

    @cached_property
    def pattern(self) -> re.Pattern[str] | None:
        """The anchored pattern of the text, compiled once."""
        return re.compile(self.text, re.IGNORECASE | re.DOTALL) if self.text else None

    @cached_property
    def route_pattern(self) -> re.Pattern[str] | None:
        """The pattern of the route (`METHOD /path`), compiled once."""
        return re.compile(self.route) if self.route else None

    def fits(self, signal: Signal) -> bool:
        """Say whether every named condition holds."""
        return (
            (not self.status or signal.status in self.status)
            and (not self.code or signal.code in self.code)
            and (not self.upstream or signal.upstream in self.upstream)
            and (not self.error_class or signal.error_class in self.error_class)
            and (not self.state or signal.state in self.state)
            and (not self.shape or signal.shape in self.shape)
            and (not self.profile or signal.profile in self.profile)
            and (self.param is None or self.param == (signal.param is not None))
            and (self.route_pattern is None or bool(self.route_pattern.match(signal.route or "")))
            and (self.pattern is None or bool(self.pattern.match(signal.text.strip())))
        )


SERVER_ERRORS = tuple(range(500, 600))
CLIENT_ERRORS = tuple(range(400, 500))


class Table:
    """A dialect's rows in order."""

    def __init__(self, *rules: Rule) -> None:
        """Take the rows; the first that fits wins."""
        self.rules = rules

    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Return the rows as data, in order, only what each of them names."""
        return [
            {
                field.name: value
                for field in structs.fields(rule)
                if (value := getattr(rule, field.name)) not in (None, ()) and field.name != "example"
            }
            for rule in self.rules
        ]

    def classify(self, signal: Signal) -> Verdict:
        """Return what a signal means; one that no row knows is mapped by its status and marked unmapped."""
        said = (word for word in (signal.code, signal.upstream, signal.state) if word and _PLAIN.fullmatch(word))
        native = Native(http_status=signal.status, code=next(said, None))
        for rule in self.rules:
            if rule.fits(signal):
                return Verdict(
                    code=rule.to,
                    outcome=rule.outcome or CATALOG[rule.to].outcome,
                    phase=rule.phase,
                    reason=rule.reason,
                    pointer=rule.pointer,
                    stage=rule.stage,
                    categories=signal.categories,
                    native=native,
                    refinements=rule.refinements,
                )
        code: ErrorCode = "backend.rejected_request" if signal.status in CLIENT_ERRORS else "backend.failed"
        return Verdict(code=code, outcome=CATALOG[code].outcome, native=native, unmapped=True)


def parse(body: bytes, media_type: str | None = None) -> tuple[Shape, object]:
    """Return the shape of a body, and its value where it is JSON (whatever its header says)."""
    text = body.strip()
    if not text:
        return "empty", None
    if text[:1] == b"<" or (media_type or "").startswith("text/html"):
        return "html", None
    try:
        return "json", msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "text", None


#: What a caller reads for each code that a backend can cause; the backend's own words stay inside.
SENTENCES: dict[ErrorCode, str] = {
    "request.field_invalid": "The backend refuses the value of a field.",
    "request.option_unsupported": "The backend cannot honour an option.",
    "request.model_unknown": "The backend does not know the model.",
    "request.model_incapable": "The model cannot do this.",
    "request.reference_invalid": "The backend cannot use an input picture.",
    "request.reference_too_many": "The backend takes fewer input pictures.",
    "request.too_large": "The backend finds the request too large.",
    "policy.refused": "The request was refused by policy.",
    "policy.output_blocked": "The result was reviewed and is withheld.",
    "resource.not_found": "The backend does not know this.",
    "resource.expired": "The backend no longer has this.",
    "resource.state_conflict": "The backend says that this cannot be done in its present state.",
    "resource.precondition_failed": "The version at the backend is another one.",
    "resource.cache_miss": "Nothing in the backend's cache matches.",
    "job.cancelled": "The backend ended the work as cancelled.",
    "job.deadline_exceeded": "The time for this job is over.",
    "backend.unavailable": "The backend cannot be reached.",
    "backend.overloaded": "The backend is at its limit.",
    "backend.credentials_rejected": "The backend rejects the gateway's credentials.",
    "backend.quota_exhausted": "The backend's account is out of credit.",
    "backend.misconfigured": "The backend is not set up for this.",
    "backend.rejected_request": "The backend refused a request that the gateway had checked.",
    "backend.timeout": "The backend took too long.",
    "backend.failed": "The backend accepted the work and failed.",
    "backend.bad_response": "The backend's answer makes no sense.",
    "backend.job_lost": "The backend lost the job.",
}


def to_error(
    verdict: Verdict, *, backend: str, fingerprint: str | None = None, retry_after_s: float | None = None
) -> CatalogError:
    """Return the exception for a verdict; the native text survives only as a keyed fingerprint."""
    native = verdict.native
    if native is not None:
        native = Native(http_status=native.http_status, code=native.code, message_fingerprint=fingerprint)
    sentence = SENTENCES.get(verdict.code, CATALOG[verdict.code].title)
    faults: tuple[Fault, ...] = ()
    if verdict.pointer is not None:
        reason = _REASONS.get(verdict.reason or "", "unsupported")
        faults = (Fault(pointer=verdict.pointer, reason=reason, detail=sentence),)
    facts: dict[str, Any] = {"backend": backend}
    if verdict.stage is not None:
        facts["stage"] = verdict.stage
    if verdict.categories:
        facts["categories"] = verdict.categories
    if verdict.reason is not None and not faults:
        facts["reason"] = verdict.reason
    error = CatalogError(
        verdict.code,
        sentence,
        outcome=verdict.outcome,
        phase=verdict.phase,
        retry_after_s=retry_after_s,
        errors=faults,
        native=native,
        **facts,
    )
    error.refinements = verdict.refinements
    return error


_REASONS: Mapping[str, Reason] = {each: each for each in get_args(Reason)}
