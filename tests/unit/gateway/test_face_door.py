"""The door of a face: bodies that come in pieces, and sockets, each to whatever end it comes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Desk
from contracts.face import SOCKET, Answer, Call, FaceRoute, Headers, Socket
from gateway.faces.door import Door, Doors, Place
from gateway.ops.room import Room

CALLER = Caller(team="red", key_id=None, scopes=frozenset())
MAX_BODY = 1000
CONNECT = {"type": "websocket.connect"}
LEFT = {"type": "websocket.disconnect", "code": 1000}


class Gatekeeper:
    """Lets everybody in but who has no key."""

    async def caller(self, token: str | None, _host: str | None, _origin: str | None = None) -> Caller:
        """Return the one caller."""
        if token is None:
            raise CatalogError("auth.unauthenticated", "no key")
        return CALLER


class OneRoute:
    """A face with one address."""

    def __init__(self, route: FaceRoute) -> None:
        """Take the route."""
        self.routes = (route,)

    def key(self, headers: Headers) -> str | None:
        """Return the key."""
        return headers.get("key")

    def refused(self, _call: Call, error: CatalogError) -> Answer:
        """Say the code."""
        return Answer(status=error.status, body=error.code.encode(), code=error.code)

    def unknown(self, _call: Call, methods: Sequence[str]) -> Answer:
        """Say the methods."""
        return Answer(status=404, body=",".join(methods).encode())

    def advertisement(self) -> None:
        """Tell nobody."""


class Line:
    """What a server hands to an application: a scope, messages in, and what was sent."""

    def __init__(self, kind: str, *messages: dict[str, Any], path: str = "/f/x", key: str | None = "k") -> None:
        """Take what the client does; after that it is silent."""
        headers = [] if key is None else [(b"key", key.encode())]
        self.scope: dict[str, Any] = {
            "type": kind, "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
            "headers": headers, "state": {"request_id": "r"},
        }  # fmt: skip
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        for message in messages:
            self.incoming.put_nowait(message)
        self.sent: list[dict[str, Any]] = []
        self.told = asyncio.Event()

    async def send(self, message: Any) -> None:
        """Write down what goes out."""
        self.sent.append(message)
        self.told.set()

    async def until(self, found: Callable[[], bool]) -> None:
        """Wait until something was sent."""
        async with asyncio.timeout(5):
            while not found():
                self.told.clear()
                await self.told.wait()

    @property
    def texts(self) -> list[str]:
        """The texts that were sent over a socket."""
        return [each["text"] for each in self.sent if each["type"] == "websocket.send"]


def door(route: FaceRoute, room: Room | None = None) -> Doors:
    """Return the door of a face at `/f`, and nothing beside it."""
    nobody: Any = None
    desk = Desk(
        jobs=nobody, assets=nobody, catalogue=nobody, access=Gatekeeper(), names=nobody, prompts=nobody, relay=nobody
    )
    place = Place(name="f", prefix="/f")
    found = Door(OneRoute(route), desk, room or Room(10_000), place, max_body=MAX_BODY)  # type: ignore[arg-type]

    async def nothing(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError

    return Doors(nothing, {"/f": found})


async def serve(app: Doors, line: Line) -> None:
    """Serve a request or a socket to its end."""
    async with asyncio.timeout(5):
        await app(line.scope, line.incoming.get, line.send)


def piece(data: bytes, *, more: bool = True) -> dict[str, Any]:
    """Return a piece of a body."""
    return {"type": "http.request", "body": data, "more_body": more}


async def test_a_route_with_files_reads_the_body_while_it_comes() -> None:
    """The first piece is there before the last is sent, and what is in memory counts until the end is read."""
    room, seen = Room(10_000), []
    line = Line("http", piece(b"one"))

    async def answer(call: Call, _caller: Caller) -> Answer:
        assert call.body == b""
        async for chunk in call.chunks or ():  # type: ignore[union-attr]
            seen.append((chunk, room.used))
            if chunk == b"one":
                line.incoming.put_nowait(piece(b"two", more=False))
        return Answer(body=str(room.used).encode())

    await serve(door(FaceRoute(method="POST", template="/x", answer=answer, files=1), room), line)
    assert seen == [(b"one", 3), (b"two", 6)]
    assert line.sent[-1]["body"] == b"0"


@pytest.mark.parametrize(("files", "length", "status"), [(0, 1001, 413), (1, 1001, 200), (2, 1_051_000, 413)])
async def test_a_body_may_be_as_large_as_its_files_together(files: int, length: int, status: int) -> None:
    """A form has so many files and a little around them; what is larger is refused, and its room given back."""
    room = Room(10_000_000)

    async def answer(call: Call, _caller: Caller) -> Answer:
        if call.chunks is not None:
            async for _ in call.chunks:
                pass
        return Answer()

    line = Line("http", piece(b"x" * length, more=False))
    await serve(door(FaceRoute(method="POST", template="/x", answer=answer, files=files), room), line)
    assert line.sent[0]["status"] == status
    assert room.used == line.scope["state"].get("held", 0)


async def test_who_hangs_up_in_the_middle_is_answered_by_nobody() -> None:
    """The route's reading ends, and the room is given back."""
    room, reached = Room(10_000), set()

    async def answer(call: Call, _caller: Caller) -> Answer:
        async for chunk in call.chunks or ():  # type: ignore[union-attr]
            reached.add(chunk)
        raise AssertionError

    line = Line("http", piece(b"one"), {"type": "http.disconnect"})
    await serve(door(FaceRoute(method="POST", template="/x", answer=answer, files=1), room), line)
    assert (reached, line.sent, room.used) == ({b"one"}, [], 0)


class Talk:
    """A socket of a face: what it tells is put in from outside."""

    def __init__(self) -> None:
        """Begin with nothing to tell."""
        self.news: asyncio.Queue[str | Exception | None] = asyncio.Queue()
        self.ended = False

    async def told(self) -> AsyncIterator[str]:
        """Greet, and tell what is put in until it is None."""
        try:
            yield "hello"
            while (text := await self.news.get()) is not None:
                if isinstance(text, Exception):
                    raise text
                yield text
        finally:
            self.ended = True

    def route(self) -> FaceRoute:
        """Return the address, which answers a message with itself twice."""

        async def answer(_call: Call, _caller: Caller) -> Answer:
            return Answer(socket=Socket(told=self.told(), heard=lambda text: (text, text)))

        return FaceRoute(method=SOCKET, template="/x", answer=answer)


async def test_a_socket_tells_and_answers_at_the_same_time() -> None:
    """The greeting first; a message is answered while nothing is told; a client that leaves ends both."""
    talk, line = Talk(), Line("websocket", CONNECT, {"type": "websocket.receive", "bytes": b"not a text"})
    serving = asyncio.create_task(serve(door(talk.route()), line))
    await line.until(lambda: line.texts == ["hello"])
    line.incoming.put_nowait({"type": "websocket.receive", "text": "ping"})
    await line.until(lambda: line.texts == ["hello", "ping", "ping"])
    talk.news.put_nowait("news")
    await line.until(lambda: line.texts[-1] == "news")
    line.incoming.put_nowait(LEFT)
    await serving
    assert talk.ended
    assert [each["type"] for each in line.sent] == ["websocket.accept", *["websocket.send"] * 4]


@pytest.mark.parametrize(("last", "code"), [(None, 1001), (RuntimeError("x"), 1011)])
async def test_a_socket_is_closed_when_nothing_more_is_told(last: Exception | None, code: int) -> None:
    """Going away at an end; and after a crash of ours, which the log hears of, a code that says so."""
    talk, line = Talk(), Line("websocket", CONNECT)
    talk.news.put_nowait(last)
    await serve(door(talk.route()), line)
    assert line.sent[-1] == {"type": "websocket.close", "code": code}
    assert line.scope["state"].get("error") is last


async def test_a_client_that_is_lost_while_it_is_told_something_is_no_crash() -> None:
    """What the server raises then is its way to say so."""
    talk, line = Talk(), Line("websocket", CONNECT)

    async def lost(message: Any) -> None:
        if message["type"] == "websocket.send":
            raise ConnectionResetError
        await Line.send(line, message)

    line.send = lost  # type: ignore[method-assign]
    await serve(door(talk.route()), line)
    assert talk.ended
    assert "error" not in line.scope["state"]
    assert [each["type"] for each in line.sent] == ["websocket.accept"]


@pytest.mark.parametrize(
    ("path", "key", "status", "body"),
    [
        ("/f/x", None, 401, b"auth.unauthenticated"),
        ("/f/y", "k", 404, b""),
        ("/g/x", "k", 404, b'"resource.not_found"'),
    ],
)
async def test_a_socket_is_refused_with_an_answer(path: str, key: str | None, status: int, body: bytes) -> None:
    """Before it is one: by the gate, by the face, and where no face is in the gateway's own shape."""
    talk, line = Talk(), Line("websocket", CONNECT, path=path, key=key)
    await serve(door(talk.route()), line)
    assert [each["type"] for each in line.sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert line.sent[0]["status"] == status
    assert body in line.sent[1]["body"]
    assert not talk.ended


async def test_a_request_cannot_be_made_of_a_sockets_address() -> None:
    """The address of a socket has no method: it is as if it were not there."""
    line = Line("http", piece(b"", more=False))
    await serve(door(Talk().route()), line)
    assert (line.sent[0]["status"], line.sent[1]["body"]) == (404, b"")
