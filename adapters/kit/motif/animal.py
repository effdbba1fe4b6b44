"""A four-legged animal that sits and looks at you, built from shapes by its species; it may wear a space suit."""

from dataclasses import dataclass

from adapters.kit.motif import coat
from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas, Stencil
from adapters.kit.motif.colour import Colour, mix
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.helmet import TRIM, collar, helmet
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import box, ellipse, mirrored, moved, sided, smooth, stroke, trace
from adapters.kit.motif.species import SPECIES, Species, dressed
from adapters.kit.motif.stage import Stage

_BODY = trace("0,-0.62 0.15,-0.58 0.225,-0.4 0.285,-0.2 0.27,-0.05 0.17,0 0,0.005")
_BIB = trace("0,-0.6 0.13,-0.54 0.135,-0.42 0.08,-0.27 0,-0.2")
_HEADS = {
    "round": trace("0,-0.962 0.11,-0.95 0.213,-0.885 0.27,-0.775 0.283,-0.66 0.215,-0.565 0.1,-0.51 0,-0.5"),
    "cheeks": trace("0,-0.94 0.12,-0.93 0.21,-0.865 0.255,-0.77 0.345,-0.645 0.215,-0.575 0.1,-0.505 0,-0.488"),
}
_EARS = {
    "pointed": (trace("0.075,-0.9 0.13,-1.02 0.225,-1.1 0.262,-0.98 0.262,-0.82 0.17,-0.84"), 0.62),
    "tall": (trace("0.06,-0.9 0.12,-1.06 0.235,-1.2 0.272,-1.02 0.262,-0.81 0.16,-0.84"), 0.60),
    "floppy": (trace("0.12,-0.93 0.22,-0.95 0.33,-0.87 0.37,-0.7 0.31,-0.63 0.25,-0.74"), 0.0),
    "small": (trace("0.12,-0.9 0.125,-0.99 0.205,-1.02 0.275,-0.96 0.272,-0.87 0.2,-0.84"), 0.6),
    "long": (trace("0.035,-0.9 0.045,-1.16 0.115,-1.34 0.175,-1.16 0.155,-0.9 0.09,-0.86"), 0.62),
    "dish": (trace("0.13,-0.86 0.1,-1 0.2,-1.1 0.33,-1.05 0.35,-0.93 0.25,-0.82"), 0.74),
}
#: How long each tail is drawn: path, then the brush's widths along it.
_TAILS = {
    "curl": ("0.16,-0.08 0.29,-0.13 0.385,-0.24 0.385,-0.36 0.31,-0.405 0.265,-0.345", (0.14, 0.16, 0.165, 0.15, 0.11)),
    "brush": ("0.14,-0.06 0.34,-0.05 0.47,-0.18 0.46,-0.36 0.4,-0.5 0.43,-0.62", (0.1, 0.18, 0.25, 0.27, 0.19, 0.03)),
    "wave": ("0.15,-0.05 0.34,-0.03 0.43,-0.13 0.39,-0.27 0.4,-0.4 0.47,-0.47", (0.1, 0.09, 0.085, 0.08, 0.07)),
    "thin": ("0.15,-0.03 0.34,0 0.46,-0.1 0.42,-0.24 0.5,-0.34", (0.035, 0.03, 0.015)),
}
_SUIT, _SUIT_SHADE = (238, 236, 232), (150, 154, 176)
_ROSE = (236, 150, 140)


@dataclass(frozen=True)
class _Fur:
    """An animal's own colours, and what covers its body."""

    species: Species
    own: Colour
    pale: Colour
    dark: Colour
    suited: bool

    def has(self, *marks: str) -> bool:
        """Return whether the species has any of the extra parts."""
        return not self.species.extras.isdisjoint(marks)

    @property
    def body(self) -> Colour:
        """The colour of trunk and legs."""
        return _SUIT if self.suited else self.own

    @property
    def paw(self) -> Colour:
        """The colour of the feet."""
        if self.suited:
            return _SUIT
        return self.dark if self.has("socks") else mix(self.own, self.pale, 0.75)


def paint(canvas: Canvas, brief: Brief, light: Light, stage: Stage, name: str) -> None:
    """Draw the animal on its stage; in space it gets a suit and a glass helmet."""
    kinds = SPECIES[name]
    species = kinds[canvas.pick(len(kinds))]
    if name == "dog" and brief.says("shiba"):
        species = kinds[canvas.pick(2)]
    # On a moon there is no air between: colours stay clear although the sky is dark.
    haze = 0.05 if brief.setting in {"space", "studio"} else None
    own, pale, dark = (light.lit(part, haze) for part in dressed(species, brief.coat))
    suited = brief.setting == "space" or brief.says("astronaut", "space", "helmet")
    fur = _Fur(species, own, pale, dark, suited)
    figure = Figure.on(canvas, stage)
    figure.ground(0.42, 0.065)
    _tail(figure, fur)
    _body(figure, fur)
    for side in (-1, 1):
        _leg(figure, fur, side)
    if suited:
        collar(figure)
    coat.face(figure, species, (own, pale, dark), _head(figure, fur))
    if suited:
        tall = species.ears in {"tall", "long"}
        helmet(figure, *((-0.80, 0.46, 0.44) if tall else (-0.765, 0.405, 0.385)), ring=True)


def _tail(figure: Figure, fur: _Fur) -> None:
    kind = fur.species.tail
    if kind not in _TAILS:
        figure.part(ellipse(0.27, -0.11, 0.085), fur.pale)
        return
    path, widths = _TAILS[kind]
    brush = stroke(trace(path), *widths)
    if kind == "curl":
        # The disc fills the eye of the curl, where the brush crosses its own track.
        part = figure.part([brush, ellipse(0.315, -0.32, 0.06)], fur.own)
        inner = stroke(trace("0.3,-0.2 0.345,-0.29 0.325,-0.355 0.28,-0.355"), 0.05, 0.085, 0.085, 0.06)
        figure.patch([inner, ellipse(0.305, -0.33, 0.035)], fur.pale, part, soft=0.011)
    elif kind == "brush":
        tip = smooth(trace("0.28,-0.41 0.37,-0.45 0.44,-0.42 0.56,-0.45 0.58,-0.7 0.28,-0.7"))
        figure.patch(tip, fur.pale, figure.part(brush, fur.own), soft=0.004)
    elif kind == "wave":
        part = figure.part(brush, fur.own, 0.033)
        if fur.has("tips", "stripes"):
            figure.patch(ellipse(0.47, -0.48, 0.085), fur.dark, part)
        if fur.has("mane"):
            figure.part(ellipse(0.475, -0.49, 0.07, 0.06), fur.dark)
    else:
        figure.part(brush, mix(fur.pale, _ROSE, 0.5), 0.016)


def _body(figure: Figure, fur: _Fur) -> None:
    for side in (-1, 1):
        figure.part(ellipse(side * 0.225, -0.045, 0.115, 0.055), fur.paw, 0.033)
    body = figure.part(smooth(mirrored(_BODY)), fur.body)
    if not fur.suited:
        figure.patch(smooth(mirrored(_BIB)), fur.pale, body, soft=0.012)
        if fur.has("stripes"):
            bars = [
                stroke([(side * 0.33, y - 0.02), (side * 0.22, y), (side * 0.15, y + 0.035)], 0.05, 0.035, 0.0)
                for side in (-1, 1)
                for y in (-0.40, -0.30, -0.20)
            ]
            figure.patch(bars, fur.dark, body, 0.8)
    shade = mix(fur.body, _SUIT_SHADE if fur.suited else fur.dark, 0.3)
    haunches = [smooth(sided("0.3,-0.03 0.31,-0.16 0.235,-0.25 0.185,-0.12", side)) for side in (-1, 1)]
    figure.patch(haunches, shade, body, 0.45, soft=0.02)


def _leg(figure: Figure, fur: _Fur, side: int) -> None:
    x = side * 0.09
    leg = figure.part(box(x - 0.062, -0.34, x + 0.062, -0.01, 0.06), fur.body, 0.038)
    # The top of the leg melts into the chest.
    figure.patch(
        ellipse(x, -0.34, 0.13, 0.10), fur.body if fur.suited else mix(fur.own, fur.pale, 0.85), leg, soft=0.03
    )
    if fur.suited:
        figure.patch(box(x - 0.1, -0.105, x + 0.1, -0.075), TRIM, leg)
    elif fur.has("socks"):
        figure.patch(box(x - 0.1, -0.15, x + 0.1, 0.02), fur.dark, leg, soft=0.02)
    figure.part(ellipse(x, -0.03, 0.077, 0.042), fur.paw, 0.028)
    toes = [stroke([(x + toe, -0.04), (x + toe, -0.008)], 0.007, 0.009) for toe in (-0.024, 0.024)]
    figure.fill(toes, _SUIT_SHADE if fur.suited else fur.dark, 0.5)


def _head(figure: Figure, fur: _Fur) -> Stencil:
    """Draw mane, ears and the bare head; return the head for the face to lie on."""
    if fur.has("mane"):
        ring = ellipse(0, -0.73, 0.34, 0.31)[::3]
        figure.part([ellipse(0, -0.73, 0.36, 0.33), *(ellipse(x, y, 0.085) for x, y in ring)], fur.dark)
    hanging = fur.species.ears == "floppy"
    if not hanging:
        _ears(figure, fur)
    shape = smooth(mirrored(_HEADS[fur.species.head]))
    figure.fill(moved(shape, 0.0, 0.028), figure.shade, 0.2, soft=0.012)
    head = figure.part(shape, fur.own, 0.072)
    if hanging:
        _ears(figure, fur)
    return head


def _ears(figure: Figure, fur: _Fur) -> None:
    points, inner = _EARS[fur.species.ears]
    dark = fur.has("patches") or fur.species.ears == "floppy"
    for side in (-1, 1):
        shape = smooth([(side * x, y) for x, y in points])
        part = figure.part(shape, fur.dark if dark else fur.own, 0.038)
        if fur.has("tips"):
            top = min(y for _, y in points)
            figure.patch(box(-0.5, top - 0.02, 0.5, top + 0.11), fur.dark, part, soft=0.012)
        if inner > 0 and not dark:
            middle = shape.mean(axis=0)
            hollow = moved((shape - middle) * inner + middle, 0.0, 0.025)
            figure.patch(hollow, mix(fur.pale, _ROSE, 0.38), part, 0.9, soft=0.008)
