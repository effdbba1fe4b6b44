import asyncio
import socket

import httpx
import pytest

from adapters.kit.transport import AiohttpTransport
from tests.unit.adapters.kit.peers import (
    HEAD,
    HUGE,
    Peer,
    answering,
    client_with,
    failure,
    peer,
    reset,
    saying,
    stop_reading,
)

# --- before anything is sent


async def test_a_refused_connection_is_a_connect_error_and_nothing_was_sent(client: httpx.AsyncClient) -> None:
    """Refused is refused: a second submit is allowed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    assert await failure(client.post(f"http://127.0.0.1:{port}/", content=b"x")) == (httpx.ConnectError, "nothing")


async def test_an_unknown_host_is_a_connect_error_and_nothing_was_sent(client: httpx.AsyncClient) -> None:
    """A name that cannot be resolved never reaches anybody."""
    sending = client.post("http://nobody.invalid/", content=b"x", timeout=httpx.Timeout(4))
    assert await failure(sending) == (httpx.ConnectError, "nothing")


async def test_a_plain_server_behind_https_is_a_connect_error_and_nothing_was_sent(client: httpx.AsyncClient) -> None:
    """TLS fails before the first byte of the request."""
    async with peer(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n", read=False)) as it:
        sending = client.post(it.origin.replace("http:", "https:"), content=b"x")
        assert await failure(sending) == (httpx.ConnectError, "nothing")


async def test_a_server_that_does_not_accept_is_a_connect_timeout_and_nothing_was_sent() -> None:
    """Linux drops the SYN when the queue of connections not yet accepted is full."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listening.getsockname())
        try:
            async with client_with(AiohttpTransport(limit=1), connect=0.2) as client:
                sending = client.post(f"http://127.0.0.1:{listening.getsockname()[1]}/", content=b"x")
                assert await failure(sending) == (httpx.ConnectTimeout, "nothing")
            transport = AiohttpTransport(limit=1, connect_timeout_s=0.2)
            bare = httpx.Request("GET", f"http://127.0.0.1:{listening.getsockname()[1]}/")
            assert await failure(transport.handle_async_request(bare)) == (httpx.ConnectTimeout, "nothing")
            await transport.aclose()
        finally:
            for one in waiting:
                one.close()


async def test_waiting_for_a_free_slot_is_a_pool_timeout_and_nothing_was_sent() -> None:
    """The pool's timeout is not the connect timeout, though both come before the first byte."""
    timeouts = {"pool": 0.1, "connect": 9, "read": 0.3}
    async with peer(saying(then="stall")) as it, client_with(AiohttpTransport(limit=1), **timeouts) as client:
        holding = asyncio.create_task(failure(client.get(it.origin)))
        await asyncio.sleep(0.05)
        assert await failure(client.post(it.origin, content=b"x")) == (httpx.PoolTimeout, "nothing")
        assert len(it.requests) == 1
        assert await holding == (httpx.ReadTimeout, "body")


@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request("GET", "http://127.0.0.1/", headers={"X-A": "a\r\nX-B: b"}),
        httpx.Request("GET /\r\n", "http://127.0.0.1/"),
        httpx.Request("POST", "http://127.0.0.1/", content=b"xyz", headers={"Content-Length": "2"}),
        httpx.Request("POST", "http://127.0.0.1/", content=b"xyz", headers={"Content-Length": "many"}),
    ],
)
async def test_a_request_that_cannot_be_written_is_our_own_fault(request_: httpx.Request) -> None:
    """What would be two headers, or a body longer than it says, is not written at all."""
    async with peer(answering) as it, AiohttpTransport(limit=1) as transport:
        request_.url = httpx.URL(it.origin)
        assert await failure(transport.handle_async_request(request_)) == (httpx.LocalProtocolError, "nothing")
        assert it.requests == []


async def test_a_connection_gone_before_the_first_byte_is_a_connect_error() -> None:
    """What was made and lost again, before anything was written to it, is as good as refused."""

    class Dawdling(httpx.Request):
        async def aread(self) -> bytes:
            await asyncio.sleep(0.1)
            return await super().aread()

    async with peer(saying(read=False)) as it, AiohttpTransport(limit=1) as transport:
        sending = transport.handle_async_request(Dawdling("POST", it.origin, content=b"x"))
        assert await failure(sending) == (httpx.ConnectError, "nothing")
        assert it.connections == 1


async def test_a_scheme_that_is_not_http_is_refused() -> None:
    """Only http and https are spoken."""
    async with AiohttpTransport(limit=1) as transport:
        sending = transport.handle_async_request(httpx.Request("GET", "ftp://127.0.0.1/"))
        assert await failure(sending) == (httpx.UnsupportedProtocol, "nothing")


# --- after something was sent, before an answer


async def test_a_server_that_closes_without_reading_may_have_seen_the_request(client: httpx.AsyncClient) -> None:
    """The bytes were handed over: nobody can say that they were not read."""
    async with peer(saying(b"", read=False)) as it:
        kind, sent = await failure(client.post(it.origin, content=b"x"))
        assert kind in (httpx.RemoteProtocolError, httpx.ReadError)
        assert sent == "body"


async def test_a_server_that_closes_after_the_head_may_have_seen_more(client: httpx.AsyncClient) -> None:
    """Head and body leave together: both count as sent."""

    async def behave(_: Peer, reader: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with peer(behave) as it:
        assert await failure(client.post(it.origin, content=b"x")) == (httpx.RemoteProtocolError, "body")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
async def test_a_server_that_closes_instead_of_answering_broke_the_protocol(
    client: httpx.AsyncClient, method: str
) -> None:
    """The request was read whole, and perhaps done; no method is sent again."""
    async with peer(saying()) as it:
        assert await failure(client.request(method, it.origin)) == (httpx.RemoteProtocolError, "body")
        assert len(it.requests) == 1


async def test_a_reset_instead_of_an_answer_is_a_read_error(client: httpx.AsyncClient) -> None:
    """A reset after the request is no refusal."""
    async with peer(saying(then="reset")) as it:
        assert await failure(client.post(it.origin, content=b"x")) == (httpx.ReadError, "body")


@pytest.mark.parametrize("garbage", [b"SSH-2.0-OpenSSH_9.2\r\n", HEAD + b"Content-Length: few\r\n\r\n", HEAD + b"Con"])
async def test_garbage_instead_of_an_answer_broke_the_protocol(client: httpx.AsyncClient, garbage: bytes) -> None:
    """What is not HTTP, and half a head, are the server's fault."""
    async with peer(saying(garbage)) as it:
        assert await failure(client.post(it.origin, content=b"x")) == (httpx.RemoteProtocolError, "body")


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 103 Early Hints\r\n\r\n", HEAD + b"Content-"])
async def test_no_answer_is_a_read_timeout(client: httpx.AsyncClient, said: bytes) -> None:
    """Silence from the start, after an interim answer and inside the head are the same."""
    async with peer(saying(said, then="stall")) as it:
        sending = client.post(it.origin, content=b"x", timeout=httpx.Timeout(1, read=0.1))
        assert await failure(sending) == (httpx.ReadTimeout, "body")


async def test_a_server_that_stops_reading_is_a_write_timeout() -> None:
    """A body that is never taken does not wait for ever, as it would in aiohttp's session."""

    async def behave(it: Peer, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stop_reading(writer)
        await it.hung_up.wait()

    async with peer(behave) as it, client_with(AiohttpTransport(limit=1), write=0.1) as client:
        assert await failure(client.post(it.origin, content=bytes(HUGE))) == (httpx.WriteTimeout, "body")
        it.hung_up.set()


async def test_a_reset_while_the_body_is_written_is_a_write_error(client: httpx.AsyncClient) -> None:
    """Part of the body was taken: it may be all that the server needed."""

    async def behave(_: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reset(writer)

    async with peer(behave) as it:
        assert await failure(client.post(it.origin, content=bytes(HUGE))) == (httpx.WriteError, "body")


@pytest.mark.parametrize("open_for_s", [0.1, 9])
async def test_an_answer_given_before_the_body_was_read_is_heard(open_for_s: float) -> None:
    """A server that says 413 and reads no further has answered, and its connection is not used again."""

    async def behave(_: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        stop_reading(writer)
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\n\r\nlarge")
        await asyncio.sleep(open_for_s)

    async with peer(behave) as it, client_with(AiohttpTransport(limit=1), write=0.2) as client:
        for size in (HUGE, 1):
            answer = await client.post(it.origin, content=bytes(size))
            assert (answer.status_code, answer.reason_phrase, answer.content) == (413, "Too Large", b"large")
        assert it.connections == 2
