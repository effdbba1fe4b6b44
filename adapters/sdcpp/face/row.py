"""Jobs as Studio's rows: one table is queue and history, and a job is its own generation (wire §4)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import UNSET

from adapters.sdcpp.face import inverse
from adapters.sdcpp.face.ids import to_uuid
from adapters.sdcpp.face.model import bare
from adapters.sdcpp.face.profile import FLAGS, SAMPLING, Profile
from adapters.sdcpp.face.wish import DIALECT
from contracts.job import TERMINAL, Job, JobOutput, JobState, Phase
from contracts.media import FORMATS, Input, Size
from contracts.spec import OPERATIONS, Operation

#: What has a row: Studio makes no films.
KINDS: dict[Operation, str] = {
    operation: operation.partition(".")[2] for operation in OPERATIONS if operation.startswith("image.")
}
_STATUS: dict[JobState, str] = {
    "queued": "pending",
    "running": "processing",
    "succeeded": "completed",
    "failed": "failed",
    "blocked": "failed",
    "cancelled": "cancelled",
}
#: Studio's marks of how far a job is, for backends that tell nothing (wire §5).
_MARKS: dict[Phase | None, float] = {
    None: 0.05,
    "submit": 0.05,
    "queued_at_backend": 0.05,
    "model_load": 0.1,
    "search": 0.15,
    "planner": 0.15,
    "image": 0.25,
    "review": 0.7,
    "download": 0.7,
    "store": 0.85,
}


def status(job: Job, profile: Profile) -> str:
    """Return a job's state in Studio's words. `cancelled` is final here."""
    if job.state == "running" and job.phase == "model_load" and profile.model_loading:
        return "model_loading"
    return _STATUS[job.state]


def row(job: Job, note: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """Return a row without its pictures. A path is a name here, and no time is overwritten."""
    cancelled = job.state == "cancelled"
    ended = milliseconds(job.finished_at)
    # A time here would tell that a cancelled job may still come back (wire §5): with us none does.
    started = None if cancelled else milliseconds(job.started_at)
    created = milliseconds(job.created_at)
    options = _options(job)
    shown = {
        "id": to_uuid(job.id),
        "type": KINDS[job.operation],
        "model": _model(job),
        "prompt": job.spec.prompt or None,
        "negative_prompt": job.spec.negative_prompt or None,
        "size": _size(job, note),
        "seed": _seed(job, note),
        "n": job.spec.n or 1,
        "quality": note.get("quality", job.spec.effort or None),
        "style": job.spec.style or None,
        "response_format": "b64_json",
        "user_id": None,
        "source_image_id": note.get("source_image_id"),
        "status": status(job, profile),
        "progress": _progress(job),
        "error": error(job),
        "created_at": created,
        "updated_at": milliseconds(job.finished_at) or started or created,
        "started_at": started,
        "completed_at": None if cancelled else ended,
        **_inputs(job),
        "strength": job.spec.strength if isinstance(job.spec.strength, float | int) else None,
        "model_loading_time_ms": _spent(job.usage.model_load_s if job.usage is not None else None),
        "generation_time_ms": _generation_ms(job),
        "sample_steps": options.get("sample_steps"),
        "cfg_scale": options.get("cfg_scale"),
        "sampling_method": options.get("sampling_method"),
        "clip_skip": str(options["clip_skip"]) if "clip_skip" in options else None,
        "upscale_enable": 0,
        **{name: options.get(name) for name in ("vae_on_cpu", "offload_to_cpu", "clip_on_cpu", "vae_tiling")},
        "diffusion_fa": options.get("diffusion_fa"),
        "binary_version": None,
    }
    if profile.generation_id:
        shown["generation_id"] = shown["id"] if job.state == "succeeded" else None
    return {**shown, "image_count": len(pictures(job))}


def whole_row(job: Job, note: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """Return what shows one job: the row and its pictures."""
    return {**row(job, note, profile), "images": images(job)}


def list_row(job: Job, note: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """Return what lists show: the row, and where its first picture is."""
    shown, made = row(job, note, profile), pictures(job)
    if made:
        first = to_uuid(made[0].asset_id)
        shown |= {"first_image_id": first, "first_image_url": f"/static/images/{first}.png"}
    return shown


def pictures(job: Job) -> list[JobOutput]:
    """Return what the job made, in order."""
    return sorted((each for each in job.outputs if each.role == "image"), key=lambda each: each.index)


def images(job: Job) -> list[dict[str, Any]]:
    """Return the rows of a job's pictures; they are as large as they say, which the real ones leave open."""
    return [
        {
            "id": to_uuid(output.asset_id),
            "generation_id": to_uuid(job.id),
            "index_in_batch": output.index,
            "file_path": _file(output.asset_id, output.media_type),
            "mime_type": output.media_type,
            "width": output.width,
            "height": output.height,
            "revised_prompt": output.revised_prompt,
            "is_video": 0,
            "video_frames": None,
            "video_fps": None,
        }
        for output in pictures(job)
    ]


def error(job: Job) -> str | None:
    """Return why a job failed, in Studio's words."""
    return None if job.error is None or job.state == "cancelled" else inverse.text(job.error)


def milliseconds(at: datetime | None) -> int | None:
    """Return a moment as JavaScript has it."""
    return None if at is None else int(at.timestamp() * 1000)


def _file(asset_id: str, media_type: str) -> str:
    """Return a file's name: where it lies is nobody's business."""
    return f"{to_uuid(asset_id)}.{FORMATS.get(media_type, 'png')}"


def _model(job: Job) -> str:
    if job.operation == "image.upscale":
        return "none"
    return bare(job.model or job.spec.model)


def _size(job: Job, note: Mapping[str, Any]) -> str | None:
    """Return the size as it was asked, and as it was made where nobody could make the one that was asked."""
    if "/size" in note.get("dropped", ()):
        made = pictures(job)
        return f"{made[0].width}x{made[0].height}" if made else None
    size = job.spec.size
    exact = size.exact if isinstance(size, Size) else None
    asked: str | None = note.get("size")
    return asked if asked is not None else None if exact is None else str(exact)


def _seed(job: Job, note: Mapping[str, Any]) -> str | None:
    """Return the seed as it was sent, else the one that was used.

    Of edits and variations it is what clients know their jobs by, and used by nobody: so it is at Studio (wire §6).
    """
    if note.get("seed") is not None:
        return str(note["seed"])
    used = getattr(job.effective, "seed", UNSET)
    return str(used) if isinstance(used, int) else None


def _options(job: Job) -> dict[str, Any]:
    """Return what was asked of the sampler and of the memory; flags are 0 and 1 (wire §4)."""
    given = job.spec.options.get(DIALECT, {}) if isinstance(job.spec.options, dict) else {}
    return {name: int(value) if name in FLAGS else value for name, value in given.items() if name in _OPTIONS}


_OPTIONS = frozenset((*SAMPLING, *FLAGS))


def _inputs(job: Job) -> dict[str, Any]:
    given: dict[str, Input] = {each.role: each for each in job.spec.inputs or ()}
    found: dict[str, Any] = {}
    for role, name in (("source", "input"), ("mask", "mask")):
        each = given.get(role)
        path = media_type = None
        if each is not None and isinstance(each.asset_id, str) and isinstance(each.media_type, str):
            path, media_type = _file(each.asset_id, each.media_type), each.media_type
        found |= {f"{name}_image_path": path, f"{name}_image_mime_type": media_type}
    return found


def _progress(job: Job) -> float:
    """Return how far it is: told by the backend, else by phase; an end that was reached is 1."""
    if job.state == "succeeded":
        return 1
    if job.state == "queued":
        return 0
    mark = _MARKS.get(job.phase, 0.25) if job.state not in TERMINAL else 0.0
    return max(job.progress or 0.0, mark)


def _spent(seconds: float | None) -> int | None:
    return None if seconds is None else int(seconds * 1000)


def _generation_ms(job: Job) -> int | None:
    if job.state == "cancelled":
        return None
    told = job.usage.generation_s if job.usage is not None else None
    return _spent(told if told is not None else job.timings.run_s if job.timings is not None else None)
