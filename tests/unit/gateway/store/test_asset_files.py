import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.store.assets import AssetFiles

OUTSIDE = ["", "..", "../../secret", "0" * 63, "0" * 65, "A" * 64, "a/" + "0" * 62, "/etc/passwd", "." + "0" * 63]


@pytest.fixture
def files(tmp_path: Path) -> Iterator[AssetFiles]:
    """Files in an empty folder."""
    opened = AssetFiles(tmp_path / "assets")
    yield opened
    opened.close()


def everything(files: AssetFiles) -> list[str]:
    """Return the names of all files there are, leftovers included."""
    return sorted(path.name for path in files._root.rglob("*") if path.is_file())


def grow_old(files: AssetFiles, name: str, to: float) -> None:
    """Let a file be as old as a moment."""
    os.utime(files._root / name.lstrip(".")[0] / name, (to, to))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=5000))
def test_what_is_put_is_read_back_under_its_digest(files: AssetFiles, data: bytes) -> None:
    """The name of a file is its SHA-256, its bytes are what was put, and its length is known."""
    digest = files.put(data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert files.read(digest) == data
    assert files.has(digest, len(data))
    assert not files.has(digest, len(data) + 1)


def test_equal_bytes_are_one_file(files: AssetFiles) -> None:
    """Putting the same again stores nothing new."""
    assert files.put(b"fox") == files.put(b"fox")
    assert len(everything(files)) == 1


def test_a_file_that_was_cut_off_is_written_anew(files: AssetFiles) -> None:
    """A file of the wrong length, as a power cut may leave it, is no reason to skip the write."""
    digest = files.put(b"fox")
    files.path(digest).write_bytes(b"f")
    assert files.put(b"fox") == digest
    assert files.read(digest) == b"fox"


def test_many_threads_put_the_same_and_different_bytes(files: AssetFiles) -> None:
    """Whoever puts what beside whom: every file is whole, and no temporary file is left."""
    contents = [b"%d" % (n % 7) * 2000 for n in range(200)]
    with ThreadPoolExecutor(16) as pool:
        digests = list(pool.map(files.put, contents))
    assert [files.read(digest) for digest in digests] == contents
    assert everything(files) == sorted(set(digests))


def test_a_put_that_fails_is_heard_of(files: AssetFiles) -> None:
    """If a file cannot get its name, the caller is told, and it is not taken for stored."""
    digest = hashlib.sha256(b"fox").hexdigest()
    (files._root / digest[0] / digest).mkdir()
    with pytest.raises(IsADirectoryError):
        files.put(b"fox")
    assert not files.has(digest, 3)


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_name_leads_out_of_the_folder(files: AssetFiles, name: str) -> None:
    """What is no digest is simply not there, whatever it points to."""
    (files._root.parent / "secret").write_bytes(b"secret")
    with pytest.raises(FileNotFoundError):
        files.read(name)
    with pytest.raises(FileNotFoundError):
        files.path(name)
    assert not files.has(name, 6)
    assert not files.remove(name)
    assert (files._root.parent / "secret").exists()


def test_a_removed_file_is_gone(files: AssetFiles) -> None:
    """Removing says whether there was anything to remove."""
    digest = files.put(b"fox")
    assert files.remove(digest)
    assert not files.remove(digest)
    assert everything(files) == []


def test_old_files_are_listed_and_leftovers_of_crashes_removed(files: AssetFiles) -> None:
    """Only what was last written before the moment counts; half-written files of that age go at once."""
    old, young = files.put(b"old"), files.put(b"young")
    for name in (f".{old}.1.1", f".{young}.1.1"):
        (files._root / name[1] / name).write_bytes(b"half")
    grow_old(files, old, 1000)
    grow_old(files, f".{old}.1.1", 1000)
    assert files.older_than(2000) == [old]
    assert everything(files) == sorted([old, young, f".{young}.1.1"])


def test_bytes_that_are_put_again_count_as_new(files: AssetFiles) -> None:
    """An old file that somebody is about to speak of again is no orphan and is not swept away under him."""
    digest = files.put(b"fox")
    grow_old(files, digest, 1000)
    assert files.older_than(2000) == [digest]
    assert files.put(b"fox") == digest
    assert files.older_than(2000) == []
    assert not files.remove(digest, older_than=2000)
    assert files.read(digest) == b"fox"
    grow_old(files, digest, 1000)
    assert files.remove(digest, older_than=2000)


def test_files_are_their_owners_alone(files: AssetFiles) -> None:
    """Nobody else on the machine reads them."""
    digest = files.put(b"fox")
    assert files.path(digest).stat().st_mode & 0o777 == 0o600
    assert files.free_bytes() > 0
