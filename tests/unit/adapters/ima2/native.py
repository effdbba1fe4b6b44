"""A client of one ima2 sandbox."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from aiohttp import ClientSession
from yarl import URL

SMALL = {"size": "16x16"}
EVENT_STREAM = {"Accept": "text/event-stream"}


class Reply:
    """What came back, read to its end."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        """Take it."""
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.body)

    @property
    def frames(self) -> list[tuple[str, Any]]:
        """Return the body as frames: event and data."""
        blocks = [block.split("\n") for block in self.body.decode().split("\n\n") if block.strip()]
        return [(block[0].removeprefix("event: "), json.loads(block[1].removeprefix("data: "))) for block in blocks]

    @property
    def picture(self) -> bytes:
        """Return the inline picture."""
        return b64decode(self.json["image"].partition(",")[2])


class Client:
    """A client of one sandbox."""

    def __init__(self, port: int, session: ClientSession) -> None:
        """Take where the server listens, and a session."""
        self.port = port
        self.session = session

    async def ask(self, method: str, path: str, **how: Any) -> Reply:
        """Make one exchange; the path is sent as it is."""
        url = URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)
        async with self.session.request(method, url, **how) as response:
            return Reply(response.status, response.headers, await response.read())

    async def generate(self, prompt: str, **fields: Any) -> Reply:
        """Ask for small pictures."""
        return await self.ask("POST", "/api/generate", json={**SMALL, "prompt": prompt, **fields})

    async def node(self, prompt: str, *, sse: bool = False, **fields: Any) -> Reply:
        """Ask for a node."""
        headers = EVENT_STREAM if sse else {}
        return await self.ask("POST", "/api/node/generate", json={**SMALL, "prompt": prompt, **fields}, headers=headers)

    async def multimode(self, prompt: str, **fields: Any) -> Reply:
        """Ask for a sequence."""
        return await self.ask("POST", "/api/generate/multimode", json={**SMALL, "prompt": prompt, **fields})

    async def edit(self, prompt: str, image: str, **fields: Any) -> Reply:
        """Ask for a changed picture."""
        return await self.ask("POST", "/api/edit", json={**SMALL, "prompt": prompt, "image": image, **fields})

    async def video(self, prompt: str, **fields: Any) -> Reply:
        """Ask for the shortest video."""
        return await self.ask("POST", "/api/video/generate", json={"duration": 1, "prompt": prompt, **fields})

    async def inflight(self) -> Any:
        """Return the registry with its ends."""
        return (await self.ask("GET", "/api/inflight?includeTerminal=1")).json

    async def history(self, query: str = "") -> Any:
        """Return a page of the history."""
        return (await self.ask("GET", f"/api/history{query}")).json

    async def upstream(self, request_id: str | None = None) -> list[Any]:
        """Return the calls that were made upstream."""
        query = "" if request_id is None else f"?requestId={request_id}"
        return list((await self.ask("GET", f"/_sandbox/upstream{query}")).json["calls"])

    async def rules(self, *rules: dict[str, Any]) -> None:
        """Put new rules in."""
        assert (await self.ask("PUT", "/_sandbox/scenario", json={"rules": rules})).status == 200

    async def until(self, condition: Callable[[], Any], *, within: float = 5.0) -> Any:
        """Wait until a condition (a coroutine function) returns something true."""
        async with asyncio.timeout(within):
            while not (found := await condition()):  # noqa: ASYNC110 - the other side is a server
                await asyncio.sleep(0.005)
        return found


Serve = Callable[..., AbstractAsyncContextManager[Client]]
