"""Small pictures for uploads and inputs, and what bytes turn out to be."""

import io
import struct
import zlib

from PIL import Image

from contracts.sniff import Media, sniff


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int = 32, height: int = 32, *, pixels: bytes | None = None, text: str | None = None) -> bytes:
    """Return a black PNG; `pixels` stands for its compressed rows, `text` becomes a comment."""
    rows = zlib.compress(b"\0" * (height * (1 + 3 * width))) if pixels is None else pixels
    comment = _chunk(b"tEXt", b"Comment\0" + text.encode("latin-1")) if text is not None else b""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + comment + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def picture(file_format: str, width: int = 48, height: int = 40) -> bytes:
    """Return a picture in a format that Pillow writes."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(out, format=file_format)
    return out.getvalue()


def media_of(data: bytes) -> Media:
    """Return what bytes are, by their own header, and make sure that Pillow thinks so too."""
    media = sniff(data)
    assert media is not None, data[:32]
    with Image.open(io.BytesIO(data)) as opened:
        assert (opened.format or "").lower() == media.format
        assert opened.size == (media.width, media.height)
        opened.load()
    return media
