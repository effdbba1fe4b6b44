"""Puts a picture together: the brief's setting, the colours it asks for, its subjects, the weather and the finish."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from PIL import Image

from adapters.kit.motif import (
    animal,
    balloon,
    bird,
    city,
    desert,
    flow,
    forest,
    garden,
    landmark,
    lighthouse,
    marble,
    mountain,
    paper,
    portrait,
    sea,
    space,
    stilllife,
    studio,
    suit,
    tiling,
    vessel,
)
from adapters.kit.motif.brief import Brief, read
from adapters.kit.motif.canvas import Canvas, blurred
from adapters.kit.motif.finish import styled
from adapters.kit.motif.light import Light, lighting
from adapters.kit.motif.stage import Stage
from adapters.kit.motif.tint import graded, scheme
from adapters.kit.motif.vocabulary import ABSTRACT, ANIMALS, BIRDS, PEOPLE, TABLEWARE
from adapters.kit.motif.weather import fall

_SETTINGS: dict[str, Callable[[Canvas, Brief, Light], Stage]] = {
    "space": space.paint,
    "mountain": mountain.paint,
    "desert": desert.paint,
    "forest": forest.paint,
    "sea": sea.paint,
    "city": city.paint,
    "garden": garden.paint,
    "studio": studio.paint,
    "table": studio.table,
    "flow": flow.paint,
    "marble": marble.paint,
    "tiling": tiling.paint,
    "paper": paper.paint,
}
_SUBJECTS: dict[str, Callable[[Canvas, Brief, Light, Stage, str], None]] = {
    **dict.fromkeys(ANIMALS, animal.paint),
    **dict.fromkeys(BIRDS, bird.paint),
    **dict.fromkeys(TABLEWARE, stilllife.paint),
    **dict.fromkeys(("house", "castle", "tree"), landmark.paint),
    **dict.fromkeys(("boat", "rocket"), vessel.paint),
    **dict.fromkeys(("astronaut", "robot"), suit.paint),
    "lighthouse": lighthouse.paint,
    "balloon": balloon.paint,
    "person": portrait.paint,
}
#: How far colour words pull a scene; abstract pictures and flowers take the words as their paint instead.
_PULL = 0.62


def compose(prompt: str, rng: np.random.Generator, width: int, height: int) -> Image.Image:
    """Return the picture a prompt calls for, without grain or mark."""
    brief = read(prompt, rng)
    light = lighting(brief.mood, rng)
    canvas = Canvas(width, height, rng)
    stage = _SETTINGS[brief.setting](canvas, brief, light)
    if brief.colours and brief.setting not in {*ABSTRACT, "garden"}:
        canvas.image = graded(canvas.image, scheme(brief.colours), _PULL)
    _populate(canvas, brief, light, stage)
    fall(canvas, brief, light)
    return styled(canvas.image, brief, rng)


def _populate(canvas: Canvas, brief: Brief, light: Light, stage: Stage) -> None:
    """Draw the subjects from far to near: buildings and vessels, a close-up, animals, things on a table."""
    person = next((name for name in brief.subjects if name in PEOPLE), "")
    animals = [name for name in brief.subjects if name in ANIMALS]
    things = [name for name in brief.subjects if name in TABLEWARE]
    far = [name for name in brief.subjects if name not in PEOPLE | ANIMALS | TABLEWARE]
    for place, name in enumerate(far):
        _SUBJECTS[name](canvas, brief, light, _behind(canvas, stage, place) if place or animals else stage, name)
    front = stage.front
    if person:
        if front and brief.setting == "sea":
            # Waves that break before a boat would drown a face that is close to us.
            front(canvas)
            front = None
        canvas.image = blurred(canvas.image, canvas.unit * (0.004 if brief.setting == "studio" else 0.010))
        _SUBJECTS[person](canvas, brief, light, stage, person)
    for place, name in enumerate(animals):
        spot = _at_elbow(canvas, stage, place) if person else _in_row(canvas, stage, place, len(animals))
        _SUBJECTS[name](canvas, brief, light, spot, name)
    for place, name in enumerate(things):
        spot = _on_table(canvas, stage, place, len(things), guest=bool(person or animals))
        _SUBJECTS[name](canvas, brief, light, spot, name)
    if front:
        front(canvas)


def _behind(canvas: Canvas, stage: Stage, place: int) -> Stage:
    x = stage.x + canvas.unit * (0.3 if place else -0.3)
    return replace(stage, x=x, y=stage.y - canvas.unit * 0.045, height=stage.height * 0.85)


def _in_row(canvas: Canvas, stage: Stage, place: int, count: int) -> Stage:
    if count == 1:
        return stage
    apart, scale = (0.46, 0.84) if count == 2 else (0.32, 0.62)
    x = canvas.width / 2 + canvas.unit * apart * (place - (count - 1) / 2)
    return replace(stage, x=x, height=stage.height * scale)


def _at_elbow(canvas: Canvas, stage: Stage, place: int) -> Stage:
    x = canvas.width / 2 + canvas.unit * (0.36 if place % 2 == 0 else -0.36)
    return replace(stage, x=x, y=canvas.height * 1.03, height=canvas.unit * 0.42)


def _on_table(canvas: Canvas, stage: Stage, place: int, count: int, *, guest: bool) -> Stage:
    """Return where a thing stands: alone, beside others, or small before somebody."""
    if guest:
        return replace(stage, x=stage.x - canvas.unit * 0.3, y=canvas.height * 0.95, height=stage.height * 0.42)
    if count == 1:
        return stage
    return replace(stage, x=stage.x + canvas.unit * (0.345 * place - 0.165), height=stage.height * 0.74)
