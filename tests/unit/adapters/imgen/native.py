"""A native client of imgen, written like the seed's own, and a sandbox for it to talk to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from aiohttp import web

from adapters.imgen.sandbox import sandbox

KEY = "imgen-sandbox-key"
#: A whole run takes 10 ms.
SPEED = 500.0
PENDING = ("IN_QUEUE", "IN_PROGRESS")


class Native:
    """Calls one sandbox as the seed's clients do: one POST with an action, then polls."""

    def __init__(self, http: httpx.AsyncClient, origin: str, key: str = KEY) -> None:
        """Take a client and where the sandbox is."""
        self.http = http
        self.origin = origin
        self.key = key

    async def call(self, action: str | None, /, **fields: Any) -> httpx.Response:
        """Make one call of the endpoint."""
        body = fields if action is None else {"action": action, **fields}
        return await self.http.post(f"{self.origin}/api/v2", json=body, headers={"Authorization": f"Bearer {self.key}"})

    async def ask(self, action: str, **fields: Any) -> dict[str, Any]:
        """Make one call that must succeed, and return its answer."""
        answer = await self.call(action, **fields)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def generate(self, prompt: str, **fields: Any) -> dict[str, Any]:
        """Start a run."""
        return await self.ask("generate", prompt=prompt, **fields)

    async def status(self, run: dict[str, Any]) -> httpx.Response:
        """Ask after a run, with what `generate` returned."""
        return await self.call("status", id=run["id"], prompt=run["prompt"], model=run["model"])

    async def finished(self, run: dict[str, Any]) -> dict[str, Any]:
        """Poll a run to its end, one poll after the other."""
        for _ in range(400):
            answer = await self.status(run)
            assert answer.status_code == 200, answer.text
            if answer.json()["status"] not in PENDING:
                return dict(answer.json())
            await asyncio.sleep(0.003)
        raise AssertionError("the run never ends")

    async def made(self, prompt: str, **fields: Any) -> dict[str, Any]:
        """Start a run, and return the `meta` with which it ends."""
        return dict((await self.finished(await self.generate(prompt, **fields)))["meta"])

    async def fetch(self, meta: dict[str, Any], kind: str = "signed") -> httpx.Response:
        """Fetch a picture that a `meta` names, without any key."""
        return await self.http.get(next(image["url"] for image in meta["images"] if image["type"] == kind))

    async def picture(self, prompt: str, **fields: Any) -> bytes:
        """Return the bytes that a run makes."""
        answer = await self.fetch(await self.made(prompt, **fields))
        assert answer.status_code == 200, answer.text
        return answer.content

    async def runs(self) -> list[dict[str, Any]]:
        """Return the runs that the sandbox knows."""
        return list((await self.http.get(f"{self.origin}/_sandbox/runs")).json()["runs"])

    async def force(self, *rules: dict[str, Any]) -> None:
        """Put rules into the scenario."""
        answer = await self.http.put(f"{self.origin}/_sandbox/scenario", json={"rules": rules})
        assert answer.status_code == 200, answer.text


def new_http() -> httpx.AsyncClient:
    """Return a client that is ready at once: reading the machine's certificates takes longer than most tests."""
    return httpx.AsyncClient(trust_env=False, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), timeout=30)


@asynccontextmanager
async def imgen(data_dir: object, *, speed: float = SPEED, **options: Any) -> AsyncIterator[Native]:
    """Run a sandbox on a free port of loopback."""
    runner = web.AppRunner(sandbox(data_dir=str(data_dir), speed=speed, **options), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with new_http() as http:
            yield Native(http, f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()
