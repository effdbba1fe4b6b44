"""The dialects that are installed, found by their entry points: nothing here names one."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from contracts.port import Dialect

GROUP = "triptych.dialects"


def dialects() -> dict[str, Dialect]:
    """Return every installed dialect by its name."""
    return {point.name: point.load() for point in entry_points(group=GROUP)}


def load_sandbox(dialect: Dialect) -> Any:
    """Return the factory of a dialect's emulator; only the process that runs it loads it."""
    module, _, name = (dialect.sandbox or "").partition(":")
    return getattr(import_module(module), name)
