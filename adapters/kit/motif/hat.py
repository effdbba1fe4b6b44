"""Hats of the portraits, each with the shadow it throws on the forehead."""

from adapters.kit.motif.colour import Colour, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.outline import box, ellipse, mirrored, polygon, smooth, stroke, trace


def hat(figure: Figure, kind: str, accent: Colour) -> None:
    """Draw a hat of this kind, in the accent colour where its cut leaves a choice; an unknown kind is no hat."""
    draw = {
        "captain": _captain,
        "beanie": _beanie,
        "crown": _crown,
        "pointed": _pointed,
        "straw": _straw,
        "beret": _beret,
    }
    if kind in draw:
        if kind != "crown":
            figure.fill(ellipse(0.02, -0.27, 0.34, 0.10), figure.shade, 0.3, soft=0.035)
        draw[kind](figure, accent)


def _captain(figure: Figure, _accent: Colour) -> None:
    white, navy, gold = (240, 236, 226), (34, 44, 72), (222, 178, 88)
    crown = trace("0,-0.8 0.24,-0.785 0.47,-0.68 0.495,-0.56 0.4,-0.46 0,-0.42")
    figure.part(smooth(mirrored(crown)), white, 0.05)
    band = smooth(mirrored(trace("0,-0.5 0.2,-0.495 0.385,-0.47 0.4,-0.4 0.375,-0.335 0.2,-0.355 0,-0.36")), steps=6)
    figure.part(band, navy, 0.03)
    visor = smooth(trace("-0.345,-0.36 -0.15,-0.385 0.15,-0.385 0.345,-0.36 0.27,-0.265 0,-0.225 -0.27,-0.265"))
    figure.part(visor, (30, 30, 40), 0.03)
    figure.fill(
        stroke([(-0.25, -0.30), (-0.05, -0.26), (0.14, -0.268)], 0.004, 0.014, 0.004),
        (255, 255, 255),
        0.35,
        soft=0.004,
    )
    figure.fill(stroke([(-0.345, -0.365), (0, -0.395), (0.345, -0.365)], 0.022, 0.022), gold)
    anchor = [
        ellipse(0, -0.552, 0.018),
        stroke([(0, -0.54), (0, -0.43)], 0.016, 0.016),
        stroke([(-0.035, -0.515), (0.035, -0.515)], 0.014, 0.014),
        stroke(trace("-0.055,-0.465 -0.03,-0.43 0,-0.42 0.03,-0.43 0.055,-0.465"), 0.006, 0.02, 0.02, 0.006),
    ]
    figure.fill(anchor, gold)


def _beanie(figure: Figure, accent: Colour) -> None:
    wool = mix(accent, (200, 90, 60), 0.3)
    figure.part(smooth(mirrored(trace("0,-0.7 0.2,-0.665 0.35,-0.52 0.39,-0.34 0,-0.3"))), wool, 0.06)
    cuff = figure.part(box(-0.405, -0.42, 0.405, -0.25, 0.06), shift(wool, light=0.05), 0.03)
    ribs = [box(x, -0.43, x + 0.012, -0.24) for x in (k * 0.055 - 0.39 for k in range(15))]
    figure.paint(figure.stencil(*ribs) & cuff, shift(wool, light=-0.08), 0.5)


def _crown(figure: Figure, _accent: Colour) -> None:
    gold = (228, 180, 76)
    points = trace("-0.33,-0.4 -0.37,-0.74 -0.21,-0.56 -0.13,-0.8 0,-0.58 0.13,-0.8 0.21,-0.56 0.37,-0.74 0.33,-0.4")
    figure.part(polygon([*points, (0.15, -0.365), (0, -0.355), (-0.15, -0.365)]), gold, 0.04)
    for x, y in ((-0.37, -0.75), (-0.13, -0.81), (0.13, -0.81), (0.37, -0.75)):
        figure.fill(ellipse(x, y, 0.026), (255, 232, 168))
    for x, gem in ((-0.2, (70, 150, 170)), (0.0, (200, 60, 76)), (0.2, (70, 150, 170))):
        figure.fill(ellipse(x, -0.455, 0.032, 0.038), (shift(gem, light=0.12), gem))


def _pointed(figure: Figure, accent: Colour) -> None:
    felt = mix(accent, (44, 34, 78), 0.65)
    cone = smooth(trace("-0.36,-0.38 -0.22,-0.72 -0.08,-1.02 0.12,-1.16 0.08,-0.98 0.2,-0.72 0.36,-0.38"), steps=8)
    figure.part(cone, felt)
    band = stroke([(-0.33, -0.42), (0, -0.385), (0.33, -0.42)], 0.09, 0.09)
    figure.fill(band, (206, 160, 80))
    figure.part(ellipse(0, -0.345, 0.60, 0.085), shift(felt, light=-0.03), 0.03)


def _straw(figure: Figure, accent: Colour) -> None:
    straw = (226, 190, 116)
    figure.part(smooth(mirrored(trace("0,-0.74 0.22,-0.72 0.3,-0.58 0.32,-0.38 0,-0.36"))), straw)
    figure.fill(stroke([(-0.32, -0.43), (0, -0.405), (0.32, -0.43)], 0.085, 0.085), accent)
    figure.part(ellipse(0, -0.36, 0.64, 0.10), shift(straw, light=0.02), 0.035)


def _beret(figure: Figure, accent: Colour) -> None:
    felt = shift(accent, light=-0.04)
    figure.fill(stroke([(0.06, -0.70), (0.075, -0.77)], 0.03, 0.024), shift(felt, light=-0.05))
    shape = trace("-0.37,-0.4 -0.42,-0.56 -0.22,-0.7 0.12,-0.73 0.46,-0.62 0.53,-0.45 0.39,-0.37 0.1,-0.42 -0.15,-0.42")
    figure.part(smooth(shape), felt, 0.08)
