"""The faces of the sitting animals: markings, eyes, nose, mouth and the small things around them."""

from adapters.kit.motif.canvas import Stencil
from adapters.kit.motif.colour import Colour, hexed, mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.outline import ellipse, mirrored, smooth, stroke, trace
from adapters.kit.motif.species import Species

_BLUSH = (240, 132, 118)
_MASK = trace("0,-0.655 0.055,-0.7 0.13,-0.72 0.22,-0.69 0.4,-0.645 0.22,-0.54 0.1,-0.47 0,-0.46")


#: Where each kind of face has its muzzle's middle and its nose.
_HEIGHTS = {
    "urajiro": (-0.615, -0.665),
    "mask": (-0.60, -0.635),
    "snout": (-0.615, -0.655),
    "cat": (-0.615, -0.648),
    "bunny": (-0.615, -0.64),
}


def face(figure: Figure, species: Species, colours: tuple[Colour, Colour, Colour], head: Stencil) -> None:
    """Draw the face on a head that is already there."""
    own, pale, dark = colours
    ink = hexed(species.eyes)
    _muzzle(figure, species.face, pale, head)
    _markings(figure, species.extras, (pale, dark), head)
    _eyes(figure, species.face, ink, own)
    _mouth(figure, species.face, ink, tongue="tongue" in species.extras)
    if "whiskers" in species.extras:
        hair = mix(pale, (255, 255, 255), 0.5) if sum(own) < 460 else shift(dark, light=-0.05)
        lines = [
            stroke(
                [(s * 0.10, -0.615 + k * 0.018), (s * 0.24, -0.625 + k * 0.03), (s * 0.36, -0.6 + k * 0.05)],
                0.006,
                0.002,
            )
            for s in (-1, 1)
            for k in (-1, 0, 1)
        ]
        figure.fill(lines, hair, 0.75)


def _muzzle(figure: Figure, kind: str, pale: Colour, head: Stencil) -> None:
    if kind == "urajiro":
        cheeks = [ellipse(side * 0.20, -0.60, 0.125, 0.10) for side in (-1, 1)]
        figure.patch([*cheeks, ellipse(0, -0.60, 0.15, 0.115)], pale, head, soft=0.011)
        blaze = smooth(trace("0,-0.86 0.03,-0.74 0.07,-0.66 -0.07,-0.66 -0.03,-0.74"))
        figure.patch(blaze, pale, head, 0.5, soft=0.006)
    elif kind == "mask":
        figure.patch(smooth(mirrored(_MASK)), pale, head, soft=0.006)
    elif kind == "snout":
        figure.patch(ellipse(0, -0.615, 0.125, 0.095), pale, head, soft=0.006)
    else:
        wide = 0.11 if kind == "cat" else 0.10
        figure.patch(ellipse(0, -0.595, wide, 0.078), pale, head, soft=0.012)


def _markings(figure: Figure, extras: frozenset[str], colours: tuple[Colour, Colour], head: Stencil) -> None:
    pale, dark = colours
    pairs = (-1, 1)
    if "brows" in extras:
        brows = [ellipse(side * 0.105, -0.835, 0.034, 0.024, tilt=-side * 0.3) for side in pairs]
        figure.patch(brows, pale, head, soft=0.006)
    if "patches" in extras:
        patches = [ellipse(side * 0.125, -0.745, 0.062, 0.075, tilt=side * 0.5) for side in pairs]
        figure.patch(patches, dark, head, soft=0.006)
    if "stripes" in extras:
        bars = [stroke([(x, -0.97), (x * 0.9, -0.87)], 0.03, 0.008) for x in (-0.075, 0.0, 0.075)]
        bars += [stroke([(s * 0.31, y), (s * 0.21, y + 0.012)], 0.03, 0.006) for s in pairs for y in (-0.74, -0.68)]
        figure.patch(bars, dark, head, 0.85, soft=0.002)
    if "blush" in extras:
        cheeks = [ellipse(side * 0.195, -0.655, 0.05, 0.035) for side in pairs]
        figure.patch(cheeks, _BLUSH, head, 0.5, soft=0.02)


def _eyes(figure: Figure, kind: str, ink: Colour, own: Colour) -> None:
    across, down, apart, y = 0.030, 0.036, 0.118, -0.735
    if kind == "cat":
        across, down, apart = 0.046, 0.048, 0.122
    if sum(own) < 260 and kind != "cat":
        figure.fill([ellipse(s * apart, y, across * 1.25, down * 1.25) for s in (-1, 1)], shift(own, light=0.2))
    for side in (-1, 1):
        if kind == "cat":
            iris = (226, 190, 84) if sum(own) < 300 else (122, 168, 98)
            figure.fill(ellipse(side * apart, y, across * 1.1, down * 1.1), ink)
            figure.fill(ellipse(side * apart, y, across * 0.94, down * 0.94), (shift(iris, light=-0.1), iris))
            figure.fill(ellipse(side * apart, y, across * 0.46, down * 0.8), ink)
        else:
            figure.fill(ellipse(side * apart, y, across, down), ink)
        # Both gleams sit on the same side, as one lamp would set them.
        figure.fill(ellipse(side * apart - across * 0.3, y - down * 0.36, across * 0.34), (255, 255, 255), 0.95)
        figure.fill(ellipse(side * apart + across * 0.3, y + down * 0.4, across * 0.17), (255, 255, 255), 0.6)


def _mouth(figure: Figure, kind: str, ink: Colour, *, tongue: bool) -> None:
    muzzle_y, nose_y = _HEIGHTS[kind]
    wide = {"cat": 0.024, "bunny": 0.022, "snout": 0.044}.get(kind, 0.038)
    low = muzzle_y + 0.034
    if tongue:
        tip = smooth(mirrored([(0, low - 0.012), (0.032, low - 0.008), (0.033, low + 0.036), (0, low + 0.056)]))
        figure.fill(tip, ((232, 110, 116), (244, 142, 142)))
        figure.fill(stroke([(0, low), (0, low + 0.032)], 0.005, 0.002), (190, 74, 86), 0.7)
    for side in (-1, 1):
        smile = [
            (0, nose_y + 0.02),
            (side * 0.006, low - 0.01),
            (side * 0.035, low + 0.004),
            (side * 0.066, low - 0.014),
        ]
        figure.fill(stroke(smile, 0.010, 0.011, 0.012, 0.006), ink, 0.9)
    nose = mirrored(
        [
            (0, nose_y - 0.024),
            (wide * 0.7, nose_y - 0.022),
            (wide, nose_y - 0.006),
            (wide * 0.4, nose_y + 0.02),
            (0, nose_y + 0.026),
        ]
    )
    figure.fill(smooth(nose), (214, 124, 122) if kind in {"cat", "bunny"} else ink)
    figure.fill(ellipse(-wide * 0.2, nose_y - 0.012, wide * 0.36, 0.006), (255, 255, 255), 0.4)
