"""Where a setting leaves room for a subject, and what the setting still wants to draw in front of it."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.kit.motif.canvas import Canvas
from adapters.kit.motif.colour import Colour


@dataclass(frozen=True)
class Stage:
    """A place to stand: the point between the feet and the height that looks right there, in pixels."""

    x: float
    y: float
    height: float
    #: Where the light comes from: -1 is left, 1 is right.
    side: float
    #: The colour of shadows here.
    shade: Colour
    #: Draws what stands before the subject: grass, spray, mist.
    front: Callable[[Canvas], None] | None = None
