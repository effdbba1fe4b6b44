import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from adapters.kit.transport import AiohttpTransport
from tests.unit.adapters.kit.peers import (
    HEAD,
    Peer,
    answering,
    client_with,
    failure,
    peer,
    saying,
)

# --- connections


async def test_two_requests_share_a_connection(client: httpx.AsyncClient) -> None:
    """An answer that was read gives its connection back, also if it has no body."""
    async with peer(answering) as it:
        for body in (b"one", b"", b"two"):
            assert (await client.post(it.origin, content=body)).content == body
        await client.head(it.origin)
        await client.get(it.origin)
        assert (it.connections, len(it.requests)) == (1, 5)


async def test_an_answer_to_head_has_no_body_to_wait_for(client: httpx.AsyncClient) -> None:
    """Its Content-Length is that of another answer; the connection can be used again."""

    async def behave(it: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await it.read(reader)
            writer.write(HEAD + b"Content-Length: 9\r\n\r\n")

    async with peer(behave) as it:
        for _ in range(2):
            answer = await client.head(it.origin)
            assert (answer.headers["Content-Length"], answer.content) == ("9", b"")
        assert it.connections == 1


async def test_an_answer_that_comes_early_leaves_no_timer_behind() -> None:
    """A read timeout that nothing stops any more would fail the next request on this connection."""

    async def stream() -> AsyncIterator[bytes]:
        await asyncio.sleep(0.05)
        yield b"x"

    async def behave(it: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            writer.write(HEAD + b"Content-Length: 2\r\n\r\nok")
            it.requests.append(head + await reader.readexactly(1))

    async with peer(behave) as it, client_with(AiohttpTransport(limit=1), read=0.1) as client:
        for _ in range(2):
            answer = await client.post(it.origin, content=stream(), headers={"Content-Length": "1"})
            assert answer.content == b"ok"
            await asyncio.sleep(0.15)
        assert (it.connections, len(it.requests)) == (1, 2)


async def test_a_connection_idle_for_too_long_is_not_used_again() -> None:
    """We give up a connection before the server does."""
    async with peer(answering) as it, client_with(AiohttpTransport(limit=1, keepalive_s=0.05)) as client:
        await client.get(it.origin)
        await asyncio.sleep(0.1)
        await client.get(it.origin)
        assert it.connections == 2


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_request_on_a_connection_the_server_drops_is_not_sent_twice(
    client: httpx.AsyncClient, method: str
) -> None:
    """The server reads the second request and hangs up: aiohttp's session would send all but POST again."""

    async def behave(it: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await it.read(reader)
        writer.write(HEAD + b"Content-Length: 0\r\n\r\n")
        await it.read(reader)

    async with peer(behave) as it:
        await client.get(it.origin)
        assert await failure(client.request(method, it.origin)) == (httpx.RemoteProtocolError, "body")
        await asyncio.sleep(0.05)
        assert (it.connections, len(it.requests)) == (1, 2)


@pytest.mark.parametrize("noticed", [True, False])
async def test_a_connection_closed_between_two_requests_is_replaced_or_owned_up_to(*, noticed: bool) -> None:
    """Where the close was noticed, a new connection serves; where not, the request may have arrived."""
    accepted: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            accepted.append(connection)
            connection.recv(4096)
            connection.sendall(HEAD + b"Content-Length: 2\r\n\r\nok")
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        async with client_with(AiohttpTransport(limit=1)) as client:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
            await client.post(url, content=b"x")
            if noticed:
                await asyncio.sleep(0.1)
                assert (await client.post(url, content=b"x")).content == b"ok"
            else:
                # The loop is kept from hearing of it, as a busy loop is.
                time.sleep(0.1)  # noqa: ASYNC251
                kind, sent = await failure(client.post(url, content=b"x"))
                assert kind in (httpx.RemoteProtocolError, httpx.ReadError)
                assert sent == "body"
            await asyncio.sleep(0.05)
            assert len(accepted) == (2 if noticed else 1)
        listening.shutdown(socket.SHUT_RDWR)
        await asyncio.to_thread(thread.join, 1)


async def test_words_said_unasked_are_nobodys_answer(client: httpx.AsyncClient) -> None:
    """The pool alone would hand them to the next request as its answer (aiohttp #13656)."""

    async def behave(it: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await it.read(reader)
            writer.write(HEAD + b"Content-Length: 2\r\n\r\nok")
            await asyncio.sleep(0.02)
            writer.write(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\n\r\nlate")

    async with peer(behave) as it:
        assert (await client.post(it.origin, content=b"x")).content == b"ok"
        await asyncio.sleep(0.1)
        assert await failure(client.post(it.origin, content=b"x")) == (httpx.ConnectError, "nothing")
        assert (await client.post(it.origin, content=b"x")).content == b"ok"
        assert (it.connections, len(it.requests)) == (2, 2)


async def test_an_answer_left_unread_ends_its_connection(client: httpx.AsyncClient) -> None:
    """What is still to come would be taken for the next answer."""
    async with peer(saying(HEAD + b"Content-Length: 9\r\n\r\nhalf", then="stall")) as it:
        async with client.stream("GET", it.origin) as answer:
            assert answer.status_code == 200
        await asyncio.wait_for(it.hung_up.wait(), 1)
        async with client.stream("GET", it.origin):
            assert it.connections == 2


@pytest.mark.parametrize("said", [b"", HEAD + b"Content-Length: 9\r\n\r\nhalf"])
async def test_cancelling_ends_the_connection(client: httpx.AsyncClient, said: bytes) -> None:
    """Whether waiting for the answer or reading it: cancellation passes as it is, and the server hears of it."""
    async with peer(saying(said, then="stall")) as it:
        sending = asyncio.create_task(client.post(it.origin, content=b"x"))
        await asyncio.sleep(0.1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await asyncio.wait_for(it.hung_up.wait(), 1)


async def test_every_end_of_an_exchange_gives_its_slot_back() -> None:
    """After a refusal, a broken answer, a cancellation and an answer left unread, the one slot is free again."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        closed = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    half = saying(HEAD + b"Content-Length: 9\r\n\r\nhalf")
    async with (
        client_with(AiohttpTransport(limit=1), pool=0.1) as client,
        peer(answering) as good,
        peer(half) as broken,
        peer(saying(then="stall")) as silent,
    ):
        await failure(client.get(closed))
        await failure(client.get(broken.origin))
        sending = asyncio.create_task(client.get(silent.origin))
        await asyncio.sleep(0.05)
        sending.cancel()
        await asyncio.wait([sending])
        async with client.stream("GET", broken.origin):
            assert await failure(client.get(good.origin)) == (httpx.PoolTimeout, "nothing")
        assert (await client.post(good.origin, content=b"x")).content == b"x"


async def test_closing_the_transport_fails_what_is_under_way() -> None:
    """It ends as a broken exchange does, and does not wait."""
    transport = AiohttpTransport(limit=2)
    async with peer(saying(then="stall")) as it:
        sending = asyncio.create_task(failure(client_with(transport).post(it.origin, content=b"x")))
        await asyncio.sleep(0.05)
        await transport.aclose()
        assert await sending == (httpx.RemoteProtocolError, "body")
        again = client_with(transport).post(it.origin, content=b"x")
        assert await failure(again) == (httpx.ConnectError, "nothing")
