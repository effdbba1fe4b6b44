"""One Studio behind one gateway: the order that is kept, the cancel that is told truly, and what the asking costs."""

import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asked import begun, made, problem, shown, spec, wait_for
from tests.e2e.listening_in import check_history, told
from tests.e2e.scraped import Scrape, want
from tests.harness import GatewayProcess, SandboxProcess, backend

SPEED = 30
#: The pace that is kept where nothing else is set.
IN_LIFE: dict[str, Any] = {"timeouts": {}}


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[SandboxProcess]:
    """A Studio with an empty table."""
    running = SandboxProcess("sdcpp", tmp_path / "studio", speed=SPEED)
    yield running
    running.stop(5)


@pytest.fixture
def gateway(studio: SandboxProcess, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[GatewayProcess]:
    """A gateway in front of it, with the settings that a test asks for."""
    running = GatewayProcess(tmp_path / "gateway", {"studio": backend(studio, **getattr(request, "param", {}))})
    yield running
    running.stop()


def rows(studio: SandboxProcess, **fields: Any) -> list[dict[str, Any]]:
    """Return the rows of Studio's table with these fields."""
    assert studio.http is not None
    jobs: list[dict[str, Any]] = studio.http.get("/api/queue").json()["jobs"]
    return [row for row in jobs if fields.items() <= row.items()]


def begin(gateway: GatewayProcess, prompt: str, **fields: Any) -> dict[str, Any]:
    """Create a job of a small picture."""
    assert gateway.http is not None
    return begun(gateway.http, spec(prompt, on=None, size={"width": 64, "height": 64}, **fields))


def cancelled(gateway: GatewayProcess, job: dict[str, Any], answer: str) -> None:
    """Cancel a job, and look at the answer and at its whole history."""
    assert gateway.http is not None
    response = gateway.http.post(job["links"]["cancel"], headers={"Prefer": "wait=10"})
    found = response.raise_for_status().json()
    assert (found["state"], found["cancel"]["answer"], found["outputs"]) == ("cancelled", answer, [])
    check_history(told(gateway.http, job["links"]["events"]), job["id"])


def until_row(studio: SandboxProcess, prompt: str, status: str) -> dict[str, Any]:
    """Wait until a job is in a state at Studio."""
    found: list[dict[str, Any]] = wait_for(lambda: rows(studio, prompt=prompt, status=status), f"{prompt}: {status}")
    return found[0]


def lists(studio: SandboxProcess) -> int:
    """Return how often the list of what waits was read."""
    return len(studio.calls("GET", "/api/queue?status=pending"))


def looks(studio: SandboxProcess) -> list[str]:
    """Return the ids of the jobs that were asked after by themselves."""
    return [call["path"].rpartition("/")[2] for call in studio.calls("GET", "/api/queue/")]


@pytest.mark.parametrize("gateway", [{**IN_LIFE, "max_concurrency": 8}], indirect=True)
def test_jobs_run_in_the_order_in_which_they_came(gateway: GatewayProcess, studio: SandboxProcess) -> None:
    """Of one second Studio runs the newest first: so no two of ours are of one second, however fast they come."""
    words = [f"picture number {number}" for number in range(4)]
    jobs = [begin(gateway, each) for each in words]
    positions = [shown(gateway.http, job["id"])["queue_position"] for job in jobs]
    assert positions[1:] == [0, 1, 2], positions
    ended = [shown(gateway.http, job["id"], wait=60) for job in jobs]
    assert {job["state"] for job in ended} == {"succeeded"}
    assert [call["body"]["prompt"] for call in studio.submits()] == words
    seconds = [rows(studio, prompt=each)[0]["created_at"] for each in words]
    assert all(earlier < later for earlier, later in pairwise(seconds)), seconds
    done = [rows(studio, prompt=each)[0]["completed_at"] for each in words]
    assert done == sorted(done)


@pytest.mark.parametrize("gateway", [{"max_concurrency": 1}], indirect=True)
def test_one_at_a_time_all_others_wait_where_a_cancel_is_certain(
    gateway: GatewayProcess, studio: SandboxProcess
) -> None:
    """The truth table of a cancel: with us, in Studio's queue, loading, running, ended."""
    assert gateway.http is not None
    running = begin(gateway, "first [[slow:40]]")
    waiting = [begin(gateway, f"waiting {number}") for number in range(3)]
    until_row(studio, "first [[slow:40]]", "processing")
    assert [shown(gateway.http, job["id"])["queue_position"] for job in waiting] == [0, 1, 2]
    cancelled(gateway, waiting[0], "stopped")
    cancelled(gateway, running, "forgotten")
    # Studio's worker is not free yet, so nobody else is sent; then its late picture is counted, and not fetched.
    assert len(studio.submits()) == 1
    assert shown(gateway.http, waiting[1]["id"])["state"] == "queued"
    assert shown(gateway.http, waiting[1]["id"], wait=30)["state"] == "succeeded"
    assert shown(gateway.http, waiting[2]["id"], wait=30)["state"] == "succeeded"
    assert [call["body"]["prompt"] for call in studio.submits()] == ["first [[slow:40]]", "waiting 1", "waiting 2"]
    late = rows(studio, prompt="first [[slow:40]]", status="completed")[0]
    assert Scrape(gateway.http).value(want("late_results", backend="studio", result="succeeded")) == 1
    assert late["first_image_id"] not in str(studio.calls("GET", "/api/images"))
    problem(gateway.http.post(waiting[1]["links"]["cancel"]), "resource.state_conflict")
    assert studio.calls("DELETE", "/api/generations") == []


@pytest.mark.parametrize("gateway", [{"max_concurrency": 4}], indirect=True)
def test_in_studios_queue_a_cancel_stops_and_in_its_hands_it_does_not(
    gateway: GatewayProcess, studio: SandboxProcess
) -> None:
    """Pending: stopped, and never made. Loading a model: Studio refuses, and the job goes on there."""
    loading = begin(gateway, "loading [[loading:60]]")
    until_row(studio, "loading [[loading:60]]", "model_loading")
    pending = begin(gateway, "pending")
    until_row(studio, "pending", "pending")
    cancelled(gateway, pending, "stopped")
    wait_for(lambda: shown(gateway.http, loading["id"])["phase"] == "model_load", "a model that is seen loading")
    cancelled(gateway, loading, "forgotten")
    until_row(studio, "loading [[loading:60]]", "completed")
    wait_for(lambda: gateway.http.get("/v1/backends/studio").json()["in_flight"] == 0, "free slots")
    [never] = rows(studio, prompt="pending")
    assert (never["status"], never["started_at"]) == ("cancelled", None)
    for job in (loading, pending):
        assert (shown(gateway.http, job["id"])["state"], shown(gateway.http, job["id"])["outputs"]) == ("cancelled", [])


@pytest.mark.parametrize("gateway", [{"timeouts": {"submit_interval_s": 0.001, "stuck_load_s": 0.5}}], indirect=True)
def test_what_is_stuck_or_has_vanished_ends_with_the_reason(gateway: GatewayProcess, studio: SandboxProcess) -> None:
    """A model that loads for ever, a row that is gone, a row that somebody else cancelled, a state nobody knows."""
    assert gateway.http is not None
    expected = {
        "[[stuck_loading]]": ("backend.timeout", "unknown"),
        "[[lost]]": ("backend.job_lost", "unknown"),
        "[[odd_state]]": ("backend.bad_response", "unknown"),
    }
    for token, found in expected.items():
        job = made(gateway.http, spec(f"a fox {token}", on=None, size={"width": 64, "height": 64}))
        assert (job["error"]["code"], job["error"]["outcome"]) == found, token
        assert len(job["attempts"]) == 1
    stuck = rows(studio, prompt="a fox [[stuck_loading]]")[0]
    assert stuck["status"] == "model_loading"
    gone = made(gateway.http, spec("a fox [[cancelled_by_operator]]", on=None))
    assert gone["state"] == "cancelled", gone["error"]


@pytest.mark.parametrize("gateway", [{"max_concurrency": 3}], indirect=True)
def test_a_restarted_studio_is_given_its_jobs_anew_and_listened_to_again(
    gateway: GatewayProcess, studio: SandboxProcess
) -> None:
    """What ran and what waited there never finished: both are sent once more; the socket is opened again."""
    jobs = [begin(gateway, "restarted 0 [[slow:60]]")]
    until_row(studio, "restarted 0 [[slow:60]]", "processing")
    jobs.append(begin(gateway, "restarted 1 [[slow:30]]"))
    until_row(studio, "restarted 1 [[slow:30]]", "pending")
    wait_for(lambda: studio.calls("GET", "/ws"), "the first socket")
    sockets = len(studio.calls("GET", "/ws"))
    studio.kill()
    again = studio.restarted()
    try:
        for job in jobs:
            ended = shown(gateway.http, job["id"], wait=60)
            assert ended["state"] == "succeeded", ended["error"]
            codes = [attempt["error"] and attempt["error"]["code"] for attempt in ended["attempts"]]
            assert codes == ["backend.job_lost", None]
            assert ended["attempts"][0]["outcome"] == "finished_no_result"
        wait_for(lambda: len(again.calls("GET", "/ws")) > sockets, "another socket")
    finally:
        again.stop(5)


@pytest.mark.parametrize("gateway", [{"max_concurrency": 16}], indirect=True)
def test_one_list_tells_of_all_that_wait(gateway: GatewayProcess, studio: SandboxProcess) -> None:
    """Twelve jobs that wait cost what one costs: while Studio is busy none of them is asked after by itself."""
    first = begin(gateway, "blocker [[slow:120]]")
    until_row(studio, "blocker [[slow:120]]", "processing")
    waiting = [begin(gateway, f"waiting {number}") for number in range(12)]
    wait_for(lambda: len(rows(studio, status="pending")) == 12, "all of them in Studio's queue")
    before, singles = lists(studio), len(looks(studio))
    ids = {row["id"] for row in rows(studio, status="pending")}
    wait_for(lambda: lists(studio) >= before + 2, "two lists more")
    asked_after = looks(studio)[singles:]
    still = {row["id"] for row in rows(studio, status="pending")}
    assert len(still) == 12, "the blocker has ended too soon for this to mean anything"
    assert not still & set(asked_after)
    assert {shown(gateway.http, job["id"])["phase"] for job in waiting} == {"queued_at_backend"}
    for job in (first, *waiting):
        assert shown(gateway.http, job["id"], wait=60)["state"] == "succeeded"
    assert ids <= set(looks(studio))


@pytest.mark.parametrize("gateway", [{"max_concurrency": 3}], indirect=True)
def test_a_list_that_is_long_with_strangers_is_not_read_again(gateway: GatewayProcess, studio: SandboxProcess) -> None:
    """It is unpaged: once its length is known, three jobs of ours are asked after one by one."""
    assert studio.http is not None
    blocker = begin(gateway, "blocker [[slow:150]]")
    until_row(studio, "blocker [[slow:150]]", "processing")
    stranger = {"prompt": "a stranger's " + "very long words " * 500, "model": "qwen-image", "size": "8x8"}
    for _ in range(40):
        studio.http.post("/api/queue/generate", json=stranger).raise_for_status()
    ours = [begin(gateway, f"ours {number}") for number in range(2)]
    wait_for(lambda: lists(studio) == 1, "the one list that tells how long lists are")
    names = {row["id"] for number in range(2) for row in rows(studio, prompt=f"ours {number}")}
    before = len(looks(studio))
    wait_for(lambda: names <= set(looks(studio)[before:]), "each of ours asked after by itself")
    assert lists(studio) == 1
    for job in ours:
        cancelled(gateway, job, "stopped")
    cancelled(gateway, blocker, "forgotten")


TERMINAL = ("job.succeeded", "job.failed", "job.blocked", "job.cancelled")
MOVES = {
    None: {"job.queued"},
    "job.queued": {"job.running", "job.failed", "job.cancelled"},
    "job.running": {"job.queued", *TERMINAL},
}


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("gateway", [{"max_concurrency": 5, "timeouts": {"submit_interval_s": 0.001}}], indirect=True)
def test_however_it_goes_a_job_has_one_history_and_nothing_comes_after_a_cancel(
    gateway: GatewayProcess, studio: SandboxProcess, seed: int
) -> None:
    """Cancels, completions, failures, lost answers, and a Studio that is killed in the middle of it all."""
    assert gateway.http is not None
    chance = random.Random(seed)  # noqa: S311 - an interleaving, not a secret
    tokens = ("", "", "[[cut]]", "[[garbage]]", "[[slow:9]]", "[[upstream_500]]", "[[cut_body]]", "[[none]]")
    studio.force({"route": "POST /api/queue/generate", "outcome": "cut_early", "after": 3, "times": 2})
    jobs = [begin(gateway, f"chance {seed} {number} {chance.choice(tokens)}") for number in range(20)]
    kill_at = chance.randrange(4, 9)
    for step, job in enumerate(chance.sample(jobs, 10)):
        gateway.http.post(job["links"]["cancel"])
        if step == kill_at:
            studio.kill()
            studio = studio.restarted()
    try:
        ended = [shown(gateway.http, job["id"], wait=60) for job in jobs]
        # Also what Studio ends after a job has ended with us changes nothing any more.
        wait_for(lambda: gateway.http.get("/v1/backends/studio").json()["in_flight"] == 0, "free slots")
        for job in ended:
            assert job["state"] in ("succeeded", "failed", "cancelled"), job
            history = told(gateway.http, job["links"]["events"])
            check_history(history, job["id"])
            state = None
            for event in history:
                if event.event in (*MOVES, *TERMINAL):
                    assert event.event in MOVES[state], [each.event for each in history]
                    state = event.event
            assert state == f"job.{job['state']}"
            assert bool(job["outputs"]) == (job["state"] == "succeeded")
            if job["state"] == "cancelled":
                assert "job.output" not in [event.event for event in history]
            later = shown(gateway.http, job["id"])
            assert {**later, "attempts": []} == {**job, "attempts": []}
        assert studio.calls("DELETE", "/api/generations") == []
    finally:
        studio.stop(5)
