"""Balloons over a landscape."""

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import Frame, mirrored, smooth, stroke, trace
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import NAMED

_SILKS = hexes("#c8493c #2f6b8a #e0a23c #3f8a74 #7a4f8a #e2725a")


def paint(canvas: Canvas, brief: Brief, light: Light, stage: Stage, _name: str = "balloon") -> None:
    """Hang one large balloon and a few far ones in the sky."""
    own = light.lit(NAMED.get(brief.coat) or _SILKS[canvas.pick(len(_SILKS))], 0.12 if light.dark else None)
    unit = canvas.unit
    for _ in range(canvas.pick(3) + 2):
        tone = light.lit(mix(_SILKS[canvas.pick(len(_SILKS))], light.horizon, 0.35))
        x, y = canvas.width * canvas.between(0.06, 0.94), canvas.height * canvas.between(0.12, 0.5)
        frame = Frame(x, y, unit * canvas.between(0.07, 0.13))
        _balloon(Figure(canvas, frame, light.near, side=stage.side), tone, light)
    frame = Frame(canvas.width * (0.5 + canvas.between(-0.12, 0.12)), canvas.height * 0.36, unit * 0.5)
    _balloon(Figure(canvas, frame, light.near, side=stage.side), own, light)


def _balloon(figure: Figure, own: Colour, light: Light) -> None:
    cream = mix(own, (255, 246, 226), 0.82)
    half = trace("0,-0.52 0.24,-0.47 0.4,-0.27 0.41,-0.05 0.3,0.2 0.13,0.42 0.1,0.46 0,0.46")
    bag = figure.stencil(smooth(mirrored(half)))
    figure.paint(bag, own)
    for wide, colour in ((0.84, cream), (0.52, own), (0.20, cream)):
        gore = [(x * wide, y) for x, y in half]
        figure.paint(figure.stencil(smooth(mirrored(gore))) & bag, colour)
    figure.paint(
        figure.stencil(stroke([(-0.5, -0.12), (0, -0.05), (0.5, -0.12)], 0.09, 0.09)) & bag,
        shift(own, light=-0.1),
        0.9,
    )
    figure.model(
        bag,
        mix(cream, light.sun, 0.5),
        mix(shift(own, light=-0.2), light.near, 0.4),
        depth=0.13,
        strength=0.6,
    )
    rope = (92, 70, 58)
    figure.fill([stroke([(x, 0.45), (x * 0.62, 0.60)], 0.008, 0.008) for x in (-0.10, -0.035, 0.035, 0.10)], rope)
    basket = smooth(trace("-0.075,0.59 0.075,0.59 0.065,0.7 -0.065,0.7"), steps=5)
    figure.part(basket, (150, 100, 58), 0.02)
    figure.glow((0, 0.46), 0.12, (255, 190, 90), 0.8)
