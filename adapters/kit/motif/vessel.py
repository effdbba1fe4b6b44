"""Things that carry: a sailing boat on the water, a rocket under way."""

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import Frame, ellipse, mirrored, polygon, sided, smooth, stroke, trace
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import NAMED

_PAINTS = hexes("#c8493c #2f6b8a #e0a23c #3f8a74 #7a4f8a #e2725a")


def paint(canvas: Canvas, brief: Brief, light: Light, stage: Stage, name: str) -> None:
    """Draw the vessel where it belongs: on the water, or high up."""
    own = light.lit(NAMED.get(brief.coat) or _PAINTS[canvas.pick(len(_PAINTS))], 0.12 if light.dark else None)
    if name == "boat":
        _boat(Figure.on(canvas, stage, scale=0.9), own, light)
        return
    side, unit = (1 if stage.side < 0 else -1), canvas.unit
    lean = side * canvas.between(0.3, 0.55)
    frame = Frame(canvas.width * 0.5 + side * unit * 0.1, canvas.height * 0.52, unit * 0.58, lean)
    _rocket(Figure(canvas, frame, stage.shade, side=stage.side, gloss=0.6), own)


def _boat(figure: Figure, own: Colour, light: Light) -> None:
    cream = light.lit((248, 240, 222), 0.3 if light.dark else 0.06)
    dark = mix(light.near, (28, 24, 34), 0.3)
    for down, strength in ((0.06, 0.4), (0.18, 0.22), (0.30, 0.12)):
        figure.fill(ellipse(0.0, down, 0.44 - down * 0.5, 0.035), dark, strength, soft=0.015)
    figure.fill(polygon(trace("-0.02,0.07 0.3,0.07 0.08,0.48 -0.06,0.4")), cream, 0.16, soft=0.03)
    figure.fill(stroke([(-0.02, -0.1), (-0.02, -1.08)], 0.028, 0.018), (96, 68, 50))
    main = figure.stencil(
        smooth(trace("0.01,-1.03 0.16,-0.78 0.36,-0.42 0.46,-0.2 0.2,-0.17 0.01,-0.18 0.012,-0.6"), steps=8)
    )
    figure.paint(main, cream)
    figure.model(main, (255, 252, 240), mix(cream, light.near, 0.5), depth=0.07)
    figure.paint(figure.stencil(stroke([(-0.05, -0.52), (0.2, -0.49), (0.5, -0.52)], 0.07, 0.07)) & main, own, 0.9)
    jib = figure.stencil(
        smooth(trace("-0.05,-0.98 -0.1,-0.62 -0.22,-0.34 -0.4,-0.18 -0.22,-0.165 -0.05,-0.19 -0.07,-0.5"), steps=8)
    )
    figure.paint(jib, own)
    figure.model(jib, mix(own, (255, 240, 220), 0.6), shift(own, light=-0.16), depth=0.05)
    hull = figure.stencil(
        smooth(trace("-0.5,-0.13 -0.2,-0.115 0.2,-0.115 0.5,-0.15 0.43,0 0.33,0.075 -0.3,0.075 -0.41,0"), steps=6)
    )
    wood = light.lit((126, 74, 48), 0.2)
    figure.paint(hull, (shift(wood, light=0.06), wood, shift(wood, light=-0.1)))
    figure.model(hull, mix(wood, (255, 226, 180), 0.6), shift(wood, light=-0.12), depth=0.04)
    figure.paint(figure.stencil(stroke([(-0.55, -0.09), (0, -0.07), (0.55, -0.105)], 0.03, 0.03)) & hull, cream)
    figure.fill(polygon([(-0.02, -1.09), (-0.02, -1.16), (0.11, -1.125)]), own)
    wake = [stroke(trace("-0.62,0.07 -0.3,0.085 0,0.075 0.3,0.09 0.6,0.07"), 0.004, 0.022, 0.028, 0.02, 0.004)]
    wake.append(stroke([(-0.45, 0.14), (-0.1, 0.15), (0.25, 0.14)], 0.003, 0.012, 0.003))
    figure.fill(wake, (250, 252, 252), 0.7)


def _rocket(figure: Figure, own: Colour) -> None:
    white, dark = (240, 238, 234), (86, 88, 120)
    figure.glow((0, 0.55), 0.55, (255, 170, 80), 0.8)
    smoke = [
        ellipse(x, 0.62 + y, r)
        for x, y, r in ((0, 0.0, 0.10), (0.05, 0.13, 0.12), (-0.06, 0.24, 0.14), (0.05, 0.40, 0.17), (-0.07, 0.56, 0.2))
    ]
    plume = figure.stencil(*smoke).soft(figure.size * 0.02)
    figure.paint(plume, (226, 218, 232), 0.5)
    for wide, long, colour in (
        (0.115, 0.46, (255, 132, 54)),
        (0.08, 0.34, (255, 196, 84)),
        (0.045, 0.22, (255, 246, 210)),
    ):
        flame = smooth(mirrored([(0, 0.36), (wide, 0.40), (wide * 0.8, 0.40 + long * 0.4), (0, 0.40 + long)]))
        figure.fill(flame, colour, 0.95, soft=0.008)
    for side in (-1, 1):
        figure.part(smooth(sided("0.13,0.08 0.27,0.24 0.31,0.46 0.22,0.4 0.12,0.36", side)), own, 0.025)
    figure.fill(polygon(trace("-0.1,0.33 0.1,0.33 0.13,0.41 -0.13,0.41")), ((130, 128, 142), (84, 82, 98)))
    body = figure.stencil(smooth(mirrored(trace("0,-0.62 0.07,-0.52 0.155,-0.26 0.175,0 0.15,0.24 0.11,0.35 0,0.36"))))
    figure.paint(body, white)
    figure.paint(figure.stencil(polygon(trace("-0.3,-0.8 0.3,-0.8 0.3,-0.35 -0.3,-0.35"))) & body, own)
    figure.paint(figure.stencil(polygon(trace("-0.3,0.2 0.3,0.2 0.3,0.26 -0.3,0.26"))) & body, own)
    figure.model(body, (255, 255, 255), dark, depth=0.08, strength=0.7)
    figure.fill(ellipse(0, -0.14, 0.092), (196, 190, 196))
    port = figure.stencil(ellipse(0, -0.14, 0.07))
    figure.paint(port, ((58, 92, 140), (120, 190, 214)))
    figure.model(port, (214, 240, 255), (30, 44, 84), depth=0.02)
    figure.fill(ellipse(-0.025, -0.165, 0.02, 0.014), (255, 255, 255), 0.85)
    figure.fill([ellipse(x, 0.06, 0.011) for x in (-0.06, 0.0, 0.06)], (150, 150, 168))
