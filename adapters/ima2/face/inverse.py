"""The catalogue in ima2's words: `adapters.ima2.errors` read backwards, by route and build (errors.md §3, wire §10).

Whoever reads these answers with the adapter's own table finds the code again; where ima2 has no word for a code, the
nearest one of the same blame and the same advice stands for it.
"""

from msgspec import structs

from adapters.ima2.face.failure import Failure
from adapters.ima2.face.profile import Profile, Route
from contracts.catalog import Fault, Problem
from contracts.codes import ErrorCode

_LIMITED = "OpenAI rate limited the image request."
_PARAMETERS = "The image request was rejected because one or more parameters are invalid."
_NO_IMAGE = "No image data returned from the image tool."
_KEY = "API key is invalid or unavailable."
_EXPIRED = "The account behind this server must be signed in again."
_OAUTH = "OAuth proxy is unavailable"
_CUT = "terminated"
#: Generate and node: the server's own retry has classed them (wire §10.1).
_CLASSED: dict[ErrorCode, tuple[int, str, str]] = {
    "policy.refused": (422, "SAFETY_REFUSAL", "Content generation refused after retries"),
    "policy.output_blocked": (422, "SAFETY_REFUSAL", "Content generation refused after retries"),
    "backend.unavailable": (503, "NETWORK_FAILED", "fetch failed"),
    "backend.overloaded": (429, "INVALID_REQUEST", _LIMITED),
    "backend.credentials_rejected": (401, "AUTH_CHATGPT_EXPIRED", _EXPIRED),
    "backend.quota_exhausted": (429, "AUTH_API_KEY_INVALID", _KEY),
    "backend.misconfigured": (401, "API_KEY_REQUIRED", "OPENAI_API_KEY is not configured"),
    "backend.rejected_request": (400, "INVALID_REQUEST", _PARAMETERS),
    "backend.timeout": (504, "UNKNOWN", "Responses image generation timed out"),
    "backend.failed": (500, "UPSTREAM_5XX", "The image backend failed"),
    "backend.bad_response": (422, "EMPTY_RESPONSE", _NO_IMAGE),
    "backend.job_lost": (504, "JOB_TRACKING_TIMEOUT", "The job was lost sight of"),
    "job.cancelled": (499, "GENERATION_CANCELED", "Generation canceled"),
    "job.deadline_exceeded": (504, "UNKNOWN", "Responses image generation timed out"),
    "routing.no_candidate": (503, "OAUTH_UNAVAILABLE", _OAUTH),
    "gateway.overloaded": (503, "OAUTH_UNAVAILABLE", "The server is busy or stopping; try again"),
    "gateway.internal": (500, "UNKNOWN", "Internal server error"),
    "quota.rate_limited": (429, "TOO_MANY_JOBS", "Too many active jobs"),
    "quota.budget_exhausted": (429, "AUTH_API_KEY_INVALID", "The budget of this key is spent"),
    "auth.unauthenticated": (401, "LAN_TOKEN_REQUIRED", "This server needs a token: send x-ima2-token"),
    "auth.forbidden": (403, "AUTH_API_KEY_INVALID", "This key may not do that"),
    "idempotency.conflict": (
        409, "IDEMPOTENCY_KEY_CONFLICT", "Idempotency-Key was already used with a different request"),
    "resource.state_conflict": (409, "REQUEST_ID_IN_USE", "A job with this requestId is already active"),
    "request.model_unknown": (400, "INVALID_IMAGE_MODEL", "There is no such image model here"),
    "request.model_incapable": (400, "IMAGE_MODEL_UNSUPPORTED", "This model does not make images here"),
    "request.reference_too_many": (400, "REF_TOO_MANY", "There are more references than the model takes"),
}  # fmt: skip
#: Edit and multimode: as the upstream said it.
_RAW: dict[ErrorCode, tuple[int, str, str]] = {
    **_CLASSED,
    "policy.refused": (400, "MODERATION_REFUSED", "The request was refused by moderation"),
    "policy.output_blocked": (400, "MODERATION_REFUSED", "The request was refused by moderation"),
    "backend.unavailable": (503, "OAUTH_UNAVAILABLE", _OAUTH),
    "backend.overloaded": (429, "RESPONSES_IMAGE_ERROR", _LIMITED),
    "backend.timeout": (504, "RESPONSES_IMAGE_TIMEOUT", "Responses image generation timed out"),
    "job.deadline_exceeded": (504, "RESPONSES_IMAGE_TIMEOUT", "Responses image generation timed out"),
    "backend.failed": (500, "RESPONSES_IMAGE_ERROR", "The image backend failed"),
    "backend.bad_response": (500, "EMPTY_RESPONSE", _NO_IMAGE),
}
_VIDEO: dict[ErrorCode, tuple[int, str, str]] = {
    **_CLASSED,
    "policy.refused": (502, "GROK_VIDEO_MODERATION_BLOCKED", "The video was blocked by moderation"),
    "policy.output_blocked": (502, "GROK_VIDEO_MODERATION_BLOCKED", "The video was blocked by moderation"),
    "backend.timeout": (504, "GROK_VIDEO_TIMEOUT", "Video generation timed out"),
    "job.deadline_exceeded": (504, "GROK_VIDEO_TIMEOUT", "Video generation timed out"),
    "backend.failed": (502, "GROK_VIDEO_FAILED", "Video generation failed"),
    "backend.bad_response": (502, "GROK_VIDEO_EMPTY_RESPONSE", "No video came back"),
    "backend.rejected_request": (400, "GROK_VIDEO_REQUEST_FAILED", "The video request was rejected"),
    "request.model_unknown": (400, "INVALID_GROK_VIDEO_MODEL", "There is no such video model here"),
    "request.model_incapable": (400, "VIDEO_PROVIDER_UNSUPPORTED", "No backend here makes this video"),
    "request.reference_too_many": (400, "GROK_VIDEO_REF_TOO_MANY", "There are too many reference images"),
}
#: What an account of Grok says of itself (seed 000).
_GROK: dict[ErrorCode, tuple[int, str, str]] = {
    "backend.credentials_rejected": (502, "GROK_AUTH_FAILED", "xAI rejected the account"),
    "backend.overloaded": (429, "GROK_RATE_LIMITED", "xAI rate limited the request"),
    "request.reference_too_many": (400, "GROK_REF_TOO_MANY", "Grok image editing supports up to 3 reference images"),
}
_GROK_TIMEOUTS = {"search": "GROK_SEARCH_TIMEOUT", "planner": "GROK_PLANNER_TIMEOUT", "image": "GROK_IMAGE_TIMEOUT"}
#: TAG passes what its upstream said through a code of its own.
_TAG = {"RESPONSES_IMAGE_ERROR": "OAUTH_UPSTREAM_ERROR", "UPSTREAM_5XX": "OAUTH_UPSTREAM_ERROR",
        "NETWORK_FAILED": "OAUTH_UNAVAILABLE"}  # fmt: skip
_TABLES: dict[Route, dict[ErrorCode, tuple[int, str, str]]] = {
    "generate": _CLASSED, "node": _CLASSED, "edit": _RAW, "multimode": _RAW, "video": _VIDEO, "other": _CLASSED,
}  # fmt: skip
#: NEW's classes, only where they say as much as the code does (wire §11).
_CLASSES: dict[ErrorCode, str] = {
    "policy.refused": "CONTENT_REJECTED",
    "policy.output_blocked": "CONTENT_REJECTED",
    "backend.credentials_rejected": "AUTH_EXPIRED",
    "backend.quota_exhausted": "BILLING_REQUIRED",
    "backend.overloaded": "RATE_LIMITED",
    "backend.timeout": "PROVIDER_TIMEOUT",
}
#: Fields of the contract, and what ima2 says of them: code (None: as its upstream would), and their native names.
_FIELDS: tuple[tuple[str, str | None, str], ...] = (
    ("/prompt", "INVALID_PROMPT", "prompt"),
    ("/policy/strictness", "INVALID_MODERATION", "moderation"),
    ("/n", "INVALID_COUNT", "n"),
    ("/model", "INVALID_IMAGE_MODEL", "model"),
    ("/options/ima2/reasoning_effort", "INVALID_REASONING_EFFORT", "reasoningEffort"),
    ("/options/ima2", None, "mode"),
    ("/video/resolution", "INVALID_VIDEO_RESOLUTION", "resolution"),
    ("/video/aspect_ratio", "INVALID_VIDEO_ASPECT_RATIO", "aspectRatio"),
    ("/video/duration_s", "INVALID_VIDEO_DURATION", "duration"),
    ("/video", "GROK_VIDEO_INVALID_MODE", "mode"),
    ("/operation", "IMAGE_MODEL_UNSUPPORTED", "model"),
    ("/size", None, "size"),
    ("/effort", None, "quality"),
    ("/output/format", None, "output_format"),
    ("/optimize_prompt", None, "mode"),
    ("/route", None, "provider"),
)
_VIDEO_FIELDS = {
    "/operation": "VIDEO_PROVIDER_UNSUPPORTED",
    "/route": "VIDEO_PROVIDER_UNSUPPORTED",
    "/model": "INVALID_GROK_VIDEO_MODEL",
}
#: What the upstream calls it, where it always does (recorded).
_UPSTREAM: dict[ErrorCode, tuple[str, str]] = {
    "backend.overloaded": ("rate_limit_exceeded", "requests"),
    "backend.quota_exhausted": ("insufficient_quota", "insufficient_quota"),
}
_REFUSALS = ("policy.refused", "policy.output_blocked")
_REFERENCE_CODES = {"not_base64": "REF_NOT_BASE64", "empty": "REF_EMPTY", "type": "REF_NOT_STRING"}


def failure(problem: Problem, route: Route, profile: Profile, account: str | None = None) -> Failure:
    """Say a problem in ima2's words."""
    found = _of_request(problem, route) or _of_work(problem, route, account)
    if profile.is_tag and problem.code == "backend.overloaded" and found.code == "INVALID_REQUEST":
        found = structs.replace(found, code="OAUTH_UPSTREAM_ERROR")
    if profile.is_tag and found.message == _CUT:
        found = structs.replace(found, status=500, code="UNKNOWN")
    elif profile.is_tag and found.code in _TAG:
        message = _OAUTH if found.code == "NETWORK_FAILED" else found.message
        found = structs.replace(found, code=_TAG[found.code], message=message)
    if profile.is_new and not found.checked:
        found = structs.replace(found, error_class=_CLASSES.get(problem.code))
    return structs.replace(found, catalogue=problem.code, retry_after_s=problem.retry_after_s)


def _of_work(problem: Problem, route: Route, account: str | None) -> Failure:
    code = problem.code
    status, word, message = _TABLES[route].get(code) or (500, "UNKNOWN", problem.detail)
    if account == "grok" and code in _GROK:
        status, word, message = _GROK[code]
    if account == "grok" and code == "backend.timeout" and route != "video":
        word = _GROK_TIMEOUTS.get(problem.phase or "image", "GROK_IMAGE_TIMEOUT")
    if account == "api" and code == "backend.credentials_rejected":
        word, message = "AUTH_API_KEY_INVALID", _KEY
    if code == "backend.unavailable" and problem.native is not None and problem.native.code == "OAUTH_UNAVAILABLE":
        word, message = "OAUTH_UNAVAILABLE", _OAUTH
    if problem.outcome == "unknown":
        status, word, message = _in_doubt(code, route) or (status, word, message)
    before = problem.blame == "caller" and code not in _REFUSALS
    upstream_code, upstream_type = _UPSTREAM.get(code, (None, None)) if account != "grok" else (None, None)
    return Failure(
        status=status,
        code=word,
        # What the caller did is told in our words, which name it; what happened behind us in ima2's fixed ones.
        message=problem.detail if before or code == "gateway.overloaded" else message,
        upstream_code=upstream_code,
        upstream_type=upstream_type,
        checked=before,
    )


def _in_doubt(code: ErrorCode, route: Route) -> tuple[int, str, str] | None:
    """Say of work that may have been done what ima2 says of it: whoever reads it must not take it for free."""
    match code:
        case "backend.unavailable" if route in ("edit", "multimode"):
            return 500, "UNKNOWN", _CUT
        case "backend.unavailable":
            return 503, "NETWORK_FAILED", _CUT
        case "backend.failed" if route == "video":
            return 502, "GROK_VIDEO_POLL_FAILED", "The work was lost sight of"
        case "backend.failed":
            return 500, "UNKNOWN", _CUT
        case "backend.bad_response" if route != "video":
            return 500, "UNKNOWN", "Unexpected end of JSON input"
        case _:
            return None


def _of_request(problem: Problem, route: Route) -> Failure | None:
    """Say what is wrong with the request itself, by the field that is named."""
    fault = problem.errors[0] if problem.errors else None
    if problem.code in ("resource.not_found", "resource.expired"):
        return Failure(status=404, code="NODE_NOT_FOUND" if route == "node" else "ASSET_NOT_FOUND",
                       message="Node metadata missing" if route == "node" else "Asset not found",
                       checked=True)  # fmt: skip
    if problem.code == "request.too_large":
        return Failure(status=400, code="REF_TOO_LARGE", message=problem.detail, checked=True)
    if problem.code == "request.reference_invalid":
        return _bad_picture(problem, fault, route)
    if problem.code not in ("request.field_invalid", "request.option_unsupported", "request.malformed"):
        return None
    if fault is None:
        return Failure(status=400, code="INVALID_REQUEST", message=problem.detail, checked=True)
    return _bad_field(fault, route)


def _bad_picture(problem: Problem, fault: Fault | None, route: Route) -> Failure:
    code = _REFERENCE_CODES.get(fault.reason if fault is not None else "", "INVALID_REQUEST")
    what = "image" if route == "edit" else "references"
    message = f"{what}: {fault.detail}" if fault is not None else problem.detail
    return Failure(status=400, code=code, message=message, checked=True)


def _bad_field(fault: Fault, route: Route) -> Failure:
    if fault.pointer.startswith("/inputs"):
        return _unwanted_picture(fault, route)
    for pointer, word, name in _FIELDS:
        if fault.pointer.startswith(pointer):
            message = f"{name}: {fault.detail}"
            code = _VIDEO_FIELDS.get(pointer, word) if route == "video" else word
            if code is None:
                return Failure(status=400, code="INVALID_REQUEST", message=message, upstream_code="invalid_value",
                               upstream_type="invalid_request_error", upstream_param=name)  # fmt: skip
            # Generate and edit say this one without a code (wire §12.12).
            bare = code == "INVALID_MODERATION" and route in ("generate", "edit")
            return Failure(status=400, code=code, message=message, bare=bare, checked=True)
    return Failure(status=400, code="INVALID_REQUEST", message=f"{fault.pointer}: {fault.detail}", checked=True)


def _unwanted_picture(fault: Fault, route: Route) -> Failure:
    """Say that nobody takes such a picture in this operation: a mask, or a reference where there may be none."""
    if "mask" in fault.detail:
        message = "Masked edit is not supported by the image backends here"
        return Failure(status=400, code="EDIT_MASK_NOT_SUPPORTED", message=message, checked=True)
    code = "GROK_VIDEO_INVALID_MODE" if route == "video" else "REF_TOO_MANY"
    return Failure(status=400, code=code, message=f"references: {fault.detail}", checked=True)
