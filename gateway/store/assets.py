"""The files of assets in the local file system: content-addressed, and on disk before any row speaks of them.

Temporary file, fsync, rename, fsync of the directory: obstore's local store does none of these syncs, so this one is
ours. Directory syncs are shared by all who wait for one.
"""

import hashlib
import os
import re
import threading
from pathlib import Path

from gateway.store.disk import write_synced

_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Directory:
    """One directory whose syncs are grouped."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._asked = 0
        self._synced = 0
        self._counting = threading.Lock()
        self._syncing = threading.Lock()

    def sync(self) -> None:
        """Return when everything renamed before the call is on disk."""
        with self._counting:
            self._asked += 1
            mine = self._asked
        with self._syncing:
            if self._synced >= mine:
                return
            upto = self._asked
            os.fsync(self._descriptor)
            self._synced = upto

    def close(self) -> None:
        os.close(self._descriptor)


class AssetFiles:
    """Puts, finds and removes files by their SHA-256. All calls block: they belong on threads."""

    def __init__(self, root: Path) -> None:
        """Take the directory; it gets one folder for each first hex digit."""
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._root = root
        #: Between the look at a file and what is done about it nobody removes it.
        self._removing = threading.Lock()
        self._directories = {digit: _Directory(root / digit) for digit in "0123456789abcdef"}

    def put(self, data: bytes | bytearray) -> str:
        """Store bytes durably; return their SHA-256 in hex. Equal bytes are stored once."""
        sha256 = hashlib.sha256(data).hexdigest()
        directory = self._directories[sha256[0]]
        path = directory.path / sha256
        if self._keep(path, len(data)):
            directory.sync()
            return sha256
        temporary = directory.path / f".{sha256}.{os.getpid()}.{threading.get_ident()}"
        write_synced(temporary, data)
        temporary.rename(path)
        directory.sync()
        return sha256

    def _keep(self, path: Path, length: int) -> bool:
        """Say whether a file is there at its full length; if so it counts as written now."""
        with self._removing:
            try:
                if path.stat().st_size != length:
                    return False
                os.utime(path)
            except FileNotFoundError:
                return False
        return True

    def path(self, sha256: str) -> Path:
        """Return where a file is; raise FileNotFoundError for what is no digest."""
        if not _DIGEST.fullmatch(sha256):
            raise FileNotFoundError
        return self._root / sha256[0] / sha256

    def read(self, sha256: str) -> bytes:
        """Return a file's bytes; raise FileNotFoundError."""
        return self.path(sha256).read_bytes()

    def has(self, sha256: str, length: int) -> bool:
        """Say whether a file is there at its full length."""
        try:
            return self.path(sha256).stat().st_size == length
        except FileNotFoundError:
            return False

    def remove(self, sha256: str, *, older_than: float = float("inf")) -> bool:
        """Remove a file, unless somebody put the same bytes since a moment; say whether it was removed."""
        with self._removing:
            try:
                path = self.path(sha256)
                if path.stat().st_mtime >= older_than:
                    return False
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def older_than(self, moment: float) -> list[str]:
        """Return the digests of all files last written before a moment; leftovers of crashes are removed."""
        found = []
        for directory in self._directories.values():
            with os.scandir(directory.path) as entries:
                for entry in entries:
                    if entry.stat().st_mtime >= moment:
                        continue
                    if entry.name.startswith("."):
                        Path(entry.path).unlink(missing_ok=True)
                    else:
                        found.append(entry.name)
        return found

    def free_bytes(self) -> int:
        """Return how much room the disk has."""
        stat = os.statvfs(self._root)
        return stat.f_bavail * stat.f_frsize

    def close(self) -> None:
        """Close the directories; a second call does nothing."""
        for directory in self._directories.values():
            directory.close()
        self._directories = {}
