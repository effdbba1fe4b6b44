"""The sandboxes' edits, upscales and thumbnails: what they keep of a source, and what they change."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adapters.kit.render import alter, render, thumbnail, upscale
from contracts.sniff import sniff

ROOT = Path(__file__).parents[4]
FORMATS = ("png", "jpeg", "webp", "avif")


def pixels(data: bytes) -> np.ndarray:
    """Decode a picture to whole numbers that may be subtracted."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int64)


def apart(first: bytes, second: bytes) -> float:
    """Return the mean difference of two pictures of one size, in levels."""
    return float(np.abs(pixels(first) - pixels(second)).mean())


def mask(size: tuple[int, int], hole: tuple[int, int, int, int], *, alpha: bool = True) -> bytes:
    """Return a mask that opens a box: transparent in an opaque picture, or white on black."""
    image = Image.new("RGBA", size, (0, 0, 0, 255)) if alpha else Image.new("L", size, 0)
    image.paste((0, 0, 0, 0) if alpha else 255, hole)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def data_of(prompt: str, *, width: int = 120, height: int = 96) -> bytes:
    """Return a picture to work on."""
    return render(prompt, seed=2, width=width, height=height)


@pytest.mark.parametrize("alpha", [True, False])
def test_a_masked_edit_leaves_everything_outside_the_mask_as_it_was(*, alpha: bool) -> None:
    """Outside the hole not one value changes, inside it most do."""
    source = data_of("a mountain lake at dawn")
    hole = (30, 20, 90, 70)
    done = alter(source, prompt="a hot air balloon", seed=1, mask=mask((120, 96), hole, alpha=alpha))
    changed = (pixels(done) != pixels(source)).any(axis=2)
    inside = np.zeros_like(changed)
    inside[hole[1] : hole[3], hole[0] : hole[2]] = True
    assert not changed[~inside].any()
    assert changed[inside].mean() > 0.6


def test_a_mask_of_another_size_is_fitted_and_a_closed_one_changes_nothing() -> None:
    """A mask made for a thumbnail opens the same part; one without an opening gives the picture back."""
    source = data_of("a cat")
    small = alter(source, prompt="sunset sea", seed=1, mask=mask((60, 48), (0, 0, 30, 48)))
    changed = (pixels(small) != pixels(source)).any(axis=2)
    assert changed[:, :55].mean() > 0.5
    assert not changed[:, 60:].any()
    closed = alter(source, prompt="sunset sea", seed=1, mask=mask((120, 96), (0, 0, 0, 0)))
    assert (pixels(closed) == pixels(source)).all()


def test_an_unmasked_edit_shows_both_the_source_and_the_new_motif() -> None:
    """It differs from the source, less so at a lower strength, and not at all at none."""
    source = data_of("a cat")
    strong, weak, none = (alter(source, prompt="a red sunset", seed=1, strength=share) for share in (0.9, 0.3, 0.0))
    assert apart(strong, source) > apart(weak, source) > 3
    assert (pixels(none) == pixels(source)).all()
    fresh = render("a red sunset", seed=1, width=120, height=96)
    assert apart(weak, source) < apart(fresh, source)


def test_an_edit_is_deterministic_and_follows_its_prompt_and_seed() -> None:
    """The same arguments give the same bytes, other words or another seed other bytes."""
    source = data_of("a cat")
    first = alter(source, prompt="a forest", seed=1)
    assert first == alter(source, prompt="a forest", seed=1)
    assert first != alter(source, prompt="a forest", seed=2)
    assert first != alter(source, prompt="the sea", seed=1)


@pytest.mark.parametrize("form", FORMATS)
def test_an_edit_takes_the_size_and_format_asked_for(form: str) -> None:
    """Width and height are the caller's, each falling back to the source's."""
    done = sniff(alter(data_of("a cat"), prompt="a dog", seed=1, width=77, format=form))
    assert done is not None
    assert (done.format, done.width, done.height) == (form, 77, 96)


@pytest.mark.parametrize(("factor", "size"), [(2, (240, 192)), (1.5, (180, 144)), (0.01, (1, 1))])
def test_upscaling_multiplies_both_sides(factor: float, size: tuple[int, int]) -> None:
    """Sides are rounded to whole pixels and never vanish."""
    found = sniff(upscale(data_of("a cat"), factor=factor, format="webp"))
    assert found is not None
    assert (found.format, found.width, found.height) == ("webp", *size)


def test_upscaling_keeps_the_picture() -> None:
    """Reduced again, the enlarged picture is the old one but for its edges."""
    source = data_of("a cat")
    large = Image.open(io.BytesIO(upscale(source, factor=2)))
    back = np.asarray(large.reduce(2)).astype(np.int64)
    assert np.abs(back - pixels(source)).mean() < 4


def test_a_thumbnail_fits_its_square_and_never_grows() -> None:
    """The longer side is met, the shape is kept, a small picture stays small."""
    found = sniff(thumbnail(data_of("a cat", width=300, height=200), side=64))
    assert found is not None
    assert (found.format, found.width) == ("jpeg", 64)
    assert found.height in (42, 43)
    tiny = sniff(thumbnail(data_of("a cat", width=20, height=10), side=64, format="png"))
    assert tiny is not None
    assert (tiny.width, tiny.height) == (20, 10)


def test_what_a_source_file_carried_is_not_passed_on() -> None:
    """A camera's notes in an uploaded file do not reach the results."""
    notes = Image.Exif()
    notes[0x010E] = "taken at home"
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 90, 60)).save(file, "JPEG", exif=notes, comment=b"taken at home")
    for done in (
        thumbnail(file.getvalue(), side=32),
        upscale(file.getvalue(), factor=2),
        alter(file.getvalue(), prompt="a dog", seed=1, format="jpeg"),
    ):
        assert b"taken at home" not in done
        assert b"Exif" not in done


def test_transparent_sources_are_laid_on_white() -> None:
    """A cut-out becomes an opaque picture, its hidden colours gone."""
    file = io.BytesIO()
    Image.new("RGBA", (32, 32), (10, 200, 10, 0)).save(file, "PNG")
    assert (pixels(upscale(file.getvalue(), factor=1)) == 255).all()


def test_lossless_webp_keeps_every_pixel() -> None:
    """Asked for without loss, webp decodes to what png holds."""
    wanted = render("a cat", seed=2, width=120, height=96)
    assert (pixels(render("a cat", seed=2, width=120, height=96, format="webp", lossless=True)) == pixels(wanted)).all()


def test_lower_quality_makes_smaller_files() -> None:
    """The quality reaches the encoder."""
    low, high = (render("a cat", seed=2, width=200, height=200, format="jpeg", quality=q) for q in (20, 95))
    assert len(low) < len(high) / 2


def test_what_cannot_be_read_or_held_is_a_value_error() -> None:
    """Unknown formats, bytes that are no picture, half a picture and absurd sizes are refused in words."""
    whole = data_of("a cat")
    with pytest.raises(ValueError, match="no such format"):
        render("a cat", seed=1, width=8, height=8, format="gif")
    with pytest.raises(ValueError, match="not a png"):
        thumbnail(b"GIF89a" + bytes(40), side=8)
    with pytest.raises(ValueError, match="damaged png"):
        upscale(whole[: len(whole) // 2], factor=2)
    with pytest.raises(ValueError, match="no picture of"):
        upscale(whole, factor=1000)
    with pytest.raises(ValueError, match="no picture of 0x10"):
        render("a cat", seed=1, width=0, height=10)
