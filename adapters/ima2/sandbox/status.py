"""What the server says of itself: health, providers, accounts, billing, storage, capabilities (wire §2, §11)."""

import asyncio
import os
from typing import Any

from aiohttp import web

from adapters.ima2.sandbox import failure, page
from adapters.ima2.sandbox.failure import Failure
from adapters.ima2.sandbox.faults import forced_of
from adapters.ima2.sandbox.profile import (
    DEFAULT_MODEL,
    EFFORTS,
    GROK_MODELS,
    MAX_IMAGES,
    MAX_PARALLEL,
    MAX_REFERENCES,
    MAX_VIDEO_REFERENCES,
    MAX_VIDEO_SECONDS,
    MODELS,
    MODERATIONS,
    QUALITIES,
    TEXT_MODEL,
    VIDEO_MODELS,
    VIDEO_RATIOS,
    VIDEO_RESOLUTIONS,
)
from adapters.ima2.sandbox.server import Server

_OAUTH_PORT = 10531
_GROK_PORT = 18645
_SCANNED = 20
#: How long the upstream may take to list its models (recorded: oauth_status_offline_timeout).
_STATUS_S = 3.0


class Status:
    """The routes."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the build."""
        shared = [
            web.get("/api/health", self._health),
            web.get("/api/providers", self._providers),
            web.get("/api/oauth/status", self._oauth),
            web.get("/api/billing", self._billing),
            web.get("/api/storage/status", self._storage),
            web.post("/api/storage/open-generated-dir", self._open),
        ]
        if not self._server.profile.is_new:
            return shared
        return [*shared, web.get("/api/grok/status", self._grok), web.get("/api/capabilities", self._capabilities)]

    async def _health(self, request: web.Request) -> web.StreamResponse:
        emulator = self._server.emulator
        body = {
            "ok": True,
            "version": self._server.profile.version,
            "provider": "oauth",
            "uptimeSec": round(emulator.now() - emulator.started_at),
            "activeJobs": len(self._server.registry.rows()),
            "pid": os.getpid(),
            "startedAt": int(emulator.started_at * 1000),
            "runtime": self._runtime(request),
        }
        return page.json_answer(body)

    async def _providers(self, request: web.Request) -> web.StreamResponse:
        profile, has_key = self._server.profile, self._server.has_key(request)
        body = {
            "apiKey": has_key,
            "oauth": True,
            "oauthPort": _OAUTH_PORT,
            "oauthActualPort": _OAUTH_PORT,
            "oauthUrl": f"http://127.0.0.1:{_OAUTH_PORT}",
            "apiKeyDisabled": profile.is_tag,
            **({} if profile.is_tag else {"apiKeySource": _source(has_key=has_key)}),
            "runtime": self._runtime(request),
        }
        return page.json_answer(body)

    async def _oauth(self, request: web.Request) -> web.StreamResponse:
        forced = forced_of(request)
        runtime = self._runtime(request)
        states: tuple[str, ...] = ("auth_required", "starting", "offline")
        status = next((name for name in states if name in forced), None)
        if "failed" in forced:
            status = "offline"
        if "slow" in forced:
            seconds = forced["slow"].number(_STATUS_S)
            await asyncio.sleep(min(seconds, _STATUS_S) / self._server.emulator.speed)
            status = status or ("offline" if seconds >= _STATUS_S else None)
        if status is not None:
            return page.json_answer({"status": status, "runtime": runtime})
        return page.json_answer({"status": "ready", "models": [*MODELS, TEXT_MODEL], "runtime": runtime})

    async def _grok(self, request: web.Request) -> web.StreamResponse:
        forced = forced_of(request)
        if "offline" in forced:
            return page.json_answer({"status": "offline"})
        if "auth_required" in forced:
            return page.json_answer({"status": "offline", "reason": "login_required"})
        if "failed" in forced:
            return page.json_answer({"status": "error", "reason": "HTTP 500"})
        if "no_image_model" in forced:
            return page.json_answer({"status": "no_image_model", "models": ["grok-4.3"]})
        return page.json_answer({"status": "ready", "models": ["grok-4.3", *GROK_MODELS, *VIDEO_MODELS]})

    async def _billing(self, request: web.Request) -> web.StreamResponse:
        if not self._server.has_key(request):
            return page.json_answer({"oauth": True, "apiKeyValid": False, "apiKeySource": "none"})
        costs: dict[str, Any] = {"object": "page", "data": [], "has_more": False, "next_page": None}
        return page.json_answer({"apiKeySource": "env", "costs": costs, "apiKeyValid": True})

    async def _storage(self, _request: web.Request) -> web.StreamResponse:
        count = self._server.gallery.count()
        data = {
            "generatedDirLabel": "~/.ima2/generated",
            "generatedCount": count,
            "legacyCandidatesScanned": _SCANNED,
            "legacySourcesFound": 0,
            "legacyFilesFound": 0,
            "state": "ok" if count else "not_found",
            "messageKind": "ok" if count else "apology",
            "recoveryDocsPath": "docs/RECOVER_OLD_IMAGES.md",
            "doctorCommand": "ima2 doctor",
            "overrides": {"generatedDir": False, "configDir": True},
        }
        return page.json_answer({"ok": True, "data": data})

    async def _open(self, _request: web.Request) -> web.StreamResponse:
        """Answer as a machine without a desktop does: no program is ever started."""
        found = Failure(status=500, code="OPEN_GENERATED_DIR_FAILED", message="xdg-open exited with code 3")
        return page.json_answer(failure.not_ok(found), status=500)

    async def _capabilities(self, request: web.Request) -> web.StreamResponse:
        body = {
            "ok": True,
            "name": "ima2",
            "source": "server",
            "server": self._address(request)["url"],
            "version": self._server.profile.version,
            "commands": ["capabilities", "gen", "video", "edit", "multimode", "node generate", "inflight ls"],
            "defaults": _DEFAULTS,
            "valid": _VALID,
            "limits": _LIMITS,
            "promptBuilder": {"available": True, "route": "/api/prompt-builder/chat", "uiOnly": False},
            "agentMode": {"available": True, "route": "/api/agent/sessions", "finalArtifact": "image", "uiOnly": True},
            "guidance": {"highQuality": "Use --quality high for requests where output fidelity matters."},
        }
        return page.json_answer(body)

    def _runtime(self, request: web.Request) -> dict[str, Any]:
        forced = forced_of(request)
        state = next((name for name in ("starting", "failed") if name in forced), "ready")
        oauth = {"configuredPort": _OAUTH_PORT, "actualPort": _OAUTH_PORT, "url": f"http://127.0.0.1:{_OAUTH_PORT}"}
        runtime = {"backend": self._address(request), "oauth": {**oauth, "status": state}}
        if self._server.profile.is_new:
            url = f"http://127.0.0.1:{_GROK_PORT}"
            runtime["grok"] = {"configuredPort": _GROK_PORT, "actualPort": _GROK_PORT, "url": url}
        return runtime

    def _address(self, request: web.Request) -> dict[str, Any]:
        name = request.transport.get_extra_info("sockname") if request.transport is not None else None
        port = name[1] if name else 3333
        return {"configuredPort": port, "actualPort": port, "url": f"http://127.0.0.1:{port}"}


def _source(*, has_key: bool) -> str:
    return "env" if has_key else "none"


_DEFAULTS = {
    "oauth": {"model": DEFAULT_MODEL, "reasoningEffort": "medium"},
    "api": {"model": DEFAULT_MODEL, "reasoningEffort": "low", "size": "1024x1024", "webSearchEnabled": True},
    "grok": {"model": GROK_MODELS[0], "plannerModel": "grok-4.3"},
}
_VALID = {
    "imageModels": {"supported": MODELS, "unsupported": (TEXT_MODEL,), "grokSupported": GROK_MODELS},
    "videoModels": {
        "supported": VIDEO_MODELS,
        "modes": ("text-to-video", "image-to-video", "reference-to-video"),
        "resolutions": VIDEO_RESOLUTIONS,
        "aspectRatios": VIDEO_RATIOS,
        "durationRange": (1, MAX_VIDEO_SECONDS),
        "maxReferences": MAX_VIDEO_REFERENCES,
    },
    "reasoningEfforts": EFFORTS,
    "quality": QUALITIES,
    "moderation": MODERATIONS,
    "modes": ("auto", "direct"),
    "providers": ("auto", "oauth", "api", "grok"),
}
_LIMITS = {
    "maxRefCount": MAX_REFERENCES,
    "maxGeneratedImages": MAX_IMAGES,
    "maxParallel": {
        "value": MAX_PARALLEL,
        "enforced": True,
        "note": "server-side inflight capacity guard uses this runtime limit",
    },
}
