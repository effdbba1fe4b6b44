"""A meadow or garden: hills behind, a carpet of small flowers, and large ones close to the eye."""

from functools import partial

from adapters.kit.motif.bloom import KINDS, blossom
from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexed, hexes, mix, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.noise import profile
from adapters.kit.motif.outline import Outline, smooth, stroke
from adapters.kit.motif.sky import sky
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import NAMED
from adapters.kit.motif.tree import crown, grass

_GREENS = ("#5f8f4a", "#4d8a57", "#7a9a48", "#3f7f66")
_CARPETS = ("#f6f2e6 #f3c64f #e58bb8", "#dd4434 #f6f2e6 #f0a23c", "#8d74c4 #b9a5e0 #f6f2e6", "#e58bb8 #c95d9d #f8e3a0")


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Paint the meadow; without a subject the flowers themselves come to the front."""
    unit, width, height = canvas.unit, canvas.width, canvas.height
    horizon = height * canvas.between(0.46, 0.54)
    sky(canvas, light, horizon, cloud=canvas.between(0.3, 0.6))
    green = mix(light.lit(hexed(_GREENS[canvas.pick(len(_GREENS))])), light.leaf, 0.5 if light.dark else 0.25)
    spread = max(1.0, width / height)
    for share in (0.0, 0.45, 1.0):
        line = (
            horizon
            + unit * (0.02 + 0.1 * share)
            - profile(canvas.rng, width, cells=(3 - share) * spread, octaves=2) * unit * (0.13 - 0.05 * share)
        )
        colour = mix(mix(light.far, green, 0.3 + 0.4 * share), light.horizon, 0.25 * (1 - share))
        canvas.paint(canvas.land(line), (colour, shift(colour, light=-0.03)))
        if share == 0.45:
            for _ in range(round(3 * spread)):
                x = canvas.between(0.03, 0.97) * width
                tones = (shift(colour, light=-0.1), shift(colour, light=-0.05), colour)
                crown(canvas, x, float(line[int(x)]) + unit * 0.015, unit * canvas.between(0.08, 0.15), tones)
    top = horizon + unit * 0.07
    line = top - profile(canvas.rng, width, cells=2 * spread, octaves=2) * unit * 0.05
    canvas.paint(canvas.land(line), (mix(green, light.horizon, 0.25), green, shift(green, light=-0.13)))
    canvas.glow(width * (0.5 + light.side * 0.6), top, unit * 0.7, light.sun, 0.25, flat=0.4)
    kinds = [kind for kind in KINDS if brief.says(kind)] or [
        KINDS[canvas.pick(len(KINDS))],
        KINDS[canvas.pick(len(KINDS) - 1)],
    ]
    petals = tuple(light.lit(colour) for colour in hexes(_CARPETS[canvas.pick(len(_CARPETS))]))
    # One colour word before the flower dyes the blossoms, not the picture.
    own = next((NAMED[word] for word in brief.colours if word in NAMED), None)
    petals = (own, shift(own, light=0.1)) if own else petals
    _carpet(canvas, top, petals, green)
    if not brief.subjects:
        _front(canvas, kinds=kinds, green=green, own=own, low=0.5, count=17, light=light)
    return Stage(
        x=width * canvas.between(0.42, 0.58),
        y=height * 0.9,
        height=unit * 0.52,
        side=light.side,
        shade=shift(mix(green, light.near, 0.3), light=-0.12),
        front=partial(_front, kinds=kinds, green=green, own=own, low=0.86, count=8, light=light)
        if brief.subjects
        else None,
    )


def _carpet(canvas: Canvas, top: float, petals: tuple[Colour, ...], green: Colour) -> None:
    unit, width, height = canvas.unit, canvas.width, canvas.height
    blades = tuple(shift(green, light=by) for by in (-0.1, -0.04, 0.03, 0.07))
    grass(canvas, top, height * 1.04, blades, height=unit * 0.09, count=int(420 * width / unit))
    count = canvas.many(330 * width / unit)
    with canvas.fine(2, (0, int(top), width, height)) as pen:
        for x, y, tone, size in sorted(canvas.rng.random((count, 4)).tolist(), key=lambda row: row[1]):
            down = y * y
            radius = unit * (0.0018 + 0.011 * down) * (0.6 + 0.7 * size)
            row = top + (height - top) * (0.05 + 0.97 * down)
            colour = mix(green, petals[int(tone * len(petals))], 0.72 + 0.28 * down)
            pen.dot(x * width, row, max(radius, 0.4), colour, flat=0.62)
            if radius > 2:
                pen.dot(x * width, row - radius * 0.05, radius * 0.34, mix(colour, (250, 220, 120), 0.7), flat=0.62)


def _front(
    canvas: Canvas, *, kinds: list[str], green: Colour, own: Colour | None, low: float, count: int, light: Light
) -> None:
    """Raise tall flowers before everything, the largest at the sides when something stands between them."""
    unit, width, height = canvas.unit, canvas.width, canvas.height
    heads: list[tuple[float, float, float]] = []
    count = canvas.many(count * max(1.0, width / height * 0.75))
    for place in range(count):
        x = (place + canvas.between(0.15, 0.85)) / count
        if low > 0.7 and 0.2 < x < 0.8:
            x = x * 0.35 if x < 0.5 else 0.65 + x * 0.35
        lift = canvas.between(0.0, 1.0)
        radius = unit * canvas.between(0.05, 0.09) * (0.8 if low > 0.7 else 1.0)
        heads.append((x * width, height * (low + (0.95 - low) * lift), radius))
    heads.sort(key=lambda head: head[1])
    stems: list[Outline] = []
    for x, y, radius in heads:
        foot = x + canvas.between(-0.06, 0.06) * unit
        stems.append(
            stroke(
                [(x, y), (x + (foot - x) * 0.3, y + (height - y) * 0.5), (foot, height * 1.02)],
                radius * 0.13,
                radius * 0.19,
            )
        )
        for side in (-1, 1):
            base = y + (height - y) * canvas.between(0.45, 0.8)
            reach = radius * canvas.between(0.9, 1.6)
            stems.append(
                smooth(
                    [
                        (x, base),
                        (x + side * reach * 0.5, base - reach * 0.55),
                        (x + side * reach, base - reach * 0.6),
                        (x + side * reach * 0.6, base - reach * 0.15),
                    ]
                )
            )
    canvas.fill(stems, (shift(green, light=-0.06), shift(green, light=-0.18)))
    for place, (x, y, radius) in enumerate(heads):
        blossom(canvas, x, y, radius, kind=kinds[place % len(kinds)], own=light.lit(own) if own else None)
