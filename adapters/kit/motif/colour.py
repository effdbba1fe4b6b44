"""Colours that sit well together: mixing, ramps and shifts in OKLab, where equal steps look equal.

Channel values are rounded to whole numbers at every door, so that a last-digit difference between two machines'
cube roots cannot reach a pixel.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]

_STEPS_BETWEEN_STOPS = 8


def hexed(code: str) -> Colour:
    """Read a colour written as `#rrggbb`."""
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def hexes(codes: str) -> tuple[Colour, ...]:
    """Read a row of `#rrggbb` colours set apart by spaces."""
    return tuple(hexed(code) for code in codes.split())


def to_lch(colour: Colour) -> tuple[float, float, float]:
    """Return OKLab lightness (0 to 1), chroma (0 to about 0.3) and hue in degrees."""
    lightness, a, b = _to_lab(colour)
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


def from_lch(lightness: float, chroma: float, hue: float) -> Colour:
    """Return the colour of this OKLab lightness, chroma and hue, clipped to what a screen shows."""
    angle = math.radians(hue)
    return _from_lab(min(max(lightness, 0.0), 1.0), chroma * math.cos(angle), chroma * math.sin(angle))


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; `share` is how much of the second, 0 to 1."""
    one, two = _to_lab(first), _to_lab(second)
    lightness, a, b = (x + (y - x) * share for x, y in zip(one, two, strict=True))
    return _from_lab(lightness, a, b)


def shift(colour: Colour, *, light: float = 0.0, chroma: float = 1.0, hue: float = 0.0) -> Colour:
    """Return a lighter or darker, purer or greyer, or turned relative of a colour."""
    old_light, old_chroma, old_hue = to_lch(colour)
    return from_lch(old_light + light, old_chroma * chroma, old_hue + hue)


def ramp(stops: Sequence[Colour], count: int) -> NDArray[np.uint8]:
    """Return `count` colours from the first stop to the last, as rows of three bytes."""
    fine = [stops[0]]
    for before, after in pairwise(stops):
        fine += [mix(before, after, step / _STEPS_BETWEEN_STOPS) for step in range(1, _STEPS_BETWEEN_STOPS + 1)]
    known = np.linspace(0.0, 1.0, len(fine))
    wanted = np.linspace(0.0, 1.0, count)
    table = np.array(fine, dtype=np.float64)
    channels = [np.interp(wanted, known, table[:, channel]) for channel in range(3)]
    return (np.stack(channels, axis=1) + 0.5).astype(np.uint8)


def luma(colour: Colour) -> float:
    """Return how bright a colour looks, 0 to 1."""
    return (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255


def _to_lab(colour: Colour) -> tuple[float, float, float]:
    red, green, blue = (_linear(value / 255) for value in colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    middle = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short,
    )


def _from_lab(lightness: float, a: float, b: float) -> Colour:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        _byte(4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short),
        _byte(-1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short),
        _byte(-0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short),
    )


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _byte(value: float) -> int:
    clipped = min(max(value, 0.0), 1.0)
    return round(255 * (12.92 * clipped if clipped <= 0.0031308 else 1.055 * clipped ** (1 / 2.4) - 0.055))
