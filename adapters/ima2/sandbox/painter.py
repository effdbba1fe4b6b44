"""Paints what the upstream would send: the same prompt gives the same picture; forced pictures come out wrong here."""

import asyncio
import io
import re
import zlib
from functools import lru_cache

from msgspec import Struct
from PIL import Image

from adapters.kit.film import film
from adapters.kit.render import alter, render
from adapters.kit.scenario import Forced, without_tokens

_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})\Z")
_SQUARE = (1024, 1024)
_SHORTEST, _LONGEST = 8, 4096
_PREVIEW = 8
_JUNK = b"this is no picture, whatever its name says. " * 40
_CONVERTED = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
#: Sizes that xAI's aspect ratios and tiers stand for (wire §11 by way of the newest docs).
_GROK_SIZES = (
    (1024, 1024),
    (1536, 1024),
    (1024, 1536),
    (1360, 1024),
    (1024, 1360),
    (1824, 1024),
    (1024, 1824),
    (2048, 2048),
    (2048, 1152),
    (1152, 2048),
)
_VIDEO_SIDES = {"480p": 480, "720p": 720, "1080p": 1080}
FRAMES_A_SECOND = 8


class Painting(Struct, frozen=True, kw_only=True):
    """One picture to be made."""

    prompt: str
    width: int
    height: int
    index: int = 0
    format: str = "png"
    source: bytes | None = None
    forced: dict[str, Forced] = {}


def pixels(size: object) -> tuple[int, int]:
    """Read a size as the upstream would; what is no size becomes a square (sizes are not checked: wire §3)."""
    found = _SIZE.match(size) if isinstance(size, str) else None
    if found is None:
        return _SQUARE
    width, height = (min(max(int(side), _SHORTEST), _LONGEST) for side in found.groups())
    return width, height


def grok_pixels(size: object) -> tuple[int, int]:
    """Return the nearest size that Grok knows: it takes shapes and tiers, no pixels."""
    width, height = pixels(size)
    return min(_GROK_SIZES, key=lambda each: (abs(each[0] / each[1] - width / height), abs(each[0] - width)))


def video_pixels(resolution: str, ratio: str) -> tuple[int, int]:
    """Return the frame of a video; `auto` is 16:9."""
    across, down = (int(each) for each in ("16:9" if ratio == "auto" else ratio).split(":"))
    short = _VIDEO_SIDES[resolution]
    long = round(short * max(across, down) / min(across, down) / 2) * 2
    return (long, short) if across >= down else (short, long)


class Painter:
    """Paints in threads, and remembers the last pictures: a repeated prompt costs nothing."""

    def __init__(self) -> None:
        """Begin with a clean palette."""
        self._render = lru_cache(maxsize=24)(_render)

    async def paint(self, painting: Painting) -> bytes:
        """Return a picture, or what is forced to come in its place."""
        return await asyncio.to_thread(self._painted, painting)

    async def preview(self, painting: Painting, step: int) -> bytes:
        """Return a partial picture: small and coarse, less so with every step."""
        return await asyncio.to_thread(self._previewed, painting, step)

    async def shoot(self, painting: Painting, seconds: float) -> bytes:
        """Return a video: a slow move over one picture."""
        return await asyncio.to_thread(self._shot, painting, seconds)

    def _painted(self, painting: Painting) -> bytes:
        forced = painting.forced
        if "not_an_image" in forced:
            return _JUNK
        width, height = painting.width, painting.height
        if "wrong_size" in forced:
            width, height = _other_size(forced["wrong_size"], width, height)
        prompt = without_tokens(painting.prompt)
        kind = painting.format
        data = None if painting.source is None else _altered(painting.source, prompt, width, height, kind)
        if data is None:
            data = self._render(prompt, width, height, painting.index, kind)
        if "wrong_format" in forced:
            data = _converted(data, forced["wrong_format"].argument)
        return data[: len(data) // 2] if "truncated" in forced else data

    def _previewed(self, painting: Painting, step: int) -> bytes:
        side = max(1, _PREVIEW >> step)
        prompt = without_tokens(painting.prompt)
        width, height = max(_SHORTEST, painting.width // side), max(_SHORTEST, painting.height // side)
        small = Image.open(io.BytesIO(self._render(prompt, width, height, painting.index, "png")))
        written = io.BytesIO()
        small.resize((painting.width, painting.height), Image.Resampling.BICUBIC).save(written, "PNG")
        return written.getvalue()

    def _shot(self, painting: Painting, seconds: float) -> bytes:
        if "not_an_image" in painting.forced:
            return _JUNK
        width, height = painting.width, painting.height
        if "wrong_size" in painting.forced:
            width, height = _other_size(painting.forced["wrong_size"], width, height)
        prompt = without_tokens(painting.prompt)
        still = None if painting.source is None else _altered(painting.source, prompt, width, height, "png")
        picture = Image.open(io.BytesIO(still or self._render(prompt, width, height, painting.index, "png")))
        frames = _moved(picture.convert("RGB"), round(seconds * FRAMES_A_SECOND))
        data = film(frames, width=width, height=height, fps=FRAMES_A_SECOND)
        return data[: len(data) // 2] if "truncated" in painting.forced else data


def _render(prompt: str, width: int, height: int, index: int, kind: str) -> bytes:
    return render(prompt, seed=_seed(prompt), width=width, height=height, format=kind, index=index)


def _seed(prompt: str) -> int:
    return zlib.crc32(prompt.encode()) & 0x7FFFFFFF


def _altered(source: bytes, prompt: str, width: int, height: int, kind: str) -> bytes | None:
    """Return the source as the prompt changes it; None where it is no picture, which nobody checks (wire §3)."""
    try:
        return alter(source, prompt=prompt, seed=_seed(prompt), width=width, height=height, format=kind)
    except ValueError:
        return None


def _converted(data: bytes, wanted: str | None) -> bytes:
    name = (wanted or "webp").upper()
    written = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("RGB").save(written, name if name in _CONVERTED else "WEBP")
    return written.getvalue()


def _other_size(forced: Forced, width: int, height: int) -> tuple[int, int]:
    return pixels(forced.argument) if forced.argument else (max(1, width // 2), max(1, height // 2))


def _moved(picture: Image.Image, count: int) -> list[bytes]:
    width, height = picture.size
    frames: list[bytes] = []
    for number in range(count):
        part = 0.15 * number / max(1, count - 1)
        box = (part * width, part * height / 2, width - part * width / 2, height - part * height)
        written = io.BytesIO()
        picture.resize((width, height), Image.Resampling.BILINEAR, box=box).save(written, "JPEG", quality=80)
        frames.append(written.getvalue())
    return frames
