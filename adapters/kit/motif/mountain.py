"""Mountains: ranges that fade with distance, faceted and snowed peaks, a lake that mirrors them, hills to stand on."""

import numpy as np
from PIL import Image

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas, Stencil
from adapters.kit.motif.colour import Colour, mix, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.noise import Field, Profile, crests, enlarged, fbm, profile, step
from adapters.kit.motif.outline import ellipse
from adapters.kit.motif.sky import sky
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tree import firs, grass
from adapters.kit.motif.water import glints, mirror

_FACET_WIDTH = 420


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Paint sky, ranges and what lies before them."""
    width, height, unit = canvas.width, canvas.height, canvas.unit
    lake = brief.says("lake", "fjord", "river", "reflection") or (not brief.subjects and canvas.chance(0.4))
    gentle = brief.says("hill", "hills", "valley")
    shore = height * canvas.between(0.56, 0.63)
    sun_x, _ = sky(canvas, light, shore, cloud=canvas.between(0.25, 0.7))
    _ranges(canvas, brief, light, shore, gentle=gentle)
    _haze(canvas, shore, light.horizon, unit * 0.14)
    if lake:
        line = shore - profile(canvas.rng, width, cells=6, octaves=4) * unit * 0.035
        bank = mix(light.depth(0.62), light.leaf, 0.35)
        firs(canvas, line, (shift(bank, light=0.02), shift(bank, light=-0.06)), count=90, height=unit * 0.06)
        canvas.paint(canvas.land(line), bank)
        mirror(canvas, round(shore), tint=(light.horizon, light.depth(0.75)), tinted=0.24, ripple=unit * 0.016)
        if light.mood not in {"fog", "storm"}:
            glints(canvas, shore, mix(light.sun, light.horizon, 0.3), count=70, strength=0.55, x=sun_x)
    else:
        _rolling(canvas, light, shore, white=brief.weather == "snow")
    if lake:
        _haze(
            canvas,
            shore,
            mix(light.horizon, light.sun, 0.4),
            unit * 0.035,
            0.55 if light.mood in {"dawn", "fog"} else 0.25,
        )
    return _foreground(canvas, brief, light, lake=lake)


def _ranges(canvas: Canvas, brief: Brief, light: Light, shore: float, *, gentle: bool) -> None:
    width, unit = canvas.width, canvas.unit
    spread = max(1.0, width / canvas.height)
    snowy = brief.weather == "snow" or brief.says("snow", "alps", "glacier", "winter") or canvas.chance(0.65)
    layers = 4 if gentle else 3
    for layer in range(layers):
        share = layer / (layers - 1)
        tall = (
            unit * (canvas.between(0.34, 0.46), canvas.between(0.2, 0.28), 0.14, 0.12)[layer] * (0.6 if gentle else 1)
        )
        if gentle:
            rise = profile(canvas.rng, width, cells=(2.0 + layer) * spread, octaves=3, gain=0.35)
        else:
            rise = crests(canvas.rng, width, cells=(1.5 + layer * 1.4) * spread, octaves=6)
        foot = shore - unit * 0.02 * (layers - 1 - layer)
        line = foot - rise * tall
        colour = light.depth(0.12 + 0.5 * share)
        if gentle:
            colour = mix(colour, light.leaf, 0.25 + 0.35 * share)
        land = canvas.land(line)
        canvas.paint(land, (colour, mix(colour, light.horizon, 0.5 - 0.3 * share)))
        if not gentle and layer < 2:
            _facets(canvas, light, line, land, colour, snow=tall if snowy and layer == 0 else 0)
        elif layer > 0 and canvas.chance(0.8):
            _slope_trees(canvas, line, shift(mix(colour, light.leaf, 0.25), light=-0.04))


def _rolling(canvas: Canvas, light: Light, shore: float, *, white: bool) -> None:
    """Step down from the ranges to the viewer over wooded hills."""
    width, unit = canvas.width, canvas.unit
    room = canvas.height - shore
    for share in (0.1, 0.34, 0.6):
        line = (
            shore
            + room * share * 0.8
            - profile(canvas.rng, width, cells=2.4 * max(1.0, width / canvas.height), octaves=3) * unit * 0.11
        )
        colour = mix(light.depth(0.4 + 0.45 * share), light.leaf, 0.35 + 0.2 * share)
        wood = (shift(colour, light=-0.03), shift(colour, light=-0.08))
        if white:
            colour = mix(light.lit((238, 243, 250)), light.far, 0.5 - 0.35 * share)
        firs(canvas, line, wood, count=round(70 - 50 * share), height=unit * (0.045 + 0.06 * share))
        canvas.paint(canvas.land(line), (colour, mix(colour, light.horizon, 0.35 * (1 - share)), colour))


def _slope_trees(canvas: Canvas, line: Profile, colour: Colour) -> None:
    firs(canvas, line, (colour, shift(colour, light=0.03)), count=80, height=canvas.unit * 0.04)


def _facets(canvas: Canvas, light: Light, line: Profile, land: Stencil, colour: Colour, *, snow: float) -> None:
    """Light the flanks that face the sun: their edges wander down from every crest; snow keeps to the heights."""
    rng, unit = canvas.rng, canvas.unit
    cut = min(int(unit * 0.55) + 2, land.mask.height)
    width = min(_FACET_WIDTH, canvas.width)
    height = max(4, round(cut * width / canvas.width))
    scale = canvas.width / width
    coarse = np.interp(np.arange(width) * scale, np.arange(canvas.width), line)
    fine_slope = np.gradient(coarse)
    wide = max(3, width // 30)
    broad_slope = np.convolve(np.pad(fine_slope, wide, mode="edge"), np.ones(wide) / wide, mode="same")[wide:-wide]
    rows = (land.top + np.arange(height) * scale)[:, None]
    below = np.clip(rows - coarse[None, :], 0, None).astype(np.float32) / np.float32(unit)
    warp = fbm(rng, width, height, cells=9, octaves=4) - np.float32(0.5)
    column = np.arange(width)[None, :] + warp * below * np.float32(width * 1.2)
    index = np.clip(column, 0, width - 1).astype(np.int64)
    deep = np.clip(below * 7, 0, 1)
    slope = fine_slope.astype(np.float32)[index] * (1 - deep) + broad_slope.astype(np.float32)[index] * deep
    facing = step(-0.35, 0.35, slope * np.float32(-1 if light.side < 0 else 1) + warp * np.float32(0.9))
    fade = 1 - step(0.05, 0.42, below)
    size = (canvas.width, cut)
    box = Stencil(land.mask.crop((0, 0, canvas.width, cut)), 0, land.top)
    lit, dark = mix(colour, light.sun, 0.42), shift(colour, light=-0.07)
    canvas.paint(_through(facing * fade, size, box) & box, lit, 0.55)
    canvas.paint(_through((1 - facing) * fade, size, box) & box, dark, 0.5)
    if snow:
        # Tongues of snow run down the flanks: the ragged edge follows the same wandering columns as the light.
        tongues = profile(rng, width, cells=width / 9, octaves=3).astype(np.float32)[index]
        drop = (rows.astype(np.float32) - np.float32(line.min())) / np.float32(snow)
        cover = step(
            -0.02,
            0.06,
            np.float32(0.36) + (tongues - np.float32(0.5)) * np.float32(0.55) - drop + warp * np.float32(0.12),
        )
        white = mix(light.lit((250, 250, 252)), light.sun, 0.25)
        canvas.paint(_through(cover * facing, size, box) & box, white, 0.95)
        canvas.paint(
            _through(cover * (1 - facing), size, box) & box, mix(white, mix(colour, light.sky[0], 0.4), 0.45), 0.9
        )


def _through(field: Field, size: tuple[int, int], box: Stencil) -> Stencil:
    large = enlarged(field.astype(np.float32), *size)
    return Stencil(Image.fromarray((np.clip(large, 0, 1) * np.float32(255)).astype(np.uint8)), box.left, box.top)


def _haze(canvas: Canvas, y: float, colour: Colour, reach: float, strength: float = 0.5) -> None:
    """Let mist lie around a height."""
    band = ellipse(canvas.width / 2, y, canvas.width * 0.75, reach * 0.35)
    canvas.fill(band, colour, strength, soft=reach * 0.35)


def _foreground(canvas: Canvas, brief: Brief, light: Light, *, lake: bool) -> Stage:
    width, height, unit = canvas.width, canvas.height, canvas.unit
    standing = bool(brief.subjects) and brief.subjects[0] != "balloon"
    x = width * canvas.between(0.4, 0.6)
    top = height * (0.84 if standing or not lake else 0.97)
    across = np.linspace(-1, 1, width) - (x / width * 2 - 1) * (1.0 if standing else 0.0)
    hump = across * across * unit * (0.09 if standing else -0.11)
    line = top + hump + (profile(canvas.rng, width, cells=4, octaves=4, gain=0.4) - 0.5) * unit * 0.045
    green = mix(light.depth(0.85), light.leaf, 0.62 if standing else 0.3)
    if brief.weather == "snow":
        green = mix(light.lit((240, 244, 250)), light.far, 0.2)
    tall = unit * canvas.between(0.16, 0.26)
    dark = mix(light.near, light.leaf, 0.18)
    clear = (x - unit * 0.34, x + unit * 0.34) if standing else (width * 0.26, width * 0.74)
    firs(canvas, line, (shift(dark, light=0.05), dark), count=26, height=tall, keep_clear=clear)
    land = canvas.land(line)
    canvas.paint(land, (shift(green, light=0.05), shift(green, light=-0.12)))
    if brief.weather != "snow":
        blades = tuple(shift(green, light=by) for by in (-0.08, -0.02, 0.04, 0.09))
        grass(canvas, top + unit * 0.02, height * 1.03, blades, height=unit * 0.05, count=int(260 * width / unit))
    y = float(line[min(int(x), width - 1)]) + unit * 0.05
    return Stage(x=x, y=y, height=unit * 0.52, side=light.side, shade=mix(light.near, green, 0.3))
