"""Time and identity, injected: nothing else asks the machine for either."""

import time
from typing import Protocol

from ulid import ULID


class Clock(Protocol):
    """Tells the time in UTC seconds."""

    def now(self) -> float:
        """Return UTC seconds."""


class SystemClock:
    """The machine's clock, in whole microseconds: what is stored is what is shown, and what a list is asked for."""

    def now(self) -> float:
        """Return UTC seconds."""
        return round(time.time(), 6)


def new_id(prefix: str) -> str:
    """Return a fresh id: the prefix, and 26 characters that sort by time."""
    return f"{prefix}_{ULID()}"
