"""Forms read as they come, for faces that take files: nothing of a file is held longer than a piece of it."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import multipart

MAX_PARTS = 64
#: All texts of a form together, in bytes.
MAX_TEXT = 512 * 1024


class BrokenForm(Exception):  # noqa: N818 - said by the face in its dialect's words
    """A form that cannot be read: its boundary, its parts or its end."""


class LongText(Exception):  # noqa: N818 - the same
    """More text than a form may have."""


async def events(chunks: AsyncIterator[bytes], boundary: str) -> AsyncGenerator[Any]:
    """Yield the beginning of each part, its content in pieces, and None at its end; raise `BrokenForm`."""
    try:
        with multipart.PushMultipartParser(boundary, max_segment_count=MAX_PARTS) as parser:
            async for chunk in chunks:
                for event in parser.parse(chunk):
                    yield event
    except multipart.MultipartError:
        raise BrokenForm from None


async def text(coming: AsyncIterator[Any], room: int) -> str:
    """Return the text of the part that began; raise `LongText` beyond `room` bytes, ValueError for other than UTF-8."""
    read = bytearray()
    async for piece in coming:
        if piece is None:
            break
        read += piece
        if len(read) > room:
            raise LongText
    return read.decode()


async def file(coming: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """Yield the pieces of the file that began, to its end."""
    async for piece in coming:
        if piece is None:
            return
        yield bytes(piece)
