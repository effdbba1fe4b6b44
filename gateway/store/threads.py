"""A few threads for work that blocks: they share one queue, and hand results back several at a wake-up.

Handing a function to an executor costs more than many of these functions do: this keeps the price at one queue entry
and one future.
"""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """Runs functions off the event loop, in order of arrival."""

    def __init__(self, count: int, name: str) -> None:
        """Take how many threads; they start with the first work."""
        self._count = count
        self._name = name
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._done: deque[tuple[asyncio.Future[Any], Any, BaseException | None]] = deque()
        self._waking = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._threads: list[threading.Thread] = []

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` on a thread; return what it returns, raise what it raises."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
        if not self._threads:
            self._start()
        future: asyncio.Future[T] = loop.create_future()
        self._work.put((work, future))
        return await future

    def _start(self) -> None:
        for number in range(self._count):
            thread = threading.Thread(target=self._serve, name=f"{self._name}-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self) -> None:
        while True:
            item = self._work.get()
            if item is None:
                return
            work, future = item
            result, error = None, None
            try:
                result = work()
            except BaseException as raised:  # noqa: BLE001 - it is raised where the work was asked for
                error = raised
            self._done.append((future, result, error))
            if not self._waking and self._loop is not None:
                self._waking = True
                try:
                    self._loop.call_soon_threadsafe(self._settle)
                except RuntimeError:
                    # The loop is closed: nobody waits any more.
                    return

    def _settle(self) -> None:
        # First the flag: what is appended from now on wakes the loop again.
        self._waking = False
        while self._done:
            future, result, error = self._done.popleft()
            if future.cancelled():
                continue
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)

    def close(self) -> None:
        """Let the threads end once what is queued is done."""
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads:
            thread.join(timeout=10)
