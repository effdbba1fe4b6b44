"""`POST /api/generate`: n pictures in one round of time, always JSON, partial success hidden (wire §3)."""

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from aiohttp import web
from msgspec import structs

from adapters.ima2.sandbox import failure, page
from adapters.ima2.sandbox.express import call_of
from adapters.ima2.sandbox.failure import Failure, Refused
from adapters.ima2.sandbox.faults import forced_of
from adapters.ima2.sandbox.idempotency import Claim, Keys
from adapters.ima2.sandbox.javascript import fixed, tidy, to_text
from adapters.ima2.sandbox.profile import Profile
from adapters.ima2.sandbox.registry import Job, milliseconds
from adapters.ima2.sandbox.server import NO_BODY, Reply, Server, accepted
from adapters.ima2.sandbox.terms import (
    Terms,
    check_moderation,
    check_new_count,
    check_new_prompt,
    check_prompt,
    check_references,
    clamped,
    read_terms,
    reference_sizes,
    refused_on_tag,
)
from adapters.ima2.sandbox.upstream import Shot, Wish


class Generate:
    """The route."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server
        self._keys = Keys(server.emulator.shelf)

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.post("/api/generate", self._post)]

    async def _post(self, request: web.Request) -> web.StreamResponse:
        server, body = self._server, call_of(request).body
        request_id = server.request_id(request)
        if body is None:
            found = Failure(status=500, code="UNKNOWN", message=NO_BODY)
            return page.json_answer(failure.long(found, request_id), status=500)
        claim: Claim | None = None
        try:
            if server.profile.is_new:
                claim = self._keys.claim(request, body, request_id)
                if claim is not None and claim.answer is not None:
                    return claim.answer
            return await self._accepted(request, body, request_id, claim)
        except Refused as refused:
            return self._refusal(refused.failure, request_id, claim)

    def _refusal(self, found: Failure, request_id: str, claim: Claim | None) -> web.StreamResponse:
        if self._server.profile.is_new and not found.nested and not found.bare:
            found = structs.replace(found, extra={**found.extra, "requestId": request_id})
        said = failure.flat(found)
        self._keys.complete(claim, found.status, said)
        return page.json_answer(said, status=found.status, headers=found.headers)

    async def _accepted(
        self, request: web.Request, body: dict[str, Any], request_id: str, claim: Claim | None
    ) -> web.StreamResponse:
        server, forced = self._server, forced_of(request)
        terms, count = self._read(request, body)
        job = Job(request_id=request_id, route="generate", kind="classic", forced=forced)
        if server.profile.is_new:
            check_references(server.profile, body, terms.account)
        server.registry.start(job, body["prompt"], _meta(body, terms, count))
        try:
            references = check_references(server.profile, body, terms.account)
            refused = refused_on_tag(server.profile, body, provider="auto")
            if refused is not None:
                raise refused
        except Refused as refusal:
            found = refusal.failure
            server.registry.finish(request_id, status="error", http_status=found.status, error_code=found.code)
            raise
        asynchronous = server.profile.is_new and body.get("async") is True
        vanished = server.vanished(request, job, asynchronous=asynchronous)
        if vanished is not None:
            return vanished
        wish = Wish(
            account=terms.account,
            model=terms.model,
            prompt=to_text(body["prompt"]),
            size=terms.size,
            quality=terms.quality,
            direct=terms.direct,
            references=references,
            has_key=server.has_key(request),
        )
        work = self._work(job, wish, terms, body, count)
        if not asynchronous:
            return await server.answered(request, self._kept(work, claim))
        server.begin(self._told(job, self._kept(work, claim)))
        return accepted(job)

    def _read(self, request: web.Request, body: dict[str, Any]) -> tuple[Terms, int]:
        """Check in the order of the build: model, effort, prompt, moderation; NEW looks at prompt and count first."""
        server, forced = self._server, forced_of(request)
        server.refuse_if_forced(forced, "generate")
        count = clamped(body.get("n", 1))
        if server.profile.is_new:
            check_new_prompt(body)
            count = check_new_count(body, "n")
        terms = read_terms(server.profile, body, forced, provider="auto")
        check_prompt(body, bare=True)
        check_moderation(terms.moderation, bare=True)
        return terms, count

    async def _kept(self, work: Any, claim: Claim | None) -> Reply:
        """Keep the answer for whoever sends the same Idempotency-Key again."""
        reply: Reply = await work
        self._keys.complete(claim, reply.status, reply.body)
        return reply

    async def _told(self, job: Job, work: Any) -> None:
        """Tell the multiplex how an asynchronous job goes (wire §11)."""
        publish = self._server.bus.publish
        publish(job.request_id, "phase", {"requestId": job.request_id, "phase": "streaming"})
        reply: Reply = await work
        if reply.status == 200:
            publish(job.request_id, "done", reply.body)
        elif reply.body.get("code") != "JOB_TRACKING_TIMEOUT":
            # The registry tells of jobs that it lost sight of itself.
            publish(job.request_id, "error", {**reply.body, "status": reply.status, "requestId": job.request_id})

    async def _work(self, job: Job, wish: Wish, terms: Terms, body: dict[str, Any], count: int) -> Reply:
        server = self._server
        try:
            shots = await self._shots(job, wish, count)
        except Refused as refused:
            found = refused.failure
            server.registry.finish(job.request_id, status="error", http_status=found.status, error_code=found.code)
            return Reply(found.status, _failed(found, job.request_id))
        images = [self._image(job, terms, body, shot, index) for index, shot in enumerate(shots)]
        names = {"filenames": [image["filename"] for image in images], "imageCount": len(images)}
        server.registry.finish(job.request_id, http_status=200, meta=names)
        return Reply(200, _answer(server.profile, job, terms, images, shots, count))

    async def _shots(self, job: Job, wish: Wish, count: int) -> list[Shot]:
        """Make the pictures side by side; those that fail leave no trace as long as one succeeds (recorded)."""
        upstream = self._server.upstream
        found = upstream.forced_failure(job, wish)
        if found is not None:
            made = await asyncio.gather(
                *(upstream.fail(job, wish, found) for _ in range(count)), return_exceptions=True
            )
            raise next(each for each in made if isinstance(each, Refused))
        fewer = int(job.forced["fewer"].number(1)) if "fewer" in job.forced else 0
        fewer = max(fewer, 1 if "n2_one_fails" in job.forced and count > 1 else 0)
        slots = [upstream.picture(job, wish, index) for index in range(max(0, count - fewer))]
        lost = upstream.no_picture(job, wish)
        failing = [upstream.fail(job, wish, lost) for _ in range(count - len(slots))]
        ended = await asyncio.gather(*slots, *failing, return_exceptions=True)
        shots = [each for each in ended if isinstance(each, Shot)]
        trouble = next((each for each in ended if isinstance(each, BaseException)), None)
        if trouble is not None and not (shots and isinstance(trouble, Refused) and not job.stop.is_set()):
            raise trouble
        return shots

    def _image(self, job: Job, terms: Terms, body: dict[str, Any], shot: Shot, index: int) -> dict[str, Any]:
        server = self._server
        filename = server.gallery.new_name(f"_{index}.{terms.extension}")
        created = milliseconds()
        meta = {
            "kind": "classic",
            "requestId": job.request_id,
            "sessionId": text_or_null(body.get("sessionId")),
            "clientNodeId": text_or_null(body.get("clientNodeId")),
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
            "createdAt": created,
            "usage": shot.usage,
            "webSearchCalls": shot.searches,
            "webSearchEnabled": terms.web_search,
            "refsCount": reference_sizes(body)["refsCount"],
        }
        version = None if "wrong_format" in job.forced else server.profile.version
        server.gallery.keep(filename, shot.data, meta, job.forced, version)
        image = {
            "image": data_url(terms.media_type, shot.data),
            "filename": filename,
            "revisedPrompt": shot.revised,
        }
        return {**image, "createdAt": created} if server.profile.is_new else image


def _meta(body: dict[str, Any], terms: Terms, count: int) -> dict[str, Any]:
    return {
        "kind": "classic",
        "sessionId": text_or_null(body.get("sessionId")),
        "parentNodeId": None,
        "clientNodeId": text_or_null(body.get("clientNodeId")),
        "quality": terms.quality,
        "model": terms.model,
        "size": terms.size,
        "n": count,
        **reference_sizes(body),
    }


def _failed(found: Failure, request_id: str) -> dict[str, Any]:
    if found.bare:
        return failure.flat(found)
    if found.code == "GENERATION_CANCELED":
        return {"error": found.message, "code": found.code, "requestId": request_id}
    return failure.long(found, request_id)


def _answer(
    profile: Profile, job: Job, terms: Terms, images: list[dict[str, Any]], shots: Sequence[Shot], count: int
) -> dict[str, Any]:
    """Return the answer, whose form depends on how many were asked, not on how many came (recorded)."""
    elapsed: Any = tidy(round(job.elapsed(), 1)) if profile.is_new else fixed(job.elapsed())
    dropped = {"retryKind": "prompt_only", "hadReferences": True, "referencesDroppedOnRetry": True}
    extra = {
        "usage": summed([shot.usage for shot in shots]),
        "provider": terms.account,
        **({"reasoningEffort": terms.effort} if profile.is_new else {}),
        "webSearchCalls": sum(shot.searches for shot in shots),
        "quality": terms.quality,
        "size": terms.size,
        "moderation": terms.moderation,
        "model": terms.model,
        "warnings": list(terms.warnings),
        "revisedPrompt": images[0]["revisedPrompt"],
        "promptMode": terms.mode,
        "webSearchEnabled": terms.web_search,
        **(dropped if profile.is_new and "refs_dropped" in job.forced else {}),
    }
    if count > 1:
        return {"images": images, "elapsed": elapsed, "count": len(images), "requestId": job.request_id, **extra}
    first = images[0]
    single = {
        "image": first["image"],
        "elapsed": elapsed,
        "filename": first["filename"],
        "requestId": job.request_id,
    }
    made = {"providerUrl": None, "createdAt": first["createdAt"]} if profile.is_new else {}
    return {**single, **made, **extra}


def summed(usages: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Add the token counts up, top-level numbers only: the details stay those of the first picture (wire §3)."""
    if not usages:
        return None
    return {
        name: sum(each[name] for each in usages) if isinstance(value, int) else value
        for name, value in usages[0].items()
    }


def data_url(media_type: str, data: bytes) -> str:
    """Return bytes as a data URL, whatever they are."""
    return f"data:{media_type};base64,{b64encode(data).decode()}"


def text_or_null(value: Any) -> str | None:
    """Return a string, and null for everything else."""
    return value if isinstance(value, str) else None
