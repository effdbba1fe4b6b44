"""kill -9 at each step of an imgen run: asked once, and it ends well, or honestly as an outcome that nobody knows.

imgen cannot be asked what became of a request, so only a run whose id is on disk is followed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.asked import wait_for
from tests.harness import GatewayProcess, SandboxProcess, backend

#: Jobs by name: the words of each, what else it wishes, and how it ends where it is followed.
JOBS: dict[str, tuple[str, dict[str, Any], str]] = {
    "plain": ("", {}, "succeeded"),
    "encoded": ("", {"output": {"format": "jpeg"}, "policy": {"ruleset": "strict"}}, "succeeded"),
    "blocked": ("[[unsafe:hate]]", {}, "blocked"),
}
#: How many of them come to a step before the power is cut there.
STEPS = {
    "accepted": 3, "answered": 3, "polled": 3, "reviewed": 3, "fetching": 2, "withheld": 1, "stored": 2,
}  # fmt: skip
#: Before the run's id is on disk nobody can be asked; a request that never left is not sent again either.
UNKNOWN = {"accepted": 0, "answered": 1}


def started(folder: Path, imgen: SandboxProcess, *program: str, at_once: int = 16) -> GatewayProcess:
    """Return a gateway that keeps what is withheld and asks often."""
    behind = {"imgen": backend(imgen, max_concurrency=at_once, timeouts={"poll_interval_s": 0.05})}
    how: dict[str, Any] = {"program": program} if program else {}
    return GatewayProcess(folder, behind, settings={"review": {"keep_withheld": True}}, **how)


def begin(gateway: GatewayProcess, words: str) -> dict[str, str]:
    """Create the jobs, or find them again: a gateway that died may have taken one without having said so."""
    jobs = {}
    for name, (token, wishes, _) in JOBS.items():
        body = {"operation": "image.generate", "prompt": f"{words} {name} {token}", **wishes}
        key = {"Idempotency-Key": f"{words} {name}".replace(" ", "-")}
        try:
            answer = gateway.http.post("/v1/jobs", json=body, headers=key)
        except httpx.TransportError:
            continue
        assert answer.status_code in (200, 202), answer.text
        jobs[name] = answer.json()["id"]
    return jobs


def asked(imgen: SandboxProcess, words: str, name: str) -> int:
    """Return how often a run was asked for."""
    return sum(f"{words} {name}" in call["body"]["prompt"] for call in imgen.submits())


def check(gateway: GatewayProcess, imgen: SandboxProcess, jobs: Mapping[str, str], words: str) -> None:
    """Every job ended as it should, by one attempt that was sent once, and its story has one end."""
    for name, job_id in jobs.items():
        job = gateway.job(job_id, wait=30)
        assert job["state"] == JOBS[name][2], (name, job["error"])
        assert asked(imgen, words, name) == 1, name
        assert len(job["attempts"]) == 1
        roles = [each["role"] for each in job["outputs"]]
        assert roles == (["image", "thumbnail"] if job["state"] == "succeeded" else [])
        for output in job["outputs"]:
            assert len(gateway.http.get(output["url"]).content) == output["bytes"]
        kinds = [event["type"] for event in gateway.events(job_id)]
        assert kinds[-1] == f"job.{job['state']}"
        assert sum(kind in ("job.succeeded", "job.blocked", "job.failed") for kind in kinds) == 1
    kept = gateway.http.get("/v1/assets", params={"withheld": "true"}).json()["assets"]
    assert [each["job_id"] for each in kept] == [jobs["blocked"]]


@pytest.mark.parametrize("step", STEPS)
def test_a_run_survives_a_kill_at_every_step(step: str, imgen: SandboxProcess, tmp_path: Path) -> None:
    """Wherever the jobs stood: a run that has its id is followed to its end, any other is admitted to be unknown."""
    words = f"at {step}"
    dying = started(tmp_path, imgen, "-m", "tests.crash.holding_imgen", step, str(STEPS[step]))
    begin(dying, words)
    dying.gone(30)
    gateway = dying.restarted()
    try:
        jobs = begin(gateway, words)
        if step not in UNKNOWN:
            check(gateway, imgen, jobs, words)
            return
        for name, job_id in jobs.items():
            job = gateway.job(job_id, wait=30)
            assert (job["state"], job["outputs"]) == ("failed", []), name
            assert (job["error"]["code"], job["error"]["outcome"]) == ("gateway.internal", "unknown")
            assert asked(imgen, words, name) == UNKNOWN[step]
    finally:
        gateway.stop()


def test_a_withheld_part_is_remembered(imgen: SandboxProcess, tmp_path: Path) -> None:
    """One of two pictures is blocked before the kill, the other comes after it: the review of both is the worst."""
    imgen.force({"route": "POST /api/v2#generate", "contains": "of two", "outcome": "unsafe", "times": 1})
    gateway = started(tmp_path, imgen, at_once=1)
    try:
        job_id = gateway.create("[[slow:20]] of two", n=2, on_unsupported="adapt")["id"]
        wait_for(lambda: len(parts_asked_after(imgen)) == 2, "both runs being asked after")
        assert [part["state"] for part in gateway.job(job_id)["parts"]] == ["blocked", "running"]
        gateway.kill()
        gateway = gateway.restarted()
        job = gateway.job(job_id, wait=30)
        assert (job["state"], job["error"]) == ("succeeded", None)
        assert [part["state"] for part in job["parts"]] == ["blocked", "succeeded"]
        assert (job["review"]["verdict"], job["review"]["categories"]) == ("blocked", ["nudity"])
        assert len(parts_asked_after(imgen)) == asked(imgen, "[[slow:20]] of", "two") == 2
        kept = gateway.http.get("/v1/assets", params={"withheld": "true"}).json()["assets"]
        assert [each["job_id"] for each in kept] == [job_id]
    finally:
        imgen.force()
        gateway.stop()


def parts_asked_after(imgen: SandboxProcess) -> set[str]:
    """Return the ids of the runs of that job whose state was asked for: their ids are on disk."""
    bodies = (call["body"] or {} for call in imgen.calls("POST", "/api/v2"))
    return {body["id"] for body in bodies if body.get("action") == "status" and "of two" in body["prompt"]}


def test_a_run_survives_the_death_of_both_sides(tmp_path: Path) -> None:
    """A run goes on while nobody looks: what its handle remembers is enough to find it again."""
    words = "[[slow:30]] both"
    sandbox = SandboxProcess("imgen", tmp_path / "imgen", speed=12)
    gateway = started(tmp_path / "gateway", sandbox)
    try:
        jobs = begin(gateway, words)
        wait_for(lambda: polls(sandbox) > len(jobs), "some polls")
        gateway.kill()
        sandbox.kill()
        sandbox = sandbox.restarted()
        gateway = gateway.restarted()
        check(gateway, sandbox, jobs, words)
    finally:
        gateway.stop()
        sandbox.stop(5)


def polls(sandbox: SandboxProcess) -> int:
    """Return how often runs were asked after."""
    return sum((call["body"] or {}).get("action") == "status" for call in sandbox.calls("POST", "/api/v2"))
