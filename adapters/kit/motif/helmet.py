"""A round glass helmet for whoever goes into space: fur and feathers show through it."""

from adapters.kit.motif.figure import Figure
from adapters.kit.motif.outline import box, ellipse, stroke, trace

TRIM = (226, 108, 62)
_WHITE = (255, 255, 255)


def collar(figure: Figure) -> None:
    """Draw the panel on the chest and the ring the helmet will stand in."""
    figure.part(box(-0.075, -0.40, 0.075, -0.30, 0.015), (206, 206, 212), 0.022)
    for x, lamp in ((-0.045, (222, 84, 74)), (0.0, (240, 190, 84)), (0.045, (88, 176, 170))):
        figure.fill(ellipse(x, -0.35, 0.015), lamp)
    figure.part(ellipse(0, -0.505, 0.225, 0.072), TRIM)
    figure.fill(ellipse(0, -0.52, 0.195, 0.05), (58, 52, 74))


def helmet(figure: Figure, middle: float, across: float, down: float, *, ring: bool) -> None:
    """Draw the glass around a head whose middle is at this height; with a ring it ends there."""
    bubble = ellipse(0, middle, across, down)
    # Nothing of the glass may lie over the chest.
    above = figure.stencil(box(-0.6, -1.6, 0.6, -0.5 if ring else 0.0))
    glass = figure.stencil(bubble) & above
    figure.paint(glass, (196, 224, 255), 0.10)
    figure.model(glass, (235, 246, 255), (150, 186, 240), depth=0.05, strength=0.5)
    rim = figure.stencil(bubble, cut=[ellipse(0, middle, across - 0.012, down - 0.012)])
    figure.paint(rim & above, (236, 244, 255), 0.6)
    for path, width in (("-0.85,0.1 -0.83,0.26 -0.76,0.4", 0.05), ("-0.7,0.5 -0.64,0.56", 0.036)):
        arc = [(x * across, middle - y * down) for x, y in trace(path)]
        figure.fill(stroke(arc, width * 0.4, width, width * 0.4), _WHITE, 0.75, soft=0.004)
    if ring:
        figure.paint(figure.stencil(ellipse(0, -0.475, 0.26, 0.068), cut=[ellipse(0, -0.515, 0.25, 0.062)]), TRIM)
