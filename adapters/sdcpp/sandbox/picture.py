"""Makes the bytes that an upstream would deliver: the same ones for the same prompt, seed and size.

Edits and variations use a seed of their own, as the real server does (wire §6): it follows from the job's id.
"""

import io
import re
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct
from PIL import Image

from adapters.kit.render import alter, render, upscale
from adapters.kit.scenario import Forced, without_tokens
from adapters.sdcpp.sandbox.binding import parse_int
from adapters.sdcpp.sandbox.fault import JobError

DEFAULT_SIDE = 512
#: Larger pictures, and more of them, would eat the machine. What a real upstream does with them was not measured.
MAX_PIXELS = 4096 * 4096
MAX_SIDE = 16384
MAX_COUNT = 100
UPSCALE_FACTOR = 4
FORMATS = ("png", "jpeg", "webp", "avif")
TOO_LARGE = 'API request failed: 400 {"error": "invalid params"}'
#: What the recorded upstream sent instead of base64 of a picture.
JUNK = b"not an image"
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_EXTRA = re.compile(r"<sd_cpp_extra_args>(.*?)</sd_cpp_extra_args>", re.DOTALL)
_NEGATIVE = re.compile(r"<negative_prompt>.*?</negative_prompt>", re.DOTALL)


class Commission(Struct, frozen=True, kw_only=True):
    """What the upstream is asked for."""

    kind: str
    prompt: str
    seed: int
    width: int
    height: int
    count: int
    strength: float = 0.75
    source: bytes | None = None
    mask: bytes | None = None


def commission(row: dict[str, Any], source: bytes | None, mask: bytes | None) -> Commission:
    """Read a row as the worker does: no size is 512x512, a count that is none is 1."""
    prompt = row["prompt"] or ""
    width, height = size(row["size"])
    count = int(row["n"]) if isinstance(row["n"], int | float) and row["n"] >= 1 else 1
    if not 0 < width * height <= MAX_PIXELS or max(width, height) > MAX_SIDE or count > MAX_COUNT:
        raise JobError(TOO_LARGE)
    own = int.from_bytes(sha256(row["id"].encode()).digest()[:4], "big")
    asked = parse_int(row["seed"]) if row["type"] == "generate" else _injected_seed(prompt)
    return Commission(
        kind=row["type"],
        prompt=without_tokens(_NEGATIVE.sub(" ", _EXTRA.sub(" ", prompt))),
        seed=own if asked is None or asked < 0 else asked,
        width=width,
        height=height,
        count=count,
        strength=min(max(row["strength"] if isinstance(row["strength"], int | float) else 0.75, 0.0), 1.0),
        source=source,
        mask=mask,
    )


def size(asked: str | None) -> tuple[int, int]:
    """Return a size in pixels: whatever is no `WxH` is 512x512 (wire §6)."""
    found = _SIZE.fullmatch(asked or "")
    return (int(found.group(1)), int(found.group(2))) if found else (DEFAULT_SIDE, DEFAULT_SIDE)


def _injected_seed(prompt: str) -> int | None:
    found = _EXTRA.search(prompt)
    try:
        arguments = msgspec.json.decode(found.group(1)) if found else None
    except msgspec.DecodeError:
        return None
    seed = arguments.get("seed") if isinstance(arguments, dict) else None
    return int(seed) if isinstance(seed, int | float) and seed else None


def delivered(asked: Commission, forced: dict[str, Forced]) -> list[bytes]:
    """Return all pictures of a job, spoilt where that is forced. It takes its time: call it in a thread."""
    count = asked.count
    if "fewer" in forced:
        count = max(count - int(forced["fewer"].number(1)), 0)
    return [_one(asked, index, forced) for index in range(count)]


def _one(asked: Commission, index: int, forced: dict[str, Forced]) -> bytes:
    if "junk_base64" in forced:
        return JUNK
    if "not_an_image" in forced:
        return sha256(f"{asked.seed}.{index}".encode()).digest() * 64
    width, height = asked.width, asked.height
    if "wrong_size" in forced:
        other = _SIZE.fullmatch(forced["wrong_size"].argument or "")
        width, height = (int(each) for each in other.groups()) if other else (max(width // 2, 1), max(height // 2, 1))
    media = "png"
    if "wrong_format" in forced:
        media = forced["wrong_format"].argument or "jpeg"
        media = media if media in FORMATS else "jpeg"
    data = _painted(asked, index, width, height, media)
    return data[: len(data) // 2] if "truncated" in forced else data


def _painted(asked: Commission, index: int, width: int, height: int, media: str) -> bytes:
    readable = asked.source is not None and is_picture(asked.source)
    if asked.kind == "upscale" and not readable:
        raise JobError("Input buffer contains unsupported image format")
    if asked.source is None or not readable:
        return render(asked.prompt, seed=asked.seed, width=width, height=height, format=media, index=index)
    if asked.kind == "upscale":
        return upscale(asked.source, factor=UPSCALE_FACTOR, format=media)
    mask = asked.mask if asked.mask is not None and is_picture(asked.mask) else None
    return alter(
        asked.source,
        prompt=asked.prompt,
        seed=asked.seed + index,
        strength=asked.strength,
        mask=mask,
        width=width,
        height=height,
        format=media,
    )


def is_picture(data: bytes) -> bool:
    """Say whether bytes can be decoded: Studio passes anything on (wire §7.2)."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    return True


def pixels(data: bytes) -> tuple[int | None, int | None]:
    """Return width and height of a picture's bytes, nothing for junk."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (OSError, ValueError):
        return None, None
