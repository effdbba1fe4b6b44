"""A desert: dunes whose crests part light from shadow, under a wide sky."""

import numpy as np

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexed, mix, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.noise import Profile, profile
from adapters.kit.motif.outline import Frame, smooth, stroke, trace
from adapters.kit.motif.sky import sky
from adapters.kit.motif.stage import Stage

_SANDS = ("#e3a863", "#d98a5a", "#e8c28a", "#c97b54")


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Paint dunes from the horizon to the viewer."""
    width, height, unit = canvas.width, canvas.height, canvas.unit
    horizon = height * canvas.between(0.52, 0.6)
    sky(canvas, light, horizon, cloud=0.2)
    sand = light.lit(hexed(_SANDS[canvas.pick(len(_SANDS))]), 0.5 if light.dark else None)
    layers = 5
    for layer in range(layers):
        share = layer / (layers - 1)
        base = horizon + (height * 0.86 - horizon) * share**1.3
        cells = (3.2 - 2.2 * share) * max(1.0, width / height)
        line = base - (profile(canvas.rng, width, cells=cells, octaves=2, gain=0.18)) * unit * (0.05 + 0.15 * share)
        colour = mix(mix(sand, light.horizon, 0.55), sand, share)
        _dune(canvas, light, line, colour, unit * (0.08 + 0.3 * share))
        if layer == 2 and not brief.subjects and canvas.chance(0.6):
            for _ in range(3):
                x = canvas.between(0.08, 0.92) * width
                _cactus(canvas, x, float(line[int(x)]) + unit * 0.01, unit * canvas.between(0.07, 0.13), light)
    x = width * canvas.between(0.42, 0.58)
    return Stage(x=x, y=height * 0.9, height=unit * 0.5, side=light.side, shade=shift(sand, light=-0.3))


def _dune(canvas: Canvas, light: Light, line: Profile, colour: Colour, drop: float) -> None:
    """One dune: the face away from the light begins at the crest and swings out from its tops."""
    land = canvas.land(line)
    canvas.paint(land, (mix(colour, light.sun, 0.3), colour, shift(colour, light=-0.06)))
    shadow = shift(mix(colour, light.near, 0.4), light=-0.03)
    wide = max(2, canvas.width // 40)
    slope = np.gradient(np.convolve(np.pad(line, wide, mode="edge"), np.ones(wide) / wide, mode="same"))[wide:-wide]
    turned = slope * (1 if light.side < 0 else -1)
    steep = np.clip(turned * 2.2, 0, 1)
    lee = steep * steep * (3 - 2 * steep) * drop
    face = canvas.land(line) - canvas.land(line + lee)
    canvas.paint(face, shadow, 0.62)
    edge = canvas.land(line) - canvas.land(line + max(canvas.unit * 0.003, 0.6))
    canvas.paint(edge, mix(light.sun, colour, 0.35), 0.6)


def _cactus(canvas: Canvas, x: float, foot: float, size: float, light: Light) -> None:
    frame = Frame(x, foot, size, flip=canvas.chance(0.5))
    green = light.lit(mix((70, 112, 82), light.near, 0.35))
    parts = [stroke([(0, 0.03), (0, -0.5), (0, -0.95)], 0.2, 0.22, 0.17)]
    parts.append(stroke(trace("0.05,-0.42 0.26,-0.44 0.3,-0.56 0.3,-0.74"), 0.11, 0.13, 0.11))
    parts.append(stroke(trace("-0.05,-0.3 -0.22,-0.32 -0.26,-0.42 -0.26,-0.6"), 0.11, 0.12, 0.1))
    shape = canvas.stencil(*(frame(part) for part in parts))
    canvas.fill(frame(smooth(trace("-0.15,0 0.1,-0.03 0.9,0.03 0.1,0.06"))), light.near, 0.3)
    canvas.paint(shape, green)
    canvas.model(shape, mix(green, light.sun, 0.4), shift(green, light=-0.12), depth=size * 0.07, side=light.side)
