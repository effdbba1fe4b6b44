"""What a job made, as ima2 shows it: names of files, pictures as data URLs, and what is told beside them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import pybase64
from msgspec import Struct

from adapters.ima2.face.model import bare
from adapters.ima2.face.said import data_url
from adapters.ima2.face.wish import TOLD
from contracts.caller import Caller
from contracts.desk import Assets
from contracts.job import Adjustment, Job, JobOutput
from contracts.media import FORMATS
from contracts.names import Named

#: The contract's strictness in ima2's words.
_MODERATION = {"default": "auto", "relaxed": "low"}
#: Fields of the contract in ima2's words.
_NATIVE = {"/n": "n", "/size": "size", "/effort": "quality", "/output/format": "format", "/model": "model",
           "/policy/strictness": "moderation", "/route/accounts": "provider", "/inputs": "references"}  # fmt: skip
#: What stands in the place of a picture that a client has to fetch by its name.
_OMITTED = {"_imageOmitted": True}
#: What stands between the name of a job and the number of a picture, by route.
_INFIX = {"generate": "_", "multimode": "_multimode_"}


class Shown(Struct, frozen=True, kw_only=True):
    """What is known of a finished job beside its pictures."""

    quality: str
    size: str
    moderation: str
    model: str | None
    provider: str
    usage: dict[str, int] | None
    searches: int
    warnings: list[dict[str, Any]]
    elapsed: float


def pictures(job: Job) -> list[JobOutput]:
    """Return what the job made, in order, without thumbnails."""
    return sorted((each for each in job.outputs if each.role != "thumbnail"), key=lambda each: each.index)


def filename(named: Named, output: JobOutput) -> str:
    """Return the name of one file: its job's, which carries 128 random bits, and its place in it."""
    infix = _INFIX.get(str(named.note.get("route")))
    place = f"{infix}{output.index}" if infix else f"_{output.index}" if output.index else ""
    return f"{named.note['stem']}{place}.{FORMATS[output.media_type]}"


def shown(job: Job, note: Mapping[str, Any]) -> Shown:
    """Return what was really used, with everything that is not as it was asked."""
    sent, made = job.effective, pictures(job)
    width, height = (getattr(sent, "width", None), getattr(sent, "height", None)) if sent is not None else (None, None)
    size = f"{width}x{height}" if isinstance(width, int) and isinstance(height, int) else str(note.get("size"))
    if made and note.get("size") == "auto":
        size = f"{made[0].width}x{made[0].height}"
    effort = getattr(sent, "effort", None)
    strictness = getattr(sent, "strictness", None)
    quality = effort if isinstance(effort, str) else str(note.get("quality") or "medium")
    moderation = _MODERATION.get(strictness, "auto") if isinstance(strictness, str) else "auto"
    model = bare(job.model) if job.model is not None else None
    used = {"/effort": quality, "/policy/strictness": moderation, "/size": size, "/model": model,
            "/output/format": FORMATS[made[0].media_type] if made else None,
            "/route/accounts": provider(job)}  # fmt: skip
    warnings = [*note.get("warnings", ())]
    for pointer in sorted(note.get("dropped", ())):
        if pointer in TOLD:
            code, field = TOLD[pointer]
            warnings.append({"code": code, "field": field, "normalizedTo": used[pointer], "reason": "not-offered"})
    warnings += [_told(each) for each in job.adjustments if each.pointer in _NATIVE]
    return Shown(
        quality=quality,
        size=size,
        moderation=moderation,
        model=model,
        provider=provider(job),
        usage=usage(job),
        searches=(job.usage.web_searches or 0) if job.usage is not None else 0,
        warnings=warnings,
        elapsed=elapsed(job),
    )


def provider(job: Job) -> str:
    """Return who made it: the account of an ima2, or the dialect of another backend."""
    return job.account or job.dialect or "auto" if job.dialect == "ima2" else job.dialect or "auto"


def usage(job: Job) -> dict[str, int] | None:
    """Return the token counts, where there are any."""
    if job.usage is None:
        return None
    counts = {name: getattr(job.usage, name) for name in ("input_tokens", "output_tokens", "total_tokens")}
    return {name: count for name, count in counts.items() if count is not None} or None


def elapsed(job: Job) -> float:
    """Return how long the client waited, in seconds."""
    end = job.finished_at or job.created_at
    return round((end - job.created_at).total_seconds(), 1)


def milliseconds(at: datetime) -> int:
    """Return a moment as JavaScript has it."""
    return int(at.timestamp() * 1000)


async def images(
    assets: Assets, caller: Caller, job: Job, data: Mapping[str, bytes], most: int | None = None
) -> list[dict[str, Any]]:
    """Return the pictures as data URLs: those that are at hand as they are, the others read from their files.

    One longer than `most` characters is left out, and that is said in its place.
    """
    found: list[dict[str, Any]] = []
    for output in pictures(job):
        if most is not None and (output.bytes + 2) // 3 * 4 > most:
            found.append(dict(_OMITTED))
            continue
        base64 = data.get(output.asset_id)
        if base64 is None:
            asset = await assets.get(caller, output.asset_id)
            content = await assets.content(asset, thumbnail=None)
            base64 = pybase64.b64encode(await assets.read(content.path, 0, content.length))
        found.append({"image": data_url(output.media_type, base64)})
    return found


def omitted(told: Iterable[Mapping[str, Any]]) -> dict[str, bool]:
    """Return what says of several pictures together that some were left out."""
    return dict(_OMITTED) if any(_OMITTED.items() <= each.items() for each in told) else {}


def _told(adjustment: Adjustment) -> dict[str, Any]:
    field = _NATIVE[adjustment.pointer]
    applied = adjustment.applied if isinstance(adjustment.applied, str | int | float | bool) else None
    return {"code": "NOT_AS_ASKED", "field": field, "normalizedTo": applied, "reason": adjustment.why.replace("_", "-")}
