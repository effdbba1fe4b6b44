"""kill -9 at each step of ima2's long exchanges, on every route and build: the job ends well, and is paid for once."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crash.holding import STEPS
from tests.crash.works import WORKS, Servers, Work, begin, servers
from tests.e2e.asked import wait_for
from tests.harness import GatewayProcess

#: A job of twenty seconds takes less than two.
SPEED, LASTING = 12, "[[slow:20]]"
STREAMED = [work for work in WORKS if work.route in ("node", "multimode", "video")]
#: The answer does not come for as long as anybody looks, although the work is done.
SILENT = "[[hang:20]]"


@pytest.fixture(scope="module")
def ima2s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The three builds, which outlive every gateway here."""
    with servers(tmp_path_factory.mktemp("steps"), speed=SPEED) as running:
        yield running


def check(gateway: GatewayProcess, ima2s: Servers, jobs: dict[Work, str]) -> None:
    """Every job succeeds with all its pictures, by one attempt that was sent once and paid for once."""
    for work, job_id in jobs.items():
        job = gateway.job(job_id, wait=40)
        assert job["state"] == "succeeded", (work, job["error"])
        assert [output["index"] for output in job["outputs"]] == list(range(work.pictures)), work
        for output in job["outputs"]:
            assert len(gateway.http.get(output["url"]).content) == output["bytes"]
        assert len(job["attempts"]) == 1, work
        assert ima2s.asked(work, job_id) == [f"{job_id}.1"], work
        assert ima2s.paid(work, f"{job_id}.1") == work.calls, work
        check_history(gateway.events(job_id))


def check_history(events: list[dict[str, Any]]) -> None:
    """The story has one end, and every picture is told once."""
    kinds = [event["type"] for event in events]
    assert kinds[0] == "job.queued"
    assert kinds[-1] == "job.succeeded"
    assert kinds.count("job.succeeded") == 1
    ready = [event["output"]["index"] for event in events if event["type"] == "job.output_ready"]
    assert ready == sorted(set(ready))


@pytest.mark.parametrize("step", STEPS)
def test_a_job_survives_a_kill_at_every_step(step: str, ima2s: Servers, tmp_path: Path) -> None:
    """Wherever all jobs stood when the power went, the next process finds what became of them.

    What was never sent is sent by the second process, which dies as well: the third looks for that, and sends nothing.
    """
    works = STREAMED if step == "between_frames" else WORKS
    program = ("-m", "tests.crash.holding", step, str(len(works)))
    dying = GatewayProcess(tmp_path, ima2s.backends(), program=program)
    jobs = begin(dying, works, f"{LASTING} [[partials:1]] {step}")
    dying.gone()
    gateway = dying.restarted()
    if step == "accepted":
        wait_for(lambda: all(ima2s.asked(work, job_id) for work, job_id in jobs.items()), "all requests")
        gateway.kill()
        gateway = gateway.restarted()
    try:
        check(gateway, ima2s, jobs)
    finally:
        gateway.stop()


def test_a_job_survives_kills_while_the_server_works(ima2s: Servers, tmp_path: Path) -> None:
    """As soon as all have arrived, and once more while the next process has just begun to look for them."""
    gateway = GatewayProcess(tmp_path, ima2s.backends())
    jobs = begin(gateway, WORKS, "[[slow:60]] at work")
    for phase in ("", "streaming"):
        wait_for(lambda phase=phase: stand_in(ima2s, jobs, phase), f"all in phase {phase!r}")  # type: ignore[misc]
        gateway.kill()
        gateway = gateway.restarted()
    try:
        check(gateway, ima2s, jobs)
    finally:
        gateway.stop()


def stand_in(ima2s: Servers, jobs: dict[Work, str], phase: str) -> bool:
    """Say whether the servers have every job in hand, in a phase if one is named."""
    found = {build: ima2s.phases(build) for build in ima2s.running}
    here = [found[work.build].get(f"{job_id}.1") for work, job_id in jobs.items()]
    return all(each is not None and phase in ("", each) for each in here)


def test_an_answer_that_nobody_read_is_found(ima2s: Servers, tmp_path: Path) -> None:
    """The servers are done, and the gateway dies before the first byte of any answer comes to it."""
    gateway = GatewayProcess(tmp_path, ima2s.backends())
    jobs = begin(gateway, WORKS, f"{SILENT} {LASTING} unread")
    wait_for(lambda: all(ima2s.asked(work, job_id) for work, job_id in jobs.items()), "all requests")
    wait_for(lambda: not any(ima2s.phases(build) for build in ima2s.running), "the end of all work")
    gateway.kill()
    gateway = gateway.restarted()
    try:
        check(gateway, ima2s, jobs)
    finally:
        gateway.stop()
