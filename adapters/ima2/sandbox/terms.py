"""Reads a request as ima2 does: defaults for missing keys only, silent fallbacks, checks in order (wire §3-§6)."""

import re
from base64 import b64decode
from typing import Any

from msgspec import Struct

from adapters.ima2.sandbox.failure import Refused, check
from adapters.ima2.sandbox.javascript import parse_int, to_text, truthy
from adapters.ima2.sandbox.profile import (
    DEFAULT_MODEL,
    EFFORTS,
    GROK_MODELS,
    MAX_GROK_INPUTS,
    MAX_IMAGES,
    MAX_PROMPT_CHARS,
    MAX_REFERENCE_CHARS,
    MAX_REFERENCES,
    MODELS,
    MODERATIONS,
    QUALITIES,
    TEXT_MODEL,
    Profile,
)
from adapters.kit.scenario import Forced

_DATA_URL = re.compile(r"\Adata:([^;,]+);base64,", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+=*\Z")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/\-_]")
_ENDING = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
SQUARE = "1024x1024"


class Terms(Struct, frozen=True, kw_only=True):
    """What a request comes to, once defaults and fallbacks are in it."""

    account: str
    model: str
    quality: str
    size: Any
    format: Any
    moderation: Any
    direct: bool
    web_search: bool
    effort: str
    warnings: tuple[dict[str, Any], ...]

    @property
    def mode(self) -> str:
        """The word for how the prompt was to be taken."""
        return "direct" if self.direct else "auto"

    @property
    def extension(self) -> str:
        """What the format becomes at the end of a file's name: it is not checked (wire §3). Grok makes JPEG only."""
        return "jpeg" if self.account.startswith("grok") else to_text(self.format)

    @property
    def stored_format(self) -> Any:
        """What the sidecar calls it."""
        return self.extension if self.account.startswith("grok") else self.format

    @property
    def media_type(self) -> str:
        """What the data URL says, whatever the bytes are."""
        return _ENDING.get(self.extension, "image/png")


def read_terms(
    profile: Profile, body: dict[str, Any], forced: dict[str, Forced], *, provider: str, search: bool = True
) -> Terms:
    """Return the terms; raise `Refused` for the model first, then for the reasoning effort."""
    account = _account(profile, body.get("provider", provider))
    quality, warnings = _quality(body.get("quality", "medium"), defaulted="quality_defaulted" in forced)
    size = body.get("size", SQUARE)
    return Terms(
        account=account,
        model=_model(account, body.get("model")),
        quality=quality,
        size=SQUARE if account == "api" and not (isinstance(size, str) and size) else size,
        format=body.get("format", "png"),
        moderation=body.get("moderation", "low"),
        direct=body.get("mode", "auto") == "direct",
        web_search=body.get("webSearchEnabled", True) is not False and search,
        effort=_effort(account, body.get("reasoningEffort")),
        warnings=warnings,
    )


def _account(profile: Profile, provider: Any) -> str:
    """Return who pays: whatever is not known becomes OAuth, in silence (wire §3)."""
    if provider == "api" and not profile.is_tag:
        return "api"
    if provider == "grok" and profile.is_new:
        return "grok"
    if provider == "grok-api" and profile.is_new:
        raise check("GROK_API_KEY_MISSING", "xAI API key is required for grok-api image generation", status=401)
    return "oauth"


def _quality(given: Any, *, defaulted: bool) -> tuple[str, tuple[dict[str, Any], ...]]:
    if not truthy(given) and not defaulted:
        return "medium", ()
    if given in QUALITIES and not defaulted:
        return given, ()
    reason = {"field": "quality", "normalizedTo": "medium", "reason": "invalid-quality"}
    return "medium", ({"code": "QUALITY_DEFAULTED", **reason},)


def _model(account: str, given: Any) -> str:
    if account == "grok":
        if not isinstance(given, str) or not given:
            return GROK_MODELS[0]
        if given not in GROK_MODELS:
            text = f"Grok image model must be one of: {', '.join(GROK_MODELS)}"
            raise check("INVALID_GROK_IMAGE_MODEL", text)
        return given
    if not isinstance(given, str) or not given:
        return DEFAULT_MODEL
    if given == TEXT_MODEL:
        text = f"model is listed by OAuth but does not support image_generation: {TEXT_MODEL}"
        raise check("IMAGE_MODEL_UNSUPPORTED", text)
    if given not in MODELS:
        raise check("INVALID_IMAGE_MODEL", f"model must be one of: {', '.join(MODELS)}")
    return given


def _effort(account: str, given: Any) -> str:
    if account.startswith("grok"):
        return "none"
    if not isinstance(given, str) or not given:
        return "low" if account == "api" else "medium"
    if given not in EFFORTS:
        text = f"reasoningEffort must be one of: {', '.join(EFFORTS)}"
        raise check("INVALID_REASONING_EFFORT", text)
    return given


def check_new_prompt(body: dict[str, Any]) -> None:
    """Raise what NEW finds before everything else (wire §11)."""
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise check("INVALID_PROMPT", "Prompt is required", nested=True)
    if len(prompt) > MAX_PROMPT_CHARS:
        raise check("PROMPT_TOO_LONG", f"Prompt must be at most {MAX_PROMPT_CHARS} characters", nested=True)


def check_new_count(body: dict[str, Any], name: str) -> int:
    """Return NEW's number of pictures, which is no longer clamped (wire §11)."""
    given = body.get(name, 1)
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_IMAGES:
        raise check("INVALID_COUNT", f"{name} must be an integer between 1 and {MAX_IMAGES}", nested=True)
    return given


def clamped(given: Any) -> int:
    """Return the number of pictures as TAG and HEAD take it: junk is 1, too many are 8 (wire §3)."""
    return min(max(parse_int(given) or 1, 1), MAX_IMAGES)


def check_prompt(body: dict[str, Any], *, bare: bool = False) -> Any:
    """Return the prompt: any value that is true, whatever its type (wire §3)."""
    if not truthy(body.get("prompt")):
        raise check("PROMPT_REQUIRED", "Prompt is required", bare=bare)
    return body["prompt"]


def check_moderation(moderation: Any, *, bare: bool = False) -> None:
    """Raise for a moderation that is none of the two; `bare` where the route says so without a code."""
    if moderation not in MODERATIONS:
        raise check("INVALID_MODERATION", f"moderation must be one of: {', '.join(MODERATIONS)}", bare=bare)


def check_references(profile: Profile, body: dict[str, Any], account: str, *, others: int = 0) -> tuple[bytes, ...]:
    """Return the references' bytes; what they are is not looked at (wire §3)."""
    given = body.get("references", [])
    if not isinstance(given, list):
        raise check("REF_NOT_ARRAY", "references must be an array")
    if len(given) > MAX_REFERENCES:
        raise check("REF_TOO_MANY", f"references may not exceed {MAX_REFERENCES} items")
    found = tuple(_reference(place, each) for place, each in enumerate(given))
    if profile.is_new and account == "grok" and len(found) + others > MAX_GROK_INPUTS:
        text = f"Grok image editing supports up to {MAX_GROK_INPUTS} reference images"
        raise check("GROK_REF_TOO_MANY", text)
    return found


def _reference(place: int, given: Any) -> bytes:
    if not isinstance(given, str):
        raise check("REF_NOT_STRING", f"references[{place}] must be a string")
    text = _DATA_URL.sub("", given)
    if not text:
        raise check("REF_EMPTY", f"references[{place}] is empty")
    if len(text) > MAX_REFERENCE_CHARS:
        raise check("REF_TOO_LARGE", f"references[{place}] exceeds {MAX_REFERENCE_CHARS} bytes")
    if not _BASE64.match(text):
        raise check("REF_NOT_BASE64", f"references[{place}] is not valid base64")
    return decoded(text)


def reference_sizes(body: dict[str, Any]) -> dict[str, int]:
    """Return what the registry shows of the references, before they are checked (recorded: inflight_active)."""
    given = body.get("references", [])
    if not isinstance(given, list):
        return {"refsCount": 0, "referenceBytes": 0, "referenceB64Chars": 0}
    texts = [_DATA_URL.sub("", each) for each in given if isinstance(each, str)]
    return {
        "refsCount": len(given),
        "referenceBytes": sum(len(decoded(text)) for text in texts),
        "referenceB64Chars": sum(map(len, texts)),
    }


def decoded(text: str) -> bytes:
    """Decode base64 as Node does: what does not belong is passed over, and nothing ever fails."""
    plain = _NOT_BASE64.sub("", _DATA_URL.sub("", text).partition("=")[0])
    plain = plain[: len(plain) - (len(plain) % 4 == 1)].replace("-", "+").replace("_", "/")
    return b64decode(plain + "=" * (-len(plain) % 4))


def refused_on_tag(profile: Profile, body: dict[str, Any], *, provider: str, node: bool = False) -> Refused | None:
    """Return TAG's refusal of the API account, which comes after every other check (recorded)."""
    if not profile.is_tag or body.get("provider", provider) != "api":
        return None
    hint = "Use OAuth." if node else "Use OAuth (Codex login)."
    return check("APIKEY_DISABLED", f"API key provider is disabled. {hint}", status=403)
