"""Routes of sessions, graphs and style sheets (wire §9). A style sheet is kept and never applied."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from adapters.ima2.sandbox import failure, page
from adapters.ima2.sandbox.express import call_of
from adapters.ima2.sandbox.failure import Failure, Refused, check
from adapters.ima2.sandbox.graph import Sessions
from adapters.ima2.sandbox.javascript import truthy
from adapters.ima2.sandbox.server import Server

_LONGEST_TITLE = 200
_NOT_SLICEABLE = '((intermediate value) || "Untitled").slice is not a function'
_SHEET = {
    "palette": ["deep navy", "gold leaf"],
    "composition": "centered portrait",
    "mood": "calm, warm",
    "medium": "oil painting",
    "subject_details": "",
    "negative": ["text"],
}
Route = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SessionRoutes:
    """See the module's docstring."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    @property
    def _sessions(self) -> Sessions:
        return self._server.sessions

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        one, sheet = "/api/sessions/{id}", "/api/sessions/{id}/style-sheet"
        return [
            web.get("/api/sessions", self._all),
            web.post("/api/sessions", told(self._create)),
            web.get(one, told(self._get)),
            web.patch(one, told(self._rename)),
            web.delete(one, told(self._delete)),
            web.put(f"{one}/graph", told(self._save)),
            web.get(sheet, told(self._sheet)),
            web.put(sheet, told(self._put_sheet)),
            web.patch(f"{sheet}/enabled", told(self._enable)),
            web.post(f"{sheet}/extract", told(self._extract)),
        ]

    async def _all(self, _request: web.Request) -> web.StreamResponse:
        return page.json_answer({"sessions": self._sessions.all()})

    async def _create(self, request: web.Request) -> web.StreamResponse:
        title = body_of(request).get("title")
        if not truthy(title):
            title = "Untitled"
        if not isinstance(title, str):
            raise Refused(Failure(status=500, code="DB_ERROR", message=_NOT_SLICEABLE, checked=True))
        return page.json_answer({"session": self._sessions.create(title[:_LONGEST_TITLE])}, status=201)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        session = self._sessions.get(request.match_info["id"])
        kept = {name: value for name, value in session.items() if name not in ("styleSheet", "enabled")}
        return page.json_answer({"session": kept})

    async def _rename(self, request: web.Request) -> web.StreamResponse:
        title = body_of(request).get("title")
        if not isinstance(title, str) or not title.strip():
            raise check("INVALID_TITLE", "Title required")
        self._sessions.change(request.match_info["id"], title=title[:_LONGEST_TITLE])
        return page.json_answer({"ok": True})

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        self._sessions.delete(request.match_info["id"])
        return page.json_answer({"ok": True})

    async def _save(self, request: web.Request) -> web.StreamResponse:
        body = body_of(request)
        nodes, edges = body.get("nodes"), body.get("edges")
        if not isinstance(nodes, list) or not isinstance(edges, list):
            raise check("INVALID_GRAPH", "nodes and edges arrays required")
        saved = self._sessions.save(request.match_info["id"], nodes, edges, request.headers.get("If-Match"))
        return page.json_answer(saved)

    async def _sheet(self, request: web.Request) -> web.StreamResponse:
        session = self._sessions.get(request.match_info["id"])
        return page.json_answer({"styleSheet": session["styleSheet"], "enabled": session["enabled"]})

    async def _put_sheet(self, request: web.Request) -> web.StreamResponse:
        body = body_of(request)
        sheet = body.get("styleSheet", [])
        if sheet is not None and not isinstance(sheet, dict):
            raise check("INVALID_SHEET", "styleSheet must be an object or null")
        enabled = {"enabled": body["enabled"]} if "enabled" in body else {}
        if not all(isinstance(value, bool) for value in enabled.values()):
            raise check("INVALID_ENABLED", "enabled must be boolean when provided")
        self._sessions.change(request.match_info["id"], styleSheet=sheet, **enabled)
        return page.json_answer({"ok": True})

    async def _enable(self, request: web.Request) -> web.StreamResponse:
        enabled = body_of(request).get("enabled")
        if not isinstance(enabled, bool):
            raise check("INVALID_ENABLED", "enabled must be boolean")
        self._sessions.change(request.match_info["id"], enabled=enabled)
        return page.json_answer({"ok": True, "enabled": enabled})

    async def _extract(self, request: web.Request) -> web.StreamResponse:
        if not self._server.has_key(request):
            text = "Style-sheet extraction requires an OpenAI API key. Connect one via setup."
            raise check("STYLE_SHEET_NO_KEY", text)
        prompt = body_of(request).get("prompt")
        if not isinstance(prompt, str) or not prompt.strip():
            raise check("STYLE_SHEET_BAD_INPUT", "prompt required")
        name = request.match_info["id"]
        self._sessions.get(name)
        sheet = {**_SHEET, "subject_details": prompt[:200]}
        self._sessions.change(name, styleSheet=sheet)
        return page.json_answer({"styleSheet": sheet})


def body_of(request: web.Request) -> dict[str, Any]:
    """Return `req.body || {}`."""
    return call_of(request).body or {}


def told(route: Route) -> Route:
    """Return a route whose refusals are told in shape 6."""

    async def telling(request: web.Request) -> web.StreamResponse:
        try:
            return await route(request)
        except Refused as refused:
            found = refused.failure
            return page.json_answer(failure.nested(found), status=found.status, headers=found.headers)

    return telling
