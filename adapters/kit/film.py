"""A minimal MP4: JPEG frames one after the other (Motion JPEG), in a file that plays from its first bytes on."""

import struct
from collections.abc import Sequence

#: Ticks a second: divisible by the usual frame rates.
_SCALE = 12_000
_UNITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
_UNDETERMINED = 0x55C4
#: "Visual ISO/IEC 10918-1 (JPEG)" in the table of object types of MPEG-4 Systems.
_JPEG_OBJECT = 0x6C
#: Stream type 4 (visual), downstream.
_VISUAL_STREAM = 0x11


def film(frames: Sequence[bytes], *, width: int, height: int, fps: float) -> bytes:
    """Return a video of JPEG frames, all `width` x `height`, shown `fps` a second; raise `ValueError` without one."""
    if not frames:
        raise ValueError("a film has at least one frame")
    step = round(_SCALE / fps)
    kind = _box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2mp41")
    head = _movie(frames, width, height, step, offset=0)
    # The frames come after the head, whose length does not depend on where they begin.
    head = _movie(frames, width, height, step, offset=len(kind) + len(head) + 8)
    return kind + head + _box(b"mdat", *frames)


def _movie(frames: Sequence[bytes], width: int, height: int, step: int, *, offset: int) -> bytes:
    length = step * len(frames)
    header = _full(
        b"mvhd",
        struct.pack(">IIII", 0, 0, _SCALE, length),
        struct.pack(">IHH8x", 0x10000, 0x0100, 0),
        _UNITY,
        struct.pack(">24xI", 2),
    )
    return _box(
        b"moov", header, _box(b"trak", _track(width, height, length), _media(frames, width, height, step, offset))
    )


def _track(width: int, height: int, length: int) -> bytes:
    return _full(
        b"tkhd",
        struct.pack(">IIIII8x", 0, 0, 1, 0, length),
        struct.pack(">hhhH", 0, 0, 0, 0),
        _UNITY,
        struct.pack(">II", width << 16, height << 16),
        flags=3,
    )


def _media(frames: Sequence[bytes], width: int, height: int, step: int, offset: int) -> bytes:
    header = _full(b"mdhd", struct.pack(">IIIIHH", 0, 0, _SCALE, step * len(frames), _UNDETERMINED, 0))
    handler = _full(b"hdlr", struct.pack(">I4s12x", 0, b"vide"), b"VideoHandler\0")
    here = _full(b"url ", flags=1)
    data = _box(b"dinf", _full(b"dref", struct.pack(">I", 1), here))
    visual = _full(b"vmhd", struct.pack(">8x"), flags=1)
    return _box(b"mdia", header, handler, _box(b"minf", visual, data, _samples(frames, width, height, step, offset)))


def _samples(frames: Sequence[bytes], width: int, height: int, step: int, offset: int) -> bytes:
    sizes = [len(frame) for frame in frames]
    return _box(
        b"stbl",
        _full(b"stsd", struct.pack(">I", 1), _entry(width, height)),
        _full(b"stts", struct.pack(">III", 1, len(frames), step)),
        _full(b"stsc", struct.pack(">IIII", 1, 1, len(frames), 1)),
        _full(b"stsz", struct.pack(f">II{len(sizes)}I", 0, len(sizes), *sizes)),
        _full(b"stco", struct.pack(">II", 1, offset)),
    )


def _entry(width: int, height: int) -> bytes:
    """Return the sample entry `mp4v`, whose elementary stream is said to be JPEG."""
    picture = struct.pack(">6xH16xHHII4xH32sHh", 1, width, height, 0x480000, 0x480000, 1, b"", 24, -1)
    decoder = struct.pack(">BB3sII", _JPEG_OBJECT, _VISUAL_STREAM, b"\0\0\0", 0, 0)
    stream = _descriptor(3, struct.pack(">HB", 1, 0), _descriptor(4, decoder), _descriptor(6, b"\x02"))
    return _box(b"mp4v", picture, _full(b"esds", stream))


def _descriptor(tag: int, *content: bytes) -> bytes:
    data = b"".join(content)
    return struct.pack(">BB", tag, len(data)) + data


def _full(kind: bytes, *content: bytes, flags: int = 0) -> bytes:
    return _box(kind, struct.pack(">I", flags), *content)


def _box(kind: bytes, *content: bytes) -> bytes:
    data = b"".join(content)
    return struct.pack(">I4s", len(data) + 8, kind) + data
