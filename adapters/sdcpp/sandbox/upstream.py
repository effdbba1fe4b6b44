"""The API behind a model, as the worker meets it: slow, refusing, cut, or delivering (wire §6).

A connection error of a generate is tried three times (at once, after 1 s, after 5 s), of an edit or variation once.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from adapters.kit.scenario import Forced
from adapters.sdcpp.sandbox.fault import JobError
from adapters.sdcpp.sandbox.picture import TOO_LARGE, Commission, delivered

#: What a picture takes unless a token says otherwise.
WORK_S = 4.0
#: Waits before each try.
RETRY_S = (0.0, 1.0, 5.0)
#: Node's fetch gives up when no headers have come for so long.
HEADERS_S = 300.0
DEFAULT_STEPS = 40
ENDPOINTS = {"generate": "generations", "edit": "edits", "variation": "variations"}


class LostError(Exception):
    """The connection to the upstream broke before any headers."""


async def answer(
    asked: Commission,
    forced: dict[str, Forced],
    *,
    address: str,
    steps: Any,
    tries: int,
    pause: Callable[[float], Awaitable[None]],
) -> list[bytes]:
    """Return the upstream's pictures; raise `JobError` with the worker's words for whatever else it does."""
    url = f"{address}/images/{ENDPOINTS.get(asked.kind, 'generations')}"
    lost = JobError(f"Fetch failed: fetch failed (URL: {url}, Method: POST)")
    limit = limit_s(steps) if asked.kind == "generate" else None
    for attempt, wait_s in enumerate(RETRY_S[: tries if asked.kind == "generate" else 1]):
        await pause(wait_s)
        try:
            return await _call(asked, forced, limit=limit, steps=steps, attempt=attempt, pause=pause)
        except LostError:
            continue
    raise lost


def limit_s(steps: Any) -> float:
    """Return how long Studio waits for a generate: 30 s and 10 s a step, at least a minute."""
    return max(60.0, 30.0 + 10.0 * (steps if isinstance(steps, int | float) and steps else DEFAULT_STEPS))


async def _call(
    asked: Commission,
    forced: dict[str, Forced],
    *,
    limit: float | None,
    steps: Any,
    attempt: int,
    pause: Callable[[float], Awaitable[None]],
) -> list[bytes]:
    if "fetch_failed" in forced or attempt < _resets(forced):
        raise LostError
    work_s = forced["slow"].number(WORK_S) if "slow" in forced else WORK_S
    too_slow = JobError(
        f"Generation timeout after {int((limit or HEADERS_S) * 1000)}ms - model may need more steps or is not "
        f"responding (steps: {steps or DEFAULT_STEPS})"
    )
    if "timeout" in forced:
        await pause(forced["timeout"].number(limit or HEADERS_S))
        raise too_slow
    if limit is not None and work_s > limit and limit <= HEADERS_S:
        await pause(limit)
        raise too_slow
    if work_s > HEADERS_S:
        await pause(HEADERS_S)
        raise LostError
    try:
        _, pictures = await asyncio.gather(pause(work_s), asyncio.to_thread(delivered, asked, forced))
    except ValueError:
        raise JobError(TOO_LARGE) from None
    return pictures


def _resets(forced: dict[str, Forced]) -> int:
    return int(forced["flaky"].number(1)) if "flaky" in forced else 0
