"""Reads uploads as multer does: which file fields a route takes, which files pass, and how it fails (wire §7.2)."""

import asyncio
import io
import re
from pathlib import PurePath
from typing import Any

from aiohttp import BodyPartReader, MultipartReader, web
from msgspec import Struct
from PIL import Image

from adapters.sdcpp.sandbox.body import BODY
from adapters.sdcpp.sandbox.fault import HandlerError, PageError
from adapters.sdcpp.sandbox.refusal import CONVERSION, REFUSALS

LIMIT = 50 * 1024 * 1024
#: The token for pages without a reason: the rule of the same name needs no help here.
PRODUCTION = "[[production]]"
_ALLOWED = re.compile(r"jpeg|jpg|png|webp")


class File(Struct, frozen=True):
    """An uploaded file, whose type is what the client says."""

    data: bytes
    media_type: str


class Upload(Struct, frozen=True):
    """The text fields of a form, or the parsed body of a request that is none; and the files by field."""

    fields: Any
    files: dict[str, File]


async def received(request: web.Request, *, takes: tuple[str, ...]) -> Upload:
    """Read a form with at most one file in each field of `takes`; raise `PageError` as multer fails."""
    if not request.content_type.startswith("multipart/"):
        return Upload(request[BODY], {})
    fields: dict[str, Any] = {}
    files: dict[str, File] = {}
    try:
        reader = await request.multipart()
    except ValueError:
        raise PageError(500, "Error: Multipart: Boundary not found") from None
    try:
        while (part := await reader.next()) is not None:
            await _read(part, fields, files, takes)
    except PageError as error:
        # The prompt may have come before the file.
        error.production = PRODUCTION in str(fields.get("prompt"))
        raise
    except ValueError:
        raise PageError(500, "Error: Unexpected end of form") from None
    finally:
        # multer lets the client finish before it complains.
        await request.content.read()
    return Upload(fields, files)


async def _read(
    part: MultipartReader | BodyPartReader, fields: dict[str, Any], files: dict[str, File], takes: tuple[str, ...]
) -> None:
    if isinstance(part, MultipartReader) or part.name is None:
        return
    if part.filename is None:
        text = (await part.read(decode=True)).decode(errors="replace")
        before = fields.get(part.name)
        fields[part.name] = text if before is None else [*(before if isinstance(before, list) else [before]), text]
        return
    if part.name not in takes or part.name in files:
        raise REFUSALS["unexpected_field"].fault()
    media_type = part.headers.get("Content-Type", "application/octet-stream")
    extension = PurePath(part.filename).suffix.lower()
    if not _ALLOWED.search(extension) or not _ALLOWED.search(media_type):
        raise REFUSALS["only_images"].fault()
    data = bytearray()
    while chunk := await part.read_chunk(256 * 1024):
        data += chunk
        if len(data) > LIMIT:
            raise REFUSALS["file_too_large"].fault()
    files[part.name] = File(bytes(data), media_type)


async def as_png(file: File) -> bytes:
    """Return a file as it is stored: only webp is converted, and only a webp can be broken."""
    if "webp" not in file.media_type:
        return file.data
    return await asyncio.to_thread(_converted, file.data)


def _converted(data: bytes) -> bytes:
    stored = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.save(stored, format="PNG")
    except (OSError, ValueError):
        raise HandlerError(CONVERSION) from None
    return stored.getvalue()
