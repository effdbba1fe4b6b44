"""What needs no key: health, configuration, terminals and the socket; and the logs, which do (wire §2, §7.1, §7.7).

The real `/api/terminal` also has routes that start commands on the machine. They do not exist here.
"""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from adapters.kit.emulator import json_response
from adapters.sdcpp.sandbox.auth import demanded_key, sent_key
from adapters.sdcpp.sandbox.binding import parse_int
from adapters.sdcpp.sandbox.express import Express
from adapters.sdcpp.sandbox.model import DEFAULT, UPSTREAM
from adapters.sdcpp.sandbox.studio import Studio

ALL_LOGS = 100
JOB_LOGS = 50


class PublicRoutes:
    """`/api/health`, `/api/config`, `/api/terminal`, `/api/logs`, `/ws`."""

    def __init__(self, studio: Studio) -> None:
        """Take the server."""
        self._studio = studio

    def register(self, app: web.Application, express: Express) -> None:
        """Add the routes."""
        app.router.add_get("/api/health", self.health)
        app.router.add_get("/api/config", self.config)
        app.router.add_get("/api/terminal/recent-logs", self.no_logs)
        app.router.add_get("/api/terminal/{what:sessions|pty}", self.no_sessions)
        app.router.add_get("/api/logs", express.guarded(self.logs))
        app.router.add_get("/api/generations/{job}/logs", express.guarded(self.logs))
        app.router.add_get("/ws", self.socket)

    async def health(self, _request: web.Request) -> web.StreamResponse:
        """Say that the server is up, and nothing about worker, models or upstream."""
        now = datetime.fromtimestamp(self._studio.emulator.now(), UTC)
        stamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return json_response({"status": "ok", "timestamp": stamp})

    async def config(self, request: web.Request) -> web.StreamResponse:
        """Show the configuration; it tells whether the sent key is right."""
        demanded, sent = demanded_key(request, self._studio.api_key), sent_key(request)
        body: dict[str, Any] = {"sdApiEndpoint": UPSTREAM, "model": DEFAULT}
        if self._studio.profile.name == "seed":
            return json_response({**body, "authRequired": bool(demanded)})
        keys = {"authEnabled": bool(demanded), "keyPassed": bool(sent), "keyValid": bool(demanded) and sent == demanded}
        return json_response({**body, **keys, "terminalUiMode": False})

    async def no_logs(self, _request: web.Request) -> web.StreamResponse:
        """Show the terminals' logs: none."""
        return json_response({"logs": []})

    async def no_sessions(self, _request: web.Request) -> web.StreamResponse:
        """Show the terminals: none."""
        return json_response({"sessions": []})

    async def logs(self, request: web.Request) -> web.StreamResponse:
        """Show the last entries of the three logs, of all jobs or of one."""
        job_id = request.match_info.get("job")
        limit = parse_int(request.query.get("limit") or "") or (ALL_LOGS if job_id is None else JOB_LOGS)
        return json_response(self._studio.logbook.last(limit, job_id))

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Serve the socket; without an upgrade there is nothing here."""
        if not web.WebSocketResponse().can_prepare(request):
            return json_response({"error": "Not found"}, status=404)
        return await self._studio.feed.serve(request)
