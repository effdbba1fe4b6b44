"""What stands behind ima2: OpenAI and xAI, as far as ima2 notices them. Every call is noted, so that none is hidden.

It takes its time (divided by the sandbox's speed), moves a job through its phases, fails as is forced, and paints.
"""

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from msgspec import Struct, structs

from adapters.ima2.sandbox import cause, code
from adapters.ima2.sandbox.cause import Asked
from adapters.ima2.sandbox.failure import Failure, Refused
from adapters.ima2.sandbox.painter import FRAMES_A_SECOND, Painter, Painting, grok_pixels, pixels, video_pixels
from adapters.ima2.sandbox.profile import Profile
from adapters.ima2.sandbox.registry import Job, Registry, milliseconds
from adapters.kit.emulator import Emulator, json_response
from adapters.kit.scenario import Forced, without_tokens

#: How long a picture and a video take at speed 1.
PICTURE_S = 4.0
VIDEO_S = 8.0
_QUEUED, _STREAMING, _DECODING = 0.1, 0.85, 0.05
#: Shares of the time that Grok searches, plans and paints.
_GROK_STEPS = (("search", 0.3), ("planner", 0.2), ("image", 0.5))
_PROGRESS_STEPS = 6
_OUTPUT_TOKENS = {"low": 272, "medium": 1056, "high": 4160}
_CALL = "upstream"
OnPartial = Callable[[int, bytes], Awaitable[None]]
OnVideo = Callable[[str, dict[str, Any]], Awaitable[None]]


class Wish(Struct, frozen=True, kw_only=True):
    """What one request asks of the upstream."""

    account: str
    model: str
    prompt: str
    size: Any
    quality: str
    direct: bool = False
    #: The picture to start from, and the references after it.
    source: bytes | None = None
    references: tuple[bytes, ...] = ()
    has_key: bool = False

    @property
    def is_grok(self) -> bool:
        """Whether xAI makes it."""
        return self.account.startswith("grok")

    def asked(self) -> Asked:
        """Return what of it shows in a failure."""
        return Asked(
            account=self.account,
            size=str(self.size),
            quality=self.quality,
            model=self.model,
            references=len(self.references),
            has_source=self.source is not None,
        )


class Shot(Struct, frozen=True, kw_only=True):
    """One picture as it came."""

    data: bytes
    revised: str | None
    usage: dict[str, Any]
    searches: int


class Upstream:
    """The accounts behind one server."""

    def __init__(self, emulator: Emulator, profile: Profile, registry: Registry) -> None:
        """Take the clock and the memory, the build, and the registry whose phases it moves."""
        self._emulator = emulator
        self._profile = profile
        self._registry = registry
        self._made = len(emulator.shelf.all(_CALL))
        self.painter = Painter()

    async def calls(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET /_sandbox/upstream`: every call that was made upstream, oldest first."""
        wanted = request.query.get("requestId")
        found = [call for call in self._emulator.shelf.all(_CALL) if wanted is None or call["requestId"] == wanted]
        return json_response({"calls": found, "total": len(found)})

    async def forget_calls(self, _request: web.Request) -> web.StreamResponse:
        """Answer `DELETE /_sandbox/upstream`."""
        return json_response({"forgotten": self._emulator.shelf.clear(_CALL)})

    async def pause(self, job: Job, seconds: float) -> None:
        """Wait at the sandbox's speed; raise `Refused` when the job is stopped meanwhile."""
        try:
            await asyncio.wait_for(job.stop.wait(), seconds / self._emulator.speed)
        except TimeoutError:
            return
        canceled = self._registry.was_canceled(job.request_id)
        name = "GENERATION_CANCELED" if canceled else "JOB_TRACKING_TIMEOUT"
        raise Refused(code.failure(self._profile, Forced(name), job.route))

    def forced_failure(self, job: Job, wish: Wish) -> Failure | None:
        """Return how the upstream is forced to fail, if it is."""
        if wish.account == "api" and not wish.has_key:
            return code.failure(self._profile, Forced("API_KEY_REQUIRED"), job.route)
        forced = next((each for name, each in job.forced.items() if name in cause.CAUSES), None)
        if forced is not None:
            return self._row(job, wish, forced.name, forced)
        named = code.forced_code(job.forced)
        if named is not None and code.CODES[named.name].moment == "work":
            return code.failure(self._profile, named, job.route)
        if "error_class" in job.forced:
            found = code.failure(self._profile, Forced("UNKNOWN", "502"), job.route)
            return structs.replace(found, error_class=job.forced["error_class"].argument or "NETWORK_FAILURE")
        if "none" in job.forced and job.route != "multimode":
            return self._row(job, wish, "empty")
        return None

    def no_picture(self, job: Job, wish: Wish) -> Failure:
        """Return what it is when no picture came for one of several."""
        return self._row(job, wish, "empty") or code.failure(self._profile, Forced("EMPTY_RESPONSE"), job.route)

    def _row(self, job: Job, wish: Wish, name: str, forced: Forced | None = None) -> Failure | None:
        timeout = forced.number(0) if forced is not None and forced.argument else None
        if job.route == "video":
            return code.failure(self._profile, Forced("GROK_VIDEO_FAILED"), "video")
        return cause.failure(self._profile, job.route, name, wish.asked(), timeout)

    async def fail(self, job: Job, wish: Wish, failure: Failure, partial: OnPartial | None = None) -> None:
        """Spend the time and the calls that a failure costs, then raise it."""
        steps = [step for step, _ in _GROK_STEPS] if wish.is_grok else ["image"]
        if failure.code in ("GROK_SEARCH_TIMEOUT", "GROK_PLANNER_TIMEOUT"):
            steps = steps[: 1 if failure.code == "GROK_SEARCH_TIMEOUT" else 2]
        for _ in range(failure.calls):
            for step in steps:
                self._note(job, wish, step, failure.code or "failed")
        if failure.phase == "streaming":
            await self.pause(job, failure.seconds / 4)
            self._registry.set_phase(job.request_id, "streaming")
            for _ in range(failure.calls if partial is not None and "partials" in job.forced else 0):
                await self._show(job, wish, partial, 1)
            await self.pause(job, failure.seconds * 3 / 4)
        else:
            await self.pause(job, failure.seconds)
        raise Refused(failure)

    async def nothing(self, job: Job, wish: Wish) -> None:
        """Make a call that ends well and brings no picture."""
        self._note(job, wish, "image", "empty")
        self._registry.set_phase(job.request_id, "streaming")
        await self.pause(job, cause.CAUSES["empty"].seconds)

    async def further(self, job: Job, wish: Wish, index: int) -> Shot:
        """Make another picture of a call that is over."""
        return self._shot(job, wish, await self.painter.paint(self._painting(job, wish, index)))

    async def picture(self, job: Job, wish: Wish, index: int, *, partial: OnPartial | None = None) -> Shot:
        """Make one picture, through all phases."""
        seconds = job.forced["slow"].number(PICTURE_S) if "slow" in job.forced else PICTURE_S
        if "retry" in job.forced:
            await self._first_try(job, wish, partial)
        if "refs_dropped" in job.forced:
            self._note(job, wish, "image", "empty")
        for step, share in _GROK_STEPS if wish.is_grok else (("image", 1.0),):
            if step == "image" or index == 0:
                self._note(job, wish, step, "ok")
            if step != "image":
                await self.pause(job, seconds * share)
        rest = seconds * (_GROK_STEPS[-1][1] if wish.is_grok else 1.0)
        await self.pause(job, rest * _QUEUED)
        self._registry.set_phase(job.request_id, "streaming")
        if "stale" in job.forced:
            self._registry.expire(job.request_id)
        if partial is not None and "partials" in job.forced:
            await self._show(job, wish, partial, int(job.forced["partials"].number(2)))
        painted, _ = await asyncio.gather(
            self.painter.paint(self._painting(job, wish, index)), self.pause(job, rest * _STREAMING)
        )
        self._registry.set_phase(job.request_id, "decoding")
        await self.pause(job, rest * _DECODING)
        return self._shot(job, wish, painted)

    async def _first_try(self, job: Job, wish: Wish, partial: OnPartial | None) -> None:
        name = job.forced["retry"].argument or "500"
        if name not in cause.CAUSES:
            return
        self._note(job, wish, "image", name)
        await self.pause(job, cause.CAUSES[name].seconds)
        if partial is not None and cause.CAUSES[name].streaming and "partials" in job.forced:
            await self._show(job, wish, partial, 1)

    async def _show(self, job: Job, wish: Wish, partial: OnPartial | None, count: int) -> None:
        for step in range(count if partial is not None else 0):
            preview = await self.painter.preview(self._painting(job, wish, 0), step)
            if partial is not None:
                await partial(step, preview)

    def _painting(self, job: Job, wish: Wish, index: int) -> Painting:
        width, height = grok_pixels(wish.size) if wish.is_grok else pixels(wish.size)
        references = () if "refs_dropped" in job.forced else wish.references
        return Painting(
            prompt=wish.prompt,
            width=width,
            height=height,
            index=index,
            # OpenAI sends PNG and Grok JPEG, whatever was asked (wire §3, §11).
            format="jpeg" if wish.is_grok else "png",
            source=wish.source if wish.source is not None else next(iter(references), None),
            forced=job.forced,
        )

    def _shot(self, job: Job, wish: Wish, painted: bytes) -> Shot:
        # TAG asks again without web search, HEAD reads the searches of the plain answer (recorded).
        searches = 1 if wish.is_grok or ("upstream_json" in job.forced and not self._profile.is_tag) else 0
        if "searches" in job.forced:
            searches = int(job.forced["searches"].number(3))
        return Shot(
            data=painted,
            revised=None if "norevised" in job.forced else revised(wish, is_json="upstream_json" in job.forced),
            usage=usage(wish),
            searches=searches,
        )

    async def video(self, job: Job, wish: Wish, *, seconds: int, resolution: str, ratio: str, say: OnVideo) -> bytes:
        """Make a video: planned, submitted, then asked after until it is done."""
        total = job.forced["slow"].number(VIDEO_S) if "slow" in job.forced else VIDEO_S
        width, height = video_pixels(resolution, ratio)
        painting = Painting(prompt=wish.prompt, width=width, height=height, source=wish.source, forced=job.forced)
        self._registry.set_phase(job.request_id, "planning")
        await say("planning", {"requestId": job.request_id})
        self._note(job, wish, "planner", "ok")
        await self.pause(job, total * 0.2)
        self._note(job, wish, "video", "ok")
        self._registry.set_phase(job.request_id, "streaming")
        submitted = {"requestId": job.request_id, "xaiVideoRequestId": xai_id(job)}
        models = {"requestedModel": wish.model, "effectiveModel": wish.model, "modelFallback": None}
        await say("submitted", {**submitted, **models})
        made = asyncio.ensure_future(self.painter.shoot(painting, max(seconds, 1 / FRAMES_A_SECOND)))
        for step in range(_PROGRESS_STEPS):
            await self.pause(job, total * 0.8 / _PROGRESS_STEPS)
            progress = round((step + 1) / _PROGRESS_STEPS, 2)
            await say("progress", {"requestId": job.request_id, "progress": progress, "stalled": False})
        return await made

    def _note(self, job: Job, wish: Wish, step: str, outcome: str) -> None:
        call = {"at": milliseconds(), "requestId": job.request_id, "route": job.route, "account": wish.account}
        self._made += 1
        name = f"{self._made}:{milliseconds()}"
        self._emulator.shelf.put(_CALL, name, {**call, "model": wish.model, "step": step, "outcome": outcome})


def xai_id(job: Job) -> str:
    """Return xAI's own id of a video."""
    return f"xai_{zlib.crc32(job.request_id.encode()):08x}"


def revised(wish: Wish, *, is_json: bool = False) -> str:
    """Return the prompt as the upstream rewrote it; `direct` asks it not to (wire §3)."""
    if wish.direct:
        return wish.prompt
    plain = without_tokens(wish.prompt)
    return f"{plain}, in a balanced composition" if is_json else f"{plain}, in fine detail and soft natural light"


def usage(wish: Wish) -> dict[str, Any]:
    """Return the token counts of one upstream call, in OpenAI's form (recorded)."""
    read = 40 + len(wish.prompt.split()) + 765 * (len(wish.references) + (wish.source is not None))
    written = _OUTPUT_TOKENS.get(wish.quality, _OUTPUT_TOKENS["medium"])
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 32},
        "total_tokens": read + written,
    }
