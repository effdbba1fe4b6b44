"""The surface the motifs draw on: anti-aliased shapes, soft light inside them, glows, and batches of small marks.

Shapes are drawn several times too large into a mask of their own bounds and reduced, so that a picture costs what its
shapes cover. Coordinates are pixels, y points down.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from adapters.kit.motif.colour import Colour, ramp
from adapters.kit.motif.noise import Field, Profile, mask_of
from adapters.kit.motif.outline import Outline
from adapters.kit.motif.pen import Pen

Paint = Colour | Sequence[Colour]

_SMALL_SHAPE = 220
_GLOW_GRID = 96


@dataclass(frozen=True)
class Stencil:
    """How much of each pixel a shape covers, and where the mask's upper left corner lies on the canvas."""

    mask: Image.Image
    left: int
    top: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        """The mask's place on the canvas, as Pillow writes boxes."""
        return self.left, self.top, self.left + self.mask.width, self.top + self.mask.height

    def __and__(self, other: "Stencil") -> "Stencil":
        """Return what both shapes cover, in the bounds of the first."""
        return Stencil(ImageChops.multiply(self.mask, other.grown(self).mask), self.left, self.top)

    def __sub__(self, other: "Stencil") -> "Stencil":
        """Return what the first shape covers and the second does not."""
        return Stencil(ImageChops.subtract(self.mask, other.grown(self).mask), self.left, self.top)

    def grown(self, other: "Stencil") -> "Stencil":
        """Return the same shape in the bounds of another."""
        left, top = other.left - self.left, other.top - self.top
        cut = self.mask.crop((left, top, left + other.mask.width, top + other.mask.height))
        return Stencil(cut, other.left, other.top)

    def moved(self, across: float, down: float) -> "Stencil":
        """Return the same shape somewhere else."""
        return Stencil(self.mask, self.left + round(across), self.top + round(down))

    def soft(self, radius: float) -> "Stencil":
        """Return the shape with a blurred edge; it grows by the blur."""
        margin = int(radius * 2) + 1
        padded = Image.new("L", (self.mask.width + 2 * margin, self.mask.height + 2 * margin))
        padded.paste(self.mask, (margin, margin))
        return Stencil(blurred(padded, radius), self.left - margin, self.top - margin)


class Canvas:
    """A picture in the making, with the source of chance that decides its details."""

    def __init__(self, width: int, height: int, rng: np.random.Generator) -> None:
        """Start with a black picture."""
        self.width, self.height, self.rng = width, height, rng
        self.image = Image.new("RGB", (width, height))

    @property
    def unit(self) -> float:
        """The shorter side in pixels: lengths that should follow the picture's size are fractions of it."""
        return float(min(self.width, self.height))

    def between(self, low: float, high: float) -> float:
        """Return a chance value in a range."""
        return low + (high - low) * float(self.rng.random())

    def many(self, count: float) -> int:
        """Return how many of a small thing to draw: fewer where each would be less than a pixel."""
        return max(1, round(count * min(1.0, 0.15 + self.unit / 420)))

    def chance(self, share: float) -> bool:
        """Return True in this share of the cases."""
        return float(self.rng.random()) < share

    def pick(self, count: int) -> int:
        """Return a chance whole number below `count`."""
        return int(self.rng.integers(count))

    def stencil(self, *shapes: Outline, cut: Sequence[Outline] = ()) -> Stencil:
        """Return what the shapes cover together, less what the cuts cover, within the canvas and a margin."""
        margin = int(self.unit * 0.1) + 2
        lows = np.min([shape.min(axis=0) for shape in shapes], axis=0)
        highs = np.max([shape.max(axis=0) for shape in shapes], axis=0)
        left, top = max(int(lows[0]) - 1, -margin), max(int(lows[1]) - 1, -margin)
        right, bottom = min(int(highs[0]) + 2, self.width + margin), min(int(highs[1]) + 2, self.height + margin)
        if right <= left or bottom <= top:
            return Stencil(Image.new("L", (1, 1)), left, top)
        finer = 4 if max(right - left, bottom - top) < _SMALL_SHAPE else 3
        mask = Image.new("L", ((right - left) * finer, (bottom - top) * finer))
        pen = ImageDraw.Draw(mask)
        origin = np.array([left, top])
        for group, value in ((shapes, 255), (cut, 0)):
            for shape in group:
                pen.polygon(((shape - origin) * finer).ravel().tolist(), fill=value)
        return Stencil(mask.reduce(finer), left, top)

    def paint(self, shape: Stencil, fill: Paint, opacity: float = 1.0, *, across: bool = False) -> None:
        """Lay a colour, or a gradient downwards (or `across`), over the picture where the stencil covers it."""
        mask = shape.mask if opacity >= 1 else _scaled(shape.mask, opacity)
        if _is_even(fill):
            # Pillow pastes an even image faster than it fills with a colour.
            self.image.paste(Image.new("RGB", mask.size, fill), shape.box, mask)
        elif _is_gradient(fill):
            line = ramp(fill, mask.width)[None, :] if across else ramp(fill, mask.height)[:, None]
            self.image.paste(Image.fromarray(line).resize(mask.size, Image.Resampling.NEAREST), shape.box, mask)

    def fill(self, shapes: Outline | Sequence[Outline], fill: Paint, opacity: float = 1.0, *, soft: float = 0) -> None:
        """Draw one shape, or many as one, in a colour or a downward gradient."""
        drawn = self.stencil(shapes) if isinstance(shapes, np.ndarray) else self.stencil(*shapes)
        self.paint(drawn.soft(soft) if soft > 0.4 else drawn, fill, opacity)

    def model(
        self,
        shape: Stencil,
        light: Colour,
        dark: Colour,
        *,
        depth: float,
        side: float = -0.6,
        strength: float = 0.55,
    ) -> None:
        """Round a flat shape: shade inside the edge away from the light, a gleam inside the edge towards it.

        `depth` is in pixels, `side` says where the light comes from: -1 is left, 1 is right, always from above.
        """
        depth = max(depth, 0.6)
        hazy = shape.soft(depth)
        margin = shape.left - hazy.left
        across, down = round(-side * depth), round(0.8 * depth)
        for sign, colour, opacity in ((1, dark, strength), (-1, light, strength * 0.6)):
            left, top = margin + sign * across, margin + sign * down
            moved = hazy.mask.crop((left, top, left + shape.mask.width, top + shape.mask.height))
            inside = ImageChops.multiply(ImageChops.invert(moved), shape.mask)
            self.paint(Stencil(inside, shape.left, shape.top), colour, opacity)

    def glow(self, x: float, y: float, radius: float, colour: Colour, strength: float, *, flat: float = 1.0) -> None:
        """Add light that fades away from a point; `flat` below 1 squeezes it vertically."""
        line = np.linspace(-1, 1, _GLOW_GRID, dtype=np.float32)
        fade = np.clip(1 - line[None, :] * line[None, :] - line[:, None] * line[:, None], 0, 1)
        size = (max(2, round(2 * radius)), max(2, round(2 * radius * flat)))
        left, top = round(x - size[0] / 2), round(y - size[1] / 2)
        right, bottom = min(left + size[0], self.width), min(top + size[1], self.height)
        seen = (max(left, 0), max(top, 0), right, bottom)
        if seen[2] <= seen[0] or seen[3] <= seen[1]:
            return
        # Only the part in sight is enlarged: a glow may be far larger than the picture.
        small = mask_of(fade * fade * fade, (_GLOW_GRID, _GLOW_GRID), strength)
        across, down = _GLOW_GRID / size[0], _GLOW_GRID / size[1]
        part = ((seen[0] - left) * across, (seen[1] - top) * down, (seen[2] - left) * across, (seen[3] - top) * down)
        mask = small.resize((seen[2] - seen[0], seen[3] - seen[1]), Image.Resampling.BICUBIC, box=part)
        under = self.image.crop(seen)
        light = Image.merge("RGB", [_scaled(mask, value / 255) for value in colour])
        self.image.paste(ImageChops.screen(under, light), seen)

    def wash(self, field: Field, fill: Paint, strength: float = 1.0) -> None:
        """Lay a colour or downward gradient over the whole picture through a field from 0 to 1 of any size."""
        self.paint(Stencil(mask_of(field, (self.width, self.height), strength), 0, 0), fill)

    def spread(self, field: Field, colours: Sequence[Colour]) -> None:
        """Fill the picture with a field from 0 to 1 of any size, read as places on a ramp of colours."""
        toned = mask_of(field, (self.width, self.height))
        toned.putpalette(ramp(colours, 256).tobytes())
        self.image = toned.convert("RGB")

    def land(self, line: Profile) -> Stencil:
        """Return everything below a line of heights, one for each column, with an exact soft edge."""
        top = max(0, min(int(line.min()) - 1, self.height - 1))
        rows = np.arange(top, self.height, dtype=np.float32)[:, None]
        cover = np.clip(rows + np.float32(0.5) - line.astype(np.float32)[None, :], 0, 1)
        return Stencil(Image.fromarray((cover * np.float32(255)).astype(np.uint8)), 0, top)

    @contextmanager
    def fine(self, finer: int = 2, box: tuple[int, int, int, int] | None = None) -> Iterator[Pen]:
        """Lend a pen for many small opaque marks; the picture is enlarged under it and reduced afterwards."""
        left, top, right, bottom = box or (0, 0, self.width, self.height)
        seen = (max(left, 0), max(top, 0), min(right, self.width), min(bottom, self.height))
        if seen[2] <= seen[0] or seen[3] <= seen[1]:
            yield Pen(Image.new("RGB", (1, 1)), 0, 0, finer)
            return
        under = self.image.crop(seen)
        size = (under.width * finer, under.height * finer)
        large = under.resize(size, Image.Resampling.NEAREST)
        yield Pen(large, seen[0], seen[1], finer)
        self.image.paste(large.reduce(finer), seen[:2])


def _is_even(fill: Paint) -> TypeGuard[Colour]:
    return isinstance(fill[0], int)


def _is_gradient(fill: Paint) -> TypeGuard[Sequence[Colour]]:
    return not isinstance(fill[0], int)


def _scaled(mask: Image.Image, factor: float) -> Image.Image:
    return ImageChops.multiply(mask, Image.new("L", mask.size, round(factor * 255)))


def blurred(mask: Image.Image, radius: float) -> Image.Image:
    """Return a blurred picture or mask, worked out at the coarsest scale that still looks smooth."""
    coarser = max(1, int(radius / 3))
    if coarser == 1:
        return mask.filter(ImageFilter.GaussianBlur(radius))
    small = mask.reduce(coarser).filter(ImageFilter.GaussianBlur(radius / coarser))
    covered = (0, 0, mask.width / coarser, mask.height / coarser)
    return small.resize(mask.size, Image.Resampling.BICUBIC, box=covered)
