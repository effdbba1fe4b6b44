"""The asynchronous routes: submit, look, cancel (wire §7.2). Submits answer 200, not 202."""

from typing import Any

from aiohttp import web

from adapters.kit.emulator import json_response
from adapters.sdcpp.sandbox.body import BODY
from adapters.sdcpp.sandbox.draft import fields_of, queued
from adapters.sdcpp.sandbox.express import Express
from adapters.sdcpp.sandbox.fault import RefusalError
from adapters.sdcpp.sandbox.outcome import submitting
from adapters.sdcpp.sandbox.refusal import CANNOT_CANCEL, IMAGE_REQUIRED
from adapters.sdcpp.sandbox.studio import Studio
from adapters.sdcpp.sandbox.upload import Upload, as_png, received

#: The file fields that each route takes, one file each: a mask is taken by edit alone.
FILES = {"edit": ("image", "mask"), "variation": ("image",), "upscale": ("image",)}


class QueueRoutes:
    """`/api/queue`."""

    def __init__(self, studio: Studio) -> None:
        """Take the server."""
        self._studio = studio

    def register(self, app: web.Application, express: Express) -> None:
        """Add the routes."""
        guarded = express.guarded
        app.router.add_post("/api/queue/generate", guarded(self.generate))
        app.router.add_post("/api/queue/cancel-all", guarded(self.cancel_all))
        app.router.add_post("/api/queue/{kind:edit|variation|upscale}", guarded(self.transform))
        app.router.add_get("/api/queue", guarded(self.listed))
        app.router.add_get("/api/queue/stats", guarded(self.stats))
        app.router.add_get("/api/queue/{job}", guarded(self.shown))
        app.router.add_delete("/api/queue/{job}", guarded(self.cancel))

    async def generate(self, request: web.Request) -> web.StreamResponse:
        """Insert a job; what is wrong with it shows when it runs."""
        body = request[BODY]
        prompt = body.get("prompt") if isinstance(body, dict) else None
        forced = submitting(self._studio, request, prompt)
        draft = queued("generate", fields_of(body), self._studio.profile)
        return _accepted(self._studio.submit(draft, forced))

    async def transform(self, request: web.Request) -> web.StreamResponse:
        """Insert an edit, a variation or an upscale; of an upscale's options none is stored."""
        kind = request.match_info["kind"]
        upload = await received(request, takes=FILES[kind])
        fields = upload.fields if isinstance(upload.fields, dict) else {}
        # The upscale route has no prompt: the sandbox reads its tokens there all the same.
        forced = submitting(self._studio, request, fields.get("prompt"))
        draft = await inputs(self._studio, upload)
        draft |= {"type": kind} if kind == "upscale" else queued(kind, fields, self._studio.profile)
        return _accepted(self._studio.submit(draft, forced))

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """Show the whole history, unpaged; the counters are of all jobs, whatever the filter."""
        entries = self._studio.table.listed(request.query.get("status") or None)
        jobs = [self._studio.listed(entry) for entry in entries]
        return json_response({"jobs": jobs, "stats": self._studio.table.stats()})

    async def stats(self, _request: web.Request) -> web.StreamResponse:
        """Show the counters; cancelled and loading jobs are in none."""
        return json_response(self._studio.table.stats())

    async def shown(self, request: web.Request) -> web.StreamResponse:
        """Show one job with its pictures."""
        entry = self._studio.table.get(request.match_info["job"])
        if entry is None:
            raise RefusalError(404, "Job not found")
        return json_response(self._studio.shown(entry))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        """Write `cancelled` into the row; one text for all that cannot be cancelled (wire §7.2)."""
        job_id = request.match_info["job"]
        entry = None
        if "cannot_cancel" not in self._studio.forced_for(job_id):
            entry = self._studio.table.cancel(job_id)
        if entry is None:
            raise RefusalError(404, CANNOT_CANCEL)
        return json_response({"success": True, "job": self._studio.shown(entry)})

    async def cancel_all(self, _request: web.Request) -> web.StreamResponse:
        """Cancel everything that waits or runs; what runs comes back."""
        return json_response({"success": True, "cancelled": self._studio.table.sweep("cancelled")})


async def inputs(studio: Studio, upload: Upload) -> dict[str, Any]:
    """Store the pictures of an upload and return their columns; refuse when there is no image."""
    image, mask = upload.files.get("image"), upload.files.get("mask")
    if image is None:
        raise RefusalError(400, IMAGE_REQUIRED)
    columns = {"input_image_path": studio.save_input(await as_png(image))}
    if mask is not None:
        columns["mask_image_path"] = studio.save_input(await as_png(mask), mask=True)
    return columns


def _accepted(job_id: str) -> web.Response:
    return json_response({"job_id": job_id, "status": "pending"})
