"""`POST /api/edit`: one picture changed, always PNG, never retried, its request id kept only in memory (wire §4)."""

from typing import Any

from aiohttp import web

from adapters.ima2.sandbox import failure, page
from adapters.ima2.sandbox.express import call_of
from adapters.ima2.sandbox.failure import Failure, Refused, check
from adapters.ima2.sandbox.faults import forced_of
from adapters.ima2.sandbox.generate import data_url, text_or_null
from adapters.ima2.sandbox.javascript import fixed, tidy, to_text, truthy
from adapters.ima2.sandbox.mask import check_mask, read_source
from adapters.ima2.sandbox.registry import Job, milliseconds
from adapters.ima2.sandbox.server import NO_BODY, Reply, Server
from adapters.ima2.sandbox.terms import (
    Terms,
    check_moderation,
    check_new_prompt,
    check_references,
    read_terms,
    refused_on_tag,
)
from adapters.ima2.sandbox.upstream import Wish


class Edit:
    """The route."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """Return the route."""
        return [web.post("/api/edit", self._post)]

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = call_of(request).body
        if body is None:
            return page.json_answer({"error": NO_BODY, "code": "UNKNOWN"}, status=500)
        try:
            return await self._accepted(request, body)
        except Refused as refused:
            found = refused.failure
            return page.json_answer(failure.flat(found), status=found.status, headers=found.headers)

    async def _accepted(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        server, forced = self._server, forced_of(request)
        server.refuse_if_forced(forced, "edit")
        if server.profile.is_new:
            check_new_prompt(body)
        terms = read_terms(server.profile, body, forced, provider="oauth")
        job = Job(request_id=server.request_id(request), route="edit", kind="classic", forced=forced)
        meta = {"kind": "edit", "sessionId": text_or_null(body.get("sessionId")), "quality": terms.quality}
        server.registry.start(job, body.get("prompt"), {**meta, "model": terms.model, "size": terms.size})
        try:
            self._check(body, terms)
            source = read_source(body["image"])
        except Refused as refused:
            self._failed(job, refused.failure)
            raise
        vanished = server.vanished(request, job, asynchronous=False)
        if vanished is not None:
            return vanished
        wish = Wish(
            account=terms.account,
            model=terms.model,
            prompt=to_text(body["prompt"]),
            size=terms.size,
            quality=terms.quality,
            direct=terms.direct,
            # HEAD sends the mask as a second picture and a sentence: it guides, and keeps nothing (wire §4).
            source=source,
            has_key=server.has_key(request),
        )
        return await server.answered(request, self._work(job, wish, terms, body))

    def _check(self, body: dict[str, Any], terms: Terms) -> None:
        profile = self._server.profile
        if not truthy(body.get("prompt")) or not truthy(body.get("image")):
            raise check("INVALID_EDIT_INPUT", "Prompt and image are required", bare=True)
        mask = body.get("mask")
        if profile.is_tag and mask is not None:
            text = "Masked edit is not supported by the current OAuth image provider"
            raise check("EDIT_MASK_NOT_SUPPORTED", text)
        if terms.account == "grok" and mask is not None:
            raise check("GROK_MASK_UNSUPPORTED", "Grok image editing does not support masks")
        check_mask(body["image"], mask)
        check_moderation(terms.moderation, bare=True)
        if profile.is_new and terms.account == "grok":
            check_references(profile, body, terms.account, others=1)
        refused = refused_on_tag(profile, body, provider="oauth")
        if refused is not None:
            raise refused

    def _failed(self, job: Job, found: Failure) -> None:
        self._server.registry.finish(job.request_id, status="error", http_status=found.status, error_code=found.code)

    async def _work(self, job: Job, wish: Wish, terms: Terms, body: dict[str, Any]) -> Reply:
        server = self._server
        try:
            found = server.upstream.forced_failure(job, wish)
            if found is None and "fewer" in job.forced:
                found = server.upstream.no_picture(job, wish)
            if found is not None:
                await server.upstream.fail(job, wish, found)
            shot = await server.upstream.picture(job, wish, 0)
        except Refused as refused:
            self._failed(job, refused.failure)
            return Reply(refused.failure.status, failure.flat(refused.failure))
        extension = "jpeg" if terms.account == "grok" else "png"
        filename = server.gallery.new_name(f".{extension}")
        meta = {
            "prompt": body["prompt"],
            "userPrompt": body["prompt"],
            "revisedPrompt": shot.revised,
            "promptMode": terms.mode,
            "quality": terms.quality,
            "size": terms.size,
            "moderation": terms.moderation,
            "model": terms.model,
            "format": extension,
            "provider": terms.account,
            "kind": "edit",
            "createdAt": milliseconds(),
            "usage": shot.usage,
            "webSearchCalls": shot.searches,
            "webSearchEnabled": terms.web_search,
        }
        server.gallery.keep(filename, shot.data, meta, job.forced)
        image = data_url(f"image/{extension}", shot.data)
        server.registry.finish(
            job.request_id, http_status=200, meta={"filename": filename, "imageChars": len(image.partition(",")[2])}
        )
        answer = {
            "image": image,
            "elapsed": tidy(round(job.elapsed(), 1)) if server.profile.is_new else fixed(job.elapsed()),
            "filename": filename,
            "usage": shot.usage,
            "provider": terms.account,
            "model": terms.model,
            "moderation": terms.moderation,
            "warnings": list(terms.warnings),
            "revisedPrompt": shot.revised,
            "promptMode": terms.mode,
            "webSearchCalls": shot.searches,
            "webSearchEnabled": terms.web_search,
        }
        return Reply(200, answer)
