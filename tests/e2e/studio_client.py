"""A client of sd.cpp Studio, pointed at the face: teams, uploads, and a socket that is listened to."""

import json
import threading
from types import TracebackType
from typing import Any, Self

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.e2e.asked import wait_for
from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway

#: The body that seed 002 shows.
SEED: dict[str, Any] = {
    "prompt": "a shiba in space", "model": "qwen-image", "size": "512x512", "n": 1, "quality": "auto",
}  # fmt: skip
ENDED = ("completed", "failed", "cancelled")


class Studios:
    """Makes clients of the face, each with its team's key where Studio's clients put it."""

    def __init__(self, keyed: KeyedGateway) -> None:
        """Take the gateway that knows the teams."""
        self._keyed = keyed
        self._made: dict[tuple[str, ...], httpx.Client] = {}

    def __call__(self, team: str, *options: str) -> httpx.Client:
        """Return a team's client, always the same for the same options."""
        wanted = (team, *options)
        if wanted not in self._made:
            token = self._keyed.client(team, *options).headers["authorization"].removeprefix("Bearer ")
            url = f"{self._keyed.url}/sdcpp"
            self._made[wanted] = httpx.Client(base_url=url, headers={"X-Api-Key": token}, timeout=60, trust_env=False)
        return self._made[wanted]

    def close(self) -> None:
        """Close them all."""
        for client in self._made.values():
            client.close()


def queued(http: httpx.Client, body: dict[str, Any]) -> str:
    """Queue a picture and return its id."""
    answer = http.post("/api/queue/generate", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"job_id", "status"}
    return str(answer.json()["job_id"])


def uploaded(http: httpx.Client, path: str, fields: dict[str, str], **files: bytes) -> httpx.Response:
    """Send a form with pictures."""
    return http.post(
        path, data=fields, files={name: (f"{name}.png", data, "image/png") for name, data in files.items()}
    )


def row(http: httpx.Client, job_id: str) -> dict[str, Any]:
    """Return a job's row."""
    found: dict[str, Any] = http.get(f"/api/queue/{job_id}").raise_for_status().json()
    return found


def ended(http: httpx.Client, job_id: str) -> dict[str, Any]:
    """Return a job's row once it has ended."""
    found: dict[str, Any] = wait_for(
        lambda: shown if (shown := row(http, job_id))["status"] in ENDED else None, "an end", 30
    )
    return found


def made(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    """Queue a picture and return its row once it is there."""
    found = ended(http, queued(http, {"prompt": "a red fox", "size": "64x64", **fields}))
    assert found["status"] == "completed", found["error"]
    return found


def picture(side: int = 64) -> bytes:
    """Return a picture to send."""
    return png(side, side)


class Ear:
    """A socket with a thread that writes down what comes."""

    def __init__(self, http: httpx.Client, *channels: str, **how: Any) -> None:
        """Connect with a client's key and subscribe to channels."""
        url = str(http.base_url).replace("http", "ws", 1).rstrip("/") + "/ws"
        headers = {name: http.headers[name] for name in ("x-api-key",) if name in http.headers}
        self._socket: ClientConnection = connect(
            url, additional_headers={**headers, **how.pop("headers", {})}, proxy=None, legacy=True, **how
        )
        self.heard: list[dict[str, Any]] = []
        self.closed: int | None = None
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        for channel in channels:
            self.say({"type": "subscribe", "channel": channel})
        wait_for(lambda: len(self.heard) > len(channels), "the greeting and what was subscribed")

    def _listen(self) -> None:
        try:
            for text in self._socket:
                self.heard.append(json.loads(text))
        except ConnectionClosed:
            pass
        self.closed = self._socket.close_code

    def say(self, message: Any) -> None:
        """Send a message; a text goes as it is."""
        self._socket.send(message if isinstance(message, str | bytes) else json.dumps(message))

    def of(self, job_id: str) -> list[tuple[str, str]]:
        """Return what was told of a job: event and status."""
        told = [each for each in list(self.heard) if each.get("data", {}).get("id") == job_id]
        return [(each["type"], each["data"]["status"]) for each in told]

    def until(self, job_id: str, kind: str) -> list[tuple[str, str]]:
        """Wait for an event of a job and return all that was told of it."""
        wait_for(lambda: kind in [event for event, _ in self.of(job_id)], kind)
        return self.of(job_id)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _where: TracebackType | None) -> None:
        self.close()
