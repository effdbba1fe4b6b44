"""What falls through the air in front of everything: rain, snow, leaves, petals."""

import numpy as np

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, mix
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import discs, moved, smooth, trace, turned

_LEAVES = hexes("#d9822b #c4502c #e3ab3f #a8452e")


def fall(canvas: Canvas, brief: Brief, light: Light) -> None:
    """Draw the weather the brief names; a storm always brings rain."""
    if brief.setting in {"space", "studio", "table", "flow", "tiling", "marble", "paper"}:
        return
    if brief.weather == "rain" or light.mood == "storm":
        _rain(canvas, mix(light.horizon, (255, 255, 255), 0.55), heavy=light.mood == "storm")
    elif brief.weather == "snow":
        _snow(canvas)
    elif brief.weather == "autumn":
        _leaves(canvas)


def _rain(canvas: Canvas, colour: Colour, *, heavy: bool) -> None:
    unit = canvas.unit
    lean = canvas.between(0.1, 0.2) * (1 if canvas.chance(0.5) else -1) * (2.0 if heavy else 1.0)
    area = canvas.width * canvas.height / (unit * unit)
    for count, long, thick, strength in ((150, 0.045, 0.0011, 0.3), (60, 0.085, 0.0018, 0.34)):
        x, y, size = canvas.rng.random((3, int(count * area)))
        length, wide = unit * long * (0.5 + size), max(unit * thick, 0.3)
        left, top = (x * 1.2 - 0.1) * canvas.width, (y * 1.1 - 0.1) * canvas.height
        foot = left - lean * length
        corners = ((left, top), (left + wide, top), (foot + wide, top + length), (foot, top + length))
        drops = list(np.stack([np.stack(corner, axis=1) for corner in corners], axis=1))
        canvas.fill(drops, colour, strength)


def _snow(canvas: Canvas) -> None:
    unit = canvas.unit
    area = canvas.width * canvas.height / (unit * unit)
    for count, radius, strength, blur in (
        (190, 0.0022, 0.75, 0.0),
        (60, 0.0045, 0.85, 0.0012),
        (13, 0.013, 0.55, 0.005),
    ):
        x, y, size = canvas.rng.random((3, int(count * area)))
        flakes = discs(x * canvas.width, y * canvas.height, np.maximum(unit * radius * (0.6 + 0.8 * size), 0.4))
        canvas.fill(flakes, (255, 255, 255), strength, soft=unit * blur)


def _leaves(canvas: Canvas) -> None:
    unit = canvas.unit
    for x, y, size, turn, tone in canvas.rng.random((16, 5)):
        long = unit * (0.010 + 0.016 * size * size)
        leaf = smooth(trace("-1,0 -0.2,-0.48 1,0 -0.2,0.48"), steps=5) * (1.0, 0.4 + 0.6 * turn)
        placed = moved(turned(leaf * long, float(turn) * 2 * np.pi), x * canvas.width, y * canvas.height * 0.95)
        canvas.fill(placed, _LEAVES[int(tone * len(_LEAVES))], 0.9, soft=unit * 0.003 if size > 0.8 else 0)
