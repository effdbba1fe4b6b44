"""From the contract to imgen, purely: orders into runs, and what has to be remembered to hold the result against them.

Seven things fall back in silence there. Each is refused before sending (by the capability and the contract itself), and
looked for afterwards (`result.py` compares `meta` with what is noted here, and the engine compares the bytes).
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, structs

from adapters.imgen.capability import TAGS
from adapters.imgen.wire import GenerateRequest, Run, StatusRequest
from contracts.job import Adjustment
from contracts.media import Size
from contracts.port import Handle, InputBytes, Order, Prepared
from contracts.spec import Cache, Policy, Provenance, SpecBase, Watermark
from contracts.tags import Tagged, written

#: What `meta` repeats of a request, by the names of the wire.
COMPARED = (
    "model", "style", "width", "height", "format", "quality", "lossless", "optimize", "compliance_ruleset",
    "precompliance", "use_cache",
)  # fmt: skip
#: Options of the contract that become receipts where they were set and not honoured.
_POINTERS = (
    "/style", "/negative_prompt", "/output/format", "/output/compression", "/output/lossless", "/optimize_prompt",
    "/policy/prescreen_note", "/cache/mode", "/provenance",
)  # fmt: skip


class ImgenOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`options.imgen`: whether `@name` and `-term` in texts are meant as commands."""

    raw_prompt: bool | UnsetType = UNSET


class Note(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an imgen handle remembers: what was sent, and id, prompt and model exactly as they came back."""

    sent: dict[str, Any]
    #: What the caller set of it, by pointer: only that can be a receipt.
    asked: dict[str, Any] = {}
    backend: str = ""
    id: str | None = None
    prompt: str | None = None
    model: str | None = None
    cache: bool = False


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
    sent = {name: shown[name] for name in COMPARED if name in shown}
    sent["character"] = order.effective.character if isinstance(order.effective.character, str) else ""
    note = Note(sent=sent, asked=_asked(order), backend=order.candidate.backend)
    return Prepared(
        handle=to_handle(note, f"{order.job_id}.{order.n}"),
        effective=structs.replace(order.effective, model=order.candidate.model, n=order.count),
        preview={"method": "POST", "path": "", "body": shown},
        adjustments=_rounded(order.spec.watermark),
    )


def _asked(order: Order) -> dict[str, Any]:
    """Return what the caller set himself, as it stands in his request."""
    spec = order.spec
    asked = {pointer: value for pointer in _POINTERS if (value := _at(spec, pointer)) is not None}
    if spec.model != "auto":
        asked["/model"] = spec.model
    if isinstance(spec.size, Size):
        asked["/size"] = msgspec.to_builtins(spec.size)
    if isinstance(order.effective.character, str):
        asked["/character"] = order.effective.character
    if any(each.role == "watermark" for each in spec.inputs or ()):
        asked["/watermark"] = msgspec.to_builtins(spec.watermark) if spec.watermark else {}
    return asked


def _at(spec: SpecBase, pointer: str) -> Any:
    value: Any = spec
    for name in pointer.split("/")[1:]:
        value = getattr(value, name, UNSET)
    return None if isinstance(value, UnsetType) else msgspec.to_builtins(value)


def to_request(order: Order, inputs: Sequence[InputBytes]) -> GenerateRequest:
    """Write the request: the character as its one `@name`, opacity under its misleading name."""
    effective, spec = order.effective, order.spec
    characters = (effective.character,) if isinstance(effective.character, str) else ()
    words = effective.prompt if isinstance(effective.prompt, str) else ""
    policy = Policy() if isinstance(spec.policy, UnsetType) else spec.policy
    # Not cleared for sharing, or rules are named and a hit is not reviewed: the fit has told that it is not asked.
    asks_cache = order.capability.cache and not isinstance(effective.ruleset, str)
    return GenerateRequest(
        prompt=written(Tagged(text=words, characters=characters), TAGS),
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
        **_cache(spec.cache if asks_cache else UNSET),
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


def _rounded(mark: Watermark | UnsetType) -> tuple[Adjustment, ...]:
    """Return the receipt for an opacity that is no whole percent: the wire knows no other."""
    if isinstance(mark, UnsetType) or not isinstance(mark.opacity, float | int):
        return ()
    percent = round(mark.opacity * 100)
    if abs(mark.opacity * 100 - percent) < 1e-6:
        return ()
    receipt = Adjustment(
        pointer="/watermark/opacity", requested=mark.opacity, applied=percent / 100, why="snapped", by="gateway"
    )
    return (receipt,)


def _provenance(wish: Provenance | UnsetType) -> dict[str, Any]:
    if isinstance(wish, UnsetType):
        return {}
    return {f"cs_{field.name}": getattr(wish, field.name) for field in structs.fields(wish)}


def with_run(handle: Handle, run: Run) -> Handle:
    """Return the handle with what `generate` returned."""
    note = structs.replace(to_note(handle), id=run.id, prompt=run.prompt, model=run.model, cache=run.cache)
    return to_handle(note, handle.id)


def to_status(note: Note) -> StatusRequest:
    """Write the question after a run."""
    return StatusRequest(id=note.id or "", prompt=note.prompt or "", model=note.model or "")
