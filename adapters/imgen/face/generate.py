"""`generate`: a run of the team's, or an earlier picture of its own (seed, "action: generate")."""

from collections.abc import Mapping
from typing import Any

from msgspec import UnsetType

from adapters.imgen.face import cache
from adapters.imgen.face.asked import SYNTAX, Ask, ask_of
from adapters.imgen.face.cache import Keys
from adapters.imgen.face.front import Front, Settled
from adapters.imgen.face.model import bare
from adapters.imgen.face.prompts import enhanced
from adapters.imgen.face.said import Refused
from contracts.caller import Caller
from contracts.tags import Tagged, written


async def generate(front: Front, caller: Caller, body: Mapping[str, Any]) -> dict[str, Any]:
    """Begin a run and return its id at once; everything that can be refused is refused before it exists."""
    front.may_hand_out(caller)
    ask = ask_of(body, lenient=front.lenient)
    run = front.new_id("run")
    found = await front.settle(caller, ask, run)
    keys = cache.keys_of(ask, found.spec, lenient=front.lenient)
    if ask.cache is not None:
        hit = await cache.find(front, caller, ask, ask.cache, keys)
        if hit is not None:
            name, note = await cache.remember(front, caller, hit, ask.prompt)
            return {"id": name, **_told(note), "cache": True}
        if ask.cache.only:
            raise Refused("No cached result found", status=404, code="resource.cache_miss")
    return await _begun(front, caller, ask, found, keys, run)


async def _begun(front: Front, caller: Caller, ask: Ask, found: Settled, keys: Keys, run: str) -> dict[str, Any]:
    prompt = ask.prompt
    if ask.optimize:
        before, (ask, found) = ask, await enhanced(front, caller, ask, found)
        if ask != before:
            prompt = written(_shown(ask, found), SYNTAX)
    note = _note(front, ask, found, prompt)
    note["optimized"] = prompt != ask.prompt or found.spec.optimize_prompt is True
    await front.begin(caller, found.spec, run, note, keys.equal, keys.alike)
    return {"id": run, **_told(note)}


def _shown(ask: Ask, found: Settled) -> Tagged:
    character = found.spec.character
    names = () if isinstance(character, UnsetType) else (character,)
    return Tagged(text=ask.tagged.text, characters=names, terms=ask.tagged.terms)


def _told(note: Mapping[str, Any]) -> dict[str, Any]:
    return {name: note[name] for name in ("prompt", "model", "format", "gen_id")}


def _note(front: Front, ask: Ask, found: Settled, prompt: str) -> dict[str, Any]:
    """Return what the face must remember: what the job itself does not say in imgen's words."""
    return {
        "prompt": prompt,
        "model": bare(found.model) or found.model,
        "format": ask.format,
        "gen_id": front.settings.token(20),
        "quality": ask.quality,
        "lossless": ask.lossless,
        "precompliance": "" if "/policy/prescreen_note" in found.dropped else ask.note or "",
        "left_out": sorted(found.dropped),
    }
