"""The two sides of the matrix: what is asked for, in the same words wherever it goes, and who is asked."""

import base64
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from contracts.spec import OPERATIONS, Operation
from tests.e2e.drawn import png


class Column(Struct, frozen=True, kw_only=True):
    """One server that speaks a dialect, in one of its builds, in the name of one of its accounts."""

    name: str
    dialect: str
    profile: str
    does: tuple[Operation, ...]
    account: str | None = None

    @property
    def route(self) -> dict[str, Any]:
        """What of a job's route chooses the account."""
        return {"accounts": [self.account]} if self.account is not None else {}


_PICTURES: tuple[Operation, ...] = ("image.generate", "image.edit")
COLUMNS: dict[str, Column] = {
    each.name: each
    for each in (
        Column(name="ima2-tag", dialect="ima2", profile="tag", account="oauth", does=_PICTURES),
        Column(name="ima2-head", dialect="ima2", profile="head", account="oauth", does=_PICTURES),
        Column(name="ima2-new", dialect="ima2", profile="new", account="oauth", does=_PICTURES),
        Column(name="ima2-grok", dialect="ima2", profile="new", account="grok", does=(*_PICTURES, "video.generate")),
        Column(
            name="sdcpp",
            dialect="sdcpp",
            profile="head",
            does=("image.generate", "image.edit", "image.variation", "image.upscale"),
        ),
        Column(name="imgen", dialect="imgen", profile="v2", does=("image.generate",)),
    )
}


OPERATIONS_OF: dict[str, tuple[Operation, ...]] = {
    dialect: tuple(
        operation
        for operation in OPERATIONS
        if any(operation in column.does for column in COLUMNS.values() if column.dialect == dialect)
    )
    for dialect in dict.fromkeys(column.dialect for column in COLUMNS.values())
}


class Cell(Struct, frozen=True, order=True):
    """One operation at one column."""

    operation: Operation
    column: str

    def __str__(self) -> str:
        """Return it as it is written in tables of recipes."""
        return f"{self.column} {self.operation}"


#: What is done at all; the others are refused at the door, which the matrix looks at too.
CELLS: tuple[Cell, ...] = tuple(
    Cell(operation, column.name) for operation in OPERATIONS for column in COLUMNS.values() if operation in column.does
)
UNDONE: tuple[Cell, ...] = tuple(
    Cell(operation, column.name)
    for operation in OPERATIONS
    for column in COLUMNS.values()
    if operation not in column.does
)
SIDE = 1024
_SOURCE = {"role": "source", "data": base64.b64encode(png(64, 64)).decode()}
_SIZE = {"width": SIDE, "height": SIDE}
#: The one size that all of them can make; an upscale takes nothing but its picture.
REQUESTS: Mapping[Operation, dict[str, Any]] = {
    "image.generate": {"prompt": "a lighthouse at dawn", "size": _SIZE},
    "image.edit": {"prompt": "the same at night", "inputs": [_SOURCE], "size": _SIZE},
    "image.variation": {"prompt": "another one", "inputs": [_SOURCE]},
    "image.upscale": {"inputs": [_SOURCE]},
    "video.generate": {"prompt": "waves at the pier", "video": {"duration_s": 1, "resolution": "480p"}},
}


def request(cell: Cell, door: str, words: str = "", **fields: Any) -> dict[str, Any]:
    """Return the canonical request of a cell, sent through one of its doors; words go before the prompt's own."""
    body = {"operation": cell.operation, **REQUESTS[cell.operation]}
    if words and "prompt" in body:
        body["prompt"] = f"{words} {body['prompt']}"
    route = {"backends": [door], "failover": False, **COLUMNS[cell.column].route}
    return {**body, "route": route, **fields}
