"""Uploads: a form read as it comes, each picture stored while it is read, so that none is whole in memory twice.

`read(call, caller, assets, takes)` returns the texts as `Fields` and the pictures as assets of the team, by field, in
the order in which they came: `image`, `image[]` and `image[0]` are one field, as OpenAI's SDKs write lists.
"""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any

import multipart
from msgspec import Struct, structs

from adapters.kit import form as kit
from adapters.openai.face.asked import NEVER
from adapters.openai.face.fields import Fields
from adapters.openai.face.said import invalid, unknown, unsupported
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Asset, Assets
from contracts.face import Call

_LIST = re.compile(r"\[\d*\]$")


class Form(Struct, frozen=True):
    """What a form carried: its texts, and its pictures as files of the team, by the name of their field."""

    fields: Fields
    pictures: Mapping[str, list[Asset]]


async def read(call: Call, caller: Caller, assets: Assets, takes: Mapping[str, int]) -> Form:
    """Return the form, its pictures stored; `takes` says how many files each field may have.

    Raises for a body that is no form, a file that is no picture, one in another field, and a text where a file must be.
    """
    media_type, options = multipart.parse_options_header(call.headers.get("content-type", ""))
    if media_type != "multipart/form-data" or call.chunks is None:
        raise CatalogError("request.malformed", "The body must be multipart/form-data.", status=415)
    found = Form(Fields({}), {name: [] for name in takes})
    texts: dict[str, Any] = {}
    try:
        async with aclosing(kit.events(call.chunks, options.get("boundary", ""))) as events:
            async for event in events:
                if isinstance(event, multipart.MultipartSegment) and event.filename is None:
                    name = _texted(event.name, takes)
                    texts[name] = await _text(events, name, kit.MAX_TEXT - sum(map(len, texts.values())))
                elif isinstance(event, multipart.MultipartSegment):
                    name = _filed(event.name, found.pictures, takes)
                    found.pictures[name].append(await _picture(events, name, caller, assets))
    except kit.BrokenForm:
        raise CatalogError("request.malformed", "The form cannot be read.") from None
    return structs.replace(found, fields=Fields(texts, texts=True))


def _texted(name: str, takes: Mapping[str, int]) -> str:
    """Return the name of a text; raise where a file must be."""
    bare = _LIST.sub("", name)
    if bare in takes:
        raise invalid(bare, "must be a file", reason="type")
    return name


def _filed(name: str, pictures: Mapping[str, list[Asset]], takes: Mapping[str, int]) -> str:
    """Return the field of a file; raise where none is taken, or no more of them."""
    bare = _LIST.sub("", name)
    if bare in NEVER:
        raise unsupported(bare, "is not served here")
    if bare not in takes:
        raise unknown([bare])
    if len(pictures[bare]) == takes[bare]:
        detail = f"takes at most {takes[bare]} pictures"
        raise invalid(bare, detail, code="request.reference_too_many", reason="range")
    return bare


async def _text(events: AsyncIterator[Any], name: str, room: int) -> str:
    try:
        return await kit.text(events, room)
    except kit.LongText:
        raise CatalogError("request.too_large", f"{name}: is too long.", limit=kit.MAX_TEXT) from None
    except ValueError:
        raise invalid(name, "must be text in UTF-8", reason="format") from None


async def _picture(events: AsyncIterator[Any], name: str, caller: Caller, assets: Assets) -> Asset:
    try:
        asset = await assets.upload(caller, kit.file(events), for_job=True)
    except CatalogError as error:
        # The gateway speaks of a body; the client knows the field.
        error.errors = tuple(invalid(name, fault.detail, reason=fault.reason).errors[0] for fault in error.errors)
        raise
    if not asset.media_type.startswith("image/"):
        raise invalid(name, "must be a picture", code="request.reference_invalid", reason="media_type")
    return asset
