"""Abstract: polished stone or ink, layered like agate, with fine metal veins."""

import numpy as np
from PIL import Image

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, hexes, luma, mix
from adapters.kit.motif.light import Light
from adapters.kit.motif.noise import Field, fbm, mask_of, step, swing
from adapters.kit.motif.scheme import palette
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import NAMED

_GRID = 340
_GOLD = hexes("#8a5a1e #d9a441 #fbe6a8")
_METALS = frozenset({"gold", "golden", "bronze", "copper", "silver", "amber"})


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Fill the picture with stone; a metal among the colour words becomes its veins."""
    metals = [word for word in brief.colours if word in _METALS]
    colours = palette(canvas, brief)
    if metals and len(set(brief.colours)) > len(metals):
        # The metal is kept out of the stone, so that it shines as veins against the other colours.
        shining = {NAMED[word] for word in metals}
        colours = tuple(colour for colour in colours if colour not in shining)
    colours = tuple(sorted(colours, key=luma))
    long = max(canvas.width, canvas.height)
    width = max(16, round(min(_GRID, long) * canvas.width / long))
    height = max(16, round(min(_GRID, long) * canvas.height / long))
    bent, second = _strata(canvas, width, height)
    bands = canvas.between(1.3, 2.2)
    fold = np.abs((bent * np.float32(bands * 2)) % 2 - 1)
    tone = np.clip(fold * np.float32(0.7) + second * np.float32(0.42) - np.float32(0.08), 0, 1)
    canvas.spread(tone, colours)
    canvas.wash(step(0.5, 0.95, second), colours[0], 0.14)
    _veins(canvas, bent, second, bands, (NAMED[metals[0]] if metals else _GOLD[1]))
    canvas.glow(canvas.width * (0.5 + light.side * 0.7), -canvas.height * 0.1, long * 0.85, (255, 250, 240), 0.2)
    return Stage(x=canvas.width / 2, y=canvas.height * 0.9, height=canvas.unit * 0.5, side=light.side, shade=colours[0])


def _strata(canvas: Canvas, width: int, height: int) -> tuple[Field, Field]:
    """Return the stone's layers, bent and torn, and a second noise that varies them."""
    rng = canvas.rng
    across = np.linspace(0, width / min(width, height), width, dtype=np.float32)[None, :]
    down = np.linspace(0, height / min(width, height), height, dtype=np.float32)[:, None]
    slant = np.float32(canvas.between(0.5, 1.3) * (1 if canvas.chance(0.5) else -1))
    u, v = across * slant + down, down * slant - across
    for turn in range(1, 4):
        u = u + np.float32(0.17 / turn) * swing(v * np.float32(0.7 * turn) + np.float32(canvas.between(0, 1)))
        v = v + np.float32(0.17 / turn) * swing(u * np.float32(0.7 * turn) + np.float32(canvas.between(0, 1)))
    cells = 3.0 * max(1.0, width / height)
    torn = fbm(rng, width, height, cells=cells, octaves=5)
    second = fbm(rng, width, height, cells=cells * 1.6, octaves=5)
    bent: Field = (u * np.float32(0.8) + torn * np.float32(0.55) + second * np.float32(0.2)).astype(np.float32)
    return bent, second


def _veins(canvas: Canvas, bent: Field, second: Field, bands: float, metal: Colour) -> None:
    """Run metal along two of the layers' edges, swelling and thinning, brighter on its upper side."""
    size = (canvas.width, canvas.height)
    down, across = np.gradient(bent)
    steep = np.sqrt(down * down + across * across) + np.float32(1e-5)
    shine = fbm(canvas.rng, bent.shape[1], bent.shape[0], cells=26, octaves=3)
    dark, bright = mix(metal, _GOLD[0], 0.6), mix(metal, (255, 246, 214), 0.62)
    for offset, wide in ((0.0, 1.25), (0.37, 0.55)):
        distance = (
            np.abs((bent * np.float32(bands) + np.float32(offset) + np.float32(0.5)) % 1 - np.float32(0.5))
            / np.float32(bands)
            / steep
        )
        width = np.float32(wide) * np.clip(second * np.float32(2.6) - np.float32(0.55), 0, 2)
        # A vein's edge is cut after enlarging, at the picture's own scale.
        edge = mask_of(((width - distance) / 6 + np.float32(0.5)).astype(np.float32), size)
        sharp = 6 * size[0] / bent.shape[1] / 255
        vein = edge.point([min(max(round(255 * (value - 127.5) * sharp), 0), 255) for value in range(256)])
        shade = edge.point([min(max(round(128 * ((value - 127.5) * sharp + 1.2)), 0), 128) for value in range(256)])
        glitter = mask_of(step(0.3, 0.75, shine), size)
        body = Image.composite(Image.new("RGB", size, bright), Image.new("RGB", size, metal), glitter)
        canvas.image.paste(dark, (0, 0, *size), shade)
        canvas.image.paste(body, (0, 0), vein)
