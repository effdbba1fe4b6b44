"""Earlier pictures as answers (seed, "Caching"): exact matches, of the same team, for `use_cache`.

Nothing here knows what a prompt means, so its likeness is 1 or too little: without `cache_force` a hit is a picture of
the very same request. With it any earlier picture of the same model, style and character will do, those first whose
prompts share the most words. Unless `silent_fallbacks` is set, a hit also has the size, the encoding, the mark and the
rules that are asked for: the seed compares none of them, and would hand out another picture than the one described.
"""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from adapters.imgen.face.asked import Ask, CacheWish
from adapters.imgen.face.front import EQUAL, FACE, HIT, RUN, Front
from contracts.caller import Caller
from contracts.names import FileQuery, Named, NamedFile, NewName
from contracts.spec import SpecBase

#: Cache hits expire 1 hour after `generate` (seed).
LIFE_S = 3600
#: So many of the newest are compared where likeness does not count.
_COMPARED = 200
_WORD = re.compile(r"\w+")


class Keys(Struct, frozen=True):
    """What must be equal: of exact matches (`equal`), and of those that `cache_force` takes too (`alike`)."""

    equal: str
    alike: str


def keys_of(ask: Ask, spec: SpecBase, *, lenient: bool) -> Keys:
    """Return a request's keys. The rules of its review always count: what passed others' did not pass these."""
    same: dict[str, Any] = {
        "model": spec.model, "style": spec.style or None, "character": spec.character or None, "rules": ask.ruleset,
    }  # fmt: skip
    if not lenient:
        mark = None if ask.mark is None else [sha256(ask.mark.encode()).hexdigest(), ask.watermark]
        same |= {"output": spec.output, "size": spec.size or None, "mark": mark, "provenance": ask.provenance}
    words = {**same, "text": ask.tagged.text.split(), **({} if lenient else {"negative": ask.negatives.split()})}
    return Keys(_digest(words), _digest(same))


def _digest(value: Mapping[str, Any]) -> str:
    return sha256(msgspec.json.encode(value, order="deterministic")).hexdigest()


async def find(front: Front, caller: Caller, ask: Ask, wanted: CacheWish, keys: Keys) -> NamedFile | None:
    """Return one earlier picture of the team at random out of the best `cache_pick`."""
    kind, key, most = (RUN, keys.alike, _COMPARED) if wanted.force else (EQUAL, keys.equal, wanted.pick)
    page = await front.desk.names.files(caller, FACE, kind, FileQuery(limit=most, collection=key))
    found = [each for each in page.files if each.named.job.state == "succeeded"]
    if wanted.force:
        words = _words(ask.tagged.text)
        found.sort(key=lambda each: -_likeness(words, _words(str(each.named.job.spec.prompt))))
    pool = found[: wanted.pick]
    return pool[int(front.settings.token(8), 16) % len(pool)] if pool else None


async def remember(front: Front, caller: Caller, found: NamedFile, prompt: str) -> tuple[str, Mapping[str, Any]]:
    """Give the earlier job one more name, by which it can be asked for within the hour; return it and its note."""
    hit = front.new_id("cache")
    expires = int(front.now()) + LIFE_S
    note = {**found.named.note, "prompt": prompt, "expires": expires, "asset": found.asset_id}
    name = NewName(face=FACE, kind=HIT, native_id=hit, note=note)
    await front.desk.names.add(caller, found.named.job.id, name)
    return hit, note


async def recall(front: Front, caller: Caller, hit: str) -> Named | None:
    """Return what a hit stands for, while its hour lasts."""
    named = await front.desk.names.find(caller, FACE, HIT, hit)
    return None if named is None or front.now() >= float(named.note["expires"]) else named


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0
