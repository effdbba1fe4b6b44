"""An ima2 client as the documents show one, and what its answers are checked by."""

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.drawn import media_of
from tests.e2e.keyed import KeyedGateway
from tests.harness import GatewayProcess, SandboxProcess, backend

#: The body that both documents show.
SEED: dict[str, Any] = {
    "prompt": "a shiba in space", "quality": "medium", "size": "1024x1024", "format": "png", "moderation": "low",
    "provider": "oauth", "model": "gpt-5.4", "references": [],
}  # fmt: skip


class Clients:
    """Makes clients of the face, each with its team's token where ima2 clients put it."""

    def __init__(self, keyed: KeyedGateway) -> None:
        """Take the gateway that knows the teams."""
        self._keyed = keyed
        self._made: dict[tuple[str, ...], httpx.Client] = {}

    def __call__(self, team: str, *options: str) -> httpx.Client:
        """Return a team's client, always the same for the same options."""
        wanted = (team, *options)
        if wanted not in self._made:
            token = self._keyed.client(team, *options).headers["authorization"].removeprefix("Bearer ")
            headers = {"x-ima2-token": token}
            url = f"{self._keyed.url}/ima2"
            self._made[wanted] = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)
        return self._made[wanted]

    def close(self) -> None:
        """Close them all."""
        for client in self._made.values():
            client.close()


@contextlib.contextmanager
def before_the_newest(folder: Path) -> Iterator[GatewayProcess]:
    """Run a gateway in open mode before one server of the newest build, with all three accounts."""
    sandbox = SandboxProcess("ima2", folder, speed=60, profile="new")
    gateway = GatewayProcess(folder / "gateway", {"ima2": backend(sandbox)})
    try:
        yield gateway
    finally:
        gateway.stop()
        sandbox.stop()


def picture_of(data_url: str) -> bytes:
    """Return the bytes of a data URL, after checking that they are what it says."""
    head, _, text = data_url.partition(",")
    data = base64.b64decode(text, validate=True)
    assert head == f"data:{media_of(data).media_type};base64"
    return data


def frames(response: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """Return the frames of a stream that ended; nothing else may be in it."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    found = []
    for block in response.text.removesuffix("\n\n").split("\n\n"):
        head, data = block.split("\n")
        assert head.startswith("event: ")
        assert data.startswith("data: ")
        found.append((head[7:], json.loads(data[6:])))
    return found
