"""A mark laid over a picture: where, how large, how dense and how turned (seed 003, the `wm_*` fields)."""

import io

import pytest
from PIL import Image

from contracts.media import Format
from contracts.spec import Padding, Watermark
from gateway.engine.encode import encode
from gateway.engine.marking import Mark
from tests.unit.pictures import MODES, decoded, encoded

POSITIONS = ("top-left", "top-right", "center", "bottom-left", "bottom-right")


def png(picture: Image.Image) -> bytes:
    """Return a picture as a file."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


WHITE = png(Image.new("RGB", (200, 100), "white"))
BLACK = png(Image.new("RGB", (40, 20), "black"))


def box(wish: Watermark, mark: bytes = BLACK) -> tuple[int, int, int, int] | None:
    """Return where a white picture is not white any more."""
    result = decoded(encode(WHITE, "png", mark=Mark(mark, wish)))
    assert result.size == (200, 100)
    return result.convert("L").point(lambda value: 255 if value < 250 else 0).getbbox()


@pytest.mark.parametrize(
    ("position", "where"),
    list(zip(POSITIONS, [(7, 3), (153, 3), (80, 40), (7, 77), (153, 77)], strict=True)),
)
def test_a_mark_lies_in_its_corner_at_its_distance(position: str, where: tuple[int, int]) -> None:
    """A fifth as wide as the picture, its shape kept; in the middle no distance counts."""
    wish = Watermark(position=position, scale=20, padding=Padding(x=7, y=3))  # type: ignore[arg-type]
    assert box(wish) == (*where, where[0] + 40, where[1] + 20)


def test_what_was_left_open_is_as_the_document_says() -> None:
    """5 percent, opaque, upright, 10 pixels from the lower right corner."""
    assert box(Watermark()) == (180, 85, 190, 90)


def test_a_mark_is_as_dense_as_it_is_wished() -> None:
    """Half is half way between the two; none leaves the picture as it is."""
    half = decoded(encode(WHITE, "png", mark=Mark(BLACK, Watermark(position="center", scale=50, opacity=0.5))))
    assert abs(int(half.convert("L").getpixel((100, 50))) - 127) <= 1  # type: ignore[arg-type]
    assert box(Watermark(scale=50, opacity=0)) is None


def test_a_mark_is_turned_clockwise() -> None:
    """A quarter turns it upright, and what was left is on top."""
    two = Image.new("RGB", (40, 20), "black")
    two.paste((128, 128, 128), (0, 0, 20, 20))
    result = decoded(encode(WHITE, "png", mark=Mark(png(two), Watermark(position="center", scale=20, rotation=90))))
    grey = result.convert("L")
    assert int(grey.getpixel((100, 35))) > 100  # type: ignore[arg-type]
    assert int(grey.getpixel((100, 65))) < 30  # type: ignore[arg-type]


def test_a_mark_larger_than_the_picture_is_cut_off() -> None:
    """As wide as the picture and far higher, or pushed out over its edges: never an error."""
    tall = png(Image.new("RGB", (2, 900), "black"))
    assert box(Watermark(position="top-left", scale=100, padding=Padding(x=0, y=0)), tall) == (0, 0, 200, 100)
    assert box(Watermark(position="top-left", scale=5, padding=Padding(x=500, y=500))) is None


@pytest.mark.parametrize("target", ["png", "jpeg", "webp", "avif"])
@pytest.mark.parametrize("mode", MODES)
def test_every_picture_can_be_marked(mode: str, target: Format) -> None:
    """Whatever mode a backend delivers; and one with an alpha channel keeps it where the format has one."""
    container = "jpeg" if mode == "CMYK" else "png"
    result = decoded(encode(encoded(container, mode), target, mark=Mark(BLACK, Watermark(position="center"))))
    assert result.size == decoded(encoded(container, mode)).size
    if mode == "RGBA" and target != "jpeg":
        assert result.mode == "RGBA"
