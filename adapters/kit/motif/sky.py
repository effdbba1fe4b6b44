"""Skies: a gradient with a sun or moon, stars, and clouds lit from where it stands."""

import numpy as np
from PIL import Image

from adapters.kit.motif.canvas import Canvas, Stencil
from adapters.kit.motif.colour import Colour, mix, ramp, shift
from adapters.kit.motif.light import Light
from adapters.kit.motif.noise import Field, enlarged, fbm, mask_of, step
from adapters.kit.motif.outline import discs, ellipse

_CLOUD_GRID = 280


def sky(canvas: Canvas, light: Light, horizon: float, *, cloud: float = 0.5, sun: bool = True) -> tuple[float, float]:
    """Paint the sky down to the horizon (in pixels from the top) and below; return where the sun or moon stands."""
    backdrop(canvas, light.sky, horizon)
    unit = canvas.unit
    x = canvas.width * (0.5 + light.side * canvas.between(0.25, 0.6))
    rise = {"day": 0.75, "night": 0.68, "fog": 0.5, "storm": 0.6}.get(light.mood, canvas.between(0.06, 0.3))
    y = horizon * (1 - rise)
    if light.mood == "night":
        stars(canvas, int(90 * canvas.width / unit), horizon * 0.9)
    reach = max(canvas.width, canvas.height)
    canvas.glow(x, y, reach * 0.62, light.sun, 0.3 if light.dark else 0.5)
    if sun and light.mood == "night":
        moon(canvas, light, x, y, unit * canvas.between(0.05, 0.085))
    elif sun and light.mood != "storm":
        radius = unit * (canvas.between(0.035, 0.05) if light.mood == "day" else canvas.between(0.06, 0.1))
        canvas.glow(x, y, radius * 5, light.sun, 0.55)
        canvas.fill(ellipse(x, y, radius), light.sun, 0.55 if light.mood == "fog" else 0.96, soft=radius * 0.03)
    if cloud > 0:
        clouds(canvas, light, horizon, cloud, (x, y))
    return x, y


def backdrop(canvas: Canvas, colours: tuple[Colour, ...], horizon: float) -> None:
    """Fill the picture with a gradient that reaches its last colour at the horizon."""
    reach = min(max(round(horizon), 2), canvas.height)
    column = ramp(colours, max(round(horizon), 2))[:reach, None, :]
    canvas.image.paste(colours[-1], (0, 0, canvas.width, canvas.height))
    canvas.image.paste(Image.fromarray(column).resize((canvas.width, reach), Image.Resampling.NEAREST), (0, 0))


def stars(canvas: Canvas, count: int, bottom: float, colour: Colour = (255, 250, 238)) -> None:
    """Scatter stars of a few sizes, fading towards the bottom."""
    unit = canvas.unit
    places = canvas.rng.random((canvas.many(count), 4))
    for low, high, size, strength in ((0.0, 0.62, 0.0011, 0.5), (0.62, 0.92, 0.0017, 0.8), (0.92, 1.0, 0.0027, 1.0)):
        chosen = places[(places[:, 2] >= low) & (places[:, 2] < high)]
        # Stars low in the sky drown in its light unless they are bright.
        chosen = chosen[(chosen[:, 1] < 0.7) | (chosen[:, 3] > chosen[:, 1])]
        if not len(chosen):
            continue
        radius = np.maximum(unit * size, 0.35) * (0.7 + 0.6 * chosen[:, 3])
        canvas.fill(discs(chosen[:, 0] * canvas.width, chosen[:, 1] * bottom, radius), colour, strength)
        if strength == 1.0:
            for x, y, _, bright in chosen[: canvas.many(14)]:
                canvas.glow(x * canvas.width, y * bottom, unit * (0.012 + 0.012 * bright), colour, 0.5)


def moon(canvas: Canvas, light: Light, x: float, y: float, radius: float) -> None:
    """Draw a full moon with its seas, or a crescent."""
    canvas.glow(x, y, radius * 4.5, light.sun, 0.45)
    disc = canvas.stencil(ellipse(x, y, radius))
    if canvas.chance(0.4):
        bite = ellipse(x - light.side * radius * 0.75, y - radius * 0.22, radius * 0.92)
        canvas.paint(canvas.stencil(ellipse(x, y, radius), cut=[bite]), light.sun)
        return
    canvas.paint(disc, light.sun)
    seas = [ellipse(x + radius * a, y + radius * b, radius * r) for a, b, r in canvas.rng.uniform(-0.6, 0.6, (6, 3))]
    canvas.paint(canvas.stencil(*seas).soft(radius * 0.08) & disc, shift(light.sun, light=-0.16), 0.4)
    canvas.model(disc, light.sun, shift(light.sun, light=-0.3), depth=radius * 0.4, strength=0.35)


def clouds(canvas: Canvas, light: Light, horizon: float, amount: float, sun: tuple[float, float]) -> None:
    """Draw drifting clouds: brighter towards the light, tinted like the sky they hang in."""
    width = min(_CLOUD_GRID, canvas.width)
    reach = min(round(horizon * 1.04) + 1, canvas.height)
    height = max(8, round(width * reach / canvas.width))
    shape = fbm(canvas.rng, width, height, cells=canvas.between(2.2, 3.6), octaves=5, stretch=canvas.between(2.4, 3.6))
    rows = np.linspace(0, reach / max(horizon, 1), height, dtype=np.float32)[:, None]
    # Clouds thin out towards the zenith, and end at the horizon.
    room = step(-0.35, 0.55, rows) * (1 - step(0.9, 1.04, rows))
    cover = step(0.66 - 0.3 * amount, 0.98 - 0.22 * amount, shape) * room
    lifted = _shifted(shape, 3 if light.side > 0 else -3, 2)
    shade = step(-0.04, 0.1, lifted - shape + (shape - np.float32(0.5)) * np.float32(0.14))
    warm = mix(light.sun, (255, 255, 255), 0.7) if light.mood == "day" else mix(light.sun, light.horizon, 0.35)
    cool = mix(light.sky[len(light.sky) // 2], light.near if light.dark else light.far, 0.5)
    size = (canvas.width, reach)
    body = mask_of(cover, size, 0.62 if light.dark else 0.75)
    canvas.paint(Stencil(body, 0, 0), cool if light.dark else mix(warm, cool, 0.35))
    near_sun = 1 - enlarged(_distance(canvas, sun, reach), width, height)
    lit = cover * (1 - shade) * (np.float32(0.35) + np.float32(0.65) * np.clip(near_sun, 0, 1))
    bright = mask_of(lit, size, 0.4 if light.mood == "storm" else 0.5 if light.dark else 0.9)
    canvas.paint(Stencil(bright, 0, 0), warm)


def _shifted(field: Field, across: int, down: int) -> Field:
    """Return the field moved by a few cells, its edges drawn out to fill the gap."""
    reach = max(abs(across), abs(down))
    padded = np.pad(field, reach, mode="edge")
    rows, columns = field.shape
    moved: Field = padded[reach - down : reach - down + rows, reach - across : reach - across + columns]
    return moved


def _distance(canvas: Canvas, point: tuple[float, float], bottom: int) -> Field:
    across = np.linspace(0, canvas.width, 24, dtype=np.float32)[None, :] - np.float32(point[0])
    down = np.linspace(0, bottom, 24, dtype=np.float32)[:, None] - np.float32(point[1])
    reach = np.float32(0.8 * max(canvas.width, canvas.height))
    share: Field = np.sqrt(across * across + down * down) / reach
    return share
