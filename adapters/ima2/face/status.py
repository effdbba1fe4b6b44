"""What the server says of itself: health, providers, accounts, billing, storage, capabilities (wire §2, §11).

It speaks for the gateway as the caller's key sees it. Addresses are the face's own: of no backend is one told.
"""

from collections.abc import Mapping
from typing import Any

from adapters.ima2.face.front import FACE, FILE, REQUEST, Front
from adapters.ima2.face.models import Lane, lanes
from adapters.ima2.face.profile import (
    EFFORTS,
    MAX_IMAGES,
    MAX_REFERENCES,
    MAX_VIDEO_REFERENCES,
    MAX_VIDEO_SECONDS,
    MODERATIONS,
    QUALITIES,
    RATIOS,
    RESOLUTIONS,
    TEXT_MODEL,
)
from adapters.ima2.face.provider import behind
from adapters.ima2.face.said import read, said
from contracts.caller import Caller
from contracts.face import Answer, Call, FaceRoute
from contracts.job import TERMINAL
from contracts.names import FileQuery

_MAX_PARALLEL = 24


class Status:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes of the build."""
        found = {
            "/api/health": self._health,
            "/api/providers": self._providers,
            "/api/oauth/status": self._oauth,
            "/api/billing": self._billing,
            "/api/storage/status": self._storage,
        }
        if self._front.profile.is_new:
            found |= {"/api/grok/status": self._grok, "/api/capabilities": self._capabilities}
        opening = FaceRoute(method="POST", template="/api/storage/open-generated-dir", answer=self._open)
        return [*(FaceRoute(method="GET", template=path, answer=each) for path, each in found.items()), opening]

    async def _health(self, call: Call, caller: Caller) -> Answer:
        settings = self._front.settings
        found = await self._front.desk.names.open(caller, FACE, REQUEST)
        body = {
            "ok": True,
            "version": self._front.profile.version,
            "provider": "oauth",
            "uptimeSec": round(settings.clock() - settings.started_at),
            "activeJobs": sum(each.job.state not in TERMINAL for each in found),
            "pid": settings.pid,
            "startedAt": int(settings.started_at * 1000),
            "runtime": self._runtime(caller),
        }
        return read(call, body)

    async def _providers(self, call: Call, caller: Caller) -> Answer:
        settings, profile = self._front.settings, self._front.profile
        has_api = behind(self._front, caller).has_api
        body = {
            "apiKey": has_api,
            "oauth": True,
            "oauthPort": settings.port,
            "oauthActualPort": settings.port,
            "oauthUrl": settings.base_url,
            "apiKeyDisabled": profile.is_tag,
            **({} if profile.is_tag else {"apiKeySource": "config" if has_api else "none"}),
            "runtime": self._runtime(caller),
        }
        return read(call, body)

    async def _oauth(self, call: Call, caller: Caller) -> Answer:
        """Say whether pictures can be made now, and by which models: whoever makes them."""
        found, runtime = behind(self._front, caller), self._runtime(caller)
        if not found.ready:
            return read(call, {"status": "auth_required" if found.is_signed_out else "offline", "runtime": runtime})
        return read(call, {"status": "ready", "models": found.images, "runtime": runtime})

    async def _grok(self, call: Call, caller: Caller) -> Answer:
        found = behind(self._front, caller)
        if found.grok != "ready":
            reason = {"reason": "login_required"} if found.grok is not None else {}
            return read(call, {"status": "offline", **reason})
        if not found.grok_images:
            return read(call, {"status": "no_image_model", "models": found.videos})
        return read(call, {"status": "ready", "models": (*found.grok_images, *found.videos)})

    async def _billing(self, call: Call, caller: Caller) -> Answer:
        if not behind(self._front, caller).has_api:
            return read(call, {"oauth": True, "apiKeyValid": False, "apiKeySource": "none"})
        return read(call, {"apiKeySource": "config", "apiKeyValid": True})

    async def _storage(self, call: Call, caller: Caller) -> Answer:
        page = await self._front.desk.names.files(caller, FACE, FILE, FileQuery(limit=1))
        data = {
            "generatedDirLabel": "~/.ima2/generated",
            "generatedCount": page.total,
            "legacyCandidatesScanned": 0,
            "legacySourcesFound": 0,
            "legacyFilesFound": 0,
            "state": "ok" if page.total else "not_found",
            "messageKind": "ok" if page.total else "apology",
            "recoveryDocsPath": "docs/RECOVER_OLD_IMAGES.md",
            "doctorCommand": "ima2 doctor",
            "overrides": {"generatedDir": False, "configDir": False},
        }
        return read(call, {"ok": True, "data": data})

    async def _open(self, _call: Call, _caller: Caller) -> Answer:
        """Refuse: it would start a program on the server's machine (security.md §5)."""
        error = {"code": "OPEN_GENERATED_DIR_FAILED", "message": "This server opens no folders"}
        return said({"ok": False, "error": error}, status=500, code="request.option_unsupported")

    async def _capabilities(self, call: Call, caller: Caller) -> Answer:
        found, told = behind(self._front, caller), lanes(self._front, caller)
        providers = ["auto", "oauth", *(["api"] if found.has_api else []), *(["grok"] if found.grok else [])]
        body = {
            "ok": True,
            "name": "ima2",
            "source": "server",
            "server": self._front.settings.base_url,
            "version": self._front.profile.version,
            "commands": [
                "capabilities",
                "gen",
                "edit",
                "video",
                "multimode",
                "node generate",
                "history",
                "inflight ls",
                "models",
            ],
            "defaults": _defaults(told),
            "lanes": {name: _counted(lane) for name, lane in told.items()},
            "valid": {
                "imageModels": {
                    "supported": found.images,
                    "unsupported": (TEXT_MODEL,),
                    "grokSupported": found.grok_images,
                },
                "videoModels": {
                    "supported": found.videos,
                    "modes": ("text-to-video", "image-to-video", "reference-to-video") if found.videos else (),
                    "resolutions": RESOLUTIONS,
                    "aspectRatios": RATIOS,
                    "durationRange": (1, MAX_VIDEO_SECONDS),
                    "maxReferences": MAX_VIDEO_REFERENCES,
                },
                "reasoningEfforts": EFFORTS,
                "quality": QUALITIES,
                "moderation": MODERATIONS,
                "modes": ("auto", "direct"),
                "providers": providers,
            },
            "limits": {
                "maxRefCount": MAX_REFERENCES,
                "maxGeneratedImages": MAX_IMAGES,
                "maxParallel": {
                    "value": _MAX_PARALLEL,
                    "enforced": False,
                    "note": "more requests wait in the gateway's queue",
                },
            },
            "promptBuilder": {"available": False, "route": "/api/prompt-builder/chat", "uiOnly": False},
            "agentMode": {"available": False, "route": "/api/agent/sessions", "finalArtifact": "image", "uiOnly": True},
            # What this server is, its operator decides: no client writes its settings.
            "configKeys": {"writable": ()},
            "guidance": {"models": "What a model cannot honour is refused; what it need not, is told in warnings."},
        }
        return read(call, body)

    def _runtime(self, caller: Caller) -> dict[str, Any]:
        status = "ready" if behind(self._front, caller).ready else "starting"
        return runtime(self._front, status)


def _defaults(told: Mapping[str, Lane]) -> dict[str, Any]:
    first = {name: lane.images[0] if lane.images else None for name, lane in told.items()}
    return {
        "oauth": {"model": first["oauth"], "reasoningEffort": "medium"},
        "api": {"model": first["api"], "reasoningEffort": "low"},
        # Which model plans a film, its backend decides.
        "grok": {"model": first["grok"], "plannerModel": None},
    }


def _counted(lane: Lane) -> dict[str, Any]:
    return {**lane.state, "models": {"image": len(lane.images), "video": len(lane.videos)}}


def runtime(front: Front, status: str) -> dict[str, Any]:
    """Return the addresses that the server tells of: both are this one's."""
    settings = front.settings
    here = {"configuredPort": settings.port, "actualPort": settings.port, "url": settings.base_url}
    return {"backend": here, "oauth": {**here, "status": status}}
