"""Pictures for benchmarks: valid PNGs that do not compress, and never the same one twice.

A gateway may store equal bytes once. So that every answer is really stored, each copy has another comment in it.
"""

import base64
import itertools
import random
import struct
import time
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def side_of(length: int) -> int:
    """Return the side of a square picture of about `length` bytes, in pixels."""
    return max(1, int((length / 3) ** 0.5))


class Picture:
    """A picture in base64, in three pieces: what is before its comment, the comment, and what is after it."""

    def __init__(self, length: int) -> None:
        """Paint it, about so many bytes long."""
        self.side = side_of(length)
        noise = random.Random(length)  # noqa: S311 - noise is no secret
        rows = b"".join(b"\0" + noise.randbytes(self.side * 3) for _ in range(self.side))
        size = struct.pack(">IIBBBBB", self.side, self.side, 8, 2, 0, 0, 0)
        # Both ends of the comment fall on a multiple of three bytes, where base64 can be cut.
        self.before = base64.b64encode(_SIGNATURE + _chunk(b"IHDR", size))
        self.after = base64.b64encode(_chunk(b"IDAT", zlib.compress(rows, 0)) + _chunk(b"IEND", b""))
        self._numbers = itertools.count(time.time_ns() // 1000)
        self.base64_length = len(self.before) + len(self.comment()) + len(self.after)

    def comment(self) -> bytes:
        """Return a comment that no other copy has."""
        return base64.b64encode(_chunk(b"tEXt", b"Comment\0%016d" % next(self._numbers)))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
