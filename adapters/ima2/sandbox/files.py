"""`GET /generated/...` and `/assets/...` as Express sends static files: ranges, weak ETags, for ever (wire §8)."""

import re
from email.utils import formatdate, parsedate_to_datetime

from aiohttp import web

from adapters.ima2.sandbox import page
from adapters.ima2.sandbox.faults import forced_of
from adapters.ima2.sandbox.page import etag
from adapters.ima2.sandbox.server import Server

_TYPES = {
    ".png": "image/png",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".json": "application/json; charset=utf-8",
}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


class Files:
    """The routes."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/generated/{path:.*}", self._file), web.get("/assets/{path:.*}", self._asset)]

    async def _asset(self, _request: web.Request) -> web.StreamResponse:
        body = b"Asset not found"
        headers = {"Content-Type": "text/plain; charset=utf-8", "ETag": etag(body)}
        return web.Response(body=body, status=404, headers=headers)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["path"]
        path = self._server.gallery.resolve(name)
        hidden = any(part.startswith(".") for part in name.split("/"))
        if self._server.profile.is_new and name.endswith(".json"):
            # Sidecars are no longer public (wire §11).
            hidden = True
        gone = "gone" in forced_of(request)
        if path is None or hidden or gone or not path.is_file():
            return page.not_found(request.method, request.rel_url.raw_path)
        data = path.read_bytes()
        modified = path.stat().st_mtime_ns // 1_000_000
        headers = {
            "Accept-Ranges": "bytes",
            "Cache-Control": "public, max-age=31536000, immutable",
            "Last-Modified": formatdate(modified // 1000, usegmt=True),
            "ETag": f'W/"{len(data):x}-{modified:x}"',
            "Content-Type": _TYPES.get(path.suffix.lower(), "application/octet-stream"),
        }
        if _is_fresh(request, modified):
            return web.Response(status=304, headers={name: headers[name] for name in headers if name != "Content-Type"})
        return _ranged(request, data, headers)


def _is_fresh(request: web.Request, modified: int) -> bool:
    """Say whether the client has it, by its date; by its ETag Express decides for every route."""
    since = request.headers.get("If-Modified-Since")
    if since is None or "If-None-Match" in request.headers:
        return False
    try:
        return parsedate_to_datetime(since).timestamp() >= modified // 1000
    except ValueError:
        return False


def _ranged(request: web.Request, data: bytes, headers: dict[str, str]) -> web.Response:
    """Send one range; several, or none that can be read, are the whole file."""
    found = _RANGE.match(request.headers.get("Range", ""))
    if found is None or found.groups() == ("", ""):
        return web.Response(body=data, headers=headers)
    first, last = found.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    end = min(int(last), len(data) - 1) if first and last else len(data) - 1
    if start > end or start >= len(data):
        refused = page.error_page(416, "RangeNotSatisfiableError: Range Not Satisfiable")
        refused.headers["Content-Range"] = f"bytes */{len(data)}"
        return refused
    headers = {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"}
    return web.Response(body=data[start : end + 1], status=206, headers=headers)
