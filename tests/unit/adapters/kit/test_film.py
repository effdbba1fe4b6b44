"""A film is an MP4 that says what it is and holds its frames."""

import io
import struct
from collections.abc import Iterator

import pytest
from PIL import Image

from adapters.kit.film import film
from contracts.sniff import sniff

CONTAINERS = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf"}


def frame(shade: int) -> bytes:
    """Return a small JPEG."""
    written = io.BytesIO()
    Image.new("RGB", (32, 16), (shade, 0, 0)).save(written, "JPEG")
    return written.getvalue()


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, bytes]]:
    """Walk all boxes, depth first, and insist that sizes add up."""
    end = len(data) if end is None else end
    while start < end:
        size, kind = struct.unpack_from(">I4s", data, start)
        assert size >= 8
        assert start + size <= end
        yield kind, data[start + 8 : start + size]
        if kind in CONTAINERS:
            yield from boxes(data, start + 8, start + size)
        start += size


def test_a_film_says_its_size_and_length() -> None:
    """Width, height and duration are read back from the header."""
    media = sniff(film([frame(0)] * 12, width=32, height=16, fps=8))
    assert media is not None
    assert (media.format, media.width, media.height, media.duration_s, media.complete) == ("mp4", 32, 16, 1.5, True)


def test_a_film_has_all_boxes_that_a_player_needs() -> None:
    """Type, header with one track and its tables, then the data: it plays from its first bytes on."""
    kinds = [kind for kind, _ in boxes(film([frame(0)], width=32, height=16, fps=8))]
    assert kinds == [
        b"ftyp", b"moov", b"mvhd", b"trak", b"tkhd", b"mdia", b"mdhd", b"hdlr", b"minf", b"vmhd", b"dinf", b"dref",
        b"stbl", b"stsd", b"stts", b"stsc", b"stsz", b"stco", b"mdat",
    ]  # fmt: skip


def test_the_tables_lead_to_every_frame() -> None:
    """Offset and sizes in the tables give back the very frames, and the entry says that they are JPEG."""
    frames = [frame(shade) for shade in (0, 90, 180, 255)]
    data = film(frames, width=32, height=16, fps=4)
    found = dict(boxes(data))
    (at,) = struct.unpack_from(">I", found[b"stco"], 8)
    count = struct.unpack_from(">I", found[b"stsz"], 8)[0]
    sizes = struct.unpack_from(f">{count}I", found[b"stsz"], 12)
    read: list[bytes] = []
    for size in sizes:
        read.append(data[at : at + size])
        at += size
    assert read == frames
    ticks, scale = struct.unpack_from(">I", found[b"stts"], 12)[0], struct.unpack_from(">I", found[b"mdhd"], 12)[0]
    assert scale / ticks == 4
    assert b"mp4v" in found[b"stsd"]
    assert found[b"stsd"].count(bytes([4, 13, 0x6C, 0x11])) == 1


def test_a_film_needs_a_frame() -> None:
    """Nothing is no film."""
    with pytest.raises(ValueError, match="at least one frame"):
        film([], width=32, height=16, fps=8)
