"""Outlines as rows of points: curves through control points, ellipses, tapering strokes, and frames that place them.

Points are rounded to a fraction of a pixel far below what shows, so that machines with different sines draw alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
Points = Sequence[tuple[float, float]] | Outline

_DIGITS = 6
_TURN = np.arange(48) * (np.pi / 24)
_CIRCLE: Outline = np.round(np.stack([np.cos(_TURN), np.sin(_TURN)], axis=1), 12)


def trace(path: str) -> list[tuple[float, float]]:
    """Read points written as in SVG: `x,y` pairs set apart by spaces."""
    return [(float(x), float(y)) for x, _, y in (pair.partition(",") for pair in path.split())]


def sided(path: str, side: float) -> list[tuple[float, float]]:
    """Read points as `trace` does, mirrored when `side` is -1: for limbs that come in pairs."""
    return [(side * x, y) for x, y in trace(path)]


def smooth(points: Points, *, closed: bool = True, steps: int = 10) -> Outline:
    """Return the rounded curve that passes through all the points."""
    given = np.asarray(points, dtype=np.float64)
    if closed:
        before, here = np.roll(given, 1, axis=0), given
        after, later = np.roll(given, -1, axis=0), np.roll(given, -2, axis=0)
    else:
        padded = np.concatenate([given[:1], given, given[-1:]])
        before, here, after, later = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = (np.arange(steps) / steps)[None, :, None]
    p0, p1, p2, p3 = (corner[:, None, :] for corner in (before, here, after, later))
    curve = p1 + 0.5 * t * (p2 - p0 + t * (2 * p0 - 5 * p1 + 4 * p2 - p3 + t * (3 * (p1 - p2) + p3 - p0)))
    flat = curve.reshape(-1, 2)
    return np.round(flat if closed else np.concatenate([flat, given[-1:]]), _DIGITS)


def polygon(points: Points) -> Outline:
    """Return straight-sided points as an outline."""
    return np.asarray(points, dtype=np.float64)


def mirrored(points: Points) -> Outline:
    """Complete the right half of a symmetric outline, given from top to bottom, with its left half."""
    right = np.asarray(points, dtype=np.float64)
    inner = right[(right[:, 0] > 1e-9)][::-1]
    return np.concatenate([right, inner * (-1.0, 1.0)])


def ellipse(x: float, y: float, across: float, down: float | None = None, *, tilt: float = 0.0) -> Outline:
    """Return an ellipse of the given half axes; `tilt` in radians."""
    ring = _CIRCLE * (across, across if down is None else down)
    return np.round((turned(ring, tilt) if tilt else ring) + (x, y), _DIGITS)


def discs(x: Outline, y: Outline, radius: Outline, *, flat: float = 1.0) -> list[Outline]:
    """Return many small discs, squeezed vertically by `flat`, with as few corners as their size forgives."""
    corners = _CIRCLE[::6] * (1.0, flat)
    placed = corners[None, :, :] * radius[:, None, None] + np.stack([x, y], axis=1)[:, None, :]
    return list(np.round(placed, _DIGITS))


def box(left: float, top: float, right: float, bottom: float, corner: float = 0.0) -> Outline:
    """Return an upright rectangle, its corners cut by quarter circles of radius `corner`."""
    if corner <= 0:
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=np.float64)
    corner = min(corner, (right - left) / 2, (bottom - top) / 2)
    turn = np.linspace(0, np.pi / 2, 8)
    arc = np.stack([np.cos(turn), np.sin(turn)], axis=1) * corner
    near, far, high, low = left + corner, right - corner, top + corner, bottom - corner
    centres = ((far, low), (near, low), (near, high), (far, high))
    quarters = [moved(turned(arc, k * np.pi / 2), *centre) for k, centre in enumerate(centres)]
    return np.concatenate(quarters).round(_DIGITS)


def stroke(points: Points, *widths: float, steps: int = 10) -> Outline:
    """Return the outline of a brush drawn along the points; the widths are spread evenly from start to end."""
    path = smooth(points, closed=False, steps=steps)
    ahead = np.gradient(path, axis=0)
    length = np.sqrt((ahead * ahead).sum(axis=1, keepdims=True))
    normal = ahead[:, ::-1] * (-1.0, 1.0) / np.maximum(length, 1e-9)
    along = np.linspace(0, 1, len(path))
    half = np.interp(along, np.linspace(0, 1, len(widths)), widths)[:, None] / 2
    caps = []
    for end, sign in ((-1, 1.0), (0, -1.0)):
        angle = np.linspace(0, np.pi, 7)[1:-1, None]
        direction = ahead[end] / max(float(length[end, 0]), 1e-9) * sign
        caps.append(path[end] + half[end] * (normal[end] * sign * np.cos(angle) + direction * np.sin(angle)))
    return np.round(np.concatenate([path + normal * half, caps[0], (path - normal * half)[::-1], caps[1]]), _DIGITS)


def moved(points: Points, across: float, down: float) -> Outline:
    """Return points shifted by a distance."""
    given = np.asarray(points, dtype=np.float64)
    shifted: Outline = given + np.array((across, down))
    return shifted


def turned(points: Points, angle: float) -> Outline:
    """Return points turned about the origin by an angle in radians."""
    given = np.asarray(points, dtype=np.float64)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return np.stack([given[:, 0] * cos - given[:, 1] * sin, given[:, 0] * sin + given[:, 1] * cos], axis=1)


@dataclass(frozen=True)
class Frame:
    """Places a drawing made in its own units: the origin's pixel, the pixels of one unit, a lean, a flip."""

    x: float
    y: float
    size: float
    lean: float = 0.0
    flip: bool = False

    def __call__(self, points: Points) -> Outline:
        """Return the points in pixels."""
        placed = np.asarray(points, dtype=np.float64) * (-1.0 if self.flip else 1.0, 1.0)
        return np.round(turned(placed, self.lean) * self.size + (self.x, self.y), _DIGITS)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return one point in pixels."""
        placed = self([(x, y)])
        return float(placed[0, 0]), float(placed[0, 1])
