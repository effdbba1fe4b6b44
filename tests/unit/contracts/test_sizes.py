"""Sizes: a wish is met within its tolerances, and a snapped size keeps the orientation and nearly the shape."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.capability import Capability, SizeRange
from contracts.fit.sizes import AREA_TOLERANCE, SNAP_TOLERANCE, nearest_size, size_for, size_words
from contracts.media import ASPECT_TOLERANCE, Dimensions, Size
from tests.unit.contracts.requests import RANGES, REAL, SIZES, made_up_capabilities

SEVEN = REAL["imgen"][1]
STUDIO = REAL["sdcpp"][1]
GROK = REAL["ima2 new grok"][1]
NOTHING = Capability()
#: Nearly squares, one lying and one standing.
ASKEW = Capability(sizes=(Dimensions(1040, 1000), Dimensions(1000, 1040)))
WISHES = SIZES.filter(lambda wish: wish != "auto").map(lambda wish: msgspec.convert(wish, Size))
CAPABILITIES = st.sampled_from([each for _, each in REAL.values()]) | made_up_capabilities()


def wish(**said: Any) -> Size:
    """Return a wish as it is decoded."""
    return msgspec.convert(said, Size)


def makes(capability: Capability, size: Dimensions) -> bool:
    """Say, by the words of the capability alone, whether this is one of its sizes."""
    bounds = capability.size_range
    return size in capability.sizes or (
        bounds is not None
        and bounds.min_side <= min(size.width, size.height)
        and max(size.width, size.height) <= bounds.max_side
        and size.width % bounds.step == size.height % bounds.step == 0
        and (bounds.max_pixels is None or size.pixels <= bounds.max_pixels)
    )


@settings(max_examples=150, deadline=None)
@given(wish=WISHES, capability=CAPABILITIES)
def test_a_met_size_is_what_was_wished(wish: Size, capability: Capability) -> None:
    """Pixels are met to the pixel; a shape within 2 %, and its area, where one was named, within 15 %."""
    met = size_for(wish, capability)
    if wish.exact is not None:
        assert met == (wish.exact if makes(capability, wish.exact) else None)
    elif met is not None:
        assert makes(capability, met)
        assert abs(met.aspect / wish.aspect - 1) <= ASPECT_TOLERANCE
        if isinstance(wish.megapixels, float):
            assert abs(met.pixels / (wish.megapixels * 1e6) - 1) <= AREA_TOLERANCE


@settings(max_examples=150, deadline=None)
@given(wish=WISHES, capability=CAPABILITIES)
def test_a_snapped_size_lies_the_same_way_and_has_nearly_the_shape(wish: Size, capability: Capability) -> None:
    """Landscape stays landscape and a square a square; the shape differs by at most 5 %."""
    near = nearest_size(wish, capability)
    if near is None:
        return
    assert makes(capability, near)
    assert abs(near.aspect / wish.aspect - 1) <= SNAP_TOLERANCE
    assert (near.width > near.height) == (wish.aspect > 1)
    assert (near.width < near.height) == (wish.aspect < 1)


@settings(max_examples=100, deadline=None)
@given(wish=WISHES, capability=CAPABILITIES)
def test_no_listed_size_of_the_right_shape_is_nearer(wish: Size, capability: Capability) -> None:
    """Of the listed sizes that could be snapped to, none has an area nearer to the wished one."""
    exact = wish.exact
    if exact is None or capability.size_range is not None:
        return
    near = nearest_size(wish, capability)
    rivals = [
        size
        for size in capability.sizes
        if abs(size.aspect / wish.aspect - 1) <= SNAP_TOLERANCE
        and (size.width - size.height > 0) == (wish.aspect > 1)
        and (size.width - size.height < 0) == (wish.aspect < 1)
    ]
    assert (near is None) == (not rivals)
    if near is not None:
        assert abs(near.pixels - exact.pixels) == min(abs(rival.pixels - exact.pixels) for rival in rivals)


@settings(max_examples=100, deadline=None)
@given(side=st.integers(1, 16384), bounds=RANGES)
def test_a_square_of_any_size_finds_a_square_in_a_range(side: int, bounds: SizeRange) -> None:
    """Too large or too small, a square comes down or up to one that the range has."""
    capability = Capability(size_range=bounds)
    if bounds.max_side // bounds.step * bounds.step < bounds.min_side:
        return
    near = nearest_size(wish(width=side, height=side), capability)
    assert near is not None
    assert near.width == near.height


@pytest.mark.parametrize(
    ("capability", "asked", "met"),
    [
        (SEVEN, {"width": 1344, "height": 768}, (1344, 768)),
        (SEVEN, {"width": 1345, "height": 768}, None),
        (SEVEN, {"aspect_ratio": "7:4"}, (1344, 768)),
        (SEVEN, {"aspect_ratio": "16:9"}, (1344, 768)),
        (SEVEN, {"aspect_ratio": "9:16"}, (768, 1344)),
        (SEVEN, {"aspect_ratio": "1:1"}, (1024, 1024)),
        (SEVEN, {"aspect_ratio": "1:1", "megapixels": 1}, (1024, 1024)),
        (SEVEN, {"aspect_ratio": "1:1", "megapixels": 4}, None),
        (SEVEN, {"aspect_ratio": "21:9"}, None),
        (STUDIO, {"width": 512, "height": 768}, (512, 768)),
        (STUDIO, {"width": 513, "height": 768}, None),
        (STUDIO, {"width": 4096, "height": 4096}, (4096, 4096)),
        (STUDIO, {"width": 4104, "height": 4096}, None),
        (STUDIO, {"aspect_ratio": "16:9", "megapixels": 2}, (1888, 1064)),
        (GROK, {"width": 1024, "height": 1024}, (1024, 1024)),
        (GROK, {"width": 1536, "height": 1024}, None),
        (NOTHING, {"width": 1024, "height": 1024}, None),
        (NOTHING, {"aspect_ratio": "1:1"}, None),
    ],
)
def test_sizes_that_are_met(capability: Capability, asked: dict[str, Any], met: tuple[int, int] | None) -> None:
    """Exact sizes and shapes of real candidates, and those that they do not have."""
    found = size_for(wish(**asked), capability)
    assert found == (None if met is None else Dimensions(*met))


@pytest.mark.parametrize(
    ("capability", "asked", "near"),
    [
        (SEVEN, {"width": 2048, "height": 2048}, (1024, 1024)),
        (SEVEN, {"width": 1920, "height": 1080}, (1344, 768)),
        (SEVEN, {"width": 1080, "height": 1920}, (768, 1344)),
        (SEVEN, {"width": 1000, "height": 1001}, None),
        (SEVEN, {"width": 2000, "height": 1000}, None),
        (STUDIO, {"width": 513, "height": 769}, (512, 768)),
        (STUDIO, {"width": 8000, "height": 8000}, (4096, 4096)),
        (STUDIO, {"width": 8000, "height": 4500}, (4096, 2304)),
        (STUDIO, {"width": 3, "height": 3}, (8, 8)),
        (GROK, {"width": 1000, "height": 1000}, (1024, 1024)),
        (GROK, {"width": 1536, "height": 1024}, None),
        (ASKEW, {"width": 1000, "height": 1000}, None),
        (ASKEW, {"width": 1001, "height": 1000}, (1040, 1000)),
        (ASKEW, {"width": 1000, "height": 1001}, (1000, 1040)),
        (NOTHING, {"width": 1024, "height": 1024}, None),
    ],
)
def test_sizes_that_are_snapped(capability: Capability, asked: dict[str, Any], near: tuple[int, int] | None) -> None:
    """The nearest size of real candidates, or none when every one lies another way or has another shape."""
    found = nearest_size(wish(**asked), capability)
    assert found == (None if near is None else Dimensions(*near))


def test_a_range_is_bounded_by_pixels_too() -> None:
    """A size whose sides are in bounds is still too large when it has too many pixels, and snaps below them."""
    capability = Capability(size_range=SizeRange(min_side=64, max_side=4096, step=64, max_pixels=1024 * 1024))
    assert size_for(wish(width=2048, height=2048), capability) is None
    assert nearest_size(wish(width=2048, height=2048), capability) == Dimensions(1024, 1024)


def test_what_is_made_is_said_in_words() -> None:
    """A refusal tells the range in full, and of a list that the size is not in it."""
    assert size_words(STUDIO) == "sides must be 8 to 4096 pixels, multiples of 8"
    assert size_words(SEVEN) == "is not one of the sizes it makes"
    assert size_words(NOTHING) == "takes no size"
    bounded = Capability(size_range=SizeRange(min_side=16, max_side=64, max_pixels=1024))
    assert size_words(bounded) == "sides must be 16 to 64 pixels, at most 1024 pixels in all"
