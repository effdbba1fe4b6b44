"""kill -9 at any moment, again and again, with many jobs in the air: all of them end, none is sent twice."""

import random
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.harness import GatewayProcess, SandboxProcess, backend

JOBS = 12
KILLS = 3
TERMINAL = {"succeeded", "failed", "blocked", "cancelled"}


def identity(dialect: str, body: dict[str, Any]) -> str:
    """Return what tells one submit of a dialect from another."""
    return str({"ima2": body.get("requestId"), "sdcpp": body.get("seed"), "imgen": body.get("prompt")}[dialect])


@pytest.mark.parametrize("kind", ["ima2", "ima2_new", "sdcpp", "imgen"])
def test_many_jobs_survive_kills_at_random_moments(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Every accepted job ends; what could be asked about succeeds; no submit reaches the backend twice."""
    sandbox: SandboxProcess = request.getfixturevalue(kind)
    before = len(sandbox.submits())
    chance = random.Random(kind)  # noqa: S311 - moments, not secrets
    gateway = GatewayProcess(tmp_path, {"only": backend(sandbox, max_concurrency=6)})
    accepted = [gateway.create(f"picture {number} of {kind}")["id"] for number in range(JOBS)]
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.02, 0.6))
        gateway.kill()
        gateway = gateway.restarted()
    try:
        jobs = [gateway.job(job_id, wait=60) for job_id in accepted]
    finally:
        gateway.stop()
    assert {job["state"] for job in jobs} <= {"succeeded", "failed"}
    failed = [job["error"] for job in jobs if job["state"] == "failed"]
    if kind == "imgen":
        # Only a run whose id was never written down cannot be asked about; it ends honestly, and is not sent again.
        assert all(error["outcome"] == "unknown" for error in failed)
        assert len(failed) < JOBS
    else:
        assert failed == []
    sent = Counter(identity(sandbox.dialect, call["body"]) for call in sandbox.submits()[before:])
    assert set(sent.values()) == {1}, sent
    assert len(sent) <= JOBS


def test_a_killed_studio_loses_its_jobs_and_they_are_done_anew(tmp_path: Path) -> None:
    """A Studio that restarts fails its rows; they never finished, so the gateway may submit them again."""
    studio = SandboxProcess("sdcpp", tmp_path / "studio", speed=4)
    gateway = GatewayProcess(tmp_path / "gateway", {"studio": backend(studio)})
    try:
        job = gateway.create("a mountain lake at dawn")
        _wait_for(lambda: gateway.job(job["id"])["phase"] in ("model_load", "image"))
        studio.kill()
        studio = studio.restarted()
        done = gateway.job(job["id"], wait=60)
        assert done["state"] == "succeeded", done["error"]
        assert [attempt["error"] and attempt["error"]["code"] for attempt in done["attempts"]] == [
            "backend.job_lost",
            None,
        ]
        assert done["attempts"][0]["outcome"] == "finished_no_result"
    finally:
        gateway.stop()
        studio.stop(5)


def test_a_killed_ima2_is_never_paid_twice(tmp_path: Path) -> None:
    """A blocking ima2 that dies with our request leaves a phantom row and no picture: the job fails honestly."""
    ima2 = SandboxProcess("ima2", tmp_path / "ima2", speed=2)
    gateway = GatewayProcess(tmp_path / "gateway", {"ima2": backend(ima2)})
    try:
        job = gateway.create("a cup of coffee")
        _wait_for(lambda: len(ima2.submits()) == 1)
        ima2.kill()
        ima2 = ima2.restarted()
        done = gateway.job(job["id"], wait=60)
        assert done["state"] == "failed"
        assert done["error"]["code"] == "backend.job_lost"
        assert done["error"]["outcome"] == "unknown"
        assert len(ima2.submits()) == 1
    finally:
        gateway.stop()
        ima2.stop(5)


def test_a_second_gateway_on_the_same_data_directory_refuses_to_start(tmp_path: Path, sdcpp: SandboxProcess) -> None:
    """One process holds the directory; the other says so and ends, and the first one does not notice."""
    first = GatewayProcess(tmp_path, {"studio": backend(sdcpp)})
    try:
        with pytest.raises(AssertionError, match="Another gateway uses the data directory"):
            GatewayProcess(tmp_path, {"studio": backend(sdcpp)})
        assert first.create("still here", wait=30)["state"] == "succeeded"
    finally:
        first.stop()


def _wait_for(check: Any, timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)
