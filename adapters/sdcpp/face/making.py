"""Requests that make something, read into what is asked: the same for the queue and for clients that wait (wire §7)."""

from collections.abc import Mapping
from typing import Any

from adapters.sdcpp.face import form
from adapters.sdcpp.face.asked import Terms, fields_of, needed, number, read_terms, whole, word
from adapters.sdcpp.face.failure import Refused
from adapters.sdcpp.face.front import Ask, Front
from adapters.sdcpp.face.profile import UPSCALE_FACTOR, UPSCALER
from contracts.caller import Caller
from contracts.desk import Asset
from contracts.face import Call
from contracts.media import Input, InputRole, Size
from contracts.spec import Operation

#: The file fields that a route takes, one file each. A mask is taken by both kinds of edit: seed 002 promises it.
FILES: dict[str, tuple[str, ...]] = {"edit": ("image", "mask"), "variation": ("image",), "upscale": ("image",)}
OPERATIONS: dict[str, Operation] = {
    "generate": "image.generate",
    "edit": "image.edit",
    "variation": "image.variation",
    "upscale": "image.upscale",
}
_ROLES: dict[str, InputRole] = {"image": "source", "mask": "mask"}


async def asked(front: Front, call: Call, caller: Caller, kind: str, *, waits: bool) -> Ask:
    """Return what a request asks for; raise what is wrong with it: its picture first, then its fields (wire §7.3)."""
    pictures: Mapping[str, Asset] = {}
    if kind == "generate":
        fields = fields_of(call)
    else:
        received = await form.read(call, caller, front.desk.assets, FILES[kind])
        fields, pictures = received.fields, received.pictures
    return Ask(
        route=call.path,
        operation=OPERATIONS[kind],
        terms=_terms(front, kind, fields, waits=waits),
        inputs=tuple(Input(role=_ROLES[name], asset_id=asset.id) for name, asset in pictures.items()),
        waits=waits,
    )


def _terms(front: Front, kind: str, fields: dict[str, Any], *, waits: bool) -> Terms:
    if kind == "upscale":
        return _upscale(fields)
    profile = front.profile
    if kind != "edit":
        # The other routes do not keep it (wire §4).
        fields = {name: value for name, value in fields.items() if name != "source_image_id"}
    needed(fields, *(() if kind == "variation" else ("prompt",)))
    if waits and (kind == "generate" or profile.wants_model):
        needed(fields, "model")
    if waits and kind == "generate" and not fields.get("size"):
        fields = {**fields, "size": profile.size}
    return read_terms(fields, profile)


def _upscale(fields: Mapping[str, Any]) -> Terms:
    """Return an upscale: Studio ignores all its options, here they are honoured or refused."""
    upscaler, factor = word(fields, "upscaler"), number(fields, "upscale_factor")
    if upscaler is not None and upscaler != UPSCALER:
        raise Refused(f"Upscaler not found: {upscaler}", code="request.option_unsupported")
    if factor not in (None, UPSCALE_FACTOR):
        text = f"upscale_factor: only {UPSCALE_FACTOR} is offered here"
        raise Refused(text, code="request.option_unsupported")
    width, height = whole(fields, "target_width"), whole(fields, "target_height")
    size = None
    if width or height:
        if not width or not height or min(width, height) < 1 or max(width, height) > 16_384:
            raise Refused("target_width and target_height must be pixels, and both be given")
        size = Size(width=width, height=height)
    return Terms(size=size, shown={"size": None if size is None else f"{width}x{height}"})
