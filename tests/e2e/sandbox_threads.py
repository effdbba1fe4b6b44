"""Sandboxes of every build on one thread of the test: none of them has to be a process of its own here."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from gateway.dialects import dialects, load_sandbox
from gateway.sandboxes import run

Build = tuple[str, str]
SPEED = 60


class Sandbox:
    """One running sandbox, with its control routes at hand."""

    def __init__(self, build: Build, port: int) -> None:
        """Take which build it is, and where it listens."""
        self.dialect, self.profile = build
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, timeout=30, trust_env=False)

    def address(self, base: str | None = None) -> str:
        """Return what clients are told: imgen's address is its endpoint."""
        return f"{base or self.url}{'/api/v2' if self.dialect == 'imgen' else ''}"

    def calls(self, method: str) -> list[str]:
        """Return the paths of the calls that reached it."""
        found = self.http.get("/_sandbox/calls", params={"method": method}).json()["calls"]
        return [call["path"] for call in found]

    def force(self, *rules: Mapping[str, Any]) -> None:
        """Force outcomes from now on; without rules, nothing is forced any more."""
        self.http.put("/_sandbox/scenario", content=msgspec.json.encode({"rules": list(rules)})).raise_for_status()

    def made(self) -> list[str]:
        """Return the names of all that it ever made or was asked to make."""
        match self.dialect:
            case "ima2":
                return [row["url"] for row in self.http.get("/api/history?limit=500").json()["items"]]
            case "sdcpp":
                return [job["id"] for job in self.http.get("/api/queue").json()["jobs"]]
        return [each["id"] for each in self.http.get("/_sandbox/runs").json()["runs"]]


@contextmanager
def sandboxes_of(builds: tuple[Build, ...], folder: Path) -> Iterator[dict[Build, Sandbox]]:
    """Run a sandbox of each build, and end them all afterwards."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    known = dialects()

    async def start(build: Build) -> tuple[Any, int]:
        dialect, profile = build
        make = load_sandbox(known[dialect])
        return await run(make(data_dir=str(folder / "-".join(build)), profile=profile, speed=SPEED, scenario=None), 0)

    started = {build: asyncio.run_coroutine_threadsafe(start(build), loop).result(30) for build in builds}
    running = {build: Sandbox(build, port) for build, (_, port) in started.items()}
    try:
        yield running
    finally:
        for sandbox in running.values():
            sandbox.http.close()
        for runner, _ in started.values():
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
