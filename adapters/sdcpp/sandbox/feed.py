"""The socket `/ws`: channels to subscribe to, no key, no replay, no event for what clients do (wire §7.9)."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import WSMsgType, web

PING_S = 30.0


class Feed:
    """The sockets that are open, each with its channels."""

    def __init__(self, channels: tuple[str, ...], *, now: Callable[[], float]) -> None:
        """Take the channels that the greeting names, and the clock."""
        self._channels = channels
        self._now = now
        self._sockets: dict[web.WebSocketResponse, set[str]] = {}
        self._sending: set[asyncio.Task[None]] = set()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket to its end; a client that does not answer the ping of every 30 s is dropped."""
        socket = web.WebSocketResponse(heartbeat=PING_S, compress=False)
        await socket.prepare(request)
        self._sockets[socket] = set()
        try:
            await self._send(
                socket, {"type": "connected", "channels": list(self._channels), "timestamp": self._stamp()}
            )
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._heard(socket, message.data)
        finally:
            self._sockets.pop(socket, None)
        return socket

    async def _heard(self, socket: web.WebSocketResponse, data: str) -> None:
        try:
            message = msgspec.json.decode(data)
        except msgspec.DecodeError:
            return
        kind, channel = (message.get("type"), message.get("channel")) if isinstance(message, dict) else (None, None)
        # Any name makes a channel.
        if kind == "subscribe" and isinstance(channel, str) and channel:
            self._sockets[socket].add(channel)
            await self._send(socket, {"type": "subscribed", "channel": channel, "timestamp": self._stamp()})
        elif kind == "unsubscribe":
            self._sockets[socket].discard(str(channel))
        elif kind == "ping":
            await self._send(socket, {"type": "pong", "timestamp": self._stamp()})

    def announce(self, channel: str, kind: str, data: dict[str, Any]) -> None:
        """Tell the subscribers of a channel, without waiting for any of them."""
        for socket, channels in list(self._sockets.items()):
            if channel in channels:
                task = asyncio.ensure_future(self._send(socket, {"channel": channel, "type": kind, "data": data}))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _send(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        try:
            await socket.send_str(msgspec.json.encode(message).decode())
        except ConnectionError:
            self._sockets.pop(socket, None)

    def _stamp(self) -> int:
        return int(self._now() * 1000)
