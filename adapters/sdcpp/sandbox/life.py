"""How the server lives and dies: its start, which gives up the jobs of the last life, its crash, and its stop."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, cast

from aiohttp import web

from adapters.sdcpp.sandbox.fault import CrashError
from adapters.sdcpp.sandbox.fleet import gpu_info
from adapters.sdcpp.sandbox.studio import Studio
from adapters.sdcpp.sandbox.table import RESTARTED
from adapters.sdcpp.sandbox.worker import work

#: From the crash to the next start, where something starts it again ([R:restart]).
RESTART_S = 1.9
#: How long a stop waits for open connections (wire §5).
PATIENCE_S = 10.0
GPU_S = 2.0


class Life:
    """The server's process, as far as its clients can tell."""

    def __init__(self, studio: Studio, *, on_crash: Callable[[], None] | None) -> None:
        """Take what a crash does to the real process; without it the server is only away for a moment."""
        self._studio = studio
        self._on_crash = on_crash
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.Task[Any]] = set()
        self._transports: set[asyncio.Transport] = set()
        self._is_stopped = False
        self.is_down = False

    async def start(self, _app: web.Application | None = None) -> None:
        """Fail what an earlier life left pending or processing (not what was loading a model), then begin to work."""
        self._studio.fleet.clear()
        self._studio.table.sweep("failed", error=RESTARTED)
        self.is_down = False
        self._spawn(self._work())
        if "gpu" in self._studio.profile.channels:
            self._spawn(self._report_gpu())

    def _spawn(self, activity: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(activity)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            await work(self._studio)
        except CrashError:
            self.crash()

    async def _report_gpu(self) -> None:
        while True:
            await self._studio.emulator.pause(GPU_S)
            self._studio.feed.announce("gpu", "gpu_info", gpu_info(self._studio.emulator.now()))

    @contextmanager
    def during(self, request: web.Request) -> Iterator[None]:
        """Hold a request for as long as it is served, so that a crash can break it."""
        transport = request.transport
        if transport is not None and transport not in self._transports:
            self._transports = {each for each in self._transports if not each.is_closing()} | {transport}
        # A handler always runs in a task.
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._open.add(task)
        try:
            yield
        finally:
            self._open.discard(task)

    def crash(self) -> None:
        """Die: break every connection, tell the process, and come back later as after a restart."""
        self.is_down = True
        self._break()
        if self._on_crash is not None:
            self._on_crash()
        self._studio.emulator.run(self._restart())

    async def _restart(self) -> None:
        await self._studio.emulator.pause(RESTART_S)
        if not self._is_stopped:
            await self.start()

    def _break(self) -> None:
        here = asyncio.current_task()
        for transport in self._transports:
            transport.abort()
        for task in (*self._tasks, *self._open):
            if task is not here:
                task.cancel()

    async def stop(self, _app: web.Application) -> None:
        """Stop: the job under way stays processing in its row; open requests get some time, then they are broken."""
        self._is_stopped = True
        for task in list(self._tasks):
            task.cancel()
        if self._open:
            await asyncio.wait(self._open, timeout=PATIENCE_S / self._studio.emulator.speed)
        self._break()
