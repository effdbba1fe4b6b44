"""The fields of `generate`, read and checked before anything is made (seed, table of fields).

What is out of its range is refused, where the seed would take another value in silence; with `silent_fallbacks` its
seven fallbacks come back, and an unknown or second `@name` is left out as its "Prompt Syntax" says.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from adapters.imgen.face.said import Refused
from contracts.media import Dimensions, Format
from contracts.spec import Padding, Watermark
from contracts.tags import Tagged, TagSyntax, read

SYNTAX = TagSyntax(character="@", negative="-")
SIZES = tuple(
    Dimensions(*pair)
    for pair in ((1344, 768), (1024, 1024), (768, 1344), (1216, 832), (832, 1216), (1152, 896), (896, 1152))
)
FORMATS: tuple[Format, ...] = ("jpeg", "png", "webp", "avif")
POSITIONS = ("top-left", "top-right", "center", "bottom-left", "bottom-right")
CREDENTIALS = ("author", "title", "description", "organization", "vendor")
NOTE_CHARS = 2000
DEFAULT_QUALITY = 95
DEFAULT_RULESET = "default"
_LONGEST_TEXT, _LONGEST_NAME = 100_000, 200


class CacheWish(Struct, frozen=True, kw_only=True):
    """Whether an earlier picture will do, and which."""

    only: bool
    force: bool
    pick: int


class Ask(Struct, frozen=True, kw_only=True):
    """What a request comes to. None: the client left it open."""

    prompt: str
    tagged: Tagged
    negative: str
    model: str | None
    style: str | None
    optimize: bool
    cache: CacheWish | None
    size: Dimensions
    #: Whether the client named it: the default is nobody's promise.
    is_sized: bool
    format: Format
    quality: int | None
    lossless: bool
    ruleset: str | None
    note: str | None
    mark: str | None
    watermark: Watermark
    provenance: Mapping[str, str]

    @property
    def character(self) -> str | None:
        """The one character of the prompt."""
        return self.tagged.characters[0] if self.tagged.characters else None

    @property
    def negatives(self) -> str:
        """The terms of the prompt, then the field (seed, "Server-side Prompt Construction")."""
        return ", ".join(each for each in (*self.tagged.terms, self.negative.strip()) if each)


def ask_of(body: Mapping[str, Any], *, lenient: bool) -> Ask:
    """Return what is asked for; raise what imgen says of a field that is none."""
    fields = Fields(body, lenient=lenient)
    prompt = fields.prompt()
    tagged = read(prompt, SYNTAX)
    if not tagged.text.strip():
        raise Refused("Prompt is required", "names and negative terms alone are no prompt")
    if len(tagged.characters) > 1 and not lenient:
        raise Refused("Invalid character", "one picture has one character")
    size, is_sized = fields.size()
    format_ = fields.format()
    return Ask(
        prompt=prompt,
        tagged=tagged,
        negative=fields.text("negative") or "",
        model=fields.name("model"),
        style=fields.name("style"),
        optimize=fields.flag("optimize"),
        cache=fields.cache(),
        size=size,
        is_sized=is_sized,
        format=format_,
        quality=fields.quality(format_),
        lossless=fields.lossless(format_),
        ruleset=fields.ruleset(),
        note=fields.note(),
        mark=fields.mark(),
        watermark=fields.watermark(),
        provenance={name: text for name in CREDENTIALS if (text := fields.text(f"cs_{name}"))},
    )


class Fields:
    """A body read field by field; `null` is as good as not sent."""

    def __init__(self, body: Mapping[str, Any], *, lenient: bool) -> None:
        """Take the body, and whether what is none falls back in silence."""
        self._body = {name: value for name, value in body.items() if value is not None}
        self._lenient = lenient

    def prompt(self) -> str:
        """Return the prompt, with every `@name` and `-term` in it."""
        prompt = self._body.get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            raise Refused("Prompt is required")
        if len(prompt) > _LONGEST_TEXT:
            raise invalid("prompt", f"may have at most {_LONGEST_TEXT} characters")
        return prompt

    def text(self, name: str, longest: int = _LONGEST_TEXT) -> str | None:
        """Return a text; an empty one is the seed's default for all of them."""
        value = self._body.get(name, "")
        if not isinstance(value, str):
            raise invalid(name, "must be a string")
        if len(value) > longest:
            raise invalid(name, f"may have at most {longest} characters")
        return value or None

    def name(self, name: str) -> str | None:
        """Return the key of a model or a style."""
        if self._lenient and not isinstance(self._body.get(name, ""), str):
            return None
        return self.text(name, _LONGEST_NAME)

    def flag(self, name: str) -> bool:
        """Return a yes or no."""
        value = self._body.get(name, False)
        if not isinstance(value, bool):
            raise invalid(name, "must be true or false")
        return value

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Return a whole number within its range."""
        value = self._body.get(name, default)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise invalid(name, f"must be a whole number from {least} to {most}")
        return value

    def cache(self) -> CacheWish | None:
        """Return the wish for an earlier picture."""
        use, only, force = (self.flag(name) for name in ("use_cache", "cache_only", "cache_force"))
        pick = self._body.get("cache_pick")
        if self._lenient and isinstance(pick, int | float):
            self._body["cache_pick"] = int(min(max(pick, 1), 10))
        wish = CacheWish(only=only, force=force, pick=self.number("cache_pick", 5, 1, 10))
        if not use and (only or force) and not self._lenient:
            raise invalid("cache_only" if only else "cache_force", "means nothing without use_cache")
        return wish if use else None

    def size(self) -> tuple[Dimensions, bool]:
        """Return one of the seven, and whether the client named it."""
        width, height = self._body.get("width", 1344), self._body.get("height", 768)
        found = next((each for each in SIZES if [each.width, each.height] == [width, height]), None)
        if found is None and not self._lenient:
            raise invalid("dimensions", f"width and height must be one of {', '.join(map(str, SIZES))}")
        return found or SIZES[0], found is not None and bool({"width", "height"} & self._body.keys())

    def format(self) -> Format:
        """Return the format: jpeg is imgen's default."""
        value = self._body.get("format", "jpeg") or "jpeg"
        found = next((each for each in FORMATS if each == value), None)
        if found is None and not self._lenient:
            raise invalid("format", f"must be one of {', '.join(FORMATS)}")
        return found or "jpeg"

    def quality(self, format_: Format) -> int | None:
        """Return the compression quality, where the format has one."""
        quality = self.number("quality", DEFAULT_QUALITY, 1, 100)
        if format_ == "png":
            if quality != DEFAULT_QUALITY and not self._lenient:
                raise invalid("quality", "a png is compressed without loss")
            return None
        return quality if "quality" in self._body else None

    def lossless(self, format_: Format) -> bool:
        """Return whether the encoder may lose nothing: imgen knows it of webp and avif, and a png always is."""
        lossless = self.flag("lossless")
        if lossless and format_ == "jpeg" and not self._lenient:
            raise invalid("lossless", "a jpeg is never lossless: choose webp, avif or png")
        return lossless and format_ in ("webp", "avif")

    def ruleset(self) -> str | None:
        """Return the reviewer's rules, but for those that it takes anyhow."""
        ruleset = self.text("compliance_ruleset", _LONGEST_NAME)
        if ruleset is not None and not ruleset.strip():
            if not self._lenient:
                raise invalid("compliance_ruleset", "is blank")
            return None
        return None if ruleset == DEFAULT_RULESET else ruleset

    def note(self) -> str | None:
        """Return the note for the reviewer: longer ones are refused, not cut."""
        if self._lenient and isinstance(given := self._body.get("precompliance"), str):
            self._body["precompliance"] = given[:NOTE_CHARS]
        return self.text("precompliance", NOTE_CHARS)

    def mark(self) -> str | None:
        """Return the watermark as a data URI; what it is, its content says later."""
        uri = self.text("wm_image", 1 << 30)
        if uri is not None and not uri.startswith("data:"):
            raise invalid("wm_image", "must be a base64 data URI")
        return uri

    def watermark(self) -> Watermark:
        """Return how it is laid, with imgen's defaults spelled out. 100 is opaque, whatever the name says (seed)."""
        position = self._body.get("wm_position", "bottom-right")
        if position not in POSITIONS:
            raise invalid("wm_position", f"must be one of {', '.join(POSITIONS)}")
        return Watermark(
            position=position,
            scale=self.number("wm_scale", 5, 1, 100),
            opacity=self.number("wm_transparency", 100, 0, 100) / 100,
            rotation=self.number("wm_rotation", 0, -360, 360),
            padding=Padding(x=self.number("wm_padding_x", 10, 0, 500), y=self.number("wm_padding_y", 10, 0, 500)),
        )


def invalid(name: str, detail: str) -> Refused:
    """Return the refusal of a field, as the seed says it of a character."""
    return Refused(f"Invalid {name}", detail)
