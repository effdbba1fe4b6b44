"""Opening the embedded database: one process at a time, migrated, and safe against power loss."""

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path
from typing import IO

from contracts.catalog import CatalogError

MIGRATIONS = Path(__file__).parent / "migrations"
#: The newest revision; a test holds it to what the migrations say.
HEAD = "0003"


class DataDir:
    """The directory that holds everything: database, assets, secret. Held by one gateway at a time."""

    def __init__(self, path: Path) -> None:
        """Take the path; nothing is made yet."""
        self.path = path
        self._lock: IO[str] | None = None

    @property
    def database(self) -> Path:
        """The database file."""
        return self.path / "triptych.db"

    @property
    def assets(self) -> Path:
        """Where files are stored."""
        return self.path / "assets"

    @property
    def thumbnails(self) -> Path:
        """Where smaller versions of files are, in a folder for each."""
        return self.path / "thumbnails"

    def make(self) -> None:
        """Make the directory, readable by its owner alone."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.assets.mkdir(mode=0o700, exist_ok=True)

    def hold(self) -> None:
        """Take the exclusive lock; raise `gateway.internal` when another gateway holds it."""
        lock = (self.path / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise CatalogError(
                "gateway.internal",
                f"Another gateway uses the data directory {self.path}: stop it, or choose another with --data-dir.",
                reason="data_dir_in_use",
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def release(self) -> None:
        """Give the lock back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def secret(self) -> bytes:
        """Return the secret that signs URLs and keys fingerprints, made on first use (0600)."""
        path, new = self.path / "secret", self.path / f"secret.{os.getpid()}"
        if not path.exists():
            # It gets its name when it is whole: an empty secret would sign as well.
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(os.urandom(32).hex().encode())
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(new, path)
            new.unlink()
        return path.read_bytes()


def connect(path: Path, *, readonly: bool = False) -> sqlite3.Connection:
    """Open a connection of this process: WAL, and `synchronous=FULL` where it writes."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -16000")
    if readonly:
        connection.execute("PRAGMA query_only = ON")
    else:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    return connection


def revision(path: Path) -> str | None:
    """Return the schema revision of a database file; None when there is none yet."""
    if not path.exists():
        return None
    with connect(path) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            return None
        finally:
            connection.execute("PRAGMA optimize")
    return str(row[0]) if row else None


def migrate(path: Path) -> bool:
    """Bring the schema up to date; return whether anything had to be done."""
    if revision(path) == HEAD:
        return False
    # Alembic costs a third of a second to import: only when there is work for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}")
    command.upgrade(config, "head")
    return True
