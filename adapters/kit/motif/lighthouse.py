"""A lighthouse on a rock in the sea, its beams going out over the water."""

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import box, polygon, smooth, stroke, trace
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import NAMED

_WARM = (255, 214, 130)
_BANDS = hexes("#cf4438 #cf4438 #2f5f8a #333a48 #d8743a")


def paint(canvas: Canvas, brief: Brief, light: Light, stage: Stage, _name: str = "lighthouse") -> None:
    """Draw the tower on its rock; its beams are out only in broad daylight."""
    figure = Figure.on(canvas, stage)
    rock = mix(light.near, (74, 66, 70), 0.55)
    _rock(figure, light, rock)
    foot, head = -0.18, -0.98
    white = light.lit((244, 238, 226), 0.3 if light.dark else None)
    band = light.lit(NAMED.get(brief.coat) or _BANDS[canvas.pick(len(_BANDS))], 0.2 if light.dark else None)
    if light.mood != "day":
        _beams(figure, head - 0.09)
    tower = figure.stencil(polygon([(-0.085, head), (0.085, head), (0.145, foot), (-0.145, foot)]))
    figure.paint(tower, white)
    for start in (0.0, 0.4, 0.8):
        top, bottom = head + (foot - head) * start, head + (foot - head) * (start + 0.2)
        figure.paint(figure.stencil(box(-0.3, top, 0.3, bottom)) & tower, band)
    dark = mix(light.near, (20, 22, 36), 0.4)
    figure.model(tower, (255, 248, 230), dark, depth=0.075, strength=0.75)
    figure.fill([box(-0.02, y, 0.02, y + 0.05, 0.02) for y in (-0.80, -0.60, -0.42)], _WARM if light.dark else dark)
    figure.fill(box(-0.03, foot - 0.09, 0.03, foot, 0.03), dark)
    figure.fill(box(-0.13, head - 0.015, 0.13, head + 0.025, 0.01), dark)
    figure.fill([box(x, head - 0.06, x + 0.006, head) for x in (-0.124, -0.08, 0.074, 0.118)], dark)
    figure.fill(box(-0.126, head - 0.066, 0.126, head - 0.058), dark)
    figure.fill(box(-0.065, head - 0.15, 0.065, head - 0.015), ((255, 240, 190), _WARM))
    figure.fill([box(x, head - 0.15, x + 0.007, head - 0.015) for x in (-0.065, -0.0035, 0.058)], dark)
    arch = trace("-0.09,0.09 -0.06,0.035 0,0 0.06,0.035 0.09,0.09")
    dome = figure.stencil(smooth([(x, head - 0.235 + y) for x, y in arch]))
    figure.paint(dome, band)
    figure.model(dome, (255, 240, 220), dark, depth=0.02)
    figure.fill(box(-0.005, head - 0.29, 0.005, head - 0.22), dark)
    figure.glow((0, head - 0.09), 0.34, (255, 232, 170), 0.95 if light.dark else 0.6)
    figure.glow((0, head - 0.09), 0.12, (255, 250, 226), 0.9)


def _beams(figure: Figure, y: float) -> None:
    for side, tilt in ((-1, 0.10), (1, -0.02)):
        for spread, strength in ((0.34, 0.16), (0.20, 0.20), (0.09, 0.26)):
            reach = 2.6
            far, up, down = side * reach, reach * (spread / 2 + tilt), reach * (spread / 2 - tilt)
            beam = polygon([(0, y - 0.012), (far, y - up), (far, y + down), (0, y + 0.012)])
            figure.fill(beam, (255, 240, 198), strength, soft=0.012)


def _rock(figure: Figure, light: Light, rock: Colour) -> None:
    line = trace(
        "-0.95,0.22 -0.8,0.1 -0.62,0.05 -0.5,-0.06 -0.33,-0.1 -0.22,-0.19 0.2,-0.2 0.3,-0.13"
        " 0.46,-0.09 0.55,0 0.7,0.04 0.82,0.13 0.92,0.22 0.4,0.3 -0.4,0.3"
    )
    mass = figure.stencil(polygon(line))
    figure.paint(mass, (shift(rock, light=0.05), rock, shift(rock, light=-0.08)))
    gleam, dark = mix(rock, light.horizon, 0.45), shift(rock, light=-0.09)
    for points, colour in (
        (trace("-0.22,-0.19 -0.33,-0.1 -0.26,0.04 -0.1,-0.05"), gleam),
        (trace("-0.5,-0.06 -0.62,0.05 -0.52,0.16 -0.38,0.05"), gleam),
        (trace("-0.1,-0.05 -0.26,0.04 -0.18,0.3 0.04,0.12"), dark),
        (trace("0.2,-0.2 0.04,0.02 0.22,0.14 0.3,-0.13"), dark),
        (trace("0.3,-0.13 0.24,0.1 0.44,0.16 0.46,-0.09"), shift(rock, light=0.03)),
        (trace("0.55,0 0.46,0.14 0.62,0.24 0.7,0.04"), dark),
        (trace("-0.8,0.1 -0.95,0.22 -0.7,0.26 -0.66,0.12"), dark),
    ):
        figure.paint(figure.stencil(polygon(points)) & mass, colour, 0.55)
    foam = trace("-1,0.21 -0.75,0.17 -0.5,0.22 -0.2,0.18 0.1,0.23 0.4,0.18 0.7,0.215 1,0.2 0.9,0.33 -0.9,0.33")
    water = mix(light.depth(0.5), light.horizon, 0.3)
    figure.fill(smooth(foam), mix(water, (255, 255, 255), 0.4), 0.5, soft=0.02)
    crest = stroke(
        trace("-0.98,0.205 -0.75,0.165 -0.5,0.215 -0.2,0.175 0.1,0.225 0.4,0.175 0.7,0.21 0.98,0.195"),
        0.006,
        0.022,
        0.012,
        0.026,
        0.008,
    )
    figure.fill(crest, (246, 250, 250), 0.85)
