"""A forest: trunks or firs that fade into lit mist, a clearing, and dark trees that frame it."""

from functools import partial

import numpy as np

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas, Stencil
from adapters.kit.motif.colour import Colour, hexed, mix, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.noise import Profile, fbm, mask_of, profile, step
from adapters.kit.motif.outline import Outline, box, ellipse, polygon, stroke
from adapters.kit.motif.sky import sky
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tree import conifer, fern, grass

_AUTUMN = ("#c8702f", "#b5502c", "#d79a3a")
_GREENS = ("#3f7a4c", "#5a8a4a", "#2f6f66", "#6f8f45")


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Paint layers of trees from the mist to the viewer; the light stands behind the clearing."""
    unit, width, height = canvas.unit, canvas.width, canvas.height
    leaf = _leaf(canvas, brief, light)
    firs = brief.weather == "snow" or brief.says("pine") or (brief.weather != "autumn" and canvas.chance(0.42))
    ground = height * canvas.between(0.66, 0.72)
    glade = width * canvas.between(0.42, 0.58)
    haze = mix(light.horizon, leaf, 0.3 if not light.dark else 0.12)
    if firs:
        sky(canvas, light, ground, cloud=0.25)
    else:
        full = canvas.stencil(box(0, 0, width, height))
        canvas.paint(full, (mix(leaf, light.near, 0.3), mix(leaf, haze, 0.45), mix(haze, light.sun, 0.35), haze))
    canvas.glow(glade, ground - unit * 0.2, unit * 0.75, light.sun, 0.35 if light.dark else 0.75)
    layers = 5
    for layer in range(layers):
        share = layer / (layers - 1)
        colour = mix(haze, mix(mix(light.near, (58, 40, 36), 0.35), leaf, 0.12), 0.1 + 0.9 * share)
        foot = ground + (height * 0.93 - ground) * share**1.6
        line = foot - (profile(canvas.rng, width, cells=3, octaves=3) - 0.5) * unit * 0.05
        gap = unit * (0.05 + 0.42 * share)
        if firs:
            _firs(canvas, line, colour, share, (glade - gap, glade + gap))
        else:
            _trunks(canvas, line, colour, share, (glade - gap, glade + gap), canopy=mix(colour, leaf, 0.72))
        soil = _soil(brief, light, leaf, haze, share)
        canvas.paint(canvas.land(line), (soil, shift(soil, light=-0.05)))
        if layer < layers - 1:
            mist = ellipse(width / 2, foot, width * 0.8, unit * 0.045)
            canvas.fill(mist, mix(haze, light.sun, 0.3), 0.34 * (1 - share), soft=unit * 0.04)
    if not light.dark and light.mood != "fog":
        _shafts(canvas, light, glade, ground)
    soil = _soil(brief, light, leaf, haze, 1.0)
    blades = tuple(shift(soil, light=by) for by in (-0.08, 0.0, 0.05, 0.09))
    if brief.weather != "snow":
        grass(
            canvas,
            ground + (height - ground) * 0.4,
            height * 1.02,
            blades,
            height=unit * 0.06,
            count=int(300 * width / unit),
        )
    front = mix(light.near, leaf, 0.16)
    return Stage(
        x=glade,
        y=height * 0.9,
        height=unit * 0.5,
        side=light.side,
        shade=mix(light.near, leaf, 0.25),
        front=partial(_undergrowth, colour=front, bare=brief.weather == "snow"),
    )


def _leaf(canvas: Canvas, brief: Brief, light: Light) -> Colour:
    pool = _AUTUMN if brief.weather == "autumn" else _GREENS
    chosen = hexed(pool[canvas.pick(len(pool))])
    if brief.weather == "snow":
        return mix(light.far, light.near, 0.45)
    return mix(chosen, light.leaf, 0.75 if light.dark else 0.3)


def _soil(brief: Brief, light: Light, leaf: Colour, haze: Colour, share: float) -> Colour:
    if brief.weather == "snow":
        return mix(mix(light.lit((242, 246, 250)), haze, 0.5 - 0.4 * share), light.near, 0.12 * share)
    return mix(mix(haze, leaf, 0.4), mix(leaf, light.near, 0.42), 0.25 + 0.75 * share)


def _trunks(
    canvas: Canvas, line: Profile, colour: Colour, share: float, clear: tuple[float, float], *, canopy: Colour
) -> None:
    rng, unit, width = canvas.rng, canvas.unit, canvas.width
    count = max(3, round((16 - 12 * share) * width / unit))
    thick = unit * (0.012 + 0.06 * share**1.5)
    parts: list[Outline] = []
    for place in range(count):
        x = (place + float(rng.uniform(0.1, 0.9))) / count * width
        if clear[0] < x < clear[1] and share > 0.2:
            x = clear[0] - (x - clear[0]) * 0.5 if x < sum(clear) / 2 else clear[1] + (clear[1] - x) * 0.5
        foot = float(line[min(max(int(x), 0), width - 1)]) + thick * 0.3
        parts.extend(_trunk(rng, x, foot, thick * float(rng.uniform(0.6, 1.25)), unit))
    canvas.fill(parts, (mix(colour, canopy, 0.4), colour, shift(colour, light=-0.02)))
    # Leaves hang from above as a ragged edge, lower for the nearer layers.
    across_grid = min(150, width)
    grid = (across_grid, max(8, round(across_grid * canvas.height / width)))
    rows = np.linspace(0, 1, grid[1], dtype=np.float32)[:, None]
    clump = fbm(rng, *grid, cells=5 + 9 * (1 - share), octaves=4)
    across = np.linspace(0, width, grid[0], dtype=np.float32)[None, :]
    arch = np.clip(1 - np.abs(across - np.float32(sum(clear) / 2)) / np.float32(0.75 * width), 0, 1)
    reach = np.float32(0.34 - 0.02 * share) - arch * np.float32(0.10 + 0.16 * share)
    leaves = step(-0.02, 0.03, reach - rows + (clump - np.float32(0.5)) * np.float32(0.38))
    hung = grid[1] * 5 // 8
    mask = mask_of(leaves[:hung], (width, round(canvas.height * hung / grid[1])), 0.92)
    canvas.paint(Stencil(mask, 0, 0), (shift(canopy, light=-0.03), canopy))


def _trunk(rng: np.random.Generator, x: float, foot: float, thick: float, unit: float) -> list[Outline]:
    lean = float(rng.uniform(-0.03, 0.03)) * unit
    tall = unit * 1.2
    parts = [
        stroke(
            [(x, foot), (x + lean * 0.2, foot - tall * 0.3), (x + lean, foot - tall)], thick * 1.3, thick, thick * 0.75
        )
    ]
    flare = [
        (x - thick * 1.1, foot),
        (x - thick * 0.45, foot - thick * 1.4),
        (x + thick * 0.45, foot - thick * 1.4),
        (x + thick * 1.1, foot),
    ]
    parts.append(polygon(flare))
    for _ in range(2):
        side = 1 if rng.random() < 0.5 else -1
        y = foot - unit * float(rng.uniform(0.3, 0.7))
        reach = unit * float(rng.uniform(0.05, 0.12))
        parts.append(
            stroke(
                [(x, y), (x + side * reach * 0.5, y - reach * 0.4), (x + side * reach, y - reach)],
                thick * 0.35,
                thick * 0.1,
            )
        )
    return parts


def _firs(canvas: Canvas, line: Profile, colour: Colour, share: float, clear: tuple[float, float]) -> None:
    rng, unit, width = canvas.rng, canvas.unit, canvas.width
    tall = unit * (0.3 + 0.42 * share)
    count = max(4, round((22 - 14 * share) * width / unit))
    trees = []
    for place in range(count):
        x = (place + float(rng.uniform(0.0, 1.0))) / count * width * 1.1 - width * 0.05
        away = max(clear[0] - x, x - clear[1])
        if away < 0 and share > 0.15:
            continue
        column = min(max(int(x), 0), width - 1)
        size = tall * float(rng.uniform(0.6, 1.05)) * (0.75 + 0.4 * min(max(away, 0) / (0.4 * width), 1))
        trees.append(conifer(rng, x, float(line[column]) + size * 0.03, size))
    if trees:
        canvas.fill(trees, (shift(colour, light=0.05), colour))


def _shafts(canvas: Canvas, light: Light, glade: float, ground: float) -> None:
    """Let beams fall through the leaves from the side of the light."""
    unit = canvas.unit
    origin = (glade + light.side * unit * 0.75, -unit * 0.25)
    beams = []
    for _ in range(6):
        foot = glade + canvas.between(-0.55, 0.45) * unit
        wide = unit * canvas.between(0.02, 0.06)
        beams.append(
            polygon(
                [
                    (origin[0] - wide * 0.2, origin[1]),
                    (origin[0] + wide * 0.2, origin[1]),
                    (foot + wide, ground + unit * 0.1),
                    (foot - wide, ground + unit * 0.1),
                ]
            )
        )
    beam = canvas.stencil(*beams).soft(unit * 0.014)
    fade = canvas.stencil(ellipse(glade, ground - unit * 0.35, unit * 0.8, unit * 0.42)).soft(unit * 0.12)
    canvas.paint(beam & fade, light.sun, 0.17)


def _undergrowth(canvas: Canvas, *, colour: Colour, bare: bool) -> None:
    """Frame the lower corners with ferns, out of the subject's way, and let a few motes of light drift."""
    unit, width, height = canvas.unit, canvas.width, canvas.height
    if not bare:
        leaves: list[Outline] = []
        for side in (0, 1):
            for _ in range(canvas.many(5)):
                x = width * side + (1 - 2 * side) * unit * canvas.between(-0.04, 0.2)
                size = unit * canvas.between(0.13, 0.24)
                leaves += fern(x, height + unit * 0.02, size, size * canvas.between(-0.5, 0.7) * (1 - 2 * side))
        canvas.fill(leaves, (shift(colour, light=0.06), shift(colour, light=-0.03)))
    for _ in range(canvas.many(7)):
        # Motes drift at the sides, not across a face in the middle.
        x = width * (0.5 + canvas.between(0.24, 0.46) * (1 if canvas.chance(0.5) else -1))
        y = height * canvas.between(0.35, 0.85)
        canvas.glow(x, y, unit * canvas.between(0.006, 0.014), (255, 236, 170), 0.7)
