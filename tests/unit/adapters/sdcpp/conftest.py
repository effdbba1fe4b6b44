"""A running sandbox, and a client that talks to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, FormData, web
from aiohttp.test_utils import TestServer

from adapters.sdcpp.sandbox import sandbox

ENDED = ("completed", "failed", "cancelled")


class Reply:
    """What came back, read to its end."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        """Take it."""
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        """Return the body as JSON, whatever its label."""
        return json.loads(self.body)


class Client:
    """A client of one sandbox."""

    def __init__(self, server: TestServer, session: ClientSession, crashed: asyncio.Event) -> None:
        """Take the server, and what its crash sets."""
        self.server = server
        self.session = session
        self.crashed = crashed

    async def ask(self, method: str, path: str, **how: Any) -> Reply:
        """Make one exchange."""
        async with self.session.request(method, self.server.make_url(path), **how) as response:
            return Reply(response.status, response.headers, await response.read())

    async def submit(self, prompt: str, **fields: Any) -> str:
        """Queue a small picture of the external model, and return the job's id."""
        body = {"model": "qwen-image", "size": "8x8", "prompt": prompt, **fields}
        return (await self.ask("POST", "/api/queue/generate", json=body)).json["job_id"]

    async def job(self, job_id: str) -> Any:
        """Return a row."""
        return (await self.ask("GET", f"/api/queue/{job_id}")).json

    async def until(self, job_id: str, *states: str, within: float = 5.0) -> Any:
        """Poll a job until it is in one of the states, and return its row."""
        async with asyncio.timeout(within):
            while True:
                row = await self.job(job_id)
                if row.get("status") in (states or ENDED):
                    return row
                await asyncio.sleep(0.002)

    async def run(self, prompt: str, **fields: Any) -> Any:
        """Queue a job and return its row at the end."""
        return await self.until(await self.submit(prompt, **fields))

    async def transform(self, kind: str, fields: dict[str, str], image: bytes, mask: bytes | None = None) -> Reply:
        """Queue an edit, a variation or an upscale."""
        form = FormData(fields)
        form.add_field("image", image, filename="in.png", content_type="image/png")
        if mask is not None:
            form.add_field("mask", mask, filename="mask.png", content_type="image/png")
        return await self.ask("POST", f"/api/queue/{kind}", data=form)

    async def picture(self, row: Any, index: int = 0) -> bytes:
        """Return the bytes of a job's picture."""
        return (await self.ask("GET", f"/api/images/{row['images'][index]['id']}")).body


@pytest.fixture
def studio(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[Client]]:
    """Return what starts a sandbox on this test's data directory, as often as wanted."""

    @asynccontextmanager
    async def started(*, speed: float = 200, **settings: Any) -> AsyncIterator[Client]:
        crashed = asyncio.Event()
        app: web.Application = sandbox(data_dir=str(tmp_path / "data"), speed=speed, on_crash=crashed.set, **settings)
        async with TestServer(app) as server, ClientSession() as session:
            yield Client(server, session, crashed)

    return started
