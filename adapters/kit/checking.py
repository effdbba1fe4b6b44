"""What the checks of all dialects are made of: promises kept or broken on the way, and judgements in our own words.

Pure: a course of steps asks by yielding, and nothing here knows who answers.
"""

import zlib
from collections.abc import Callable, Generator, Sequence
from functools import wraps
from struct import pack
from typing import Any

from adapters.kit.promise import Promise, broken, decoded, described
from contracts.sniff import sniff
from contracts.verify import Ask, Judged, Observed, Steps

#: Work is asked after so often at most: at first at once, then every three seconds, for a quarter of an hour in all.
MOST_POLLS = 310
#: How long a picture may take that is waited for in one exchange: the servers' own limits are below (ima2 wire §3).
MAKING_S = 900.0
PROMPT = "a small red cube on a white table"
#: An id that no server ever gave.
NOBODY = "00000000-0000-4000-8000-000000000000"

Course = Generator[Ask, Observed, Judged]


class Ended(Exception):  # noqa: N818 - it ends a course with its judgement
    """Ends a course."""

    def __init__(self, judged: Judged) -> None:
        """Carry the judgement."""
        super().__init__(judged.verdict)
        self.judged = judged


def course(steps: Callable[[str], Steps]) -> Callable[[str], Steps]:
    """Let a course of steps end wherever a promise is broken."""

    @wraps(steps)
    def ending(profile: str) -> Steps:
        try:
            return (yield from steps(profile))
        except Ended as ended:
            return ended.judged

    return ending


def look(ask: Ask, *promises: Promise, unserved: Sequence[tuple[Promise, str]] = ()) -> Callable[[str], Steps]:
    """Return the steps of a single look: any of the build's promises must hold.

    `unserved` are the answers by which a server says that it does not offer this, each with what that means.
    """

    def steps(profile: str) -> Steps:
        seen = yield ask
        return judged(seen, profile, *promises, unserved=unserved)

    return steps


def judged(seen: Observed, profile: str, *promises: Promise, unserved: Sequence[tuple[Promise, str]] = ()) -> Judged:
    """Return what one answer comes to."""
    faults = nearest(seen, profile, *promises)
    if not faults:
        return Judged(verdict="pass", observed=described(seen))
    for promise, meaning in unserved:
        if promise.holds_for(profile) and not broken(promise, seen):
            return Judged(verdict="not_served", observed=f"{described(seen)}: {meaning}")
    return Judged(verdict="drift", observed=described(seen), faults=faults)


def nearest(seen: Observed, profile: str, *promises: Promise) -> tuple[str, ...]:
    """Return the faults by the promise that is kept best; nothing where one is kept."""
    tried = [broken(promise, seen) for promise in promises if promise.holds_for(profile)]
    return min(tried, key=lambda faults: (len(faults), any(each.startswith("status") for each in faults)), default=())


def kept(step: str, seen: Observed, profile: str, *promises: Promise) -> Observed:
    """Return an answer that keeps a promise; end the course where it keeps none, naming the step."""
    faults = nearest(seen, profile, *promises)
    if faults:
        raise Ended(
            Judged(
                verdict="drift",
                observed=f"{step}: {described(seen)}",
                faults=tuple(f"{step}: {each}" for each in faults),
            )
        )
    return seen


def drift(observed: str, *faults: str) -> Ended:
    """Return what ends a course with a breach."""
    return Ended(Judged(verdict="drift", observed=observed, faults=faults or (observed,)))


def not_seen(why: str) -> Ended:
    """Return what ends a course that has nothing to look at."""
    return Ended(Judged(verdict="not_seen", observed=why))


def not_served(why: str) -> Ended:
    """Return what ends a course at a server that does not offer this, and says so."""
    return Ended(Judged(verdict="not_served", observed=why))


def passed(observed: str) -> Judged:
    """Return that all was as promised."""
    return Judged(verdict="pass", observed=observed)


def json_of(seen: Observed) -> Any:
    """Return an answer's JSON, which a promise has vouched for."""
    return decoded(seen.body)


def picture(step: str, data: bytes, *, format_: str | None, size: str | None) -> str:
    """Check the bytes of a picture, and say what they are; None: any will do."""
    found = sniff(data)
    if found is None or not found.complete:
        raise drift(f"{step}: the bytes are no whole picture")
    is_size = f"{found.width}x{found.height}"
    if format_ is not None and found.format != format_:
        raise drift(f"{step}: the bytes are {found.format}, asked for {format_}")
    if size is not None and is_size != size:
        raise drift(f"{step}: the picture has {is_size}, asked for {size}")
    return f"{found.format} {is_size}"


def pause_s(poll: int) -> float:
    """Return how long to wait before so manieth an ask after work."""
    return min(0.05 * 1.5**poll, 3.0)


def sample(side: int = 512) -> bytes:
    """Return a PNG of our own to be edited: a square that runs from dark to light."""
    rows = b"".join(b"\0" + bytes((row * 255 // side, 96, 255 - row * 255 // side)) * side for row in range(side))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    head = pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
