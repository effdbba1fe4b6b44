"""A cup of coffee or tea, the way a café would serve it."""

from adapters.kit.motif.colour import Colour, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.outline import ellipse, mirrored, moved, smooth, stroke, trace, turned


def table_shadow(figure: Figure, across: float, down: float) -> None:
    """Lay the shadow of a thing on the table: a wide soft one from the window, a close dark one under it."""
    figure.fill(ellipse(0.16, 0.015, across * 1.12, down), figure.shade, 0.5, soft=0.03)
    figure.fill(ellipse(0.03, 0.01, across * 0.9, down * 0.7), figure.shade, 0.6, soft=0.012)


def cup(figure: Figure, own: Colour, *, tea: bool) -> None:
    """Draw a cup on its saucer with a spoon, steaming; coffee has beans beside it."""
    table_shadow(figure, 0.56, 0.15)
    figure.part(ellipse(0, 0.0, 0.56, 0.155), shift(own, light=-0.02), 0.03)
    well = figure.stencil(ellipse(0, -0.012, 0.40, 0.10))
    figure.paint(well, shift(own, light=-0.07))
    figure.model(well, shift(own, light=-0.16), shift(own, light=0.1), depth=0.03)
    figure.fill(ellipse(0.04, -0.015, 0.26, 0.06), figure.shade, 0.5, soft=0.015)
    handle = trace("0.33,-0.42 0.5,-0.45 0.575,-0.34 0.52,-0.21 0.36,-0.15 0.27,-0.13")
    figure.part(stroke(handle, 0.07, 0.062, 0.06, 0.06, 0.065), own, 0.02)
    half = trace("0,-0.56 0.2,-0.555 0.385,-0.53 0.385,-0.45 0.355,-0.27 0.27,-0.1 0.2,-0.025 0.1,0 0,0.005")
    body = figure.stencil(smooth(mirrored(half)))
    lit, dark = mix(own, (255, 252, 242), 0.5), mix(shift(own, light=-0.2), figure.shade, 0.35)
    sides = (lit, own, own, dark) if figure.side < 0 else (dark, own, own, lit)
    figure.paint(body, sides, across=True)
    figure.model(body, lit, dark, depth=0.07, strength=0.5)
    rim = figure.stencil(ellipse(0, -0.535, 0.392, 0.098))
    figure.paint(rim, (shift(own, light=0.06), mix(own, (255, 255, 255), 0.35)))
    figure.paint(figure.stencil(ellipse(0, -0.528, 0.366, 0.085)), (shift(own, light=-0.16), shift(own, light=-0.08)))
    drink = (168, 92, 36) if tea else (74, 43, 28)
    surface = figure.stencil(ellipse(0, -0.508, 0.342, 0.066))
    figure.paint(surface, (shift(drink, light=-0.05), drink, shift(drink, light=0.05)))
    figure.model(surface, shift(drink, light=-0.1), shift(drink, light=0.14), depth=0.014)
    if not tea:
        _foam_art(figure, figure.canvas.pick(3))
    figure.fill(ellipse(-0.16, -0.535, 0.07, 0.008), (255, 255, 255), 0.35)
    gleam = stroke([(-0.315, -0.40), (-0.295, -0.28), (-0.24, -0.16)], 0.012, 0.03, 0.01)
    figure.fill(gleam, (255, 255, 255), 0.55, soft=0.006)
    _spoon_and_beans(figure, beans=not tea)
    _steam(figure)


def _foam_art(figure: Figure, kind: int) -> None:
    cream = (236, 205, 164)
    if kind == 0:
        figure.fill(ellipse(0, -0.508, 0.31, 0.058), (150, 98, 62), 0.8)
        heart = trace("0,-0.536 0.045,-0.55 0.1,-0.546 0.125,-0.525 0.085,-0.498 0,-0.468")
        figure.fill(smooth(mirrored(heart)), cream, 0.95)
    elif kind == 1:
        figure.fill(ellipse(0, -0.508, 0.31, 0.058), (156, 104, 68), 0.8)
        for k, wide in enumerate((0.07, 0.13, 0.17, 0.14)):
            y = -0.545 + k * 0.022
            leaf = stroke([(-wide, y + 0.004), (0, y + 0.016), (wide, y + 0.004)], 0.003, 0.011, 0.003)
            figure.fill(leaf, cream, 0.95)
        figure.fill(stroke([(0, -0.555), (0, -0.455)], 0.006, 0.004), (156, 104, 68))
    else:
        ring = figure.stencil(ellipse(0, -0.508, 0.325, 0.061), cut=[ellipse(0.01, -0.506, 0.26, 0.046)])
        figure.paint(ring.soft(figure.size * 0.006), (176, 120, 74), 0.75)
        bubbles = [
            ellipse(x, -0.508 + y, 0.009, 0.004)
            for x, y in ((-0.2, 0.02), (-0.24, 0.005), (0.18, 0.025), (0.23, -0.012))
        ]
        figure.fill(bubbles, cream, 0.7)


def _spoon_and_beans(figure: Figure, *, beans: bool) -> None:
    steel = (206, 204, 206)
    for down, colour, soft in ((0.022, figure.shade, 0.01), (0.0, steel, 0.0)):
        spoon = [
            ellipse(-0.50, 0.055 + down, 0.10, 0.036, tilt=0.12),
            stroke([(-0.42, 0.065 + down), (-0.2, 0.10 + down), (0.10, 0.135 + down)], 0.014, 0.016, 0.026),
        ]
        figure.fill(spoon, colour, 0.5 if soft else 1.0, soft=soft)
    figure.fill(ellipse(-0.51, 0.05, 0.07, 0.02, tilt=0.12), (140, 138, 146), 0.7, soft=0.006)
    if not beans:
        return
    for x, y, turn in figure.canvas.rng.random((7, 3)):
        spot, tilt = (0.62 + 0.30 * x, 0.02 + 0.20 * y), float(turn * 3)
        figure.fill(ellipse(spot[0] + 0.012, spot[1] + 0.014, 0.042, 0.024, tilt=tilt), figure.shade, 0.5, soft=0.006)
        figure.part(ellipse(*spot, 0.042, 0.029, tilt=tilt), (92, 54, 34), 0.012)
        crease = stroke(trace("-0.034,0 0,0.005 0.034,0"), 0.004, 0.008, 0.004)
        figure.fill(moved(turned(crease, tilt), *spot), (44, 24, 16))


def _steam(figure: Figure) -> None:
    for x, lift in ((-0.13, 0.0), (0.04, 0.12), (0.17, 0.03)):
        sway = figure.canvas.between(0.04, 0.08)
        bends = ((0.0, -0.56), (-1.0, -0.70), (1.0, -0.86), (-0.6, -1.02), (1.0, -1.20))
        wisp = [(x + sway * bend, y - (lift if y < -0.6 else 0.0)) for bend, y in bends]
        figure.fill(stroke(wisp, 0.02, 0.055, 0.07, 0.05, 0.004), (255, 252, 246), 0.5, soft=0.022)
