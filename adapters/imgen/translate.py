"""Between the contract and imgen, purely: orders into runs, states and `meta` into what they mean.

Seven things fall back in silence there. Each is refused before sending (the capability) and looked for afterwards
(`meta` is compared with what was sent, and the engine compares the bytes).
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, structs

from adapters.imgen.capability import POLL_S
from adapters.imgen.wire import GenerateRequest, Meta, Run, Status, StatusRequest
from contracts.job import Adjustment, Effective, Phase, Review
from contracts.port import Done, Handle, InputBytes, Order, Output, Pending, Prepared
from contracts.spec import Cache, Policy, Provenance, Watermark

PHASES: dict[str, Phase] = {"IN_QUEUE": "queued_at_backend", "IN_PROGRESS": "image"}


class ImgenOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`options.imgen`: whether `@name` and `-term` in texts are meant as commands."""

    raw_prompt: bool | UnsetType = UNSET


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an imgen handle remembers: what was sent, and id, prompt and model exactly as they came back."""

    sent: dict[str, Any]
    id: str | None = None
    prompt: str | None = None
    model: str | None = None


def to_handle(note: Note, name: str) -> Handle:
    """Wrap a note."""
    return Handle(name, Raw(msgspec.json.encode(note)))


def to_note(handle: Handle) -> Note:
    """Unwrap a handle."""
    return msgspec.json.decode(handle.note, type=Note)


def prepare(order: Order) -> Prepared:
    """Make the handle and show the request; a watermark is named, not shown."""
    request = to_request(order, ())
    shown: dict[str, Any] = msgspec.to_builtins(request)
    mark = next((each for each in order.spec.inputs or () if each.role == "watermark"), None)
    if mark is not None:
        shown["wm_image"] = f"<{mark.asset_id or 'picture'}>"
    compared = ("model", "style", "width", "height", "format", "quality", "lossless", "optimize", "compliance_ruleset")
    note = Note(sent={name: shown[name] for name in compared if name in shown})
    return Prepared(
        handle=to_handle(note, f"{order.job_id}.{order.n}"),
        effective=structs.replace(order.effective, model=order.candidate.model, n=order.count),
        preview={"method": "POST", "path": "", "body": shown},
    )


def to_request(order: Order, inputs: Sequence[InputBytes]) -> GenerateRequest:
    """Write the request: the character as its one `@name`, opacity under its misleading name."""
    effective, spec = order.effective, order.spec
    character = f"@{effective.character} " if isinstance(effective.character, str) else ""
    policy = Policy() if isinstance(spec.policy, UnsetType) else spec.policy
    return GenerateRequest(
        prompt=f"{character}{effective.prompt}",
        model=order.candidate.model,
        width=_number(effective.width),
        height=_number(effective.height),
        format=str(effective.format),
        style=effective.style,
        negative=effective.negative_prompt,
        optimize=effective.optimize_prompt,
        quality=effective.compression,
        lossless=effective.lossless,
        compliance_ruleset=effective.ruleset,
        precompliance=policy.prescreen_note,
        **_cache(spec.cache),
        **_watermark(spec.watermark, inputs),
        **_provenance(spec.provenance),
    )


def _number(value: int | UnsetType) -> int:
    return 0 if isinstance(value, UnsetType) else value


def _cache(cache: Cache | UnsetType) -> dict[str, Any]:
    if isinstance(cache, UnsetType) or cache.mode not in ("prefer", "only"):
        return {}
    asked: dict[str, Any] = {"use_cache": True, "cache_pick": cache.pool}
    if cache.mode == "only":
        asked["cache_only"] = True
    if cache.min_similarity == "any":
        asked["cache_force"] = True
    return asked


def _watermark(mark: Watermark | UnsetType, inputs: Sequence[InputBytes]) -> dict[str, Any]:
    pictures = [each for each in inputs if each.role == "watermark"]
    asked: dict[str, Any] = {}
    if pictures:
        data = b64encode(pictures[0].data).decode()
        asked["wm_image"] = f"data:{pictures[0].media_type};base64,{data}"
    if isinstance(mark, UnsetType):
        return asked
    asked |= {"wm_position": mark.position, "wm_scale": mark.scale, "wm_rotation": mark.rotation}
    if isinstance(mark.opacity, float | int):
        # 100 is opaque there: the name says the opposite (seed, table of fields).
        asked["wm_transparency"] = round(mark.opacity * 100)
    if not isinstance(mark.padding, UnsetType):
        asked |= {"wm_padding_x": mark.padding.x, "wm_padding_y": mark.padding.y}
    return asked


def _provenance(wish: Provenance | UnsetType) -> dict[str, Any]:
    if isinstance(wish, UnsetType):
        return {}
    return {f"cs_{field.name}": getattr(wish, field.name) for field in structs.fields(wish)}


def with_run(handle: Handle, run: Run) -> Handle:
    """Return the handle with what `generate` returned."""
    note = structs.replace(to_note(handle), id=run.id, prompt=run.prompt, model=run.model)
    return to_handle(note, handle.id)


def to_status(note: Note) -> StatusRequest:
    """Write the question after a run."""
    return StatusRequest(id=note.id or "", prompt=note.prompt or "", model=note.model or "")


def to_pending(status: Status) -> Pending:
    """Read a run that is under way."""
    return Pending(POLL_S, phase=PHASES[status.status])


def to_done(status: Status, note: Note) -> Done:
    """Read a finished, safe run. A hit in the cache skips the review, whatever its `meta` says (seed, "Caching")."""
    meta = status.meta or Meta()
    review = Review(
        verdict="not_reviewed" if status.cache else "passed",
        ruleset=meta.compliance_ruleset,
        categories=tuple(str(code) for code in meta.compliance_codes),
        cached=status.cache,
    )
    signed = [each for each in meta.images if each.type == "signed"]
    thumbnails = [each for each in meta.images if each.type == "thumbnail"]
    outputs = [
        Output(index=index, reference=each.url, revised_prompt=meta.positive, review=review)
        for index, each in enumerate(signed)
    ]
    outputs += [
        Output(index=index, role="thumbnail", reference=each.url, review=review)
        for index, each in enumerate(thumbnails)
    ]
    return Done(
        outputs=tuple(outputs) if signed else (),
        effective=Effective(
            prompt=meta.positive or UNSET,
            negative_prompt=meta.negative or UNSET,
            style=meta.style or UNSET,
            character=meta.character or UNSET,
            cache_hit=status.cache,
        ),
        adjustments=() if status.cache else _fallbacks(meta, note),
        review=review,
    )


_POINTERS = {
    "model": "/model",
    "style": "/style",
    "width": "/size/width",
    "height": "/size/height",
    "format": "/output/format",
    "quality": "/output/compression",
    "lossless": "/output/lossless",
    "compliance_ruleset": "/policy/ruleset",
}


def _fallbacks(meta: Meta, note: Note) -> tuple[Adjustment, ...]:
    """Return what fell back in silence: everything in `meta` that differs from what was sent."""
    found = []
    for name, pointer in _POINTERS.items():
        sent, got = note.sent.get(name), getattr(meta, name)
        if sent is not None and got is not None and sent != got:
            found.append(Adjustment(pointer=pointer, requested=sent, applied=got, why="not_honoured", by="backend"))
    return tuple(found)
