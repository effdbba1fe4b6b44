"""The dialects that are installed, found by their entry points: nothing here names one."""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from contracts.port import Dialect

GROUP = "triptych.dialects"


def dialects() -> dict[str, Dialect]:
    """Return every installed dialect by its name."""
    return {point.name: point.load() for point in entry_points(group=GROUP)}


def advertising(known: Mapping[str, Dialect]) -> frozenset[str]:
    """Return the dialects whose servers tell in a file where they are."""
    return frozenset(name for name, dialect in known.items() if dialect.advertised_at is not None)


def without_adapter(known: Mapping[str, Dialect]) -> frozenset[str]:
    """Return the dialects that are only offered to clients: no backend speaks them."""
    return frozenset(name for name, dialect in known.items() if dialect.connect is None)


def load_sandbox(dialect: Dialect) -> Any:
    """Return the factory of a dialect's emulator; only the process that runs it loads it."""
    module, _, name = (dialect.sandbox or "").partition(":")
    return getattr(import_module(module), name)
