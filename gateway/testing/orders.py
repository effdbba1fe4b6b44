"""The line between a test run and its child processes: orders come, answers go, and its end is the child's end."""

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

#: A child that was told to end and has not is ended by force.
STUBBORN_S = 10.0
Obey = Callable[[dict[str, Any]], Awaitable[Any]]


async def obey(line: socket.socket, orders: Obey) -> None:
    """Carry out one order after another until the other end closes; what an order raises is its answer."""
    reader, writer = await asyncio.open_unix_connection(sock=line)
    while text := await reader.readline():
        try:
            answer = {"answer": await orders(msgspec.json.decode(text))}
        except Exception as error:  # noqa: BLE001 - the test that gave the order is told
            answer = {"error": f"{type(error).__name__}: {error}"}
        writer.write(msgspec.json.encode(answer) + b"\n")
        await writer.drain()
    writer.close()


def end() -> None:
    """End this process in good order, or by force where that takes too long."""
    stubborn = threading.Timer(STUBBORN_S, os._exit, (1,))
    stubborn.daemon = True
    stubborn.start()
    os.kill(os.getpid(), signal.SIGTERM)
