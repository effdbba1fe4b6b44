"""A server whose every byte is a test's, and a client on the transport under test."""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

import httpx
import pytest

from adapters.kit.transport import AiohttpTransport

HEAD = b"HTTP/1.1 200 OK\r\n"
#: More than the buffers of both sockets of a loopback connection together.
HUGE = 24 * 1024 * 1024

Behaviour = Callable[["Peer", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server on loopback that does with each connection what a test says, and remembers what it saw."""

    def __init__(self, behaviour: Behaviour) -> None:
        """Take what happens on each connection; the connection is closed when that returns."""
        self.behaviour = behaviour
        self.connections = 0
        self.requests: list[bytes] = []
        self.hung_up = asyncio.Event()
        self.serving: set[asyncio.Task[None]] = set()
        self.origin = ""

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one more connection."""
        self.serving.add(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        try:
            await self.behaviour(self, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            self.hung_up.set()
        finally:
            writer.close()

    async def read(self, reader: asyncio.StreamReader) -> bytes:
        """Read one request whole, remember it, and return its body."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        if length:
            body = await reader.readexactly(int(length[1]))
        elif b"chunked" in head:
            body = await reader.readuntil(b"0\r\n\r\n")
        else:
            body = b""
        self.requests.append(head + body)
        return body


@asynccontextmanager
async def peer(behaviour: Behaviour) -> AsyncIterator[Peer]:
    """Run a server with this behaviour."""
    it = Peer(behaviour)
    listening = socket.create_server(("127.0.0.1", 0))
    # Inherited by every connection: what is not read must soon stop the client.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    server = await asyncio.start_server(it.accept, sock=listening)
    it.origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    try:
        yield it
    finally:
        server.close()
        for task in it.serving:
            task.cancel()
        await asyncio.gather(*it.serving, return_exceptions=True)


def saying(*pieces: bytes, then: str = "close", read: bool = True) -> Behaviour:
    """Return a behaviour: read a request, say the pieces one after the other, then close, reset or stall."""

    async def behave(it: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if read:
            await it.read(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.02)
        if then == "reset":
            reset(writer)
        elif then == "stall":
            await reader.read()
            it.hung_up.set()

    return behave


async def answering(it: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request with its own body, on one connection for as long as the client likes."""
    while True:
        body = await it.read(reader)
        writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with RST instead of FIN."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


def stop_reading(writer: asyncio.StreamWriter) -> None:
    """Take nothing more from the client's hands."""
    cast("asyncio.Transport", writer.transport).pause_reading()


def client_with(transport: AiohttpTransport, **timeouts: float) -> httpx.AsyncClient:
    """Return a client on this transport, with a second for everything that is not named."""
    return httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(1.0, **timeouts), trust_env=False)


async def failure(sending: Awaitable[httpx.Response]) -> tuple[type[Exception], str]:
    """Return the kind of error that sending ends with, and how far it says the request got."""
    with pytest.raises(httpx.TransportError) as caught:
        async with asyncio.timeout(5):
            await sending
    return type(caught.value), caught.value.request.extensions["sent"]
