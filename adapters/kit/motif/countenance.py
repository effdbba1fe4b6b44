"""The human face of the portraits: planes of light, eyes, nose, mouth and the lines of age."""

from adapters.kit.motif.beard import beard
from adapters.kit.motif.colour import Colour, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.outline import ellipse, mirrored, sided, smooth, stroke, trace
from adapters.kit.motif.sitter import Sitter

_FACE = trace("0,-0.5 0.19,-0.475 0.315,-0.34 0.352,-0.1 0.338,0.12 0.275,0.33 0.155,0.475 0,0.515")
_SOFT_FACE = trace("0,-0.5 0.19,-0.475 0.31,-0.34 0.345,-0.1 0.325,0.12 0.245,0.33 0.115,0.475 0,0.51")
_BLUSH = (226, 104, 88)
_EYE_Y, _EYE_X = -0.015, 0.152


def face(figure: Figure, sitter: Sitter) -> None:
    """Draw head and features in a frame whose unit is the height of a head."""
    skin = sitter.skin
    deep = mix(shift(skin, light=-0.13, hue=-6), figure.shade, 0.16)
    for side in (-1, 1):
        ear = ellipse(side * 0.352, 0.02, 0.055, 0.10, tilt=side * 0.12)
        figure.fill(ear, shift(skin, light=-0.03) if side < 0 else deep)
    head = figure.stencil(smooth(mirrored(_SOFT_FACE if sitter.feminine else _FACE)))
    figure.paint(head, skin)
    figure.model(head, mix(skin, (255, 240, 220), 0.55), deep, depth=0.10)
    # One plane of shade beside the nose and down the far cheek gives the poster look.
    plane = smooth(trace("0.05,-0.52 0.06,-0.14 0.035,0.02 0.085,0.15 0.02,0.2 0.05,0.34 0,0.55 0.5,0.55 0.5,-0.52"))
    figure.patch(plane, deep, head, 0.38, soft=0.012)
    figure.patch([ellipse(side * 0.205, 0.155, 0.085, 0.06) for side in (-1, 1)], _BLUSH, head, 0.34, soft=0.035)
    sockets = [ellipse(side * _EYE_X, _EYE_Y - 0.01, 0.085, 0.055) for side in (-1, 1)]
    figure.patch(sockets, deep, head, 0.4, soft=0.025)
    _eyes(figure, sitter)
    nose = trace("0.015,-0.02 0.03,0.08 0.068,0.142 0.03,0.175 -0.03,0.17")
    figure.fill(stroke(nose, 0.006, 0.012, 0.018, 0.014, 0.006), shift(skin, light=-0.17, hue=-8), 0.75)
    figure.fill(ellipse(-0.018, 0.115, 0.022, 0.028), mix(skin, (255, 246, 232), 0.65), 0.6, soft=0.012)
    if sitter.old:
        _age(figure, skin)
    if sitter.beard != "full":
        _mouth(figure, sitter)
    if sitter.beard:
        beard(figure, sitter)
    if sitter.glasses:
        _glasses(figure)


def _eyes(figure: Figure, sitter: Sitter) -> None:
    ink = (44, 30, 30)
    brow = mix(sitter.hair, ink, 0.15 if sitter.old else 0.4)
    tired = 0.012 if sitter.old else 0.0
    for side in (-1, 1):
        x = side * _EYE_X
        white = smooth(
            [
                (x - 0.068, _EYE_Y + 0.006),
                (x - 0.02, _EYE_Y - 0.034 + tired),
                (x + 0.03, _EYE_Y - 0.032 + tired),
                (x + 0.068, _EYE_Y + 0.006),
                (x + 0.02, _EYE_Y + 0.026),
                (x - 0.025, _EYE_Y + 0.026),
            ]
        )
        eye = figure.stencil(white)
        figure.paint(eye, (246, 240, 232))
        figure.paint(figure.stencil(ellipse(x, _EYE_Y - 0.004, 0.034, 0.036)) & eye, sitter.eyes)
        figure.paint(figure.stencil(ellipse(x, _EYE_Y - 0.004, 0.017, 0.018)) & eye, (24, 18, 20))
        figure.fill(ellipse(x - 0.012, _EYE_Y - 0.014, 0.009), (255, 255, 255), 0.95)
        lid = [
            (x - side * 0.070, _EYE_Y + 0.006),
            (x - side * 0.01, _EYE_Y - 0.036 + tired),
            (x + side * 0.05, _EYE_Y - 0.02 + tired),
            (x + side * 0.082, _EYE_Y + 0.002),
        ]
        figure.fill(stroke(lid, 0.008, 0.018, 0.02, 0.006 if not sitter.feminine else 0.012), ink, 0.92)
        if sitter.feminine:
            lash = stroke([(x + side * 0.062, _EYE_Y - 0.012), (x + side * 0.092, _EYE_Y - 0.03)], 0.012, 0.003)
            figure.fill(lash, ink, 0.9)
        arch = 0.022 if sitter.feminine else 0.01
        thick = 0.026 if sitter.feminine else 0.046 if sitter.old else 0.036
        line = [
            (x - side * 0.075, -0.098),
            (x, -0.118 - arch),
            (x + side * 0.098, -0.094 + (0.014 if sitter.old else 0)),
        ]
        figure.fill(stroke(line, thick, thick * 0.9, thick * 0.25), brow)


def _mouth(figure: Figure, sitter: Sitter) -> None:
    lip = mix(shift(sitter.skin, light=-0.12), (190, 58, 62), 0.6 if sitter.feminine else 0.25)
    y, wide = 0.295, 0.098 if sitter.feminine else 0.105
    lower = smooth(
        [
            (-wide * 0.8, y + 0.004),
            (0, y + 0.004),
            (wide * 0.8, y + 0.004),
            (wide * 0.4, y + 0.044),
            (-wide * 0.4, y + 0.044),
        ]
    )
    figure.fill(lower, lip, 0.85 if sitter.feminine else 0.6)
    if sitter.feminine:
        upper = smooth(
            [(-wide, y), (-wide * 0.3, y - 0.03), (0, y - 0.02), (wide * 0.3, y - 0.03), (wide, y), (0, y + 0.012)]
        )
        figure.fill(upper, shift(lip, light=-0.04), 0.9)
    line = [
        (-wide * 1.1, y - 0.01),
        (-wide * 0.5, y + 0.005),
        (0, y + 0.004),
        (wide * 0.5, y + 0.005),
        (wide * 1.1, y - 0.01),
    ]
    figure.fill(stroke(line, 0.006, 0.013, 0.013, 0.005), shift(lip, light=-0.2), 0.85)
    figure.fill(ellipse(-0.015, y + 0.026, 0.03, 0.008), (255, 236, 226), 0.3, soft=0.008)


def _age(figure: Figure, skin: Colour) -> None:
    crease = shift(skin, light=-0.13, hue=-6)
    lines = [stroke([(-0.16, y), (0.0, y - 0.012), (0.16, y)], 0.002, 0.009, 0.002) for y in (-0.205, -0.255)]
    for side in (-1, 1):
        lines.append(stroke(sided("0.085,0.145 0.145,0.2 0.155,0.27", side), 0.003, 0.014, 0.003))
        lines.append(stroke(sided("0.09,0.048 0.15,0.066 0.21,0.044", side), 0.002, 0.010, 0.002))
        ends = ((0.243, 0.295, lift) for lift in (-0.03, 0.0, 0.03))
        lines += [stroke([(side * x, y * 0.5), (side * far, y * 1.5 - 0.004)], 0.008, 0.002) for x, far, y in ends]
    figure.fill(lines, crease, 0.7)


def _glasses(figure: Figure) -> None:
    wire = (52, 42, 44)
    for side in (-1, 1):
        x = side * _EYE_X
        figure.paint(figure.stencil(ellipse(x, 0.0, 0.112, 0.105)), (255, 255, 255), 0.12)
        ring = figure.stencil(ellipse(x, 0.0, 0.116, 0.109), cut=[ellipse(x, 0.0, 0.103, 0.096)])
        figure.paint(ring, wire)
        figure.fill(stroke([(side * 0.262, -0.01), (side * 0.35, -0.02)], 0.012, 0.012), wire)
    figure.fill(stroke([(-0.04, -0.015), (0, -0.03), (0.04, -0.015)], 0.012, 0.012), wire)
