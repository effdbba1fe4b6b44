"""Real pictures for tests, as encoders write them, and files put together by hand where no encoder does."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

#: EXIF with one entry: that the picture is to be shown turned. Its pixels are counted as they lie in the file.
TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
#: 16-bit greys, like every other mode, with something in them that no encoder can leave out.
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16")


def canvas(mode: str = "RGB", size: tuple[int, int] = (24, 16)) -> Image.Image:
    """Return a picture of two slopes, which no two pixels of a row share."""
    across = Image.linear_gradient("L").resize(size)
    up = across.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    colour = Image.merge("RGB", (across, up, Image.new("L", size, 90)))
    match mode:
        case "RGBA":
            colour.putalpha(across)
            return colour
        case "LA":
            return Image.merge("LA", (up, across))
        case "P":
            return colour.quantize(16)
        case "I;16":
            return Image.frombytes(
                "I;16", size, b"".join(struct.pack("<H", 257 * grey) for grey in colour.convert("L").tobytes())
            )
        case _:
            return colour.convert(mode)


def encoded(kind: str, mode: str = "RGB", size: tuple[int, int] = (24, 16), **options: Any) -> bytes:
    """Return a picture as Pillow writes it."""
    written = io.BytesIO()
    quick = {"speed": 10} if kind == "avif" else {}
    canvas(mode, size).save(written, kind.upper(), **{**quick, **options})
    return written.getvalue()


def decoded(data: bytes) -> Image.Image:
    """Return a file's picture, read to its end."""
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunks of a PNG: kinds and contents."""
    found, at = [], 8
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def interlaced_png() -> bytes:
    """Return a PNG of 1x1 pixels in Adam7 order, which Pillow reads and does not write."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 1))
    return (
        b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(b"\0\x10\x20\x30")) + png_chunk(b"IEND", b"")
    )


def jpeg_segment(marker: int, content: bytes) -> bytes:
    """Return a segment of a JPEG."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg_segments(data: bytes) -> list[tuple[int, bytes]]:
    """Return the segments of a JPEG before its first scan: markers and contents."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        (length,) = struct.unpack_from(">H", data, at + 2)
        found.append((data[at + 1], data[at + 4 : at + 2 + length]))
        at += 2 + length
    return found


def webp_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a WebP, padded to an even length."""
    return kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def webp_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunks of a WebP: kinds and contents."""
    found, at = [], 12
    end = struct.unpack_from("<I", data, 4)[0] + 8
    while at < end:
        kind, length = struct.unpack_from("<4sI", data, at)
        found.append((kind, data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return found


def webp_with(data: bytes, *more: bytes) -> bytes:
    """Return an extended WebP with more chunks behind its own."""
    whole = data + b"".join(more)
    return whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:]


def box(kind: bytes, *content: bytes) -> bytes:
    """Return an ISO base media box."""
    inner = b"".join(content)
    return struct.pack(">I4s", 8 + len(inner), kind) + inner


def mp4(width: int = 640, height: int = 360, *, scale: int = 1000, length: int = 2500, long: bool = False) -> bytes:
    """Return a film with nothing in it but what says that it is one."""
    times = ">IQQIQ" if long else ">IIIII"
    header = box(b"mvhd", struct.pack(times, int(long) << 24, 0, 0, scale, length), bytes(80))
    picture = box(b"tkhd", bytes(76), struct.pack(">II", width << 16, height << 16))
    sound = box(b"tkhd", bytes(84))
    tracks = box(b"trak", sound), box(b"trak", picture)
    return box(b"ftyp", b"isom\0\0\2\0isommp42") + box(b"moov", header, *tracks) + box(b"mdat", bytes(16))
