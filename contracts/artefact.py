"""The committed error catalogue: every row, and every native complaint that leads to it, as one document."""

from collections.abc import Mapping
from typing import Any

import msgspec

from contracts.codes import CATALOG
from contracts.port import Dialect

#: Statuses are whole classes in some rows: written as one word.
_CLASSES = {tuple(range(500, 600)): "5xx", tuple(range(400, 500)): "4xx"}


def catalogue_document(dialects: Mapping[str, Dialect]) -> bytes:
    """Return the catalogue as it is committed: readable JSON with a newline at the end."""
    value = {
        "errors": list(CATALOG.values()),
        "native": {
            name: [shown(row) for row in dialect.error_rows()]
            for name, dialect in sorted(dialects.items())
            if dialect.error_rows is not None
        },
    }
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def complaints(code: str, dialects: Mapping[str, Dialect]) -> dict[str, tuple[dict[str, Any], ...]]:
    """Return the native complaints that lead to a code, by dialect, as the catalogue shows them."""
    found = {
        name: tuple(shown(row) for row in dialect.error_rows() if row["to"] == code)
        for name, dialect in sorted(dialects.items())
        if dialect.error_rows is not None
    }
    return {name: rows for name, rows in found.items() if rows}


def shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of an error table as it is shown: a whole class of statuses is one word."""
    return {name: _CLASSES.get(value, value) if name == "status" else value for name, value in row.items()}
