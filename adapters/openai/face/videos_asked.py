"""What `POST /v1/videos` asks for, from a form or from JSON, and the job that it becomes.

A film has the size and the length that were asked for, or OpenAI's own defaults where nothing was: a client that relies
on them finds them in the answer. A size that no backend promises is refused with those that are.
"""

import re
from collections.abc import AsyncIterator
from typing import Any

from msgspec import UNSET, Struct, structs

from adapters.openai.face import form, model
from adapters.openai.face.fields import Fields, json_fields
from adapters.openai.face.said import invalid, unsupported
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Assets
from contracts.face import Call
from contracts.media import Input
from contracts.spec import Video, VideoGenerate

#: A film's pixels, as what the contract promises of films.
SIZES: dict[str, Video] = {
    "720x1280": Video(resolution="720p", aspect_ratio="9:16"),
    "1280x720": Video(resolution="720p", aspect_ratio="16:9"),
}
#: OpenAI's, where a client says nothing.
DEFAULT_SIZE, DEFAULT_SECONDS = "720x1280", 4
#: The contract's longest film, in seconds; each model has its own.
_LONGEST = 60
_PICTURE = "input_reference"
#: As JSON, a picture comes in base64.
_MAX_JSON = 16 * 1024 * 1024
_DATA_URL = re.compile(r"data:[^;,]+;base64,", re.IGNORECASE)


class Film(Struct, frozen=True, kw_only=True):
    """What a request comes to."""

    prompt: str
    model: str | None
    size: str
    seconds: int
    picture: Input | None = None


async def film(call: Call, caller: Caller, assets: Assets) -> Film:
    """Return what is asked for; raise what is wrong with it."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        fields = json_fields(structs.replace(call, body=await _whole(call.chunks)))
        return _film(fields, _linked(fields))
    received = await form.read(call, caller, assets, {_PICTURE: 1})
    uploaded = received.pictures[_PICTURE]
    linked = _linked(received.fields)
    if uploaded and linked is not None:
        raise invalid(_PICTURE, "must be a file or an address, not both", reason="contradiction")
    return _film(received.fields, Input(role="first_frame", asset_id=uploaded[0].id) if uploaded else linked)


def wish(asked: Film) -> VideoGenerate:
    """Write the job."""
    mode = "text" if asked.picture is None else "image"
    return VideoGenerate(
        prompt=asked.prompt,
        model=model.meant(asked.model),
        inputs=UNSET if asked.picture is None else (asked.picture,),
        video=structs.replace(SIZES[asked.size], mode=mode, duration_s=asked.seconds),
    )


def _film(fields: Fields, picture: Input | None) -> Film:
    size = fields.word("size", tuple(SIZES))
    found = Film(
        prompt=fields.needed("prompt"),
        model=fields.text("model"),
        size=size or DEFAULT_SIZE,
        seconds=_seconds(fields),
        picture=picture,
    )
    fields.done()
    return found


def _seconds(fields: Fields) -> int:
    """Return the length: a text in OpenAI's API, whatever else it comes in."""
    value = fields.take("seconds")
    if value is None:
        return DEFAULT_SECONDS
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:4])
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _LONGEST:
        raise invalid("seconds", f"must be a whole number from 1 to {_LONGEST}", reason="range")
    return value


def _linked(fields: Fields) -> Input | None:
    """Return the picture that a film begins with, where it is told by its address: a data URL is one."""
    given = fields.take(_PICTURE)
    told: dict[str, Any] = {name: fields.take(f"{_PICTURE}[{name}]") for name in ("image_url", "file_id")}
    if isinstance(given, dict):
        told |= given
    elif given is not None:
        raise invalid(_PICTURE, "must be an object with image_url", reason="type")
    if told.get("file_id") is not None:
        raise unsupported(_PICTURE, "there are no files here to be named by id: send the picture itself")
    url = told.get("image_url")
    if url is None:
        if isinstance(given, dict):
            raise invalid(_PICTURE, "must be an object with image_url", reason="missing")
        return None
    if not isinstance(url, str):
        raise invalid(_PICTURE, "image_url must be a string", reason="type")
    if _DATA_URL.match(url):
        return Input(role="first_frame", data=url)
    if not url.startswith("https://") or len(url) > 2048:
        raise invalid(
            _PICTURE, "image_url must be a data URL or https", code="request.reference_invalid", reason="url_forbidden"
        )
    return Input(role="first_frame", url=url)


async def _whole(chunks: AsyncIterator[bytes] | None) -> bytes:
    read = bytearray()
    if chunks is not None:
        async for chunk in chunks:
            read += chunk
            if len(read) > _MAX_JSON:
                text = f"A JSON body may have at most {_MAX_JSON} bytes: send the picture in a form."
                raise CatalogError("request.too_large", text, limit=_MAX_JSON)
    return bytes(read)
