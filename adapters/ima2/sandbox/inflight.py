"""Routes of the in-flight registry (wire §7, §11)."""

from aiohttp import web

from adapters.ima2.sandbox import page
from adapters.ima2.sandbox.server import Server


class Inflight:
    """The routes."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/api/inflight", self._all), web.delete("/api/inflight/{id}", self._cancel)]

    async def _all(self, request: web.Request) -> web.StreamResponse:
        kind, session = request.query.get("kind"), request.query.get("sessionId")
        body = {"jobs": self._server.registry.rows(kind, session)}
        if request.query.get("includeTerminal") in ("1", "true"):
            body["terminalJobs"] = self._server.registry.ends(kind, session)
        return page.json_answer(body)

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        """Forget a row with 204 for any id, or on NEW stop the work and say what was done."""
        said = self._server.registry.cancel(request.match_info["id"])
        return page.json_answer(said) if self._server.profile.is_new else web.Response(status=204)
