"""One piece of work for every route of ima2, on every build, and how often a server was asked for it."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.e2e.drawn import png
from tests.harness import GatewayProcess, SandboxProcess, backend

BUILDS = ("tag", "head", "new")
PATHS = {
    "generate": "/api/generate",
    "edit": "/api/edit",
    "node": "/api/node/generate",
    "multimode": "/api/generate/multimode",
    "video": "/api/video/generate",
}


class Work(NamedTuple):
    """What is made on a build, by a route."""

    build: str
    route: str

    def wish(self, words: str) -> dict[str, Any]:
        """Return the request: small, and in another format than comes inline where the route has a choice."""
        wanted: dict[str, Any] = {
            "operation": "image.generate",
            "prompt": words,
            "size": {"width": 64, "height": 64},
            "route": {"backends": [self.build], "accounts": ["oauth"]},
        }
        match self.route:
            case "generate":
                return {**wanted, "n": 2, "output": {"format": "jpeg"}}
            case "edit":
                source = {"role": "source", "data": base64.b64encode(png()).decode()}
                return {**wanted, "operation": "image.edit", "inputs": [source]}
            case "multimode":
                return {**wanted, "n": 2, "options": {"ima2": {"multimode": True}}}
            case "node":
                return {**wanted, "options": {"ima2": {"node": True}}}
            case _:
                film = {"operation": "video.generate", "prompt": words, "video": {"duration_s": 1}}
                return {**film, "route": {"backends": [self.build]}}

    @property
    def pictures(self) -> int:
        """How many come."""
        return 2 if self.route in ("generate", "multimode") else 1

    @property
    def calls(self) -> int:
        """How many calls upstream that costs: a sequence is one."""
        return 2 if self.route == "generate" else 1


WORKS = [
    *(Work(build, route) for build in BUILDS for route in ("generate", "edit", "node", "multimode")),
    Work("new", "video"),
]


class Servers:
    """One sandbox of each build, and what reached them."""

    def __init__(self, running: Mapping[str, SandboxProcess]) -> None:
        """Take them."""
        self.running = dict(running)

    def backends(self) -> dict[str, dict[str, Any]]:
        """Return them as backends."""
        return {name: backend(sandbox, max_concurrency=16) for name, sandbox in self.running.items()}

    def http(self, build: str) -> httpx.Client:
        """Return a client of one."""
        return self.running[build].http

    def phases(self, build: str) -> dict[str, str]:
        """Return the phase of each request that a server has in hand."""
        return {row["requestId"]: row["phase"] for row in self.http(build).get("/api/inflight").json()["jobs"]}

    def asked(self, work: Work, job_id: str) -> list[str]:
        """Return the request ids with which work of a job was sent to a server, one for each time."""
        calls = self.running[work.build].calls("POST", PATHS[work.route])
        found = [str((call["body"] or {}).get("requestId")) for call in calls if call["path"] == PATHS[work.route]]
        return [each for each in found if each.startswith(job_id)]

    def paid(self, work: Work, request_id: str) -> int:
        """Return how many pictures or films the server asked its upstream for."""
        calls = self.http(work.build).get("/_sandbox/upstream", params={"requestId": request_id}).json()["calls"]
        return sum(call["step"] in ("image", "video") for call in calls)

    def die(self) -> None:
        """Kill them all."""
        for sandbox in self.running.values():
            sandbox.kill()

    def rise(self) -> None:
        """Start them anew on what they left."""
        self.running = {name: sandbox.restarted() for name, sandbox in self.running.items()}


@contextmanager
def servers(folder: Path, *, speed: float, builds: tuple[str, ...] = BUILDS) -> Iterator[Servers]:
    """Run one sandbox of each build, and end them afterwards."""
    found = Servers({})
    try:
        for build in builds:
            found.running[build] = SandboxProcess("ima2", folder / build, speed=speed, profile=build)
        yield found
    finally:
        for sandbox in found.running.values():
            sandbox.stop(5)


def begin(gateway: GatewayProcess, works: list[Work], words: str) -> dict[Work, str]:
    """Create a job for each; a gateway that dies on the way leaves the last of them without an answer."""
    jobs = {}
    for work in works:
        body = work.wish(f"{words} {work.build} {work.route}")
        answer = gateway.http.post("/v1/jobs", json=body)
        assert answer.status_code == 202, answer.text
        jobs[work] = answer.json()["id"]
    return jobs
