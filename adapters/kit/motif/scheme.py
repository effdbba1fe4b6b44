"""Palettes for pictures that are nothing but colour: curated rows, or a row made from colour words."""

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, shift
from adapters.kit.motif.tint import scheme

_CURATED = (
    "#0d1b2a #1b3a4b #2f6f73 #d9b26f #f4ecd8",
    "#1f1235 #4b1d6b #a3346f #f27059 #ffd7a8",
    "#12263a #25577a #5fa8b8 #f4b183 #fbe8d3",
    "#16302b #2f6150 #7fa878 #e3c567 #f7f0dc",
    "#2b1720 #6b2737 #c8553d #f28f3b #ffe0b0",
    "#10182f #3a3f8f #7f6fd0 #e69ac0 #fdebe6",
    "#22223b #4a4e69 #9a8c98 #c9ada7 #f2e9e4",
    "#0b2027 #40798c #70a9a1 #cfd7c7 #f6f1d1",
    "#301a4b #6b3fa0 #3ab0b8 #9be3c0 #fff6d9",
    "#2e1f27 #854d27 #dd7230 #f4c95d #e7e393",
)


def palette(canvas: Canvas, brief: Brief) -> tuple[Colour, ...]:
    """Return five or more colours from dark to light."""
    if brief.colours:
        return scheme(brief.colours)
    row = hexes(_CURATED[canvas.pick(len(_CURATED))])
    turn = canvas.between(-10, 10)
    return tuple(shift(colour, hue=turn) for colour in row)
