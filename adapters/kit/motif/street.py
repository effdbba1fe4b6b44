"""What lies before a skyline: glowing signs, lamps, wet stone or a river, a parapet, somebody under an umbrella."""

from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import Frame, box, ellipse, mirrored, smooth, stroke, trace
from adapters.kit.motif.water import glints, mirror

_WHITE = (255, 255, 255)
_UMBRELLAS = hexes("#d8433f #e2a93b #2f8f8a #c5447e #e0663a")


def signs(canvas: Canvas, top: float, colours: tuple[Colour, ...], count: int) -> None:
    """Hang tubes of light on the houses, upright or level."""
    unit = canvas.unit
    for _ in range(count):
        x, y = canvas.between(0.04, 0.96) * canvas.width, top - unit * canvas.between(0.07, 0.28)
        colour = colours[canvas.pick(len(colours))]
        wide, tall = unit * canvas.between(0.008, 0.014), unit * canvas.between(0.03, 0.075)
        if canvas.chance(0.3):
            wide, tall = tall, wide
        canvas.glow(x, y, unit * 0.1, colour, 0.5)
        canvas.fill(box(x - wide, y - tall, x + wide, y + tall, wide * 0.4), mix(colour, _WHITE, 0.12))
        core = box(x - wide * 0.45, y - tall * 0.82, x + wide * 0.45, y + tall * 0.82, wide * 0.2)
        canvas.fill(core, mix(colour, _WHITE, 0.65), 0.8)


def ground(canvas: Canvas, light: Light, top: int, lamp: Colour, *, wet: bool) -> None:
    """Set street lamps along the quay, and below it what mirrors the town: wet stone, or a river."""
    unit, width, depth = canvas.unit, canvas.width, canvas.height - top
    quay = mix(light.near, (34, 32, 44), 0.4)
    canvas.fill(box(0, top - unit * 0.012, width, top), quay)
    count = max(3, round(5 * width / unit))
    for x in ((place + 0.5) / count * width for place in range(count)):
        canvas.fill(box(x - unit * 0.0025, top - unit * 0.085, x + unit * 0.0025, top), quay)
        canvas.fill(ellipse(x, top - unit * 0.088, unit * 0.008), lamp if light.mood != "day" else quay)
        if light.mood != "day":
            canvas.glow(x, top - unit * 0.088, unit * 0.07, lamp, 0.75 if light.dark else 0.4)
    tint = (mix(light.near, light.far, 0.4), shift(light.near, light=-0.03))
    if not wet:
        mirror(canvas, top, tint=tint, tinted=0.34, ripple=unit * 0.016)
        glints(canvas, top, mix(light.horizon, light.sun, 0.5), count=60, strength=0.3)
        return
    mirror(canvas, top, tint=tint, tinted=0.42, ripple=unit * 0.008, smear=0.25)
    puddles = []
    for down in canvas.rng.random(11):
        x, across = canvas.between(-0.05, 1.05) * width, unit * 0.17 * (0.4 + down)
        puddles.append(ellipse(x, top + depth * down, across, unit * 0.014 * (0.5 + 1.6 * down)))
    canvas.fill(puddles, mix(light.horizon, lamp, 0.4), 0.13, soft=unit * 0.006)


def ledge(canvas: Canvas, light: Light, top: float) -> None:
    """Build a parapet for somebody to sit on, high over the street."""
    unit, width = canvas.unit, canvas.width
    stone = mix(mix(light.near, (150, 130, 124), 0.42), light.far, 0.15)
    face = top + unit * 0.105
    canvas.fill(box(0, top, width, canvas.height), (shift(stone, light=0.1), stone, shift(stone, light=-0.07)))
    canvas.fill(box(0, face, width, canvas.height), (shift(stone, light=-0.12), shift(stone, light=-0.16)))
    joints = [box(x, top, x + unit * 0.003, face) for x in (width * (k + 0.35) / 4 for k in range(4))]
    canvas.fill(joints, shift(stone, light=-0.12), 0.6)
    canvas.fill(box(0, top, width, top + unit * 0.005), shift(stone, light=0.2), 0.6)


def walker(canvas: Canvas, *, colour: Colour, top: float) -> None:
    """Let somebody cross under an umbrella: one warm note in a wet street."""
    x, foot = canvas.width * canvas.between(0.3, 0.7), top + (canvas.height - top) * 0.3
    frame = Frame(x, foot, canvas.unit * 0.24, flip=canvas.chance(0.5))
    dark = shift(colour, light=-0.1)
    figure = Figure(canvas, frame, dark)
    cover = _UMBRELLAS[canvas.pick(len(_UMBRELLAS))]
    reflection = smooth(trace("-0.32,0.92 0.02,1.04 0.38,0.92 0.27,0.78 -0.24,0.78"))
    figure.fill(reflection, cover, 0.45, soft=0.05)
    figure.fill(box(-0.1, 0.0, 0.1, 0.76, 0.08), shift(colour, light=-0.06), 0.5, soft=0.05)
    legs = [
        stroke(trace(path), 0.07, 0.055, 0.045)
        for path in ("-0.03,-0.36 -0.06,-0.18 -0.1,0", "0.03,-0.36 0.07,-0.18 0.08,-0.01")
    ]
    figure.fill(legs, dark)
    coat = figure.stencil(smooth(mirrored(trace("0,-0.8 0.085,-0.76 0.12,-0.52 0.15,-0.28 0,-0.26"))))
    figure.paint(coat, mix(colour, cover, 0.12))
    figure.model(coat, mix(cover, (255, 230, 190), 0.4), dark, depth=0.05, strength=0.6)
    figure.fill(stroke([(0.11, -0.56), (0.09, -0.8), (0.05, -1.12)], 0.014, 0.014), dark)
    figure.fill(ellipse(0.0, -0.85, 0.062, 0.075), dark)
    rim = "-0.4,-0.9 -0.33,-1.06 -0.15,-1.18 0.04,-1.21 0.24,-1.17 0.4,-1.05 0.46,-0.88"
    scallops = "0.32,-0.905 0.18,-0.88 0.03,-0.905 -0.13,-0.885 -0.27,-0.91"
    umbrella = figure.stencil(smooth(trace(f"{rim} {scallops}"), steps=6))
    figure.paint(umbrella, cover)
    figure.model(umbrella, mix(cover, (255, 240, 215), 0.55), shift(cover, light=-0.16), depth=0.07)
    ends = trace("-0.27,-0.91 0.03,-0.905 0.32,-0.905")
    ribs = [stroke([(0.04, -1.205), (end[0] * 0.75, -1.08), end], 0.006, 0.008) for end in ends]
    figure.fill(ribs, shift(cover, light=-0.12), 0.6)
