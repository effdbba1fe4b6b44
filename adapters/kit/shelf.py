"""A sandbox's memory: JSON documents in one SQLite file, so that a restart finds what a crash left behind."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

#: Puts between two clean-ups.
CLEAN_EVERY = 1000


class Shelf:
    """Documents by kind and id, in the order in which they were put."""

    def __init__(self, path: Path) -> None:
        """Open or make the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._puts = 0
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS document (place INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, "
            "id TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (kind, id))"
        )

    def put(self, kind: str, name: str, body: Any) -> None:
        """Put a document, or put a new version of it in its place."""
        self._connection.execute(
            "INSERT INTO document (kind, id, body) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
            (kind, name, msgspec.json.encode(body).decode()),
        )

    def get(self, kind: str, name: str) -> Any | None:
        """Return a document."""
        row = self._connection.execute("SELECT body FROM document WHERE kind = ? AND id = ?", (kind, name)).fetchone()
        return None if row is None else msgspec.json.decode(row[0])

    def all(self, kind: str) -> list[Any]:
        """Return all documents of a kind, oldest first."""
        rows = self._connection.execute("SELECT body FROM document WHERE kind = ? ORDER BY place", (kind,))
        return [msgspec.json.decode(row[0]) for row in rows]

    def drop(self, kind: str, name: str) -> bool:
        """Take a document away; say whether it was there."""
        return self._connection.execute("DELETE FROM document WHERE kind = ? AND id = ?", (kind, name)).rowcount > 0

    def clear(self, kind: str) -> int:
        """Take all documents of a kind away; return how many there were."""
        return self._connection.execute("DELETE FROM document WHERE kind = ?", (kind,)).rowcount

    def keep_newest(self, kind: str, count: int) -> None:
        """Take away all but about the newest documents of a kind; looked at only now and then."""
        self._puts += 1
        if self._puts % CLEAN_EVERY == 0:
            self._connection.execute(
                "DELETE FROM document WHERE kind = ? AND place <= "
                "(SELECT place FROM document WHERE kind = ? ORDER BY place DESC LIMIT 1 OFFSET ?)",
                (kind, kind, count),
            )

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
