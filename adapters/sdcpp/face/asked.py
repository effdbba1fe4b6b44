"""What clients ask for, read as Studio reads it, and checked at the door: its own queue checks nothing (wire §7.2).

JSON, forms and their texts are taken alike: `2` and `"2"` are the same number. What no server could honour is refused
here with `400 {"error": ...}`; what some could is for the gateway to say.
"""

import math
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from adapters.kit.express import page
from adapters.sdcpp.face.failure import Refused
from adapters.sdcpp.face.profile import FLAGS, MAX_IMAGES, QUALITIES, SAMPLING, SEED_MAX, Profile
from contracts.face import Answer, Call
from contracts.media import Size

_SIZE = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d{1,20}(?:\.\d{0,20})?|\.\d{1,20})")
_LARGEST_SIDE = 16_384
_MAX_FIELDS = 64
_LONGEST_WORD = 200
_FLAG_WORDS = {"0": False, "1": True, "false": False, "true": True}


class Paged(Exception):  # noqa: N818 - the framework's own refusal
    """Ends a request with one of Express's pages."""

    def __init__(self, answer: Answer) -> None:
        """Carry the page."""
        super().__init__(answer.status)
        self.answer = answer


class Terms(Struct, frozen=True, kw_only=True):
    """What a request comes to. None: the client said nothing."""

    prompt: str | None = None
    negative_prompt: str | None = None
    model: str | None = None
    size: Size | None = None
    n: int = 1
    seed: int | None = None
    quality: str | None = None
    style: str | None = None
    strength: float | None = None
    options: Mapping[str, Any] = {}
    #: How a row shows what was asked, where the spec says it in other words (wire §4).
    shown: Mapping[str, Any] = {}


def fields_of(call: Call) -> dict[str, Any]:
    """Return the body's fields: JSON or a plain form; a list has none (wire §7.2)."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            return dict(parse_qsl(call.body.decode(), keep_blank_values=True, max_num_fields=_MAX_FIELDS))
        except ValueError:
            raise Paged(page(400, "Bad Request", code="request.malformed")) from None
    if kind != "application/json" or not call.body:
        return {}
    try:
        body = msgspec.json.decode(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    if not isinstance(body, dict | list):
        raise Paged(page(400, "Bad Request", code="request.malformed"))
    return body if isinstance(body, dict) else {}


def read_terms(fields: Mapping[str, Any], profile: Profile) -> Terms:
    """Return what is asked; raise for a value that is none."""
    size, shown_size = _size(fields)
    quality = word(fields, "quality")
    if quality is not None and quality not in QUALITIES:
        raise Refused(f"quality must be one of: {', '.join(QUALITIES)}")
    options: dict[str, Any] = {name: value for name in SAMPLING if (value := _sampling(fields, name)) is not None}
    flags = {name: value for name in FLAGS if (value := flag(fields, name)) is not None}
    seed = _seed(fields)
    return Terms(
        prompt=text(fields, "prompt"),
        negative_prompt=text(fields, "negative_prompt"),
        model=word(fields, "model"),
        size=size,
        n=_count(fields),
        seed=seed,
        quality=quality,
        style=word(fields, "style"),
        strength=_strength(fields),
        options={**options, **flags},
        shown={
            "size": shown_size,
            "seed": _shown_seed(fields.get("seed"), seed, profile),
            "quality": quality,
            "source_image_id": word(fields, "source_image_id"),
        },
    )


def needed(fields: Mapping[str, Any], *names: str) -> None:
    """Raise for the first field that is not there, in Studio's words and its order (wire §7.3)."""
    for name in names:
        if _absent(fields.get(name)) or (isinstance(fields[name], str) and not fields[name].strip()):
            raise Refused(f"Missing required field: {name}")


def _absent(value: Any) -> bool:
    return value is None or value == ""


def text(fields: Mapping[str, Any], name: str) -> str | None:
    """Return a text of any length; an empty one is none (wire §4)."""
    value = fields.get(name)
    if _absent(value):
        return None
    if not isinstance(value, str):
        raise Refused(f"{name} must be a string")
    return value


def word(fields: Mapping[str, Any], name: str) -> str | None:
    """Return a short text."""
    value = text(fields, name)
    if value is not None and len(value) > _LONGEST_WORD:
        raise Refused(f"{name} must have at most {_LONGEST_WORD} characters")
    return value


def number(fields: Mapping[str, Any], name: str) -> float | None:
    """Return a number, written as one or as a text."""
    value = fields.get(name)
    if _absent(value):
        return None
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        # Whole numbers stay exact: a seed has more digits than a fraction keeps.
        plain = value.strip()
        value = int(plain) if plain.lstrip("+-").isdigit() else float(plain)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refused(f"{name} must be a number")
    return value


def whole(fields: Mapping[str, Any], name: str) -> int | None:
    """Return a whole number; `2.0` is one."""
    value = number(fields, name)
    if value is None:
        return None
    if value != int(value):
        raise Refused(f"{name} must be a whole number")
    return int(value)


def flag(fields: Mapping[str, Any], name: str) -> bool | None:
    """Return a flag: 0 and 1, as Studio's clients send it, or what else means the same."""
    value = fields.get(name)
    if _absent(value):
        return None
    known = _FLAG_WORDS.get(str(value).lower())
    if known is None:
        raise Refused(f"{name} must be 0 or 1")
    return known


def _size(fields: Mapping[str, Any]) -> tuple[Size | None, str | None]:
    given = word(fields, "size")
    if given is None or given == "auto":
        return None, given
    found = _SIZE.fullmatch(given)
    if found is None or max(int(side) for side in found.groups()) > _LARGEST_SIDE:
        raise Refused("size must be WxH in pixels")
    return Size(width=int(found.group(1)), height=int(found.group(2))), given


def _count(fields: Mapping[str, Any]) -> int:
    count = whole(fields, "n")
    if count is None:
        return 1
    if not 1 <= count <= MAX_IMAGES:
        raise Refused(f"Invalid n: must be between 1 and {MAX_IMAGES}")
    return count


def _seed(fields: Mapping[str, Any]) -> int | None:
    """Return the seed; anything below zero means a random one (wire §7.3)."""
    seed = whole(fields, "seed")
    if seed is None or seed < 0:
        return None
    if seed > SEED_MAX:
        raise Refused(f"seed must be at most {SEED_MAX}")
    return seed


def _shown_seed(given: Any, seed: int | None, profile: Profile) -> str | None:
    """Return what a row shows: a text as it was sent, also one below zero, by which a client may know its job."""
    if isinstance(given, str):
        return given or None
    if seed is None:
        return None
    return f"{seed}.0" if profile.decimal_seed else str(seed)


def _strength(fields: Mapping[str, Any]) -> float | None:
    strength = number(fields, "strength")
    if strength is not None and not 0 <= strength <= 1:
        raise Refused("strength must be between 0 and 1")
    return strength


def _sampling(fields: Mapping[str, Any], name: str) -> Any:
    if name == "sampling_method":
        return word(fields, name)
    return number(fields, name) if name == "cfg_scale" else whole(fields, name)
