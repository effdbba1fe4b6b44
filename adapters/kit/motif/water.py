"""Water: what stands above it mirrored in ripples, and waves seen towards the horizon."""

import numpy as np
from PIL import Image, ImageFilter

from adapters.kit.motif.canvas import Canvas, Paint, Stencil
from adapters.kit.motif.colour import Colour
from adapters.kit.motif.noise import Field, fbm, mask_of, profile, step
from adapters.kit.motif.outline import box, discs

_WAVE_GRID = 256
_THIN = 0.03


def mirror(canvas: Canvas, top: int, *, tint: Paint, tinted: float, ripple: float, smear: float = 0.0) -> None:
    """Fill the picture below `top` with the reflection of what is above it, rippled more towards the viewer."""
    width, depth = canvas.width, canvas.height - top
    if depth < 2 or top < 2:
        return
    reach = min(top, max(2, round(depth * 1.15)))
    above = canvas.image.crop((0, top - reach, width, top)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if smear > 0:
        # Wet stone blurs what it mirrors downwards only.
        above = above.resize((width, max(2, round(reach * (1 - smear) * 0.12))), Image.Resampling.BOX)
    glass = above.resize((width, depth), Image.Resampling.BICUBIC)
    if ripple > 0:
        waves = profile(canvas.rng, depth, cells=max(4.0, 46 * depth / canvas.unit), octaves=3) - 0.5
        grown = np.linspace(0.15, 1, depth)
        moved = np.round(waves * grown * ripple * 2).astype(np.int64)
        columns = np.clip(np.arange(width)[None, :] + moved[:, None], 0, width - 1)
        packed = np.asarray(glass.convert("RGBX")).view(np.uint32)[:, :, 0]
        rippled = np.take_along_axis(packed, columns, axis=1)
        bands = np.ascontiguousarray(rippled).view(np.uint8).reshape(depth, width, 4)
        glass = Image.frombuffer("RGBX", (width, depth), bands.tobytes(), "raw", "RGBX", 0, 1).convert("RGB")
    canvas.image.paste(glass.filter(ImageFilter.BoxBlur(max(canvas.unit * 0.0012, 0.4))), (0, top))
    canvas.paint(canvas.stencil(box(0, top, width, canvas.height)), tint, tinted)


def glints(canvas: Canvas, top: float, colour: Colour, *, count: int, strength: float, x: float | None = None) -> None:
    """Lay thin level streaks of light on the water, longer towards the viewer; around `x` if it is given."""
    depth = canvas.height - top
    down, across, long = canvas.rng.random((3, count))
    y = top + depth * (0.03 + 0.97 * down * down)
    spread = canvas.width * (0.035 + 0.16 * down)
    centre = x + (across - 0.5) * 2 * spread if x is not None else across * canvas.width
    length = canvas.unit * (0.012 + 0.07 * long) * (0.35 + down)
    streaks = discs(centre, y / _THIN, length, flat=1.0)
    streaks = [streak * (1.0, _THIN) for streak in streaks]
    canvas.fill(streaks, colour, strength)


def swell(canvas: Canvas, top: int, colours: tuple[Colour, ...]) -> Field:
    """Paint an open sea below the horizon; return how much each point of its grid faces the light."""
    sea = canvas.stencil(box(0, top, canvas.width, canvas.height))
    canvas.paint(sea, colours)
    depth = canvas.height - top
    width = min(canvas.width, 512)
    height = max(4, round(depth * width / canvas.width))
    texture = fbm(canvas.rng, _WAVE_GRID, _WAVE_GRID, cells=22, octaves=3)
    # Each row looks further out than the one below it, so waves crowd towards the horizon.
    near = np.linspace(0.0, 1.0, height, dtype=np.float32) + np.float32(0.045)
    far = 1 / near
    across = (np.arange(width, dtype=np.float32) / width - np.float32(0.5))[None, :] * far[:, None]
    column = (across * np.float32(44) + np.float32(20000)).astype(np.int64) % _WAVE_GRID
    row = np.broadcast_to(((far * np.float32(64)).astype(np.int64) % _WAVE_GRID)[:, None], column.shape)
    finer = texture[row * 3 % _WAVE_GRID, column * 3 % _WAVE_GRID]
    facing: Field = texture[row, column] * np.float32(0.62) + finer * np.float32(0.38)
    bright, dark = step(0.52, 0.74, facing), step(0.48, 0.28, facing)
    fade = (np.clip(near * np.float32(3.2), 0.25, 1) * (1 - np.float32(0.55) * near))[:, None]
    size = (canvas.width, depth)
    canvas.paint(Stencil(mask_of(dark * fade, size, 0.4), 0, top), colours[-1])
    canvas.paint(Stencil(mask_of(bright * fade, size, 0.42), 0, top), colours[0])
    return facing


def glitter(canvas: Canvas, top: int, facing: Field, x: float, colour: Colour) -> None:
    """Set the waves under a low sun or moon sparkling in a path that widens towards the viewer."""
    height, width = facing.shape
    across = np.abs(np.linspace(0, canvas.width, width, dtype=np.float32) - np.float32(x))[None, :]
    spread = np.linspace(0.05, 0.26, height, dtype=np.float32)[:, None] * np.float32(canvas.width)
    path = np.clip(1 - across / spread, 0, 1)
    fade = np.linspace(1.0, 0.45, height, dtype=np.float32)[:, None]
    sparks = step(0.4, 0.75, facing + path * np.float32(0.2)) * path * fade
    canvas.paint(Stencil(mask_of(sparks, (canvas.width, canvas.height - top), 0.95), 0, top), colour)
