import asyncio
import gzip
import os
from collections.abc import AsyncIterator

import httpx
import pytest

from adapters.kit.transport import AiohttpTransport
from tests.unit.adapters.kit.peers import (
    HEAD,
    answering,
    client_with,
    failure,
    peer,
    saying,
)

# --- inside the answer


@pytest.mark.parametrize(
    ("pieces", "then", "kind"),
    [
        ((b"Content-Length: 9\r\n\r\nhalf",), "close", httpx.RemoteProtocolError),
        ((b"Content-Length: 9\r\n\r\nhalf",), "reset", httpx.ReadError),
        ((b"Content-Length: 9\r\n\r\nhalf",), "stall", httpx.ReadTimeout),
        ((b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",), "close", httpx.RemoteProtocolError),
        ((b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",), "reset", httpx.ReadError),
        ((b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",), "stall", httpx.ReadTimeout),
        # aiohttp's own reader would hang on this one for ever.
        ((b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", b"zz\r\n"), "stall", httpx.RemoteProtocolError),
        ((b"Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",), "stall", httpx.RemoteProtocolError),
        # aiohttp would call this one complete.
        ((b"\r\nhalf",), "reset", httpx.ReadError),
        ((b"\r\nhalf",), "stall", httpx.ReadTimeout),
    ],
)
async def test_half_an_answer_is_never_taken_for_a_whole_one(
    pieces: tuple[bytes, ...], then: str, kind: type[Exception]
) -> None:
    """However an answer ends too early, reading it fails, and says why."""
    said = (HEAD + pieces[0], *pieces[1:])
    async with peer(saying(*said, then=then)) as it, client_with(AiohttpTransport(limit=1), read=0.3) as client:
        assert await failure(client.post(it.origin, content=b"x")) == (kind, "body")
        assert it.connections == 1


@pytest.mark.parametrize(
    ("said", "body"),
    [
        (b"Content-Length: 4\r\n\r\nbody", b"body"),
        (b"Transfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2\r\ndy\r\n0\r\n\r\n", b"body"),
        (b"\r\nbody", b"body"),
        (b"Content-Length: 0\r\n\r\n", b""),
    ],
)
async def test_a_whole_answer_is_read_however_its_end_is_marked(
    client: httpx.AsyncClient, said: bytes, body: bytes
) -> None:
    """By its length, by its last chunk, or by the end of the connection."""
    async with peer(saying(b"HTTP/1.1 100 Continue\r\n\r\n", HEAD + said)) as it:
        answer = await client.post(it.origin, content=b"x")
        assert (answer.status_code, answer.content, answer.http_version) == (200, body, "HTTP/1.1")


async def test_two_megabytes_travel_both_ways_unchanged(client: httpx.AsyncClient) -> None:
    """A picture comes back byte for byte."""
    picture = os.urandom(2 * 1024 * 1024)
    async with peer(answering) as it:
        assert (await client.post(it.origin, content=picture)).content == picture


async def test_a_compressed_answer_arrives_as_it_was_sent(client: httpx.AsyncClient) -> None:
    """The transport decodes nothing; httpx does, where it is asked for the content."""
    packed = gzip.compress(b"body")
    said = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    async with peer(saying(said)) as it, client.stream("GET", it.origin) as answer:
        assert b"".join([part async for part in answer.aiter_raw()]) == packed
    async with peer(saying(said)) as it:
        assert (await client.get(it.origin)).content == b"body"


async def test_parts_of_an_answer_arrive_as_they_come(client: httpx.AsyncClient) -> None:
    """An event stream is not held back until its end."""
    chunks = (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"3\r\none\r\n", b"3\r\ntwo\r\n", b"0\r\n\r\n")
    async with peer(saying(*chunks)) as it, client.stream("GET", it.origin) as answer:
        assert [part async for part in answer.aiter_raw()] == [b"one", b"two"]


# --- what goes over the wire


async def test_the_request_on_the_wire_is_exactly_the_one_given() -> None:
    """No header is added, no path quoted anew, no cookie kept, no user and password taken out of the URL."""
    said = HEAD + b"Set-Cookie: a=b\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    async with peer(saying(said)) as it, AiohttpTransport(limit=1) as transport:
        url = it.origin.replace("//", "//user:secret@") + "/a%2Fb//c%7e?x=%20+'&x=#fragment"
        headers = [(b"Host", b"a.test"), (b"x-B", b"1"), (b"X-a", b"2"), (b"x-b", b"\xe9")]
        for method in ("POST", "DELETE"):
            answer = await transport.handle_async_request(httpx.Request(method, url, headers=headers))
            await answer.aclose()
        given = b"Host: a.test\r\nx-B: 1\r\nX-a: 2\r\nx-b: \xe9\r\n\r\n"
        assert it.requests == [
            b"POST /a%2Fb//c%7e?x=%20+'&x= HTTP/1.1\r\nContent-Length: 0\r\n" + given,
            b"DELETE /a%2Fb//c%7e?x=%20+'&x= HTTP/1.1\r\n" + given,
        ]


async def test_redirects_are_answers_and_proxies_are_not_asked(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody but the server that was named hears of a request."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    said = b"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    async with peer(saying(said)) as it:
        assert (await client.post(it.origin, content=b"x")).status_code == 307


async def test_a_streamed_body_keeps_its_length(client: httpx.AsyncClient) -> None:
    """A multipart form says how long it is, and is not chunked."""
    async with peer(answering) as it:
        await client.post(it.origin, files={"image": ("a.png", b"PNG" * 200_000)}, data={"prompt": "x"})
        head, _, body = it.requests[0].partition(b"\r\n\r\n")
        assert b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"
        assert b"chunked" not in head
        assert b"PNG" * 200_000 in body


@pytest.mark.parametrize(
    ("parts", "body"), [([b"on", b"", b"e"], b"2\r\non\r\n1\r\ne\r\n0\r\n\r\n"), ([], b"0\r\n\r\n")]
)
async def test_a_streamed_body_without_a_length_is_chunked(
    client: httpx.AsyncClient, parts: list[bytes], body: bytes
) -> None:
    """Each part is a chunk, and an empty part does not end the body."""

    async def stream() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    async with peer(answering) as it:
        await client.post(it.origin, content=stream())
        assert it.requests[0].count(b"Transfer-Encoding: chunked\r\n") == 1
        assert it.requests[0].endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize(
    ("parts", "kind", "sent"),
    [
        ([OSError("gone")], httpx.WriteError, "head"),
        ([b"12", OSError("gone")], httpx.WriteError, "body"),
        ([], httpx.LocalProtocolError, "head"),
        ([b"12"], httpx.LocalProtocolError, "body"),
        ([b"123456"], httpx.LocalProtocolError, "head"),
    ],
)
async def test_a_body_that_breaks_off_ends_the_connection(
    client: httpx.AsyncClient, parts: list[bytes | OSError], kind: type[Exception], sent: str
) -> None:
    """Before its first byte only the head was sent; the server never sees a request that looks whole."""

    async def stream() -> AsyncIterator[bytes]:
        for part in parts:
            if isinstance(part, OSError):
                raise part
            yield part

    async with peer(answering) as it:
        sending = client.post(it.origin, content=stream(), headers={"Content-Length": "4"})
        assert await failure(sending) == (kind, sent)
        await asyncio.wait_for(it.hung_up.wait(), 1)
        assert it.requests == []
