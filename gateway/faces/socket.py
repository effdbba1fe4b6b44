"""Sockets of faces: accepted and served to their end, or refused with the answer that the face gives instead."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from contracts.catalog import CatalogError
from contracts.face import Answer, Socket
from gateway.ops.http import Receive, Scope, Send

#: How the HTTP server takes sockets: short texts come in, and a peer that does not answer the ping of every 30 s goes.
SERVED: dict[str, Any] = {
    "ws": "websockets-sansio",
    "ws_max_size": 64 * 1024,
    "ws_ping_interval": 30.0,
    "ws_ping_timeout": 30.0,
    "ws_per_message_deflate": False,
}
_GOING_AWAY = 1001
_FAILED = 1011


async def serve(socket: Socket, scope: Scope, receive: Receive, send: Send) -> None:
    """Tell what is told and answer what is heard, until the client leaves or nothing more is told."""
    if (await receive())["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    out = _Out(send)
    telling = asyncio.ensure_future(_tell(socket, out))
    hearing = asyncio.ensure_future(_hear(socket, receive, out))
    code = _GOING_AWAY
    try:
        await asyncio.wait((telling, hearing), return_when=asyncio.FIRST_COMPLETED)
        for task in (telling, hearing):
            if task.done():
                task.result()
    except OSError:
        # The client left while it was being told something.
        return
    except Exception as error:  # noqa: BLE001 - the outermost place of a socket
        scope["state"]["error"] = error
        code = _FAILED
    finally:
        left = hearing.done() and code != _FAILED
        for task in (telling, hearing):
            task.cancel()
        await asyncio.gather(telling, hearing, return_exceptions=True)
    if not left:
        await send({"type": "websocket.close", "code": code})


class _Out:
    """One text at a time goes out."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._turn = asyncio.Lock()

    async def put(self, texts: Sequence[str]) -> None:
        async with self._turn:
            for text in texts:
                await self._send({"type": "websocket.send", "text": text})


async def _tell(socket: Socket, out: _Out) -> None:
    async with aclosing(socket.told) as told:
        async for text in told:
            await out.put((text,))


async def _hear(socket: Socket, receive: Receive, out: _Out) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        text = message.get("text")
        if text is not None:
            await out.put(socket.heard(text))


async def refuse(answer: Answer, receive: Receive, send: Send) -> None:
    """Answer instead of accepting."""
    if (await receive())["type"] != "websocket.connect":
        return
    headers = {**answer.headers, "Content-Length": str(len(answer.body))}
    fields = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "websocket.http.response.start", "status": answer.status, "headers": fields})
    await send({"type": "websocket.http.response.body", "body": answer.body})


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a socket where no face is: the gateway's own interface has none."""
    error = CatalogError("resource.not_found", "There is no socket at this address.")
    scope["state"]["code"] = error.code
    body = msgspec.json.encode(error.problem(instance=scope["state"]["request_id"]))
    headers = {"Content-Type": "application/problem+json", "X-Should-Retry": "false"}
    await refuse(Answer(status=error.status, body=body, headers=headers), receive, send)
