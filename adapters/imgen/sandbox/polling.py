"""The action `status`: the state of a run, and the review, which happens here and nowhere else (seed, "Compliance").

A run that nobody polls to its end is never reviewed, and never found in the cache.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from msgspec import structs

from adapters.imgen.sandbox import meta
from adapters.imgen.sandbox.cache import Cache
from adapters.imgen.sandbox.delivery import Delivery
from adapters.imgen.sandbox.outcome import TRANSPORT, Refusal
from adapters.imgen.sandbox.review import reviewed
from adapters.imgen.sandbox.run import ID, Hit, Run, Runs
from adapters.kit.emulator import Emulator
from adapters.kit.scenario import Forced

#: How long the reviewer looks at a picture, at speed 1.
REVIEW_S = 0.5


class Polling:
    """Answers after runs and hits."""

    def __init__(self, emulator: Emulator, runs: Runs, cache: Cache, delivery: Delivery) -> None:
        """Take the machinery, the memory, and what makes URLs."""
        self._emulator = emulator
        self._runs = runs
        self._cache = cache
        self._delivery = delivery

    async def status(self, request: web.Request, body: dict[str, Any], forced: Mapping[str, Forced]) -> dict[str, Any]:
        """Return the state. Prompt and model are looked for, but the run itself knows them (seed: "always pass")."""
        name = body.get("id")
        if not isinstance(name, str) or not ID.fullmatch(name):
            raise Refusal("bad_id")
        for field in ("prompt", "model"):
            if not isinstance(body.get(field), str) or not body[field].strip():
                raise Refusal(f"{field}_required")
        # What spoils this one answer on its way is not the run's business.
        now = {each: forced[each] for each in forced if each not in TRANSPORT}
        return await self._run(request, name, now) if name.startswith("run_") else self._hit(request, name, now)

    async def _run(self, request: web.Request, name: str, now: Mapping[str, Forced]) -> dict[str, Any]:
        run = self._runs.run(name)
        if run is None:
            raise Refusal("lost")
        forced = {**run.forced, **now}
        self._told(run, forced)
        state = structs.replace(run, forced=forced).state(self._emulator.now(), self._emulator.speed)
        if state != "COMPLETED":
            return meta.ended(state)
        flagged = await self._reviewed(run, forced)
        if flagged:
            return meta.blocked(flagged, self._delivery.url(request, run, forced))
        images = self._delivery.images(request, run, forced)
        return meta.completed(run, None, images, forced, speed=self._emulator.speed)

    def _hit(self, request: web.Request, name: str, now: Mapping[str, Forced]) -> dict[str, Any]:
        hit = self._runs.hit(name)
        if hit is None or self._emulator.now() > hit.expires_at:
            raise Refusal("cached_expired")
        forced = {**hit.forced, **now}
        self._told(hit, forced)
        run = self._runs.run(hit.run)
        if run is None:
            raise Refusal("cached_expired")
        images = self._delivery.images(request, run, forced)
        return meta.completed(run, hit, images, forced, speed=self._emulator.speed)

    def _told(self, found: Run | Hit, forced: Mapping[str, Forced]) -> None:
        """Give the answers that are forced instead of a state, counting the passing ones."""
        for name in ("bad_id", "lost", "cached_expired"):
            if name in forced:
                raise Refusal(name)
        wanted = forced["status_502"].number(1) if "status_502" in forced else 0
        if found.failures_told < wanted:
            self._runs.keep(structs.replace(found, failures_told=found.failures_told + 1))
            raise Refusal("generation_failed")

    async def _reviewed(self, run: Run, forced: Mapping[str, Forced]) -> tuple[str, ...]:
        if run.flagged is not None:
            return run.flagged
        await self._emulator.pause(REVIEW_S)
        flagged = reviewed(run.positive, run.wish.ruleset, forced.get("unsafe"))
        run = structs.replace(run, flagged=flagged)
        self._runs.keep(run)
        if not flagged:
            self._cache.add(run)
        return flagged
