"""The servers of the matrix: one sandbox a column in this very process, some for one cell alone, and two gateways.

Every column has several doors, each a backend of its own before the same sandbox: a circuit opens at the fifth failure
that says that an account is of no use, and no cell may shut the door on another one.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from aiohttp import web
from msgspec import Struct

from adapters.kit.scenario import Rule, Rules
from gateway.dialects import dialects, load_sandbox
from tests.conformance.matrix.cells import Column
from tests.conformance.matrix.following import PATIENCE_S
from tests.e2e.keyed import KeyedGateway, bearer, make_key
from tests.harness import GatewayProcess, backend

#: How much faster than life: fast where a Studio does one thing after another, and elsewhere slow enough that what is
#: remembered for minutes is still there when the gateway looks.
SPEED = {"ima2": 10, "sdcpp": 200, "imgen": 20}
#: Of servers whose work is to last.
SLOW_SPEED = 1
DOORS = 8
ROOMY = {"max_concurrency": 64, "polls_per_s": 500}
#: What is over this is too large for the gateway with keys, so that nothing large need be sent.
MAX_JSON_BYTES = 256 * 1024
#: Requests wait for one another rather than for a client that looks after hundreds of connections.
LIMITS = httpx.Limits(max_connections=24)


class Sandbox(Struct, frozen=True):
    """One emulator that listens."""

    runner: web.AppRunner
    dialect: str
    url: str

    async def stop(self) -> None:
        """Let it go away, with every connection that it has."""
        await self.runner.cleanup()


class Sandboxes:
    """The emulators of this process, and the backends before them."""

    def __init__(self, folder: Path) -> None:
        """Begin with none."""
        self._folder = folder
        self._http = httpx.AsyncClient(trust_env=False)
        self.running: list[Sandbox] = []
        self.backends: dict[str, dict[str, Any]] = {}
        #: By column: what goes away when everything has started.
        self.gone: dict[str, Sandbox] = {}

    async def start(self, column: Column, *, speed: float | None = None) -> Sandbox:
        """Start one of a column."""
        folder = self._folder / f"{column.name}-{len(self.running)}"
        make = load_sandbox(dialects()[column.dialect])
        app = make(data_dir=str(folder), profile=column.profile, speed=speed or SPEED[column.dialect], scenario=None)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        found = Sandbox(runner, column.dialect, f"http://127.0.0.1:{runner.addresses[0][1]}")
        self.running.append(found)
        return found

    async def force(self, sandbox: Sandbox, *rules: Rule) -> None:
        """Force outcomes from now on."""
        body = msgspec.json.encode(Rules(rules=list(rules)))
        (await self._http.put(f"{sandbox.url}/_sandbox/scenario", content=body)).raise_for_status()

    def door(self, name: str, sandbox: Sandbox, **more: Any) -> str:
        """Put a backend before a sandbox and return its name."""
        # Of a process it asks for its dialect and its address alone.
        self.backends[name] = backend(sandbox, **{**ROOMY, **more})  # type: ignore[arg-type]
        return name

    async def stop(self) -> None:
        """End them all."""
        await self._http.aclose()
        for sandbox in self.running:
            await sandbox.stop()


@asynccontextmanager
async def open_gateway(folder: Path, backends: dict[str, dict[str, Any]]) -> AsyncIterator[httpx.AsyncClient]:
    """Run a gateway without keys, and yield its client."""
    gateway = await asyncio.to_thread(GatewayProcess, folder, backends)
    try:
        async with client(gateway.url) as http:
            yield http
    finally:
        # What it still holds back was made to last: nobody waits for it.
        await asyncio.to_thread(gateway.kill)


class Keyed(Struct, frozen=True):
    """A gateway with keys, with room for one waiting job, and its clients by what they may."""

    nobody: httpx.AsyncClient
    reader: httpx.AsyncClient
    full: httpx.AsyncClient
    other: httpx.AsyncClient


@asynccontextmanager
async def keyed_gateway(folder: Path, backends: dict[str, dict[str, Any]]) -> AsyncIterator[Keyed]:
    """Run a gateway that lets nobody in without a key."""
    settings = {
        "limits": {"queued_per_team": 1, "queued_total": 1},
        "server": {"max_json_bytes": MAX_JSON_BYTES},
    }
    gateway = await asyncio.to_thread(lambda: KeyedGateway(folder, backends, settings=settings))
    try:
        keys = {
            "reader": make_key(gateway.data_dir, "reader", "--scope", "jobs:read")[1],
            "full": make_key(gateway.data_dir, "full")[1],
            "other": make_key(gateway.data_dir, "other")[1],
        }
        async with client(gateway.url) as nobody:
            clients = {name: client(gateway.url, token) for name, token in keys.items()}
            yield Keyed(nobody=nobody, **clients)
            for each in clients.values():
                await each.aclose()
    finally:
        await asyncio.to_thread(gateway.kill)


def client(url: str, token: str | None = None) -> httpx.AsyncClient:
    """Return a client of a gateway."""
    headers = bearer(token) if token is not None else {}
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=PATIENCE_S, limits=LIMITS, trust_env=False)
