"""httpx's API in front, aiohttp's pool and parser underneath: httpx's own pool costs three times the CPU.

Not aiohttp's session, which repeats requests by itself: here nothing is sent twice, and every error says in
`request.extensions["sent"]` how far the request got; where that is not certain, it says the more.
Refused: redirects, cookies, proxies, decoding, and headers that the request does not carry.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from functools import partial
from typing import Any, Literal, cast

import aiohttp
import httpx
from aiohttp import hdrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http import RawResponseMessage, StreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

#: How far writing got: no byte, the head alone, or some of the body (without a body: the head, which is then all).
Sent = Literal["nothing", "head", "body"]
Phase = tuple[tuple[type[Exception], type[httpx.TransportError]], ...]

#: What aiohttp, asyncio and the operating system raise. Cancellation is none of these, and passes.
FOREIGN = (
    aiohttp.ClientError, aiohttp.EofStream, AssertionError, HttpProcessingError, OSError, RuntimeError, ValueError,
)  # fmt: skip
#: What an error means in each phase of an exchange; the first row that fits decides.
CONNECTING: Phase = (
    (TimeoutError, httpx.ConnectTimeout),
    (aiohttp.ClientConnectorError, httpx.ConnectError),
    (ValueError, httpx.LocalProtocolError),
    (Exception, httpx.ConnectError),
)
WRITING: Phase = (
    (TimeoutError, httpx.WriteTimeout),
    (ValueError, httpx.LocalProtocolError),
    (Exception, httpx.WriteError),
)
READING: Phase = (
    (TimeoutError, httpx.ReadTimeout),
    (HttpProcessingError, httpx.RemoteProtocolError),
    (aiohttp.ServerDisconnectedError, httpx.RemoteProtocolError),
    (aiohttp.ClientPayloadError, httpx.RemoteProtocolError),
    (Exception, httpx.ReadError),
)
#: The write timeout holds for each piece of so many bytes, not for a whole picture.
PIECE = 256 * 1024
#: Reading pauses at twice this. Pausing is dear: aiohttp's own 256 KiB double or treble the CPU of a 2 MB answer.
READ_AHEAD = 1024 * 1024
#: What would let a header or a path end its line and begin another.
LINE_BREAK = re.compile(rb"[\r\n\0]")


class AiohttpTransport(httpx.AsyncBaseTransport):
    """At most `limit` exchanges at once; a connection idle for `keepalive_s` is not used again.

    Node closes idle connections after 5 s: stay below that. `connect_timeout_s` holds where a request names no connect
    timeout; it spans the name lookup, all addresses and TLS. Raises only `httpx.TransportError`s.
    """

    def __init__(self, *, limit: int, keepalive_s: float = 3.0, connect_timeout_s: float | None = None) -> None:
        self._slots = asyncio.Semaphore(limit)
        self._keepalive_s = keepalive_s
        self._connect_timeout_s = connect_timeout_s
        self._pool: _Pool | None = None
        self._targets: dict[bytes, aiohttp.ClientRequest] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send `request` once, whatever its method, and return when the answer's head is there."""
        exchange = _Exchange(request)
        await exchange.wait_for_slot(self._slots)
        try:
            await exchange.connect(self._open(), self._target(request.url), self._connect_timeout_s)
            await exchange.write()
            return await exchange.answer()
        except FOREIGN as error:
            raise exchange.translated(error) from error
        finally:
            if not exchange.answered:
                await exchange.aclose()

    async def aclose(self) -> None:
        """Close all connections; what is under way on them fails."""
        if self._pool is not None:
            await self._pool.close()

    def _open(self) -> "_Pool":
        if self._pool is None:
            # The slots are the limit: aiohttp has but one timeout for waiting and connecting together.
            self._pool = _Pool(limit=0, keepalive_timeout=self._keepalive_s)
        return self._pool

    def _target(self, url: httpx.URL) -> aiohttp.ClientRequest:
        # aiohttp's pool takes from a request where to connect to: one for each origin will do, which is never sent.
        origin = url.raw_scheme + b"://" + url.netloc
        if origin not in self._targets:
            where = URL(origin.decode("ascii"), encoded=True)
            self._targets[origin] = aiohttp.ClientRequest("GET", where, loop=asyncio.get_running_loop())
        return self._targets[origin]


class _Exchange(httpx.AsyncByteStream):
    """One request on its way, and then its answer's body as it comes in.

    Closing it ends the connection, unless all of the request has gone out and all of the answer has come in.
    """

    _connection: Connection | None = None
    _protocol: ResponseHandler
    _writer: StreamWriter
    _message: RawResponseMessage
    _content: aiohttp.StreamReader

    def __init__(self, request: httpx.Request) -> None:
        self.answered = False
        self._request = request
        self._times: dict[str, float | None] = request.extensions.get("timeout", {})
        self._slots: asyncio.Semaphore | None = None
        self._phase = CONNECTING
        self._sent: Sent = "nothing"
        self._uploaded = False

    async def wait_for_slot(self, slots: asyncio.Semaphore) -> None:
        try:
            async with asyncio.timeout(self._times.get("pool") if slots.locked() else None):
                await slots.acquire()
        except TimeoutError as error:
            raise self._failure(httpx.PoolTimeout, "All connections are in use.") from error
        self._slots = slots

    async def connect(self, pool: "_Pool", target: aiohttp.ClientRequest, timeout_s: float | None) -> None:
        if target.url.scheme not in ("http", "https"):
            raise self._failure(httpx.UnsupportedProtocol, f"Not a scheme of HTTP: {target.url.scheme}.")
        timeout = aiohttp.ClientTimeout(total=None, connect=self._times.get("connect") or timeout_s)
        self._connection = connection = await pool.connect(target, [], timeout)
        protocol = connection.protocol
        if protocol is None or len(protocol) or protocol.exception() is not None:
            # The pool does not look (aiohttp #13656): what a server said unasked would be taken for our answer.
            raise aiohttp.ClientConnectionResetError("The pooled connection is no longer usable.")
        protocol.set_response_params(
            skip_payload=self._request.method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=READ_AHEAD,
            read_timeout=self._times.get("read"),
        )
        self._protocol = protocol
        self._writer = StreamWriter(protocol, asyncio.get_running_loop())

    async def write(self) -> None:
        self._phase = WRITING
        try:
            await self._upload()
            self._uploaded = True
        except OSError:
            # A server may answer before it has read everything, and stop reading: that answer says more.
            if not len(self._protocol):
                raise

    async def answer(self) -> httpx.Response:
        self._phase = READING
        status = 0
        while status < 200 and status != 101:
            # Not where words are waiting: their end has perhaps stopped the timer, and nothing would stop it again.
            if not len(self._protocol):
                self._protocol.start_timeout()
            self._message, self._content = await self._protocol.read()
            status = self._message.code
        response = httpx.Response(
            status,
            headers=self._message.raw_headers,
            stream=self,
            extensions={
                "http_version": b"HTTP/%d.%d" % self._message.version,
                "reason_phrase": self._message.reason.encode("ascii", "replace"),
            },
        )
        self.answered = True
        return response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            try:
                # Piece by piece as they came: `readany` would copy them into one.
                part, _ = await self._content.readchunk()
            except FOREIGN as error:
                raise self.translated(self._reset() or error) from error
            if part:
                yield part
            elif self._content.at_eof():
                break
        framed = self._message.chunked or hdrs.CONTENT_LENGTH in self._message.headers
        if not framed and self._content is not aiohttp.EMPTY_PAYLOAD and (reset := self._reset()):
            # Where only the connection's end delimits the body, aiohttp takes a reset for that end.
            raise self.translated(reset) from reset

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and self._uploaded and self.answered:
            connection.release()
        elif connection is not None:
            connection.close()
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release()

    def translated(self, error: Exception) -> httpx.TransportError:
        kind = next(kind for cause, kind in self._phase if isinstance(error, cause))
        if kind is httpx.WriteError and self._sent == "nothing":
            kind = httpx.ConnectError
        return self._failure(kind, str(error) or type(error).__name__)

    def _failure(self, kind: type[httpx.TransportError], detail: str) -> httpx.TransportError:
        self._request.extensions["sent"] = self._sent
        return kind(detail, request=self._request)

    def _reset(self) -> aiohttp.ClientOSError | None:
        error = self._protocol.exception()
        return error if isinstance(error, aiohttp.ClientOSError) else None

    async def _upload(self) -> None:
        headers = self._request.headers.raw
        head = self._head(headers)
        given = {name.lower(): value for name, value in headers}
        chunked = b"chunked" in given.get(b"transfer-encoding", b"").lower()
        left = int(given.get(b"content-length", b"0"))
        stream = cast("httpx.AsyncByteStream", self._request.stream)
        if isinstance(stream, httpx.ByteStream) and not chunked:
            body = memoryview(await self._request.aread())
            if len(body) != left:
                raise ValueError("The body is not as long as its Content-Length.")
            await self._hand_over(b"".join((head, body[:PIECE])), "body")
            for start in range(PIECE, len(body), PIECE):
                await self._hand_over(body[start : start + PIECE], "body")
            return
        await self._hand_over(head, "head")
        if chunked:
            self._writer.enable_chunking()
        async for part in stream:
            left -= len(part)
            if left < 0 and not chunked:
                break
            for start in range(0, len(part), PIECE):
                await self._hand_over(memoryview(part)[start : start + PIECE], "body")
        if left and not chunked:
            raise ValueError("The body is not as long as its Content-Length.")
        self._sent = "body"
        await self._writer.write_eof()

    def _head(self, headers: list[tuple[bytes, bytes]]) -> bytes:
        lines = [b"%s %s HTTP/1.1" % (self._request.method.encode("ascii"), self._request.url.raw_path)]
        lines += [b"%s: %s" % header for header in headers]
        if LINE_BREAK.search(b"".join(lines)):
            raise ValueError("A header holds the end of a line.")
        return b"\r\n".join((*lines, b"", b""))

    async def _hand_over(self, piece: bytes | memoryview, sent: Sent) -> None:
        transport = self._protocol.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ClientConnectionResetError("The connection is closing.")
        # Before, not after: from here on nobody can tell what the other side has seen.
        self._sent = sent
        await self._writer.write(piece, drain=False)
        if self._protocol.writing_paused:
            async with asyncio.timeout(self._times.get("write")):
                await self._writer.drain()


class _Pool(aiohttp.TCPConnector):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._factory = cast("partial[ResponseHandler]", partial(_Protocol, loop=self._loop))


class _Protocol(ResponseHandler):
    """A connection that tells whoever reads its answer when it fails.

    aiohttp 3.14 does not, when chunks are broken (client_proto.py `data_received`): its reader waits for ever.
    """

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        super().set_exception(exc, *cause)
        payload = self._payload
        if payload is not None and not payload.is_eof() and payload.exception() is None:
            payload.set_exception(exc, *cause)
