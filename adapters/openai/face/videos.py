"""`/v1/videos`: films are asked for, looked at until they are there, fetched, listed and deleted.

A film is a job of the team, whichever face it was asked for through. What OpenAI's API does with films that exist
already (remixes, edits, extensions, characters) is refused: no backend does it.
"""

from collections.abc import Mapping
from typing import Any

from adapters.kit.repeated import replayed
from adapters.openai.face.front import FACE, Front
from adapters.openai.face.said import about, invalid, receipts, said, unsupported
from adapters.openai.face.videos_asked import film, wish
from adapters.openai.face.videos_shown import DELETED, film_of, find, missing, page, video, video_id
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import TERMINAL
from contracts.names import NewName

_VARIANTS = ("video", "thumbnail", "spritesheet")
_ORDERS = ("asc", "desc")
_FEW, _MOST = 20, 100
#: What is done with films that are there, and what it is called in the refusal.
_NEVER: Mapping[str, str] = {
    "/v1/videos/edits": "edited",
    "/v1/videos/extensions": "extended",
    "/v1/videos/characters": "searched for characters",
    "/v1/videos/{id}/remix": "remixed",
}


class Videos:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes; fixed words stand before ids."""
        return [
            *(
                FaceRoute(method="POST", template=template, answer=_never(done), makes_jobs=True, files=1)
                for template, done in _NEVER.items()
            ),
            FaceRoute(method="GET", template="/v1/videos/characters/{id}", answer=self._character),
            FaceRoute(method="POST", template="/v1/videos", answer=self._create, makes_jobs=True, files=1),
            FaceRoute(method="GET", template="/v1/videos", answer=self._list),
            FaceRoute(method="GET", template="/v1/videos/{id}", answer=self._show),
            FaceRoute(method="GET", template="/v1/videos/{id}/content", answer=self._content),
            FaceRoute(method="DELETE", template="/v1/videos/{id}", answer=self._delete),
        ]

    async def _create(self, call: Call, caller: Caller) -> Answer:
        front = self._front
        # Whoever may not look at it again could do nothing with its id.
        front.need(caller, "jobs:write", "jobs:read", "assets:read")
        asked = await film(call, caller, front.desk.assets)
        created = await front.begin(call, caller, wish(asked))
        job = created.job
        return said(await video(front, caller, job), headers={**about(job), **replayed(created)})

    async def _show(self, call: Call, caller: Caller) -> Answer:
        job = await find(self._front, caller, call.params["id"])
        headers = {**about(job), **receipts(job)}
        if job.state not in TERMINAL:
            headers["Retry-After"] = "1"
        return said(await video(self._front, caller, job), headers=headers)

    async def _list(self, call: Call, caller: Caller) -> Answer:
        front, query = self._front, call.query
        order = query.get("order") or "desc"
        if order not in _ORDERS:
            raise invalid("order", f"must be one of {', '.join(_ORDERS)}", allowed=_ORDERS)
        limit = query.get("limit") or str(_FEW)
        if not (limit.isascii() and limit.isdigit() and 1 <= int(limit[:9]) <= _MOST):
            raise invalid("limit", f"must be a whole number from 1 to {_MOST}", reason="range")
        after = await find(front, caller, query["after"]) if query.get("after") else None
        found = await page(front, caller, after, int(limit), newest_first=order == "desc")
        data = [await video(front, caller, job) for job in found.jobs]
        ends: dict[str, Any] = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
        return said({"object": "list", "data": data, "first_id": None, "last_id": None, **ends, "has_more": found.more})

    async def _content(self, call: Call, caller: Caller) -> Answer:
        front = self._front
        variant = call.query.get("variant") or "video"
        if variant not in _VARIANTS:
            raise invalid("variant", f"must be one of {', '.join(_VARIANTS)}", allowed=_VARIANTS)
        front.need(caller, "assets:read")
        job = await find(front, caller, call.params["id"])
        made = film_of(job)
        if made is None:
            state = "has failed" if job.state in TERMINAL else "is not there yet"
            raise CatalogError("resource.state_conflict", f"The video {state}: it has no content.", job_id=job.id)
        if variant == "thumbnail":
            made = next((each for each in job.outputs if each.role == "thumbnail"), None)
        if variant == "spritesheet" or made is None:
            raise unsupported("variant", "its backend made none", allowed=("video",))
        content = await front.desk.assets.content(await front.desk.assets.get(caller, made.asset_id), thumbnail=None)
        return Answer(file=content, headers=about(job))

    async def _delete(self, call: Call, caller: Caller) -> Answer:
        """Delete a film for good, with its files; one that is being made must be cancelled first."""
        front = self._front
        front.need(caller, "jobs:write", "assets:write")
        job = await find(front, caller, call.params["id"])
        if job.state not in TERMINAL:
            text = f"The video is being made: POST {front.settings.gateway_url}/v1/jobs/{job.id}/cancel stops it."
            raise CatalogError("resource.state_conflict", text, job_id=job.id)
        await front.desk.names.give(caller, job.id, NewName(face=FACE, kind=DELETED))
        for output in job.outputs:
            try:
                await front.desk.assets.delete(caller, output.asset_id, for_good=True)
            except CatalogError as error:
                if error.code not in ("resource.not_found", "resource.expired"):
                    raise
        return said({"id": video_id(job), "object": "video.deleted", "deleted": True})

    async def _character(self, call: Call, _caller: Caller) -> Answer:
        raise missing(call.params["id"])


def _never(done: str) -> Any:
    async def refused(_call: Call, _caller: Caller) -> Answer:
        text = f"Videos cannot be {done} here: no backend does it. Make a new one with POST /v1/videos."
        raise CatalogError("request.model_incapable", text)

    return refused
