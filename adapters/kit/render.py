"""The pictures the sandboxes deliver: drawn from the words of a prompt and a seed, never from a model.

Every function is pure: the same arguments give the same bytes in any process. Nothing but pixels goes into a file, so
no prompt can be read out of one. What cannot be read as a picture, or is too large to hold, is a `ValueError`.
"""

import hashlib
import io
import zlib

import numpy as np
from PIL import Image, ImageChops, ImageFilter, ImageOps

from adapters.kit.motif.colour import Colour
from adapters.kit.motif.finish import grained, marked
from adapters.kit.motif.noise import fbm, mask_of, step
from adapters.kit.motif.scene import compose
from adapters.kit.motif.tint import graded
from contracts.sniff import sniff

_FORMATS = ("png", "jpeg", "webp", "avif")
_LARGEST_SIDE = 16384
_MOST_PIXELS = 8192 * 8192
#: Larger pictures are drawn at this area and enlarged.
_DRAWN_PIXELS = 1_500_000
#: Smaller and longer pictures are drawn at least this wide and at most this stretched, then reduced and trimmed.
_DRAWN_SIDE = 96
_DRAWN_STRETCH = 5.0


def render(
    prompt: str,
    *,
    seed: int,
    width: int,
    height: int,
    format: str = "png",  # noqa: A002 - the word every image API uses
    quality: int = 90,
    lossless: bool = False,
    index: int = 0,
) -> bytes:
    """Return the picture a prompt describes; `index` tells the pictures of one request apart."""
    _check(width, height)
    rng = _source(prompt, seed, index)
    picture = _drawn(prompt, rng, width, height)
    return _encoded(marked(_textured(picture, rng)), format, quality=quality, lossless=lossless)


def thumbnail(data: bytes, *, side: int, format: str = "jpeg") -> bytes:  # noqa: A002
    """Return a picture reduced to fit a square of `side` pixels; smaller pictures keep their size."""
    picture = _opened(data)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return _encoded(picture, format, quality=82)


def alter(
    data: bytes,
    *,
    prompt: str,
    seed: int,
    strength: float = 0.75,
    mask: bytes | None = None,
    width: int | None = None,
    height: int | None = None,
    format: str = "png",  # noqa: A002
) -> bytes:
    """Return a relative of a picture: its tones redrawn in the prompt's colours, the prompt's motif showing through.

    With a mask only the pixels where the mask's alpha is 0 change; a mask without alpha marks them in white instead.
    """
    source = _opened(data)
    size = (width or source.width, height or source.height)
    _check(*size)
    if source.size != size:
        source = ImageOps.fit(source, size, Image.Resampling.LANCZOS)
    rng = _source(prompt, seed, 0)
    share = min(max(strength, 0.0), 1.0)
    if mask is not None:
        return _encoded(_repainted(source, _changed(mask, size), prompt, share, rng), format)
    if share > 0:
        source = marked(_textured(_exposed_twice(source, _drawn(prompt, rng, *size), share, rng), rng))
    return _encoded(source, format)


def upscale(data: bytes, *, factor: float, format: str = "png") -> bytes:  # noqa: A002
    """Return the picture enlarged by a factor, and a little sharper than plain resampling leaves it."""
    source = _opened(data)
    size = (max(1, round(source.width * factor)), max(1, round(source.height * factor)))
    _check(*size)
    large = source.resize(size, Image.Resampling.LANCZOS)
    if factor > 1:
        large = large.filter(ImageFilter.UnsharpMask(radius=max(0.8, factor * 0.6), percent=60, threshold=2))
    return _encoded(large, format)


def _source(prompt: str, seed: int, index: int) -> np.random.Generator:
    digest = hashlib.sha256(f"{prompt}\x00{seed}\x00{index}".encode("utf-8", "surrogatepass")).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def _drawn(prompt: str, rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Compose at a size that is worth drawing, then fit to the size that was asked for."""
    stretch = min(max(width / height, 1 / _DRAWN_STRETCH), _DRAWN_STRETCH)
    area = min(width * height, _DRAWN_PIXELS)
    across, down = (area * stretch) ** 0.5, (area / stretch) ** 0.5
    grow = max(1.0, _DRAWN_SIDE / min(across, down))
    size = (max(1, round(across * grow)), max(1, round(down * grow)))
    if size[0] * size[1] <= _DRAWN_PIXELS and min(width, height) >= _DRAWN_SIDE and stretch == width / height:
        size = (width, height)
    picture = compose(prompt, rng, *size)
    return picture if size == (width, height) else ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)


def _textured(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    return grained(picture, rng) if min(picture.size) >= _DRAWN_SIDE else picture


def _repainted(
    source: Image.Image, changed: Image.Image, prompt: str, share: float, rng: np.random.Generator
) -> Image.Image:
    """Draw the motif into the part that may change; outside it every pixel stays as it was."""
    box = changed.getbbox()
    if box is None:
        return source
    motif = _drawn(prompt, rng, box[2] - box[0], box[3] - box[1])
    under = source.crop(box)
    inside = _textured(Image.blend(graded(under, _tones(motif), share * 0.6), motif, share), rng)
    hard = changed.crop(box)
    # The seam is feathered inwards only.
    soft = hard.filter(ImageFilter.GaussianBlur(max(min(motif.size) * 0.02, 0.5)))
    seam = soft.point([min(max((value - 118) * 3, 0), 255) for value in range(256)])
    source.paste(inside, box, ImageChops.multiply(hard, seam))
    return source


def _exposed_twice(source: Image.Image, motif: Image.Image, share: float, rng: np.random.Generator) -> Image.Image:
    """Lay the motif over the recoloured source like a second exposure: clear around a point, faint elsewhere."""
    toned = graded(source, _tones(motif), share * 0.75)
    veiled = Image.blend(toned, ImageChops.soft_light(toned, motif), share * 0.7)
    across = np.linspace(-1, 1, 64, dtype=np.float32)[None, :] - np.float32(rng.uniform(-0.4, 0.4))
    down = np.linspace(-1, 1, 64, dtype=np.float32)[:, None] - np.float32(rng.uniform(-0.3, 0.3))
    ragged = fbm(rng, 64, 64, cells=4, octaves=3) - np.float32(0.5)
    clear = step(0.15, 0.75, 1 - np.sqrt(across * across + down * down) * np.float32(0.75) + ragged * np.float32(0.7))
    veiled.paste(motif, (0, 0), mask_of(clear, source.size, share * 0.8))
    return veiled


def _tones(picture: Image.Image) -> tuple[Colour, ...]:
    """Return a few of a picture's own colours from dark to light."""
    small = np.asarray(picture.resize((16, 16), Image.Resampling.BOX)).reshape(-1, 3).astype(np.int64)
    order = np.argsort(small @ np.array([299, 587, 114]), kind="stable")
    chosen = [small[order[place]] for place in (4, 64, 128, 192, 251)]
    return tuple((int(red), int(green), int(blue)) for red, green, blue in chosen)


def _changed(mask: bytes, size: tuple[int, int]) -> Image.Image:
    """Return white where the picture may change."""
    given = _decoded(mask)
    if "A" in given.getbands() or "transparency" in given.info:
        alpha = given.convert("RGBA").getchannel("A")
        found = alpha.point([255] + [0] * 255)
    else:
        found = given.convert("L").point([0] * 128 + [255] * 128)
    return found.resize(size, Image.Resampling.NEAREST)


def _opened(data: bytes) -> Image.Image:
    """Return a picture's colours on white, without anything else its file carried."""
    picture = _decoded(data)
    if "A" in picture.getbands() or "transparency" in picture.info:
        cut = picture.convert("RGBA")
        picture = Image.new("RGB", cut.size, (255, 255, 255))
        picture.paste(cut, (0, 0), cut.getchannel("A"))
    else:
        picture = picture.convert("RGB")
    picture.info = {}
    return picture


def _decoded(data: bytes) -> Image.Image:
    found = sniff(data)
    if found is None or found.format not in _FORMATS:
        msg = "not a png, jpeg, webp or avif picture"
        raise ValueError(msg)
    _check(found.width, found.height)
    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
        picture.load()
    except (OSError, SyntaxError) as error:
        msg = f"a damaged {found.format} picture"
        raise ValueError(msg) from error
    return picture


def _check(width: int, height: int) -> None:
    if min(width, height) < 1 or max(width, height) > _LARGEST_SIDE or width * height > _MOST_PIXELS:
        msg = f"no picture of {width}x{height} pixels: 1 to {_LARGEST_SIDE} a side, {_MOST_PIXELS} in all"
        raise ValueError(msg)


def _encoded(picture: Image.Image, form: str, *, quality: int = 90, lossless: bool = False) -> bytes:
    quality = min(max(quality, 1), 100)
    file = io.BytesIO()
    if form == "png":
        # Run-length matching is as small as level 3 on grain, faster, and the same in every build of zlib.
        picture.save(file, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    elif form == "jpeg":
        picture.save(file, "JPEG", quality=quality, subsampling=0 if quality >= 90 else 2)
    elif form == "webp" and lossless:
        picture.save(file, "WEBP", lossless=True, quality=10, method=0)
    elif form == "webp":
        picture.save(file, "WEBP", quality=quality, method=1)
    elif form == "avif":
        chroma = "4:4:4" if lossless else "4:2:0"
        # One thread, so that the same bytes come out whatever the machine.
        picture.save(file, "AVIF", quality=100 if lossless else quality, speed=9, max_threads=1, subsampling=chroma)
    else:
        msg = f"no such format: {form!r} (there are {', '.join(_FORMATS)})"
        raise ValueError(msg)
    return file.getvalue()
