"""Uploads: a form read as it comes, each picture stored while it is read, so that none is whole in memory twice."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

import multipart
from msgspec import Struct

from adapters.sdcpp.face.failure import Refused
from contracts.caller import Caller
from contracts.desk import Asset, Assets
from contracts.face import Call

IMAGE_REQUIRED = "Image file is required"
_MAX_PARTS = 64
#: All texts of a form together, in bytes.
_MAX_TEXT = 512 * 1024
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
    async with aclosing(_events(call.chunks, options.get("boundary", ""))) as events:
        async for event in events:
            if not isinstance(event, multipart.MultipartSegment):
                continue
            if event.filename is None:
                before = sum(len(each) for each in form.fields.values())
                form.fields[event.name] = await _text(events, event, _MAX_TEXT - before)
            else:
                if event.name not in takes or event.name in form.pictures:
                    raise Refused("Unexpected file field")
                form.pictures[event.name] = await _picture(events, event.name, caller, assets)
    if "image" not in form.pictures:
        raise Refused(IMAGE_REQUIRED)
    return form


async def _events(chunks: AsyncIterator[bytes], boundary: str) -> AsyncGenerator[Any]:
    """Yield the beginning of each part, its content in pieces, and None at its end."""
    try:
        with multipart.PushMultipartParser(boundary, max_segment_count=_MAX_PARTS) as parser:
            async for chunk in chunks:
                for event in parser.parse(chunk):
                    yield event
    except multipart.MultipartError:
        raise Refused("Unexpected end of form", code="request.malformed") from None


async def _text(events: AsyncIterator[Any], segment: Any, room: int) -> str:
    read = bytearray()
    async for piece in events:
        if piece is None:
            break
        read += piece
        if len(read) > room:
            raise Refused(f"{segment.name} is too long", code="request.too_large")
    try:
        return read.decode()
    except UnicodeDecodeError:
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
