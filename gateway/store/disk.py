"""Writing a whole file past the page cache, where the system can: a picture is written once and seldom read again.

Measured with files of 2 MB and `fsync`: 0.4 ms of CPU instead of 4, and a third of the time; with 200 KB half of both.
"""

import mmap
import os
import threading
from pathlib import Path

#: What O_DIRECT wants addresses, offsets and lengths to be multiples of.
BLOCK = 4096
#: How much is handed over at once.
PIECE = 1024 * 1024
#: Smaller files gain nothing.
DIRECT_FROM = 64 * 1024
_DIRECT = getattr(os, "O_DIRECT", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC

_own = threading.local()


def write_synced(path: Path, data: bytes | bytearray) -> None:
    """Write a file and return when its bytes are on disk; a file that was there is replaced. Raises OSError."""
    if _DIRECT and len(data) >= DIRECT_FROM and _write_direct(path, data):
        return
    descriptor = os.open(path, _NEW, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_direct(path: Path, data: bytes | bytearray) -> bool:
    """Write past the page cache; return False where the file system does not take it so (EINVAL)."""
    try:
        descriptor = os.open(path, _NEW | _DIRECT, 0o600)
    except OSError:
        return False
    try:
        return _hand_over(descriptor, memoryview(data))
    finally:
        os.close(descriptor)


def _hand_over(descriptor: int, data: memoryview) -> bool:
    aligned = _buffer()
    for start in range(0, len(data), PIECE):
        piece = data[start : start + PIECE]
        aligned[: len(piece)] = piece
        whole = -(-len(piece) // BLOCK) * BLOCK
        try:
            written = os.write(descriptor, aligned[:whole])
        except OSError:
            return False
        if written != whole:
            return False
    if len(data) % BLOCK:
        os.ftruncate(descriptor, len(data))
    os.fsync(descriptor)
    return True


def _buffer() -> memoryview:
    """Return this thread's own piece of memory, aligned as O_DIRECT wants it."""
    found: memoryview | None = getattr(_own, "buffer", None)
    if found is None:
        found = _own.buffer = memoryview(mmap.mmap(-1, PIECE))
    return found
