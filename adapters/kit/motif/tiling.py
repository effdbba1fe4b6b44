"""Abstract: a grid of quarter circles, discs and triangles in a few colours, as a print or a quilt would have it."""

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import Outline, box, ellipse, moved, polygon, turned
from adapters.kit.motif.pen import Pen
from adapters.kit.motif.scheme import palette
from adapters.kit.motif.stage import Stage

#: Shapes in a square from -1 to 1, in drawing order, each in the tile's ground (0), front (1) or third colour (2).
_Pattern = tuple[tuple[Outline, int], ...]
_QUARTER: _Pattern = ((ellipse(-1, -1, 2), 1), (ellipse(-1, -1, 1.15), 2))
_BARE_QUARTER: _Pattern = ((ellipse(-1, -1, 2), 1),)
_RIBBONS: _Pattern = (
    (ellipse(-1, -1, 1.33), 1),
    (ellipse(-1, -1, 0.67), 0),
    (ellipse(1, 1, 1.33), 1),
    (ellipse(1, 1, 0.67), 0),
)
_DISC: _Pattern = ((ellipse(0, 0, 0.72), 1), (ellipse(0, 0, 0.34), 2))
_BARE_DISC: _Pattern = ((ellipse(0, 0, 0.72), 1),)
_HALF: _Pattern = ((polygon([(-1, -1), (1, -1), (-1, 1)]), 1),)
_HOURGLASS: _Pattern = ((polygon([(-1, -1), (0, 0), (-1, 1)]), 1), (polygon([(1, -1), (0, 0), (1, 1)]), 2))
_BARS: _Pattern = tuple((box(-1, y, 1, y + 0.25), 1) for y in (-1.0, -0.5, 0.0, 0.5))
_CAPS: _Pattern = ((ellipse(-1, 0, 1), 1), (ellipse(1, 0, 1), 2))
#: What goes well together: everything, round things, straight things.
_FAMILIES: tuple[tuple[_Pattern, ...], ...] = (
    (_QUARTER, _BARE_QUARTER, _RIBBONS, _DISC, _BARE_DISC, _HALF, _HOURGLASS, _BARS, _CAPS),
    (_QUARTER, _BARE_QUARTER, _RIBBONS, _RIBBONS, _DISC, _CAPS),
    (_HALF, _HOURGLASS, _BARS, _HALF, _QUARTER, _HOURGLASS),
)
_QUARTER_TURN = 1.5707963267948966


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Fill the picture with tiles; some span two by two, so that the eye finds a rhythm."""
    colours = palette(canvas, brief)
    count = 3 + canvas.pick(4) if "minimal" not in brief.styles else 3
    side = canvas.unit / count
    columns, rows = -(-canvas.width // int(side)) + 1, -(-canvas.height // int(side)) + 1
    left, top = (canvas.width - columns * side) / 2, (canvas.height - rows * side) / 2
    family = _FAMILIES[canvas.pick(len(_FAMILIES))]
    taken: set[tuple[int, int]] = set()
    with canvas.fine(2) as pen:
        for row in range(rows):
            for column in range(columns):
                if (column, row) in taken:
                    continue
                span = 2 if canvas.chance(0.13) and (column + 1, row) not in taken else 1
                taken |= {(column + a, row + b) for a in range(span) for b in range(span)}
                place = (left + column * side, top + row * side)
                _tile(canvas, pen, (*place, side * span), colours, family[canvas.pick(len(family))])
    reach = max(canvas.width, canvas.height) * 0.9
    canvas.glow(canvas.width * (0.5 + light.side * 0.6), 0, reach, (255, 250, 238), 0.16)
    return Stage(x=canvas.width / 2, y=canvas.height * 0.9, height=canvas.unit * 0.5, side=light.side, shade=colours[0])


def _tile(
    canvas: Canvas, pen: Pen, place: tuple[float, float, float], colours: tuple[Colour, ...], pattern: _Pattern
) -> None:
    left, top, side = place
    ground = canvas.pick(len(colours))
    front = (ground + 1 + canvas.pick(len(colours) - 1)) % len(colours)
    third = (front + 1 + canvas.pick(len(colours) - 2)) % len(colours)
    tones = [shift(colours[k], light=canvas.between(-0.015, 0.015)) for k in (ground, front, third)]
    turn = canvas.pick(4) * _QUARTER_TURN
    pen.shape(box(left, top, left + side + 0.5, top + side + 0.5), tones[0])
    for shape, tone in pattern:
        placed = moved(turned(shape, turn) * (side / 2), left + side / 2, top + side / 2)
        pen.shape(placed.clip((left, top), (left + side, top + side)), tones[tone])
