"""Half-length portraits: a stylised head and shoulders whose age, dress and hat follow the prompt or the seed."""

from adapters.kit.motif import countenance, hair
from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import hexes, mix
from adapters.kit.motif.dress import dress
from adapters.kit.motif.figure import Figure
from adapters.kit.motif.hat import hat
from adapters.kit.motif.light import Light
from adapters.kit.motif.outline import ellipse, smooth, stroke, trace
from adapters.kit.motif.sitter import Sitter
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import NAMED

_SKINS = hexes("#f3cdb0 #e7b592 #d59a70 #b27650 #8a5838 #633c2a #f6d6c0")
_HAIRS = hexes("#2a211f #4a2f22 #7a4a2a #b5733a #d8b06a #8c3b2a #1c1c26")
_GREYS = hexes("#d9d6d0 #b9b7b5 #eeeae2")
_CLOTHES = hexes("#2f4a6b #7a2f3a #2f6b5f #c58a3a #5a4a78 #3a3a44 #b5543f #d8c8b0")

_WOMEN = ("woman", "girl", "lady", "queen", "princess", "witch", "grandmother", "model")
_MEN = ("man", "boy", "gentleman", "king", "prince", "wizard", "grandfather")
_SEAFARERS = ("sailor", "captain", "fisherman", "pirate")
#: The hat that goes with an office; the first word that is in the prompt counts.
_HATS = {
    **dict.fromkeys(("captain", "sailor"), "captain"),
    **dict.fromkeys(("king", "queen", "prince", "princess"), "crown"),
    **dict.fromkeys(("wizard", "witch"), "pointed"),
    "fisherman": "beanie",
    "farmer": "straw",
    "poet": "beret",
}


def paint(canvas: Canvas, brief: Brief, light: Light, stage: Stage, _name: str = "person") -> None:
    """Draw the sitter in the middle of the picture, close up."""
    figure = Figure.close(canvas, stage)
    sitter = _sitter(canvas, brief, light)
    hair.behind(figure, sitter)
    dress(figure, sitter)
    countenance.face(figure, sitter)
    hair.front(figure, sitter)
    hat(figure, sitter.hat, sitter.accent)
    if sitter.pipe:
        _pipe(figure)


def _sitter(canvas: Canvas, brief: Brief, light: Light) -> Sitter:
    feminine = brief.says(*_WOMEN) or (not brief.says(*_MEN, *_SEAFARERS) and canvas.chance(0.5))
    old = brief.says("old", "elderly", "aged", "ancient", "grandmother", "grandfather", "wizard")
    seafarer = brief.says(*_SEAFARERS)
    skin = light.lit(_SKINS[canvas.pick(len(_SKINS))], 0.05)
    if seafarer and old:
        skin = mix(light.lit(_SKINS[canvas.pick(4)], 0.04), (196, 110, 78), 0.22)
    tone = _GREYS[canvas.pick(len(_GREYS))] if old else _HAIRS[canvas.pick(len(_HAIRS))]
    covered = next((_HATS[word] for word in _HATS if brief.says(word)), "")
    covered = covered or ("", "", "", "", "beret", "beanie")[canvas.pick(6)]
    cut = (
        ("long", "bob", "bun", "curls", "long")[canvas.pick(5)]
        if feminine
        else ("short", "curls", "short", "side")[canvas.pick(4)]
    )
    beard = "" if feminine else ("full" if old else ("", "", "short", "full", "moustache")[canvas.pick(5)])
    cloth = NAMED.get(brief.coat) or _CLOTHES[canvas.pick(len(_CLOTHES))]
    return Sitter(
        skin=skin,
        hair=light.lit(tone, 0.06),
        cloth=light.lit((38, 56, 92) if seafarer and not brief.coat else cloth, 0.06),
        accent=_CLOTHES[canvas.pick(len(_CLOTHES))],
        cut=("bob" if feminine else "short") if covered not in {"", "crown"} and cut in {"bun", "curls"} else cut,
        hat=covered,
        beard="" if brief.says("boy", "child") else beard,
        old=old,
        feminine=feminine,
        glasses=canvas.chance(0.18) and not seafarer,
        seafarer=seafarer,
        pipe=seafarer and old,
        eyes=hexes("#3a2a24 #4a6a74 #5a7048 #2c2c34")[canvas.pick(4)],
    )


def _pipe(figure: Figure) -> None:
    stem = stroke([(0.10, 0.285), (0.24, 0.335), (0.36, 0.37)], 0.026, 0.03, 0.045)
    figure.fill(stem, (52, 34, 28))
    bowl = figure.stencil(smooth(trace("0.33,0.22 0.47,0.22 0.465,0.36 0.42,0.43 0.35,0.4")))
    figure.paint(bowl, (110, 62, 36))
    figure.model(bowl, (190, 120, 74), (54, 28, 18), depth=0.03)
    figure.fill(ellipse(0.40, 0.222, 0.068, 0.018), (44, 26, 20))
    smoke = trace("0.4,0.19 0.46,0.02 0.38,-0.16 0.52,-0.36 0.46,-0.58 0.6,-0.8")
    figure.fill(stroke(smoke, 0.02, 0.06, 0.09, 0.12, 0.02), (240, 238, 236), 0.34, soft=0.03)
