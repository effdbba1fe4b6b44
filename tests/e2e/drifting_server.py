"""A server in front of a sandbox that answers as the sandbox does, but for what a test changes: a release later."""

import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpx
import msgspec
from msgspec import Struct

_HOP = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "date", "server"}
)


class Passing(Struct):
    """An answer on its way, to be changed in place."""

    method: str
    path: str
    sent: bytes
    status: int
    headers: dict[str, str]
    body: bytes
    #: The connection is cut instead.
    is_cut: bool = False

    def change(self, **fields: Any) -> None:
        """Set fields of a JSON object; one set to `...` is taken out."""
        body: dict[str, Any] = {**msgspec.json.decode(self.body), **fields}
        self.body = msgspec.json.encode({name: value for name, value in body.items() if value is not ...})

    def say(self, body: Any) -> None:
        """Answer other JSON."""
        self.body = msgspec.json.encode(body)
        self.headers["content-type"] = "application/json"


Change = Callable[[Passing], None]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    client: ClassVar[httpx.Client]
    change: ClassVar[Change]

    def _passed(self) -> None:
        if self.headers.get("upgrade"):
            self._tunnelled()
            return
        sent = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", *_HOP)}
        answer = self.client.request(self.command, self.path, content=sent, headers=headers)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        passing = Passing(self.command, self.path, sent, answer.status_code, kept, answer.content)
        type(self).change(passing)
        if passing.is_cut:
            self.close_connection = True
            return
        self.send_response(passing.status)
        for name, value in passing.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(passing.body)))
        self.end_headers()
        self.wfile.write(passing.body)

    def _tunnelled(self) -> None:
        """Hand a socket on, byte by byte in both directions, until either side ends it."""
        url = self.client.base_url
        self.close_connection = True
        with socket.create_connection((url.host, url.port or 80)) as there:
            head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
            there.sendall(f"{self.requestline}\r\n{head}\r\n".encode())
            ends = {self.connection: there, there: self.connection}
            while ready := select.select([*ends], [], [], 5)[0]:
                for each in ready:
                    data = each.recv(65536)
                    if not data:
                        return
                    ends[each].sendall(data)

    do_GET = do_POST = do_DELETE = _passed  # noqa: N815 - the library's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Say nothing."""


@contextmanager
def drifting(target: str, change: Change) -> Iterator[str]:
    """Serve what `target` answers, changed; yield the address."""
    with httpx.Client(base_url=target, timeout=30, trust_env=False) as client:
        handler = type("Handler", (_Handler,), {"client": client, "change": staticmethod(change)})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
