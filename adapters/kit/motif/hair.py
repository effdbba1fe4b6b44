"""Hair of the portraits: what falls behind the head, and what lies over it."""

from adapters.kit.motif.colour import mix, shift
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.outline import ellipse, mirrored, sided, smooth, stroke, trace
from adapters.kit.motif.sitter import Sitter

_CAP = trace("0,-0.6 0.22,-0.565 0.375,-0.41 0.405,-0.16")


def behind(figure: Figure, sitter: Sitter) -> None:
    """Draw the hair that falls behind neck and shoulders."""
    hair = sitter.hair
    if sitter.cut == "long":
        half = [*_CAP, (0.43, 0.20), (0.49, 0.58), (0.47, 0.98), (0.30, 1.08), (0, 1.05)]
    elif sitter.cut == "bob":
        half = [*_CAP, (0.44, 0.10), (0.46, 0.34), (0.36, 0.46), (0, 0.44)]
    elif sitter.cut == "bun":
        figure.part(ellipse(0, -0.66, 0.17, 0.15), hair)
        half = [*_CAP, (0.38, 0.10), (0.27, 0.30), (0, 0.3)]
    elif sitter.cut == "curls":
        curls = [ellipse(0.40 * x, -0.16 + 0.40 * y, 0.165) for x, y in _around(13)]
        if sitter.feminine:
            curls += [
                ellipse(side * x, y, 0.15) for side in (-1, 1) for x, y in ((0.43, 0.12), (0.46, 0.30), (0.40, 0.46))
            ]
        figure.part(curls, hair)
        return
    else:
        return
    figure.part(smooth(mirrored(half)), shift(hair, light=-0.05))


def front(figure: Figure, sitter: Sitter) -> None:
    """Draw the hair over forehead and temples, as far as a hat shows it."""
    if sitter.hat not in {"beanie", "captain"}:
        _fringe(figure, sitter)
    elif not sitter.feminine:
        for side in (-1, 1):
            temple = smooth(sided("0.325,-0.3 0.375,-0.18 0.368,0.02 0.335,0.1 0.318,-0.1", side))
            figure.fill(temple, sitter.hair if side < 0 else shift(sitter.hair, light=-0.07))


def _fringe(figure: Figure, sitter: Sitter) -> None:
    hair = sitter.hair
    if sitter.cut == "curls":
        figure.part(
            [ellipse(x, -0.43 + 0.9 * x * x, 0.115) for x in (-0.30, -0.18, -0.06, 0.07, 0.19, 0.31)],
            hair,
        )
        return
    if sitter.old and not sitter.feminine:
        for side in (-1, 1):
            tuft = smooth(sided("0.27,-0.43 0.37,-0.33 0.4,-0.08 0.345,0.06 0.325,-0.14", side))
            figure.part(tuft, hair, 0.03)
        return
    if sitter.feminine:
        left = smooth(
            trace("0.06,-0.615 -0.2,-0.575 -0.37,-0.4 -0.405,-0.1 -0.375,0.16 -0.335,-0.08 -0.25,-0.25 -0.05,-0.4")
        )
        right = smooth(trace("-0.03,-0.6 0.2,-0.58 0.37,-0.4 0.405,-0.1 0.375,0.16 0.335,-0.06 0.3,-0.23 0.12,-0.41"))
        figure.part([right], shift(hair, light=-0.02))
        figure.part([left], hair)
        strand = trace("0.02,-0.57 -0.16,-0.46 -0.3,-0.22")
        drift = trace("-0.03,0.01 -0.035,0.03 -0.01,0.03")
        strands = [
            stroke(
                [(x + k * dx, y + k * dy) for (x, y), (dx, dy) in zip(strand, drift, strict=True)], 0.002, 0.01, 0.002
            )
            for k in range(4)
        ]
        figure.fill(strands, mix(hair, (255, 236, 205), 0.4), 0.45)
        return
    sweep = 0.16 if sitter.cut == "side" else 0.06
    over = trace("-0.355,-0.02 -0.392,-0.26 -0.33,-0.48 -0.14,-0.6 0.1,-0.615 0.3,-0.53 0.388,-0.3 0.355,-0.02")
    under = trace("-0.14,-0.4 -0.27,-0.3 -0.325,-0.14")
    figure.part(smooth([*over, (0.325, -0.16), (0.29, -0.30), (sweep, -0.345), *under]), hair)


def _around(count: int) -> list[tuple[float, float]]:
    """Return points on the upper three quarters of a circle."""
    whole = ellipse(0, 0, 1)
    turns = [22 + round(k * 28 / (count - 1)) for k in range(count)]
    return [(float(whole[turn % 48, 0]), float(whole[turn % 48, 1])) for turn in turns]
