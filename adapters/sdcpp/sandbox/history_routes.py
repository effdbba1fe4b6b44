"""Generations and pictures: the same rows again, and their files (wire §7.5)."""

from pathlib import Path
from typing import Any

from aiohttp import web

from adapters.kit.emulator import json_response
from adapters.sdcpp.sandbox.binding import parse_int
from adapters.sdcpp.sandbox.express import Express
from adapters.sdcpp.sandbox.fault import HandlerError, RefusalError
from adapters.sdcpp.sandbox.file_answer import file_answer
from adapters.sdcpp.sandbox.studio import Studio

API_CACHE = "public, max-age=3600, immutable"
STATIC_CACHE = "public, max-age=0"


class HistoryRoutes:
    """`/api/generations`, `/api/images` and `/static`."""

    def __init__(self, studio: Studio) -> None:
        """Take the server."""
        self._studio = studio

    def register(self, app: web.Application, express: Express) -> None:
        """Add the routes; `/static` asks for no key (wire §2)."""
        guarded = express.guarded
        app.router.add_get("/api/images/{image}", guarded(self.image))
        app.router.add_get("/api/generations", guarded(self.listed))
        app.router.add_delete("/api/generations", guarded(self.delete_all))
        app.router.add_get("/api/generations/{job}", guarded(self.shown))
        app.router.add_delete("/api/generations/{job}", guarded(self.delete))
        app.router.add_get("/api/generations/{job}/images", guarded(self.images))
        app.router.add_get("/api/generations/{job}/image", guarded(self.first_image))
        app.router.add_get("/static/images/{image}", self.static_image)
        app.router.add_get("/static/input/{name}", self.static_input)

    async def listed(self, request: web.Request) -> web.StreamResponse:
        """Show the rows in all states, paged if asked; an offset alone is a syntax error of SQL (wire §7.5)."""
        table = self._studio.table
        if self._studio.profile.bare_list:
            return json_response([self._studio.listed(entry) for entry in table.listed("completed")])
        limit, offset = _number(request, "limit"), _number(request, "offset")
        if offset and not limit:
            raise HandlerError('near "OFFSET": syntax error')
        entries = table.listed()
        total = len(entries)
        begin = max(offset or 0, 0)
        shown = entries[begin : begin + limit] if limit and limit > 0 else entries[begin:]
        # What is no number leaves hasMore false, what is 0 does not.
        more = limit is not None and (offset or 0) + limit < total
        page = {"total": total, "limit": limit or total, "offset": offset or 0, "hasMore": more}
        return json_response({"generations": [self._studio.listed(entry) for entry in shown], "pagination": page})

    async def shown(self, request: web.Request) -> web.StreamResponse:
        """Show one row: the same object as the queue's."""
        entry = self._studio.table.get(request.match_info["job"])
        if entry is None:
            raise RefusalError(404, "Generation not found")
        return json_response(self._studio.shown(entry))

    async def images(self, request: web.Request) -> web.StreamResponse:
        """Show the pictures of a row; of an unknown one there are none."""
        images = self._studio.table.images(request.match_info["job"])
        return json_response([{**image, "static_url": f"/static/images/{image['id']}.png"} for image in images])

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Delete a row, known or not; under a running worker that is the server's death (wire §5)."""
        self._delete(request.match_info["job"], files=self._studio.profile.deletes_files)
        return json_response({"success": True})

    async def delete_all(self, request: web.Request) -> web.StreamResponse:
        """Delete every row, running ones included."""
        files = request.query.get("delete_files") == "true"
        jobs = self._studio.table.ids()
        gone = sum(self._delete(job_id, files=files) for job_id in jobs)
        return json_response({"success": True, "count": len(jobs), "filesDeleted": gone})

    def _delete(self, job_id: str, *, files: bool) -> int:
        paths = [self._studio.image_path(image) for image in self._studio.table.delete(job_id)]
        present = [path for path in paths if files and path.exists()]
        for path in present:
            path.unlink()
        return len(present)

    async def image(self, request: web.Request) -> web.StreamResponse:
        """Send one picture's bytes."""
        return self._sent(request, self._studio.table.image(request.match_info["image"]))

    async def first_image(self, request: web.Request) -> web.StreamResponse:
        """Send the bytes of a row's first picture."""
        images = self._studio.table.images(request.match_info["job"])
        return self._sent(request, images[0] if images else None)

    def _sent(self, request: web.Request, image: dict[str, Any] | None) -> web.StreamResponse:
        if image is None or "image_unknown" in self._studio.forced_for(image["generation_id"]):
            raise RefusalError(404, "Image not found")
        try:
            return file_answer(request, self._studio.image_path(image), cache_control=API_CACHE)
        except FileNotFoundError:
            # JSON, but the headers of the picture are already set (wire §3).
            headers = {"Content-Type": "image/png; charset=utf-8", "Cache-Control": API_CACHE}
            return json_response({"error": "Image file not found on disk"}, status=404, headers=headers)

    async def static_image(self, request: web.Request) -> web.StreamResponse:
        """Send a picture without a key, also when its row is long deleted."""
        return self._static(request, self._studio.images_dir / Path(request.match_info["image"]).name)

    async def static_input(self, request: web.Request) -> web.StreamResponse:
        """Send an uploaded picture without a key."""
        return self._static(request, self._studio.input_dir / Path(request.match_info["name"]).name)

    def _static(self, request: web.Request, path: Path) -> web.StreamResponse:
        try:
            return file_answer(request, path, cache_control=STATIC_CACHE)
        except FileNotFoundError:
            raise RefusalError(404, "File not found") from None


def _number(request: web.Request, name: str) -> int | None:
    asked = request.query.get(name)
    return parse_int(asked) if asked else None
