"""Reads the body of `generate`: defaults, and the seven fallbacks that happen in silence (seed, "action: generate").

What the seed leaves open is read the same mild way: a number out of its range is moved into it, a value of another
type counts as not sent. Nothing but the prompt is ever refused.
"""

from collections.abc import Container
from typing import Any

from msgspec import Struct

from adapters.imgen.sandbox.catalogue import DEFAULT_SIZE, FIRST_MODEL, FORMATS, MODELS, POSITIONS, SIZES
from adapters.imgen.sandbox.outcome import Refusal
from adapters.imgen.sandbox.prompt import Parsed, read

MAX_PRECOMPLIANCE = 2000
CREDENTIALS = ("author", "title", "description", "organization", "vendor")


class Mark(Struct, frozen=True, kw_only=True):
    """A watermark: `opacity` is what the wire calls transparency, 100 being opaque."""

    image: str
    position: str
    scale: int
    opacity: int
    rotation: int
    padding_x: int
    padding_y: int


class CacheWish(Struct, frozen=True, kw_only=True):
    """Whether and how the cache is asked first."""

    use: bool
    only: bool
    force: bool
    pick: int


class Wish(Struct, frozen=True, kw_only=True):
    """What `generate` is going to do, after every fallback."""

    prompt: str
    parsed: Parsed
    model: str
    style: str
    negative: str
    width: int
    height: int
    format: str
    quality: int
    lossless: bool
    ruleset: str
    precompliance: str
    optimize: bool
    credentials: dict[str, str]
    cache: CacheWish


def to_prompt(body: dict[str, Any], forced: Container[str]) -> str:
    """Return the prompt of a body; raise `Prompt is required` where there is none."""
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip() or "prompt_required" in forced:
        raise Refusal("prompt_required")
    return prompt


def to_wish(body: dict[str, Any], forced: Container[str]) -> Wish:
    """Read a body; raise `Prompt is required` where there is none."""
    prompt = to_prompt(body, forced)
    model = _known(body, "model", MODELS, FIRST_MODEL, "fallback_model" in forced)
    width, height = _size(body, "fallback_size" in forced)
    return Wish(
        prompt=prompt,
        parsed=read(prompt),
        model=model,
        style=_known(body, "style", MODELS[model].styles, MODELS[model].default_style, "fallback_style" in forced),
        negative=_text(body, "negative"),
        width=width,
        height=height,
        format=_known(body, "format", FORMATS, "jpeg", "fallback_format" in forced),
        quality=_number(body, "quality", 95, 1, 100),
        lossless=body.get("lossless") is True,
        ruleset="default" if "fallback_ruleset" in forced else _text(body, "compliance_ruleset").strip() or "default",
        precompliance=_note(body, "fallback_precompliance" in forced),
        optimize=body.get("optimize") is True,
        credentials={name: _text(body, f"cs_{name}") for name in CREDENTIALS},
        cache=CacheWish(
            use=body.get("use_cache") is True,
            only=body.get("cache_only") is True,
            force=body.get("cache_force") is True,
            pick=_number(body, "cache_pick", 5, 1, 10),
        ),
    )


def to_mark(body: dict[str, Any]) -> Mark | None:
    """Read the watermark of a body, if it has one."""
    image = _text(body, "wm_image")
    if not image:
        return None
    return Mark(
        image=image,
        position=_known(body, "wm_position", POSITIONS, "bottom-right", forced=False),
        scale=_number(body, "wm_scale", 5, 1, 100),
        opacity=_number(body, "wm_transparency", 100, 0, 100),
        rotation=_number(body, "wm_rotation", 0, -360, 360),
        padding_x=_number(body, "wm_padding_x", 10, 0, 500),
        padding_y=_number(body, "wm_padding_y", 10, 0, 500),
    )


def _known(body: dict[str, Any], name: str, known: Container[str], fallback: str, forced: bool) -> str:  # noqa: FBT001
    value = body.get(name)
    return value if isinstance(value, str) and value in known and not forced else fallback


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _note(body: dict[str, Any], forced: bool) -> str:  # noqa: FBT001
    note = _text(body, "precompliance")[:MAX_PRECOMPLIANCE]
    return note[: len(note) // 2] if forced else note


def _number(body: dict[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = body.get(name)
    return min(max(value, least), most) if isinstance(value, int) and not isinstance(value, bool) else default


def _size(body: dict[str, Any], forced: bool) -> tuple[int, int]:  # noqa: FBT001
    width, height = body.get("width", DEFAULT_SIZE[0]), body.get("height", DEFAULT_SIZE[1])
    if forced or not isinstance(width, int) or not isinstance(height, int):
        return DEFAULT_SIZE
    return (width, height) if (width, height) in SIZES else DEFAULT_SIZE
