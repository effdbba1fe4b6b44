"""Abstract: folds of silk-like colour, made by bending noise with noise and lighting the slopes."""

import numpy as np

from adapters.kit.motif.brief import Brief
from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.noise import Field, swing
from adapters.kit.motif.scheme import palette
from adapters.kit.motif.stage import Stage

_GRID = 440


def paint(canvas: Canvas, brief: Brief, light: Light) -> Stage:
    """Fill the picture with flowing colour; gold in the palette runs along the crests."""
    colours = palette(canvas, brief)
    long = max(canvas.width, canvas.height)
    width = max(16, round(min(_GRID, long) * canvas.width / long))
    height = max(16, round(min(_GRID, long) * canvas.height / long))
    height_map, tone = _folds(canvas, width, height)
    canvas.spread(tone, colours)
    slope = _relief(height_map, light.side)
    canvas.wash(np.clip(-slope, 0, 1), shift(colours[0], light=-0.06), 0.62)
    canvas.wash(np.clip(slope, 0, 1), shift(colours[-1], light=0.04), 0.5)
    _crests(canvas, height_map, colours)
    canvas.glow(canvas.width * (0.5 + light.side * 0.6), 0, long * 0.8, colours[-1], 0.18)
    return Stage(x=canvas.width / 2, y=canvas.height * 0.9, height=canvas.unit * 0.5, side=light.side, shade=colours[0])


def _folds(canvas: Canvas, width: int, height: int) -> tuple[Field, Field]:
    """Return heights and tones: a plane whose two axes push each other about, ever finer, like oil on water."""
    unit = float(min(width, height))
    across = (np.arange(width, dtype=np.float32)[None, :] - np.float32(width / 2)) / np.float32(unit)
    down = (np.arange(height, dtype=np.float32)[:, None] - np.float32(height / 2)) / np.float32(unit)
    lean, zoom = canvas.between(-0.9, 0.9), canvas.between(0.5, 0.85)
    u = (across + down * np.float32(lean)) * np.float32(zoom)
    v = (down - across * np.float32(lean)) * np.float32(zoom)
    push = canvas.between(0.2, 0.31)
    for turn in range(1, 5):
        u = u + np.float32(push / turn) * swing(v * np.float32(turn * 0.8) + np.float32(canvas.between(0, 1)))
        v = v + np.float32(push / turn) * swing(u * np.float32(turn * 0.8) + np.float32(canvas.between(0, 1)))
    folds = np.float32(canvas.between(0.75, 1.3))
    height_map = 0.5 + np.float32(0.5) * swing(u * folds + np.float32(0.12) * swing(v * 2))
    tone = height_map * np.float32(0.6) + (
        0.5 + np.float32(0.5) * swing(v * np.float32(0.6) + u * np.float32(0.4))
    ) * np.float32(0.4)
    tone = (tone - tone.min()) / max(float(tone.max() - tone.min()), 1e-6)
    return height_map.astype(np.float32), tone.astype(np.float32)


def _relief(height_map: Field, side: float) -> Field:
    """Return how much each slope faces the light, from -1 to 1."""
    down, across = np.gradient(height_map)
    scale = np.float32(min(height_map.shape) / 7)
    slope = (across * np.float32(-side * 1.6) + down * np.float32(1.0)) * scale
    eased: Field = (slope / (1 + np.abs(slope))).astype(np.float32)
    return eased


def _crests(canvas: Canvas, height_map: Field, colours: tuple[Colour, ...]) -> None:
    """Let a thin light run where the folds turn."""
    ridge = np.clip((height_map - np.float32(0.95)) * np.float32(20), 0, 1)
    canvas.wash(ridge * ridge, colours[-2], 0.5)
