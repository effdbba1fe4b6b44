"""The 35 rows of the error catalogue, as data that the wire, the docs and the tests read."""

from typing import Literal

from msgspec import Struct

ErrorCode = Literal[
    "request.malformed",
    "request.field_invalid",
    "request.option_unsupported",
    "request.model_unknown",
    "request.model_incapable",
    "request.reference_invalid",
    "request.reference_too_many",
    "request.too_large",
    "auth.unauthenticated",
    "auth.forbidden",
    "quota.rate_limited",
    "quota.budget_exhausted",
    "policy.refused",
    "policy.output_blocked",
    "resource.not_found",
    "resource.expired",
    "resource.state_conflict",
    "resource.precondition_failed",
    "resource.cache_miss",
    "idempotency.conflict",
    "routing.no_candidate",
    "job.cancelled",
    "job.deadline_exceeded",
    "backend.unavailable",
    "backend.overloaded",
    "backend.credentials_rejected",
    "backend.quota_exhausted",
    "backend.misconfigured",
    "backend.rejected_request",
    "backend.timeout",
    "backend.failed",
    "backend.bad_response",
    "backend.job_lost",
    "gateway.overloaded",
    "gateway.internal",
]
Retry = Literal["same", "other", "edit", "never"]
Blame = Literal["caller", "operator", "backend", "gateway"]
Outcome = Literal["not_started", "unknown", "finished_no_result", "finished_blocked", "not_applicable"]


class Row(Struct, frozen=True, kw_only=True):
    """One code: its HTTP status, who is to blame, what may be retried, and what the caller does."""

    number: int
    code: ErrorCode
    status: int
    title: str
    retry: tuple[Retry, ...]
    blame: Blame
    outcome: Outcome
    action: str
    #: Statuses that the same code also answers with, where HTTP or the framework knows a better one.
    other_statuses: tuple[int, ...] = ()

    @property
    def group(self) -> str:
        """The part before the dot."""
        return self.code.partition(".")[0]


_NONE: Outcome = "not_started"
_UNSURE: Outcome = "unknown"
_ENDED: Outcome = "finished_no_result"
_HELD: Outcome = "finished_blocked"
_NA: Outcome = "not_applicable"


def _rows() -> tuple[Row, ...]:
    number = 0

    def row(
        code: ErrorCode,
        status: int,
        retry: str,
        blame: Blame,
        outcome: Outcome,
        title: str,
        action: str,
        *other_statuses: int,
    ) -> Row:
        nonlocal number
        number += 1
        return Row(
            number=number,
            code=code,
            status=status,
            title=title,
            retry=tuple(retry.split()),  # type: ignore[arg-type]
            blame=blame,
            outcome=outcome,
            action=action,
            other_statuses=other_statuses,
        )

    return (
        row("request.malformed", 400, "edit", "caller", _NONE, "The request cannot be read",
            "Fix the JSON, the multipart body, the content type or the method.", 405, 406, 415, 416),
        row("request.field_invalid", 400, "edit", "caller", _NONE, "A field is not valid",
            "Read errors[]: each names the field by pointer, the reason, and what is allowed."),
        row("request.option_unsupported", 400, "edit other", "caller", _NONE, "An option cannot be honoured here",
            "Drop the option, choose one of supported_by, or send on_unsupported knowingly."),
        row("request.model_unknown", 400, "edit", "caller", _NONE, "No such model",
            "Choose a model from available, or from GET /v1/models."),
        row("request.model_incapable", 400, "edit other", "caller", _NONE, "The model cannot do this",
            "The model exists, but not for this operation: choose one of capable."),
        row("request.reference_invalid", 400, "edit", "caller", _NONE, "An input picture is not usable",
            "Fix the input that errors[] points to: its type, its encoding, its size or its address."),
        row("request.reference_too_many", 400, "edit other", "caller", _NONE, "Too many input pictures",
            "Send at most limit pictures, or use a backend with a higher one (limits_by_backend)."),
        row("request.too_large", 413, "edit", "caller", _NONE, "Too large",
            "Shrink what you send below limit."),
        row("auth.unauthenticated", 401, "never", "caller", _NONE, "A valid key is needed",
            "Send a key in Authorization: Bearer. It is missing, unknown, expired or revoked (reason)."),
        row("auth.forbidden", 403, "never", "caller", _NONE, "The key may not do this",
            "Ask for a key with the scope, backend, model or operation that is named."),
        row("quota.rate_limited", 429, "same", "caller", _NONE, "A limit of your team is reached",
            "Wait for Retry-After; limit_name says which limit."),
        row("quota.budget_exhausted", 402, "never", "caller", _NONE, "The budget is used up",
            "Ask for budget; resets_at says when it begins anew."),
        row("policy.refused", 422, "edit", "caller", _NONE, "Refused by policy",
            "Change the prompt or the references; stage says how far the request got."),
        row("policy.output_blocked", 422, "edit", "caller", _HELD, "The result is withheld",
            "A result exists, was probably billed, and is withheld; categories say why. "
            "Only scope policy:review may ask for it."),
        row("resource.not_found", 404, "never", "caller", _NA, "Not found",
            "The id is wrong, or not your team's: there is one answer for both."),
        row("resource.expired", 410, "never", "caller", _NA, "No longer kept",
            "It is past its retention: submit again."),
        row("resource.state_conflict", 409, "never", "caller", _NA, "Not in this state",
            "The body carries the job as it is now."),
        row("resource.precondition_failed", 412, "edit", "caller", _NA, "The version is stale or missing",
            "Read again, apply your change again, and send the new If-Match.", 428, 409),
        row("resource.cache_miss", 404, "edit", "caller", _NONE, "Nothing matching in the cache",
            "cache.mode is only and nothing matched: allow generation."),
        row("idempotency.conflict", 422, "edit", "caller", _NA, "The idempotency key belongs to another request",
            "Use a new key for a new body, or follow the job that the key made.", 409),
        row("routing.no_candidate", 503, "same", "operator", _NONE, "No backend is up for this",
            "Backends that could do it exist, but all are down, cut off or draining. Wait for Retry-After."),
        row("job.cancelled", 409, "never", "caller", _UNSURE, "Cancelled",
            "You or an operator cancelled; cancel.answer says what the backend did."),
        row("job.deadline_exceeded", 504, "never", "gateway", _UNSURE, "Out of time",
            "The gateway's own deadline ran out; the work may still end at the backend."),
        row("backend.unavailable", 503, "same other", "backend", _NONE, "The backend cannot be reached",
            "Wait and send again, or let another backend take it."),
        row("backend.overloaded", 503, "same other", "backend", _NONE, "The backend is at its limit",
            "Wait and send again, or let another backend take it."),
        row("backend.credentials_rejected", 502, "other", "operator", _NONE, "The backend rejects our credentials",
            "Nothing for you to do: the operator is alerted."),
        row("backend.quota_exhausted", 502, "other", "operator", _NONE, "The backend's account is out of credit",
            "Nothing for you to do: the operator is alerted."),
        row("backend.misconfigured", 502, "other", "operator", _NONE, "The backend is not set up for this",
            "Nothing for you to do: the operator must mend the settings."),
        row("backend.rejected_request", 502, "other", "gateway", _NONE,
            "The backend refused what the gateway had checked",
            "This is the gateway's fault: quote the request id."),
        row("backend.timeout", 504, "same other", "backend", _UNSURE, "The backend took too long",
            "phase says where. After the picture was begun, the outcome is unknown: look before you pay again."),
        row("backend.failed", 502, "same other", "backend", _ENDED, "The backend failed",
            "It accepted the work and failed: send again."),
        row("backend.bad_response", 502, "same other", "backend", _UNSURE, "The backend's answer makes no sense",
            "Not JSON, an unknown state, done without a picture, or not a picture at all."),
        row("backend.job_lost", 502, "same other", "backend", _UNSURE, "The backend lost the job",
            "It restarted, or forgot work that it had accepted."),
        row("gateway.overloaded", 503, "same", "operator", _NONE, "The gateway is at its limit",
            "It sheds load or is stopping: wait for Retry-After."),
        row("gateway.internal", 500, "same", "gateway", _UNSURE, "The gateway failed",
            "A bug, or storage that fails (reason): quote the request id."),
    )  # fmt: skip


CATALOG: dict[ErrorCode, Row] = {row.code: row for row in _rows()}
