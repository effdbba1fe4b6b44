"""One Studio: its table, models, socket, logs and files, and what the routes share about a job."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

from adapters.kit.emulator import Emulator
from adapters.kit.scenario import Forced
from adapters.sdcpp.sandbox.fault import JobError
from adapters.sdcpp.sandbox.feed import Feed
from adapters.sdcpp.sandbox.fleet import Fleet
from adapters.sdcpp.sandbox.logbook import Logbook
from adapters.sdcpp.sandbox.model import default_for
from adapters.sdcpp.sandbox.picture import pixels
from adapters.sdcpp.sandbox.profile import Profile
from adapters.sdcpp.sandbox.table import Entry, Table

#: The absolute paths that the real server leaks (wire §4); the files lie in the sandbox's own directory.
SHOWN_IMAGES = "/srv/app/images"
SHOWN_INPUT = "/srv/app/input"


class Studio:
    """See the module's docstring."""

    def __init__(self, emulator: Emulator, profile: Profile, *, api_key: str | None, production: bool) -> None:
        """Open what an earlier process left in the data directory."""
        self.emulator = emulator
        self.profile = profile
        self.api_key = api_key
        self.production = production
        self.images_dir = emulator.dir / "images"
        self.input_dir = emulator.dir / "input"
        for folder in (self.images_dir, self.input_dir):
            folder.mkdir(exist_ok=True)
        self.table = Table(emulator.shelf, profile, now=emulator.now)
        self.table.on_end = self._ended
        self.logbook = Logbook(now=emulator.now)
        self.feed = Feed(profile.channels, now=emulator.now)
        self.fleet = Fleet(now=emulator.now, pause=emulator.pause, announce=self._announce)
        self._waiting: dict[str, asyncio.Future[str]] = {}

    def _announce(self, channel: str, kind: str, data: dict[str, Any]) -> None:
        if channel == "terminal":
            self.logbook.sdcpp(data["generationId"], data["content"].rstrip())
        self.feed.announce(channel, kind, data)

    def _ended(self, job_id: str, status: str) -> None:
        waiting = self._waiting.pop(job_id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(status)

    def end_of(self, job_id: str) -> asyncio.Future[str]:
        """Return what will hear how a job ended; cancel-all tells nobody (wire §7.8)."""
        self._waiting[job_id] = asyncio.get_running_loop().create_future()
        return self._waiting[job_id]

    def submit(self, draft: dict[str, Any], forced: dict[str, Forced]) -> str:
        """Put a job into the table and return its id; raise `HandlerError`. What is forced stays with the job."""
        job_id = self.table.insert(draft, default_for(draft["type"]), forced)
        if "phantom" in forced:
            self._double(draft, job_id)
        if "cancelled_by_operator" in forced:
            self.table.cancel(job_id)
        if "lost" in forced:
            self.table.delete(job_id)
        return job_id

    def _double(self, draft: dict[str, Any], job_id: str) -> None:
        original = self.table.get(job_id)
        if original is not None:
            self.table.insert({**draft, "seed": original.row["seed"]}, original.row["model"], {})

    def forced_for(self, job_id: str) -> dict[str, Forced]:
        """Return what was forced for a job when it was submitted."""
        entry = self.table.get(job_id)
        return entry.forced if entry else {}

    def shown(self, entry: Entry) -> dict[str, Any]:
        """Return a row as a single object shows it: with its pictures."""
        images = self.table.images(entry.row["id"])
        return {**self._row(entry), "image_count": len(images), "images": images}

    def listed(self, entry: Entry) -> dict[str, Any]:
        """Return a row as lists show it: without its pictures, but with the first one's address."""
        images = self.table.images(entry.row["id"])
        row = {**self._row(entry), "image_count": len(images)}
        if images:
            first = images[0]["id"]
            row |= {"first_image_id": first, "first_image_url": f"/static/images/{first}.png"}
        return row

    def _row(self, entry: Entry) -> dict[str, Any]:
        if not self.profile.generation_id:
            return entry.row
        done = entry.row["status"] == "completed"
        return {**entry.row, "generation_id": entry.row["id"] if done else None}

    def save_image(self, job_id: str, index: int, data: bytes, revised_prompt: str | None) -> dict[str, Any]:
        """Write a picture to disk, then its row, and return that.

        Whatever the bytes are, they are called `.png` and `image/png` (wire §7.5).
        """
        image_id = str(uuid4())
        (self.images_dir / f"{image_id}.png").write_bytes(data)
        width, height = pixels(data) if self.profile.picture_size else (None, None)
        image = {
            "id": image_id,
            "generation_id": job_id,
            "index_in_batch": index,
            "file_path": f"{SHOWN_IMAGES}/{image_id}.png",
            "mime_type": "image/png",
            "width": width,
            "height": height,
            "revised_prompt": revised_prompt,
            "is_video": 0,
            "video_frames": None,
            "video_fps": None,
        }
        self.table.add_image(job_id, image)
        return image

    def save_input(self, data: bytes, *, mask: bool = False) -> str:
        """Write an uploaded picture to disk and return the path that the row shows. It is never deleted (wire §7.2)."""
        name = f"{uuid4()}{'_mask' if mask else ''}.png"
        (self.input_dir / name).write_bytes(data)
        return f"{SHOWN_INPUT}/{name}"

    def read_input(self, shown: str | None) -> bytes | None:
        """Return an uploaded picture by the path that its row shows; raise `JobError` where the file is gone."""
        if shown is None:
            return None
        try:
            return (self.input_dir / Path(shown).name).read_bytes()
        except FileNotFoundError:
            raise JobError(f"ENOENT: no such file or directory, open '{shown}'") from None

    def image_path(self, image: dict[str, Any]) -> Path:
        """Return where a picture really lies."""
        return self.images_dir / f"{image['id']}.png"
