"""Smooth randomness in one and two dimensions, made small and enlarged by whoever needs it large.

Only sums, products and Pillow's resampling are used: they give the same digits on every machine, which the sine and
exponential of numpy do not promise.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Field = NDArray[np.float32]
Profile = NDArray[np.float64]


def fbm(
    rng: np.random.Generator, width: int, height: int, *, cells: float = 4, octaves: int = 4, stretch: float = 1.0
) -> Field:
    """Return cloudy noise from 0 to 1; `cells` features fit across the width, `stretch` draws them out sideways."""
    total = np.zeros((height, width), dtype=np.float32)
    weight, reach = 1.0, 0.0
    for _ in range(octaves):
        across = max(2, min(round(cells), width))
        down = max(2, min(round(cells * stretch * height / width), height))
        grid = rng.random((down + 1, across + 1), dtype=np.float32)
        total += np.float32(weight) * enlarged(grid, width, height)
        reach += weight
        weight *= 0.5
        cells *= 2
    spread: Field = np.clip((total / np.float32(reach) - 0.5) * np.float32(1.5) + 0.5, 0, 1)
    return spread


def enlarged(field: Field, width: int, height: int) -> Field:
    """Return a field resampled smoothly to another size."""
    return np.asarray(Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC))


def step(low: float, high: float, field: Field) -> Field:
    """Return 0 below `low`, 1 above `high` and an eased slope between, for each value."""
    t = np.clip((field - np.float32(low)) / np.float32(high - low), 0, 1)
    eased: Field = t * t * (3 - 2 * t)
    return eased


def mask_of(field: Field, size: tuple[int, int], strength: float = 1.0) -> Image.Image:
    """Return a field from 0 to 1 as a mask of the given size."""
    small = Image.fromarray((np.clip(field, 0, 1) * np.float32(255 * strength) + np.float32(0.5)).astype(np.uint8))
    return small.resize(size, Image.Resampling.BICUBIC) if small.size != size else small


def profile(rng: np.random.Generator, count: int, *, cells: float, octaves: int = 5, gain: float = 0.5) -> Profile:
    """Return a rolling line of `count` heights from about 0 to 1; `cells` rises fit across it."""
    total = np.zeros(count)
    weight, reach = 1.0, 0.0
    for _ in range(octaves):
        knots = rng.random(int(cells) + 3)
        at = np.linspace(0.0, cells, count) + rng.random()
        left = at.astype(np.int64)
        t = at - left
        t = t * t * (3 - 2 * t)
        total += weight * (knots[left] * (1 - t) + knots[left + 1] * t)
        reach += weight
        weight *= gain
        cells *= 2
    return total / reach


def crests(rng: np.random.Generator, count: int, *, cells: float, octaves: int = 5) -> Profile:
    """Return a line like a mountain chain, 0 to 1: straight flanks between pointed tops."""
    total = np.zeros(count)
    weight = 1.0
    for octave in range(octaves):
        knots = rng.random(int(cells) + 3)
        if octave == 0:
            # Highs and lows take turns, or two neighbouring highs would make a plateau.
            knots = knots * 0.4 + (np.arange(len(knots)) % 2) * 0.6
        at = np.linspace(0.0, cells, count) + rng.random()
        left = at.astype(np.int64)
        t = at - left
        total += weight * (knots[left] * (1 - t) + knots[left + 1] * t)
        weight *= 0.36
        cells *= 2.3
    total -= total.min()
    total /= max(float(total.max()), 1e-9)
    # Squaring draws the tops out and lets the valleys lie wide.
    return total * (0.4 + 0.6 * total)


def swing(turns: Field) -> Field:
    """Return a wave like a sine, one for each whole turn, from sums and products only."""
    t = (turns - np.floor(turns)) * 2 - 1
    wave = 4 * t * (1 - np.abs(t))
    curved: Field = wave * (np.float32(0.775) + np.float32(0.225) * np.abs(wave))
    return curved
