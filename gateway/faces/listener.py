"""A listener of a face's own, in the same process and on the same event loop, and the file that tells of it."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from contracts.catalog import CatalogError
from gateway.faces.socket import SERVED
from gateway.ops.http import App

STOP_S = 5.0


class _Server(uvicorn.Server):
    """A server beside another one: signals are that one's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


class Listener:
    """Serves an application at an address of its own."""

    def __init__(self, app: App, host: str, port: int, *, advertised: tuple[Path, bytes] | None = None) -> None:
        """Take what is served, where, and the file that tells local clients of it."""
        self._host = host
        self._port = port
        self._advertised = advertised
        self._server = _Server(
            uvicorn.Config(
                app,
                http="httptools",
                **SERVED,
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                backlog=2048,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=int(STOP_S) - 1,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; raise `gateway.internal` when the address cannot be had."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self._host, self._port))
        except OSError as error:
            listening.close()
            detail = f"A face cannot listen on {self._host}:{self._port}: {error.strerror}"
            raise CatalogError("gateway.internal", detail, reason="settings") from None
        listening.setblocking(False)
        self._task = asyncio.create_task(self._server.serve(sockets=[listening]))
        if self._advertised is not None:
            _write(*self._advertised)

    async def stop(self) -> None:
        """Take no more requests, let those under way end, and take the file away."""
        if self._advertised is not None:
            path, content = self._advertised
            # Another server may have told of itself since: its file stays.
            with contextlib.suppress(OSError):
                if path.read_bytes() == content:
                    path.unlink()
        if self._task is not None:
            self._server.should_exit = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._task), STOP_S)


def _write(path: Path, content: bytes) -> None:
    """Put the file whole: whoever reads it reads all of it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(content)
    new.replace(path)
