"""Where OpenAI's own clients work: a gateway with keys before all dialects, films included, with names they know.

Each client has backends of its own: what one of them provokes opens no circuit of another's.
"""

import io
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from tests.e2e.asked import begun, shown, spec, wait_for
from tests.e2e.keyed import KeyedGateway, make_key
from tests.e2e.openai_calls import Case
from tests.e2e.scraped import Scrape, Want
from tests.harness import SandboxProcess, backend, free_port

SPEED = 60
CLIENTS = ("sync", "async", "node")
QUICK = {"poll_interval_s": 0.1}
#: What clients of OpenAI ask for, and what it is here.
ALIASES = {
    "gpt-image-1": ["ima2/gpt-5.4"],
    "gpt-image-1-mini": ["studio/z-image-turbo"],
    "sora-2": ["grok/grok-imagine-video"],
}
MAX_BODY = 2 * 1024 * 1024


class OpenAIWorld(KeyedGateway):
    """The gateway, and whose key a client has."""

    def __init__(self, folder: Path, sandboxes: Mapping[str, SandboxProcess], grok: SandboxProcess) -> None:
        """Start it."""
        self.sandboxes = sandboxes
        self.grok = grok
        backends: dict[str, Any] = {"grok": backend(grok)}
        for end in ("", *(f"-{client}" for client in CLIENTS)):
            backends[f"studio{end}"] = backend(sandboxes["sdcpp"], max_concurrency=64)
            backends[f"ima2{end}"] = backend(sandboxes["ima2"], max_concurrency=64)
            backends[f"imgen{end}"] = backend(sandboxes["imgen"], max_concurrency=64, timeouts=QUICK)
        for client in CLIENTS:
            # One whose circuit may open, and one that is given up early.
            backends[f"shaky-{client}"] = backend(sandboxes["ima2"])
            backends[f"hasty-{client}"] = backend(sandboxes["imgen"], timeouts={**QUICK, "attempt_s": 1})
        settings = {"aliases": ALIASES, "server": {"max_upload_bytes": MAX_BODY}}
        super().__init__(folder, backends, settings=settings)
        self.token_of = cache(lambda team, *options: make_key(self.data_dir, team, *options)[1])

    @property
    def openai_url(self) -> str:
        """What a client is told instead of `https://api.openai.com/v1`."""
        return f"{self.url}/openai/v1"

    def case(self, name: str, team: str, **how: Any) -> Case:
        """Return a call by a client of a team."""
        how = {"key": self.token_of(team), "base_url": self.openai_url, **how}
        return Case(name=name, **how)

    def environment(self, team: str) -> dict[str, str]:
        """Return what a program finds the gateway by, as the SDKs read it."""
        return {"OPENAI_BASE_URL": self.openai_url, "OPENAI_API_KEY": self.token_of(team)}

    def jobs(self, team: str) -> list[dict[str, Any]]:
        """Return a team's jobs, the newest first."""
        http = self.client(team)
        found: list[dict[str, Any]] = http.get("/v1/jobs", params={"limit": 100}).raise_for_status().json()["jobs"]
        return found

    def counted(self, family: str, **labels: str) -> float:
        """Return what a metric says."""
        assert self.http is not None
        return Scrape(self.http).value(Want(family, labels)) or 0


class Strained:
    """Gateways in trouble: two whose only backend is dead, one of them to be broken, and one with room for one job."""

    def __init__(self, folder: Path, ima2: dict[str, Any]) -> None:
        """Start them."""
        dead = {"dialect": "ima2", "base_url": f"http://127.0.0.1:{free_port()}"}
        self.lonely = KeyedGateway(folder / "lonely", {"gone": dead})
        self.broken = KeyedGateway(folder / "broken", {"gone": dead})
        narrow = {"limits": {"queued_per_team": 1, "queued_total": 1}}
        self.narrow = KeyedGateway(folder / "narrow", {"ima2": {**ima2, "max_concurrency": 1}}, settings=narrow)
        full = self.narrow.client("full")
        first = begun(full, spec("[[slow:6000]] a fox"))
        wait_for(lambda: shown(full, first["id"])["state"] == "running", "a job at work")
        begun(full, spec("it waits"))

    def close(self) -> None:
        """End them."""
        self.lonely.stop()
        self.broken.stop()
        self.narrow.kill()


def fetched(url: str) -> httpx.Response:
    """Follow a link that was handed out, without any key."""
    with httpx.Client(trust_env=False, timeout=30) as http:
        return http.get(url)


def transparent(width: int = 48, height: int = 40) -> bytes:
    """Return a PNG that is transparent all over: as a mask, it leaves everything to be changed."""
    out = io.BytesIO()
    Image.new("RGBA", (width, height), (0, 0, 0, 0)).save(out, format="png")
    return out.getvalue()
