"""Finding work again whose submit was not answered, one look at a time. Rows are durable there: none means none.

A generate and a variation are known by their seed and prompt, an edit by its attempt's name in a field that Studio
keeps for nobody. Of an upscale no field is kept at all (wire §7.2): it is known by the picture that it began with.
"""

import hashlib
from pathlib import PurePosixPath
from urllib.parse import quote

from msgspec import structs

from adapters.kit.http import MAX_PICTURE_BYTES, Exchanges
from adapters.sdcpp.translate import Note, Suspect, is_ours, to_handle, to_phase
from adapters.sdcpp.wire import Job, Queue
from contracts.catalog import CatalogError
from contracts.port import Absent, CannotTell, Moments, Pending, Recovered

#: A submit that was on its way when we stopped looking has arrived by then.
GRACE_S = 2.0
#: Rows created this long before our submit cannot be ours, whatever the clocks say.
WINDOW_S = 120.0
#: More pictures than these are not compared.
MAX_SUSPECTS = 20
#: Of an upscale that ended without a picture nothing is left to be found: it may be made again.
_ALIVE = frozenset({"pending", "processing", "model_loading", "completed"})


class Trace:
    """Looks for the work of one backend."""

    def __init__(self, exchanges: Exchanges) -> None:
        """Take how the backend is asked."""
        self._exchanges = exchanges

    async def recover(self, note: Note, name: str, moments: Moments) -> Recovered:
        """Find a submit whose answer was lost."""
        if note.job_id is not None:
            return Pending(0)
        if note.suspects:
            return await self._compared(note, name)
        waited = moments.now - moments.submitted_at
        if note.kind == "upscale" and waited < GRACE_S:
            # Pictures are compared once, when whatever was on its way has arrived.
            return Pending(GRACE_S - waited, found=False)
        queue = await self._exchanges.json(Queue, "GET", "/api/queue", max_bytes=MAX_PICTURE_BYTES)
        since = (moments.submitted_at - WINDOW_S) * 1000
        rows = [job for job in queue.jobs if (job.created_at or since) >= since]
        if note.kind == "upscale":
            return _suspected(rows, note, name)
        ours = [job for job in rows if is_ours(job, note, name)]
        if len(ours) > 1:
            return CannotTell("several jobs at the backend carry this seed and prompt")
        if ours:
            return _found(ours[0].id, note, name, ours[0])
        if waited < GRACE_S:
            return Pending(GRACE_S, found=False)
        return Absent()

    async def _compared(self, note: Note, name: str) -> Recovered:
        """Look at one picture: the same bytes are enlarged to the same picture, whoever asked for it."""
        suspect, *others = note.suspects
        seen = hashlib.sha256()
        try:
            async for chunk in self._exchanges.stream(
                f"/static/input/{quote(suspect.file, safe='')}", max_bytes=MAX_PICTURE_BYTES
            ):
                seen.update(chunk)
        except CatalogError as error:
            if error.code == "resource.expired":
                return CannotTell("a picture that was enlarged there can no longer be compared with ours")
            raise
        if seen.hexdigest() == note.source_sha256:
            return _found(suspect.job_id, note, name)
        if others:
            return Pending(0, found=False, handle=to_handle(structs.replace(note, suspects=tuple(others)), name))
        return Absent()


def _suspected(rows: list[Job], note: Note, name: str) -> Recovered:
    suspects = tuple(
        Suspect(job.id, PurePosixPath(job.input_image_path or "").name)
        for job in rows
        if job.type == "upscale" and job.status in _ALIVE
    )
    if not suspects:
        return Absent()
    if note.source_sha256 is None or len(suspects) > MAX_SUSPECTS or not all(each.file for each in suspects):
        return CannotTell("the backend keeps nothing of this upscale by which it could be told from others")
    return Pending(0, found=False, handle=to_handle(structs.replace(note, suspects=suspects), name))


def _found(job_id: str, note: Note, name: str, job: Job | None = None) -> Pending:
    found = structs.replace(note, job_id=job_id, suspects=())
    return Pending(0, phase=None if job is None else to_phase(job), handle=to_handle(found, name))
