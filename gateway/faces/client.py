"""The client of one request: watched from the moment that somebody wants to know whether it is still there."""

import asyncio
from collections.abc import Callable

from gateway.ops.http import Receive


class Client:
    """See contracts.sender.Sender. It is over once: its answer is written, or it has hung up."""

    def __init__(self, receive: Receive) -> None:
        """Take where its connection tells of its end; nothing else may read from there once it is watched."""
        self._receive = receive
        self._left = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None
        self._acts: list[Callable[[bool], None]] = []
        self._over = False

    @property
    def is_followed(self) -> bool:
        """Whether somebody wants to know what becomes of it."""
        return bool(self._acts)

    async def gone(self) -> None:
        """Return when it has hung up. Its body must have been read."""
        self._watched()
        await self._left.wait()

    def when_over(self, act: Callable[[bool], None]) -> None:
        """Call once, with whether its answer was written."""
        self._acts.append(act)
        self._watched()

    def answered(self) -> None:
        """Note that its answer is written, unless it hung up before."""
        self._end(written=True)

    def close(self) -> None:
        """Let go: a request that ends without an answer has nobody who heard one."""
        self._end(written=False)
        if self._watch is not None:
            self._watch.cancel()

    def _watched(self) -> None:
        if self._watch is None and not self._over:
            self._watch = asyncio.create_task(self._until_gone())

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        # The server also says so when an answer is complete: then it is over already.
        self._end(written=False)

    def _end(self, *, written: bool) -> None:
        if self._over:
            return
        self._over = True
        if not written:
            self._left.set()
        for act in self._acts:
            act(written)
