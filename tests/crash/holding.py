"""A gateway whose power is cut when so many jobs stand at one step: `python -m tests.crash.holding STEP COUNT serve …`.

Every job that comes to the step is held there; when the last of them has come the process dies with SIGKILL. Nothing
else about it differs from the real program.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from adapters.ima2.adapter import Ima2
from adapters.ima2.stream import Frame, Streams
from gateway.cli import main
from gateway.engine import endings
from gateway.engine.deliver import Deliverer

#: Every stream tells what it is about before it shows anything: so many frames are read before the cut.
FRAMES_READ = 2

Arrive = Callable[[], Awaitable[None]]


def gate(count: int) -> Arrive:
    """Return what holds whoever calls it for ever, and ends this process when as many as are awaited have called."""
    left = count

    async def arrive() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        await asyncio.Event().wait()

    return arrive


def before(owner: Any, name: str, arrive: Arrive) -> None:
    """Hold whoever is about to call."""

    async def held(*_args: Any, **_how: Any) -> None:
        await arrive()

    setattr(owner, name, held)


def after(owner: Any, name: str, arrive: Arrive) -> None:
    """Hold whoever has just been answered: what came is in memory, and nowhere else."""
    original = getattr(owner, name)

    async def held(*args: Any, **how: Any) -> None:
        await original(*args, **how)
        await arrive()

    setattr(owner, name, held)


def between_frames(arrive: Arrive) -> None:
    """Hold the readers of streams after their first frames."""
    original = Streams.frames

    async def held(self: Streams, method: str, path: str, **how: Any) -> AsyncGenerator[Frame, None]:
        read = 0
        async for frame in original(self, method, path, **how):
            yield frame
            read += 1
            if method == "POST" and read == FRAMES_READ:
                await arrive()

    Streams.frames = held  # type: ignore[method-assign]


def while_fetching(arrive: Arrive) -> None:
    """Hold whoever has the first bytes of a stored file, or is about to decode a picture that came along."""

    async def held(_self: Deliverer, flight: Any, output: Any) -> None:
        if output.base64 is None:
            async for _ in flight.backend.adapter.fetch(output):
                break
        await arrive()

    Deliverer._file = held  # type: ignore[assignment, method-assign]


STEPS: dict[str, Callable[[Arrive], None]] = {
    "accepted": lambda arrive: before(Ima2, "submit", arrive),
    "between_frames": between_frames,
    "answered": lambda arrive: after(Ima2, "submit", arrive),
    "fetching": while_fetching,
    "stored": lambda arrive: after(Deliverer, "deliver", arrive),
    "ended": lambda arrive: after(endings, "succeed", arrive),
}


if __name__ == "__main__":
    STEPS[sys.argv[1]](gate(int(sys.argv[2])))
    sys.argv = ["triptych", *sys.argv[3:]]
    main()
