"""Figures whose face is a machine or a visor: an astronaut and a robot, from the chest up."""

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import box, ellipse, mirrored, sided, smooth, stroke, trace
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import NAMED

_METALS = hexes("#9fb4bd #d98c5f #7f9a8a #c9b27a #8f8fb0 #e2d8c8")
_LAMPS = hexes("#6fe3e0 #ffc15a #ff7a6b #8affa8")
_BUST = trace("0,0.5 0.28,0.56 0.62,0.68 0.92,0.86 1.05,1.25 1.1,2.2 0,2.2")


def paint(canvas: Canvas, brief: Brief, light: Light, stage: Stage, name: str) -> None:
    """Draw the figure in the middle of the picture, close up."""
    figure = Figure.close(canvas, stage, gloss=0.7)
    if name == "astronaut":
        _astronaut(figure)
    else:
        own = light.lit(NAMED.get(brief.coat) or _METALS[canvas.pick(len(_METALS))], 0.08)
        _robot(figure, own)


def _astronaut(figure: Figure) -> None:
    white, grey, trim = (238, 236, 232), (170, 172, 186), (224, 108, 62)
    figure.part(box(-0.72, 0.35, 0.72, 1.7, 0.2), grey)
    figure.part(smooth(mirrored(_BUST)), white, 0.14)
    for side in (-1, 1):
        seam = stroke(sided("0.56,0.78 0.6,1.2 0.55,1.7", side), 0.014, 0.014)
        figure.fill(seam, grey, 0.7)
        figure.part(ellipse(side * 0.80, 0.98, 0.11), trim, 0.02)
    figure.part(box(-0.32, 1.0, 0.32, 1.5, 0.06), (214, 214, 220), 0.04)
    for k, lamp in enumerate(hexes("#e0574c #f0b54a #58b0aa")):
        figure.part(ellipse(-0.19 + 0.13 * k, 1.13, 0.04), lamp, 0.012)
    figure.fill(box(0.18, 1.08, 0.26, 1.36, 0.02), (70, 74, 96))
    figure.part(ellipse(0, 0.52, 0.44, 0.13), trim, 0.04)
    figure.part(ellipse(0, 0.0, 0.56, 0.56), white, 0.11)
    for side in (-1, 1):
        figure.part(box(side * 0.56 - 0.07, -0.16, side * 0.56 + 0.07, 0.18, 0.05), grey, 0.03)
    visor = figure.stencil(ellipse(0, 0.02, 0.44, 0.40))
    figure.paint(visor, (214, 150, 70))
    figure.paint(figure.stencil(ellipse(0, 0.02, 0.415, 0.375)), ((24, 26, 60), (66, 44, 98), (206, 110, 84)))
    inner = figure.stencil(ellipse(0, 0.02, 0.415, 0.375))
    # The visor mirrors a small planet and its far horizon.
    figure.paint(figure.stencil(ellipse(0.02, 0.62, 0.60, 0.42)) & inner, (36, 26, 58), 0.9)
    planet = figure.stencil(ellipse(0.17, -0.08, 0.085))
    figure.paint(planet, (240, 196, 130))
    figure.model(planet, (255, 236, 190), (120, 60, 70), depth=0.05, strength=0.9)
    figure.model(inner, (255, 214, 160), (14, 12, 34), depth=0.07, strength=0.6)
    dots = [
        ellipse(x, y, 0.006)
        for x, y in ((-0.2, -0.2), (-0.08, -0.28), (0.05, -0.24), (-0.28, -0.05), (0.28, -0.19), (-0.05, -0.1))
    ]
    figure.fill(dots, (255, 246, 226), 0.9)
    gleam = stroke(trace("-0.33,0.02 -0.31,-0.13 -0.21,-0.26 -0.09,-0.31"), 0.01, 0.05, 0.045, 0.01)
    figure.fill(gleam, (255, 255, 255), 0.6, soft=0.006)


def _robot(figure: Figure, own: Colour) -> None:
    lamp = _LAMPS[figure.canvas.pick(len(_LAMPS))]
    steel, ink = (96, 102, 118), (30, 34, 48)
    figure.part(box(-0.13, 0.36, 0.13, 0.76), steel, 0.04)
    figure.fill([box(-0.13, y, 0.13, y + 0.02) for y in (0.47, 0.54, 0.61)], ink, 0.6)
    for side in (-1, 1):
        figure.part(ellipse(side * 0.82, 1.0, 0.25, 0.27), shift(own, light=-0.06), 0.07)
    figure.part(box(-0.70, 0.68, 0.70, 2.2, 0.18), own, 0.12)
    figure.part(box(-0.34, 0.94, 0.34, 1.5, 0.06), shift(own, light=-0.1), 0.03)
    for k in range(3):
        figure.fill(box(-0.26, 1.04 + 0.1 * k, 0.02 + 0.06 * k, 1.08 + 0.1 * k, 0.02), mix(lamp, own, 0.2))
    heart = figure.stencil(ellipse(0.2, 1.1, 0.075))
    figure.paint(heart, lamp)
    figure.glow((0.2, 1.1), 0.22, lamp, 0.6)
    figure.fill(stroke([(0, -0.45), (0, -0.66)], 0.03, 0.024), steel)
    figure.part(ellipse(0, -0.70, 0.065), lamp, 0.02)
    figure.glow((0, -0.70), 0.26, lamp, 0.7)
    for side in (-1, 1):
        figure.part(box(side * 0.52 - 0.07, -0.17, side * 0.52 + 0.07, 0.15, 0.05), steel, 0.03)
    round_head = figure.canvas.chance(0.5)
    figure.part(box(-0.5, -0.46, 0.5, 0.42, 0.4 if round_head else 0.16), own, 0.1)
    screen = box(-0.39, -0.27, 0.39, 0.26, 0.25 if round_head else 0.1)
    figure.part(screen, ink, 0.04)
    for side in (-1, 1):
        x, y = side * 0.17, -0.05
        figure.glow((x, y), 0.26, lamp, 0.75)
        figure.fill(ellipse(x, y, 0.09, 0.105), mix(lamp, (255, 255, 255), 0.15))
        figure.fill(ellipse(x, y, 0.055, 0.068), mix(lamp, (255, 255, 255), 0.75))
    smile = stroke([(-0.10, 0.13), (0, 0.165), (0.10, 0.13)], 0.016, 0.026, 0.016)
    figure.fill(smile, lamp)
    figure.fill(
        stroke([(-0.34, -0.05), (-0.31, -0.17), (-0.2, -0.23)], 0.008, 0.03, 0.008),
        (255, 255, 255),
        0.35,
        soft=0.005,
    )
    rivets = [ellipse(side * 0.42, y, 0.016) for side in (-1, 1) for y in (-0.3, 0.3)] if not round_head else []
    if rivets:
        figure.fill(rivets, shift(own, light=-0.16))
