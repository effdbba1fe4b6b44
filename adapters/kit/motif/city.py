"""A city: rows of towers with lit windows, and in front of them a wet street or a river that doubles the lights."""

from dataclasses import dataclass
from functools import partial

from adapters.kit.motif import street
from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, mix, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import box, ellipse, polygon
from adapters.kit.motif.pen import Pen
from adapters.kit.motif.sky import sky
from adapters.kit.motif.stage import Stage

_LAMPS = hexes("#ffd98a #ffc46b #fff0c2 #ffb35c #cfe6ff")
_NEONS = hexes("#ff4f8b #36d6e7 #ffb13d #8d6bff #4fe3a3 #ff6b4a")
_WALLS = hexes("#b5674f #d8a77a #8f9aa8 #e0c7a4 #7d5a5a #6f8f94")
#: The share of windows lit at each hour.
_LIT = {"night": 0.5, "storm": 0.42, "sunset": 0.3, "fog": 0.22, "dawn": 0.16, "day": 0.05}
_ROOFS = 7


@dataclass(frozen=True)
class _Row:
    """One row of towers: from far (0) to near (1), its colour, its lamps, and the share of windows lit."""

    near: float
    colour: Colour
    lamps: tuple[Colour, ...]
    lit: float


@dataclass(frozen=True)
class _Tower:
    left: float
    right: float
    top: float
    roof: int


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Paint the skyline from the farthest row to the nearest, then the ground that mirrors it."""
    unit, width, height = canvas.unit, canvas.width, canvas.height
    wet = brief.weather == "rain" or light.mood == "storm"
    ground = round(height * (0.72 if wet or brief.subjects else 0.76))
    sky(canvas, light, ground, cloud=0.7 if wet else 0.35)
    lamps = (mix(_LAMPS[canvas.pick(3)], light.sun, 0.2), *_LAMPS)
    if "neon" in brief.styles or (light.mood == "night" and canvas.chance(0.25)):
        lamps = (*lamps[:3], *_NEONS)
    if light.dark:
        haze, reach = mix(lamps[0], light.far, 0.35), max(width, height) * 0.6
        canvas.glow(width * canvas.between(0.3, 0.7), ground, reach, haze, 0.55, flat=0.7)
    middle = canvas.between(0.35, 0.65)
    for near in (0.0, 0.4, 0.75, 1.0):
        colour = mix(light.depth(0.15 + 0.78 * near), (48, 44, 60), 0.12 * near)
        row = _Row(near, colour, lamps, _LIT[light.mood] * (0.45 + 0.55 * near))
        _raise(canvas, light, row, ground, _towers(canvas, ground, near, middle))
        if near < 1:
            mist = ellipse(width / 2, ground - unit * 0.02, width * 0.8, unit * 0.05)
            glow = mix(light.horizon, lamps[0], 0.25 if light.dark else 0.0)
            canvas.fill(mist, glow, 0.32 * (1 - near), soft=unit * 0.05)
    if wet or light.dark or brief.styles:
        street.signs(canvas, ground, _NEONS if light.dark else _LAMPS, 9 if "neon" in brief.styles else 4)
    street.ground(canvas, light, ground, lamps[0], wet=wet)
    if brief.subjects:
        street.ledge(canvas, light, height * 0.865)
    walker = wet and not brief.subjects
    coat = shift(mix(light.near, light.far, 0.25), light=-0.04)
    return Stage(
        x=width * canvas.between(0.42, 0.58),
        y=height * 0.93,
        height=unit * 0.5,
        side=light.side,
        shade=shift(light.near, light=-0.04),
        front=partial(street.walker, colour=coat, top=ground) if walker else None,
    )


def _towers(canvas: Canvas, ground: float, near: float, middle: float) -> list[_Tower]:
    unit, width = canvas.unit, canvas.width
    towers: list[_Tower] = []
    x = -unit * canvas.between(0.0, 0.08)
    while x < width:
        wide = unit * canvas.between(0.055, 0.12) * (0.75 + 0.6 * near)
        # The skyline rises towards the middle in the back and opens there in front.
        away = abs((x + wide / 2) / width - middle) * 2
        shape = (1 - 0.62 * away) if near < 0.9 else (0.35 + 0.75 * away)
        tall = min(canvas.height * 0.62, unit * (0.62 - 0.2 * near)) * max(shape, 0.25) * canvas.between(0.55, 1.05)
        towers.append(_Tower(x, x + wide, ground - tall, canvas.pick(_ROOFS)))
        x += wide * canvas.between(0.88, 1.12 + 0.2 * near)
    return towers


def _raise(canvas: Canvas, light: Light, row: _Row, ground: float, towers: list[_Tower]) -> None:
    unit = canvas.unit
    with canvas.fine(2, (0, 0, canvas.width, round(ground))) as pen:
        for tower in towers:
            tone = shift(row.colour, light=canvas.between(-0.025, 0.03))
            if not light.dark:
                tone = mix(tone, _WALLS[canvas.pick(len(_WALLS))], 0.16 + 0.12 * row.near)
            pen.bar(tower.left, tower.top, tower.right, ground, tone)
            flank = (tower.right - tower.left) * 0.3
            left = tower.right - flank if light.side < 0 else tower.left
            pen.bar(left, tower.top, left + flank, ground, shift(tone, light=-0.03))
            _roof(pen, tower, tone, unit)
            _windows(canvas, pen, tower, (row, ground, tone, mix(tone, light.horizon, 0.14)))
    if row.near < 0.9:
        fade = canvas.stencil(box(0, ground - unit * 0.2, canvas.width, ground)).soft(unit * 0.06)
        canvas.paint(fade, mix(row.colour, light.horizon, 0.3 * (1 - row.near)), 0.3)


def _roof(pen: Pen, tower: _Tower, tone: Colour, unit: float) -> None:
    left, right, top = tower.left, tower.right, tower.top
    wide, middle = right - left, (left + right) / 2
    match tower.roof:
        case 1:
            pen.bar(left + wide * 0.2, top - wide * 0.25, right - wide * 0.2, top, tone)
            pen.bar(middle - unit * 0.0015, top - wide * 0.9, middle + unit * 0.0015, top, tone)
        case 2:
            pen.shape(polygon([(left, top), (middle, top - wide * 0.55), (right, top)]), tone)
        case 3:
            pen.shape(polygon([(left, top), (left, top - wide * 0.5), (right, top)]), tone)
        case 4:
            pen.bar(left + wide * 0.55, top - wide * 0.3, right - wide * 0.12, top, tone)
        case 5:
            pen.dot(middle, top, wide * 0.5, tone, flat=0.6)


def _windows(canvas: Canvas, pen: Pen, tower: _Tower, how: tuple[_Row, float, Colour, Colour]) -> None:
    """Light windows at random, or whole floors where people still work."""
    row, ground, tone, glass = how
    pitch = canvas.unit * (0.013 + 0.010 * row.near)
    columns = int((tower.right - tower.left - pitch * 0.6) / pitch)
    floors = int((ground - tower.top - pitch * 0.8) / (pitch * 1.35))
    if pitch < 2.2 or columns < 1 or floors < 1:
        return
    start = (tower.left + tower.right - columns * pitch) / 2
    luck = canvas.rng.random((floors, columns, 2))
    office = canvas.chance(0.3)
    for floor in range(floors):
        y = tower.top + pitch * (0.8 + 1.35 * floor)
        share = row.lit
        if office:
            share = row.lit * 0.4 + (0.5 if luck[floor, 0, 1] < row.lit else 0.0)
        for column in range(columns):
            x = start + column * pitch
            if luck[floor, column, 0] < share:
                lamp = row.lamps[int(luck[floor, column, 1] * len(row.lamps))]
                pen.bar(x + pitch * 0.2, y, x + pitch * 0.78, y + pitch * 0.8, mix(tone, lamp, 0.55 + 0.4 * row.near))
            elif row.near > 0.3:
                pen.bar(x + pitch * 0.2, y, x + pitch * 0.78, y + pitch * 0.8, glass)
