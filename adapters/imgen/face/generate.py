"""`generate`: a run of the team's, or an earlier picture of its own (seed, "action: generate")."""

from collections.abc import Mapping
from typing import Any

from msgspec import UnsetType

from adapters.imgen.face import cache
from adapters.imgen.face.asked import SYNTAX, Ask, ask_of
from adapters.imgen.face.cache import Keys
from adapters.imgen.face.front import Begun, Front, Settled
from adapters.imgen.face.model import bare
from adapters.imgen.face.prompts import enhanced
from adapters.imgen.face.said import Refused, said
from adapters.kit.repeated import key_of, replayed
from contracts.caller import Caller
from contracts.face import Answer, Call
from contracts.sender import Sent
from contracts.tags import Tagged, written


async def generate(front: Front, call: Call, caller: Caller, body: Mapping[str, Any]) -> Answer:
    """Begin a run and return its id at once; everything that can be refused is refused before it exists."""
    front.may_hand_out(caller)
    key, ask = key_of(call), ask_of(body, lenient=front.lenient)
    if key is not None:
        # Before anything is drawn from the cache, or rewritten: both cost, and neither comes out the same again.
        earlier = await front.earlier(caller, ask, key)
        if earlier is not None:
            return _answer(earlier)
    run = front.new_id("run")
    found = await front.settle(caller, ask, run)
    keys = cache.keys_of(ask, found.spec, lenient=front.lenient)
    if ask.cache is not None:
        hit = await cache.find(front, caller, ask, ask.cache, keys)
        if hit is not None:
            name, note = await cache.remember(front, caller, hit, ask.prompt)
            return said({"id": name, **_told(note), "cache": True})
        if ask.cache.only:
            raise Refused("No cached result found", status=404, code="resource.cache_miss")
    return _answer(await _begun(front, call, caller, ask, found, keys, run, key))


async def _begun(
    front: Front, call: Call, caller: Caller, ask: Ask, found: Settled, keys: Keys, run: str, key: str | None
) -> Begun:
    prompt, sent = ask.prompt, Sent(sender=call.sender, meant=front.meant(ask))
    if ask.optimize:
        before, (ask, found) = ask, await enhanced(front, caller, ask, found)
        if ask != before:
            prompt = written(_shown(ask, found), SYNTAX)
    note = _note(front, ask, found, prompt)
    note["optimized"] = prompt != ask.prompt or found.spec.optimize_prompt is True
    return await front.begin(caller, found.spec, run, note, keys.equal, keys.alike, key, sent)


def _answer(begun: Begun) -> Answer:
    return said({"id": begun.run, **_told(begun.note)}, headers=replayed(begun.created))


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
