"""A client on the transport under test, for every test of the kit that asks for one."""

from collections.abc import AsyncIterator

import httpx
import pytest

from adapters.kit.transport import AiohttpTransport
from tests.unit.adapters.kit.peers import client_with


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Return a client on the transport under test, with a second for everything."""
    async with client_with(AiohttpTransport(limit=10)) as it:
        yield it
