"""A file is written past the page cache where the system can, and is the same file everywhere."""

import os
from pathlib import Path

import pytest

from gateway.store import disk
from gateway.store.disk import BLOCK, DIRECT_FROM, PIECE, write_synced

EDGES = (0, 1, DIRECT_FROM - 1, DIRECT_FROM, DIRECT_FROM + 1, PIECE - 1, PIECE, PIECE + 1, PIECE + BLOCK, 3 * PIECE + 7)


@pytest.mark.parametrize("length", EDGES)
def test_a_file_has_exactly_the_bytes_that_were_given(tmp_path: Path, length: int) -> None:
    """No padding of the last block is left, and nothing of a file that was there before."""
    data = os.urandom(length)
    path = tmp_path / "file"
    path.write_bytes(os.urandom(length + 5 * BLOCK))
    write_synced(path, data)
    assert path.read_bytes() == data
    assert path.stat().st_size == length


@pytest.mark.parametrize("refuses", ["open", "write"])
def test_a_file_system_that_does_not_take_it_gets_the_file_in_the_usual_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: str
) -> None:
    """Some refuse the flag, others the first write."""
    direct = getattr(os, "O_DIRECT", 0)
    opened: set[int] = set()
    real_open, real_write = os.open, os.write

    def open_(path: Path, flags: int, mode: int = 0o777) -> int:
        if direct and flags & direct:
            if refuses == "open":
                raise OSError(22, "Invalid argument")
            opened.add(descriptor := real_open(path, flags & ~direct, mode))
            return descriptor
        return real_open(path, flags, mode)

    def write(descriptor: int, data: memoryview) -> int:
        if descriptor in opened:
            opened.discard(descriptor)
            raise OSError(22, "Invalid argument")
        return real_write(descriptor, data)

    monkeypatch.setattr(disk.os, "open", open_)
    monkeypatch.setattr(disk.os, "write", write)
    data = os.urandom(2 * PIECE + 100)
    write_synced(tmp_path / "file", data)
    assert (tmp_path / "file").read_bytes() == data


def test_a_full_disk_is_an_error_and_no_short_file_is_taken_for_a_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the usual way says of it is what the caller hears."""

    def write(_descriptor: int, _data: memoryview) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "write", write)
    with pytest.raises(OSError, match="No space left"):
        write_synced(tmp_path / "file", bytes(PIECE))
