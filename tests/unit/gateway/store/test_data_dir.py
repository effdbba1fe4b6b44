import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.catalog import CatalogError
from gateway.store.database import DataDir

TAKE = """
import sys
from pathlib import Path
from gateway.store.database import DataDir
DataDir(Path(sys.argv[1])).hold()
"""
ON_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from gateway.store.database import DataDir
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
DataDir(Path(sys.argv[1])).secret()
"""


def mode(path: Path) -> int:
    """Return a path's permissions."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def held(tmp_path: Path) -> DataDir:
    """A directory that is held."""
    made = DataDir(tmp_path / "data")
    made.make()
    made.hold()
    return made


def test_a_second_holder_is_refused(held: DataDir) -> None:
    """Whoever comes second is told that the directory is in use, from this process or another."""
    with pytest.raises(CatalogError) as refused:
        DataDir(held.path).hold()
    assert (refused.value.code, refused.value.facts["reason"]) == ("gateway.internal", "data_dir_in_use")
    child = subprocess.run([sys.executable, "-c", TAKE, str(held.path)], capture_output=True, text=True, timeout=30)
    assert child.returncode != 0
    assert "Another gateway uses the data directory" in child.stderr
    held.release()


def test_a_directory_is_free_once_its_holder_lets_go(held: DataDir) -> None:
    """The lock goes with its holder, the file stays, and letting go twice is no fault."""
    held.release()
    held.release()
    assert (held.path / "lock").exists()
    child = subprocess.run([sys.executable, "-c", TAKE, str(held.path)], capture_output=True, text=True, timeout=30)
    assert child.returncode == 0, child.stderr
    # The child died without letting go: the lock died with it.
    again = DataDir(held.path)
    again.hold()
    assert (held.path / "lock").read_text() == str(os.getpid())
    again.release()


def test_everything_is_its_owners_alone(held: DataDir) -> None:
    """Nobody else on the machine reads pictures, the database or the secret."""
    held.secret()
    assert (mode(held.path), mode(held.assets), mode(held.path / "secret")) == (0o700, 0o700, 0o600)
    held.release()


def test_the_secret_is_made_once(tmp_path: Path) -> None:
    """It is long, random, and the same for every process and every start."""
    first, other = DataDir(tmp_path / "a"), DataDir(tmp_path / "b")
    first.make()
    other.make()
    secret = first.secret()
    assert len(secret) == 64
    assert first.secret() == DataDir(tmp_path / "a").secret() == secret
    assert other.secret() != secret
    assert sorted(path.name for path in first.path.iterdir()) == ["assets", "secret"]


def test_a_secret_that_could_not_be_written_whole_is_no_secret(tmp_path: Path) -> None:
    """A full disk or a crash at the first start never leaves an empty secret behind, which would sign as well."""
    DataDir(tmp_path).make()
    child = subprocess.run([sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path)], capture_output=True, timeout=30)
    assert b"OSError" in child.stderr
    assert len(DataDir(tmp_path).secret()) == 64
