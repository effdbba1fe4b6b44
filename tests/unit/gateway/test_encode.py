"""Encoding anew: the wished format, the same picture, and no loss where none was promised."""

import io
from typing import get_args

import pytest
from PIL import Image, ImageChops

from contracts.catalog import CatalogError
from contracts.fit.picture import GATEWAY_LOSSLESS
from contracts.media import Format
from contracts.sniff import Media, sniff
from gateway.engine.encode import DEFAULT_QUALITY, encode
from tests.unit.pictures import MODES, canvas, decoded, encoded, interlaced_png, png_chunk

FORMATS: tuple[Format, ...] = get_args(Format)


def far_apart(one: Image.Image, other: Image.Image) -> int:
    """Return the greatest difference of any two values of two pictures."""
    extremes = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getextrema()
    return max(int(each[1]) for each in extremes)  # type: ignore[index]


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize(
    ("source", "mode"),
    [*(("png", mode) for mode in MODES if mode != "CMYK"), ("jpeg", "CMYK"), ("webp", "RGBA"), ("avif", "RGB")],
)
def test_every_picture_is_written_in_every_format(source: str, mode: str, target: Format) -> None:
    """Whatever mode a backend delivers, the result is of the wished format and size, and shows the same."""
    data = encoded(source, mode)
    result = encode(data, target)
    assert sniff(result) == Media(target, 24, 16)
    original = decoded(encoded("png", "L")) if mode == "I;16" else decoded(data)
    shown = decoded(result)
    if target != "png" or mode not in ("I;16", "CMYK"):
        assert far_apart(original, shown) < 48


def test_sixteen_bits_are_scaled_and_not_cut_off() -> None:
    """A grey of 16 bits keeps its brightness in formats of 8, and its bits in a png."""
    data = encoded("png", "I;16")
    assert far_apart(decoded(encode(data, "webp", lossless=True)), canvas("L")) <= 2
    assert decoded(encode(data, "png")).tobytes() == decoded(data).tobytes()


@pytest.mark.parametrize("target", sorted(GATEWAY_LOSSLESS))
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_lossless_is_lossless(target: Format, mode: str) -> None:
    """Where the fit promises it, every value of every pixel is the same, invisible ones too."""
    picture = canvas(mode)
    if mode == "RGBA":
        picture.putalpha(picture.getchannel("A").point(lambda value: 0 if value < 128 else value))
    written = io.BytesIO()
    picture.save(written, "PNG")
    result = decoded(encode(written.getvalue(), target, lossless=True))
    assert result.convert(mode).tobytes() == picture.tobytes()


@pytest.mark.parametrize("target", ["jpeg", "webp", "avif"])
def test_the_quality_is_the_wished_one(target: Format) -> None:
    """A greater compression wish makes a larger file; without one the default counts."""
    data = encoded("png", size=(256, 256))
    sizes = [len(encode(data, target, quality=quality)) for quality in (5, 50, 100)]
    assert sizes == sorted(sizes)
    assert len(set(sizes)) == 3
    assert encode(data, target) == encode(data, target, quality=DEFAULT_QUALITY)


def test_alpha_is_kept_where_the_format_has_it() -> None:
    """A jpeg has none; the others keep it."""
    data = encoded("png", "RGBA")
    alpha = decoded(data).getchannel("A")
    assert decoded(encode(data, "jpeg")).mode == "RGB"
    for target in ("png", "webp", "avif"):
        kept = decoded(encode(data, target)).getchannel("A")
        assert max(ImageChops.difference(alpha, kept).getextrema()) <= 6  # type: ignore[type-var]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"no picture", b"GIF89a", encoded("png")[:60], encoded("jpeg")[:300], encoded("webp")[:30],
        encoded("avif")[:280], interlaced_png()[:33], b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", b""),
        encoded("png")[:33] + png_chunk(b"IDAT", b"garbage") + png_chunk(b"IEND", b""),
    ],
    ids=range(10),
)  # fmt: skip
def test_what_cannot_be_decoded_is_a_bad_response(data: bytes) -> None:
    """The backend delivered it: its answer makes no sense, and the work may be given out again."""
    with pytest.raises(CatalogError) as caught:
        encode(data, "webp")
    assert (caught.value.code, caught.value.outcome) == ("backend.bad_response", "finished_no_result")


def test_only_the_four_formats_are_opened() -> None:
    """Pillow reads dozens of formats, some of them by running others' programs: none but ours is tried."""
    assert encoded("gif", "P")[:3] == b"GIF"
    with pytest.raises(CatalogError):
        encode(encoded("gif", "P"), "png")
