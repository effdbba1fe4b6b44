"""Single buildings and trees that stand in a landscape: a cabin, a castle, an old tree."""

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import hexes, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import box, ellipse, polygon, smooth, stroke, trace
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import NAMED
from adapters.kit.motif.tree import crown

_WARM = (255, 214, 130)
_ROOFS = hexes("#a8483a #4f6470 #7a5a44 #5a4a68")
_WALLS = hexes("#c98f5c #9a6a48 #e4d3b8 #7f5a44")


def paint(canvas: Canvas, brief: Brief, light: Light, stage: Stage, name: str) -> None:
    """Draw the landmark where the setting left room."""
    draw = {"house": _house, "castle": _castle, "tree": _tree}[name]
    draw(Figure.on(canvas, stage, scale=0.72 if name == "house" else 1.0), brief, light)


def _house(figure: Figure, brief: Brief, light: Light) -> None:
    wall = light.lit(NAMED.get(brief.coat) or _WALLS[figure.canvas.pick(len(_WALLS))])
    roof = light.lit(_ROOFS[figure.canvas.pick(len(_ROOFS))])
    lit_window = light.mood != "day"
    dark = mix(light.near, (30, 26, 30), 0.4)
    figure.fill(ellipse(0.05, 0.0, 0.8, 0.07), dark, 0.45, soft=0.03)
    figure.fill(box(0.24, -0.90, 0.36, -0.55), shift(roof, light=-0.08))
    smoke = trace("0.3,-0.93 0.36,-1.08 0.28,-1.24 0.42,-1.4 0.36,-1.56")
    figure.fill(stroke(smoke, 0.04, 0.08, 0.10, 0.12, 0.03), (244, 242, 240), 0.45, soft=0.035)
    side = figure.stencil(polygon(trace("-0.02,-0.46 0.62,-0.46 0.62,0 -0.02,0")))
    figure.paint(side, (shift(wall, light=-0.06), shift(wall, light=-0.10)))
    gable = figure.stencil(polygon(trace("-0.62,-0.46 -0.32,-0.86 -0.02,-0.46 -0.02,0 -0.62,0")))
    figure.paint(gable, (shift(wall, light=0.07), wall))
    planks = [box(-0.62, y, 0.62, y + 0.008) for y in (-0.40, -0.32, -0.24, -0.16, -0.08)]
    figure.fill(planks, shift(wall, light=-0.14), 0.4)
    figure.fill(
        polygon(trace("-0.32,-0.9 0.4,-0.9 0.72,-0.42 0.03,-0.42")),
        (shift(roof, light=0.05), shift(roof, light=-0.04)),
    )
    figure.fill(stroke([(-0.70, -0.39), (-0.32, -0.90), (0.04, -0.42)], 0.06, 0.06, steps=1), shift(roof, light=-0.05))
    if brief.weather == "snow":
        figure.fill(
            smooth(trace("-0.36,-0.93 0.42,-0.93 0.76,-0.44 0.5,-0.47 0.03,-0.46 -0.1,-0.66"), steps=5),
            (246, 249, 253),
            0.96,
        )
    glass = ((255, 232, 160), (255, 190, 96)) if lit_window else ((150, 190, 205), (110, 150, 170))
    figure.fill(box(-0.40, -0.30, -0.24, 0.0, 0.02), shift(roof, light=-0.1))
    figure.fill(ellipse(-0.265, -0.14, 0.012), _WARM)
    for left, top, right, bottom in (
        (-0.39, -0.62, -0.25, -0.46),
        (0.10, -0.32, 0.27, -0.14),
        (0.37, -0.32, 0.54, -0.14),
    ):
        figure.fill(box(left - 0.02, top - 0.02, right + 0.02, bottom + 0.02), mix(wall, (255, 250, 240), 0.6))
        figure.fill(box(left, top, right, bottom), glass)
        middle = ((left + right) / 2, (top + bottom) / 2)
        bars = [
            box(middle[0] - 0.007, top, middle[0] + 0.007, bottom),
            box(left, middle[1] - 0.007, right, middle[1] + 0.007),
        ]
        figure.fill(bars, mix(wall, (255, 250, 240), 0.6))
        if lit_window:
            figure.glow(middle, 0.26, _WARM, 0.55)


def _castle(figure: Figure, brief: Brief, light: Light) -> None:
    stone = light.lit(NAMED.get(brief.coat) or mix((196, 186, 180), light.far, 0.25))
    roof = light.lit(_ROOFS[figure.canvas.pick(len(_ROOFS))])
    dark = mix(light.near, (30, 26, 36), 0.4)
    windows = _WARM if light.mood != "day" else dark
    figure.fill(ellipse(0, 0.02, 0.75, 0.08), dark, 0.5, soft=0.03)
    towers = ((-0.30, -0.62, 0.10), (0.30, -0.70, 0.10), (0.05, -0.98, 0.12), (-0.55, -0.46, 0.10), (0.56, -0.50, 0.10))
    for place, (x, top, wide) in enumerate(towers):
        tone = shift(stone, light=-0.05 if place < 3 else 0.02)
        if place == 3:
            wall = figure.stencil(box(-0.56, -0.34, 0.56, 0.02))
            figure.paint(wall, (shift(stone, light=0.02), shift(stone, light=-0.06)))
            figure.fill(
                [box(-0.55 + k * 0.085, -0.385, -0.505 + k * 0.085, -0.33) for k in range(13)],
                shift(stone, light=0.02),
            )
        shaft = figure.stencil(box(x - wide, top, x + wide, 0.02))
        figure.paint(shaft, tone)
        figure.model(
            shaft,
            mix(tone, light.sun, 0.6),
            mix(tone, light.near, 0.5),
            depth=0.06,
            strength=0.6,
        )
        figure.fill(box(x - wide - 0.02, top - 0.03, x + wide + 0.02, top + 0.03), shift(tone, light=0.03))
        cone = figure.stencil(
            polygon([(x - wide - 0.045, top - 0.02), (x, top - 0.36), (x + wide + 0.045, top - 0.02)])
        )
        figure.paint(cone, roof)
        figure.model(cone, mix(roof, light.sun, 0.5), shift(roof, light=-0.12), depth=0.05)
        figure.fill(polygon([(x, top - 0.47), (x + 0.10, top - 0.44), (x, top - 0.41)]), (206, 74, 66))
        figure.fill(box(x - 0.004, top - 0.47, x + 0.004, top - 0.34), dark)
        figure.fill([box(x - 0.018, y, x + 0.018, y + 0.07, 0.018) for y in (top + 0.08, top + 0.25)], windows)
    figure.fill(box(-0.10, -0.22, 0.10, 0.03, 0.10), dark)
    figure.fill(box(-0.075, -0.19, 0.075, 0.03, 0.075), mix(dark, (110, 76, 50), 0.6))


def _tree(figure: Figure, brief: Brief, light: Light) -> None:
    leaf = light.lit(
        NAMED.get(brief.coat, (196, 104, 50) if brief.weather == "autumn" else mix(light.leaf, (104, 146, 78), 0.5))
    )
    figure.fill(ellipse(0.1, 0.02, 0.5, 0.06), mix(light.near, leaf, 0.2), 0.5, soft=0.03)
    x, y = figure.frame.at(0.0, 0.02)
    tones = (shift(leaf, light=-0.13), leaf, mix(shift(leaf, light=0.09), light.sun, 0.2))
    crown(figure.canvas, x, y, figure.size * 1.12, tones)
