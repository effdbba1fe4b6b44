"""Clients that hang up: requests on a socket of their own, which can be cut whenever a test wants it."""

import json
import socket
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.asked import wait_for
from tests.e2e.scraped import Scrape, want

GENERATIONS = "/openai/v1/images/generations"
AGAIN = {"x-stainless-retry-count": "1"}


def form(fields: Mapping[str, str], picture: bytes) -> tuple[bytes, str]:
    """Return a form with a picture, and its type; no two have the same boundary, as SDKs write them."""
    boundary = uuid4().hex
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in fields.items()]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
    body = "".join(parts).encode() + head.encode() + b"Content-Type: image/png\r\n\r\n" + picture
    return body + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


class Line:
    """One request on its way to a gateway, and nobody who must read its answer."""

    def __init__(
        self, http: httpx.Client, path: str, body: Any, headers: Mapping[str, str] = {}, *, kind: str = ""
    ) -> None:
        """Connect and send; `body` is JSON unless it is bytes of a `kind`."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {
            "Host": f"{http.base_url.host}:{http.base_url.port}",
            "Content-Type": kind or "application/json",
            "Content-Length": str(len(data)),
            **({"Authorization": http.headers["authorization"]} if "authorization" in http.headers else {}),
            **headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
        self._http = http
        self._path = path.split("?", maxsplit=1)[0]
        self.socket = socket.create_connection((http.base_url.host, http.base_url.port or 80), timeout=30)
        self.socket.sendall(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + data)

    def hear(self, words: bytes) -> None:
        """Read until some words of the answer came."""
        heard = b""
        while words not in heard:
            piece = self.socket.recv(65_536)
            assert piece, heard[-500:]
            heard += piece

    def hang_up(self, operator: httpx.Client | None = None) -> None:
        """Hang up; the gateway has noticed when this returns. Its metrics are for who may see them."""
        watching = operator or self._http
        before = self._over(watching)
        self.socket.close()
        wait_for(lambda: self._over(watching) > before, "the gateway to notice that its client hung up")

    def _over(self, http: httpx.Client) -> float:
        """Return how many requests of this address are over: answered, cut, or aborted before an answer began."""
        return Scrape(http).value(want("http_requests", route=self._path, method="POST")) or 0


def made_of(http: httpx.Client, prompt: str) -> list[dict[str, Any]]:
    """Return the jobs of a prompt, newest first."""
    jobs = http.get("/v1/jobs", params={"limit": 200}).raise_for_status().json()["jobs"]
    return [each for each in jobs if each["spec"].get("prompt") == prompt]


def under_way(http: httpx.Client, prompt: str, count: int = 1) -> dict[str, Any]:
    """Return the newest job of a prompt as soon as there are so many."""
    found: list[dict[str, Any]] = wait_for(
        lambda: jobs if len(jobs := made_of(http, prompt)) >= count else None, f"{count} jobs"
    )
    return found[0]
