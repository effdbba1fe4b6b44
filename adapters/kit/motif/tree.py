"""Trees, grass and other plants that several landscapes share, as outlines and as rows along a line of land."""

import numpy as np

from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, mix, shift
from adapters.kit.motif.noise import Profile
from adapters.kit.motif.outline import Outline, ellipse, polygon, smooth, stroke


def conifer(rng: np.random.Generator, x: float, foot: float, height: float) -> Outline:
    """Return a fir: tiers that widen downwards, each a little irregular."""
    tiers = 6 + int(rng.integers(3))
    wide = height * float(rng.uniform(0.17, 0.24))
    rows = np.arange(1, tiers + 1) / tiers
    down = foot - height * (1 - rows * 0.93)
    sides = []
    for sign in (-1.0, 1.0):
        jitter = rng.uniform(0.82, 1.14, tiers)
        out = x + sign * wide * rows**0.85 * jitter
        inner = x + sign * wide * rows * 0.42
        step = height / tiers
        sides.append(np.stack([out, down + step * 0.12, inner, down - step * 0.12], axis=1).reshape(-1, 2))
    left, right = sides
    trunk = np.array([(x + wide * 0.1, foot), (x - wide * 0.1, foot)])
    return np.concatenate([[(x, foot - height)], right, trunk, left[::-1]])


def firs(
    canvas: Canvas,
    line: Profile,
    fill: tuple[Colour, ...],
    *,
    count: int,
    height: float,
    keep_clear: tuple[float, float] | None = None,
) -> None:
    """Plant a row of firs along a line of land, in groups; `keep_clear` is a span of x left open."""
    rng, half = canvas.rng, canvas.many(count) // 2
    places = np.sort(np.concatenate([rng.random(half), _cluster(rng, half)]))
    trees = []
    for place in places:
        x = float(place) * canvas.width
        if keep_clear and keep_clear[0] < x < keep_clear[1]:
            continue
        column = min(max(int(x), 0), canvas.width - 1)
        tall = height * float(rng.uniform(0.55, 1.15))
        trees.append(conifer(rng, x, float(line[column]) + height * 0.06, tall))
    if trees:
        canvas.fill(trees, fill)


def _cluster(rng: np.random.Generator, count: int) -> Profile:
    """Return places that crowd around one; three dice make a bell without a logarithm, whose digits vary."""
    places: Profile = np.clip(rng.random() + (rng.random((3, count)).sum(axis=0) - 1.5) * 0.28, -0.03, 1.03)
    return places


def crown(canvas: Canvas, x: float, foot: float, height: float, colours: tuple[Colour, Colour, Colour]) -> None:
    """Draw a broad-leaved tree: a forked trunk under a crown of overlapping clumps lit from above."""
    dark, leaf, bright = colours
    rng = canvas.rng
    bark = mix(dark, (70, 48, 40), 0.55)
    limbs = [
        stroke(
            [(x, foot), (x + height * 0.01, foot - height * 0.3), (x, foot - height * 0.6)],
            height * 0.1,
            height * 0.055,
            height * 0.03,
        )
    ]
    for side in (-1, 1):
        fork = [
            (x, foot - height * 0.3),
            (x + side * height * 0.12, foot - height * 0.45),
            (x + side * height * 0.2, foot - height * 0.62),
        ]
        limbs.append(stroke(fork, height * 0.045, height * 0.02))
    canvas.fill(limbs, (shift(bark, light=0.05), bark))
    for rank, (colour, spread, size, count) in enumerate(
        ((dark, 1.0, 0.17, 15), (leaf, 0.85, 0.13, 15), (bright, 0.66, 0.085, 12))
    ):
        clumps = []
        for _ in range(count):
            a, b = rng.uniform(-1, 1, 2)
            if a * a + b * b > 1:
                a, b = a * 0.6, b * 0.6
            cx = x + a * height * 0.30 * spread - rank * height * 0.025
            cy = foot - height * 0.68 + b * height * 0.21 * spread - rank * height * 0.05
            clumps.append(ellipse(cx, cy, height * size * float(rng.uniform(0.6, 1.0))))
        clump = canvas.stencil(*clumps)
        canvas.paint(clump, colour)
        if rank < 2:
            canvas.model(
                clump, shift(colour, light=0.08), shift(colour, light=-0.08), depth=height * 0.03, strength=0.5
            )


def grass(canvas: Canvas, top: float, bottom: float, colours: tuple[Colour, ...], *, height: float, count: int) -> None:
    """Draw blades that grow towards the viewer between two heights, nearer ones taller and drawn last."""
    rng = canvas.rng
    rows = np.sort(rng.random(canvas.many(count)))
    low, high = int(top - height), canvas.height
    with canvas.fine(2, (0, low, canvas.width, high)) as pen:
        for row in rows:
            x = float(rng.uniform(-0.02, 1.02)) * canvas.width
            y = top + (bottom - top) * float(row)
            tall = height * float(rng.uniform(0.4, 1.0)) * (0.5 + 0.5 * float(row))
            lean = tall * float(rng.uniform(-0.35, 0.35))
            wide = tall * 0.05 + 0.4
            tip = (x + lean, y - tall)
            bend = (x + lean * 0.3, y - tall * 0.55)
            blade = polygon(
                [(x - wide, y), (bend[0] - wide * 0.7, bend[1]), tip, (bend[0] + wide * 0.7, bend[1]), (x + wide, y)]
            )
            pen.shape(blade, colours[int(rng.integers(len(colours)))])


def fern(x: float, y: float, size: float, lean: float) -> list[Outline]:
    """Return the leaflets and stem of one bowed frond."""
    spine = smooth(
        [(x, y), (x + lean * 0.25, y - size * 0.6), (x + lean, y - size * 0.85), (x + lean * 1.5, y - size * 0.6)],
        closed=False,
        steps=8,
    )
    parts = [stroke(spine, size * 0.03, size * 0.01, steps=2)]
    for place in range(3, len(spine) - 1):
        along = place / len(spine)
        ahead = spine[place + 1] - spine[place]
        across = np.array([-ahead[1], ahead[0]])
        reach = size * 0.30 * (1 - along * 0.8) / max(float(np.sqrt((across * across).sum())), 1e-9)
        for sign in (-1.0, 1.0):
            tip = spine[place] + across * reach * sign + ahead * 1.2
            parts.append(np.stack([spine[place] - ahead * 0.35, tip, spine[place] + ahead * 0.45]))
    return parts
