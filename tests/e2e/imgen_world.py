"""An imgen of its own for a module, gateways before it, and jobs that run side by side."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.asked import begun, shown, spec
from tests.e2e.keyed import KeyedGateway
from tests.harness import GatewayProcess, SandboxProcess, backend

#: A run of five seconds takes a twelfth of one, and is asked after as often as the document says, at this speed.
SPEED = 60
QUICK = {"poll_interval_s": 0.1}


def wish(prompt: str, **fields: Any) -> dict[str, Any]:
    """Return a request for a picture of imgen."""
    return spec(prompt, on="imgen", **fields)


def ended(http: httpx.Client, bodies: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Begin all jobs at once, and return each as it ended."""
    jobs = {name: begun(http, body)["id"] for name, body in bodies.items()}
    return {name: shown(http, job_id, wait=40) for name, job_id in jobs.items()}


def receipts(job: Mapping[str, Any], by: str = "backend") -> dict[str, tuple[Any, Any, str]]:
    """Return a job's adjustments by pointer."""
    return {
        each["pointer"]: (each["requested"], each["applied"], each["why"])
        for each in job["adjustments"]
        if each["by"] == by
    }


def generated(sandbox: SandboxProcess, words: str) -> list[dict[str, Any]]:
    """Return the bodies of `generate` that bear some words."""
    return [call["body"] for call in sandbox.submits() if words in call["body"]["prompt"]]


@contextmanager
def imgen_sandbox(folder: Path, **how: Any) -> Iterator[SandboxProcess]:
    """Run an imgen."""
    sandbox = SandboxProcess("imgen", folder, speed=SPEED, **how)
    try:
        yield sandbox
    finally:
        sandbox.stop(5)


@contextmanager
def before_it(folder: Path, sandbox: SandboxProcess, *, keyed: bool = False, **review: bool) -> Iterator[Any]:
    """Run a gateway before an imgen, with what its settings say of reviews."""
    kind = KeyedGateway if keyed else GatewayProcess
    gateway = kind(folder, {"imgen": backend(sandbox, max_concurrency=32, timeouts=QUICK)}, settings={"review": review})
    try:
        yield gateway
    finally:
        gateway.stop()
