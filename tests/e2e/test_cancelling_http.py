"""Cancelling, in every phase on every dialect: the answer is the truth, and what comes late changes nothing."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.asked import begun, made, problem, shown, spec, wait_for
from tests.e2e.listening_in import check_history, told
from tests.harness import GatewayProcess, SandboxProcess, backend


def cancel(http: httpx.Client, job: dict[str, Any], prefer: str | None = "wait=10") -> httpx.Response:
    """Cancel a job."""
    return http.post(job["links"]["cancel"], headers={"Prefer": prefer} if prefer else {})


def until_phase(gateway: GatewayProcess, job: dict[str, Any], *phases: str) -> None:
    """Wait until a job is in one of some phases."""
    wait_for(lambda: shown(gateway.http, job["id"])["phase"] in phases, f"{phases}")


def in_flight(gateway: GatewayProcess, name: str) -> int:
    """Return how many attempts hold a slot at a backend."""
    found: int = gateway.http.get(f"/v1/backends/{name}").json()["in_flight"]
    return found


def check_cancelled(gateway: GatewayProcess, response: httpx.Response, answer: str) -> dict[str, Any]:
    """Check a whole cancelled job, as it was answered and as it stays."""
    assert response.status_code == 200, response.text
    job: dict[str, Any] = response.json()
    assert (job["state"], job["error"], job["outputs"]) == ("cancelled", None, [])
    assert job["cancel"]["answer"] == answer
    assert response.headers["etag"].startswith('W/"')
    history = told(gateway.http, job["links"]["events"])
    check_history(history, job["id"])
    assert history[-1].event == "job.cancelled"
    assert history[-1].json()["answer"] == answer
    assert history[-1].json().get("detail") == job["cancel"]["detail"]
    assert shown(gateway.http, job["id"]) == job
    return job


def test_a_blocking_ima2_forgets_and_its_late_picture_changes_nothing(gateway: GatewayProcess) -> None:
    """HEAD only forgets: the job is cancelled at once, the connection drains, and the picture is thrown away."""
    job = begun(gateway.http, spec("[[slow:90]] a fox"))
    before = in_flight(gateway, "ima2")
    until_phase(gateway, job, "submit", "image")
    done = check_cancelled(gateway, cancel(gateway.http, job), "forgotten")
    assert in_flight(gateway, "ima2") == before, "the slot is held until the backend is through"
    wait_for(lambda: in_flight(gateway, "ima2") < before, "the end of the draining")
    late = shown(gateway.http, job["id"])
    assert (late["state"], late["outputs"], late["finished_at"]) == ("cancelled", [], done["finished_at"])
    assert gateway.http.get(job["links"]["self"]).headers["etag"] == cancel(gateway.http, job).headers["etag"]
    assert late["attempts"][0]["ended_at"] is not None


def test_a_studio_job_that_had_not_started_is_stopped(gateway: GatewayProcess) -> None:
    """Pending in Studio's queue: stopped, for sure, and never made."""
    first = begun(gateway.http, spec("[[loading:300]] a fox", on="studio"))
    until_phase(gateway, first, "model_load", "image")
    second = begun(gateway.http, spec("[[slow:50]] never painted", on="studio"))
    until_phase(gateway, second, "queued_at_backend")
    check_cancelled(gateway, cancel(gateway.http, second), "stopped")
    check_cancelled(gateway, cancel(gateway.http, first), "forgotten")


def test_a_studio_job_that_had_started_is_only_forgotten(
    gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess]
) -> None:
    """Studio goes on and calls the job completed; ours stays cancelled, and its slot is free when Studio's is."""
    job = begun(gateway.http, spec("[[slow:50]] a started fox", on="studio"))
    rows = wait_for(lambda: _rows(sandboxes["sdcpp"], "processing", "a started fox"), "a row that is processing")
    check_cancelled(gateway, cancel(gateway.http, job), "forgotten")
    wait_for(lambda: in_flight(gateway, "studio") == 0, "a free slot")
    assert _rows(sandboxes["sdcpp"], "completed", "a started fox")[0]["id"] == rows[0]["id"]
    late = shown(gateway.http, job["id"])
    assert (late["state"], late["outputs"]) == ("cancelled", [])


def _rows(studio: SandboxProcess, status: str, words: str) -> list[dict[str, Any]]:
    assert studio.http is not None
    jobs = studio.http.get("/api/queue").json()["jobs"]
    return [row for row in jobs if row["status"] == status and words in row["prompt"]]


def test_imgen_cannot_and_says_that_it_may_cost(gateway: GatewayProcess) -> None:
    """Imgen has no cancel: the job is cancelled all the same, and the answer says what that is worth."""
    job = begun(gateway.http, spec("[[slow:600]] a fox", on="imgen"))
    until_phase(gateway, job, "queued_at_backend", "image")
    done = check_cancelled(gateway, cancel(gateway.http, job), "cannot")
    assert "cost" in done["cancel"]["detail"]


def test_a_new_ima2_really_stops(tmp_path: Path) -> None:
    """The newer build stops work that is under way: the answer is `stopped`, and the slot is free at once."""
    sandbox = SandboxProcess("ima2", tmp_path / "ima2", speed=60, profile="new")
    gateway = GatewayProcess(tmp_path / "gateway", {"ima2": backend(sandbox)})
    try:
        job = begun(gateway.http, spec("[[slow:600]] a fox", model="ima2/gpt-5.4"))
        until_phase(gateway, job, "image", "queued_at_backend")
        check_cancelled(gateway, cancel(gateway.http, job), "stopped")
        wait_for(lambda: in_flight(gateway, "ima2") == 0, "a free slot", 5)
    finally:
        gateway.stop()
        sandbox.stop(5)


def test_what_waits_with_us_is_stopped_at_once(
    backends: dict[str, dict[str, object]], sandboxes: dict[str, SandboxProcess], tmp_path: Path
) -> None:
    """A job that no backend has yet is cancelled without asking anybody, and leaves the queue."""
    gateway = GatewayProcess(tmp_path, {"ima2": {**backends["ima2"], "max_concurrency": 1}})
    try:
        first = begun(gateway.http, spec("[[slow:120]] a fox"))
        waiting = [begun(gateway.http, spec("it waits with us")) for _ in range(3)]
        done = check_cancelled(gateway, cancel(gateway.http, waiting[0], None), "stopped")
        assert done["attempts"] == []
        assert [event.event for event in told(gateway.http, done["links"]["events"])] == ["job.queued", "job.cancelled"]
        assert shown(gateway.http, waiting[1]["id"])["queue_position"] == 1
        assert shown(gateway.http, first["id"], wait=30)["state"] == "succeeded"
        assert {shown(gateway.http, job["id"], wait=30)["state"] for job in waiting[1:]} == {"succeeded"}
        prompts = [call["body"]["prompt"] for call in sandboxes["ima2"].submits()]
        assert prompts.count("it waits with us") == 2
    finally:
        gateway.stop()


@pytest.mark.parametrize("prompt", ["a fox", "[[SAFETY_REFUSAL]] a fox"])
def test_a_job_that_ended_by_itself_is_a_conflict(gateway: GatewayProcess, prompt: str) -> None:
    """Succeeded or failed: 409, with the job as it is in the body, and nothing changes."""
    job = made(gateway.http, spec(prompt))
    found = problem(cancel(gateway.http, job), "resource.state_conflict")
    assert found["job"] == job
    assert found["job_id"] == job["id"]
    assert shown(gateway.http, job["id"]) == job


def test_a_job_that_is_cancelled_already_is_200_with_the_same_job(gateway: GatewayProcess) -> None:
    """A second cancel, or a tenth, changes nothing: no event, no other answer."""
    job = begun(gateway.http, spec("[[slow:60]] a fox"))
    first = cancel(gateway.http, job)
    history = told(gateway.http, job["links"]["events"])
    for _ in range(3):
        again = cancel(gateway.http, job)
        assert again.status_code == 200
        assert again.json()["cancel"] == first.json()["cancel"]
    assert told(gateway.http, job["links"]["events"]) == history


def test_many_cancels_at_once_are_one(gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess]) -> None:
    """Twenty impatient callers make one exchange with the backend and get one answer."""
    job = begun(gateway.http, spec("[[slow:90]] a fox"))
    until_phase(gateway, job, "submit", "image")
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: cancel(gateway.http, job), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["cancel"]["answer"] for answer in answers} == {"forgotten"}
    asked = [call for call in sandboxes["ima2"].calls("DELETE", "/api/inflight/") if job["id"] in call["path"]]
    assert len(asked) == 1
    check_history(told(gateway.http, job["links"]["events"]), job["id"])


def test_a_cancel_that_the_backend_does_not_answer_is_pending_and_then_forgotten(
    gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess]
) -> None:
    """Until the backend has answered: 202, state running, answer pending; ten seconds later it counts as forgotten."""
    sandboxes["ima2"].force({"route": "DELETE /api/inflight/", "outcome": "hang", "argument": "30"})
    job = begun(gateway.http, spec("[[slow:900]] a fox"))
    until_phase(gateway, job, "submit", "image")
    response = cancel(gateway.http, job, "wait=1")
    assert response.status_code == 202
    assert int(response.headers["retry-after"]) >= 1
    told_now = response.json()
    assert (told_now["state"], told_now["cancel"]["answer"]) == ("running", "pending")
    done = shown(gateway.http, job["id"], wait=15)
    assert (done["state"], done["cancel"]["answer"]) == ("cancelled", "forgotten")
    assert re.search("in time|may go on", done["cancel"]["detail"])


@pytest.mark.parametrize("name", ["ima2", "studio"])
def test_a_cancel_races_with_the_end_and_whoever_commits_first_wins(gateway: GatewayProcess, name: str) -> None:
    """A cancel in the moment of success leaves either a success or a cancelled job, never a mixture."""
    jobs = [begun(gateway.http, spec("a quick fox", on=name)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        ends = list(pool.map(lambda job: shown(gateway.http, job["id"], wait=10), jobs[:2]))
        answers = list(pool.map(lambda job: cancel(gateway.http, job), jobs))
    assert {end["state"] for end in ends} == {"succeeded"}
    for job, answer in zip(jobs, answers, strict=True):
        done = shown(gateway.http, job["id"])
        assert done["state"] == ("succeeded" if answer.status_code == 409 else "cancelled")
        assert bool(done["outputs"]) is (done["state"] == "succeeded")
        check_history(told(gateway.http, job["links"]["events"]), job["id"])
