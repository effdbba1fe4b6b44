"""A static upstream for benchmarks: it does as little as a server can, so that what is measured stands in front of it.

`/<bytes>-<delay in ms>/…` answers as ima2 HEAD does (`api/generate`) and as OpenAI Images does
(`v1/images/generations`), with a picture of so many bytes after so many milliseconds. `/studio/…` is sd.cpp Studio's
queue, whose jobs never end; `/fan` a stream of whatever is posted to `/fan`.

`python -m tests.bench.stub --port 9000` (paths without a prefix: `--bytes 200000 --delay 0.05`).
"""

import argparse
import asyncio
import json
from collections.abc import Callable
from functools import cache
from typing import Any, cast

import uvloop

from tests.bench.picture import Picture
from tests.bench.studio import Studio

HOST = "127.0.0.1"
_STATUS = {"status": "ready", "models": ["gpt-5.5", "gpt-5.4", "gpt-5.4-mini"]}
_PROVIDERS = {"apiKey": False, "oauth": True, "apiKeyDisabled": False, "apiKeySource": "none"}
_HERE = "<picture>"
_ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

#: The pieces of an answer, made when it is sent, and after how many seconds.
Reply = tuple[Callable[[], list[bytes]], float]


def prefix(length: int, delay_ms: int) -> str:
    """Return where pictures of a length and a delay are served."""
    return f"{length}-{delay_ms}"


def to_json(value: Any, status: bytes = b"200 OK") -> bytes:
    """Return a whole answer."""
    return answer(json.dumps(value, separators=(",", ":")).encode(), b"application/json; charset=utf-8", status)


def answer(body: bytes, media_type: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a whole answer."""
    return b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (status, media_type, len(body), body)


_MISSING = answer(b"<html><body><pre>Cannot GET</pre></body></html>\n", b"text/html", b"404 Not Found")


def _ima2(side: int) -> dict[str, Any]:
    return {
        "image": f"data:image/png;base64,{_HERE}",
        "elapsed": "0.0",
        "filename": "1795232753933_9b2e7490_0.png",
        "requestId": "r",
        "usage": {"input_tokens": 50, "output_tokens": 120, "total_tokens": 170},
        "provider": "oauth",
        "webSearchCalls": 0,
        "quality": "medium",
        "size": f"{side}x{side}",
        "moderation": "auto",
        "model": "gpt-5.4",
        "warnings": [],
        "revisedPrompt": None,
        "promptMode": "auto",
        "webSearchEnabled": True,
    }


def _openai() -> dict[str, Any]:
    details = {"text_tokens": 50, "image_tokens": 0}
    usage = {"input_tokens": 50, "output_tokens": 120, "total_tokens": 170, "input_tokens_details": details}
    return {"created": 1795232753, "data": [{"b64_json": _HERE, "revised_prompt": None}], "usage": usage}


@cache
def _picture(length: int) -> Picture:
    return Picture(length)


def _with_picture(body: dict[str, Any], picture: Picture) -> Callable[[], list[bytes]]:
    """Return what makes an answer with a fresh picture in it, without touching the picture's bytes again."""
    head, tail = json.dumps(body, separators=(",", ":")).encode().split(_HERE.encode())
    length = len(head) + picture.base64_length + len(tail)
    start = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % length
    before, after = start + head + picture.before, picture.after + tail
    return lambda: [before, picture.comment(), after]


@cache
def _static(place: str, path: str, default: tuple[int, int]) -> Reply:
    length, _, delay_ms = place.partition("-")
    if length.isdecimal() and delay_ms.isdecimal():
        default = int(length), int(delay_ms)
    picture = _picture(default[0])
    bodies = {"/api/generate": _ima2(picture.side), "/v1/images/generations": _openai()}
    if path in bodies:
        return _with_picture(bodies[path], picture), default[1] / 1000
    quick = {"/api/oauth/status": _STATUS, "/api/providers": _PROVIDERS}
    found = to_json(quick[path]) if path in quick else _MISSING
    return lambda: [found], 0.0


class Upstream:
    """What all connections share."""

    def __init__(self, default: tuple[int, int]) -> None:
        """Take the length and the delay (in ms) of paths that name none."""
        self.default = default
        self.studio = Studio()
        self.listeners: set[asyncio.Transport] = set()

    def reply(self, method: str, path: str, body: bytes, transport: asyncio.Transport) -> Reply:
        """Return what to answer, and when."""
        first, _, rest = path[1:].partition("/")
        if first == "studio":
            found = to_json(self.studio.answer(method, "/" + rest))
            return lambda: [found], 0.0
        if first == "fan":
            return self._fan(method, body, transport), 0.0
        if first[:1].isdecimal():
            return _static(first, "/" + rest, self.default)
        return _static("", path, self.default)

    def _fan(self, method: str, body: bytes, transport: asyncio.Transport) -> Callable[[], list[bytes]]:
        if method == "GET":
            self.listeners.add(transport)
            return lambda: [_ENDLESS]
        piece = b"%x\r\n%b\r\n" % (len(body), body)
        for listener in self.listeners:
            listener.write(piece)
        return lambda: [to_json(len(self.listeners))]


class Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self, upstream: Upstream) -> None:
        """Take what is answered."""
        self._upstream = upstream
        self._read = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports are asyncio's in all but name.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        del exc
        if self._transport is not None:
            self._upstream.listeners.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._read[:end])
            length = _content_length(head)
            if len(self._read) < end + 4 + length:
                return
            body = bytes(self._read[end + 4 : end + 4 + length])
            del self._read[: end + 4 + length]
            self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if self._transport is None:
            return
        method, path, _ = head.decode("latin-1").split(" ", 2)
        make, delay_s = self._upstream.reply(method, path.partition("?")[0], body, self._transport)
        if delay_s:
            asyncio.get_running_loop().call_later(delay_s, self._write, make)
        else:
            self._write(make)

    def _write(self, make: Callable[[], list[bytes]]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.writelines(make())


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    at = lowered.find(b"content-length:")
    return int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def serve(port: int, default: tuple[int, int]) -> None:
    """Serve until the process ends."""
    upstream = Upstream(default)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(upstream), HOST, port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--bytes", type=int, default=200_000)
    parser.add_argument("--delay", type=float, default=0, help="in seconds")
    asked = parser.parse_args()
    uvloop.run(serve(asked.port, (asked.bytes, round(asked.delay * 1000))))
