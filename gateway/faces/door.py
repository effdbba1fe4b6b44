"""The door of a face: an ASGI application that reads a request, settles who asks, and sends what the face answers.

Whatever goes wrong here is said by the face, in its dialect's words. A client that hangs up stops no job.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any
from urllib.parse import parse_qsl

from msgspec import Struct, structs

from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Desk
from contracts.face import SOCKET, Answer, Call, Face, FaceRoute
from contracts.sender import Gone
from gateway.faces import socket
from gateway.faces.client import Client
from gateway.faces.file import pieces, served
from gateway.faces.path import Match, Paths
from gateway.ops.http import App, Receive, Scope, Send
from gateway.ops.room import Room

_NO_BODY = frozenset({204, 304})
#: What a form has around its files: boundaries, headers, and its fields of text.
_AROUND_FILES = 1024 * 1024
#: A body is handed over in such pieces where it matters whether its client stays to the end.
_PIECE = 256 * 1024


class Place(Struct, frozen=True, kw_only=True):
    """Where a door is: under a prefix, or at the root of a listener that may be bound to a team."""

    name: str
    prefix: str = ""
    team: str | None = None
    #: The bound listener answers under any host name.
    everywhere: bool = False


class Door:
    """Serves one face at one place: requests, and sockets where the face has any."""

    def __init__(self, face: Face, desk: Desk, room: Room, place: Place, *, max_body: int) -> None:
        """Take the face, what it may ask, where bodies are held, and how large one may be."""
        self._face = face
        self._desk = desk
        self._room = room
        self._place = place
        self._max_body = max_body
        self._paths = Paths(face.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or one socket."""
        client = Client(receive)
        try:
            await self._served(scope, receive, send, client)
        finally:
            client.close()

    async def _served(self, scope: Scope, receive: Receive, send: Send, client: Client) -> None:
        call = self._call(scope, client)
        try:
            answer = await self._answered(scope, receive, call)
        except Gone:
            return
        except CatalogError as error:
            answer = self._face.refused(call, error)
        except Exception as error:  # noqa: BLE001 - the outermost place of a request
            scope["state"]["error"] = error
            bug = CatalogError("gateway.internal", "Something failed inside the gateway.", reason="bug")
            answer = self._face.refused(call, bug)
        if answer.code is not None:
            scope["state"]["code"] = answer.code
        if answer.refuses_job:
            scope["state"]["makes_jobs"] = True
        if call.method != SOCKET:
            await self._sent(call, answer, client, send)
        elif answer.socket is not None:
            await socket.serve(answer.socket, scope, receive, send)
        else:
            await socket.refuse(answer, receive, send)

    def _call(self, scope: Scope, client: Client) -> Call:
        raw: str = scope["raw_path"].decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        return Call(
            method=SOCKET if scope["type"] == "websocket" else scope["method"],
            path=raw.removeprefix(self._place.prefix) or "/",
            request_id=scope["state"]["request_id"],
            headers={name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]},
            query=dict(parse_qsl(query, keep_blank_values=True, max_num_fields=64) if query else ()),
            sender=client,
        )

    async def _answered(self, scope: Scope, receive: Receive, call: Call) -> Answer:
        try:
            match = self._paths.match(call.path)
        except ValueError:
            raise CatalogError("request.malformed", "The path cannot be decoded.") from None
        scope["path_template"] = None if match.template is None else f"/{self._place.name}{match.template}"
        route = match.routes.get("GET" if call.method == "HEAD" else call.method)
        if route is None:
            return self._face.unknown(call, _methods(match))
        scope["state"]["makes_jobs"] = route.makes_jobs
        caller = await self._caller(call)
        call = structs.replace(call, params=match.params)
        if route.method == SOCKET:
            return await route.answer(call, caller)
        if route.files:
            async with aclosing(self._chunks(route, receive)) as chunks:
                return await route.answer(structs.replace(call, chunks=chunks), caller)
        return await route.answer(structs.replace(call, body=await self._body(scope, receive)), caller)

    async def _caller(self, call: Call) -> Caller:
        host, origin = call.headers.get("host"), call.headers.get("origin")
        key = self._face.key(call.headers)
        if key is None and self._place.team is not None:
            return await self._desk.access.guest(self._place.team, host, origin, everywhere=self._place.everywhere)
        return await self._desk.access.caller(key, host, origin)

    async def _chunks(self, route: FaceRoute, receive: Receive) -> AsyncGenerator[bytes]:
        """Yield the body as it comes: what a route has of it in memory it has one file at a time."""
        limit, read, more = route.files * self._max_body + _AROUND_FILES, 0, True
        try:
            while more:
                piece, more = await _piece(receive)
                self._room.take(len(piece))
                read += len(piece)
                if read > limit:
                    raise _too_large(limit)
                yield piece
        finally:
            # The last file is stored by the time that the end of the form is read.
            self._room.give_back(read)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        read, more = bytearray(), True
        while more:
            piece, more = await _piece(receive)
            self._room.take(len(piece))
            # Given back by `Observed` when the request is over.
            scope["state"]["held"] = scope["state"].get("held", 0) + len(piece)
            read += piece
            if len(read) > self._max_body:
                raise _too_large(self._max_body)
        return bytes(read)

    async def _sent(self, call: Call, answer: Answer, client: Client, send: Send) -> None:
        if answer.file is not None:
            try:
                how = served(answer.file, call.headers)
            except CatalogError as error:
                refused = self._face.refused(call, error)
                headers = {**refused.headers, "Content-Range": f"bytes */{answer.file.length}"}
                await self._sent(call, structs.replace(refused, headers=headers), client, send)
                return
            headers = {**answer.headers, **how.headers}
            frames = pieces(self._desk.assets, answer.file, how) if call.method != "HEAD" else None
            await _streamed(how.status, headers, frames, client, send)
        elif answer.frames is not None:
            await _streamed(answer.status, answer.headers, answer.frames, client, send)
        else:
            body = b"" if answer.status in _NO_BODY else answer.body
            headers = dict(answer.headers)
            if answer.status not in _NO_BODY:
                headers["Content-Length"] = str(len(body))
            await send(_start(answer.status, headers))
            if client.is_followed and call.method != "HEAD":
                body = await _all_but_the_end(body, send)
            await _ended(body if call.method != "HEAD" else b"", client, send)


async def _streamed(
    status: int,
    headers: Mapping[str, str],
    frames: AsyncGenerator[bytes] | None,
    client: Client,
    send: Send,
) -> None:
    """Send frames as they come, until they end or nobody reads them any more."""
    await send(_start(status, headers))
    if frames is not None:
        sending = asyncio.ensure_future(_send_all(frames, send))
        leaving = asyncio.ensure_future(client.gone())
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                return
            sending.result()
        finally:
            for task in (sending, leaving):
                task.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
    await _ended(b"", client, send)


async def _all_but_the_end(body: bytes, send: Send) -> bytes:
    """Send a large body piece by piece, each when the one before is on its way; return what is left of it."""
    sent = 0
    while len(body) - sent > _PIECE:
        await send({"type": "http.response.body", "body": body[sent : sent + _PIECE], "more_body": True})
        sent += _PIECE
    return body[sent:]


async def _ended(rest: bytes, client: Client, send: Send) -> None:
    """Send the end of an answer: it is written then, if anybody is there to take it."""
    if client.is_followed:
        # Who hung up while the rest was on its way is noticed before the end counts as written.
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": rest})
    client.answered()


async def _piece(receive: Receive) -> tuple[bytes, bool]:
    """Return the next piece of a body, and whether more of it follows."""
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    return message.get("body", b""), message.get("more_body", False)


def _too_large(limit: int) -> CatalogError:
    return CatalogError("request.too_large", f"A body may have at most {limit} bytes.", limit=limit)


async def _send_all(frames: AsyncGenerator[bytes], send: Send) -> None:
    async with aclosing(frames):
        async for frame in frames:
            await send({"type": "http.response.body", "body": frame, "more_body": True})


def _start(status: int, headers: Mapping[str, str]) -> dict[str, Any]:
    fields = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": fields}


def _methods(match: Match) -> list[str]:
    found = set(match.routes) - {SOCKET}
    return sorted(found | {"HEAD"} if "GET" in found else found)


class Doors:
    """Sends what is under a face's prefix to its door, and everything else to the application."""

    def __init__(self, app: App, doors: Mapping[str, Door]) -> None:
        """Take the doors by their prefixes."""
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        app: App | None = None
        if scope["type"] in ("http", "websocket"):
            app = self._doors.get("/" + scope["path"].lstrip("/").partition("/")[0])
        if app is None:
            app = socket.nowhere if scope["type"] == "websocket" else self._app
        await app(scope, receive, send)
