"""Birds that stand and look at you: an owl, a penguin, a small songbird or duckling."""

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.helmet import helmet
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import ellipse, mirrored, moved, polygon, sided, smooth, stroke, trace
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import NAMED

_OWLS = hexes("#8a6444 #6f5a58 #a87848 #7d7f8c")
_PENGUINS = hexes("#2c3244 #3a4256")
_SMALL = hexes("#e0713f #4f8fc4 #f2c23f #d8574f #6fa85a")
_BEAK = (240, 166, 62)


def paint(canvas: Canvas, brief: Brief, light: Light, stage: Stage, name: str) -> None:
    """Draw the bird on its stage."""
    figure = Figure.on(canvas, stage, scale=0.9 if name == "bird" else 1.0)
    figure.ground(0.36, 0.055)
    haze = 0.05 if brief.setting in {"space", "studio"} else None
    draw, pool = {"owl": (_owl, _OWLS), "penguin": (_penguin, _PENGUINS), "bird": (_songbird, _SMALL)}[name]
    own = light.lit(NAMED.get(brief.coat) or pool[canvas.pick(len(pool))], haze)
    draw(figure, own, light.lit((252, 244, 230), haze))
    if brief.setting == "space" or brief.says("astronaut", "helmet"):
        helmet(figure, -0.74, 0.44, 0.40, ring=False)


def _feet(figure: Figure, apart: float) -> None:
    for side in (-1, 1):
        foot = smooth(trace("-0.02,-0.05 -0.09,0 0,0.012 0.09,0 0.02,-0.05"))
        figure.part(moved(foot, side * apart, 0.0), _BEAK, 0.015)


def _eyes(figure: Figure, apart: float, y: float, radius: float, iris: Colour | None = None) -> None:
    for side in (-1, 1):
        if iris:
            figure.fill(ellipse(side * apart, y, radius * 1.55), (shift(iris, light=-0.08), iris))
        figure.fill(ellipse(side * apart, y, radius), (34, 24, 26))
        figure.fill(ellipse(side * apart - radius * 0.3, y - radius * 0.35, radius * 0.34), (255, 255, 255), 0.95)


def _owl(figure: Figure, own: Colour, pale: Colour) -> None:
    dark = shift(own, light=-0.12)
    for side in (-1, 1):
        tuft = sided("0.1,-0.9 0.27,-1.06 0.31,-0.78", side)
        figure.part(smooth(tuft), dark, 0.02)
    body = figure.part(
        smooth(mirrored(trace("0,-0.95 0.22,-0.92 0.33,-0.74 0.31,-0.56 0.36,-0.34 0.3,-0.1 0.15,-0.01 0,0"))),
        own,
    )
    chest = figure.stencil(smooth(mirrored(trace("0,-0.6 0.2,-0.52 0.245,-0.3 0.15,-0.06 0,-0.03")))) & body
    figure.paint(chest, pale)
    marks = [
        stroke([(x - 0.028, y - 0.02), (x, y + 0.012), (x + 0.028, y - 0.02)], 0.006, 0.018, 0.006)
        for row, y in enumerate((-0.44, -0.35, -0.26, -0.17))
        for x in ((-0.12, -0.04, 0.04, 0.12) if row % 2 else (-0.08, 0.0, 0.08))
    ]
    figure.fill(marks, mix(own, pale, 0.25))
    for side in (-1, 1):
        wing = sided("0.29,-0.6 0.4,-0.4 0.38,-0.18 0.26,-0.06 0.245,-0.3", side)
        figure.part(smooth(wing), dark, 0.04)
        figure.fill(ellipse(side * 0.125, -0.725, 0.145), mix(pale, own, 0.12))
    figure.fill(smooth(trace("-0.29,-0.86 -0.12,-0.85 0,-0.76 0.12,-0.85 0.29,-0.86 0.1,-0.94 -0.1,-0.94")), dark)
    _eyes(figure, 0.125, -0.72, 0.052, (246, 184, 66))
    figure.part(smooth(mirrored(trace("0,-0.7 0.04,-0.67 0.02,-0.6 0,-0.575"))), _BEAK, 0.012)
    _feet(figure, 0.11)


def _penguin(figure: Figure, own: Colour, pale: Colour) -> None:
    _feet(figure, 0.13)
    for side in (-1, 1):
        flipper = sided("0.22,-0.6 0.36,-0.44 0.44,-0.22 0.36,-0.2 0.26,-0.32", side)
        figure.part(smooth(flipper), shift(own, light=-0.04), 0.03)
    body = figure.part(
        smooth(mirrored(trace("0,-1 0.19,-0.95 0.26,-0.76 0.245,-0.62 0.32,-0.34 0.29,-0.1 0.16,-0.02 0,-0.01"))),
        own,
    )
    belly = smooth(mirrored(trace("0,-0.62 0.14,-0.6 0.225,-0.36 0.205,-0.12 0.1,-0.045 0,-0.04")))
    front = figure.stencil(belly) & body
    figure.paint(front, pale)
    figure.model(front, pale, mix(pale, figure.shade, 0.35), depth=0.05, strength=0.4)
    cheeks = (
        figure.stencil(
            *(ellipse(side * 0.105, -0.75, 0.115, 0.135) for side in (-1, 1)),
            ellipse(0, -0.68, 0.13, 0.08),
        )
        & body
    )
    figure.paint(cheeks, pale)
    for side in (-1, 1):
        figure.fill(ellipse(side * 0.165, -0.70, 0.042, 0.03), (240, 140, 120), 0.55, soft=0.014)
    _eyes(figure, 0.105, -0.775, 0.033)
    figure.part(smooth(mirrored(trace("0,-0.755 0.055,-0.72 0.03,-0.685 0,-0.675"))), _BEAK, 0.012)


def _songbird(figure: Figure, own: Colour, pale: Colour) -> None:
    leg = (120, 84, 62)
    figure.fill([stroke([(x, -0.16), (x, 0.0)], 0.022, 0.018) for x in (-0.05, 0.08)], leg)
    figure.fill(
        [stroke([(x - 0.06, 0.005), (x, -0.01), (x + 0.05, 0.005)], 0.012, 0.02, 0.012) for x in (-0.05, 0.08)],
        leg,
    )
    figure.part(polygon(trace("0.22,-0.3 0.6,-0.44 0.62,-0.36 0.26,-0.18")), shift(own, light=-0.12), 0.02)
    body = figure.part(
        smooth(
            trace(
                "-0.3,-0.56 -0.22,-0.76 -0.02,-0.8 0.16,-0.68 0.28,-0.44 0.3,-0.24"
                " 0.12,-0.11 -0.12,-0.12 -0.29,-0.26 -0.33,-0.42"
            )
        ),
        own,
    )
    belly = figure.stencil(
        smooth(trace("-0.36,-0.46 -0.16,-0.5 -0.02,-0.36 0.1,-0.18 0.05,-0.06 -0.2,-0.08 -0.4,-0.3"))
    ).soft(figure.size * 0.01)
    figure.paint(belly & body, pale)
    wing = figure.part(
        smooth(trace("0.02,-0.52 0.18,-0.5 0.4,-0.3 0.3,-0.25 0.12,-0.26 0,-0.38")),
        shift(own, light=-0.09),
        0.03,
    )
    bars = [stroke([(0.10, -0.42 + k * 0.06), (0.36, -0.33 + k * 0.04)], 0.008, 0.012) for k in range(3)]
    figure.paint(figure.stencil(*bars) & wing, mix(own, pale, 0.6), 0.8)
    figure.fill(ellipse(-0.215, -0.55, 0.05, 0.035), (240, 130, 110), 0.5, soft=0.014)
    figure.fill(ellipse(-0.15, -0.63, 0.042), (34, 24, 26))
    figure.fill(ellipse(-0.163, -0.645, 0.014), (255, 255, 255), 0.95)
    figure.part(smooth(trace("-0.275,-0.66 -0.43,-0.6 -0.4,-0.575 -0.29,-0.56"), steps=5), _BEAK, 0.012)
