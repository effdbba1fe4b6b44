"""Two gateways in a row that speak as sd.cpp Studio does, and every sandbox behind the second."""

from pathlib import Path
from typing import Any

import httpx

from tests.e2e.keyed import KeyedGateway
from tests.harness import GatewayProcess, SandboxProcess, backend, free_port

SPEED = 60
#: Who stands at the far end, and the dialect of it.
FAR = {"head": "sdcpp", "seed": "sdcpp", "ima2": "ima2", "new": "ima2", "imgen": "imgen"}
PROFILES = {"head": "head", "seed": "seed", "ima2": "head", "new": "new"}
#: A model of each that makes pictures from words, and from pictures where anybody does.
MODELS = {"head": "qwen-image", "seed": "qwen-image", "ima2": "gpt-5.4", "new": "gpt-5.4", "imgen": "auto"}
SMALL = {"width": 64, "height": 64}
BEGINNINGS = {"/api/generate", "/api/edit", "/api/v2", *(f"/api/queue/{kind}" for kind in ("generate", "edit",
              "variation", "upscale"))}  # fmt: skip


class Chain:
    """Two gateways, and what stands behind the second; each far end is a backend of the first, with its own key."""

    def __init__(self, outer: GatewayProcess, inner: KeyedGateway, far: dict[str, SandboxProcess]) -> None:
        """Take them."""
        self.outer = outer
        self.inner = inner
        self.far = far
        self.successor: GatewayProcess | None = None

    @property
    def http(self) -> httpx.Client:
        """Return a client of the gateway in front."""
        assert self.outer.http is not None
        return self.outer.http

    def stop(self) -> None:
        """End everything."""
        self.outer.stop()
        (self.successor or self.inner).stop()
        for each in self.far.values():
            each.stop(5)

    def behind(self, name: str) -> httpx.Client:
        """Return a client of the inner gateway whose jobs are those of one far end."""
        return self.inner.client(f"far-{name}", "--backend", name)

    def jobs(self, name: str) -> list[dict[str, Any]]:
        """Return the inner gateway's jobs for a far end, newest first."""
        found: list[dict[str, Any]] = self.behind(name).get("/v1/jobs", params={"limit": 100}).json()["jobs"]
        return found

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Return the table of a far end that is a Studio."""
        http = self.far[name].http
        assert http is not None
        jobs: list[dict[str, Any]] = http.get("/api/queue").json()["jobs"]
        return jobs

    def asked(self, name: str) -> int:
        """Return how often a far end was asked to begin work."""
        calls = self.far[name].calls("POST")
        if name == "imgen":
            calls = [call for call in calls if (call["body"] or {}).get("action") == "generate"]
        return sum(call["path"] in BEGINNINGS for call in calls)

    def kill_inner(self) -> None:
        """Kill the inner gateway, and start it anew on what it left: keys are in its directory."""
        (self.successor or self.inner).kill()
        self.successor = self.inner.restarted()


def chained(folder: Path) -> Chain:
    """Start the whole of it. One far end is reached by the face's own listener, the others by the main one."""
    far = {
        name: SandboxProcess(dialect, folder / name, speed=SPEED, profile=PROFILES.get(name))
        for name, dialect in FAR.items()
    }
    port = free_port()
    behind = {name: backend(each, max_concurrency=16) for name, each in far.items()}
    settings = {"faces": {"sdcpp": {"listen": f"127.0.0.1:{port}", "team": "nobody"}}}
    inner = KeyedGateway(folder / "inner", behind, settings=settings)
    keys = {
        f"FAR_{name.upper()}": inner.client(f"far-{name}", "--backend", name).headers["authorization"].split()[1]
        for name in FAR
    }
    face = {"dialect": "sdcpp", "timeouts": {"submit_interval_s": 0.001}, "max_concurrency": 32}
    outer = GatewayProcess(
        folder / "outer",
        {
            name: face
            | {
                "base_url": f"http://127.0.0.1:{port}" if name == "seed" else f"{inner.url}/sdcpp",
                "api_key": {"env": f"FAR_{name.upper()}"},
            }
            for name in FAR
        },
        env=keys,
    )
    return Chain(outer, inner, far)


def wish(on: str, prompt: str = "a red fox", **fields: Any) -> dict[str, Any]:
    """Return a request for a picture, by one far end; small where it makes small ones."""
    model = {} if MODELS[on] == "auto" else {"model": f"{on}/{MODELS[on]}"}
    size = {"size": SMALL} if FAR[on] == "sdcpp" else {}
    route = {"route": {"failover": False, "backends": [on]}}
    return {"operation": "image.generate", "prompt": prompt, **model, **size, **route, **fields}
