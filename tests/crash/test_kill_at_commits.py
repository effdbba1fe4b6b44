"""kill -9 between any two commits: nothing accepted is lost, nothing is sent twice where the backend can be asked."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness import GatewayProcess, SandboxProcess, backend

TERMINAL = {"succeeded", "failed", "blocked", "cancelled"}
#: Commits of one job: accepted with its first attempt, (the backend's own id), the end.
POINTS = {"ima2": 2, "ima2_new": 3, "sdcpp": 3, "imgen": 3}
CASES = [
    pytest.param(kind, count, moment, id=f"{kind}-{moment}-commit-{count}")
    for kind, most in POINTS.items()
    for count in range(1, most + 1)
    for moment in ("before", "after")
]


@pytest.mark.parametrize(("kind", "count", "moment"), CASES)
def test_a_job_survives_a_kill_at_every_commit(
    kind: str, count: int, moment: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The job ends as it should, by one legal history, and the backend was asked at most once."""
    sandbox: SandboxProcess = request.getfixturevalue(kind)
    before = len(sandbox.submits())
    program = ("-m", "tests.crash.dying", str(count), moment)
    dying = GatewayProcess(tmp_path, {"only": backend(sandbox)}, program=program)
    body = {"operation": "image.generate", "prompt": f"a lighthouse, {kind} {moment} {count}"}
    headers = {"Idempotency-Key": "the-one"}
    with pytest.raises(httpx.HTTPError):
        _follow(dying, body, headers)
    dying.gone()
    gateway = dying.restarted()
    try:
        # Whether or not the caller heard of it, the same key finds the same job, or makes it now.
        job = gateway.http.post("/v1/jobs", json=body, headers=headers).raise_for_status().json()
        job = gateway.job(job["id"], wait=60)
        submits = len(sandbox.submits()) - before
        lost_imgen = kind == "imgen" and (count, moment) in ((1, "after"), (2, "before"))
        if lost_imgen:
            assert job["state"] == "failed"
            assert job["error"]["outcome"] == "unknown"
            assert submits <= 1
        else:
            assert job["state"] == "succeeded", job["error"]
            assert submits == 1
            content = gateway.http.get(job["outputs"][0]["url"]).content
            assert len(content) == job["outputs"][0]["bytes"]
        _check_history(gateway.events(job["id"]))
        jobs = gateway.http.get("/v1/jobs").json()["jobs"]
        assert [each["id"] for each in jobs] == [job["id"]]
    finally:
        gateway.stop()


def _follow(gateway: GatewayProcess, body: dict[str, Any], headers: dict[str, str]) -> None:
    """Create a job and wait for it until the gateway dies under the caller's hands."""
    job = gateway.http.post("/v1/jobs", json=body, headers=headers).raise_for_status().json()
    while True:
        gateway.http.get(f"/v1/jobs/{job['id']}", params={"wait": 5}).raise_for_status()
        if not gateway.alive:
            raise httpx.ConnectError("dead")


def _check_history(events: list[dict[str, Any]]) -> None:
    """The events' ids rise, and exactly one of them ends the story, at its end."""
    kinds = [event["type"] for event in events]
    ids = [event["id"] for event in events]
    assert ids == sorted(set(ids))
    assert kinds[0] == "job.queued"
    assert [kind.removeprefix("job.") in TERMINAL for kind in kinds].count(True) == 1
    assert kinds[-1].removeprefix("job.") in TERMINAL
