"""Running ima2 sandboxes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout
from aiohttp.test_utils import TestServer

from adapters.ima2.sandbox import sandbox
from tests.unit.adapters.ima2.native import Client, Serve


@pytest.fixture
def serve(tmp_path: Path) -> Serve:
    """Return what starts a sandbox on this test's data directory, as often as wanted."""

    @asynccontextmanager
    async def started(profile: str = "head", *, speed: float = 200, where: str = "data") -> AsyncIterator[Client]:
        app = sandbox(data_dir=str(tmp_path / where), profile=profile, speed=speed)
        timeout = ClientTimeout(total=20)
        async with TestServer(app, host="127.0.0.1") as server, ClientSession(timeout=timeout) as session:
            yield Client(server.port or 0, session)

    return started
