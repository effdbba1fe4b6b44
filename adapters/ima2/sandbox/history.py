"""Routes of the history: pages, groups, favourites, and files that go to a trash and perhaps come back (wire §8)."""

import asyncio
from pathlib import Path
from shutil import move
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from adapters.ima2.sandbox import failure, page
from adapters.ima2.sandbox.failure import Failure, Refused, check
from adapters.ima2.sandbox.gallery import SHOWN_ROOT
from adapters.ima2.sandbox.javascript import parse_int
from adapters.ima2.sandbox.registry import milliseconds
from adapters.ima2.sandbox.server import Server
from adapters.ima2.sandbox.session import body_of

_PAGE, _LARGEST_PAGE = 50, 500
#: How long TAG keeps a deleted file.
TRASH_S = 10.0
_LABEL = 8
_FAVOURITE = "favourite"


class HistoryRoutes:
    """The routes."""

    def __init__(self, server: Server) -> None:
        """Take the server."""
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        one = "/api/history/{filename}"
        return [
            web.get("/api/history", self._list),
            web.post("/api/history/favorite", self._favour),
            web.delete(one, self._delete),
            web.delete(f"{one}/permanent", self._delete_for_good),
            web.post(f"{one}/restore", self._restore),
        ]

    async def _list(self, request: web.Request) -> web.StreamResponse:
        query = request.query
        rows = await asyncio.to_thread(self._server.gallery.rows)
        wanted = [row for row in rows if _fits(row, query)]
        limit = parse_int(query.get("limit", "")) or 0
        limit = min(limit if limit > 0 else _PAGE, _LARGEST_PAGE)
        browser = request.headers.get("X-Ima2-Browser-Id", "")
        items = [{**row, "isFavorite": self._is_favourite(browser, row["filename"])} for row in wanted[:limit]]
        more = len(wanted) > limit
        cursor = {"before": items[-1]["createdAt"], "beforeFilename": items[-1]["filename"]} if more else None
        if query.get("groupBy") == "session":
            return page.json_answer({**self._grouped(items), "total": len(rows), "nextCursor": cursor})
        return page.json_answer({"items": items, "total": len(rows), "nextCursor": cursor})

    def _grouped(self, items: list[dict[str, Any]]) -> dict[str, Any]:
        """Group one page only: a session may go on in the next one (wire §8)."""
        titles = self._server.sessions.titles()
        groups: dict[str, list[dict[str, Any]]] = {}
        for row in items:
            if row["sessionId"]:
                groups.setdefault(row["sessionId"], []).append(row)
        sessions = [
            {
                "sessionId": name,
                "items": rows,
                "lastUsedAt": max(row["createdAt"] for row in rows),
                "title": titles.get(name),
                "label": titles.get(name) or name[:_LABEL],
            }
            for name, rows in groups.items()
        ]
        sessions.sort(key=lambda group: int(str(group["lastUsedAt"])), reverse=True)
        return {"sessions": sessions, "loose": [row for row in items if not row["sessionId"]]}

    def _is_favourite(self, browser: str, filename: str) -> bool:
        return bool(browser) and self._server.emulator.shelf.get(_FAVOURITE, f"{browser}/{filename}") is not None

    async def _favour(self, request: web.Request) -> web.StreamResponse:
        filename, browser = body_of(request).get("filename"), request.headers.get("X-Ima2-Browser-Id")
        if not isinstance(filename, str) or not filename:
            return page.json_answer({"error": "filename is required"}, status=400)
        if not browser:
            return page.json_answer({"error": "X-Ima2-Browser-Id header is required"}, status=400)
        shelf, name = self._server.emulator.shelf, f"{browser}/{filename}"
        if shelf.drop(_FAVOURITE, name):
            return page.json_answer({"isFavorite": False})
        shelf.put(_FAVOURITE, name, True)
        return page.json_answer({"isFavorite": True})

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        """Move a file to a trash: TAG to its own, for ten seconds, HEAD to the system's, for good (recorded)."""
        try:
            name, path = self._file(request)
        except Refused as refused:
            return _told(refused.failure)
        gallery = self._server.gallery
        if not self._server.profile.is_tag:
            _move(path, gallery.system_trash / name.replace("/", "__"))
            gone = {"trash": "system", "undoableInApp": False}
            return page.json_answer({"ok": True, "filename": name, **gone, **self._server.sessions.lose_asset(name)})
        now = milliseconds()
        trash = f"{now}_{name.replace('/', '__')}"
        _move(path, gallery.trash / trash)
        touched = self._server.sessions.lose_asset(name)
        until = now + self._kept_for()
        return page.json_answer({"ok": True, "trashId": trash, "filename": name, "unlinkAt": until, **touched})

    def _kept_for(self) -> int:
        return int(TRASH_S * 1000 / self._server.emulator.speed)

    async def _delete_for_good(self, request: web.Request) -> web.StreamResponse:
        try:
            name, path = self._file(request)
        except Refused as refused:
            return _told(refused.failure)
        path.unlink()
        path.with_name(path.name + ".json").unlink(missing_ok=True)
        return page.json_answer({"ok": True, "filename": name, **self._server.sessions.lose_asset(name)})

    async def _restore(self, request: web.Request) -> web.StreamResponse:
        """Bring a file back if it is still there; an unknown id is an error of the server, with paths (recorded)."""
        name, trash = request.match_info["filename"], body_of(request).get("trashId")
        if not isinstance(trash, str) or not trash:
            return page.json_answer({"error": "trashId required"}, status=400)
        gallery = self._server.gallery
        source, target = (gallery.trash / trash).resolve(), gallery.resolve(name)
        if not source.is_relative_to(gallery.trash) or target is None:
            return page.json_answer({"error": "invalid trashId"}, status=400)
        since = parse_int(trash) or 0
        if not source.is_file() or milliseconds() > since + self._kept_for():
            paths = f"'{SHOWN_ROOT}/.trash/{trash}' -> '{SHOWN_ROOT}/{name}'"
            return page.json_answer({"error": f"ENOENT: no such file or directory, rename {paths}"}, status=500)
        _move(source, target)
        return page.json_answer({"ok": True})

    def _file(self, request: web.Request) -> tuple[str, Path]:
        """Return the file that is meant; names are decoded twice, so a lone % fails (recorded: history_delete_pct)."""
        name = request.match_info["filename"]
        if any(part[:2].strip("0123456789abcdefABCDEF") or len(part) < 2 for part in name.split("%")[1:]):
            raise Refused(Failure(status=500, code=None, message="URI malformed"))
        name = unquote(name)
        path = self._server.gallery.resolve(name)
        if path is None:
            raise check("INVALID_FILENAME", "filename escapes generated/")
        if not path.is_file():
            raise check("ASSET_NOT_FOUND", "Asset not found", status=404)
        return name, path


def _told(found: Failure) -> web.Response:
    return page.json_answer(failure.flat(found), status=found.status)


def _move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    move(source, target)
    sidecar = source.with_name(source.name + ".json")
    if sidecar.is_file():
        move(sidecar, target.with_name(target.name + ".json"))


def _fits(row: dict[str, Any], query: Any) -> bool:
    """Say whether a row is on or after the cursor, `since` (exclusive), and of the session."""
    since, before = parse_int(query.get("since", "")), parse_int(query.get("before", ""))
    created, last = row["createdAt"], query.get("beforeFilename")
    if since is not None and created <= since:
        return False
    if before is not None and not (created < before or (created == before and last and row["filename"] < last)):
        return False
    session = query.get("sessionId")
    return not session or row["sessionId"] == session
