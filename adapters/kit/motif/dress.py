"""Neck, shoulders and clothes of the portraits."""

from adapters.kit.motif.colour import Colour, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.outline import box, ellipse, mirrored, polygon, sided, smooth, stroke, trace
from adapters.kit.motif.sitter import Sitter


def dress(figure: Figure, sitter: Sitter) -> None:
    """Draw neck, shoulders and what covers them."""
    wide = 0.86 if sitter.feminine else 1.0
    neck_wide = 0.15 if sitter.feminine else 0.19
    under = mix(shift(sitter.skin, light=-0.11, hue=-6), figure.shade, 0.12)
    neck = figure.stencil(box(-neck_wide, 0.20, neck_wide, 0.78, 0.06))
    figure.paint(neck, sitter.skin)
    figure.patch(ellipse(0.02, 0.36, 0.36, 0.24), under, neck, 0.8, soft=0.03)
    cloth = sitter.cloth
    half = trace("0,0.58 0.2,0.6 0.42,0.7 0.72,0.8 0.88,0.98 0.98,1.4 1.04,2.2 0,2.2")
    outline = smooth(mirrored([(x * wide, y) for x, y in half]))
    body = figure.stencil(outline)
    figure.paint(body, (shift(cloth, light=0.04), cloth, shift(cloth, light=-0.06)))
    figure.model(
        body,
        mix(cloth, (255, 244, 222), 0.45),
        mix(shift(cloth, light=-0.14), figure.shade, 0.4),
        depth=0.13,
        strength=0.6,
    )
    if sitter.seafarer:
        _peacoat(figure, sitter)
    elif sitter.feminine:
        scoop = figure.stencil(smooth(mirrored(trace("0,0.5 0.17,0.52 0.3,0.66 0.2,0.86 0,0.92"))))
        figure.paint(scoop, sitter.skin)
        figure.patch(ellipse(0.02, 0.40, 0.30, 0.20), under, neck, 0.75, soft=0.035)
        if figure.canvas.chance(0.5):
            beads = [ellipse(x, 0.74 - 1.6 * x * x * 1.2, 0.018) for x in (k * 0.037 for k in range(-6, 7))]
            figure.fill(beads, mix(sitter.accent, (255, 240, 200), 0.5))
    elif figure.canvas.chance(0.5):
        _roll_neck(figure, cloth)
    else:
        for side in (-1, 1):
            lapel = polygon(sided("0.05,0.62 0.22,0.54 0.36,0.74 0.16,0.96", side))
            figure.fill(lapel, shift(cloth, light=0.07 if side < 0 else -0.05))
        figure.fill(polygon([(-0.14, 0.58), (0.14, 0.58), (0.0, 0.98)]), mix(sitter.accent, (250, 246, 236), 0.72))
        figure.fill(ellipse(0, 0.6, neck_wide * 0.98, 0.09), mix(sitter.skin, figure.shade, 0.22))


def _roll_neck(figure: Figure, cloth: Colour) -> None:
    collar = figure.stencil(box(-0.24, 0.46, 0.24, 0.72, 0.09))
    figure.paint(collar, shift(cloth, light=0.05))
    figure.model(collar, mix(cloth, (255, 244, 222), 0.5), mix(cloth, figure.shade, 0.5), depth=0.05)
    ribs = [stroke([(x, 0.50), (x * 1.03, 0.69)], 0.008, 0.01) for x in (k * 0.048 for k in range(-4, 5))]
    figure.fill(ribs, shift(cloth, light=-0.08), 0.5)


def _peacoat(figure: Figure, sitter: Sitter) -> None:
    """Draw a sailor's dress: a striped jersey with a roll neck under an open dark coat with brass buttons."""
    cream, blue = (240, 233, 218), (44, 66, 108)
    jersey = figure.stencil(polygon(trace("-0.28,0.54 0.28,0.54 0.22,2.2 -0.22,2.2")))
    figure.paint(jersey, cream)
    rows = [0.80 + row * 0.105 for row in range(14)]
    stripes = [stroke([(-0.4, y - 0.01), (0, y + 0.03), (0.4, y - 0.01)], 0.045, 0.045) for y in rows]
    figure.patch(stripes, blue, jersey)
    figure.model(jersey, cream, figure.shade, depth=0.09, side=-0.5, strength=0.4)
    _roll_neck(figure, cream)
    for side in (-1, 1):
        tone = shift(sitter.cloth, light=0.06 if side < 0 else -0.02)
        front = polygon(sided("0.26,0.58 0.4,0.66 0.5,2.3 0.05,2.3 0.13,1.35", side))
        figure.fill(front, tone)
        lapel = polygon(sided("0.22,0.52 0.4,0.6 0.6,0.98 0.4,1.02 0.46,1.12 0.13,1.4", side))
        cut = figure.stencil(lapel)
        figure.paint(cut.moved(0, figure.size * 0.02).soft(figure.size * 0.012), figure.shade, 0.4)
        figure.paint(cut, shift(tone, light=0.04))
        figure.model(cut, mix(tone, (255, 240, 220), 0.35), shift(tone, light=-0.1), depth=0.03)
        for y in (1.32, 1.56):
            figure.part(ellipse(side * 0.32, y, 0.042), (214, 170, 84), 0.014)
