"""`POST /api/node/generate`, `GET /api/node/:id`: a picture that continues another, in JSON or frames (wire §5)."""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from aiohttp import web

from adapters.ima2.sandbox import failure, page
from adapters.ima2.sandbox.express import call_of
from adapters.ima2.sandbox.failure import Failure, Refused, check
from adapters.ima2.sandbox.faults import forced_of
from adapters.ima2.sandbox.generate import data_url, text_or_null
from adapters.ima2.sandbox.javascript import tidy, to_text, truthy
from adapters.ima2.sandbox.registry import Job, milliseconds
from adapters.ima2.sandbox.server import Reply, Server
from adapters.ima2.sandbox.stream import Stream
from adapters.ima2.sandbox.terms import (
    Terms,
    check_moderation,
    check_new_prompt,
    check_references,
    read_terms,
    reference_sizes,
    refused_on_tag,
)
from adapters.ima2.sandbox.upstream import Wish

_CONTEXTS = ("parent-plus-refs", "parent-only", "ancestry")
_SEARCHES = ("off", "auto", "on")
#: NEW reads parents of any format, the others only PNG (wire §5, §11).
_PARENTS = ("png", "jpeg", "webp")


class Node:
    """The routes."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.post("/api/node/generate", self._post), web.get("/api/node/{id}", self._get)]

    async def _get(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        for ending in _PARENTS if self._server.profile.is_new else _PARENTS[:1]:
            meta = self._server.gallery.sidecar(f"{name}.{ending}") if re.fullmatch(r"[\w.-]+", name) else None
            if meta is not None:
                return page.json_answer({"nodeId": name, "meta": meta, "url": f"/generated/{name}.{ending}"})
        found = Failure(status=404, code="NODE_NOT_FOUND", message="Node metadata missing")
        return page.json_answer(failure.nested(found), status=404)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        body = call_of(request).body or {}
        parent = body.get("parentNodeId")
        server = self._server
        job = Job(request_id=server.request_id(request), route="node", kind="node", forced=forced_of(request))
        try:
            server.registry.start(job, body.get("prompt"), _meta(body))
        except Refused as refused:
            found = refused.failure
            said = failure.node_check(found, parent)
            return page.json_answer(said, status=found.status, headers=found.headers)
        try:
            terms, wish = self._checked(request, body)
        except Refused as refused:
            found = refused.failure
            self._failed(job, found)
            is_source = found.code in ("NODE_SOURCE_INVALID", "NODE_NOT_FOUND")
            said = failure.node_source(found, parent) if is_source else failure.node_check(found, parent)
            return page.json_answer(said, status=found.status, headers=found.headers)
        return await self._accepted(request, job, wish, terms, body)

    def _checked(self, request: web.Request, body: dict[str, Any]) -> tuple[Terms, Wish]:
        """Check in the server's order: model, effort, context, prompt, references, moderation, source (wire §5)."""
        server, forced = self._server, forced_of(request)
        server.refuse_if_forced(forced, "node")
        if server.profile.is_new:
            check_new_prompt(body)
        search = _one_of(body.get("searchMode", "on"), _SEARCHES, "on") != "off"
        terms = read_terms(server.profile, body, forced, provider="oauth", search=search)
        if body.get("contextMode") == "ancestry":
            raise check("CONTEXT_MODE_UNSUPPORTED", "Ancestry context is not supported yet.")
        prompt = body.get("prompt")
        if not isinstance(prompt, str) or not prompt:
            raise check("INVALID_PROMPT", "Prompt is required")
        refused = refused_on_tag(server.profile, body, provider="oauth", node=True)
        if refused is not None:
            raise refused
        has_source = truthy(body.get("parentNodeId")) or isinstance(body.get("externalSrc"), str)
        references = check_references(server.profile, body, terms.account, others=int(has_source))
        check_moderation(terms.moderation)
        wish = Wish(
            account=terms.account,
            model=terms.model,
            prompt=prompt,
            size=terms.size,
            quality=terms.quality,
            direct=terms.direct,
            source=self._source(body),
            references=() if body.get("contextMode") == "parent-only" else references,
            has_key=server.has_key(request),
        )
        return terms, wish

    def _source(self, body: dict[str, Any]) -> bytes | None:
        """Return the parent's bytes, or those of a file named by its bare name; a URL is none (recorded)."""
        parent, external = body.get("parentNodeId"), body.get("externalSrc")
        if truthy(parent):
            name = to_text(parent)
            endings = _PARENTS if self._server.profile.is_new else _PARENTS[:1]
            return self._file([f"{name}.{ending}" for ending in endings], "Node")
        if isinstance(external, str) and external:
            return self._file([external], "Asset")
        return None

    def _file(self, names: list[str], what: str) -> bytes:
        for name in names:
            path = None if name.startswith("/") else self._server.gallery.resolve(name)
            if path is None:
                raise check("NODE_SOURCE_INVALID", f"Asset path escapes generated/: {name}")
            if path.is_file():
                return path.read_bytes()
        raise check("NODE_NOT_FOUND", f"{what} file not found: {names[0]}", status=404)

    async def _accepted(
        self, request: web.Request, job: Job, wish: Wish, terms: Terms, body: dict[str, Any]
    ) -> web.StreamResponse:
        server = self._server
        asynchronous = server.profile.is_new and body.get("async") is True
        vanished = server.vanished(request, job, asynchronous=asynchronous)
        if vanished is not None:
            return vanished
        stream = Stream(request, server.publisher(job))
        framed = "text/event-stream" in request.headers.get("Accept", "")
        if not asynchronous and not framed:
            return await server.answered(request, self._work(job, wish, terms, body, None))
        if framed and not asynchronous:
            await stream.open()
        return await server.streamed(
            stream, job, self._streamed(job, wish, terms, body, stream), asynchronous=asynchronous
        )

    async def _streamed(self, job: Job, wish: Wish, terms: Terms, body: dict[str, Any], stream: Stream) -> None:
        await stream.send("phase", {"requestId": job.request_id, "phase": "streaming"})

        async def partial(step: int, preview: bytes) -> None:
            image = data_url(f"image/{terms.extension}", preview)
            await stream.send("partial", {"requestId": job.request_id, "image": image, "index": step})

        # Only a root shows partial pictures, and Grok never does (recorded, wire §11).
        shows = wish.source is None and not wish.is_grok
        reply = await self._work(job, wish, terms, body, partial if shows else None)
        await stream.end("done" if reply.status == 200 else "error", reply.body)

    def _failed(self, job: Job, found: Failure) -> None:
        self._server.registry.finish(job.request_id, status="error", http_status=found.status, error_code=found.code)

    async def _work(
        self,
        job: Job,
        wish: Wish,
        terms: Terms,
        body: dict[str, Any],
        partial: Callable[[int, bytes], Awaitable[None]] | None,
    ) -> Reply:
        server, parent = self._server, body.get("parentNodeId")
        try:
            found = server.upstream.forced_failure(job, wish)
            if found is None and "fewer" in job.forced:
                found = server.upstream.no_picture(job, wish)
            if found is not None:
                await server.upstream.fail(job, wish, found, partial)
            shot = await server.upstream.picture(job, wish, 0, partial=partial)
        except Refused as refused:
            self._failed(job, refused.failure)
            return Reply(refused.failure.status, failure.node_long(refused.failure, parent))
        node = f"n_{token_hex(5)}"
        filename = f"{node}.{terms.extension}"
        elapsed = tidy(round(job.elapsed(), 1))
        context = _one_of(body.get("contextMode"), _CONTEXTS, _CONTEXTS[0])
        search = _one_of(body.get("searchMode"), _SEARCHES, "on")
        now = milliseconds()
        options = {
            "quality": terms.quality,
            "size": terms.size,
            "format": terms.stored_format,
            "moderation": terms.moderation,
        }
        meta = {
            "nodeId": node,
            "parentNodeId": parent,
            "sessionId": text_or_null(body.get("sessionId")),
            "clientNodeId": text_or_null(body.get("clientNodeId")),
            "prompt": wish.prompt,
            "userPrompt": wish.prompt,
            "revisedPrompt": shot.revised,
            "promptMode": terms.mode,
            "options": options,
            "model": terms.model,
            "createdAt": now,
            "createdAtIso": _iso(now),
            "elapsed": elapsed,
            "usage": shot.usage,
            "webSearchCalls": shot.searches,
            "webSearchEnabled": terms.web_search,
            "contextMode": context,
            "searchMode": search,
            "provider": terms.account,
            "kind": "generate" if wish.source is None else "edit",
            "requestId": job.request_id,
            "refsCount": len(wish.references),
            **options,
        }
        version = None if "wrong_format" in job.forced else server.profile.version
        server.gallery.keep(filename, shot.data, meta, job.forced, version)
        image = data_url(f"image/{terms.extension}", shot.data)
        made = {"nodeId": node, "filename": filename, "imageChars": len(image.partition(",")[2])}
        server.registry.finish(job.request_id, http_status=200, meta=made)
        answer = {
            "nodeId": node,
            "parentNodeId": parent,
            "requestId": job.request_id,
            "image": image,
            "filename": filename,
            "url": f"/generated/{filename}",
            "elapsed": elapsed,
            "usage": shot.usage,
            "webSearchCalls": shot.searches,
            "webSearchEnabled": terms.web_search,
            "provider": terms.account,
            "model": terms.model,
            "size": terms.size,
            "moderation": terms.moderation,
            "refsCount": len(wish.references),
            "contextMode": context,
            "searchMode": search,
            "warnings": list(terms.warnings),
            "revisedPrompt": shot.revised,
            "promptMode": terms.mode,
        }
        return Reply(200, answer)


def _meta(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "node",
        "sessionId": text_or_null(body.get("sessionId")),
        "parentNodeId": body.get("parentNodeId"),
        "clientNodeId": text_or_null(body.get("clientNodeId")),
        **reference_sizes(body),
    }


def _one_of(value: Any, known: tuple[str, ...], default: str) -> str:
    return value if value in known else default


def _iso(milli: int) -> str:
    return datetime.fromtimestamp(milli / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
