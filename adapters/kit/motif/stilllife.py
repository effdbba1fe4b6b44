"""Things on a table: a cup of coffee or tea that steams, a vase of flowers, fruit."""

from dataclasses import replace

from adapters.kit.motif.bloom import blossom
from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexed, hexes, shift
from adapters.kit.motif.cup import cup, table_shadow
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import ellipse, mirrored, sided, smooth, stroke, trace
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import NAMED

_GLAZES = hexes("#f4efe6 #d9634c #2f7f86 #e8b45a #34496b #8fae8b #e7a9a0")
_ROUND = "0,-1.72 0.35,-1.86 0.85,-1.6 1.02,-1 0.88,-0.35 0.45,0 0,-0.03"
#: Colour, and the right half of the outline.
_FRUITS = {
    "apple": ("#c93a35", _ROUND),
    "orange": ("#ee8b2d", "0,-1.8 0.42,-1.78 0.84,-1.42 0.98,-0.9 0.84,-0.36 0.42,-0.02 0,0"),
    "lemon": ("#f2cf45", "0,-1.8 0.2,-1.64 0.78,-1.34 1,-0.88 0.8,-0.3 0.35,-0.03 0,0"),
    "pear": ("#b8be4c", "0,-2.25 0.34,-2.1 0.5,-1.5 0.92,-0.85 0.9,-0.3 0.5,0 0,0.02"),
    "peach": ("#f0a06e", _ROUND),
    "plum": ("#6d3f73", _ROUND),
}


def paint(canvas: Canvas, brief: Brief, light: Light, stage: Stage, name: str) -> None:
    """Draw the thing where the table has room for it."""
    figure = Figure.on(canvas, stage, gloss=0.7)
    own = light.lit(NAMED.get(brief.coat) or _GLAZES[canvas.pick(len(_GLAZES))], 0.08)
    if name == "cup":
        cup(figure, own, tea=brief.says("tea"))
    elif name == "vase":
        _vase(figure, own)
    else:
        _fruit(figure, brief, light)


def _vase(figure: Figure, own: Colour) -> None:
    table_shadow(figure, 0.22, 0.07)
    rng = figure.canvas.rng
    heads = []
    for place in range(9):
        x = (place - 4) / 4 * 0.46 + float(rng.uniform(-0.05, 0.05))
        y = -0.98 + 0.34 * (x / 0.46) ** 2 + float(rng.uniform(-0.12, 0.14))
        heads.append((x, y, float(rng.uniform(0.085, 0.135))))
    green = (86, 124, 82)
    stems = [stroke([(x * 0.12, -0.42), (x * 0.5, -0.62), (x, y)], 0.016, 0.014, 0.010) for x, y, _ in heads]
    leaves = [smooth(sided("0,-0.48 0.16,-0.62 0.38,-0.6 0.2,-0.52", side)) for side in (-1, 1)]
    leaves += [smooth(sided("0.05,-0.5 0.1,-0.78 0.3,-0.9 0.22,-0.68", side)) for side in (-1, 1)]
    figure.fill(stems + leaves, (shift(green, light=0.06), shift(green, light=-0.06)))
    half = trace("0,-0.5 0.105,-0.495 0.095,-0.42 0.14,-0.33 0.215,-0.19 0.19,-0.05 0.12,0 0,0.01")
    figure.part(smooth(mirrored(half)), own, 0.07)
    figure.fill(ellipse(0, -0.495, 0.105, 0.022), shift(own, light=-0.2))
    figure.fill(
        stroke([(-0.12, -0.29), (-0.155, -0.19), (-0.14, -0.1)], 0.01, 0.028, 0.01),
        (255, 255, 255),
        0.4,
        soft=0.006,
    )
    kind = ("rose", "daisy", "poppy")[figure.canvas.pick(3)]
    for x, y, size in sorted(heads, key=lambda head: head[2]):
        blossom(figure.canvas, *figure.frame.at(x, y), size * figure.size, kind=kind)


def _fruit(figure: Figure, brief: Brief, light: Light) -> None:
    canvas = figure.canvas
    named = [name for name in _FRUITS if brief.says(name)]
    kinds = named or [("lemon", "orange")[canvas.pick(2)], "pear", ("apple", "peach", "plum")[canvas.pick(3)]]
    if len(named) == 1 and canvas.chance(0.4):
        spots = [(0.0, 0.0, 0.33)]
    else:
        spots = [(-0.30, -0.02, 0.25), (0.28, -0.03, 0.24), (-0.02, 0.06, 0.27)]
    for place, (x, y, radius) in enumerate(spots):
        kind = kinds[place % len(kinds)]
        code, path = _FRUITS[kind]
        own = light.lit(NAMED.get(brief.coat, hexed(code)), 0.06)
        half = trace(path)
        at = replace(figure, frame=replace(figure.frame, x=figure.frame.at(x, y)[0], y=figure.frame.at(x, y)[1]))
        table_shadow(at, radius * 0.9, radius * 0.24)
        at.part(smooth(mirrored(half)) * radius, own, radius * 0.4)
        top = half[0][1] * radius
        at.fill(stroke([(0, top + 0.03), (0.015, top - 0.04), (0.05, top - 0.1)], 0.02, 0.016, 0.022), (92, 62, 40))
        if kind in {"apple", "orange", "peach"}:
            leaf = smooth([(0.03, top - 0.04), (0.10, top - 0.13), (0.24, top - 0.13), (0.14, top - 0.04)])
            at.fill(leaf, ((126, 160, 84), (82, 124, 66)))
        gleam = ellipse(-radius * 0.4, -radius * 1.3, radius * 0.16, radius * 0.24, tilt=0.5)
        at.fill(gleam, (255, 255, 255), 0.5, soft=0.014)
