"""The states of a run as its job tells them, and what passes while it is asked after."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.asked import begun, shown, wait_for
from tests.e2e.imgen_world import before_it, generated, imgen_sandbox, wish
from tests.harness import GatewayProcess, SandboxProcess

#: Tokens that end a run badly: code, native word, outcome.
BAD_ENDS = {
    "failed": ("backend.failed", "FAILED", "finished_no_result"),
    "timed_out": ("backend.timeout", "TIMED_OUT", "finished_no_result"),
    "cancelled": ("backend.failed", "CANCELLED", "finished_no_result"),
    "odd_state": ("backend.bad_response", "unknown_state", "unknown"),
    "no_compliance": ("backend.bad_response", "unreviewed", "unknown"),
}


@pytest.fixture(scope="module")
def imgen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """An imgen that nobody else talks to."""
    with imgen_sandbox(tmp_path_factory.mktemp("imgen")) as running:
        yield running


@pytest.fixture(scope="module")
def front(imgen: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway before it."""
    with before_it(tmp_path_factory.mktemp("front"), imgen) as running:
        yield running


@pytest.mark.parametrize(("token", "phase"), [("in_queue_forever", "queued_at_backend"), ("slow:3600", "image")])
def test_a_run_under_way_tells_its_phase(front: GatewayProcess, token: str, phase: str) -> None:
    """IN_QUEUE waits there, IN_PROGRESS draws; cancelled with us, it goes on there."""
    job_id = begun(front.http, wish(f"a long wait [[{token}]]"))["id"]
    wait_for(lambda: shown(front.http, job_id)["phase"] == phase, f"the phase {phase}")
    answer = front.http.post(f"/v1/jobs/{job_id}/cancel").json()
    assert (answer["state"], answer["cancel"]["answer"]) == ("cancelled", "cannot")


def test_a_passing_failure_of_status_is_asked_again(front: GatewayProcess, imgen: SandboxProcess) -> None:
    """A 502 there says nothing of the run, in imgen's words or an edge's: it is asked once more, and is there."""
    words = "[[status_502:1]] passing"
    imgen.force({"route": "POST /api/v2#status", "outcome": "edge_502", "times": 1})
    try:
        job = shown(front.http, begun(front.http, wish(words))["id"], wait=40)
    finally:
        imgen.force()
    assert job["state"] == "succeeded", job["error"]
    assert (len(job["attempts"]), len(generated(imgen, words))) == (1, 1)


@pytest.fixture(scope="module")
def first_errors(front: GatewayProcess) -> dict[str, dict[str, Any]]:
    """How the first attempt of each badly ending run failed; no second one is waited for."""
    jobs = {token: begun(front.http, wish(f"a bad end [[{token}]]"))["id"] for token in BAD_ENDS}
    found = {}
    for token, job_id in jobs.items():
        found[token] = wait_for(lambda of=job_id: shown(front.http, of)["attempts"][0]["error"], token)  # type: ignore[misc]
        front.http.post(f"/v1/jobs/{job_id}/cancel")
    return found


@pytest.mark.parametrize("token", BAD_ENDS)
def test_a_bad_end_says_what_the_server_said(first_errors: dict[str, Any], token: str) -> None:
    """By its code, with the native state beside it: a cancel that nobody asked for is a failure."""
    code, native, outcome = BAD_ENDS[token]
    error = first_errors[token]
    assert (error["code"], error["outcome"]) == (code, outcome)
    assert error["native"]["code"] == native
    assert error["native"]["http_status"] == 200
