"""Reads a prompt for what it says of subject, setting, hour, weather, colours and manner; the seed decides the rest."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from adapters.kit.motif.tint import NAMED
from adapters.kit.motif.vocabulary import (
    ABSTRACT,
    ANIMALS,
    CALLINGS,
    COUNTS,
    HOMES,
    MOODS,
    OWNED,
    PEOPLE,
    SCENERY,
    SETTINGS,
    STYLES,
    SUBJECTS,
    TABLEWARE,
    WEATHERS,
    WORN,
)

_MOST_SUBJECTS = 3
_KNOWN = {*SUBJECTS, *SETTINGS, *MOODS, *WEATHERS, *STYLES, *WORN, *OWNED}


@dataclass(frozen=True)
class Brief:
    """What to draw."""

    subjects: tuple[str, ...]
    setting: str
    mood: str
    weather: str
    #: Colour words for the scene; the one that stands right before the subject is its `coat` instead.
    colours: tuple[str, ...]
    coat: str
    styles: frozenset[str]
    words: frozenset[str]

    def says(self, *words: str) -> bool:
        """Return whether any of the words is in the prompt."""
        return not self.words.isdisjoint(words)


def read(prompt: str, rng: np.random.Generator) -> Brief:
    """Return the brief a prompt gives; the generator fills every gap, drawing the same number of times each time."""
    dice = rng.random(4).tolist()
    lowered = prompt.lower().replace("black and white", "monochrome").replace("golden hour", "sunset")
    words = [_singular(word) for word in re.findall(r"[a-z]+", lowered.replace("hot air", "").replace("'s ", " "))]
    subjects, coat, colours = _subjects(words)
    subjects = tuple(_of(sorted(ANIMALS), dice[3]) if name == "animal" else name for name in subjects)
    setting = _named_place(words, subjects) or _home(words, subjects, dice[0]) or _anywhere(words, dice)
    return Brief(
        subjects=subjects,
        setting=setting,
        mood=_first(words, MOODS) or _usual_mood(setting, subjects, words, dice[2]),
        weather=_first(words, WEATHERS),
        colours=colours,
        coat=coat,
        styles=frozenset(STYLES[word] for word in words if word in STYLES),
        words=frozenset(words),
    )


def _subjects(words: list[str]) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """Return the subjects in order, the colour of the first, and the colours left for the scene."""
    found: list[str] = []
    colours: list[str] = []
    coat = ""
    for place, word in enumerate(words):
        name = SUBJECTS.get(word, "")
        if word in NAMED and not (name and _names_a_thing(words, place)):
            after = words[place + 1 : place + 3]
            dyed = any(near in WORN or (near in SUBJECTS and near not in NAMED) for near in after)
            if dyed and not coat:
                coat = word
            elif not (after and after[0] in OWNED):
                colours.append(word)
        elif name and name not in found and not (found and name == "person"):
            found.append(name)
    if len(found) == 1 and found[0] in ANIMALS:
        found *= max((count for word, count in COUNTS.items() if word in words), default=1)
    return tuple(found[:_MOST_SUBJECTS]), coat, tuple(colours)


def _names_a_thing(words: list[str], place: int) -> bool:
    """Tell "an orange" from "teal and orange"."""
    return place == len(words) - 1 and words[place - 1] in {"a", "an"}


def _named_place(words: list[str], subjects: tuple[str, ...]) -> str:
    """Return the setting the prompt names; still lifes keep to their table."""
    if subjects and subjects[0] in TABLEWARE:
        return "table"
    said = [SETTINGS[word] for word in words if word in SETTINGS]
    said = [name for name in said if not (subjects and name in ABSTRACT)]
    # "a starry night over the city": the place on the ground wins over the sky it lies under.
    return next((name for name in said if name != "space"), said[0] if said else "")


def _home(words: list[str], subjects: tuple[str, ...], die: float) -> str:
    """Return where the subjects are usually seen."""
    home = next((HOMES[name] for name in subjects if name in HOMES), "")
    if home or not subjects:
        return home
    if subjects[0] in PEOPLE:
        return next((CALLINGS[word] for word in words if word in CALLINGS), "studio")
    wild = "forest" if subjects[0] in {"fox", "wolf", "bear", "owl"} else "garden"
    return _of(("studio", "studio", wild, wild, "mountain"), die)


def _anywhere(words: list[str], dice: list[float]) -> str:
    """Choose a landscape for a prompt that speaks of light or weather, and anything for one that says nothing."""
    weather = _first(words, WEATHERS)
    if weather or _first(words, MOODS):
        # Flowers do not bloom in the snow.
        return _of(SCENERY[: 2 if weather == "snow" else 4], dice[0])
    return _of(ABSTRACT if dice[1] < 0.6 else SCENERY, dice[0])


def _usual_mood(setting: str, subjects: tuple[str, ...], words: list[str], die: float) -> str:
    if setting == "space":
        return "night"
    if _first(words, WEATHERS) == "rain":
        return _of(("storm", "fog"), die)
    usual = {"city": ("night", "sunset", "dawn", "night"), "forest": ("day", "dawn", "fog", "sunset")}
    if setting not in usual and (subjects or setting == "garden"):
        return _of(("day", "dawn", "sunset", "day"), die)
    return _of(usual.get(setting, ("day", "dawn", "sunset", "dawn", "night", "fog")), die)


def _first(words: list[str], meanings: dict[str, str]) -> str:
    return next((meanings[word] for word in words if word in meanings), "")


def _of(names: Sequence[str], die: float) -> str:
    return names[int(die * len(names))]


def _singular(word: str) -> str:
    """Return a plural's singular if that is a word we know; "poppies", "peaches" and "stars" each lose their own."""
    if word in _KNOWN or not word.endswith("s"):
        return word
    ways = (word[:-1], word[:-2], word[:-3] + "y")
    return next((way for way in ways if way in _KNOWN), word[:-1])
