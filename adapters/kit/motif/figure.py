"""Draws one figure in its own units: each part rounded by the stage's light, patches of colour within parts."""

from collections.abc import Sequence
from dataclasses import dataclass

from adapters.kit.motif.canvas import Canvas, Paint, Stencil
from adapters.kit.motif.colour import Colour, mix, shift
from adapters.kit.motif.outline import Frame, Outline, ellipse
from adapters.kit.motif.stage import Stage

_WARM_LIGHT = (255, 247, 230)


@dataclass(frozen=True)
class Figure:
    """A canvas seen through a frame; every length is in the frame's units, so a figure keeps its looks at any size."""

    canvas: Canvas
    frame: Frame
    #: The colour of shadows where the figure stands.
    shade: Colour
    #: Where the light comes from: -1 is left, 1 is right.
    side: float = -0.6
    #: How much the lit edges shine: fur is dull, glaze and metal are not.
    gloss: float = 0.45

    @classmethod
    def on(cls, canvas: Canvas, stage: Stage, *, scale: float = 1.0, gloss: float = 0.45) -> "Figure":
        """Stand a figure on a stage, its origin between the feet, one unit as tall as the stage allows."""
        frame = Frame(stage.x, stage.y, stage.height * scale, flip=stage.side > 0)
        return cls(canvas, frame, stage.shade, side=stage.side, gloss=gloss)

    @classmethod
    def close(cls, canvas: Canvas, stage: Stage, *, gloss: float = 0.45) -> "Figure":
        """Bring a figure close up, its origin in the middle of the face, one unit as tall as the head."""
        unit = canvas.unit
        frame = Frame(canvas.width * 0.5, canvas.height * 0.44 + unit * 0.02, unit * 0.44, flip=stage.side > 0)
        return cls(canvas, frame, stage.shade, side=stage.side, gloss=gloss)

    @property
    def size(self) -> float:
        """The pixels of one unit."""
        return self.frame.size

    def stencil(self, *shapes: Outline, cut: Sequence[Outline] = (), soft: float = 0.0) -> Stencil:
        """Return what the shapes cover, less the cuts, its edge blurred by `soft`."""
        drawn = self.canvas.stencil(*(self.frame(shape) for shape in shapes), cut=[self.frame(shape) for shape in cut])
        return drawn.soft(soft * self.size) if soft > 0 else drawn

    def paint(self, shape: Stencil, fill: Paint, opacity: float = 1.0, *, across: bool = False) -> None:
        """Lay a colour or gradient over a stencil."""
        self.canvas.paint(shape, fill, opacity, across=across)

    def fill(
        self, shapes: Outline | Sequence[Outline], fill: Paint, opacity: float = 1.0, *, soft: float = 0.0
    ) -> None:
        """Draw one shape, or many as one, without shading."""
        many = shapes if isinstance(shapes, Sequence) else [shapes]
        self.canvas.fill([self.frame(shape) for shape in many], fill, opacity, soft=soft * self.size)

    def model(
        self,
        shape: Stencil,
        light: Colour,
        dark: Colour,
        *,
        depth: float,
        side: float | None = None,
        strength: float = 0.55,
    ) -> None:
        """Round a shape: see `Canvas.model`; the depth is in units."""
        lit_from = self.side if side is None else side
        self.canvas.model(shape, light, dark, depth=depth * self.size, side=lit_from, strength=strength)

    def part(self, shapes: Outline | Sequence[Outline], colour: Colour, depth: float = 0.055) -> Stencil:
        """Draw a part of one colour and round it; return it, for patches that lie on it."""
        drawn = self.stencil(*(shapes if isinstance(shapes, Sequence) else [shapes]))
        self.paint(drawn, colour)
        shadow = mix(shift(colour, light=-0.19), self.shade, 0.36)
        self.model(drawn, mix(colour, _WARM_LIGHT, self.gloss), shadow, depth=depth, strength=0.58)
        return drawn

    def patch(
        self,
        shapes: Outline | Sequence[Outline],
        colour: Paint,
        within: Stencil,
        opacity: float = 1.0,
        *,
        soft: float = 0.0,
    ) -> None:
        """Colour a piece of a part that is already there."""
        drawn = self.stencil(*(shapes if isinstance(shapes, Sequence) else [shapes]), soft=soft)
        self.paint(drawn & within, colour, opacity)

    def glow(self, point: tuple[float, float], radius: float, colour: Colour, strength: float) -> None:
        """Add light around a point."""
        self.canvas.glow(*self.frame.at(*point), radius * self.size, colour, strength)

    def ground(self, across: float, down: float, *, opacity: float = 0.55, soft: float = 0.025, y: float = 0.0) -> None:
        """Lay the figure's shadow on the ground, drawn out away from the light."""
        lean = abs(self.side) * across * 0.25 * (1 if self.frame.flip == (self.side > 0) else -1)
        self.fill(ellipse(lean, y, across, down), shift(self.shade, light=-0.08), opacity, soft=soft)
