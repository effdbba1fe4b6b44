"""A plain backdrop in two quiet colours with one large shape behind the subject, and a table top for still lifes."""

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, luma, mix, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import box, ellipse, polygon, stroke
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tree import fern

#: Wall above, wall below, the shape behind.
_WALLS = (
    "#f3d9c5 #eab99c #d97f5f",
    "#d7e5df #a9c9c1 #4f8f8a",
    "#e6dff0 #c5b7dd #8a6fb3",
    "#f6e6bf #efcb8a #e0953f",
    "#cfdff0 #9fbfde #4f7fb5",
    "#f5d8d8 #e8b0b3 #c4626f",
    "#dfe6c8 #b8c796 #728a4d",
    "#2f3f57 #22304a #d49a5a",
    "#3a2f4a #2a2238 #c8657a",
    "#20443f #17332f #d9b26a",
)
_WOODS = ("#b98254", "#8a5a3c", "#d0a071", "#6b4634")


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Paint the backdrop, and a floor that meets it softly."""
    above, below, accent = _colours(canvas, light)
    unit, width, height = canvas.unit, canvas.width, canvas.height
    canvas.paint(canvas.stencil(box(0, 0, width, height)), (shift(above, light=0.02), above, below))
    x, y = width / 2, height * 0.46
    canvas.glow(x + light.side * unit * 0.5, height * 0.15, unit * 0.95, (255, 248, 232), 0.32)
    kind = canvas.pick(4)
    shade = mix(accent, above, 0.12)
    if kind == 0:
        canvas.fill(ellipse(x, y, unit * 0.4), (mix(shade, (255, 240, 214), 0.28), shade))
    elif kind == 1:
        arch = box(x - unit * 0.33, y - unit * 0.36, x + unit * 0.33, height * 1.2, unit * 0.33)
        canvas.fill(arch, (mix(shade, (255, 240, 214), 0.3), shade))
    elif kind == 2:
        for ring, strength in ((0.56, 0.28), (0.46, 0.4), (0.35, 0.8)):
            canvas.fill(ellipse(x, y, unit * ring), (mix(shade, (255, 240, 214), 0.25), shade), strength)
    else:
        canvas.fill(ellipse(x, y, unit * 0.38), (mix(shade, (255, 240, 214), 0.28), shade))
        leaf = mix(shade, below, 0.45)
        for side in (-1, 1):
            for lean, size in ((0.34, 0.46), (0.12, 0.55)):
                fronds = fern(x + side * unit * 0.33, height * 0.93, unit * size, side * unit * size * lean)
                canvas.fill(fronds, (shift(leaf, light=0.05), shift(leaf, light=-0.07)))
    floor = height * 0.86
    if not brief.says("portrait", "face"):
        edge = ellipse(x, height * 1.16, width * 0.95, height * 1.16 - floor)
        canvas.fill(edge, (mix(below, (255, 246, 230), 0.14), shift(below, light=-0.06)), 1.0, soft=unit * 0.004)
    return Stage(
        x=x,
        y=floor + unit * 0.055,
        height=unit * 0.58,
        side=light.side,
        shade=shift(mix(below, accent, 0.3), light=-0.2),
    )


def table(canvas: Canvas, _brief: Brief, light: Light) -> Stage:
    """Paint a wall with window light on it, and a wooden table."""
    above, below, accent = _colours(canvas, light)
    unit, width, height = canvas.unit, canvas.width, canvas.height
    edge = height * canvas.between(0.62, 0.66)
    canvas.paint(canvas.stencil(box(0, 0, width, height)), (shift(below, light=-0.02), mix(above, below, 0.4), above))
    _window(canvas, light, edge, mix(above, below, 0.4))
    if canvas.chance(0.5):
        canvas.fill(box(0, edge - unit * 0.17, width, edge), mix(shift(below, light=-0.05), accent, 0.22), 0.9)
        canvas.fill(box(0, edge - unit * 0.175, width, edge - unit * 0.165), mix(above, (255, 255, 255), 0.3), 0.5)
    wood = light.lit(hexes(_WOODS[canvas.pick(len(_WOODS))])[0], 0.3 if light.dark else None)
    canvas.paint(canvas.stencil(box(0, edge, width, height)), (shift(wood, light=0.07), wood, shift(wood, light=-0.12)))
    grain = []
    for y, x, size in canvas.rng.random((46, 3)):
        row = edge + (height - edge) * (0.02 + 0.98 * y)
        long = width * (0.08 + 0.3 * size)
        sway = unit * 0.004
        grain.append(
            stroke(
                [(x * width - long, row), (x * width, row + sway), (x * width + long, row - sway)],
                0.4,
                unit * 0.0018 * (1 + 2 * y),
                0.4,
                steps=5,
            )
        )
    canvas.fill(grain, shift(wood, light=-0.12), 0.3)
    canvas.fill(box(0, edge, width, edge + unit * 0.006), shift(wood, light=0.18), 0.7)
    canvas.glow(width * (0.5 + light.side * 0.5), edge + unit * 0.1, unit * 0.8, (255, 236, 200), 0.28, flat=0.5)
    return Stage(
        x=width * canvas.between(0.46, 0.54),
        y=edge + (height - edge) * 0.46,
        height=unit * 0.56,
        side=light.side,
        shade=shift(wood, light=-0.28),
    )


def _colours(canvas: Canvas, light: Light) -> tuple[Colour, Colour, Colour]:
    above, below, accent = hexes(_WALLS[canvas.pick(len(_WALLS))])
    if light.dark:
        return mix(above, light.near, 0.7), mix(below, light.near, 0.78), mix(accent, light.near, 0.3)
    return above, below, accent


def _window(canvas: Canvas, light: Light, edge: float, wall: Colour) -> None:
    """Throw the slanted light of a window with four panes on the wall."""
    unit = canvas.unit
    x, y = canvas.width * 0.5 - light.side * unit * 0.28, edge * canvas.between(0.36, 0.46)
    lean, wide, tall, gap = -light.side * 0.24, unit * 0.15, unit * 0.17, unit * 0.014
    panes = []
    for column in (-1, 1):
        for row in (-1, 1):
            left, right = sorted((x + column * gap, x + column * wide))
            top, bottom = sorted((y + row * gap, y + row * tall))
            panes.append(
                polygon(
                    [
                        (left + (top - y) * lean, top),
                        (right + (top - y) * lean, top),
                        (right + (bottom - y) * lean, bottom),
                        (left + (bottom - y) * lean, bottom),
                    ]
                )
            )
    canvas.paint(
        canvas.stencil(*panes).soft(unit * 0.006), mix((255, 226, 170), wall, 0.3), 0.5 if luma(wall) > 0.5 else 0.24
    )
