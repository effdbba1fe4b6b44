"""What the upstream said in each row of the failure matrix, and how each route and build passes that on.

HEAD replaces what the upstream says by sentences of its own, TAG passes it on with parts of keys (wire §10.1). Every
text with a quotation in the recordings is quoted from there.
"""

from msgspec import Struct, structs

from adapters.ima2.sandbox.failure import Failure, Route
from adapters.ima2.sandbox.matrix import MATRIX
from adapters.ima2.sandbox.profile import Profile

_NO_DATA = "No image data returned from the image backend. Try a different size, quality, or prompt."
_REFUSED = "OpenAI refused the image request for safety reasons."
_PARAMETERS = "OpenAI rejected the image request parameters."
_AUTHENTICATION = "OpenAI authentication failed."
_UNAVAILABLE = "OAuth proxy is unavailable"
_STREAM = ("Responses stream returned an error", "OAuth stream returned an error")
_FETCH = ("fetch failed", _UNAVAILABLE)
#: How long the server waits for its upstream before it gives up (wire §3); TAG has only Node's own limit.
_TIMEOUT_S = {"tag": 300.0, "head": 400.0, "new": 400.0}


class Cause(Struct, frozen=True, kw_only=True):
    """One way of the upstream to fail: its own words, and where it failed."""

    head: str
    tag: str
    upstream: tuple[str | None, str | None, str | None] = (None, None, None)
    #: The code of each build before it was classified: head, tag.
    raw: tuple[str | None, str | None] = (None, None)
    event_type: str | None = None
    event_count: int | None = None
    #: How long one upstream call takes until it fails so.
    seconds: float = 0.3
    streaming: bool = False


def _status(number: int) -> Cause:
    text = f"OAuth proxy returned {number}"
    return Cause(head=text, tag=text, raw=("RESPONSES_IMAGE_ERROR", "OAUTH_UPSTREAM_ERROR"))


def _stream(raw: tuple[str, str]) -> Cause:
    return Cause(head=_STREAM[0], tag=_STREAM[1], raw=raw, event_type="error", event_count=3, streaming=True)


def _empty(events: int) -> Cause:
    return Cause(
        head=_NO_DATA,
        tag="No image data received from OAuth edit",
        raw=("EMPTY_RESPONSE", None),
        event_count=events,
        seconds=2.0,
        streaming=True,
    )


def _cut(said: tuple[str, str], *, mid: bool, raw: tuple[str | None, str | None] = (None, None)) -> Cause:
    return Cause(head=said[0], tag=said[1], raw=raw, seconds=1.0 if mid else 0.3, streaming=mid)


_TERMINATED = ("terminated", "terminated")
CAUSES = {
    "mod400": Cause(
        head=_REFUSED,
        tag="Your request was rejected as a result of our safety system.",
        upstream=("moderation_blocked", "image_generation_user_error", None),
    ),
    "mod_stream": _stream(("moderation_blocked", "moderation_blocked")),
    "empty": _empty(4),
    "failed_stream": _empty(3),
    "err_stream_flat": _stream(("RESPONSES_STREAM_ERROR", "OAUTH_STREAM_ERROR")),
    "rl_stream": _stream(("rate_limit_exceeded", "rate_limit_exceeded")),
    "401_openai": Cause(
        head=_PARAMETERS,
        tag="Incorrect API key provided: sk-fake. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        upstream=("invalid_api_key", "invalid_request_error", None),
    ),
    "401_expired": Cause(
        head=_AUTHENTICATION,
        tag="Your access token is expired. Please sign in again.",
        upstream=("token_expired", "authentication_error", None),
    ),
    "401_plain": _status(401),
    "403": Cause(
        head=_AUTHENTICATION,
        tag="Your organization must be verified to use the model `gpt-image-2`.",
        upstream=("unverified_org", "permission_error", None),
    ),
    "404_model": Cause(
        head=_PARAMETERS,
        tag="The model does not exist or you do not have access to it.",
        upstream=("model_not_found", "invalid_request_error", "model"),
    ),
    "400_size": Cause(
        head=_PARAMETERS,
        tag="Invalid size '10x10'. Requested resolution is below the minimum pixel budget.",
        upstream=("invalid_value", "invalid_request_error", "tools[0].size"),
    ),
    "429": Cause(
        head="OpenAI rate limited the image request.",
        tag="Rate limit reached for gpt-image-2 in organization org-x on images per min. Please try again in 12s.",
        upstream=("rate_limit_exceeded", "requests", None),
    ),
    "429_quota": Cause(
        head="API key is invalid or unavailable.",
        tag="You exceeded your current quota, please check your plan and billing details.",
        upstream=("insufficient_quota", "insufficient_quota", None),
    ),
    "429_plain": _status(429),
    "500": _status(500),
    "502": _status(502),
    "503": _status(503),
    "refused": _cut(_FETCH, mid=False, raw=(None, "OAUTH_UNAVAILABLE")),
    "cut_before": _cut(_FETCH, mid=False, raw=(None, "OAUTH_UNAVAILABLE")),
    "cut_mid": _cut(_TERMINATED, mid=True),
    "rst_before": _cut(_FETCH, mid=False, raw=(None, "OAUTH_UNAVAILABLE")),
    "rst_mid": _cut(_TERMINATED, mid=True),
    "cut_after_image": _cut(_TERMINATED, mid=True),
    "bad_json_200": _cut(("Expected property name or '}' in JSON at position 1",) * 2, mid=True),
    "timeout": Cause(
        head="Responses image generation timed out",
        tag=_UNAVAILABLE,
        raw=("RESPONSES_IMAGE_TIMEOUT", "OAUTH_UNAVAILABLE"),
        streaming=True,
    ),
    "oauth_failed": Cause(
        head=_UNAVAILABLE, tag=_UNAVAILABLE, raw=("OAUTH_UNAVAILABLE", "OAUTH_UNAVAILABLE"), seconds=0.0
    ),
    "oauth_starting": Cause(
        head="OAuth proxy is not ready yet",
        tag="OAuth proxy is not ready yet",
        raw=("OAUTH_UNAVAILABLE", "OAUTH_UNAVAILABLE"),
        seconds=3.0,
    ),
}


class Asked(Struct, frozen=True, kw_only=True):
    """What of a request shows in its failure."""

    account: str
    size: str
    quality: str
    model: str
    references: int = 0
    has_source: bool = False


def failure(profile: Profile, route: Route, name: str, asked: Asked, timeout_s: float | None = None) -> Failure | None:
    """Return how a row of the matrix leaves a route; None: done without a picture."""
    cause, cell = CAUSES[name], MATRIX["tag" if profile.is_tag else "head"][route][name]
    if cell.status is None:
        return None
    retried = route in ("generate", "node")
    calls = cell.calls
    if profile.is_new and route == "node" and asked.has_source:
        # NEW retries a node only when it has no input picture (wire §11).
        calls = min(calls, 1)
    seconds = (timeout_s or _TIMEOUT_S[profile.build]) if name == "timeout" else cause.seconds
    code, type_, param = cause.upstream
    found = Failure(
        status=502 if profile.is_new and cell.code == "RESPONSES_STREAM_ERROR" else cell.status,
        code=cell.code,
        message=_message(profile, route, cause, asked),
        upstream_code=code,
        upstream_type=type_,
        upstream_param=param,
        raw_code=cause.raw[1 if profile.is_tag else 0],
        event_type=cause.event_type,
        event_count=cause.event_count,
        calls=calls,
        seconds=seconds * (calls or (2 if retried else 1)),
        phase="streaming" if cause.streaming else "queued",
    )
    if cell.code == "EMPTY_RESPONSE" and retried:
        return _emptied(profile, route, found, asked)
    if cell.code == "SAFETY_REFUSAL" and route == "generate":
        message = "Content generation refused after retries"
        return structs.replace(
            found, message=message, upstream_code=None, upstream_type=None, event_type=None, event_count=None
        )
    return found


def _message(profile: Profile, route: Route, cause: Cause, asked: Asked) -> str:
    if profile.is_tag:
        return cause.tag.replace("OAuth proxy returned", "OAuth edit returned") if route == "edit" else cause.tag
    if asked.account == "api":
        return cause.head.replace("OAuth proxy returned", "OpenAI API returned")
    return cause.head


def _emptied(profile: Profile, route: Route, found: Failure, asked: Asked) -> Failure:
    """Say that no picture came: TAG names the combination, and that it tried again without the references."""
    if not profile.is_tag or found.event_type is not None:
        return structs.replace(found, message=_NO_DATA)
    combination = f"size={asked.size}, quality={asked.quality}, model={asked.model}"
    counted = route == "node"
    return structs.replace(
        found,
        message=f"No image data returned. This may be an unsupported {combination} combination. "
        "Try a different size or model.",
        retry_kind="prompt_only",
        references_dropped=asked.references > 0,
        refs_count=asked.references if counted else None,
        input_count=asked.references + asked.has_source if counted else None,
    )
