"""Every native code by its own name: status, when it comes, and what the server says with it (wire §10.2, §11, seeds).

A token with such a name forces it wherever it stands; an argument changes the status, as in `[[UNKNOWN:504]]`.
"""

from typing import Literal

from msgspec import Struct, structs

from adapters.ima2.sandbox.failure import Failure, Route
from adapters.ima2.sandbox.profile import Profile
from adapters.kit.scenario import Forced

#: When: found by a check before the job begins, or while the work is under way.
Moment = Literal["check", "work"]


class Code(Struct, frozen=True):
    """One native code."""

    status: int
    moment: Moment
    message: str
    error_class: str | None = None


def _checks(status: int, **messages: str) -> dict[str, Code]:
    return {name: Code(status, "check", message) for name, message in messages.items()}


def _works(status: int, error_class: str | None = None, **messages: str) -> dict[str, Code]:
    return {name: Code(status, "work", message, error_class) for name, message in messages.items()}


CODES: dict[str, Code] = {
    **_checks(
        400,
        INVALID_PROMPT="Prompt is required",
        PROMPT_REQUIRED="Prompt is required",
        PROMPT_TOO_LONG="Prompt must be at most 32000 characters",
        INVALID_COUNT="n must be an integer between 1 and 8",
        INVALID_MODERATION="moderation must be one of: auto, low",
        INVALID_IMAGE_MODEL="model must be one of: gpt-5.5, gpt-5.4, gpt-5.4-mini",
        IMAGE_MODEL_UNSUPPORTED="model is listed by OAuth but does not support image_generation: gpt-5.3-codex-spark",
        INVALID_REASONING_EFFORT="reasoningEffort must be one of: none, low, medium, high, xhigh",
        CONTEXT_MODE_UNSUPPORTED="Ancestry context is not supported yet.",
        REF_NOT_ARRAY="references must be an array",
        REF_TOO_MANY="references may not exceed 5 items",
        REF_NOT_STRING="references[0] must be a string",
        REF_EMPTY="references[0] is empty",
        REF_TOO_LARGE="references[0] exceeds 7340032 bytes",
        REF_NOT_BASE64="references[0] is not valid base64",
        INVALID_EDIT_INPUT="Prompt and image are required",
        INVALID_EDIT_MASK="mask must be a PNG data URL or base64 string",
        INVALID_EDIT_MASK_BASE64="image must be valid base64",
        INVALID_EDIT_MASK_PNG="image must be a PNG image",
        INVALID_EDIT_IMAGE_BASE64="image must be valid base64",
        INVALID_EDIT_IMAGE_PNG="image must be a PNG image",
        EDIT_MASK_TOO_LARGE="mask is too large",
        EDIT_MASK_NO_ALPHA="mask PNG must include an alpha channel",
        EDIT_MASK_DIMENSION_MISMATCH="mask dimensions must match image dimensions",
        EDIT_MASK_NOT_SUPPORTED="Masked edit is not supported by the current OAuth image provider",
        NODE_SOURCE_INVALID="Asset path escapes generated/: ../x.png",
        GROK_REF_TOO_MANY="Grok image editing supports up to 3 reference images",
        GROK_MASK_UNSUPPORTED="Grok image editing does not support masks",
        INVALID_GROK_IMAGE_MODEL="Grok image model must be one of: grok-imagine-image, grok-imagine-image-quality",
        VIDEO_PROVIDER_UNSUPPORTED="video generation requires provider 'grok' or 'grok-api'",
        INVALID_GROK_VIDEO_MODEL="Grok video model must be one of: grok-imagine-video, grok-imagine-video-1.5-preview",
        INVALID_VIDEO_RESOLUTION="resolution must be one of: 480p, 720p, 1080p",
        INVALID_VIDEO_ASPECT_RATIO="aspectRatio must be one of: 1:1, 16:9, 9:16, 4:3, 3:4, 3:2, 2:3, auto",
        INVALID_VIDEO_DURATION="duration must be an integer between 1 and 15 seconds",
        GROK_VIDEO_REF_TOO_MANY="at most 7 reference images",
        GROK_VIDEO_INVALID_MODE="invalid reference image",
        IDEMPOTENCY_KEY_INVALID="Idempotency-Key must be 1 to 255 printable characters",
        INVALID_FILENAME="filename escapes generated/",
        INVALID_TITLE="Title required",
        INVALID_GRAPH="nodes and edges arrays required",
        INVALID_GRAPH_VERSION="If-Match must be a finite integer",
        INVALID_SHEET="styleSheet must be an object or null",
        INVALID_ENABLED="enabled must be boolean",
        STYLE_SHEET_NO_KEY="Style-sheet extraction requires an OpenAI API key. Connect one via setup.",
        STYLE_SHEET_BAD_INPUT="prompt required",
        AGENT_PROMPT_REQUIRED="Prompt is required",
    ),
    **_checks(401, GROK_API_KEY_MISSING="xAI API key is required for grok-api image generation"),
    "LAN_TOKEN_REQUIRED": Code(401, "check", "A valid LAN token is required"),
    **_checks(403, APIKEY_DISABLED="API key provider is disabled. Use OAuth (Codex login)."),
    **_checks(
        404,
        NODE_NOT_FOUND="Node metadata missing",
        ASSET_NOT_FOUND="Asset not found",
        SESSION_NOT_FOUND="Session not found",
        AGENT_SESSION_NOT_FOUND="Agent session not found",
        AGENT_QUEUE_ITEM_NOT_FOUND="Agent queue item not found",
        AGENT_IMAGE_NOT_FOUND="Agent image not found in session",
    ),
    **_checks(
        409,
        REQUEST_ID_IN_USE="Request ID already in use",
        IDEMPOTENCY_KEY_CONFLICT="Idempotency-Key was already used with a different request",
        GRAPH_VERSION_CONFLICT="Graph version conflict",
        GRAPH_PARENT_CONFLICT="Node has multiple parent edges",
        AGENT_QUEUE_CANCEL_FAILED="Only queued or running Agent work can be canceled.",
        AGENT_QUEUE_RETRY_FAILED="Only failed or canceled Agent work can be retried.",
    ),
    **_checks(413, GRAPH_TOO_LARGE="Graph too large (max 500 nodes / 1000 edges), got 501/0"),
    **_checks(428, GRAPH_VERSION_REQUIRED="If-Match header required"),
    **_checks(429, TOO_MANY_JOBS="Too many concurrent generation jobs"),
    **_checks(
        500,
        NODE_FETCH_FAILED="Node metadata could not be read",
        SYSTEM_TRASH_FAILED="The file could not be moved to the system trash",
        DB_ERROR="database is locked",
        SQLITE_CONSTRAINT_PRIMARYKEY="UNIQUE constraint failed: nodes.session_id, nodes.id",
        STYLE_SHEET_ERROR="Style-sheet extraction failed",
        invalid_api_key="401 Incorrect API key provided",
        invalid_image="400 bad image",
        OPEN_GENERATED_DIR_FAILED="xdg-open exited with code 3",
    ),
    **_checks(
        503,
        SSE_CAPACITY="Too many event stream connections",
        PROMPT_BUILDER_NO_BACKEND_READY="No Prompt Builder backend is ready",
        PROMPT_BUILDER_OAUTH_UNAVAILABLE="OAuth backend is unavailable for Prompt Builder",
        PROMPT_BUILDER_GROK_UNAVAILABLE="Grok backend is unavailable for Prompt Builder",
    ),
    **_checks(
        401,
        PROMPT_BUILDER_API_KEY_REQUIRED="The Prompt Builder needs an API key",
        PROMPT_BUILDER_XAI_KEY_REQUIRED="The Prompt Builder needs an xAI key",
    ),
    **_checks(
        502,
        PROMPT_BUILDER_UPSTREAM_FAILED="The Prompt Builder's upstream failed",
        PROMPT_BUILDER_EMPTY_RESPONSE="The Prompt Builder's upstream said nothing",
    ),
    **_checks(504, PROMPT_BUILDER_TIMEOUT="The Prompt Builder's upstream took too long"),
    **_checks(
        422,
        STYLE_SHEET_EMPTY="Empty response from style-sheet model",
        STYLE_SHEET_PARSE="Style-sheet model returned non-JSON",
        STYLE_SHEET_SHAPE="Style-sheet shape invalid",
    ),
    **_works(
        400,
        INVALID_REQUEST="OpenAI rejected the image request parameters.",
        MODERATION_REFUSED="OpenAI refused the image request for safety reasons.",
    ),
    **_works(
        401,
        API_KEY_REQUIRED="API key is required for API provider image generation",
        AUTH_CHATGPT_EXPIRED="OpenAI authentication failed.",
        AUTH_API_KEY_INVALID="API key is invalid or unavailable.",
        GROK_AUTH_REQUIRED="Grok login is required",
    ),
    **_works(
        422,
        SAFETY_REFUSAL="Content generation refused after retries",
        EMPTY_RESPONSE="No image data returned from the image backend. Try a different size, quality, or prompt.",
        STREAM_PARSE_FAILED="Responses stream could not be parsed.",
        WEB_SEARCH_ONLY_RESPONSE="Responses completed with web search only and no image.",
        IMAGE_TOOL_NOT_CALLED="Responses completed without calling the image tool.",
        IMAGE_TOOL_FAILED="Responses image tool call failed.",
        IMAGE_TOOL_COMPLETED_WITHOUT_RESULT="Responses image tool call completed without image data.",
    ),
    **_works(499, GENERATION_CANCELED="Generation canceled"),
    **_works(
        500,
        moderation_blocked="Responses stream returned an error",
        rate_limit_exceeded="Responses stream returned an error",
        RESPONSES_STREAM_ERROR="Responses stream returned an error",
        OAUTH_STREAM_ERROR="OAuth stream returned an error",
        RESPONSES_IMAGE_ERROR="OAuth proxy returned 500",
        OAUTH_UPSTREAM_ERROR="OAuth proxy returned 500",
        UNKNOWN="Image generation failed",
        GENERATE_FAILED="Image generation failed",
        EDIT_FAILED="Image edit failed",
        NODE_GEN_FAILED="Node generation failed",
        MULTIMODE_GENERATE_FAILED="Multimode generation failed",
        GENERATE_ALL_FAILED="All generation attempts failed",
    ),
    **_works(502, UPSTREAM_5XX="OAuth proxy returned 502"),
    **_works(503, NETWORK_FAILED="fetch failed", OAUTH_UNAVAILABLE="OAuth proxy is unavailable"),
    **_works(
        504,
        RESPONSES_IMAGE_TIMEOUT="Responses image generation timed out",
        OAUTH_IMAGE_TIMEOUT="OAuth image generation timed out",
        GENERATION_TIMEOUT="Grok image generation timed out",
        JOB_TRACKING_TIMEOUT="Job tracking expired; upstream completion is unknown. Inspect history before retrying.",
    ),
    **_works(429, "RATE_LIMITED", GROK_RATE_LIMITED="Grok rate limited: Too many requests"),
    **_works(502, "AUTH_INVALID", GROK_AUTH_FAILED="Grok auth failed: Unauthorized"),
    **_works(
        502,
        "NETWORK_FAILURE",
        GROK_UPSTREAM_ERROR="Grok upstream error: HTTP 500",
        GROK_NETWORK_FAILED="Grok request failed: fetch failed",
        GROK_IMAGE_DOWNLOAD_FAILED="Image download failed: HTTP 404",
        GROK_VIDEO_POLL_FAILED="Grok video poll failed",
        GROK_VIDEO_DOWNLOAD_FAILED="Grok video download failed",
    ),
    **_works(
        502,
        "INTERNAL_STATE_ERROR",
        GROK_VIDEO_FAILED="Grok video generation failed",
        GROK_VIDEO_EMPTY_RESPONSE="Grok video finished without a video",
    ),
    **_works(502, "CONTENT_REJECTED", GROK_VIDEO_MODERATION_BLOCKED="Grok video was blocked by moderation"),
    **_works(400, "CAPABILITY_UNSUPPORTED", GROK_VIDEO_REQUEST_FAILED="Grok video request failed"),
    **_works(
        504,
        "PROVIDER_TIMEOUT",
        GROK_SEARCH_TIMEOUT="Grok search timed out",
        GROK_PLANNER_TIMEOUT="Grok planner timed out",
        GROK_IMAGE_TIMEOUT="Grok image generation timed out",
        GROK_VIDEO_TIMEOUT="Grok video generation timed out",
        GROK_VIDEO_PLAN_TIMEOUT="Grok video planner timed out",
    ),
}
#: Statuses that a code has on one route only (wire §10.2).
_ELSEWHERE: dict[tuple[str, Route], int] = {("EMPTY_RESPONSE", "edit"): 500, ("EMPTY_RESPONSE", "multimode"): 500}
_WORK_S = 1.0


def forced_code(forced: dict[str, Forced]) -> Forced | None:
    """Return the native code that is forced, if one is."""
    return next((each for name, each in forced.items() if name in CODES), None)


def failure(profile: Profile, forced: Forced, route: Route | None = None) -> Failure:
    """Return the failure that a code is, on a route, of a build."""
    code = CODES[forced.name]
    status = _ELSEWHERE.get((forced.name, route), code.status) if route else code.status
    if profile.is_new and forced.name == "RESPONSES_STREAM_ERROR":
        status = 502
    checked = code.moment == "check"
    found = Failure(
        status=int(forced.number(status)),
        code=forced.name,
        message=code.message,
        raw_code=None if checked else forced.name,
        error_class=code.error_class if profile.is_new else None,
        checked=checked,
        calls=0 if checked or forced.name == "API_KEY_REQUIRED" else 1,
        seconds=0.0 if checked else _WORK_S,
        phase="queued" if checked else "streaming",
    )
    return _dressed(profile, found, route)


def _dressed(profile: Profile, found: Failure, route: Route | None) -> Failure:
    """Give a check the form that its route gives it (wire §1, §10.2, §11)."""
    match found.code:
        case "INVALID_MODERATION" | "INVALID_EDIT_INPUT" | "PROMPT_REQUIRED" if route in ("generate", "edit"):
            return structs.replace(found, bare=True)
        case "INVALID_PROMPT" | "PROMPT_TOO_LONG" | "INVALID_COUNT" if profile.is_new:
            return structs.replace(found, nested=True)
        case "TOO_MANY_JOBS":
            return structs.replace(found, headers={"Retry-After": "5"})
        case "GRAPH_VERSION_CONFLICT":
            return structs.replace(found, extra={"currentVersion": 1})
        case "GENERATE_ALL_FAILED" if not profile.is_new:
            return structs.replace(found, bare=True)
        case _:
            return found
