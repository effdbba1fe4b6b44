"""What clients ask for, read as ima2 reads it: defaults for missing keys, checks in its order, its own words (wire §3).

Three things are stricter than the running servers, and said: a size, a format or a provider that is none is refused
where they would pass it on or take it for another (options.md §1).
"""

import re
from typing import Any

import msgspec
from msgspec import Struct

from adapters.ima2.face.failure import Failure, Refused, check
from adapters.ima2.face.profile import (
    EFFORTS,
    FORMATS,
    GROK_MODELS,
    MAX_GROK_INPUTS,
    MAX_IMAGES,
    MAX_PROMPT_CHARS,
    MAX_REFERENCE_CHARS,
    MAX_REFERENCES,
    MODERATIONS,
    PROVIDERS,
    QUALITIES,
    TEXT_MODEL,
    Profile,
)
from adapters.ima2.face.said import page
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call
from contracts.media import Size

NO_BODY = "Cannot destructure property 'prompt' of 'req.body' as it is undefined."
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_DATA_URL = re.compile(r"\Adata:[^;,]+;base64,", re.IGNORECASE)
_BASE64 = re.compile(r"[A-Za-z0-9+/]+=*\Z")
_LEADING = re.compile(r"\s*([+-]?\d{1,9})")
_LONGEST_NAME = 200
#: Options of the newest builds that change what is made (wire §11, and the newest command line).
_OPTIONS = ("backgroundPreset", "plannerModel", "referenceAudios", "sizeNudge", "storyboard", "topic")
#: How the ima2 command line names itself in `x-ima2-client`; it sends `quality: low` unless another one was chosen.
_COMMAND_LINE = "cli/"


class Paged(Exception):  # noqa: N818 - the framework's own refusal
    """Ends a request with one of Express's pages."""

    def __init__(self, answer: Answer) -> None:
        """Carry the page."""
        super().__init__(answer.status)
        self.answer = answer


def body_of(call: Call) -> dict[str, Any] | None:
    """Return the body as `express.json` leaves it: None where there is none that it reads (wire §1)."""
    kind, _, rest = call.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != "application/json" or not call.body:
        return {} if kind.strip().lower() == "application/json" else None
    charset = rest.lower().partition("charset=")[2].strip(' "')
    if charset and not charset.startswith("utf-"):
        text = f'UnsupportedMediaTypeError: unsupported charset "{charset.upper()}"'
        raise Paged(page(415, text, code="request.malformed"))
    try:
        body = msgspec.json.decode(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    if not isinstance(body, dict | list):
        raise Paged(page(400, "Bad Request", code="request.malformed"))
    return body if isinstance(body, dict) else {}


class Terms(Struct, frozen=True, kw_only=True):
    """What a request comes to. None: the client said nothing, and the default is nobody's promise."""

    prompt: str
    provider: str | None
    model: str | None
    quality: str | None
    size: Size | str | None
    shown_size: str
    format: str | None
    moderation: str | None
    direct: bool
    web_search: bool
    effort: str | None
    warnings: tuple[dict[str, Any], ...] = ()
    #: Whether this client sends this quality also when nobody chose one.
    is_usual_quality: bool = False


def read_terms(call: Call, body: dict[str, Any], *, bare: bool, prompt_code: str, search: bool = True) -> Terms:
    """Return the terms; raise what ima2 would say first: model, effort, prompt, moderation, then what we add."""
    provider = _word(body, "provider")
    model = _model(provider, body.get("model"))
    effort = _effort(provider, body.get("reasoningEffort"))
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise check(prompt_code, "Prompt is required", bare=bare)
    moderation = body.get("moderation") if "moderation" in body else "low"
    if moderation not in MODERATIONS:
        raise check("INVALID_MODERATION", f"moderation must be one of: {', '.join(MODERATIONS)}", bare=bare)
    if provider is not None and provider not in PROVIDERS:
        raise _parameter("provider", f"provider must be one of: {', '.join(PROVIDERS)}")
    check_options(body)
    quality, warnings = _quality(body.get("quality", "medium"))
    size, shown = _size(body.get("size"))
    return Terms(
        prompt=prompt,
        provider=provider,
        model=model,
        quality=quality if "quality" in body else None,
        size=size,
        shown_size=shown,
        format=_format(body.get("format")),
        moderation=moderation if "moderation" in body else None,
        direct=body.get("mode") == "direct",
        web_search=body.get("webSearchEnabled", True) is not False and search,
        effort=effort,
        warnings=warnings,
        is_usual_quality=quality == "medium" or (quality == "low" and _is_command_line(call)),
    )


def check_options(body: dict[str, Any]) -> None:
    """Raise for what the newest clients may wish of a picture or a film and nobody here can do: never in silence."""
    for name in _OPTIONS:
        if body.get(name):
            raise _parameter(name, f"{name} is not supported by this server")


def check_new(profile: Profile, body: dict[str, Any], count: str | None) -> None:
    """Raise what NEW finds before everything else (wire §11)."""
    if not profile.is_new:
        return
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise check("INVALID_PROMPT", "Prompt is required", nested=True)
    if len(prompt) > MAX_PROMPT_CHARS:
        raise check("PROMPT_TOO_LONG", f"Prompt must be at most {MAX_PROMPT_CHARS} characters", nested=True)
    given = body.get(count, 1) if count is not None else 1
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= MAX_IMAGES:
        raise check("INVALID_COUNT", f"{count} must be an integer between 1 and {MAX_IMAGES}", nested=True)


def count_of(body: dict[str, Any], name: str) -> tuple[int, tuple[dict[str, Any], ...]]:
    """Return how many pictures are wished, as TAG and HEAD take it: junk is 1, too many are 8; and say so."""
    given = body.get(name, 1)
    found = _LEADING.match(str(given)) if not isinstance(given, bool) else None
    count = min(max(int(found.group(1)) if found else 1, 1), MAX_IMAGES)
    if str(given) == str(count):
        return count, ()
    return count, ({"code": "COUNT_CLAMPED", "field": name, "normalizedTo": count, "reason": "invalid-count"},)


def references_of(body: dict[str, Any], provider: str | None, *, others: int = 0) -> tuple[str, ...]:
    """Return the references as base64 (wire §3)."""
    given = body.get("references", [])
    if not isinstance(given, list):
        raise check("REF_NOT_ARRAY", "references must be an array")
    if len(given) > MAX_REFERENCES:
        raise check("REF_TOO_MANY", f"references may not exceed {MAX_REFERENCES} items",
                    catalogue="request.reference_too_many")  # fmt: skip
    found = tuple(picture(each, f"references[{place}]") for place, each in enumerate(given))
    if provider == "grok" and len(found) + others > MAX_GROK_INPUTS:
        text = f"Grok image editing supports up to {MAX_GROK_INPUTS} reference images"
        raise check("GROK_REF_TOO_MANY", text, catalogue="request.reference_too_many")
    return found


def picture(given: Any, what: str) -> str:
    """Return one picture as base64; what it is, its content says later."""
    if not isinstance(given, str):
        raise check("REF_NOT_STRING", f"{what} must be a string", catalogue="request.reference_invalid")
    text = without_prefix(given)
    if not text:
        raise check("REF_EMPTY", f"{what} is empty", catalogue="request.reference_invalid")
    if len(text) > MAX_REFERENCE_CHARS:
        raise check("REF_TOO_LARGE", f"{what} exceeds {MAX_REFERENCE_CHARS} bytes", catalogue="request.too_large")
    if not _BASE64.match(text):
        raise check("REF_NOT_BASE64", f"{what} is not valid base64", catalogue="request.reference_invalid")
    return text


def without_prefix(given: str) -> str:
    """Return base64 without what makes it a data URL: what that claims is not believed anyway."""
    return _DATA_URL.sub("", given, count=1)


def request_id_of(profile: Profile, call: Call, body: dict[str, Any], *names: str) -> str:
    """Return the job's id: the body's, else the header's; an empty one is not tracked (wire §1, §3)."""
    for name in names or ("requestId",):
        given = body.get(name)
        if isinstance(given, str) and (_ID.fullmatch(given) or (not profile.is_new and len(given) <= _LONGEST_NAME)):
            return given
    return call.request_id


def present(body: dict[str, Any] | None) -> dict[str, Any]:
    """Return the body; without one generate, edit and multimode stumble as the real server does (wire §1)."""
    if body is None:
        raise Refused(Failure(status=500, code="UNKNOWN", message=NO_BODY, catalogue="request.malformed"))
    return body


def text_or_none(value: Any) -> str | None:
    """Return a short text, and None for everything else."""
    return value[:_LONGEST_NAME] if isinstance(value, str) and value else None


def may_answer_pictures(caller: Caller) -> None:
    """Raise before the job exists what would keep its answer from being given."""
    if not caller.may("assets:read"):
        raise CatalogError("auth.forbidden", "This key lacks the scope assets:read.", reason="assets:read")


def _is_command_line(call: Call) -> bool:
    return call.headers.get("x-ima2-client", "").startswith(_COMMAND_LINE)


def _word(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _model(provider: str | None, given: Any) -> str | None:
    if not isinstance(given, str) or not given:
        return None
    if given == TEXT_MODEL:
        text = f"model is listed by OAuth but does not support image_generation: {TEXT_MODEL}"
        raise check("IMAGE_MODEL_UNSUPPORTED", text, catalogue="request.model_incapable")
    if provider == "grok" and given.startswith("gpt-"):
        text = f"Grok image model must be one of: {', '.join(GROK_MODELS)}"
        raise check("INVALID_GROK_IMAGE_MODEL", text, catalogue="request.model_unknown")
    return given


def _effort(provider: str | None, given: Any) -> str | None:
    if provider == "grok" or not isinstance(given, str) or not given:
        return None
    if given not in EFFORTS:
        raise check("INVALID_REASONING_EFFORT", f"reasoningEffort must be one of: {', '.join(EFFORTS)}")
    return given


def _quality(given: Any) -> tuple[str, tuple[dict[str, Any], ...]]:
    """Return the quality; what is none becomes medium and is told, as ima2 does (wire §3)."""
    if given in QUALITIES:
        return str(given), ()
    if not given:
        return "medium", ()
    reason = {"field": "quality", "normalizedTo": "medium", "reason": "invalid-quality"}
    return "medium", ({"code": "QUALITY_DEFAULTED", **reason},)


def _size(given: Any) -> tuple[Size | str | None, str]:
    if given is None:
        return None, "1024x1024"
    if given == "auto":
        return "auto", "auto"
    found = _SIZE.fullmatch(given) if isinstance(given, str) else None
    if found is None or max(int(side) for side in found.groups()) > 16_384:
        raise _parameter("size", "size must be WxH in pixels, or auto")
    return Size(width=int(found.group(1)), height=int(found.group(2))), given


def _format(given: Any) -> str | None:
    if given is None:
        return None
    if given not in FORMATS:
        raise _parameter("output_format", f"format must be one of: {', '.join(FORMATS)}")
    return str(given)


def _parameter(name: str, message: str) -> Refused:
    """Refuse a value as the upstream would (recorded: generate_up_400_size)."""
    return check(
        "INVALID_REQUEST",
        message,
        upstream_code="invalid_value",
        upstream_type="invalid_request_error",
        upstream_param=name,
    )
