"""Uploads: a form read as it comes, each picture stored while it is read, so that none is whole in memory twice."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import multipart
from msgspec import Struct

from adapters.kit import form as kit
from adapters.sdcpp.face.failure import Refused
from contracts.caller import Caller
from contracts.desk import Asset, Assets
from contracts.face import Call

IMAGE_REQUIRED = "Image file is required"
_PNG = b"\x89PNG\r\n\x1a\n"
#: Colour types of a PNG that can say which pixels are transparent: palettes, grey with alpha, colour with alpha.
_CAN_BE_CLEAR = (3, 4, 6)
_HEAD = 26


class Form(Struct, frozen=True):
    """What a form carried: its texts, and its pictures as files of the team."""

    fields: dict[str, Any]
    pictures: dict[str, Asset]


async def read(call: Call, caller: Caller, assets: Assets, takes: Sequence[str]) -> Form:
    """Return the form, its pictures stored; raise for a picture that is none, that is not taken, or for a lack of one.

    A body that is no form has no picture (recorded: queue_edit).
    """
    media_type, options = multipart.parse_options_header(call.headers.get("content-type", ""))
    if media_type != "multipart/form-data" or call.chunks is None:
        raise Refused(IMAGE_REQUIRED)
    form = Form({}, {})
    try:
        async with aclosing(kit.events(call.chunks, options.get("boundary", ""))) as events:
            async for event in events:
                if isinstance(event, multipart.MultipartSegment):
                    await _part(events, event, form, caller, assets, takes)
    except kit.BrokenForm:
        raise Refused("Unexpected end of form", code="request.malformed") from None
    if "image" not in form.pictures:
        raise Refused(IMAGE_REQUIRED)
    return form


async def _part(
    events: AsyncIterator[Any], segment: Any, form: Form, caller: Caller, assets: Assets, takes: Sequence[str]
) -> None:
    """Read one part into the form."""
    if segment.filename is None:
        before = sum(len(each) for each in form.fields.values())
        form.fields[segment.name] = await _text(events, segment, kit.MAX_TEXT - before)
        return
    if segment.name not in takes or segment.name in form.pictures:
        raise Refused("Unexpected file field")
    form.pictures[segment.name] = await _picture(events, segment.name, caller, assets)


async def _text(events: AsyncIterator[Any], segment: Any, room: int) -> str:
    try:
        return await kit.text(events, room)
    except kit.LongText:
        raise Refused(f"{segment.name} is too long", code="request.too_large") from None
    except ValueError:
        raise Refused(f"{segment.name} must be text in UTF-8", code="request.malformed") from None


async def _picture(events: AsyncIterator[Any], name: str, caller: Caller, assets: Assets) -> Asset:
    head = bytearray()

    async def content() -> AsyncIterator[bytes]:
        async for piece in events:
            if piece is None:
                return
            head.extend(piece[: max(0, _HEAD - len(head))])
            yield bytes(piece)

    asset = await assets.upload(caller, content(), for_job=True)
    if not asset.media_type.startswith("image/"):
        raise Refused("Only image files are allowed", code="request.reference_invalid")
    if name == "mask" and head.startswith(_PNG) and head[25] not in _CAN_BE_CLEAR:
        # Two readers of masks are of two minds about white (options.md §3): the one meaning here is transparency.
        text = "mask must have an alpha channel: what is transparent is edited"
        raise Refused(text, code="request.reference_invalid")
    return asset
