"""What differs between two contracts, as values."""

from typing import Any, Literal

from msgspec import Struct

Kind = Literal["breaking", "additive"]
Verdict = Literal["breaking", "additive", "none"]


class Change(Struct, frozen=True, order=True):
    """One difference: what it does to a client, where it is (a JSON pointer), and what it is, in words.

    The pointer is into the newer document; into the older one where the newer has nothing there.
    """

    kind: Kind
    pointer: str
    words: str


class Comparison(Struct, frozen=True, kw_only=True):
    """Everything that differs, breaking changes first, and what that makes of the whole."""

    verdict: Verdict
    changes: tuple[Change, ...] = ()


def comparison(found: set[Change]) -> Comparison:
    """Return the changes in their order, with what the worst of them makes of the whole."""
    kinds = {change.kind for change in found}
    verdict: Verdict = "breaking" if "breaking" in kinds else "additive" if kinds else "none"
    order = sorted(found, key=lambda change: (change.kind != "breaking", change.pointer, change.words))
    return Comparison(verdict=verdict, changes=tuple(order))


def under(pointer: str, *names: str | int) -> str:
    """Return a pointer that goes on through these names (RFC 6901)."""
    return "".join((pointer, *(f"/{str(name).replace('~', '~0').replace('/', '~1')}" for name in names)))


def at(document: Any, pointer: str) -> Any:
    """Return what a pointer leads to; raise `KeyError` where there is nothing."""
    for name in pointer.split("/")[1:]:
        document = document[name.replace("~1", "/").replace("~0", "~")]
    return document
