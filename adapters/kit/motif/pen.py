"""The pen for many small opaque marks: see `Canvas.fine`."""

from PIL import Image, ImageDraw

from adapters.kit.motif.colour import Colour
from adapters.kit.motif.outline import Outline


class Pen:
    """Draws opaque shapes on an enlarged copy of the picture, in the picture's own coordinates."""

    def __init__(self, image: Image.Image, left: int, top: int, finer: int) -> None:
        """Bind the pen to the enlarged piece whose upper left corner lies at `left`, `top`."""
        self._draw = ImageDraw.Draw(image)
        self._left, self._top, self._finer = left, top, finer

    def shape(self, outline: Outline, colour: Colour) -> None:
        """Fill an outline."""
        self._draw.polygon(((outline - (self._left, self._top)) * self._finer).ravel().tolist(), fill=colour)

    def dot(self, x: float, y: float, radius: float, colour: Colour, *, flat: float = 1.0) -> None:
        """Fill a disc, squeezed vertically by `flat`."""
        x, y, radius = (x - self._left) * self._finer, (y - self._top) * self._finer, radius * self._finer
        self._draw.ellipse((x - radius, y - radius * flat, x + radius, y + radius * flat), fill=colour)

    def bar(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill an upright rectangle."""
        k = self._finer
        left, right = (left - self._left) * k, (right - self._left) * k - 1
        top, bottom = (top - self._top) * k, (bottom - self._top) * k - 1
        if right >= left and bottom >= top:
            self._draw.rectangle((left, top, right, bottom), fill=colour)

    def line(self, points: Outline, width: float, colour: Colour) -> None:
        """Draw an open line."""
        moved = ((points - (self._left, self._top)) * self._finer).ravel().tolist()
        self._draw.line(moved, fill=colour, width=max(1, round(width * self._finer)), joint="curve")
