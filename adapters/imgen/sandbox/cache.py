"""The semantic cache (seed, "Caching"): earlier safe runs of the same key, found by how alike their prompts are.

Likeness is the Jaccard index of the word sets of the parsed positive prompts, so that a test can work it out. Size and
format are not compared (the seed demands equality of model, style and character only): a hit may differ in both.
"""

import re

import msgspec

from adapters.imgen.sandbox.enhancement import number
from adapters.imgen.sandbox.run import Run
from adapters.imgen.sandbox.wish import Wish
from adapters.kit.shelf import Shelf

FLOOR = 0.95
_WORD = re.compile(r"\w+")


class Cache:
    """What may be found again. Entries survive a restart: the real cache is a cloud service."""

    def __init__(self, shelf: Shelf) -> None:
        """Take the memory."""
        self._shelf = shelf

    def add(self, run: Run) -> None:
        """Make a safe run an entry; one with a forced outcome never becomes one, so that no outcome spreads."""
        if not run.forced:
            self._shelf.put(_kind(run.owner, run.wish), run.id, {"run": run.id, "words": _words(run.wish)})

    def pick(self, owner: str, wish: Wish) -> str | None:
        """Return the id of one run out of the `cache_pick` most alike; equal requests get the same one."""
        words = set(_words(wish))
        entries = [(_likeness(words, set(each["words"])), each["run"]) for each in self._shelf.all(_kind(owner, wish))]
        eligible = [(likeness, run) for likeness, run in entries if likeness > FLOOR or wish.cache.force]
        pool = sorted(eligible, key=lambda entry: -entry[0])[: wish.cache.pick]
        return pool[number("cache", msgspec.json.encode(wish)) % len(pool)][1] if pool else None


def _kind(owner: str, wish: Wish) -> str:
    return f"entry/{owner}/{wish.model}/{wish.style}/{wish.parsed.character}"


def _words(wish: Wish) -> list[str]:
    return sorted(set(_WORD.findall(wish.parsed.text.lower())))


def _likeness(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0
