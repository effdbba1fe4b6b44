"""The gallery: pictures and videos as files with sidecars, two trashes, and what was forced for each file's later."""

import re
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec

from adapters.ima2.sandbox.registry import milliseconds
from adapters.ima2.sandbox.xmp import stored
from adapters.kit.scenario import Forced
from adapters.kit.shelf import Shelf

_LISTED = re.compile(r".*\.(png|jpe?g|webp)\Z", re.IGNORECASE)
_LISTED_NEW = re.compile(r".*\.(png|jpe?g|webp|mp4)\Z", re.IGNORECASE)
_REMEMBERED = "file"
#: What a file system takes, with room for `.json`.
_LONGEST = 240
#: What a gallery on a real machine would be called in a message: no path of this one ever leaves.
SHOWN_ROOT = "/srv/app/.ima2/generated"


class Gallery:
    """Files under `generated/`, and the two kinds of trash."""

    def __init__(self, directory: Path, shelf: Shelf, *, is_new: bool) -> None:
        """Begin with the files that are there."""
        self.root = (directory / "ima2" / "generated").resolve()
        self.root.mkdir(parents=True, exist_ok=True)
        self.trash = self.root / ".trash"
        self.system_trash = directory / "ima2" / "system-trash"
        self._inside = directory.resolve()
        self._shelf = shelf
        self._listed = _LISTED_NEW if is_new else _LISTED

    def new_name(self, suffix: str) -> str:
        """Return `<milliseconds>_<8 hex><suffix>`."""
        return f"{milliseconds()}_{token_hex(4)}{suffix}"

    def keep(
        self, filename: str, data: bytes, meta: dict[str, Any], forced: dict[str, Forced], version: str | None = None
    ) -> None:
        """Write a file and its sidecar; with a version the picture is converted and gets its metadata embedded.

        The name is what the server makes of the format it was given, so it may point anywhere: nothing is written
        outside of the sandbox's own directory.
        """
        if "\0" in filename or len(filename) > _LONGEST:
            return
        path = (self.root / filename).resolve()
        if not path.is_relative_to(self._inside):
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if version is None else stored(data, meta.get("format"), meta, version))
        path.with_name(path.name + ".json").write_bytes(msgspec.json.encode(meta))
        if "file" in forced:
            self._shelf.put(_REMEMBERED, filename, {"outcome": forced["file"].argument or "gone"})

    def remembered(self, path: str) -> dict[str, Forced]:
        """Return what was forced at submit time for a stored file that is downloaded now."""
        note = self._shelf.get(_REMEMBERED, path.removeprefix("/generated/"))
        return {} if note is None else {note["outcome"]: Forced(note["outcome"])}

    def resolve(self, relative: str) -> Path | None:
        """Return where a name points, None when it leaves the gallery."""
        if "\0" in relative:
            return None
        target = (self.root / relative).resolve()
        return target if target.is_relative_to(self.root) else None

    def sidecar(self, filename: str) -> dict[str, Any] | None:
        """Return a file's metadata."""
        path = self.root / f"{filename}.json"
        return msgspec.json.decode(path.read_bytes()) if path.is_file() else None

    def rows(self) -> list[dict[str, Any]]:
        """Return the history's rows, newest first: every call reads the whole folder (wire §8)."""
        rows = [self._row(path) for path in self._files()]
        return sorted(rows, key=lambda row: (row["createdAt"], row["filename"]), reverse=True)

    def count(self) -> int:
        """Return how many files there are, sidecars included (wire §2)."""
        return sum(1 for path in self.root.rglob("*") if path.is_file() and not self._hidden(path))

    def _files(self) -> list[Path]:
        found = (*self.root.glob("*"), *self.root.glob("*/*"), *self.root.glob("*/*/*"))
        return [path for path in found if self._listed.match(path.name) and path.is_file() and not self._hidden(path)]

    def _hidden(self, path: Path) -> bool:
        return path.is_relative_to(self.trash)

    def _row(self, path: Path) -> dict[str, Any]:
        name = path.relative_to(self.root).as_posix()
        meta = self.sidecar(name) or {}
        row: dict[str, Any] = {
            "filename": name,
            "url": f"/generated/{name}",
            "createdAt": meta.get("createdAt") or path.stat().st_mtime_ns // 1_000_000,
            "prompt": meta.get("prompt"),
            "userPrompt": meta.get("userPrompt") or meta.get("prompt"),
        }
        for field in ("revisedPrompt", "promptMode", "quality", "size"):
            row[field] = meta.get(field)
        row["format"] = meta.get("format") or path.suffix[1:]
        row["model"] = meta.get("model")
        row["provider"] = meta.get("provider") or "oauth"
        row["usage"] = meta.get("usage")
        row["webSearchCalls"] = meta.get("webSearchCalls") or 0
        for field in ("sessionId", "nodeId", "parentNodeId", "clientNodeId", "requestId", "kind"):
            row[field] = meta.get(field)
        row["canvasVersion"] = False
        for field in _UNUSED:
            row[field] = None
        row["refsCount"] = meta.get("refsCount") or 0
        for field in _SEQUENCE:
            row[field] = meta.get(field)
        if meta.get("mediaType") == "video":
            row |= {field: meta.get(field) for field in ("mediaType", "video", "videoContinuity")}
        return row


_UNUSED = (
    "canvasSourceFilename",
    "canvasEditableFilename",
    "canvasMergedAt",
    "setId",
    "cardId",
    "cardOrder",
    "headline",
    "body",
    "cards",
)
_SEQUENCE = (
    "sequenceId",
    "sequenceIndex",
    "sequenceTotalRequested",
    "sequenceTotalReturned",
    "sequenceStatus",
)
