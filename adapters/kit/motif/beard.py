"""Beards and moustaches of the portraits."""

from adapters.kit.motif.colour import mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.outline import ellipse, mirrored, smooth, stroke, trace
from adapters.kit.motif.sitter import Sitter


def beard(figure: Figure, sitter: Sitter) -> None:
    """Draw what grows around the mouth: a full beard with a moustache, a trimmed one, or a moustache alone."""
    hair = sitter.hair
    light, dark = mix(hair, (255, 252, 244), 0.55), mix(shift(hair, light=-0.16), figure.shade, 0.35)
    if sitter.beard == "full":
        long = 0.86 if sitter.old else 0.68
        ends = [(0.245, long * 0.78), (0.14, long * 0.88), (0.10, long * 0.98), (0, long)]
        half = [*trace("0,0.2 0.1,0.225 0.2,0.215 0.285,0.12 0.335,-0.04 0.372,0.06 0.365,0.28 0.3,0.5"), *ends]
        bush = figure.stencil(smooth(mirrored(half)))
        figure.paint(bush.moved(0, figure.size * 0.03).soft(figure.size * 0.02), figure.shade, 0.35)
        figure.paint(bush, hair)
        figure.model(bush, light, dark, depth=0.07, strength=0.6)
        locks = []
        for k in range(-5, 6):
            x, fall = k * 0.055, long * (0.97 - 0.012 * k * k) - 0.03
            path = [(x * 1.1, 0.36 + 0.006 * k * k), (x * 1.05 + 0.02 * (k % 2), 0.5), (x * 0.9, fall)]
            locks.append(stroke(path, 0.003, 0.014, 0.003))
        figure.fill(locks, dark, 0.32)
        _lip_line(figure, sitter)
    elif sitter.beard == "short":
        half = trace("0,0.385 0.09,0.36 0.15,0.27 0.24,0.2 0.335,0.02 0.35,0.14 0.29,0.36 0.165,0.5 0,0.545")
        figure.fill(smooth(mirrored(half)), hair, 0.82, soft=0.01)
    wide = 0.185 if sitter.old else 0.15
    for side in (-1, 1):
        half_wing = trace("0,0.195 0.5,0.205 1,0.275 1.12,0.33 0.55,0.295 0,0.265")
        wing = figure.stencil(smooth([(side * wide * x, y) for x, y in half_wing]))
        figure.paint(wing, shift(hair, light=0.03) if side < 0 else hair)
        figure.model(wing, light, dark, depth=0.022, strength=0.6)


def _lip_line(figure: Figure, sitter: Sitter) -> None:
    lip = mix(sitter.skin, (168, 62, 58), 0.5)
    figure.fill(ellipse(0, 0.305, 0.07, 0.026), lip)
    figure.fill(stroke([(-0.075, 0.295), (0, 0.302), (0.075, 0.295)], 0.006, 0.014, 0.006), shift(lip, light=-0.25))
