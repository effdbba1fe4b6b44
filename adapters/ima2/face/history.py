"""The history: what the team's clients of this face made, in pages, in groups, deleted and restored (wire §8)."""

import re
from collections.abc import Mapping
from typing import Any

from adapters.ima2.face import failure, files, relayed
from adapters.ima2.face.asked import body_of
from adapters.ima2.face.failure import Failure, Refused, check
from adapters.ima2.face.front import FACE, FILE, Front
from adapters.ima2.face.result import filename, pictures, shown
from adapters.ima2.face.said import read, said
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import JobOutput
from contracts.media import FORMATS
from contracts.names import FileQuery, NamedFile

_PAGE, _LARGEST_PAGE = 50, 500
_LABEL = 8
_NUMBER = re.compile(r"\s*(\d{1,17})(?:\.\d+)?")
_POSITION = re.compile(r"_(?:multimode_)?(\d{1,2})\.\w+\Z")
_UNTOUCHED = {"sessionsTouched": 0, "nodesTouched": 0}
#: What the real server keeps for parts of its page that make nothing.
_UNUSED = (
    "canvasSourceFilename", "canvasEditableFilename", "canvasMergedAt", "setId", "cardId", "cardOrder", "headline",
    "body", "cards",
)  # fmt: skip
_KINDS = {"generate": "classic", "edit": "edit", "multimode": "multimode-image", "video": "video"}


class History:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes."""
        one = "/api/history/{filename}"
        return [
            FaceRoute(method="GET", template="/api/history", answer=self._list),
            FaceRoute(method="DELETE", template=one, answer=self._delete),
            FaceRoute(method="DELETE", template=f"{one}/permanent", answer=self._purge),
            FaceRoute(method="POST", template=f"{one}/restore", answer=self._restore),
        ]

    async def _list(self, call: Call, caller: Caller) -> Answer:
        query = call.query
        limit = int(_number(query.get("limit")) or 0)
        before_name = query.get("beforeFilename", "")
        stem, position = files.stem_of(before_name), _POSITION.search(before_name)
        page = await self._front.desk.names.files(
            caller,
            FACE,
            FILE,
            FileQuery(
                limit=min(limit or _PAGE, _LARGEST_PAGE),
                before_ms=_number(query.get("before")),
                before_id=stem,
                before_position=int(position.group(1)) if position is not None else 0,
                since_ms=_number(query.get("since")),
                collection=query.get("sessionId") or None,
            ),
        )
        items = [row for each in page.files if (row := _row(each)) is not None]
        last = items[-1] if items and page.more else None
        cursor = None if last is None else {"before": last["createdAt"], "beforeFilename": last["filename"]}
        rest = {"total": page.total, "nextCursor": cursor}
        if query.get("groupBy") == "session":
            return read(call, {**_grouped(items, await relayed.titles(self._front, caller)), **rest})
        return read(call, {"items": items, **rest})

    async def _delete(self, call: Call, caller: Caller) -> Answer:
        """Take a file out of the history; it can be restored for some days, and the answer says until when."""
        front, now = self._front, self._front.now_ms()
        until = now + int(front.settings.restorable_s * 1000)
        trash = f"{now}_{call.params['filename']}"
        undo = {"trashId": trash, "unlinkAt": until, "trash": "app", "undoableInApp": True}
        return await self._gone(call, caller, undo)

    async def _purge(self, call: Call, caller: Caller) -> Answer:
        """Take a file out of the history for good: no id is told that would bring it back."""
        return await self._gone(call, caller, None)

    async def _gone(self, call: Call, caller: Caller, undo: Mapping[str, Any] | None) -> Answer:
        name, assets = call.params["filename"], self._front.desk.assets
        try:
            found = await self._file(caller, name)
            # What is deleted already is not there for ima2's clients.
            await assets.get(caller, found.output.asset_id)
            await assets.delete(caller, found.output.asset_id, for_good=undo is None)
        except Refused as refused:
            return _refused(refused.failure)
        except CatalogError as error:
            return _refused(self._front.failure(error, "other"))
        return said({"ok": True, "filename": name, **(undo or {}), **_UNTOUCHED})

    async def _restore(self, call: Call, caller: Caller) -> Answer:
        name, trash = call.params["filename"], (body_of(call) or {}).get("trashId")
        try:
            if not isinstance(trash, str) or not trash:
                raise check("INVALID_REQUEST", "trashId required", bare=True)
            if trash.partition("_")[2] != name:
                raise check("INVALID_REQUEST", "invalid trashId", bare=True)
            found = await self._file(caller, name)
            await self._front.desk.assets.restore(caller, found.output.asset_id)
        except Refused as refused:
            return _refused(refused.failure)
        except CatalogError as error:
            return _refused(self._front.failure(error, "other"))
        return said({"ok": True})

    async def _file(self, caller: Caller, name: str) -> files.Found:
        if ".." in name or name.startswith("/"):
            raise check("INVALID_FILENAME", "filename escapes generated/")
        found = await files.find(self._front, caller, name)
        if found is None:
            raise check("ASSET_NOT_FOUND", "Asset not found", status=404, catalogue="resource.not_found")
        return found


def _row(each: NamedFile) -> dict[str, Any] | None:
    named, job = each.named, each.named.job
    output = next((one for one in pictures(job) if one.asset_id == each.asset_id), None)
    if output is None:
        return None
    note, known, name = named.note, shown(job, named.note), filename(named, output)
    is_node = note.get("route") == "node"
    row: dict[str, Any] = {
        "filename": name,
        "url": f"/generated/{name}",
        "createdAt": each.created_ms,
        "prompt": job.spec.prompt or None,
        "userPrompt": job.spec.prompt or None,
        "revisedPrompt": output.revised_prompt,
        "promptMode": note.get("promptMode"),
        "quality": known.quality,
        "size": known.size,
        "format": FORMATS[output.media_type],
        "model": known.model,
        "provider": known.provider,
        "usage": known.usage,
        "webSearchCalls": known.searches,
        "sessionId": named.collection,
        "nodeId": named.native_id if is_node else None,
        "parentNodeId": note.get("parentNodeId"),
        "clientNodeId": note.get("clientNodeId"),
        "requestId": note.get("requestId"),
        "kind": note.get("kind") if is_node else _KINDS.get(str(note.get("route"))),
        "canvasVersion": False,
        **dict.fromkeys(_UNUSED),
        "refsCount": note.get("refsCount", 0),
        **_sequence(note, output, len(pictures(job))),
        "isFavorite": False,
    }
    if note.get("route") == "video":
        row |= {"mediaType": "video", "video": note.get("video")}
    return row


def _sequence(note: Any, output: JobOutput, returned: int) -> dict[str, Any]:
    sequence = note.get("sequenceId")
    if sequence is None:
        names = ("Id", "Index", "TotalRequested", "TotalReturned", "Status")
        return {f"sequence{name}": None for name in names}
    return {
        "sequenceId": sequence,
        "sequenceIndex": output.index + 1,
        "sequenceTotalRequested": note["n"],
        "sequenceTotalReturned": returned,
        "sequenceStatus": "partial" if returned < note["n"] else "complete",
    }


def _grouped(items: list[dict[str, Any]], titles: Mapping[str, str]) -> dict[str, Any]:
    """Group one page by session, each with its title if known: a session may go on in the next one (wire §8)."""
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
            "label": titles.get(name, name[:_LABEL]),
        }
        for name, rows in groups.items()
    ]
    sessions.sort(key=lambda group: int(str(group["lastUsedAt"])), reverse=True)
    return {"sessions": sessions, "loose": [row for row in items if not row["sessionId"]]}


def _number(text: str | None) -> float | None:
    found = _NUMBER.match(text) if text else None
    return float(found.group(1)) if found is not None else None


def _refused(found: Failure) -> Answer:
    return said(failure.flat(found), status=found.status, headers=found.headers, code=found.catalogue)
