"""Colour words, and what they do to a whole picture: its tones are drawn towards a ramp made from the words."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from adapters.kit.motif.colour import Colour, from_lch, hexed, luma, ramp, shift, to_lch

_WORDS = """
red #d23b36, crimson #b3202f, scarlet #e0382a, maroon #7a2230, orange #ee8432, amber #f2a83b, copper #b87045,
bronze #9c7340, gold #e2b04a, golden #e8b84f, yellow #f4cf4d, lime #b4d33f, green #4f9a55, emerald #1f8f63,
olive #8a8a42, mint #9fdcc0, teal #14807f, turquoise #2db9b3, cyan #3fc3d8, aqua #67cfd0, blue #3a6fc4,
azure #3f92e0, navy #1d2f5c, indigo #40379a, purple #7a45a5, violet #8253c2, lavender #b5a1de, magenta #c93f93,
pink #ef9ab8, rose #e2788f, coral #f27b66, peach #f8b891, brown #84573a, beige #dcc8a6, cream #f5e8cf,
white #f6f4ef, black #23232b, grey #8c8f96, gray #8c8f96, silver #b9c0c9
"""
NAMED: dict[str, Colour] = {
    word: hexed(code) for word, _, code in (row.strip().partition(" ") for row in _WORDS.split(","))
}


def scheme(words: Sequence[str]) -> tuple[Colour, ...]:
    """Return a ramp from dark to pale through the named colours, as a painter would lay out a palette from them."""
    named = sorted({NAMED[word] for word in words if word in NAMED}, key=luma)
    dark, pale = to_lch(named[0]), to_lch(named[-1])
    deepest = from_lch(min(dark[0] * 0.45, 0.26), min(dark[1], 0.07), dark[2])
    palest = from_lch(max(pale[0] + 0.12, 0.95), min(pale[1], 0.035), pale[2])
    if len(named) == 1:
        own = named[0]
        named = [shift(own, light=-0.18), own, shift(own, light=0.16, chroma=0.8)]
    return (deepest, *named, palest)


def graded(image: Image.Image, colours: Sequence[Colour], amount: float) -> Image.Image:
    """Return the picture with each tone drawn towards the ramp's colour of that brightness."""
    table = ramp(colours, 256).T.copy()
    grey = image.convert("L")
    toned = Image.merge("RGB", [grey.point(channel.tolist()) for channel in table])
    return toned if amount >= 1 else Image.blend(image, toned, amount)


def curved(image: Image.Image, low: int, high: int, bend: float = 0.0) -> Image.Image:
    """Return the picture with its tones fitted between two levels; a positive `bend` adds contrast."""
    t = np.linspace(0, 1, 256)
    eased = t + bend * (t * t * (3 - 2 * t) - t)
    return image.point((low + (high - low) * eased + 0.5).astype(np.int64).tolist() * 3)
