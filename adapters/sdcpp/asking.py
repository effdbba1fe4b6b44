"""From an order to a request: which queue route it takes, what is sent there, and what `dry_run` shows of it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct, UnsetType, structs

from adapters.kit.http import Form
from adapters.sdcpp import pictures
from adapters.sdcpp.capability import UPSCALER
from adapters.sdcpp.translate import KINDS, Kind, Note, digest, handle_name, to_handle, to_request
from contracts.media import Input
from contracts.port import InputBytes, Order, Prepared
from contracts.spec import operation_of

#: What stands in a preview for the size that only the source tells.
LIKE_SOURCE = "<the size of the source>"
#: Types of which Studio keeps the bytes as they came; a webp is converted (wire §7.2).
KEPT_AS_SENT = ("image/png", "image/jpeg")


class Ask(Struct, frozen=True, kw_only=True):
    """One native request: JSON for a generate, a form for what begins with a picture."""

    path: str
    body: bytes | None = None
    form: Form | None = None


def prepare(order: Order) -> Prepared:
    """Make the handle and show the request; pictures are named, not shown.

    A seed is said to be used by a generate alone: edits and variations are made with one that nobody is told (wire §6).
    """
    kind = KINDS[operation_of(order.spec)]
    request = to_request(order, _size_of(order) or LIKE_SOURCE)
    effective = structs.replace(order.effective, model=order.candidate.model, n=order.count)
    inputs = {each.role: each for each in order.spec.inputs or ()}
    preview: dict[str, Any] = {"method": "POST", "path": _path(kind)}
    if kind == "generate":
        if order.capability.seed_max is not None:
            effective = structs.replace(effective, seed=int(request.seed))
        preview["body"] = msgspec.to_builtins(request)
    else:
        shown = {"image": inputs.get("source"), "mask": inputs.get("mask")}
        files = {name: f"<{each.asset_id}>" for name, each in shown.items() if each is not None}
        preview["body"] = {**_fields(kind, order, request.size), **files}
    note = Note(
        kind=kind,
        seed=request.seed,
        prompt_sha256=digest(request.prompt or ""),
        size=_size_of(order),
        source_sha256=_picture_of(inputs.get("source")) if kind == "upscale" else None,
    )
    return Prepared(handle=to_handle(note, handle_name(order)), effective=effective, preview=preview)


async def ask(order: Order, inputs: Sequence[InputBytes]) -> Ask:
    """Return what is sent; raise for pictures that the server would take and its worker could not use."""
    kind = KINDS[operation_of(order.spec)]
    if kind == "generate":
        return Ask(path=_path(kind), body=msgspec.json.encode(to_request(order, _size_of(order))))
    files, source = await pictures.files(inputs)
    fields = _fields(kind, order, _size_of(order) or pictures.size_like(source))
    return Ask(path=_path(kind), form=Form(fields, files))


def _path(kind: Kind) -> str:
    return f"/api/queue/{kind}"


def _size_of(order: Order) -> str:
    """Return the size that was settled; of an edit or variation none may be, for the source to tell."""
    width, height = order.effective.width, order.effective.height
    return "" if isinstance(width, UnsetType) else f"{width}x{height}"


def _fields(kind: Kind, order: Order, size: str) -> dict[str, str]:
    """Return the text fields of a form. The upscaler is named although the route does not listen (wire §7.2)."""
    if kind == "upscale":
        return {"upscaler": UPSCALER}
    return {name: str(value) for name, value in msgspec.to_builtins(to_request(order, size)).items()}


def _picture_of(source: Input | None) -> str | None:
    """Return by what a picture is known again among those that the server keeps."""
    if source is None or source.media_type not in KEPT_AS_SENT or isinstance(source.sha256, UnsetType):
        return None
    return source.sha256
