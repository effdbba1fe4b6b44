"""What bytes really are: format and pixel size read from a file's own header, before any decoding.

One function serves uploads, fetched results and inline answers, so that no name, header or data URL is ever
believed. It reads png, jpeg, webp, avif and mp4, and refuses everything else.
"""

import struct
from collections.abc import Iterator
from struct import unpack_from

from msgspec import Struct

from contracts.media import MEDIA_TYPES, MediaType

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"
#: ISO base media boxes that only hold other boxes; `meta` also has four bytes of version and flags.
_CONTAINERS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"moov": 0, b"trak": 0, b"mdia": 0}
_JPEG_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
#: Brands whose boxes look like a film's and are none: QuickTime, HEIF sequences, camera raw.
_NO_FILMS = frozenset({b"qt  ", b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1", b"crx "})
#: No real file has more pieces in its header, or boxes that lie deeper: whoever sends such a one wants to keep us busy.
MAX_PIECES = 10_000
MAX_DEPTH = 8
#: The end of a file is looked for in so many last bytes.
_TAIL = 4096


class Media(Struct, frozen=True):
    """What a file says of itself: its format, its size in pixels, and whether its end is there."""

    format: str
    width: int
    height: int
    duration_s: float | None = None
    complete: bool = True

    @property
    def media_type(self) -> MediaType:
        """The media type to store and serve."""
        return MEDIA_TYPES[self.format]


def sniff(data: bytes | bytearray) -> Media | None:
    """Return what `data` is, or None when it is none of the five formats or its header is broken."""
    try:
        if data.startswith(_PNG):
            return _png(data)
        if data.startswith(b"\xff\xd8\xff"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data[4:8] == b"ftyp":
            return _iso(data)
    except (IndexError, ValueError, ArithmeticError, struct.error):
        return None
    return None


def _png(data: bytes | bytearray) -> Media | None:
    width, height = unpack_from(">II", data, 16)
    if data[12:16] != b"IHDR" or not width or not height:
        return None
    at = 8
    for _ in range(MAX_PIECES):
        # A chunk before the pixels may hold a whole picture with an end of its own.
        if data[at + 4 : at + 8] in (b"IDAT", b""):
            break
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return Media("png", width, height, complete=_ends(data, _PNG_END, at))


def _ends(data: bytes | bytearray, mark: bytes, start: int) -> bool:
    return data.find(mark, max(start, len(data) - _TAIL)) >= 0


def _jpeg(data: bytes | bytearray) -> Media | None:
    at = 2
    for _ in range(MAX_PIECES):
        if data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_STANDALONE:
            at += 2
        elif marker in _JPEG_FRAMES:
            height, width = unpack_from(">HH", data, at + 5)
            # A thumbnail in the header has an end too: the picture's own comes after its first scan has begun.
            scan = data.find(b"\xff\xda", at)
            complete = scan >= 0 and _ends(data, b"\xff\xd9", scan)
            return Media("jpeg", width, height, complete=complete) if width and height else None
        else:
            at += 2 + int(unpack_from(">H", data, at + 2)[0])
    return None


def _webp(data: bytes | bytearray) -> Media | None:
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif kind == b"VP8L":
        if data[20] != 0x2F:
            return None
        bits = int(unpack_from("<I", data, 21)[0])
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    elif kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in unpack_from("<HH", data, 26))
    else:
        return None
    complete = len(data) >= int(unpack_from("<I", data, 4)[0]) + 8
    return Media("webp", width, height, complete=complete) if width and height else None


def _iso(data: bytes | bytearray) -> Media | None:
    brands = data[8 : int(unpack_from(">I", data, 0)[0])]
    picture = b"avif" in brands or b"avis" in brands
    if not picture and bytes(brands[:4]) in _NO_FILMS:
        return None
    sizes: list[tuple[int, int]] = []
    duration: float | None = None
    whole, has_data = True, False
    for count, (kind, start, end) in enumerate(_boxes(data, 0, len(data))):
        if count == MAX_PIECES:
            return None
        whole = whole and end <= len(data)
        has_data = has_data or kind in (b"mdat", b"idat")
        if kind == b"ispe" and picture:
            sizes.append(unpack_from(">II", data, start + 4))
        elif kind == b"tkhd":
            width, height = unpack_from(">II", data, min(end, len(data)) - 8)
            sizes.append((width >> 16, height >> 16))
        elif kind == b"mvhd":
            long = data[start] == 1
            scale, length = unpack_from(">IQ" if long else ">II", data, start + (20 if long else 12))
            duration = length / scale
    if not sizes:
        return None
    width, height = max(sizes, key=lambda side: side[0] * side[1])
    if not width or not height:
        return None
    return Media("avif" if picture else "mp4", width, height, None if picture else duration, whole and has_data)


def _boxes(data: bytes | bytearray, at: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Walk ISO boxes depth first: kind, where the content starts, where the box says it ends."""
    while at + 8 <= min(end, len(data)):
        size, kind = unpack_from(">I4s", data, at)
        start = at + 8
        if size == 1:
            size, start = int(unpack_from(">Q", data, at + 8)[0]), at + 16
        elif size == 0:
            size = end - at
        if size < start - at:
            return
        yield kind, start, at + size
        if kind in _CONTAINERS and depth < MAX_DEPTH:
            yield from _boxes(data, start + _CONTAINERS[kind], min(at + size, len(data)), depth + 1)
        at += size
