"""The real adapter of sd.cpp Studio and its emulator on the engine's bench: one loop, told time, real sockets."""

import asyncio
from collections import Counter
from concurrent.futures import Executor
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

import httpx
from aiohttp.test_utils import TestServer

from adapters.kit.http import new_transport
from adapters.sdcpp.adapter import Sdcpp
from adapters.sdcpp.sandbox import sandbox
from contracts.port import BackendSettings
from gateway.settings import Settings
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.fake_backend import FakeAdapter
from tests.unit.gateway.engine.told_loop import ToldLoop, told_loop

#: Short, so that whoever waits for a Studio in vain has given up soon.
TIMEOUTS = {"submit_interval_s": 0.001, "submit_s": 5, "attempt_s": 90, "settle_s": 60, "stuck_load_s": 20}


class WorkingLoop(ToldLoop):
    """A loop on a told clock that knows whether a thread still works for it."""

    _working = 0

    def run_in_executor(self, executor: Executor | None, func: Any, *args: Any) -> Any:
        """Count what is under way."""
        future = super().run_in_executor(executor, func, *args)
        self._working += 1
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _future: object) -> None:
        self._working -= 1

    @property
    def is_busy(self) -> bool:
        """Whether anything is to be run at once, or a thread has not ended."""
        return self._working > 0 or super().is_busy


class Driven(Sdcpp):
    """The real adapter, with what the bench asks of one."""

    name = "studio"

    def __init__(self, url: str) -> None:
        """Take where the emulator is."""
        super().__init__(BackendSettings(name=self.name, base_url=url, timeouts=TIMEOUTS))
        #: No exchange of this one is held back by a test.
        self.blocked: Counter[str] = Counter()

    def watch(self) -> None:
        """Listen to no socket: it would only wake, and its heartbeat cannot live on a clock that stands still."""


class StudioBench(Bench):
    """An engine in front of one Studio."""

    studio: "Studio"

    async def settle(self) -> None:
        """Go on until nothing more happens by itself, also not on a socket of this machine."""
        for _ in range(6):
            await super().settle()

    async def killed(self) -> None:
        """Kill the process and start it again: nothing that the adapter had in memory is left."""
        await self.crash()
        old = cast("Any", self.adapters["studio"])
        self.adapters["studio"] = cast("FakeAdapter", await self.studio.adapter())
        await old.close()
        self.ctx.deliverer.close()
        self._build()
        await self.start()


class Studio:
    """The emulator, and somebody who uses it beside the gateway."""

    def __init__(self, folder: Path) -> None:
        """Take where its table lies."""
        clock = told_loop().clock
        stamp = SimpleNamespace(time=clock.now, time_ns=lambda: int(clock.now() * 1e9))
        self._patched = patch("adapters.kit.emulator.time", stamp)
        self._patched.start()
        # A crash is survived: it is away for a moment, and comes back as after a restart.
        self._server = TestServer(sandbox(data_dir=str(folder)))
        self._http = new_transport(limit=10)

    async def start(self) -> None:
        """Begin to listen."""
        await self._server.start_server()

    async def adapter(self) -> Driven:
        """Return an adapter that has looked at it, as soon as it is there."""
        found = Driven(str(self._server.make_url("")))
        found._found = await self._discovered(found)
        return found

    async def _discovered(self, adapter: Driven) -> Any:
        if not hasattr(self, "_discovery"):
            self._discovery = await adapter.discover()
        return self._discovery

    async def ask(self, method: str, path: str, json: Any = None) -> httpx.Response:
        """Make one exchange beside the gateway's; a server that is away has no answer."""
        request = httpx.Request(method, str(self._server.make_url(path)), json=json)
        response = await self._http.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response

    async def close(self) -> None:
        """End it."""
        await self._http.aclose()
        closing = asyncio.ensure_future(self._server.close())
        clock = told_loop().clock
        while not closing.done():
            clock.move_to(clock.now() + 1)
            await asyncio.sleep(0)
        await closing
        self._patched.stop()


async def opened(folder: Path, template: Path, *, slots: int) -> StudioBench:
    """Return an engine that is started, in front of a Studio with an empty table."""
    studio = Studio(folder / "studio")
    await studio.start()
    adapter = cast("FakeAdapter", await studio.adapter())
    bench = StudioBench(folder / "data", template, adapter, settings=Settings(), slots=slots)
    bench.studio = studio
    await bench.start()
    return bench
