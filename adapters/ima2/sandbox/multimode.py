"""`POST /api/generate/multimode`: several pictures of one upstream call, in frames even for errors (wire §6)."""

import asyncio
from secrets import token_hex
from typing import Any

from aiohttp import web

from adapters.ima2.sandbox import failure, page
from adapters.ima2.sandbox.express import call_of
from adapters.ima2.sandbox.failure import Failure, Refused
from adapters.ima2.sandbox.faults import forced_of
from adapters.ima2.sandbox.generate import data_url
from adapters.ima2.sandbox.javascript import base36, fixed, tidy, to_number, to_text
from adapters.ima2.sandbox.profile import MAX_IMAGES
from adapters.ima2.sandbox.registry import Job, milliseconds
from adapters.ima2.sandbox.server import NO_BODY, Server
from adapters.ima2.sandbox.stream import Stream
from adapters.ima2.sandbox.terms import (
    Terms,
    check_moderation,
    check_new_count,
    check_new_prompt,
    check_prompt,
    check_references,
    read_terms,
    reference_sizes,
    refused_on_tag,
)
from adapters.ima2.sandbox.upstream import Shot, Wish, usage

_MARKS = "ABCDEFGH"


class Multimode:
    """The route."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.post("/api/generate/multimode", self._post)]

    async def _post(self, request: web.Request) -> web.StreamResponse:
        server, body = self._server, call_of(request).body
        job = Job(request_id=server.request_id(request), route="multimode", kind="multimode", forced=forced_of(request))
        stream = Stream(request, server.publisher(job))
        if body is None:
            missing = Failure(status=500, code="UNKNOWN", message=NO_BODY)
            return await self._refused(stream, job, missing, asynchronous=False)
        asynchronous = server.profile.is_new and body.get("async") is True
        try:
            terms, wish, count = self._checked(request, body)
            server.registry.start(job, body["prompt"], _meta(body, terms, count))
        except Refused as refused:
            return await self._refused(stream, job, refused.failure, asynchronous=asynchronous)
        vanished = server.vanished(request, job, asynchronous=asynchronous)
        if vanished is not None:
            return vanished
        if not asynchronous:
            await stream.open()
        work = self._work(stream, job, wish, terms, body, count)
        return await server.streamed(stream, job, work, asynchronous=asynchronous)

    async def _refused(self, stream: Stream, job: Job, found: Failure, *, asynchronous: bool) -> web.StreamResponse:
        """Send a frame with HTTP 200; NEW answers plain JSON for its own checks and to those who do not wait."""
        if found.nested:
            return page.json_answer(failure.nested(found), status=found.status, headers=found.headers)
        said = failure.frame(found, job.request_id)
        if asynchronous:
            return page.json_answer(said, status=found.status, headers=found.headers)
        await stream.open()
        await stream.end("error", said)
        return stream.response()

    def _checked(self, request: web.Request, body: dict[str, Any]) -> tuple[Terms, Wish, int]:
        server, forced = self._server, forced_of(request)
        server.refuse_if_forced(forced, "multimode")
        count = _clamped(body.get("maxImages"))
        if server.profile.is_new:
            check_new_prompt(body)
            count = check_new_count(body, "maxImages")
        terms = read_terms(server.profile, body, forced, provider="auto")
        prompt = check_prompt(body)
        check_moderation(terms.moderation)
        references = check_references(server.profile, body, terms.account)
        refused = refused_on_tag(server.profile, body, provider="auto")
        if refused is not None:
            raise refused
        wish = Wish(
            account=terms.account,
            model=terms.model,
            prompt=to_text(prompt),
            size=terms.size,
            quality=terms.quality,
            direct=terms.direct,
            references=references,
            has_key=server.has_key(request),
        )
        return terms, wish, count

    async def _work(self, stream: Stream, job: Job, wish: Wish, terms: Terms, body: dict[str, Any], count: int) -> None:
        server = self._server
        sequence = f"seq_{base36(milliseconds())}_{token_hex(4)}"
        started = {"phase": "streaming", "requestId": job.request_id, "sequenceId": sequence, "maxImages": count}
        await stream.send("phase", started)

        async def partial(step: int, preview: bytes) -> None:
            image = data_url(terms.media_type, preview)
            await stream.send(
                "partial", {"image": image, "requestId": job.request_id, "sequenceId": sequence, "index": step}
            )

        try:
            shots = await self._shots(job, wish, count, partial)
        except Refused as refused:
            found = refused.failure
            server.registry.finish(job.request_id, status="error", http_status=found.status, error_code=found.code)
            await stream.end("error", failure.frame(found, job.request_id))
            return
        status = "empty" if not shots else "partial" if len(shots) < count else "complete"
        totals = {"sequenceTotalRequested": count, "sequenceTotalReturned": len(shots), "sequenceStatus": status}
        images = [
            self._image(job, terms, body, shot, {"sequenceId": sequence, "sequenceIndex": place, **totals})
            for place, shot in enumerate(shots, 1)
        ]
        for image in images:
            await stream.send("image", image)
        made = {"sequenceId": sequence, "imageCount": len(images), "maxImages": count, "status": status}
        server.registry.finish(job.request_id, http_status=200, meta=made)
        await stream.end("done", self._done(job, wish, terms, sequence, status, images, shots, count))

    async def _shots(self, job: Job, wish: Wish, count: int, partial: Any) -> list[Shot]:
        """Make all pictures in one call; no picture at all is no error here (recorded: multimode_empty)."""
        upstream = self._server.upstream
        found = upstream.forced_failure(job, wish)
        if found is not None:
            await upstream.fail(job, wish, found, partial)
        fewer = int(job.forced["fewer"].number(1)) if "fewer" in job.forced else 0
        wanted = max(0, count - max(fewer, int("n2_one_fails" in job.forced and count > 1)))
        if not wanted or job.forced.keys() & {"none", "empty", "failed_stream"}:
            await upstream.nothing(job, wish)
            return []
        first = await upstream.picture(job, wish, 0, partial=partial)
        others = await asyncio.gather(*(upstream.further(job, wish, place) for place in range(1, wanted)))
        return [first, *others]

    def _image(self, job: Job, terms: Terms, body: dict[str, Any], shot: Shot, place: dict[str, Any]) -> dict[str, Any]:
        server, index = self._server, place["sequenceIndex"] - 1
        filename = server.gallery.new_name(f"_multimode_{index}.{terms.extension}")
        meta = {
            "kind": "multimode-image",
            "generationStrategy": "one-call-text-sequence",
            **place,
            "stageLabel": _MARKS[index],
            "requestId": job.request_id,
            "prompt": body["prompt"],
            "userPrompt": body["prompt"],
            "revisedPrompt": shot.revised,
            "promptMode": terms.mode,
            "quality": terms.quality,
            "size": terms.size,
            "format": terms.stored_format,
            "moderation": terms.moderation,
            "model": terms.model,
            "provider": terms.account,
            "createdAt": milliseconds(),
            "usage": shot.usage,
            "webSearchCalls": shot.searches,
            "webSearchEnabled": terms.web_search,
            "refsCount": reference_sizes(body)["refsCount"],
        }
        version = None if "wrong_format" in job.forced else server.profile.version
        server.gallery.keep(filename, shot.data, meta, job.forced, version)
        image = data_url(terms.media_type, shot.data)
        return {"image": image, "filename": filename, "revisedPrompt": shot.revised, **place}

    def _done(
        self,
        job: Job,
        wish: Wish,
        terms: Terms,
        sequence: str,
        status: str,
        images: list[dict[str, Any]],
        shots: list[Shot],
        count: int,
    ) -> dict[str, Any]:
        elapsed = tidy(round(job.elapsed(), 1)) if self._server.profile.is_new else fixed(job.elapsed())
        return {
            "ok": True,
            "requestId": job.request_id,
            "sequenceId": sequence,
            "requested": count,
            "returned": len(images),
            "status": status,
            "elapsed": elapsed,
            "images": images,
            "provider": terms.account,
            "quality": terms.quality,
            "size": terms.size,
            "moderation": terms.moderation,
            "model": terms.model,
            # A failed stream reports no usage (recorded: tag_multimode_up_failed_stream).
            "usage": None if "failed_stream" in job.forced else usage(wish),
            "webSearchCalls": shots[0].searches if shots else 0,
            "webSearchEnabled": terms.web_search,
            "warnings": list(terms.warnings),
            "extraIgnored": int(job.forced["extra"].number(1)) if "extra" in job.forced else 0,
            "promptMode": terms.mode,
        }


def _clamped(given: Any) -> int:
    """Return `Math.trunc(Number(given) || 1)`, between 1 and 8."""
    number = to_number(to_text(given)) if given is not None else None
    return min(MAX_IMAGES, max(1, int(number or 1)))


def _meta(body: dict[str, Any], terms: Terms, count: int) -> dict[str, Any]:
    return {
        "kind": "multimode",
        "quality": terms.quality,
        "model": terms.model,
        "size": terms.size,
        "maxImages": count,
        **reference_sizes(body),
    }
