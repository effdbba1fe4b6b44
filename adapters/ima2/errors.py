"""Every complaint of ima2, on every route and build, in the catalogue's words (errors.md §3 and §8, wire §10 and §11).

Status and code disagree in ima2: a rate limit arrives as INVALID_REQUEST with 429, an exhausted quota as
AUTH_API_KEY_INVALID with 429. So rows look at the route, the status, the upstream code, the error class, the code and
the text, in that order, and never at the code alone where it lies.
"""

import re
from typing import Any

import msgspec

from adapters.kit.rules import CLIENT_ERRORS, Rule, Signal, Table, parse
from contracts.port import Verdict

_REFERENCE = "/inputs"
_MODERATION = "/policy/strictness"

TABLE = Table(
    # --- answers that are not JSON: Express's own pages, or a proxy's ---
    Rule(to="resource.not_found", shape=("html", "text"), status=(404,), route=r"^(GET|HEAD) /(generated|assets)/"),
    Rule(to="backend.bad_response", shape=("html", "text"), status=(404,), outcome="not_started"),
    Rule(to="request.too_large", shape=("html", "text"), status=(413,)),
    Rule(to="backend.overloaded", shape=("html", "text", "empty"), status=(429,)),
    Rule(to="backend.credentials_rejected", shape=("html", "text", "empty"), status=(401, 403)),
    Rule(to="backend.rejected_request", shape=("html", "text", "empty"), status=CLIENT_ERRORS),
    Rule(to="backend.unavailable", shape=("html", "text", "empty"), status=(502, 503, 504), outcome="unknown",
         reason="answer_lost"),
    Rule(to="backend.bad_response", shape=("html", "text", "empty"), reason="answer_lost"),
    # --- Grok, each phase by its own code (seed 000, wire §11) ---
    Rule(to="backend.timeout", code=("GROK_SEARCH_TIMEOUT",), phase="search", outcome="not_started"),
    Rule(to="backend.timeout", code=("GROK_PLANNER_TIMEOUT", "GROK_VIDEO_PLAN_TIMEOUT"), phase="planner",
         outcome="not_started"),
    Rule(to="backend.timeout", code=("GROK_IMAGE_TIMEOUT",), phase="image"),
    Rule(to="backend.timeout", code=("GROK_VIDEO_TIMEOUT",), phase="video"),
    Rule(to="backend.overloaded", code=("GROK_RATE_LIMITED",)),
    Rule(to="backend.credentials_rejected", code=("GROK_AUTH_FAILED", "GROK_AUTH_REQUIRED")),
    Rule(to="backend.misconfigured", code=("GROK_API_KEY_MISSING",)),
    Rule(to="backend.failed", code=("GROK_UPSTREAM_ERROR", "GROK_VIDEO_FAILED")),
    Rule(to="backend.unavailable", code=("GROK_NETWORK_FAILED",), outcome="unknown"),
    Rule(to="backend.bad_response", code=("GROK_IMAGE_DOWNLOAD_FAILED", "GROK_VIDEO_DOWNLOAD_FAILED"),
         phase="download"),
    Rule(to="backend.bad_response", code=("GROK_VIDEO_EMPTY_RESPONSE",)),
    Rule(to="backend.failed", code=("GROK_VIDEO_POLL_FAILED",), phase="poll", outcome="unknown"),
    Rule(to="policy.refused", code=("GROK_VIDEO_MODERATION_BLOCKED",), stage="unknown"),
    Rule(to="backend.credentials_rejected", code=("GROK_VIDEO_REQUEST_FAILED",), status=(403,)),
    Rule(to="backend.rejected_request", code=("GROK_VIDEO_REQUEST_FAILED",)),
    Rule(to="request.reference_too_many", code=("GROK_REF_TOO_MANY", "GROK_VIDEO_REF_TOO_MANY"), pointer=_REFERENCE,
         reason="range", refinements=("passed_our_validation",)),
    Rule(to="request.option_unsupported", code=("GROK_MASK_UNSUPPORTED",), pointer=_REFERENCE,
         refinements=("passed_our_validation",)),
    Rule(to="request.model_unknown", code=("INVALID_GROK_IMAGE_MODEL", "INVALID_GROK_VIDEO_MODEL"), pointer="/model",
         reason="enum", refinements=("passed_our_validation",)),
    Rule(to="request.option_unsupported", code=("GROK_VIDEO_INVALID_MODE",), pointer="/video/mode"),
    Rule(to="request.field_invalid", code=("INVALID_VIDEO_RESOLUTION",), pointer="/video/resolution", reason="enum"),
    Rule(to="request.field_invalid", code=("INVALID_VIDEO_ASPECT_RATIO",), pointer="/video/aspect_ratio",
         reason="enum"),
    Rule(to="request.field_invalid", code=("INVALID_VIDEO_DURATION",), pointer="/video/duration_s", reason="range"),
    Rule(to="backend.misconfigured", code=("VIDEO_PROVIDER_UNSUPPORTED",)),
    # --- what the upstream said, whatever ima2 made of it ---
    Rule(to="backend.overloaded", upstream=("rate_limit_exceeded", "rate_limit_error")),
    Rule(to="backend.quota_exhausted", upstream=("insufficient_quota", "billing_hard_limit_reached")),
    Rule(to="policy.refused", upstream=("moderation_blocked", "content_policy_violation"), stage="input"),
    Rule(to="backend.credentials_rejected", upstream=("token_expired", "invalid_api_key", "unverified_org")),
    Rule(to="request.model_unknown", upstream=("model_not_found",), pointer="/model", reason="enum"),
    # --- NEW's own class, where it gives one ---
    Rule(to="backend.credentials_rejected", error_class=("AUTH_INVALID", "AUTH_EXPIRED")),
    Rule(to="backend.quota_exhausted", error_class=("BILLING_REQUIRED",)),
    Rule(to="backend.overloaded", error_class=("RATE_LIMITED",)),
    Rule(to="policy.refused", error_class=("CONTENT_REJECTED",), stage="unknown"),
    Rule(to="request.option_unsupported", error_class=("CAPABILITY_UNSUPPORTED",)),
    Rule(to="request.model_incapable", error_class=("MODEL_UNAVAILABLE",), pointer="/model"),
    Rule(to="backend.timeout", error_class=("PROVIDER_TIMEOUT",), phase="image"),
    Rule(to="backend.unavailable", error_class=("NETWORK_FAILURE",), outcome="unknown"),
    Rule(to="backend.failed", error_class=("INTERNAL_STATE_ERROR",)),
    # --- access to the server itself ---
    Rule(to="backend.credentials_rejected", code=("LAN_TOKEN_REQUIRED",)),
    Rule(to="backend.misconfigured", code=("API_KEY_REQUIRED", "APIKEY_DISABLED", "STYLE_SHEET_NO_KEY")),
    Rule(to="backend.credentials_rejected", code=("AUTH_CHATGPT_EXPIRED",)),
    Rule(to="backend.quota_exhausted", code=("AUTH_API_KEY_INVALID",), status=(429,)),
    Rule(to="backend.quota_exhausted", code=("AUTH_API_KEY_INVALID",), text=r".*\bquota\b",
         example="You exceeded your current quota, please check your plan and billing details."),
    Rule(to="backend.credentials_rejected", code=("AUTH_API_KEY_INVALID", "invalid_api_key")),
    Rule(to="backend.overloaded", code=("TOO_MANY_JOBS", "SSE_CAPACITY", "rate_limit_exceeded")),
    # --- refusals ---
    Rule(to="policy.refused", code=("SAFETY_REFUSAL",), stage="unknown"),
    Rule(to="policy.refused", code=("MODERATION_REFUSED", "moderation_blocked"), stage="input"),
    # --- the upstream's status, kept by codes that say nothing themselves ---
    Rule(to="backend.overloaded", status=(429,), code=(
        "INVALID_REQUEST", "OAUTH_UPSTREAM_ERROR", "RESPONSES_IMAGE_ERROR", "UNKNOWN", "UPSTREAM_5XX")),
    Rule(to="backend.credentials_rejected", status=(401, 403), code=(
        "INVALID_REQUEST", "OAUTH_UPSTREAM_ERROR", "RESPONSES_IMAGE_ERROR", "UNKNOWN")),
    Rule(to="request.field_invalid", code=("INVALID_REQUEST",), status=(400,), param=True, reason="format"),
    Rule(to="backend.rejected_request", code=("INVALID_REQUEST",), status=CLIENT_ERRORS),
    Rule(to="backend.rejected_request", status=(400, 404, 413, 422), code=(
        "OAUTH_UPSTREAM_ERROR", "RESPONSES_IMAGE_ERROR")),
    # --- the network between ima2 and its upstream ---
    Rule(to="backend.timeout", code=("NETWORK_FAILED",), text=r".*ETIMEDOUT", phase="connect", outcome="not_started",
         example="fetch failed: connect ETIMEDOUT 1.2.3.4:443"),
    Rule(to="backend.unavailable", code=("NETWORK_FAILED",), text=r"^terminated|.*ECONNRESET", outcome="unknown",
         example="terminated"),
    # The registry keeps no text: the line may have been cut in the middle of a picture, which is billed then.
    Rule(to="backend.unavailable", code=("NETWORK_FAILED", "OAUTH_UNAVAILABLE"), text=r"^$", outcome="unknown",
         example=""),
    # TAG says it of every failed exchange with its upstream, also of one that was cut in the middle (wire §10.1).
    Rule(to="backend.unavailable", code=("OAUTH_UNAVAILABLE",), profile=("tag",), outcome="unknown"),
    Rule(to="backend.unavailable", code=("NETWORK_FAILED", "OAUTH_UNAVAILABLE")),
    # --- time ---
    Rule(to="backend.timeout", phase="image", code=(
        "RESPONSES_IMAGE_TIMEOUT", "OAUTH_IMAGE_TIMEOUT", "GENERATION_TIMEOUT")),
    Rule(to="backend.timeout", phase="image", code=("UNKNOWN",), status=(504,)),
    Rule(to="backend.job_lost", code=("JOB_TRACKING_TIMEOUT",)),
    # --- no picture came back: a technical limit, never policy (errors.md §7.4) ---
    Rule(to="backend.bad_response", outcome="finished_no_result", code=(
        "EMPTY_RESPONSE", "WEB_SEARCH_ONLY_RESPONSE", "IMAGE_TOOL_NOT_CALLED", "IMAGE_TOOL_FAILED",
        "IMAGE_TOOL_COMPLETED_WITHOUT_RESULT", "STREAM_PARSE_FAILED")),
    Rule(to="backend.bad_response", outcome="finished_no_result", code=("UNKNOWN",), status=(500,),
         text=r"^(Empty response|No image data received)", example="Empty response (safety refusal)"),
    Rule(to="backend.bad_response", outcome="finished_no_result", state=("empty",)),
    Rule(to="backend.bad_response", code=("UNKNOWN",), status=(500,),
         text=r"^(Unexpected (token|end)|Expected (property name|',' or))",
         example="Expected property name or '}' in JSON at position 1"),
    # --- what UNKNOWN also hides ---
    Rule(to="request.reference_invalid", code=("UNKNOWN",), status=(500,), pointer=_REFERENCE, reason="undecodable",
         text=r"^Input [Bb]uffer", example="Input buffer contains unsupported image format"),
    Rule(to="backend.rejected_request", code=("UNKNOWN",), status=(500,), text=r"^Cannot (destructure|read) propert",
         example="Cannot destructure property 'prompt' of 'req.body' as it is undefined."),
    Rule(to="backend.failed", code=("UNKNOWN",), status=(500,), text=r"^(fetch failed|terminated)", outcome="unknown",
         example="terminated", reason="connection_cut"),
    # Whatever else it is: it is no proof that nothing was made, and billed (wire §10.2).
    Rule(to="backend.failed", code=("UNKNOWN",), status=(500,), outcome="unknown"),
    # --- the upstream or ima2 failed ---
    Rule(to="backend.failed", code=(
        "UPSTREAM_5XX", "OAUTH_UPSTREAM_ERROR", "OAUTH_STREAM_ERROR", "RESPONSES_STREAM_ERROR",
        "RESPONSES_IMAGE_ERROR", "GENERATE_FAILED", "GENERATE_ALL_FAILED", "EDIT_FAILED", "NODE_GEN_FAILED",
        "NODE_FETCH_FAILED", "MULTIMODE_GENERATE_FAILED", "UNKNOWN", "DB_ERROR", "SYSTEM_TRASH_FAILED",
        "OPEN_GENERATED_DIR_FAILED", "STYLE_SHEET_ERROR", "SQLITE_CONSTRAINT_PRIMARYKEY", "upstream_error_failed")),
    Rule(to="backend.bad_response", code=("STYLE_SHEET_EMPTY", "STYLE_SHEET_PARSE", "STYLE_SHEET_SHAPE")),
    # --- what the caller set ---
    Rule(to="request.model_unknown", code=("INVALID_IMAGE_MODEL",), pointer="/model", reason="enum",
         refinements=("passed_our_validation",)),
    Rule(to="request.model_incapable", code=("IMAGE_MODEL_UNSUPPORTED",), pointer="/model",
         refinements=("passed_our_validation",)),
    Rule(to="request.field_invalid", code=("INVALID_MODERATION",), pointer=_MODERATION, reason="enum",
         refinements=("passed_our_validation",)),
    Rule(to="request.field_invalid", code=("INVALID_PROMPT", "PROMPT_REQUIRED"), pointer="/prompt", reason="missing",
         refinements=("passed_our_validation",)),
    Rule(to="request.field_invalid", code=("PROMPT_TOO_LONG",), pointer="/prompt", reason="too_long",
         refinements=("passed_our_validation",)),
    Rule(to="request.field_invalid", code=("INVALID_COUNT",), pointer="/n", reason="range",
         refinements=("passed_our_validation",)),
    Rule(to="request.field_invalid", code=("INVALID_REASONING_EFFORT",), pointer="/options/ima2/reasoning_effort",
         reason="enum", refinements=("passed_our_validation",)),
    Rule(to="request.option_unsupported", code=("CONTEXT_MODE_UNSUPPORTED",), pointer="/options/ima2/context_mode"),
    Rule(to="request.field_invalid", code=("REF_NOT_ARRAY",), pointer=_REFERENCE, reason="type",
         refinements=("passed_our_validation",)),
    Rule(to="request.reference_too_many", code=("REF_TOO_MANY",), pointer=_REFERENCE, reason="range",
         refinements=("passed_our_validation",)),
    Rule(to="request.reference_invalid", code=("REF_NOT_STRING",), pointer=_REFERENCE, reason="type",
         refinements=("passed_our_validation",)),
    Rule(to="request.reference_invalid", code=("REF_EMPTY",), pointer=_REFERENCE, reason="empty",
         refinements=("passed_our_validation",)),
    Rule(to="request.reference_invalid", code=("REF_NOT_BASE64",), pointer=_REFERENCE, reason="not_base64",
         refinements=("passed_our_validation",)),
    Rule(to="request.too_large", code=(
        "REF_TOO_LARGE", "EDIT_MASK_TOO_LARGE", "IMAGE_METADATA_TOO_LARGE", "GRAPH_TOO_LARGE", "payload_too_large")),
    Rule(to="request.field_invalid", code=("INVALID_EDIT_INPUT",), pointer=_REFERENCE, reason="type"),
    Rule(to="request.option_unsupported", code=("EDIT_MASK_NOT_SUPPORTED",), pointer=_REFERENCE),
    Rule(to="request.reference_invalid", code=("EDIT_MASK_NO_ALPHA",), pointer=_REFERENCE, reason="no_alpha"),
    Rule(to="request.reference_invalid", code=("EDIT_MASK_DIMENSION_MISMATCH",), pointer=_REFERENCE,
         reason="dimensions"),
    Rule(to="request.reference_invalid", pointer=_REFERENCE, reason="not_base64", code=(
        "INVALID_EDIT_MASK_BASE64", "INVALID_EDIT_IMAGE_BASE64")),
    Rule(to="request.reference_invalid", pointer=_REFERENCE, reason="media_type", code=(
        "INVALID_EDIT_MASK", "INVALID_EDIT_MASK_PNG", "INVALID_EDIT_IMAGE_PNG", "INVALID_PNG", "invalid_image")),
    Rule(to="request.reference_invalid", code=("NODE_SOURCE_INVALID",), pointer=_REFERENCE, reason="url_forbidden"),
    Rule(to="request.field_invalid", reason="format", code=(
        "INVALID_GRAPH", "INVALID_GRAPH_VERSION", "INVALID_TITLE", "INVALID_FILENAME", "INVALID_SHEET",
        "INVALID_ENABLED", "STYLE_SHEET_BAD_INPUT", "AGENT_PROMPT_REQUIRED", "IDEMPOTENCY_KEY_INVALID")),
    # --- things by id ---
    Rule(to="resource.not_found", refinements=("ours_by_id",), code=(
        "NODE_NOT_FOUND", "SESSION_NOT_FOUND", "ASSET_NOT_FOUND", "IMAGE_METADATA_NOT_FOUND",
        "AGENT_SESSION_NOT_FOUND", "AGENT_QUEUE_ITEM_NOT_FOUND", "AGENT_IMAGE_NOT_FOUND")),
    Rule(to="resource.precondition_failed", code=("GRAPH_VERSION_REQUIRED", "GRAPH_VERSION_CONFLICT")),
    Rule(to="resource.state_conflict", code=(
        "GRAPH_PARENT_CONFLICT", "AGENT_QUEUE_CANCEL_FAILED", "AGENT_QUEUE_RETRY_FAILED")),
    Rule(to="idempotency.conflict", code=("IDEMPOTENCY_KEY_CONFLICT",), refinements=("passed_our_validation",)),
    Rule(to="resource.state_conflict", code=("REQUEST_ID_IN_USE",), reason="ours_already",
         refinements=("ours_by_id",)),
    Rule(to="backend.failed", code=("GENERATION_CANCELED",), reason="canceled_unasked",
         refinements=("we_asked_to_cancel",)),
    Rule(to="backend.failed", state=("canceled", "cancelled"), reason="canceled_unasked",
         refinements=("we_asked_to_cancel",)),
    # --- the prompt builder ---
    Rule(to="backend.unavailable", code=(
        "PROMPT_BUILDER_NO_BACKEND_READY", "PROMPT_BUILDER_OAUTH_UNAVAILABLE", "PROMPT_BUILDER_GROK_UNAVAILABLE"),
        outcome="not_started"),
    Rule(to="backend.misconfigured", code=("PROMPT_BUILDER_API_KEY_REQUIRED", "PROMPT_BUILDER_XAI_KEY_REQUIRED")),
    Rule(to="backend.failed", code=("PROMPT_BUILDER_UPSTREAM_FAILED", "PROMPT_BUILDER_EMPTY_RESPONSE")),
    Rule(to="backend.timeout", code=("PROMPT_BUILDER_TIMEOUT",), phase="planner"),
    Rule(to="request.field_invalid", code=("PROMPT_BUILDER_EMPTY_MESSAGE",), pointer="/prompt", reason="missing",
         refinements=("passed_our_validation",)),
    Rule(to="backend.rejected_request", code=(
        "PROMPT_BUILDER_BAD_MODEL", "PROMPT_BUILDER_BAD_MESSAGES", "PROMPT_BUILDER_BAD_BACKEND")),
    # --- the proxies under ima2 (progrok and the OAuth proxy): {error: {message, type}} ---
    Rule(to="backend.unavailable", code=("upstream_error",), status=(502,)),
    Rule(to="backend.credentials_rejected", code=("auth_error", "authentication_error", "permission_error")),
    Rule(to="backend.overloaded", code=("rate_limit_error",)),
    Rule(to="resource.expired", state=("expired",)),
    Rule(to="backend.failed", state=("failed",)),
    # --- bare texts: generate, edit and history send no code for these ---
    Rule(to="request.field_invalid", status=(400,), text=r"^Prompt (is required|and image are required)",
         example="Prompt is required", pointer="/prompt", reason="missing", refinements=("passed_our_validation",)),
    Rule(to="request.field_invalid", status=(400,), text=r"^moderation must be one of", pointer=_MODERATION,
         reason="enum", example="moderation must be one of: auto, low", refinements=("passed_our_validation",)),
    Rule(to="request.field_invalid", status=(400,), text=r"^(invalid trashId|trashId required)", reason="format",
         example="invalid trashId"),
    Rule(to="resource.expired", status=(500,), route=r"^POST /api/history/[^/]+/restore", text=r"^ENOENT",
         example="ENOENT: no such file or directory, rename"),
    Rule(to="request.field_invalid", status=(500,), text=r"^URI malformed", reason="format", example="URI malformed"),
    Rule(to="backend.failed", status=(500,), text=r"^All generation.* failed",
         example="All generation attempts failed"),
)  # fmt: skip

#: Reference pictures named by position in a native text: `references[2] is not valid base64`.
_POSITION = re.compile(r"^references\[(\d+)\]")
#: Native fields in the contract's words.
_PARAMS = {
    "size": "/size",
    "quality": "/effort",
    "model": "/model",
    "prompt": "/prompt",
    "input": "/prompt",
    "moderation": _MODERATION,
    "n": "/n",
    "output_format": "/output/format",
}


def read(route: str | None, status: int, body: bytes, media_type: str | None = None) -> Signal | None:
    """Reduce an answer (or the data of an SSE `error` frame) to its signal; None if it is no error."""
    shape, parsed = parse(body, media_type)
    if isinstance(parsed, dict):
        return read_json(route, status, parsed)
    if status < 400 and shape != "html":
        return None
    return Signal(route=route, status=status, shape="text" if shape == "json" else shape)


def read_json(route: str | None, status: int, body: dict[str, Any]) -> Signal | None:
    """Reduce a parsed answer to its signal: all eight envelopes of wire §1 are read by one rule."""
    error = body.get("error")
    inner = error if isinstance(error, dict) else {}
    inside = body.get("status")
    if isinstance(inside, int):
        status = inside
    state = inside if isinstance(inside, str) else None
    code = inner.get("code") or body.get("code") or body.get("errorCode") or inner.get("type")
    if body.get("errorCode") and isinstance(body.get("httpStatus"), int):
        status = body["httpStatus"]
    failed = error is not None or body.get("errorCode") is not None
    if not failed and status < 400 and state not in ("empty", "failed", "expired", "canceled", "error"):
        return None
    text = inner.get("message") if inner else error
    return Signal(
        route=route,
        status=status,
        code=_word(code),
        upstream=_word(body.get("upstreamCode") or inner.get("upstreamCode")),
        error_class=_word(body.get("errorClass") or inner.get("errorClass")),
        param=_word(body.get("upstreamParam") or inner.get("upstreamParam") or inner.get("param")),
        text=text if isinstance(text, str) else "",
        state=state,
    )


def explain(
    route: str | None, status: int, body: bytes, media_type: str | None = None, *, profile: str | None = None
) -> Verdict | None:
    """Return what an answer means, by the table alone; None if it is no error. `profile` is the build that gave it."""
    signal = read(route, status, body, media_type)
    return None if signal is None else classify(msgspec.structs.replace(signal, profile=profile))


def classify(signal: Signal) -> Verdict:
    """Return what a signal means, pointing at the very field where the native text names it."""
    verdict = TABLE.classify(signal)
    pointer = verdict.pointer
    position = _POSITION.match(signal.text)
    if position is not None and pointer == _REFERENCE:
        pointer = f"{_REFERENCE}/{position.group(1)}"
    elif verdict.code == "request.field_invalid" and pointer is None and signal.param is not None:
        pointer = _PARAMS.get(signal.param.rpartition(".")[2])
    return verdict if pointer == verdict.pointer else msgspec.structs.replace(verdict, pointer=pointer)


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
