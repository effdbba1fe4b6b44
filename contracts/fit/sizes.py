"""Which of a backend's sizes meets a wish: the very pixels, or the shape and perhaps the area."""

from collections.abc import Iterator

from contracts.capability import Capability, SizeRange
from contracts.media import ASPECT_TOLERANCE, Dimensions, Size

#: How far a snapped size may be from the wished shape, and a met area from the wished one.
SNAP_TOLERANCE = 0.05
AREA_TOLERANCE = 0.15


def size_for(wish: Size, capability: Capability, tolerance: float = ASPECT_TOLERANCE) -> Dimensions | None:
    """Return the backend's size that meets a wish: the very pixels, or the shape (and area, if one was named)."""
    exact = wish.exact
    if exact is not None:
        return exact if exact in capability.sizes or _within(exact, capability.size_range) else None
    wanted = wish.megapixels * 1e6 if isinstance(wish.megapixels, float | int) else None
    best = min(
        _shaped(wish.aspect, wanted, capability),
        key=lambda size: (abs(size.aspect / wish.aspect - 1) > tolerance, abs(size.pixels - (wanted or 1e6))),
        default=None,
    )
    if best is None or abs(best.aspect / wish.aspect - 1) > tolerance:
        return None
    if wanted is not None and abs(best.pixels / wanted - 1) > AREA_TOLERANCE:
        return None
    return best


def _within(size: Dimensions, bounds: SizeRange | None) -> bool:
    if bounds is None:
        return False
    width, height, step = size.width, size.height, bounds.step
    if width < bounds.min_side or height < bounds.min_side or width > bounds.max_side or height > bounds.max_side:
        return False
    return not width % step and not height % step and (bounds.max_pixels is None or size.pixels <= bounds.max_pixels)


def _shaped(aspect: float, pixels: float | None, capability: Capability) -> Iterator[Dimensions]:
    yield from capability.sizes
    bounds = capability.size_range
    if bounds is None:
        return
    area = pixels or (capability.default_size.pixels if capability.default_size else 1024 * 1024)
    exact_height = (area / aspect) ** 0.5
    for height in {int(exact_height // bounds.step) * bounds.step, -int(-exact_height // bounds.step) * bounds.step}:
        width = round(height * aspect / bounds.step) * bounds.step
        size = Dimensions(width, height)
        if _within(size, bounds):
            yield size


def size_words(capability: Capability) -> str:
    """Say in words which sizes it makes."""
    bounds = capability.size_range
    if capability.sizes:
        return "is not one of the sizes it makes"
    if bounds is None:
        return "takes no size"
    step = f", multiples of {bounds.step}" if bounds.step > 1 else ""
    area = f", at most {bounds.max_pixels} pixels in all" if bounds.max_pixels else ""
    return f"sides must be {bounds.min_side} to {bounds.max_side} pixels{step}{area}"


def nearest_size(wish: Size, capability: Capability) -> Dimensions | None:
    """Return the nearest size of the same orientation and at most 5 % another shape."""
    exact = wish.exact
    pixels = exact.pixels if exact else (wish.megapixels * 1e6 if isinstance(wish.megapixels, float | int) else 1e6)
    bounds = capability.size_range
    if bounds is not None:
        stretch = max(wish.aspect, 1 / wish.aspect)
        pixels = min(pixels, bounds.max_side**2 / stretch, bounds.max_pixels or pixels)
        pixels = max(pixels, bounds.min_side**2 * stretch)
    fitting = [
        size
        for size in _shaped(wish.aspect, pixels, capability)
        if abs(size.aspect / wish.aspect - 1) <= SNAP_TOLERANCE
        and (size.width > size.height) == (wish.aspect > 1)
        and (size.width < size.height) == (wish.aspect < 1)
    ]
    return min(fitting, key=lambda size: abs(size.pixels - pixels), default=None)
