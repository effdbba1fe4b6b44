"""Blossoms: single flower heads of a few kinds, seen from the front or a little from above."""

import numpy as np

from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, mix, shift
from adapters.kit.motif.outline import ellipse, mirrored, smooth, trace, turned

KINDS = ("daisy", "poppy", "tulip", "sunflower", "cosmos", "lavender", "rose")
_COLOURS: dict[str, tuple[Colour, ...]] = {
    "daisy": hexes("#fbf8f0 #f6ecd8 #f4dfe6"),
    "poppy": hexes("#dd4434 #e8643c #d2344a"),
    "tulip": hexes("#e2566a #f0a23c #9b5cae #f6d257 #f2e6e0"),
    "sunflower": hexes("#f5bd32 #f2a82a"),
    "cosmos": hexes("#e58bb8 #c95d9d #f3c3d8 #f8eef2"),
    "lavender": hexes("#8d74c4 #a58bd6 #7461b0"),
    "rose": hexes("#d8576a #f0b4a8 #f4dcc4 #b8405c #e98a76"),
}


def blossom(canvas: Canvas, x: float, y: float, radius: float, *, kind: str, own: Colour | None = None) -> None:
    """Draw one flower head of this radius in pixels; without a colour it takes one of its kind's."""
    pool = _COLOURS[kind]
    colour = own or pool[canvas.pick(len(pool))]
    turn = canvas.between(0, 6.28)
    flat = canvas.between(0.72, 1.0)
    if kind == "tulip":
        _tulip(canvas, x, y, radius, colour)
    elif kind == "lavender":
        _spike(canvas, x, y, radius, colour)
    elif kind == "rose":
        _rose(canvas, x, y, radius, colour, turn)
    elif kind == "poppy":
        _ring(canvas, (x, y), radius, colour, count=5, wide=0.62, turn=turn, flat=flat)
        canvas.fill(ellipse(x, y, radius * 0.26, radius * 0.26 * flat), (52, 36, 44))
        canvas.fill(ellipse(x, y - radius * 0.03, radius * 0.12, radius * 0.12 * flat), (150, 164, 110))
    else:
        count, wide = {"daisy": (13, 0.17), "sunflower": (17, 0.15), "cosmos": (8, 0.30)}[kind]
        if kind == "sunflower":
            _ring(
                canvas,
                (x, y),
                radius,
                shift(colour, light=-0.08, hue=-8),
                count=count,
                wide=wide,
                turn=turn + 0.2,
                flat=flat,
            )
        _ring(
            canvas,
            (x, y),
            radius * (0.92 if kind == "sunflower" else 1),
            colour,
            count=count,
            wide=wide,
            turn=turn,
            flat=flat,
        )
        heart = (104, 66, 40) if kind == "sunflower" else (240, 186, 62)
        size = radius * (0.46 if kind == "sunflower" else 0.27)
        disc = canvas.stencil(ellipse(x, y, size, size * flat))
        canvas.paint(disc, heart)
        canvas.model(disc, shift(heart, light=0.15), shift(heart, light=-0.16), depth=size * 0.4)


def _ring(
    canvas: Canvas,
    centre: tuple[float, float],
    radius: float,
    colour: Colour,
    *,
    count: int,
    wide: float,
    turn: float,
    flat: float,
) -> None:
    petal = smooth([(0.08, 0.0), (0.5, -wide), (0.9, -wide * 0.7), (1.0, 0.0), (0.9, wide * 0.7), (0.5, wide)], steps=5)
    box = _around(centre, radius * 1.1)
    with canvas.fine(3, box) as pen:
        order = canvas.rng.permutation(count)
        for place in order:
            angle = turn + float(place) / count * 2 * np.pi
            reach = radius * canvas.between(0.9, 1.05)
            leaf = turned(petal * reach, angle) * (1.0, flat) + centre
            pen.shape(leaf, shift(colour, light=canvas.between(-0.05, 0.025)))
            inner = turned(petal * (reach * 0.62), angle) * (1.0, flat) + centre
            pen.shape(inner, shift(colour, light=-0.07, chroma=1.1))


def _tulip(canvas: Canvas, x: float, y: float, radius: float, colour: Colour) -> None:
    with canvas.fine(3, _around((x, y), radius * 1.3)) as pen:
        back = mirrored(trace("0,-1 0.22,-0.75 0.35,-0.2 0.2,0.5 0,0.6"))
        pen.shape(smooth(back) * radius + (x, y), shift(colour, light=-0.09))
        for side, by in ((-1, -0.03), (1, 0.03)):
            petal = [
                (0.0, 0.85),
                (side * 0.5, 0.6),
                (side * 0.68, 0.0),
                (side * 0.55, -0.6),
                (side * 0.5, -0.95),
                (side * 0.1, -0.3),
            ]
            pen.shape(smooth(petal) * radius + (x, y), shift(colour, light=by))
        front = mirrored(trace("0,-0.62 0.26,-0.2 0.34,0.3 0.2,0.75 0,0.86"))
        pen.shape(smooth(front) * radius + (x, y), shift(colour, light=0.06))


def _spike(canvas: Canvas, x: float, y: float, radius: float, colour: Colour) -> None:
    with canvas.fine(3, _around((x, y), radius * 1.6)) as pen:
        for row in range(9):
            down = y + radius * (-1.3 + row * 0.3)
            for side in (-1, 1, 0):
                wide = radius * (0.10 + 0.022 * row)
                tone = shift(colour, light=canvas.between(-0.07, 0.06))
                pen.dot(x + side * wide * 1.1, down + abs(side) * radius * 0.08, wide, tone, flat=0.8)


def _rose(canvas: Canvas, x: float, y: float, radius: float, colour: Colour, turn: float) -> None:
    with canvas.fine(3, _around((x, y), radius * 1.2)) as pen:
        for ring, (reach, count) in enumerate(((1.0, 7), (0.78, 6), (0.56, 5), (0.36, 4), (0.18, 1))):
            tone = shift(colour, light=0.05 - 0.045 * ring)
            for place in range(count):
                angle = turn + ring * 0.5 + place / count * 2 * np.pi
                cx, cy = (
                    x + float(np.cos(angle)) * radius * reach * 0.5,
                    y + float(np.sin(angle)) * radius * reach * 0.45,
                )
                size = radius * (0.5 * reach + 0.05)
                pen.dot(cx, cy, size, shift(tone, light=-0.06))
                pen.dot(
                    cx + (x - cx) * 0.08,
                    cy + (y - cy) * 0.08 - size * 0.04,
                    size * 0.93,
                    mix(tone, shift(tone, light=0.05), place % 2),
                )


def _around(centre: tuple[float, float], reach: float) -> tuple[int, int, int, int]:
    return (
        int(centre[0] - reach) - 1,
        int(centre[1] - reach) - 1,
        int(centre[0] + reach) + 2,
        int(centre[1] + reach) + 2,
    )
