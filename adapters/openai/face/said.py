"""What goes out: JSON, and what went wrong as OpenAI's clients read it, with the catalogue's own code inside.

Every refusal is `{"error": {"message", "type", "param", "code"}}`: `type` is the class of the failure (`TYPES`),
`code` the catalogue's, `param` the client's own name of the field (`param_of`). The headers are those of `/v1`:
`X-Should-Retry`, which the SDKs obey, `Retry-After`, and `X-Triptych-Job` where there is a job.

Routes raise `CatalogError`; whoever checks a field raises `invalid(...)`, whose pointer names the client's field.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from contracts.catalog import CatalogError, Fault, Problem, Reason, should_retry
from contracts.codes import ErrorCode
from contracts.face import Answer
from contracts.job import Job

JSON = "application/json"
JOB, SANDBOX = "X-Triptych-Job", "X-Triptych-Sandbox"
ADJUSTMENTS, WARNINGS = "X-Triptych-Adjustments", "X-Triptych-Warnings"
#: What a client waits when nobody knows better, in seconds.
DEFAULT_RETRY_AFTER_S = 5.0
_WAITING_HELPS = frozenset({429, 503})
#: Faults of a field that this face reads itself are named by the field.
OWN = "/openai/"
#: Fields of the contract as OpenAI calls them; the first that fits.
PARAMS: tuple[tuple[str, str], ...] = (
    ("/output/format", "output_format"),
    ("/output/compression", "output_compression"),
    ("/output/lossless", "output_format"),
    ("/output/delivery", "response_format"),
    ("/policy/strictness", "moderation"),
    ("/video/duration_s", "seconds"),
    ("/video/resolution", "size"),
    ("/video/aspect_ratio", "size"),
    ("/video/mode", "input_reference"),
    ("/prompt", "prompt"),
    ("/model", "model"),
    ("/size", "size"),
    ("/n", "n"),
    ("/effort", "quality"),
    ("/style", "style"),
    ("/inputs", "image"),
)
#: The catalogue's statuses, where OpenAI's clients know another one for it.
STATUSES: Mapping[ErrorCode, int] = {
    "request.model_unknown": 404,
    "policy.refused": 400,
    "policy.output_blocked": 400,
}
#: `type` by code, where its group does not say it.
TYPES: Mapping[ErrorCode, str] = {
    "auth.unauthenticated": "authentication_error",
    "auth.forbidden": "permission_error",
    "quota.rate_limited": "rate_limit_error",
    "quota.budget_exhausted": "insufficient_quota",
    "policy.refused": "image_generation_user_error",
    "policy.output_blocked": "image_generation_user_error",
    "job.cancelled": "invalid_request_error",
}
_SERVER = frozenset({"routing", "job", "backend", "gateway"})
#: Values of the contract as OpenAI calls them, by field; what is not here is called the same.
_VALUES: Mapping[str, Mapping[Any, str]] = {"moderation": {"default": "auto", "relaxed": "low"}}
#: Fields whose allowed values a client can send as they stand.
_TELLING = frozenset({"size", "n", "quality", "style", "output_format", "output_compression", "moderation", "seconds"})
#: Faults whose own sentence names the field.
_SENTENCES = frozenset({"missing", "unknown_field"})
#: So many of the values that would be right are told.
_MOST_ALLOWED = 20
encode = msgspec.json.Encoder().encode


def said(
    body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, code: ErrorCode | None = None
) -> Answer:
    """Return an answer in JSON."""
    return Answer(status=status, body=encode(body), headers={"Content-Type": JSON, **(headers or {})}, code=code)


def about(job: Job) -> dict[str, str]:
    """Return the headers that say which job answers, and whether a sandbox made it."""
    return {JOB: job.id} | ({SANDBOX: "true"} if job.sandbox else {})


def receipts(job: Job) -> dict[str, str]:
    """Return the headers that say what did not come out as asked, and what the gateway warns of.

    JSON in ASCII. What was asked for is left out: headers are logged on the way, and prompts are nobody's business.
    """
    found: dict[str, str] = {}
    if job.adjustments:
        shown = [
            {"param": param_of(each.pointer) or each.pointer, "why": each.why, "by": each.by, **_applied(each.applied)}
            for each in job.adjustments
        ]
        found[ADJUSTMENTS] = _ascii(shown)
    if job.warnings:
        found[WARNINGS] = _ascii(job.warnings)
    return found


def _applied(value: Any) -> dict[str, Any]:
    return {"applied": value} if isinstance(value, int | float | bool) else {}


def _ascii(value: Any) -> str:
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))


def invalid(
    param: str,
    detail: str,
    *,
    code: ErrorCode = "request.field_invalid",
    reason: Reason = "enum",
    allowed: tuple[Any, ...] | None = None,
) -> CatalogError:
    """Return the refusal of one of the client's own fields; `detail` goes on after its name: "must be ..."."""
    fault = Fault(pointer=f"{OWN}{param}", reason=reason, detail=detail, allowed=allowed)
    return CatalogError(code, f"{param}: {detail}", errors=(fault,))


def missing(param: str) -> CatalogError:
    """Return the refusal of a request without a field that it must have."""
    fault = Fault(pointer=f"{OWN}{param}", reason="missing", detail="is missing")
    return CatalogError("request.field_invalid", f"Missing required parameter: '{param}'.", errors=(fault,))


def unknown(params: Sequence[str]) -> CatalogError:
    """Return the refusal of fields that are none; `param` is the first."""
    found = (Fault(pointer=f"{OWN}{each}", reason="unknown_field", detail="is no parameter") for each in params)
    names = ", ".join(f"'{each}'" for each in params)
    return CatalogError("request.field_invalid", f"Unknown parameter: {names}.", errors=tuple(found))


def unsupported(param: str, detail: str, *, allowed: tuple[Any, ...] | None = None) -> CatalogError:
    """Return the refusal of something that OpenAI knows and nobody here can promise."""
    return invalid(param, detail, code="request.option_unsupported", reason="unsupported", allowed=allowed)


def status_of(code: ErrorCode, status: int) -> int:
    """Return the status that OpenAI's clients expect of a code whose own is `status`."""
    return STATUSES.get(code, status)


def type_of(code: ErrorCode) -> str:
    """Return the class of a failure in OpenAI's words."""
    found = TYPES.get(code)
    if found is not None:
        return found
    return "server_error" if code.partition(".")[0] in _SERVER else "invalid_request_error"


def param_of(pointer: str) -> str | None:
    """Return what OpenAI calls a field of the contract; None where it knows none."""
    if pointer.startswith(OWN):
        return pointer.removeprefix(OWN)
    return next((name for known, name in PARAMS if pointer == known or pointer.startswith(f"{known}/")), None)


def error_of(problem: Problem) -> dict[str, Any]:
    """Return what stands under `error`, in an answer or in a frame."""
    fault = problem.errors[0] if problem.errors else None
    param = None if fault is None else param_of(fault.pointer)
    if param is None and problem.code == "request.model_unknown":
        param = "model"
    return {
        "message": _message(problem, fault, param),
        "type": type_of(problem.code),
        "param": param,
        "code": problem.code,
    }


def _message(problem: Problem, fault: Fault | None, param: str | None) -> str:
    """Return a sentence in the client's words: its own field instead of a pointer, and what would be right."""
    if fault is None or param is None or fault.reason in _SENTENCES or problem.code == "request.model_unknown":
        text = problem.detail
    else:
        text = f"{param}: {fault.detail}"
    text = text if text.endswith((".", "!", "?")) else f"{text}."
    # What this face checks itself says in its own words what would be right.
    tells = fault is not None and param in _TELLING and not fault.pointer.startswith(OWN)
    allowed = fault.allowed if fault is not None and tells else None
    if allowed:
        words = _VALUES.get(param or "", {})
        shown = [str(words.get(each, each)) for each in allowed[:_MOST_ALLOWED]]
        text += f" Allowed here: {', '.join(shown)}."
    return text


def retry_headers(problem: Problem) -> dict[str, str]:
    """Return what tells a client whether and when to send the same again: as `/v1` does (errors.md §1)."""
    headers = {"X-Should-Retry": "true" if should_retry(problem.retry, problem.outcome) else "false"}
    after = problem.retry_after_s
    if after is None and problem.status in _WAITING_HELPS:
        after = DEFAULT_RETRY_AFTER_S
    return headers if after is None else {**headers, "Retry-After": str(math.ceil(after))}


def refused(error: CatalogError, headers: Mapping[str, str] | None = None) -> Answer:
    """Say in OpenAI's shape what the catalogue says."""
    return failed(error.problem(), headers)


def failed(problem: Problem, headers: Mapping[str, str] | None = None) -> Answer:
    """Say in OpenAI's shape how a request, or the job of one, failed."""
    sent = retry_headers(problem)
    if problem.status == 401:
        sent["WWW-Authenticate"] = "Bearer"
    if problem.job_id is not None:
        sent[JOB] = problem.job_id
    status = status_of(problem.code, problem.status)
    return said({"error": error_of(problem)}, status=status, headers={**sent, **(headers or {})}, code=problem.code)
