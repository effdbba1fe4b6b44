"""Films as OpenAI shows them: their ids, their four states, and the pages of their list."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct, UnsetType
from ulid import ULID

from adapters.openai.face.front import FACE, Front
from adapters.openai.face.model import AUTO
from adapters.openai.face.said import error_of
from adapters.openai.face.videos_asked import SIZES
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import JobQuery
from contracts.job import Job, JobOutput
from contracts.spec import Video

#: The name that is given to a film that was deleted: nobody finds it here any more.
DELETED = "deleted"
_ID = re.compile(r"video_([0-9a-f]{32})")
_STATES = {"queued": "queued", "running": "in_progress", "succeeded": "completed"}
#: So many films may share the very moment of their creation before a page could miss one.
_TWINS = 16
#: The clock's step, in seconds.
_STEP_S = 1e-6


def video_id(job: Job) -> str:
    """Return a job's id as OpenAI's clients see it: the same 128 bits."""
    return f"video_{ULID.from_str(job.id.partition('_')[2]).to_uuid().hex}"


def missing(given: str) -> CatalogError:
    """Return the refusal of an id that is unknown, another team's, deleted, or no film's."""
    return CatalogError("resource.not_found", f"There is no video with the id {given[:100]!r}.")


async def find(front: Front, caller: Caller, given: str) -> Job:
    """Return a film's job; raise `resource.not_found` for everything else."""
    found = _ID.fullmatch(given)
    if found is None:
        raise missing(given)
    job_id = f"job_{ULID.from_uuid(UUID(found[1]))}"
    try:
        shown = await front.desk.jobs.get(caller, job_id)
    except CatalogError as error:
        if error.code == "resource.not_found":
            raise missing(given) from None
        raise
    gone = await front.desk.names.notes(caller, FACE, DELETED, (job_id,))
    if shown is None or gone or shown.job.operation != "video.generate":
        raise missing(given)
    return shown.job


async def video(front: Front, caller: Caller, job: Job) -> dict[str, Any]:
    """Return the object of one film. Times are whole seconds UTC; `expires_at` is when its file goes."""
    made, problem = film_of(job), None
    if job.state in ("failed", "blocked", "cancelled"):
        problem = front.problem(job)
    wished = job.spec.video if isinstance(job.spec.video, Video) else Video()
    sent = job.effective.video if job.effective is not None else None
    meant = sent if isinstance(sent, Video) else wished
    return {
        "id": video_id(job),
        "object": "video",
        "created_at": int(job.created_at.timestamp()),
        "completed_at": int(job.finished_at.timestamp()) if made and job.finished_at else None,
        "expires_at": await _expires_at(front, caller, made),
        "status": _STATES.get(job.state, "failed"),
        "progress": 100 if made else int(100 * (job.progress or 0)),
        "model": job.spec.model if job.spec.model != AUTO else job.model or AUTO,
        "prompt": job.spec.prompt or None,
        "seconds": _seconds(meant, made),
        "size": _size(meant, made),
        "error": None if problem is None else error_of(problem),
        "remixed_from_video_id": None,
    }


def film_of(job: Job) -> JobOutput | None:
    """Return the film itself, if the job has made it."""
    if job.state != "succeeded":
        return None
    return next((each for each in job.outputs if each.role == "video"), None)


async def _expires_at(front: Front, caller: Caller, made: JobOutput | None) -> int | None:
    if made is None or not caller.may("assets:read"):
        return None
    try:
        asset = await front.desk.assets.get(caller, made.asset_id)
    except CatalogError:
        # Deleted through the gallery: there is nothing left to expire.
        return None
    return int(asset.expires_at.timestamp())


def _seconds(meant: Video, made: JobOutput | None) -> str:
    """Return how long it is, or is to be; empty while only the backend knows."""
    if made is not None and made.duration_s is not None:
        return str(round(made.duration_s))
    return "" if isinstance(meant.duration_s, UnsetType) else str(meant.duration_s)


def _size(meant: Video, made: JobOutput | None) -> str:
    """Return the pixels that it has, or is to have; `auto` while only the backend knows."""
    if made is not None:
        return f"{made.width}x{made.height}"
    shape = (meant.resolution, meant.aspect_ratio)
    return next((size for size, each in SIZES.items() if (each.resolution, each.aspect_ratio) == shape), "auto")


class Page(Struct, frozen=True):
    """Some films in order, and whether more follow."""

    jobs: Sequence[Job]
    more: bool


async def page(front: Front, caller: Caller, after: Job | None, limit: int, *, newest_first: bool) -> Page:
    """Return the films that come after one, by the time at which they were asked for."""
    list_ = _newer_to_older if newest_first else _older_to_newer
    found = [
        each for each in await list_(front, caller, after, limit + 1 + _TWINS) if _follows(each, after, newest_first)
    ]
    return Page(found[:limit], more=len(found) > limit)


async def _newer_to_older(front: Front, caller: Caller, after: Job | None, count: int) -> Sequence[Job]:
    before = None if after is None else after.created_at.timestamp() + _STEP_S
    return (await front.desk.jobs.list(caller, _query(limit=count, created_before=before))).jobs


async def _older_to_newer(front: Front, caller: Caller, after: Job | None, count: int) -> Sequence[Job]:
    """Return the last rows of a list that begins with the newest; films of this very moment are not yet on it."""
    since = None if after is None else after.created_at.timestamp() - _STEP_S
    bounds = {"created_after": since, "created_before": front.settings.clock()}
    total = sum((await front.desk.jobs.counts(caller, _query(**bounds))).values())
    query = _query(limit=count, offset=max(0, total - count), **bounds)
    return tuple(reversed((await front.desk.jobs.list(caller, query)).jobs))


def _query(**how: Any) -> JobQuery:
    return JobQuery(operations=("video.generate",), unless_named=(FACE, DELETED), **how)


def _follows(job: Job, after: Job | None, newest_first: bool) -> bool:  # noqa: FBT001 - which way round
    if after is None:
        return True
    here, there = (job.created_at, job.id), (after.created_at, after.id)
    return here < there if newest_first else here > there
