"""Things that happen to a gateway, for tests that look at what is seen of them."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

import httpx

from tests.e2e.asked import begun, made, shown, spec, wait_for
from tests.e2e.keyed import KeyedGateway
from tests.e2e.scraped import Want
from tests.harness import SandboxProcess

#: In every prompt: never told.
PROMPT = "heliotrope"


class World(NamedTuple):
    """What a situation is made of."""

    gateway: KeyedGateway
    http: httpx.Client
    sandboxes: dict[str, SandboxProcess]
    #: Closed when the samples were seen: what is only there for a while.
    held: ExitStack

    def ended(self, words: str = "", on: str = "ima2", **fields: Any) -> dict[str, Any]:
        """Make a job and return it as it ended."""
        return made(self.http, spec(f"{PROMPT} {words}", on=on, **fields))

    def begun(self, words: str, on: str, **fields: Any) -> dict[str, Any]:
        """Begin a job."""
        return begun(self.http, spec(f"{PROMPT} {words}", on=on, **fields))


class Situation(NamedTuple):
    """Something that happens, and what it moves."""

    act: Callable[[World], Any]
    moves: tuple[Want, ...]


def forced(sandbox: str, words: str, **rule: Any) -> Callable[[World], Any]:
    """Return the act of making a job while something is forced."""

    def act(world: World) -> Any:
        world.sandboxes[{"studio": "sdcpp"}.get(sandbox, sandbox)].force({"contains": PROMPT, **rule})
        return world.ended(words, on=sandbox)

    return act


def failed_over(world: World) -> None:
    """Let Studio fail, with ima2 beside it."""
    world.sandboxes["sdcpp"].force({"outcome": "storage_error", "contains": PROMPT})
    assert made(world.http, spec(f"{PROMPT} elsewhere", on=None, model="either"))["backend"] == "ima2"


def replayed(world: World) -> None:
    """Send the same twice."""
    for _ in range(2):
        made(world.http, spec(f"{PROMPT} twice"), Idempotency_Key="the-same")


def sent_again(world: World) -> None:
    """Send the same as an SDK does that has heard nothing of the first."""
    body = {"prompt": f"{PROMPT} again", "model": "ima2/gpt-5.4"}
    for number in "01":
        headers = {"x-stainless-retry-count": number}
        world.http.post("/openai/v1/images/generations", json=body, headers=headers).raise_for_status()


def crowded(world: World) -> None:
    """Fill a backend's slots, and let one more wait."""
    jobs = [world.begun(f"[[slow:900]] {number}", "ima2") for number in range(3)]
    for job in jobs:
        world.held.callback(world.http.post, f"/v1/jobs/{job['id']}/cancel")


#: When a job can be cancelled at its backend: imgen says nothing before its run has begun.
AT_WORK = {"studio": {"queued_at_backend", "model_load", "image"}, "imgen": {"submit", "queued_at_backend", "image"}}


def cancelled(on: str, seconds: int) -> Callable[[World], Any]:
    """Return the act of cancelling what a backend is at."""

    def act(world: World) -> Any:
        job = world.begun(f"[[slow:{seconds}]]", on)
        wait_for(lambda: shown(world.http, job["id"])["phase"] in AT_WORK[on], "work at the backend")
        return world.http.post(f"/v1/jobs/{job['id']}/cancel", headers={"Prefer": "wait=10"}).raise_for_status()

    return act
