"""`status`: how far a run is, and what it made, or why it is withheld (seed, "action: status").

Nothing is said that did not happen: `compliance` is `safe` only of a picture that a reviewer passed. Where nobody
reviewed it is `not_reviewed`, a word that the seed has not: its own clients go on, one that waits for `safe` does not.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from msgspec import UnsetType

from adapters.imgen.face import cache
from adapters.imgen.face.asked import DEFAULT_RULESET, FORMATS
from adapters.imgen.face.front import FACE, RUN, Front
from adapters.imgen.face.model import bare
from adapters.imgen.face.said import FIELDS, SANDBOX, Refused, said
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.codes import ErrorCode
from contracts.face import Answer, Call
from contracts.job import Effective, Job, JobOutput, JobState
from contracts.media import FORMATS as BY_MEDIA_TYPE
from contracts.names import Named

_ID = re.compile(r"(run|cache)_[0-9A-Za-z]{6,64}")
THUMBNAIL = 256
_WAITING = frozenset({None, "waiting_for_backend", "submit", "queued_at_backend"})
_TIMED_OUT = frozenset({"backend.timeout", "job.deadline_exceeded"})
_BLOCKED = frozenset({"policy.output_blocked", "policy.refused"})
#: What is said of a refusal whose backend names no category.
_UNNAMED = "the backend's own policy"


async def status(front: Front, _call: Call, caller: Caller, body: Mapping[str, Any]) -> Answer:
    """Answer one poll. Prompt and model must be there, and are not looked at (seed: "Always pass")."""
    name = body.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise Refused("Bad ID")
    for field in ("prompt", "model"):
        value = body.get(field)
        if not isinstance(value, str) or not value.strip():
            raise Refused(f"{field.capitalize()} is required")
    named = await _named(front, caller, name)
    told = await _told(front, caller, named)
    return said(told, headers={SANDBOX: "true"} if named.job.sandbox else {})


async def _named(front: Front, caller: Caller, name: str) -> Named:
    if name.startswith("cache_"):
        named = await cache.recall(front, caller, name)
        if named is None or await _gone(front, caller, str(named.note["asset"])):
            raise Refused("Cached result not found or expired", status=404, code="resource.expired")
        return named
    named = await front.desk.names.find(caller, FACE, RUN, name)
    if named is None:
        raise Refused("Not found", status=404, code="resource.not_found")
    return named


async def _gone(front: Front, caller: Caller, asset_id: str) -> bool:
    try:
        await front.desk.assets.get(caller, asset_id)
    except CatalogError as error:
        if error.code in ("resource.not_found", "resource.expired"):
            return True
        raise
    return False


async def _told(front: Front, caller: Caller, named: Named) -> dict[str, Any]:
    job = named.job
    code = job.error.code if job.error is not None else None
    if job.state == "queued":
        return {"status": "IN_QUEUE"}
    if job.state == "running":
        return {"status": "IN_QUEUE" if job.phase in _WAITING else "IN_PROGRESS"}
    if job.state == "succeeded":
        hit = {"cache": True} if "expires" in named.note else {}
        return {"status": "COMPLETED", "meta": await _meta(front, caller, named), **hit}
    if code in _BLOCKED:
        return await _blocked(front, caller, job)
    return {"status": ended_as(job.state, code), "error": "Generation failed"}


def ended_as(state: JobState, code: ErrorCode | None) -> str:
    """Return the seed's word for an ending without a picture."""
    if state == "cancelled":
        return "CANCELLED"
    return "TIMED_OUT" if code in _TIMED_OUT else "FAILED"


async def _blocked(front: Front, caller: Caller, job: Job) -> dict[str, Any]:
    """Say that a reviewer, or the backend itself, keeps the picture back; where it lies only to who may review."""
    found = job.review.categories if job.review is not None else ()
    categories = found or (job.error.categories if job.error is not None else ())
    names = ", ".join(each.replace("_", " ").title() for each in categories) or _UNNAMED
    answer: dict[str, Any] = {
        "status": "COMPLETED",
        "compliance": "unsafe",
        "error": f"Content blocked — flagged for: {names}",
        "filter_categories": list(categories),
    }
    kept = await front.desk.assets.withheld(caller, job.id) if caller.may("policy:review") else ()
    if kept:
        path = front.desk.assets.signed_path(kept[0].id, withheld=True)
        answer["unsafe_url"] = b64encode(f"{front.settings.gateway_url}{path}".encode()).decode()
    return answer


async def _meta(front: Front, caller: Caller, named: Named) -> dict[str, Any]:
    job, note = named.job, named.note
    picture = _picture(job, note.get("asset"))
    sent = job.effective or Effective()
    review = job.review
    passed = picture is not None and picture.review == "passed"
    extension = "" if picture is None else BY_MEDIA_TYPE[picture.media_type]
    revised = picture.revised_prompt if picture is not None else None
    return {
        "id": named.native_id,
        "gen_id": note["gen_id"],
        "time": f"{job.finished_at or job.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "prompt": note["prompt"],
        "positive": revised or _text(sent.prompt) or job.spec.prompt,
        "negative": _text(sent.negative_prompt) or "",
        "character": _text(sent.character) or "",
        "model": bare(job.model or "") or note["model"],
        "style": _text(sent.style) or "",
        "width": picture.width if picture is not None else None,
        "height": picture.height if picture is not None else None,
        "format": extension if extension in FORMATS else None,
        "quality": _quality(job),
        "lossless": note["lossless"],
        "optimized": note["optimized"],
        "compliance": "safe" if passed else "not_reviewed",
        "compliance_codes": list(review.categories) if review is not None else [],
        "compliance_ruleset": (review.ruleset or _text(sent.ruleset) or DEFAULT_RULESET)
        if passed and review is not None
        else None,
        "precompliance": note["precompliance"],
        "fingerprint": picture.sha256 if picture is not None else None,
        "images": await _images(front, caller, job, picture, str(note["gen_id"])),
        "adjustments": [*map(_left_out, note["left_out"]), *_adjustments(job)],
    }


def _picture(job: Job, asset_id: Any) -> JobOutput | None:
    pictures = sorted((each for each in job.outputs if each.role == "image"), key=lambda each: each.index)
    return next((each for each in pictures if asset_id in (None, each.asset_id)), None)


async def _images(front: Front, caller: Caller, job: Job, picture: JobOutput | None, name: str) -> list[dict[str, Any]]:
    """Return where the file and its thumbnail lie for an hour; every poll signs anew. Nothing of a deleted one."""
    if picture is None or await _gone(front, caller, picture.asset_id):
        return []
    assets, base = front.desk.assets, front.settings.gateway_url
    extension = BY_MEDIA_TYPE[picture.media_type].replace("jpeg", "jpg")
    small = next((each for each in job.outputs if each.role == "thumbnail" and each.index == picture.index), None)
    path, suffix = assets.signed_path(picture.asset_id, thumbnail=THUMBNAIL), "webp"
    if small is not None:
        path, suffix = assets.signed_path(small.asset_id), BY_MEDIA_TYPE[small.media_type].replace("jpeg", "jpg")
    return [
        {"url": f"{base}{assets.signed_path(picture.asset_id)}", "filename": f"{name}.{extension}", "type": "signed"},
        {"url": f"{base}{path}", "filename": f"{name}-thumb.{suffix}", "type": "thumbnail"},
    ]


def _quality(job: Job) -> int | None:
    """Return the quality that the file was encoded with, where that is known."""
    output = job.spec.output
    if isinstance(output, UnsetType) or isinstance(output.compression, UnsetType):
        return None
    return output.compression


def _adjustments(job: Job) -> list[dict[str, Any]]:
    """Return what did not come out as asked, in imgen's names: what the seed would keep to itself."""
    return [
        {"field": native(each.pointer), "applied": each.applied, "why": each.why, "by": each.by}
        for each in job.adjustments
    ]


def _left_out(pointer: str) -> dict[str, Any]:
    return {"field": native(pointer), "applied": None, "why": "dropped", "by": "gateway"}


def native(pointer: str) -> str:
    """Return what imgen calls a field of the contract."""
    return next((name for known, name in FIELDS if pointer.startswith(known)), pointer.strip("/"))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
