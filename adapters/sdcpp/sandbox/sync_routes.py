"""The routes that queue a job and wait for its end by looking every half second (wire §7.3).

A job that is cancelled, or whose row is deleted, never ends for them: the client hangs until the wait is over.
"""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from adapters.kit.emulator import json_response
from adapters.kit.scenario import Forced
from adapters.sdcpp.sandbox.binding import either
from adapters.sdcpp.sandbox.body import BODY
from adapters.sdcpp.sandbox.draft import awaited, checked, fields_of
from adapters.sdcpp.sandbox.express import Express
from adapters.sdcpp.sandbox.fault import HandlerError
from adapters.sdcpp.sandbox.model import default_for
from adapters.sdcpp.sandbox.outcome import is_cut, submitting
from adapters.sdcpp.sandbox.queue_routes import inputs
from adapters.sdcpp.sandbox.refusal import NO_BODY_SYNC
from adapters.sdcpp.sandbox.studio import Studio
from adapters.sdcpp.sandbox.table import Entry
from adapters.sdcpp.sandbox.upload import Upload, received

LOOK_S = 0.5
NO_SEED = -1


class SyncRoutes:
    """`POST /api/generate`, `/api/edit`, `/api/variation`."""

    def __init__(self, studio: Studio) -> None:
        """Take the server."""
        self._studio = studio

    def register(self, app: web.Application, express: Express) -> None:
        """Add the routes."""
        app.router.add_post("/api/{kind:generate|edit|variation}", express.guarded(self.serve))

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Check, queue, wait, and answer with ids alone."""
        kind, profile = request.match_info["kind"], self._studio.profile
        takes = ("image", "mask") if profile.lenient_edit and kind == "edit" else ("image",)
        upload = Upload(request[BODY], {}) if kind == "generate" else await received(request, takes=takes)
        body = upload.fields
        forced = submitting(self._studio, request, body.get("prompt") if isinstance(body, dict) else None)
        fields = fields_of(body, complaint=NO_BODY_SYNC)
        if profile.lenient_edit and kind != "generate":
            fields = {**fields, "model": either(fields.get("model"), default_for(kind))}
        model = checked(kind, fields, has_image="image" in upload.files)
        # A seed of 0 is none here.
        seed = either(fields.get("seed"), NO_SEED)
        draft = awaited(kind, fields, model, default_size=profile.sync_size, seed=seed)
        if kind != "generate":
            draft |= await inputs(self._studio, upload)
        job_id = self._studio.submit(draft, forced)
        wait_s = profile.sync_wait_s
        return await wait(self._studio, job_id, forced, wait_s=wait_s, answer=_answer, cancelled=None)


def _answer(entry: Entry, images: list[dict[str, Any]]) -> web.Response:
    data = [
        {"id": image["id"], "index": image["index_in_batch"], "revised_prompt": image["revised_prompt"]}
        for image in images
    ]
    return json_response({"id": entry.row["id"], "created": entry.row["created_at"] // 1000, "data": data})


async def wait(
    studio: Studio,
    job_id: str,
    forced: dict[str, Forced],
    *,
    wait_s: float,
    answer: Callable[[Entry, list[dict[str, Any]]], web.Response],
    cancelled: str | None,
    what: str = "Generation",
) -> web.StreamResponse:
    """Look at the row until it is completed with pictures or failed; raise `HandlerError` for any other end.

    `cancelled` is what a cancelled job is answered with, if it is noticed at all.
    """
    if is_cut(forced):
        return web.Response()
    if "generation_timeout" in forced:
        raise HandlerError(f"{what} timeout")
    for _ in range(int(wait_s / LOOK_S)):
        await studio.emulator.pause(LOOK_S)
        entry = studio.table.get(job_id)
        if entry is None:
            continue
        images = studio.table.images(job_id)
        if entry.row["status"] == "completed" and images:
            return answer(entry, images)
        if entry.row["status"] == "failed":
            raise HandlerError(entry.row["error"] or f"{what} failed")
        if entry.row["status"] == "cancelled" and cancelled is not None:
            raise HandlerError(cancelled)
    raise HandlerError(f"{what} timeout")
