"""Space: a nebula and stars, a planet or two, and moon ground to stand on when somebody needs it."""

import numpy as np
from PIL import Image

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas, Stencil
from adapters.kit.motif.colour import Colour, hexes, luma, mix, ramp, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.noise import Field, enlarged, fbm, profile, step
from adapters.kit.motif.outline import ellipse, trace
from adapters.kit.motif.sky import backdrop, stars
from adapters.kit.motif.stage import Stage

_NEBULAE = (
    "#060818 #101539 #2b2a6e #8a4fa8 #f2a0b5",
    "#040b16 #07223a #0f4f66 #2f9a94 #d7f0c0",
    "#0b0717 #241040 #5b1f5e #c24b6b #ffc08a",
    "#05070f #14203f #2f4680 #6d86c9 #e8e2f5",
    "#0a0a14 #1f1838 #45306b #a0668e #f7d2a8",
)
_PLANETS = (
    "#5b2a3c #a9504a #e0925a #f6cf94 #d98a5a",
    "#123a56 #2a7a93 #7cc4c0 #e7efcf #3f94a3",
    "#3b2b66 #7a4f9e #c886b8 #f5c9c4 #9a63a8",
    "#4a3a2c #93704b #cfa873 #f0dcb0 #b58d5c",
    "#1d4a4a #3f8a72 #a8c77c #f1e6ae #5fa07a",
)
_GRID = 220


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Paint the sky of another place; the ground is a moon's, curved by its smallness."""
    deep, low, middle, bright, spark = hexes(_NEBULAE[canvas.pick(len(_NEBULAE))])
    backdrop(canvas, (deep, low, mix(low, middle, 0.35)), canvas.height)
    _nebula(canvas, (low, middle, bright, spark))
    stars(canvas, int(330 * max(canvas.width, canvas.height) / canvas.unit), canvas.height * 1.5)
    unit = canvas.unit
    guest = bool(brief.subjects)
    standing = guest and brief.subjects[0] not in {"rocket", "person", "astronaut", "robot"}
    side = 1 if light.side > 0 else -1
    # The planet keeps away from where a subject stands, and its lit side faces the same way as the subject's.
    x = canvas.width * (0.5 - side * (canvas.between(0.27, 0.36) if guest else canvas.between(0.08, 0.22)))
    y = canvas.height * (canvas.between(0.2, 0.3) if guest else canvas.between(0.38, 0.56))
    radius = unit * (canvas.between(0.11, 0.17) if guest else canvas.between(0.22, 0.34))
    colours = hexes(
        "#4a1f1a #8f3f28 #c8653c #e8a070 #b4532f" if brief.says("mars") else _PLANETS[canvas.pick(len(_PLANETS))]
    )
    planet(canvas, x, y, radius, colours, side=light.side, ring=brief.says("saturn", "ring") or canvas.chance(0.5))
    away = canvas.between(0.24, 0.4)
    small = unit * canvas.between(0.025, 0.05)
    planet(
        canvas,
        canvas.width * (0.5 + side * away),
        canvas.height * canvas.between(0.1, 0.34),
        small,
        hexes(_PLANETS[canvas.pick(len(_PLANETS))]),
        side=light.side,
        ring=False,
    )
    ground = canvas.height * canvas.between(0.79, 0.84)
    if standing or brief.says("moon", "lunar", "mars", "asteroid"):
        _ground(canvas, ground, mix(middle, (150, 146, 160), 0.55))
    return Stage(
        x=canvas.width * (0.5 + side * 0.06),
        y=ground + unit * 0.075 if standing else canvas.height * 0.8,
        height=unit * 0.62,
        side=light.side,
        shade=mix(deep, low, 0.5),
    )


def planet(
    canvas: Canvas, x: float, y: float, radius: float, colours: tuple[Colour, ...], *, side: float, ring: bool
) -> None:
    """Draw a banded or clouded ball with a lit side, a haze of air, and perhaps a ring that passes behind it."""
    tilt = canvas.between(-0.5, 0.5)
    hoop = (
        ellipse(x, y, radius * 2.05, radius * 0.5, tilt=tilt),
        ellipse(x, y, radius * 1.35, radius * 0.3, tilt=tilt),
    )
    bright = mix(colours[-2], (255, 255, 255), 0.2)
    if ring:
        band = canvas.stencil(hoop[0], cut=[hoop[1]])
        canvas.paint(band, (colours[1], bright, colours[1]), 0.62, across=True)
    canvas.glow(x, y, radius * 1.7, colours[2], 0.4)
    disc = canvas.stencil(ellipse(x, y, radius))
    _ball(canvas, disc, colours, side, tilt)
    if ring:
        # The nearer half of the ring lies over the ball: the half on the lower side of its long axis.
        gap = ellipse(x, y, radius * 1.6, radius * 0.375, tilt=tilt)
        far = np.array(trace("-3,0 3,0 3,-3 -3,-3")) * radius
        cos, sin = float(np.cos(tilt)), float(np.sin(tilt))
        far = np.stack([far[:, 0] * cos - far[:, 1] * sin + x, far[:, 0] * sin + far[:, 1] * cos + y], axis=1)
        for outer, inner, strength in ((hoop[0], gap, 0.95), (gap, hoop[1], 0.6)):
            canvas.paint(
                canvas.stencil(outer, cut=[inner, far]), (colours[1], bright, colours[1]), strength, across=True
            )


def _ball(canvas: Canvas, disc: Stencil, colours: tuple[Colour, ...], side: float, tilt: float) -> None:
    size = max(8, min(_GRID, disc.mask.width))
    line = np.linspace(-1.03, 1.03, size, dtype=np.float32)
    across, down = line[None, :], line[:, None]
    height = np.sqrt(np.clip(1 - across * across - down * down, 0, 1))
    banded = canvas.chance(0.6)
    cloud = fbm(canvas.rng, size, size, cells=3 if banded else 4, octaves=4, stretch=2.0 if banded else 1.0)
    latitude = down - across * np.float32(tilt) + (cloud - np.float32(0.5)) * np.float32(0.35 if banded else 0.2)
    if banded:
        stripes = profile(canvas.rng, 256, cells=9, octaves=3).astype(np.float32)
        value = stripes[np.clip(((latitude + 1.4) * 91).astype(np.int64), 0, 255)]
    else:
        value = step(0.2, 0.8, cloud)
        colours = tuple(sorted(colours, key=luma))
    lit = np.clip(height * np.float32(0.5) + across * np.float32(side * 1.1) - down * np.float32(0.45), 0, 1)
    lit = np.float32(0.1) + np.float32(0.95) * step(0.0, 0.85, lit)
    table = ramp(colours, 256).astype(np.float32)
    ball = table[np.clip(value * 255, 0, 255).astype(np.int64)] * lit[:, :, None]
    rim = step(0.0, 0.55, 1 - height) * lit * np.float32(0.5)
    ball += (np.array(colours[-2], dtype=np.float32) - ball) * rim[:, :, None]
    drawn = Image.fromarray(np.clip(ball, 0, 255).astype(np.uint8))
    canvas.image.paste(drawn.resize(disc.mask.size, Image.Resampling.BICUBIC), disc.box, disc.mask)


def _nebula(canvas: Canvas, colours: tuple[Colour, Colour, Colour, Colour]) -> None:
    width = min(_GRID, canvas.width)
    height = max(8, round(width * canvas.height / canvas.width))
    slope = canvas.between(-0.9, 0.9)
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    wander = fbm(canvas.rng, width, height, cells=2.5, octaves=3)
    off = down - np.float32(slope) * across - np.float32(canvas.between(-0.3, 0.2)) + (wander - np.float32(0.5))
    # A band across the picture, torn by two layers of noise.
    band = np.clip(1 - off * off * np.float32(1.6), 0, 1)
    mist = fbm(canvas.rng, width, height, cells=4, octaves=5)
    veil: Field = band * step(0.3, 0.85, mist)
    canvas.wash(veil, colours[1], 0.75)
    canvas.wash(veil * veil * step(0.42, 0.9, wander), colours[2], 0.75)
    canvas.wash(veil * veil * veil * step(0.55, 0.95, enlarged(mist[::-1], width, height)), colours[3], 0.6)


def _ground(canvas: Canvas, top: float, colour: Colour) -> None:
    width, unit = canvas.width, canvas.unit
    across = np.linspace(-1, 1, width)
    bumps = profile(canvas.rng, width, cells=max(3.0, 5 * width / unit), octaves=3) - 0.5
    line = top + across * across * unit * 0.08 + bumps * unit * 0.018
    land = canvas.land(line)
    canvas.paint(land, (shift(colour, light=0.1), colour, shift(colour, light=-0.3)))
    crest = land - canvas.land(line + unit * 0.012)
    canvas.paint(crest.soft(unit * 0.004) & land, shift(colour, light=0.3), 0.6)
    for x, depth, size in canvas.rng.random((9, 3)):
        y = top + unit * (0.075 + 0.2 * depth * depth)
        across_by = unit * (0.016 + 0.05 * size * (0.4 + depth))
        hole = canvas.stencil(ellipse(x * width, y, across_by, across_by * 0.3)) & land
        canvas.paint(hole, shift(colour, light=-0.14), 0.8)
        rim = hole.moved(0, across_by * 0.07)
        canvas.paint(rim & hole, shift(colour, light=-0.05), 0.7)
        lip = canvas.stencil(
            ellipse(x * width, y + across_by * 0.04, across_by * 1.08, across_by * 0.34),
            cut=[ellipse(x * width, y, across_by, across_by * 0.3)],
        )
        canvas.paint(lip & land, shift(colour, light=0.14), 0.5)
