"""What nobody can tell after the ima2 server itself died too: the job fails honestly, and is never sent again."""

from pathlib import Path

from tests.crash.works import WORKS, Servers, Work, begin, servers
from tests.e2e.asked import wait_for
from tests.harness import GatewayProcess

#: Done at once, and the answer does not come.
DONE = "[[hang:30]]"
#: Not done when the server dies, however slow this machine is.
UNDONE = "[[slow:900]]"
#: Ends are remembered for 300 seconds: at this speed for long enough that two programs start meanwhile.
SPEED = 12
#: Here a row without an end is given up after five seconds instead of ten minutes.
STALE_SPEED = 120


def test_what_a_restarted_server_cannot_tell_is_not_paid_twice(tmp_path: Path) -> None:
    """Its history names what it finished, but for edits; of what was under way it has a row, and nothing comes of it.

    NEW remembers its ends: there the edit that was finished is found.
    """
    with servers(tmp_path / "servers", speed=SPEED) as ima2s:
        gateway = GatewayProcess(tmp_path / "gateway", ima2s.backends())
        finished = begin(gateway, WORKS, f"{DONE} finished")
        wait_for(lambda: all_asked(ima2s, finished), "all requests")
        wait_for(lambda: not any(ima2s.phases(build) for build in ima2s.running), "the end of all work")
        older = [work for work in WORKS if work.build != "new"]
        under_way = begin(gateway, older, f"{UNDONE} under way")
        wait_for(lambda: all_asked(ima2s, under_way), "the rest of the requests")
        gateway.kill()
        ima2s.die()
        ima2s.rise()
        gateway = gateway.restarted()
        try:
            for work, job_id in finished.items():
                if work.route == "edit" and work.build != "new":
                    check_unknown(gateway, ima2s, work, job_id, "gateway.internal")
                    continue
                job = gateway.job(job_id, wait=30)
                assert (job["state"], len(job["outputs"])) == ("succeeded", work.pictures), (work, job["error"])
                assert ima2s.asked(work, job_id) == [f"{job_id}.1"]
            for work, job_id in under_way.items():
                expected = "gateway.internal" if work.route == "edit" else "backend.job_lost"
                check_unknown(gateway, ima2s, work, job_id, expected)
        finally:
            gateway.stop()


def test_what_a_restarted_new_server_gave_up_is_not_paid_twice(tmp_path: Path) -> None:
    """NEW ends a row that nothing comes of as JOB_TRACKING_TIMEOUT: whether its upstream made it nobody knows."""
    works = [work for work in WORKS if work.build == "new"]
    with servers(tmp_path / "servers", speed=STALE_SPEED, builds=("new",)) as ima2s:
        gateway = GatewayProcess(tmp_path / "gateway", ima2s.backends())
        jobs = begin(gateway, works, f"{UNDONE} under way")
        wait_for(lambda: all_asked(ima2s, jobs), "all requests")
        gateway.kill()
        ima2s.die()
        ima2s.rise()
        gateway = gateway.restarted()
        try:
            for work, job_id in jobs.items():
                check_unknown(gateway, ima2s, work, job_id, "backend.job_lost")
        finally:
            gateway.stop()


def test_a_server_that_dies_alone_is_asked_when_it_is_back(tmp_path: Path) -> None:
    """The gateway saw the connections break: an edit under way is as lost, and as little sent again."""
    works = [Work("head", "edit"), Work("tag", "node")]
    with servers(tmp_path / "servers", speed=SPEED, builds=("tag", "head")) as ima2s:
        gateway = GatewayProcess(tmp_path / "gateway", ima2s.backends())
        try:
            jobs = begin(gateway, works, f"{UNDONE} alone")
            wait_for(lambda: all_asked(ima2s, jobs), "all requests")
            ima2s.die()
            ima2s.rise()
            for work, job_id in jobs.items():
                expected = "backend.unavailable" if work.route == "edit" else "backend.job_lost"
                check_unknown(gateway, ima2s, work, job_id, expected)
        finally:
            gateway.stop()


def all_asked(ima2s: Servers, jobs: dict[Work, str]) -> bool:
    """Say whether the servers were asked for every job."""
    return all(ima2s.asked(work, job_id) for work, job_id in jobs.items())


def check_unknown(gateway: GatewayProcess, ima2s: Servers, work: Work, job_id: str, code: str) -> None:
    """The job failed as one whose outcome nobody knows; it invites nobody to pay again, and was sent once."""
    job = gateway.job(job_id, wait=40)
    assert (job["state"], job["outputs"]) == ("failed", []), work
    assert (job["error"]["code"], job["error"]["outcome"]) == (code, "unknown"), (work, job["error"])
    assert len(job["attempts"]) == 1
    assert ima2s.asked(work, job_id) == [f"{job_id}.1"], work
