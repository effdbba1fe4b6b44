"""The actions that take a prompt: `generate` starts a run or answers from the cache, `optimize` only writes."""

from collections.abc import Mapping
from typing import Any

from adapters.imgen.sandbox.cache import Cache
from adapters.imgen.sandbox.enhancement import enhanced, number
from adapters.imgen.sandbox.outcome import LATER, Refusal
from adapters.imgen.sandbox.prompt import Parsed, negative, positive, read, written
from adapters.imgen.sandbox.run import QUEUE_S, WORK_S, Hit, Run, Runs, new_gen_id, new_id
from adapters.imgen.sandbox.wish import Wish, to_mark, to_prompt, to_wish
from adapters.kit.emulator import Emulator
from adapters.kit.scenario import Forced

#: What the steps of one request take at speed 1: the language model, the search, handing the run over.
ENHANCE_S = 1.5
SEARCH_S = 0.1
SUBMIT_S = 0.15
#: "Cache hits expire 1 hour after `generate`" (seed).
HIT_S = 3600.0


class Starting:
    """Starts runs. `lenient` is the seed's other word on unknown names: ignored instead of refused."""

    def __init__(self, emulator: Emulator, runs: Runs, cache: Cache, *, lenient: bool) -> None:
        """Take the machinery, the memory, and what the profile says."""
        self._emulator = emulator
        self._runs = runs
        self._cache = cache
        self._lenient = lenient

    async def generate(self, body: dict[str, Any], owner: str, forced: Mapping[str, Forced]) -> dict[str, Any]:
        """Start a run, or answer with a hit: what was accepted is on disk before anything is answered."""
        wish = to_wish(body, forced)
        self._check(wish.parsed, forced)
        if "no_cached" in forced:
            raise Refusal("no_cached")
        later = {name: each for name, each in forced.items() if name in LATER}
        found = await self._found(wish, owner, forced, later)
        if found is not None:
            return self._hit(found, wish, later)
        text = await self._enhanced(wish.parsed, forced) if wish.optimize else wish.parsed.text
        if "generation_failed" in forced:
            raise Refusal("generation_failed")
        await self._emulator.pause(SUBMIT_S)
        run = self._run(wish, text, owner, later)
        mark = to_mark(body)
        if mark is not None:
            self._emulator.shelf.put("mark", run.id, mark)
        self._runs.keep(run)
        return {
            "id": run.id,
            "prompt": run.prompt,
            "model": wish.model,
            "format": wish.format,
            "gen_id": run.gen_id,
        }

    async def optimize(self, body: dict[str, Any], forced: Mapping[str, Forced]) -> dict[str, Any]:
        """Return a richer prompt, or the very same one where there is nothing to add (seed)."""
        prompt = to_prompt(body, forced)
        parsed = read(prompt)
        self._check(parsed, forced)
        text = await self._enhanced(parsed, forced)
        return {"prompt": prompt if text == parsed.text else written(parsed, text)}

    def _check(self, parsed: Parsed, forced: Mapping[str, Forced]) -> None:
        if "invalid_character" in forced or (parsed.unknown and not self._lenient):
            raise Refusal("invalid_character")

    async def _enhanced(self, parsed: Parsed, forced: Mapping[str, Forced]) -> str:
        await self._emulator.pause(ENHANCE_S)
        if "enhancement_failed" in forced:
            raise Refusal("enhancement_failed")
        return parsed.text if "noop" in forced or "enhancement_skipped" in forced else enhanced(parsed)

    async def _found(
        self, wish: Wish, owner: str, forced: Mapping[str, Forced], later: dict[str, Forced]
    ) -> Run | None:
        if "cache_hit" in forced or "cached_expired" in forced:
            planted = self._run(wish, wish.parsed.text, owner, later, age_s=QUEUE_S + WORK_S)
            self._runs.keep(planted)
            return planted
        if not wish.cache.use:
            return None
        await self._emulator.pause(SEARCH_S)
        name = self._cache.pick(owner, wish)
        if name is None and wish.cache.only:
            raise Refusal("no_cached")
        return None if name is None else self._runs.run(name)

    def _hit(self, run: Run, wish: Wish, later: dict[str, Forced]) -> dict[str, Any]:
        """Answer from the cache, past the enhancement and later past the review (seed, "Caching" 5)."""
        expires_at = self._emulator.now() + HIT_S / self._emulator.speed
        hit = Hit(id=new_id("cache"), run=run.id, expires_at=expires_at, forced=later)
        self._runs.keep(hit)
        return {
            "id": hit.id,
            "prompt": wish.prompt,
            "model": wish.model,
            "format": run.wish.format,
            "gen_id": run.gen_id,
            "cache": True,
        }

    def _run(self, wish: Wish, text: str, owner: str, later: dict[str, Forced], *, age_s: float = 0) -> Run:
        where = {"model": wish.model, "style": wish.style}
        wanted = positive(wish.parsed, text, **where)
        unwanted = negative(wish.parsed, wish.negative, **where)
        facts = (wanted, unwanted, wish.model, wish.style, wish.width, wish.height)
        optimized = text != wish.parsed.text
        return Run(
            id=new_id("run"),
            gen_id=new_gen_id(),
            owner=owner,
            prompt=written(wish.parsed, text) if optimized else wish.prompt,
            wish=wish,
            positive=wanted,
            negative=unwanted,
            optimized=optimized,
            seed=number(*facts, self._runs.again("\n".join(map(str, facts)))),
            started_at=self._emulator.now() - age_s / self._emulator.speed,
            forced=later,
        )
