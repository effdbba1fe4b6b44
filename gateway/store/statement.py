"""Core statements, compiled once to SQL with positional parameters, and run on a plain DB-API connection.

The statement is built and checked by SQLAlchemy; at run time only the driver is in the way.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import literal_column
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql import ClauseElement, ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler


class Statement:
    """One Core statement, compiled for the embedded database when it is first used."""

    def __init__(self, clause: ClauseElement) -> None:
        """Take the statement; its parameters are the names of its bind parameters."""
        self.clause = clause

    @cached_property
    def _compiled(self) -> tuple[str, tuple[tuple[str, Any], ...]]:
        dialect = sqlite.dialect(paramstyle="qmark")
        compiled = self.clause.compile(dialect=dialect)
        if not isinstance(compiled, SQLCompiler):
            msg = "only queries and changes of rows are run here"
            raise TypeError(msg)
        defaults = compiled.params
        return str(compiled), tuple((name, defaults.get(name)) for name in compiled.positiontup or ())

    @property
    def sql(self) -> str:
        """The SQL text."""
        return self._compiled[0]

    def values(self, params: Mapping[str, Any]) -> list[Any]:
        """Return the parameters in the order of the SQL text."""
        return [params.get(name, default) for name, default in self._compiled[1]]

    def run(self, connection: sqlite3.Connection, params: Mapping[str, Any] = {}) -> sqlite3.Cursor:
        """Run it; the cursor has the row count, the last id, or the rows."""
        return connection.execute(self._compiled[0], self.values(params))

    def run_many(self, connection: sqlite3.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it once for each set of parameters."""
        connection.executemany(self._compiled[0], [self.values(row) for row in rows])


def one_of(column: ColumnElement[str], words: Iterable[str]) -> ColumnElement[bool]:
    """Return `column IN (…)` for words of our own (never a caller's), written into the SQL text."""
    return column.in_([literal_column(f"'{word}'") for word in words])
