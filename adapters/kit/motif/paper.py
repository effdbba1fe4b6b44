"""Abstract: sheets of cut paper in layers, each throwing a soft shadow on the one beneath."""

import numpy as np

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas, Stencil
from adapters.kit.motif.colour import mix, ramp, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.noise import enlarged, fbm, mask_of
from adapters.kit.motif.outline import box, ellipse
from adapters.kit.motif.scheme import palette
from adapters.kit.motif.stage import Stage

_GRID = 260


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Cut deeper and deeper openings into a stack of sheets, lighter or darker towards the bottom."""
    colours = palette(canvas, brief)
    if canvas.chance(0.5):
        colours = colours[::-1]
    layers = 6 + canvas.pick(3)
    sheets = [(int(red), int(green), int(blue)) for red, green, blue in ramp(colours, layers)]
    width, height = canvas.width, canvas.height
    long, unit = max(width, height), canvas.unit
    grid = (max(16, round(min(_GRID, long) * width / long)), max(16, round(min(_GRID, long) * height / long)))
    field = fbm(canvas.rng, *grid, cells=canvas.between(1.6, 2.6) * max(1.0, width / height), octaves=3)
    across = np.linspace(-1, 1, grid[0], dtype=np.float32)[None, :] - np.float32(canvas.between(-0.35, 0.35))
    down = np.linspace(-1, 1, grid[1], dtype=np.float32)[:, None] - np.float32(canvas.between(-0.35, 0.35))
    kind = canvas.pick(3)
    # A bowl around a point, a slope from one edge, or islands.
    slope = (
        (across * across + down * down) * np.float32(0.42)
        if kind == 0
        else (down + across * np.float32(0.5)) * np.float32(0.42)
        if kind == 1
        else 0
    )
    depth = field * np.float32(0.9) + slope
    depth = (depth - depth.min()) / max(float(depth.max() - depth.min()), 1e-6)
    large = enlarged(depth.astype(np.float32), width, height)
    steep = np.float32(0.8 * long)
    canvas.paint(canvas.stencil(box(0, 0, width, height)), sheets[0])
    if canvas.chance(0.4):
        # A sun lies at the bottom of the deepest opening.
        row, column = divmod(int(depth.argmin()), grid[0])
        sun = ellipse(column / grid[0] * width, row / grid[1] * height, unit * 0.12)
        canvas.fill(sun, shift(sheets[layers // 2], light=0.06))
    for layer in range(1, layers):
        cut = np.float32(layer / layers * 0.8 + 0.04)
        sheet = Stencil(mask_of(np.clip((large - cut) * steep, 0, 1), (width, height)), 0, 0)
        tone = sheets[layer]
        offset = unit * 0.012
        shadow = sheet.moved(-light.side * offset, offset).soft(unit * 0.014)
        canvas.paint(shadow, shift(mix(sheets[0], (10, 10, 22), 0.75), light=-0.02), 0.4)
        canvas.paint(sheet, (shift(tone, light=0.02), shift(tone, light=-0.025)))
        edge = sheet - sheet.moved(light.side * -1.5, 1.5)
        canvas.paint(edge, shift(tone, light=0.1), 0.5)
    return Stage(x=width / 2, y=height * 0.9, height=unit * 0.5, side=light.side, shade=colours[0])
