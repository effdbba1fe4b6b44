"""Routes of agent mode: sessions, turns that answer when done, and a queue (wire §11, seed 000; documented)."""

import asyncio
from typing import Any

from aiohttp import web

from adapters.ima2.sandbox import failure, page
from adapters.ima2.sandbox.failure import Refused, check
from adapters.ima2.sandbox.faults import forced_of
from adapters.ima2.sandbox.painter import pixels
from adapters.ima2.sandbox.registry import Job, milliseconds
from adapters.ima2.sandbox.server import Server
from adapters.ima2.sandbox.session import Route, body_of
from adapters.ima2.sandbox.upstream import Wish
from adapters.ima2.sandbox.workspace import Workspace
from adapters.kit.scenario import Forced

_HELP = "Commands: /help, /question <text>, /generate <prompt>, /variants <n> <prompt>, /parallelism <n>"
_ENDED = ("failed", "canceled")
_SETTINGS = ("provider", "quality", "size", "format", "moderation", "model", "reasoningEffort")


class Agent:
    """The routes."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server
        self._workspace = Workspace(server.emulator.shelf)
        self._running: dict[str, Job] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        one, item = "/api/agent/sessions/{id}", "/api/agent/queue/{item}"
        return [
            web.get("/api/agent/sessions", _told(self._all)),
            web.post("/api/agent/sessions", _told(self._create)),
            web.get(one, _told(self._get)),
            web.patch(one, _told(self._change)),
            web.delete(one, _told(self._delete)),
            web.post(f"{one}/turns", _told(self._turn)),
            web.get(f"{one}/queue", _told(self._queue)),
            web.post(f"{one}/queue", _told(self._enqueue)),
            web.post(f"{item}/cancel", _told(self._cancel)),
            web.post(f"{item}/retry", _told(self._retry)),
        ]

    async def _all(self, request: web.Request) -> web.StreamResponse:
        return page.json_answer(self._workspace.payload(request.query.get("selectedSessionId")))

    async def _create(self, request: web.Request) -> web.StreamResponse:
        body = body_of(request)
        name = self._workspace.create(body.get("title"), web_search=body.get("webSearchEnabled") is not False)
        return page.json_answer(self._workspace.payload(name), status=201)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        self._workspace.session(name)
        return page.json_answer(self._workspace.payload(name))

    async def _change(self, request: web.Request) -> web.StreamResponse:
        name, body = request.match_info["id"], body_of(request)
        session = self._workspace.session(name)
        if isinstance(body.get("title"), str) and body["title"].strip():
            self._workspace.change(name, title=body["title"][:200])
        if isinstance(body.get("webSearchEnabled"), bool):
            self._workspace.change(name, webSearchEnabled=body["webSearchEnabled"])
        if isinstance(body.get("generationSettings"), dict):
            settings = {**session["generationSettings"], **body["generationSettings"]}
            self._workspace.change(name, generationSettings=settings)
        if "currentImageId" in body:
            self._workspace.select_image(name, body["currentImageId"])
        return page.json_answer(self._workspace.payload(name))

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        self._workspace.delete(request.match_info["id"])
        return page.json_answer(self._workspace.payload(None))

    async def _turn(self, request: web.Request) -> web.StreamResponse:
        name, body = request.match_info["id"], body_of(request)
        prompt = _prompt(body)
        settings = self._settings(name, body)
        self._workspace.add_turn(name, "user", prompt)
        request_id = self._server.request_id(request)
        task = self._server.begin(self._make(name, prompt, settings, request_id, forced_of(request)))
        if forced_of(request).keys() & {"cut", "hang"}:
            return web.Response()
        found = await asyncio.shield(task)
        if isinstance(found, Refused):
            raise found
        return page.json_answer(self._workspace.payload(name))

    async def _queue(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["id"]
        self._workspace.session(name)
        return page.json_answer({"queue": self._workspace.items(name)})

    async def _enqueue(self, request: web.Request) -> web.StreamResponse:
        """Put a prompt into the queue, or answer a slash command at once."""
        name, body = request.match_info["id"], body_of(request)
        self._workspace.session(name)
        prompt = _prompt(body)
        self._workspace.add_turn(name, "user", prompt)
        command, _, rest = prompt.partition(" ") if prompt.startswith("/") else ("", "", prompt)
        if command in ("/help", "/question"):
            answer = _HELP if command == "/help" else f"About your question: {rest.strip() or 'what would you like?'}"
            self._workspace.add_turn(name, "assistant", answer)
            return page.json_answer({"queueItem": None, "workspace": self._workspace.payload(name)})
        item = self._workspace.add_item(name, rest.strip() or prompt, self._settings(name, body))
        self._server.begin(self._run(item["id"], forced_of(request)))
        return page.json_answer({"queueItem": item, "workspace": self._workspace.payload(name)}, status=202)

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        item = self._workspace.item(request.match_info["item"])
        if item["status"] not in ("queued", "running"):
            text = "Only queued or running Agent work can be canceled."
            raise check("AGENT_QUEUE_CANCEL_FAILED", text, status=409)
        reason = {"errorCode": "canceled", "errorMessage": "Canceled by user"}
        self._workspace.put_item({**item, "status": "canceled", "finishedAt": milliseconds(), **reason})
        self._server.registry.cancel(item["requestId"])
        return page.json_answer(self._workspace.payload(item["sessionId"]))

    async def _retry(self, request: web.Request) -> web.StreamResponse:
        item = self._workspace.item(request.match_info["item"])
        if item["status"] not in _ENDED:
            text = "Only failed or canceled Agent work can be retried."
            raise check("AGENT_QUEUE_RETRY_FAILED", text, status=409)
        fresh = {"status": "queued", "errorCode": None, "errorMessage": None, "startedAt": None, "finishedAt": None}
        self._workspace.put_item({**item, **fresh})
        self._server.begin(self._run(item["id"], {}))
        return page.json_answer(self._workspace.payload(item["sessionId"]))

    async def _run(self, name: str, forced: dict[str, Forced]) -> None:
        """Carry an item of the queue to its end."""
        item = {**self._workspace.item(name), "status": "running", "startedAt": milliseconds()}
        self._workspace.put_item(item)
        made = await self._make(item["sessionId"], item["prompt"], item["options"], item["requestId"], forced)
        now = self._workspace.item(name)
        if now["status"] == "canceled":
            return
        if isinstance(made, Refused):
            reason = {"errorCode": made.failure.code, "errorMessage": made.failure.message}
            self._workspace.put_item({**now, "status": "failed", "finishedAt": milliseconds(), **reason})
            return
        ended = {"status": "succeeded", "finishedAt": milliseconds(), "resultImageIds": [made]}
        self._workspace.put_item({**now, **ended})

    async def _make(
        self, session: str, prompt: str, settings: dict[str, Any], request_id: str, forced: dict[str, Forced]
    ) -> str | Refused:
        """Make a picture for a session; return its id, or why there is none."""
        server = self._server
        job = Job(request_id=request_id, route="generate", kind="agent", forced=forced)
        wish = Wish(
            account=settings["provider"] if settings["provider"] in ("api", "grok") else "oauth",
            model=settings["model"],
            prompt=prompt,
            size=settings["size"],
            quality=settings["quality"],
            has_key=server.profile.has_key,
        )
        try:
            server.registry.start(job, prompt, {"kind": "agent", "sessionId": session, "model": wish.model})
            found = server.upstream.forced_failure(job, wish)
            if found is not None:
                await server.upstream.fail(job, wish, found)
            shot = await server.upstream.picture(job, wish, 0)
        except Refused as refused:
            code, status = refused.failure.code, refused.failure.status
            server.registry.finish(request_id, status="error", http_status=status, error_code=code)
            self._workspace.add_turn(session, "assistant", refused.failure.message, status="error")
            return refused
        filename = server.gallery.new_name("_agent.jpeg" if wish.is_grok else "_agent.png")
        meta = {
            "kind": "agent",
            "requestId": request_id,
            "sessionId": session,
            "prompt": prompt,
            "revisedPrompt": shot.revised,
            "quality": wish.quality,
            "size": wish.size,
            "format": "jpeg" if wish.is_grok else "png",
            "model": wish.model,
            "provider": wish.account,
            "createdAt": milliseconds(),
            "usage": shot.usage,
        }
        server.gallery.keep(filename, shot.data, meta, forced, server.profile.version)
        server.registry.finish(request_id, http_status=200, meta={"filename": filename})
        image = self._workspace.add_image(session, filename, prompt, shot.revised, pixels(wish.size))
        self._workspace.add_turn(session, "tool", "ima2.generate_image", images=(image,))
        self._workspace.add_turn(session, "assistant", "Done - I generated the image.", images=(image,))
        return image

    def _settings(self, name: str, body: dict[str, Any]) -> dict[str, Any]:
        session = self._workspace.session(name)
        options = body.get("options") if isinstance(body.get("options"), dict) else {}
        given = {field: body[field] for field in _SETTINGS if isinstance(body.get(field), str) and body[field].strip()}
        return {**session["generationSettings"], **(options or {}), **given}


def _prompt(body: dict[str, Any]) -> str:
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise check("AGENT_PROMPT_REQUIRED", "Prompt is required")
    return prompt.strip()


def _told(route: Route) -> Route:
    """Return a route whose refusals say their code twice (wire §11)."""

    async def telling(request: web.Request) -> web.StreamResponse:
        try:
            return await route(request)
        except Refused as refused:
            found = refused.failure
            return page.json_answer(failure.both(found), status=found.status, headers=found.headers)

    return telling
