"""One problem of every code, whole as clients receive it: for the OpenAPI document, and for the page of each code."""

from typing import Any

from contracts.catalog import CatalogError, Fault, Native, Problem, Rejection
from contracts.codes import CATALOG, ErrorCode
from gateway.v1.words import ENDING

REQUEST_ID = "req_01KA3V8M6Q9Z4T7X2B5N8C1D3F"
JOB_ID = "job_01KA3V8M6Q9Z4T7X2B5N8C1D3F"
_SEED = Fault(pointer="/seed", reason="unsupported", detail="takes no seed: the picture cannot be made again")
_MASK = Fault(
    pointer="/inputs/1", reason="no_alpha", detail="the mask has no alpha channel: alpha 0 marks what is to be edited"
)

#: For each code a sentence as the gateway says it, and the facts that come with it.
_SAID: dict[ErrorCode, tuple[str, dict[str, Any]]] = {
    "request.malformed": ("The body is not JSON.", {}),
    "request.field_invalid": (
        "must be at most 64",
        {"errors": (Fault(pointer="/n", reason="range", detail="must be at most 64", limit=64),)},
    ),
    "request.option_unsupported": (
        "/seed: takes no seed: the picture cannot be made again",
        {
            "errors": (_SEED,),
            "candidates": (
                Rejection(
                    backend="imgen",
                    model="imgen/eros",
                    account="default",
                    code="request.option_unsupported",
                    reasons=(_SEED,),
                ),
            ),
            "supported_by": ("studio/z-image-turbo",),
        },
    ),
    "request.model_unknown": (
        "There is no model 'studio/z-image'.",
        {
            "errors": (
                Fault(pointer="/model", reason="enum", detail="no such model", allowed=("studio/z-image-turbo",)),
            ),
            "available": ("studio/z-image-turbo",),
        },
    ),
    "request.model_incapable": (
        "studio/z-image-turbo cannot do video.generate.",
        {
            "errors": (Fault(pointer="/model", reason="unsupported", detail="cannot do video.generate"),),
            "capable": ("ima2/grok-imagine-video",),
        },
    ),
    "request.reference_invalid": (f"{_MASK.pointer}: {_MASK.detail}", {"errors": (_MASK,)}),
    "request.reference_too_many": (
        "/inputs: takes at most 5 references",
        {
            "errors": (Fault(pointer="/inputs", reason="range", detail="takes at most 5 references", limit=5),),
            "limit": 5,
            "limits_by_backend": {"ima2": 5},
        },
    ),
    "request.too_large": ("A body may have at most 16777216 bytes.", {"limit": 16_777_216}),
    "auth.unauthenticated": ("This key is not known here.", {"reason": "unknown"}),
    "auth.forbidden": ("This key lacks the scope jobs:write.", {"reason": "jobs:write"}),
    "quota.rate_limited": (
        "Your team has as many jobs waiting as it may.",
        {"retry_after_s": 15, "limit": 1000, "limit_name": "requests"},
    ),
    "quota.budget_exhausted": (
        "The budget of your team is used up.",
        {"limit_name": "budget", "resets_at": "2026-12-01T00:00:00Z"},
    ),
    "policy.refused": ("The backend refused the prompt.", {"backend": "ima2", "stage": "input", "job_id": JOB_ID}),
    "policy.output_blocked": (
        "A reviewer withholds the picture.",
        {"backend": "imgen", "categories": ("violence",), "job_id": JOB_ID, "phase": "review"},
    ),
    "resource.not_found": ("There is no such job.", {}),
    "resource.expired": ("This job is past its retention.", {}),
    "resource.state_conflict": ("The job has succeeded already.", {"job_id": JOB_ID}),
    "resource.precondition_failed": ("The version is not the newest one.", {"current_version": "8"}),
    "resource.cache_miss": ("Nothing in the cache matches.", {"backend": "imgen", "job_id": JOB_ID}),
    "idempotency.conflict": ("This Idempotency-Key made a job of another body.", {"job_id": JOB_ID}),
    "routing.no_candidate": ("All backends that could do this are down.", {"retry_after_s": 15}),
    "job.cancelled": ("The job was cancelled.", {"job_id": JOB_ID}),
    "job.deadline_exceeded": ("The job did not end within its deadline.", {"job_id": JOB_ID, "backend": "studio"}),
    "backend.unavailable": (
        "The backend cannot be reached.",
        {"backend": "studio", "phase": "connect", "job_id": JOB_ID},
    ),
    "backend.overloaded": (
        "The backend is at its limit.",
        {"backend": "ima2", "job_id": JOB_ID, "native": Native(http_status=429, code="INVALID_REQUEST")},
    ),
    "backend.credentials_rejected": (
        "The backend rejects the gateway's credentials.",
        {"backend": "ima2", "job_id": JOB_ID, "native": Native(http_status=401, code="AUTH_CHATGPT_EXPIRED")},
    ),
    "backend.quota_exhausted": (
        "The backend's account is out of credit.",
        {"backend": "ima2", "job_id": JOB_ID, "native": Native(http_status=429, code="AUTH_API_KEY_INVALID")},
    ),
    "backend.misconfigured": (
        "The backend is not set up for this.",
        {"backend": "ima2", "job_id": JOB_ID, "native": Native(http_status=401, code="API_KEY_REQUIRED")},
    ),
    "backend.rejected_request": (
        "The backend refused what the gateway had checked.",
        {"backend": "studio", "job_id": JOB_ID, "native": Native(http_status=400)},
    ),
    "backend.timeout": (
        "The backend took too long.",
        {"backend": "ima2", "phase": "image", "job_id": JOB_ID, "native": Native(http_status=504, code="UNKNOWN")},
    ),
    "backend.failed": (
        "The backend failed.",
        {"backend": "studio", "phase": "image", "job_id": JOB_ID, "native": Native(http_status=500)},
    ),
    "backend.bad_response": ("The backend's answer makes no sense.", {"backend": "imgen", "job_id": JOB_ID}),
    "backend.job_lost": (
        "The backend knows the job no more.",
        {"backend": "studio", "phase": "poll", "job_id": JOB_ID},
    ),
    "gateway.overloaded": ("The gateway is stopping.", {"retry_after_s": 5}),
    "gateway.internal": ("Something failed inside the gateway.", {"reason": "bug"}),
}


def problem(code: ErrorCode, *, answered: bool = True) -> Problem:
    """Return an example of a code; `answered`: to a request, which it then names. In a job it names that job."""
    detail, facts = _SAID[code]
    if answered and CATALOG[code].group in ENDING:
        facts = {name: value for name, value in facts.items() if name != "job_id"}
    return CatalogError(code, detail, **facts).problem(instance=REQUEST_ID if answered else None)


#: How each code looks as the answer to a request.
PROBLEMS: dict[ErrorCode, Problem] = {code: problem(code) for code in CATALOG}
