"""One ima2 server, put together: what its routes share, and how work is begun, lost, watched and answered."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, TypeVar

from aiohttp import web
from msgspec import Struct

from adapters.ima2.sandbox import code, page
from adapters.ima2.sandbox.bus import Bus
from adapters.ima2.sandbox.express import call_of, good_id
from adapters.ima2.sandbox.failure import Refused, Route
from adapters.ima2.sandbox.faults import forced_of
from adapters.ima2.sandbox.gallery import Gallery
from adapters.ima2.sandbox.graph import Sessions
from adapters.ima2.sandbox.profile import Profile
from adapters.ima2.sandbox.registry import Job, Registry
from adapters.ima2.sandbox.stream import Stream
from adapters.ima2.sandbox.upstream import Upstream
from adapters.kit.emulator import Emulator, cut
from adapters.kit.scenario import Forced

T = TypeVar("T")
#: A missing body is `undefined` to a route that takes it apart (recorded: no_content_type).
NO_BODY = "Cannot destructure property 'prompt' of 'req.body' as it is undefined."


class Reply(Struct, frozen=True):
    """What a piece of work has to say in the end."""

    status: int
    body: dict[str, Any]


class Server:
    """The parts of one server."""

    def __init__(self, emulator: Emulator, profile: Profile) -> None:
        """Put the parts together over one memory."""
        self.emulator = emulator
        self.profile = profile
        self.bus = Bus(emulator.speed)
        self.registry = Registry(emulator.shelf, profile, emulator.speed, self.bus.publish)
        self.gallery = Gallery(emulator.dir, emulator.shelf, is_new=profile.is_new)
        self.upstream = Upstream(emulator, profile, self.registry)
        self.sessions = Sessions(emulator.shelf)

    def has_key(self, request: web.Request) -> bool:
        """Say whether the server has an OpenAI key, as far as a request can tell."""
        return not self.profile.is_tag and (self.profile.has_key or "api_key" in forced_of(request))

    def request_id(self, request: web.Request, *names: str) -> str:
        """Return a job's id: the body's if it is a string (NEW: and a good one), else the header's (wire §3, §11)."""
        call = call_of(request)
        for name in names or ("requestId",):
            given = (call.body or {}).get(name)
            if isinstance(given, str) and (good_id(given) or not self.profile.is_new):
                return given
        return call.id

    def refuse_if_forced(self, forced: dict[str, Forced], route: Route) -> None:
        """Raise what a check is forced to find."""
        named = code.forced_code(forced)
        if named is not None and code.CODES[named.name].moment == "check":
            raise Refused(code.failure(self.profile, named, route))

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin work that goes on to its end, whether or not the client is still there (wire §7)."""
        task = asyncio.ensure_future(work)
        self.emulator.run(_until(task))
        return task

    def vanished(self, request: web.Request, job: Job, *, asynchronous: bool) -> web.StreamResponse | None:
        """Accept a job and let it vanish, or leave only its row behind, where that is forced."""
        if "lost" in job.forced:
            self.registry.forget(job.request_id)
        elif "phantom" not in job.forced:
            return None
        return accepted(job) if asynchronous else cut(request)

    async def answered(self, request: web.Request, work: Coroutine[Any, Any, Reply]) -> web.StreamResponse:
        """Begin work and answer when it is done; where the answer is forced to be lost, at once."""
        task = self.begin(work)
        if forced_of(request).keys() & {"cut", "hang"}:
            return web.Response()
        reply = await asyncio.shield(task)
        return page.json_answer(reply.body, status=reply.status)

    def publisher(self, job: Job) -> Callable[[str, dict[str, Any]], None] | None:
        """Return whom else to tell of a job's frames: NEW tells its multiplex too (wire §11)."""
        if not self.profile.is_new:
            return None
        return partial(self.bus.publish, job.request_id)

    async def streamed(
        self, stream: Stream, job: Job, work: Coroutine[Any, Any, None], *, asynchronous: bool
    ) -> web.StreamResponse:
        """Begin work that sends frames, and answer when the last one is sent; asynchronously, at once with 202."""
        task = self.begin(work)
        if asynchronous:
            return accepted(job)
        if not stream.is_mute:
            await asyncio.shield(task)
        return stream.response()


def accepted(job: Job) -> web.Response:
    """Answer 202; generate says that it is asynchronous, the others do not (wire §11)."""
    said = {"async": True} if job.route == "generate" else {}
    return page.json_answer({"requestId": job.request_id, **said}, status=202)


async def _until(task: "asyncio.Task[Any]") -> None:
    await task
