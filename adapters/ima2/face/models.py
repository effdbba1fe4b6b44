"""`GET /api/models`: what each account can be asked for, in ima2's lanes; its newer command line chooses from it first.

`oauth` is ima2's word for whoever makes pictures when nobody was named, so its lane lists every backend's models.
"""

from typing import Any

from msgspec import Struct

from adapters.ima2.face.front import Front
from adapters.ima2.face.profile import MAX_VIDEO_SECONDS, RATIOS, RESOLUTIONS
from adapters.ima2.face.provider import behind
from adapters.ima2.face.said import read
from contracts.caller import Caller
from contracts.face import Answer, Call, FaceRoute

_PICTURES: dict[str, Any] = {"inputRoles": ("text", "image_references"), "parameters": (), "aspectRatios": ()}
_FILMS: dict[str, Any] = {
    "inputRoles": ("text", "start_image", "image_references"),
    "parameters": (
        {"name": "duration", "type": "number", "min": 1, "max": MAX_VIDEO_SECONDS},
        {"name": "resolution", "type": "string", "options": RESOLUTIONS},
    ),
    "aspectRatios": RATIOS,
}


class Lane(Struct, frozen=True, kw_only=True):
    """One account as clients see it: whether it can work now, why not, and the models that it may be asked for."""

    status: str
    reason: str | None = None
    images: tuple[str, ...] = ()
    videos: tuple[str, ...] = ()

    @property
    def state(self) -> dict[str, str]:
        """Return what both routes tell of it."""
        return {"status": self.status, **({} if self.reason is None else {"reason": self.reason})}


def lanes(front: Front, caller: Caller) -> dict[str, Lane]:
    """Return the lanes; the first model of each is what it takes when none is chosen."""
    found = behind(front, caller)
    return {
        "oauth": _lane("disconnected", "no image backend is ready", is_ready=found.ready, images=found.images),
        "api": _lane("key-missing", "no backend has an API key", is_ready=found.has_api, images=found.api_images),
        "grok": _lane(
            "disconnected",
            "Grok is not connected",
            is_ready=found.grok == "ready",
            images=found.grok_images,
            videos=found.videos,
        ),
    }


def _lane(
    otherwise: str, reason: str, *, is_ready: bool, images: tuple[str, ...], videos: tuple[str, ...] = ()
) -> Lane:
    if is_ready:
        return Lane(status="ready", images=images, videos=videos)
    return Lane(status=otherwise, reason=reason, images=images, videos=videos)


class Models:
    """The route."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the route."""
        return [FaceRoute(method="GET", template="/api/models", answer=self._get)]

    async def _get(self, call: Call, caller: Caller) -> Answer:
        told = {name: _shown(lane) for name, lane in lanes(self._front, caller).items()}
        return read(call, {"ok": True, "lanes": told})


def _shown(lane: Lane) -> dict[str, Any]:
    first = {"image": lane.images[:1], "video": lane.videos[:1]}
    return {
        **lane.state,
        "defaults": {kind: model for kind, models in first.items() for model in models},
        "models": {"image": _entries(lane.images, _PICTURES), "video": _entries(lane.videos, _FILMS)},
    }


def _entries(models: tuple[str, ...], can: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": model, "label": model, "capabilities": can} for model in models]
