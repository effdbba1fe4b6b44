"""The one table `generations`, which is queue and history, and the pictures of its rows (wire §1, §4, §5).

All rows are held in memory and written through to the shelf, so that a restart finds what a kill left behind.
"""

from collections.abc import Callable, Sequence
from secrets import randbelow
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from adapters.kit.scenario import Forced
from adapters.kit.shelf import Shelf
from adapters.sdcpp.sandbox.binding import bound, either, number, text
from adapters.sdcpp.sandbox.fault import CrashError, HandlerError
from adapters.sdcpp.sandbox.profile import Profile
from adapters.sdcpp.sandbox.refusal import NO_DEFAULT

RESTARTED = "Server restarted - job cancelled"
CANCELLABLE = ("pending", "processing")
COUNTED = ("pending", "processing", "completed", "failed")
#: What a request may set, in the order in which it is bound, with how its column keeps it.
_COLUMNS: dict[str, Callable[[Any], Any]] = {
    "model": text, "prompt": text, "negative_prompt": text, "size": text, "seed": text, "n": number,
    "quality": text, "style": text, "source_image_id": text, "strength": number, "sample_steps": number,
    "cfg_scale": number, "sampling_method": text, "clip_skip": text, "offload_to_cpu": number,
    "clip_on_cpu": number, "vae_on_cpu": number, "vae_tiling": number, "diffusion_fa": number,
}  # fmt: skip
#: Columns whose empty values are kept as they are; all others are `value || null`.
_AS_GIVEN = ("seed", "strength", "offload_to_cpu", "clip_on_cpu", "vae_on_cpu", "vae_tiling", "diffusion_fa")


class Entry(Struct):
    """A row, what is forced for it, and its place in the order of insertion."""

    row: dict[str, Any]
    forced: dict[str, Forced]
    place: int


class Table:
    """The rows by id. `on_end(id, status)` hears of every end that the server's own code notices."""

    def __init__(self, shelf: Shelf, profile: Profile, *, now: Callable[[], float]) -> None:
        """Read what the shelf holds."""
        self._shelf = shelf
        self._profile = profile
        self._now = now
        self.on_end: Callable[[str, str], None] = lambda _id, _status: None
        self._entries = {
            entry.row["id"]: entry for entry in (msgspec.convert(each, Entry) for each in shelf.all("row"))
        }
        self._images: dict[str, list[dict[str, Any]]] = {}
        self._image: dict[str, dict[str, Any]] = {}
        for image in shelf.all("image"):
            self._remember(image)
        self._places = max((entry.place for entry in self._entries.values()), default=0)

    def insert(self, draft: dict[str, Any], default_model: str | None, forced: dict[str, Forced]) -> str:
        """Insert a pending row and return its id; raise `HandlerError` with SQLite's words."""
        draft = dict(draft)
        draft["model"] = either(draft.get("model"), "none" if draft["type"] == "upscale" else default_model)
        if draft["model"] is None:
            raise HandlerError(NO_DEFAULT)
        draft["n"] = either(draft.get("n"), 1)
        values = [self._value(name, draft.get(name)) for name in _COLUMNS]
        kept = dict(zip(_COLUMNS, bound(values), strict=True))
        stored = {name: keep(kept[name]) for name, keep in _COLUMNS.items()}
        if not self._profile.decimal_seed:
            stored["seed"] = stored["seed"].removesuffix(".0")
        identifier = str(uuid4())
        seconds = int(self._now()) * 1000
        self._places += 1
        row = {
            "id": identifier,
            "type": draft["type"],
            **{name: stored[name] for name in ("model", "prompt", "negative_prompt", "size", "seed", "n")},
            "quality": stored["quality"],
            "style": stored["style"],
            "response_format": "b64_json",
            "user_id": None,
            "source_image_id": stored["source_image_id"],
            "status": "pending",
            "progress": 0,
            "error": None,
            "created_at": seconds,
            "updated_at": seconds,
            "started_at": None,
            "completed_at": None,
            "input_image_path": draft.get("input_image_path"),
            "input_image_mime_type": "image/png" if draft.get("input_image_path") else None,
            "mask_image_path": draft.get("mask_image_path"),
            "mask_image_mime_type": "image/png" if draft.get("mask_image_path") else None,
            "strength": stored["strength"],
            "model_loading_time_ms": None,
            "generation_time_ms": None,
            **{name: stored[name] for name in ("sample_steps", "cfg_scale", "sampling_method", "clip_skip")},
            "upscale_enable": 0,
            **{name: stored[name] for name in ("vae_on_cpu", "offload_to_cpu", "clip_on_cpu", "vae_tiling")},
            "diffusion_fa": stored["diffusion_fa"],
            "binary_version": None,
        }
        self._entries[identifier] = Entry(row, forced, self._places)
        self._keep(identifier)
        return identifier

    def _value(self, name: str, value: Any) -> Any:
        if name == "seed" and value in (None, ""):
            return randbelow(2**32 - 1)
        return value if name in _AS_GIVEN else either(value, None)

    def _keep(self, identifier: str) -> None:
        self._shelf.put("row", identifier, self._entries[identifier])

    def get(self, identifier: str) -> Entry | None:
        """Return a row with what is forced for it."""
        return self._entries.get(identifier)

    def listed(self, status: str | None = None) -> list[Entry]:
        """Return the rows newest first; inside a second they stand by id, which is to say in no order (wire §5)."""
        entries = [entry for entry in self._entries.values() if status in (None, entry.row["status"])]
        return sorted(entries, key=lambda entry: (-entry.row["created_at"], entry.row["id"]))

    def stats(self) -> dict[str, int]:
        """Count the rows in the four states that have a counter."""
        statuses = [entry.row["status"] for entry in self._entries.values()]
        return {status: statuses.count(status) for status in COUNTED}

    def claim(self) -> Entry | None:
        """Take the next job: the oldest second first, but inside it the newest row (wire §5, [R:queue_order])."""
        waiting = [entry for entry in self._entries.values() if _is_waiting(entry)]
        if not waiting:
            return None
        entry = min(waiting, key=lambda each: (each.row["created_at"], -each.place))
        entry.row["status"] = "processing"
        self._keep(entry.row["id"])
        return entry

    def update(self, identifier: str, status: str, **changes: Any) -> None:
        """Write a state without asking for the one before: this is why a cancelled job comes back (wire §5).

        An end of a row that is gone raises `CrashError`.
        """
        entry = self._entries.get(identifier)
        if entry is None:
            if status in ("completed", "failed"):
                raise CrashError("Cannot read properties of null (reading 'error')")
            return
        if self._profile.cancel_is_final and entry.row["status"] == "cancelled":
            return
        now = int(self._now() * 1000)
        if status == "processing":
            entry.row["started_at"] = now
        elif status in ("completed", "failed"):
            entry.row["completed_at"] = now
        shown = "processing" if status == "model_loading" and not self._profile.model_loading else status
        entry.row.update(changes, status=shown, updated_at=now)
        self._keep(identifier)
        if status in ("completed", "failed", "cancelled"):
            self.on_end(identifier, status)

    def cancel(self, identifier: str) -> Entry | None:
        """Write `cancelled` into a row that is pending or processing; None for any other."""
        entry = self._entries.get(identifier)
        if entry is None or entry.row["status"] not in CANCELLABLE:
            return None
        self.update(identifier, "cancelled")
        return entry

    def sweep(self, status: str, **changes: Any) -> int:
        """Write a state and `completed_at` into every row that is pending or processing, telling nobody.

        So do cancel-all and the start of the server; both overlook `model_loading` (wire §5).
        """
        now = int(self._now() * 1000)
        swept = [entry for entry in self._entries.values() if entry.row["status"] in CANCELLABLE]
        for entry in swept:
            entry.row.update(changes, status=status, completed_at=now, updated_at=now)
            self._keep(entry.row["id"])
        return len(swept)

    def delete(self, identifier: str) -> list[dict[str, Any]]:
        """Delete a row with its pictures' rows, and return those; the worker is not told."""
        if self._entries.pop(identifier, None) is not None:
            self._shelf.drop("row", identifier)
        images = self._images.pop(identifier, [])
        for image in images:
            del self._image[image["id"]]
            self._shelf.drop("image", image["id"])
        return images

    def ids(self) -> Sequence[str]:
        """Return the ids of all rows."""
        return tuple(self._entries)

    def add_image(self, identifier: str, image: dict[str, Any]) -> None:
        """Insert a picture's row; without its generation that fails, and with it the server (wire §5)."""
        if identifier not in self._entries:
            raise CrashError("FOREIGN KEY constraint failed")
        self._remember(image)
        self._shelf.put("image", image["id"], image)

    def _remember(self, image: dict[str, Any]) -> None:
        self._images.setdefault(image["generation_id"], []).append(image)
        self._image[image["id"]] = image

    def images(self, identifier: str) -> list[dict[str, Any]]:
        """Return the pictures of a row in their order."""
        return self._images.get(identifier, [])

    def image(self, image_id: str) -> dict[str, Any] | None:
        """Return one picture's row."""
        return self._image.get(image_id)


def _is_waiting(entry: Entry) -> bool:
    if entry.row["status"] == "pending":
        return True
    # The token makes a cancelled job run that had not started.
    row = entry.row
    return "cancelled_then_completed" in entry.forced and row["status"] == "cancelled" and row["started_at"] is None
