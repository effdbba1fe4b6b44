"""One run and its states. They follow from the time alone, so that a run goes on while this server is down.

Real runs live at a cloud service (seed: "upstream RunPod"): a restart here changes nothing about them.
"""

import re
import secrets
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from adapters.imgen.sandbox.wish import Wish
from adapters.kit.scenario import Forced
from adapters.kit.shelf import Shelf

T = TypeVar("T")
#: About as long as a warm serverless worker takes, in seconds at speed 1.
QUEUE_S = 1.0
WORK_S = 4.0
#: How many hexadecimal digits an id has is not documented: the seed's own example, `run_abc123`, has six.
ID = re.compile(r"(?:run|cache)_[0-9a-z]{6,64}")
_ENDINGS = {"failed": "FAILED", "timed_out": "TIMED_OUT", "cancelled": "CANCELLED"}
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


class Run(Struct, frozen=True, kw_only=True):
    """A run as it was started. `flagged` is None until a `status` has seen it complete and had it reviewed."""

    id: str
    gen_id: str
    owner: str
    prompt: str
    wish: Wish
    positive: str
    negative: str
    optimized: bool
    seed: int
    started_at: float
    forced: dict[str, Forced] = {}
    failures_told: int = 0
    flagged: tuple[str, ...] | None = None

    @property
    def work_s(self) -> float:
        """Seconds between leaving the queue and the end, at speed 1."""
        return self.forced["slow"].number(WORK_S) if "slow" in self.forced else WORK_S

    def state(self, now: float, speed: float) -> str:
        """Return the state at a moment."""
        age = (now - self.started_at) * speed
        if age < QUEUE_S or "in_queue_forever" in self.forced:
            return "IN_QUEUE"
        if age < QUEUE_S + self.work_s:
            return "IN_PROGRESS"
        ending = next((state for name, state in _ENDINGS.items() if name in self.forced), "COMPLETED")
        odd = self.forced.get("odd_state")
        return ending if odd is None else odd.argument or "PAUSED"

    def ended_at(self, speed: float) -> float:
        """Return when the work was through, UTC seconds."""
        return self.started_at + (QUEUE_S + self.work_s) / speed


class Hit(Struct, frozen=True, kw_only=True):
    """An answer from the cache: another run's picture under an id of its own, for an hour."""

    id: str
    run: str
    expires_at: float
    forced: dict[str, Forced] = {}
    failures_told: int = 0


class Runs:
    """All runs and hits, kept on disk."""

    def __init__(self, shelf: Shelf) -> None:
        """Take the memory."""
        self._shelf = shelf

    def keep(self, each: Run | Hit) -> None:
        """Put a run or a hit, or its next version."""
        self._shelf.put("run" if isinstance(each, Run) else "hit", each.id, each)

    def run(self, name: str) -> Run | None:
        """Return a run by its id."""
        return _found(self._shelf.get("run", name), Run)

    def hit(self, name: str) -> Hit | None:
        """Return a hit by its id, expired or not."""
        return _found(self._shelf.get("hit", name), Hit)

    def all(self) -> list[Run]:
        """Return every run, oldest first."""
        return msgspec.convert(self._shelf.all("run"), list[Run])

    def again(self, wish: str) -> int:
        """Count how often a wish has come: the n-th time it gets the n-th picture, on every machine the same one."""
        times = int(self._shelf.get("wish", wish) or 0) + 1
        self._shelf.put("wish", wish, times)
        return times


def _found(kept: Any, kind: type[T]) -> T | None:
    return None if kept is None else msgspec.convert(kept, kind)


def new_id(kind: Literal["run", "cache"]) -> str:
    """Return a fresh id, `run_` or `cache_` with twelve hexadecimal digits."""
    return f"{kind}_{secrets.token_hex(6)}"


def new_gen_id() -> str:
    """Return twenty letters and digits, as in the seed's example."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(20))
