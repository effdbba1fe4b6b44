"""The sea: open water with the sun's path on it, a beach to stand on, or a storm's heavy waves."""

from functools import partial

import numpy as np

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexed, mix, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.noise import Profile, profile
from adapters.kit.motif.outline import discs, smooth, stroke
from adapters.kit.motif.sky import sky
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.vocabulary import ANIMALS
from adapters.kit.motif.water import glitter, swell

_DEEPS = ("#11505f", "#14466b", "#0f5a5a", "#1f4a7a")
_SANDS = ("#ecd2a0", "#e5c49a", "#f0dcb8")


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Paint sky and sea, and the shore or waves the brief calls for."""
    unit, width, height = canvas.unit, canvas.width, canvas.height
    walker = not ANIMALS.isdisjoint(brief.subjects)
    beach = (
        walker
        or brief.says("beach", "shore", "coast", "island")
        or (not brief.subjects and light.mood != "storm" and canvas.chance(0.3))
    )
    rough = light.mood == "storm" or brief.says("wave", "waves")
    horizon = round(height * (canvas.between(0.4, 0.46) if beach or rough else canvas.between(0.5, 0.58)))
    sun_x, _ = sky(canvas, light, horizon, cloud=1.0 if light.mood == "storm" else canvas.between(0.35, 0.75))
    deep = light.lit(hexed(_DEEPS[canvas.pick(len(_DEEPS))]), 0.62 if light.dark else 0.25)
    if light.mood in {"sunset", "dawn"}:
        deep = mix(deep, light.sky[1], 0.45)
    if light.mood == "storm" and canvas.chance(0.75):
        _lightning(canvas, light, horizon)
    shine = mix(mix(light.horizon, light.sky[-2], 0.5), deep, 0.3)
    facing = swell(canvas, horizon, (shine, mix(shine, deep, 0.55), shift(deep, light=-0.05)))
    if light.mood not in {"storm", "fog"}:
        glitter(canvas, horizon, facing, sun_x, mix(light.sun, (255, 255, 255), 0.2))
    if not beach and not rough and canvas.chance(0.6):
        _island(canvas, light, horizon)
    foot = horizon + unit * 0.13
    front = None
    if beach:
        foot = height * 0.88
        _beach(canvas, light, horizon)
    elif rough:
        waves = _waves(canvas, horizon, deep, shine)
        for line, colour, size in waves[:2]:
            _wave(canvas, line, colour, size, light)
        front = partial(_break, waves=waves[2:], light=light)
        foot = horizon + (height - horizon) * 0.5
    away = light.side if abs(light.side) > 0 else 1.0
    return Stage(
        x=width * (0.5 if walker else 0.5 - away * 0.22),
        y=foot,
        height=unit * (0.52 if walker else 0.46),
        side=light.side,
        shade=shift(deep, light=-0.08),
        front=front,
    )


def _island(canvas: Canvas, light: Light, horizon: float) -> None:
    x, wide = canvas.between(0.1, 0.9) * canvas.width, canvas.unit * canvas.between(0.16, 0.4)
    tall = canvas.unit * canvas.between(0.03, 0.075)
    rise = [
        (x - wide, horizon + 1),
        (x - wide * 0.6, horizon - tall * 0.45),
        (x - wide * 0.2, horizon - tall),
        (x + wide * 0.15, horizon - tall * 0.7),
        (x + wide * 0.5, horizon - tall * 0.8),
        (x + wide, horizon + 1),
    ]
    colour = light.depth(0.3)
    canvas.fill(smooth(rise, closed=False), (colour, mix(colour, light.horizon, 0.45)))


def _beach(canvas: Canvas, light: Light, horizon: float) -> None:
    """Lay a curved strand along the bottom, wet where the last wave reached, with foam at the water's edge."""
    unit, width, height = canvas.unit, canvas.width, canvas.height
    sand = light.lit(hexed(_SANDS[canvas.pick(len(_SANDS))]), 0.45 if light.dark else None)
    across = np.linspace(-1, 1, width)
    turn = -1 if canvas.chance(0.5) else 1
    edge = height * 0.74 + across * turn * unit * 0.07 + across * across * unit * 0.05
    edge += (profile(canvas.rng, width, cells=5 * max(1.0, width / unit), octaves=3) - 0.5) * unit * 0.05
    shallow = mix(light.horizon, light.lit((120, 206, 196)), 0.55)
    for share in (0.5, 0.28, 0.12):
        # Shallow water lightens in steps soft enough to read as one slope.
        lifted = edge - (edge - horizon) * share
        canvas.paint(canvas.land(lifted).soft(unit * 0.03), shallow, 0.34)
    canvas.paint(canvas.land(edge), mix(sand, light.near, 0.26))
    wet = edge + unit * (0.045 + 0.03 * profile(canvas.rng, width, cells=4, octaves=2))
    canvas.paint(canvas.land(wet).soft(unit * 0.006), (sand, mix(sand, light.sun, 0.2), shift(sand, light=-0.05)))
    white = mix((255, 255, 255), light.horizon, 0.25)
    for offset, thick, strength in ((0.0, 0.012, 0.9), (-0.045, 0.006, 0.55), (-0.085, 0.004, 0.4)):
        _foam(canvas, edge + offset * unit, thick * unit, white, strength)


def _foam(canvas: Canvas, line: Profile, thick: float, colour: Colour, strength: float) -> None:
    rough = profile(canvas.rng, canvas.width, cells=34 * max(1.0, canvas.width / canvas.unit), octaves=3)
    lace = np.clip(rough * 2.6 - 0.45, 0.0, None) * thick
    band = canvas.land(line - lace * 0.4) - canvas.land(line + lace)
    canvas.paint(band, colour, strength)


def _waves(canvas: Canvas, horizon: float, deep: Colour, shine: Colour) -> list[tuple[Profile, Colour, float]]:
    """Lay out the storm's waves from far to near: crest line, colour, height."""
    waves = []
    for share in (0.0, 0.3, 0.6, 1.0):
        size = canvas.unit * (0.05 + 0.15 * share)
        level = horizon + (canvas.height * 0.86 - horizon) * (0.2 + 0.8 * share)
        cells = (5.0 - 2.8 * share) * max(1.0, canvas.width / canvas.unit)
        # Folded noise: rounded troughs, and a sharp crest wherever the noise crosses its middle.
        drift = profile(canvas.rng, canvas.width, cells=cells, octaves=1)
        chop = profile(canvas.rng, canvas.width, cells=cells * 2.7, octaves=1)
        fold, small = 1 - np.abs(2 * drift - 1), 1 - np.abs(2 * chop - 1)
        tall = 0.55 + 0.9 * profile(canvas.rng, canvas.width, cells=cells * 0.7, octaves=1)
        crest = (fold * fold * 0.85 + small * small * 0.3) * tall
        waves.append((level - crest * size, mix(shine, deep, 0.5 + 0.5 * share), size))
    return waves


def _wave(canvas: Canvas, line: Profile, colour: Colour, size: float, light: Light) -> None:
    land = canvas.land(line)
    canvas.paint(land, (mix(colour, light.horizon, 0.32), colour, shift(colour, light=-0.09)))
    white = mix(light.lit((240, 246, 246), 0.12), colour, 0.06)
    for down, strength in ((0.35, 0.22), (0.62, 0.14)):
        _foam(
            canvas,
            line + size * down + profile(canvas.rng, canvas.width, cells=9, octaves=2) * size * 0.3,
            size * 0.05,
            white,
            strength,
        )
    slope = np.gradient(line)
    broad = np.convolve(np.pad(slope, 4, mode="edge"), np.ones(9) / 9, mode="valid")
    steep = np.clip(np.abs(broad) * 2.2, 0, 1)
    rough = profile(canvas.rng, canvas.width, cells=60 * max(1.0, canvas.width / canvas.unit), octaves=3)
    high = np.clip((level_of(line) - line) / size, 0, 1)
    lace = size * (0.012 + 0.05 * high + 0.42 * steep * rough)
    canvas.paint(
        canvas.land(line - size * 0.012 * high) - canvas.land(line + lace * np.clip(high * 3, 0.15, 1)), white, 0.9
    )


def level_of(line: Profile) -> float:
    """Return the height of the troughs."""
    return float(line.max())


def _break(canvas: Canvas, *, waves: list[tuple[Profile, Colour, float]], light: Light) -> None:
    """Draw the nearer waves, with spray in the air over the nearest."""
    for line, colour, size in waves:
        _wave(canvas, line, colour, size, light)
    line, _, size = waves[-1]
    x, up, radius = canvas.rng.random((3, 70))
    crest = line[(x * (canvas.width - 1)).astype(np.int64)]
    high = np.clip((line.max() - crest) / size, 0.0, None)
    drops = discs(x * canvas.width, crest - up * up * size * 0.7 * high, canvas.unit * 0.0035 * (0.3 + radius))
    canvas.fill(drops, (240, 246, 248), 0.7)


def _lightning(canvas: Canvas, light: Light, horizon: float) -> None:
    # It strikes on the open side: a subject stands on the other.
    x = canvas.width * (0.5 + light.side * canvas.between(0.15, 0.6))
    points = [(x, -canvas.unit * 0.02)]
    while points[-1][1] < horizon * 0.9:
        last = points[-1]
        points.append(
            (last[0] + canvas.unit * canvas.between(-0.045, 0.045), last[1] + horizon * canvas.between(0.08, 0.17))
        )
    canvas.glow(x, horizon * 0.3, canvas.unit * 0.5, (226, 232, 255), 0.5)
    bolt = [stroke(points, canvas.unit * 0.007, canvas.unit * 0.003, steps=1)]
    fork = points[len(points) // 2]
    bolt.append(
        stroke(
            [
                fork,
                (fork[0] + canvas.unit * 0.05, fork[1] + horizon * 0.1),
                (fork[0] + canvas.unit * 0.06, fork[1] + horizon * 0.2),
            ],
            canvas.unit * 0.004,
            canvas.unit * 0.001,
            steps=1,
        )
    )
    canvas.fill(bolt, (214, 222, 255), 0.55, soft=canvas.unit * 0.008)
    canvas.fill(bolt, mix((255, 255, 255), light.sun, 0.2), 0.95)
