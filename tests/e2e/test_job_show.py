"""`GET /v1/jobs/{id}`: as it is, at its end, or when it has changed."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.asked import begun, made, pointers, problem, shown, spec, wait_for
from tests.harness import GatewayProcess, SandboxProcess


def test_a_job_that_has_not_ended_is_shown_with_a_hint(gateway: GatewayProcess) -> None:
    """Until its end a job carries a tag and a Retry-After; after it the tag alone."""
    job = begun(gateway.http, spec("[[slow:30]] a fox"))
    response = gateway.http.get(job["links"]["self"])
    assert response.headers["retry-after"] == "1"
    done = gateway.http.get(job["links"]["self"], params={"wait": 30})
    assert "retry-after" not in done.headers
    assert done.headers["etag"] != response.headers["etag"]


def test_a_wait_ends_with_the_job(gateway: GatewayProcess) -> None:
    """Without If-None-Match the answer comes at the end, not at the first change and not at the expiry."""
    job = begun(gateway.http, spec("[[slow:50]] a fox", on="studio"))
    began = time.monotonic()
    assert shown(gateway.http, job["id"], wait=60)["state"] == "succeeded"
    assert time.monotonic() - began < 20
    began = time.monotonic()
    assert shown(gateway.http, job["id"], wait=60)["state"] == "succeeded"
    assert time.monotonic() - began < 0.5


def test_a_wait_that_expires_shows_the_job_as_it_is(gateway: GatewayProcess) -> None:
    """At expiry the answer is 200 with a job that goes on; a fraction of a second is a wait too."""
    job = begun(gateway.http, spec("[[slow:90]] a fox"))
    began = time.monotonic()
    response = gateway.http.get(job["links"]["self"], params={"wait": 0.3})
    assert 0.25 < time.monotonic() - began < 1
    assert response.status_code == 200
    assert response.json()["state"] == "running"
    assert response.headers["retry-after"] == "1"


def test_a_job_that_did_not_change_is_304(gateway: GatewayProcess) -> None:
    """With its own tag in If-None-Match a job costs no body: at once, or after the wait that nothing ended."""
    job = made(gateway.http, spec())
    tag = gateway.http.get(job["links"]["self"]).headers["etag"]
    for wait in (0, 0.4):
        began = time.monotonic()
        response = gateway.http.get(job["links"]["self"], params={"wait": wait}, headers={"If-None-Match": tag})
        assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", tag)
        assert time.monotonic() - began >= wait
    assert gateway.http.get(job["links"]["self"], headers={"If-None-Match": 'W/"0"'}).status_code == 200


def test_a_wait_with_a_tag_ends_with_the_first_change(gateway: GatewayProcess) -> None:
    """A poller with a tag is woken by each stored event, and comes to the end without missing one."""
    job = begun(gateway.http, spec("[[loading:120]] a fox", on="studio"))
    tag, states, seen = "", [], []
    while not states or states[-1] != "succeeded":
        headers = {"If-None-Match": tag} if tag else {}
        response = gateway.http.get(job["links"]["self"], params={"wait": 20 if tag else 0}, headers=headers)
        assert response.status_code == 200
        assert response.headers["etag"] != tag
        tag = response.headers["etag"]
        seen.append(int(tag[3:-1]))
        states.append(response.json()["state"])
    assert len(states) >= 3
    assert seen == sorted(set(seen))


def test_many_may_wait_for_one_job(gateway: GatewayProcess) -> None:
    """All who wait are told the same end, at the same time."""
    job = begun(gateway.http, spec("[[slow:60]] a fox"))
    with ThreadPoolExecutor(20) as pool:
        ends = list(pool.map(lambda _: shown(gateway.http, job["id"], wait=30), range(20)))
    assert [end["state"] for end in ends] == ["succeeded"] * 20
    assert all(end == ends[0] for end in ends)


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("wait=61", "wait"),
        ("wait=-1", "wait"),
        ("wait=nan", "wait"),
        ("inline=perhaps", "inline"),
        ("waits=1", "waits"),
    ],
)
def test_a_wrong_parameter_is_refused(gateway: GatewayProcess, query: str, wrong: str) -> None:
    """More than a minute, less than nothing and words that are no parameters are faults."""
    job = begun(gateway.http, spec())
    response = gateway.http.get(f"{job['links']['self']}?{query}")
    assert pointers(problem(response, "request.field_invalid")) == [f"/query/{wrong}"]


@pytest.mark.parametrize("name", ["job_00000000000000000000000000", "nonsense", "%00", "x" * 3000, "é"])
def test_an_unknown_job_is_not_found(gateway: GatewayProcess, name: str) -> None:
    """Whatever the id is like, the answer is the same, on every route of a job."""
    answers = [
        gateway.http.get(f"/v1/jobs/{name}"),
        gateway.http.get(f"/v1/jobs/{name}/events"),
        gateway.http.post(f"/v1/jobs/{name}/cancel"),
    ]
    details = {problem(answer, "resource.not_found")["detail"] for answer in answers}
    assert len(details) == 1


def test_a_job_tells_where_its_time_went_and_who_worked(gateway: GatewayProcess) -> None:
    """Times, attempts, candidate and effective settings are all there, and they fit together."""
    job = made(gateway.http, spec("a fox", on="studio", seed=11))
    assert (job["backend"], job["dialect"], job["account"]) == ("studio", "sdcpp", "default")
    assert job["model"] == "studio/z-image-turbo"
    (attempt,) = job["attempts"]
    assert (attempt["n"], attempt["part"], attempt["error"], attempt["how"]) == (1, 1, None, "done")
    assert attempt["model"] == job["model"]
    assert attempt["effective"] == job["effective"]
    assert job["effective"]["seed"] == 11
    assert job["created_at"] <= job["started_at"] <= attempt["ended_at"] <= job["finished_at"]
    assert job["progress"] == 1.0
    assert all(job["timings"][name] >= 0 for name in ("queued_s", "submit_s", "run_s", "download_s", "store_s"))
    assert job["usage"]["generation_s"] > 0


def test_a_job_that_waits_tells_its_place(gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess]) -> None:
    """A job for a backend that is all down is accepted, waits in its phase, and knows its place in the queue."""
    sandboxes["ima2"].force({"route": "GET /api/oauth/status", "outcome": "auth_required"})
    # The failure makes the gateway look at once, instead of at its next probe; who may go elsewhere would wait as well.
    here = {"backends": ["ima2"], "failover": False}
    assert made(gateway.http, spec("[[AUTH_CHATGPT_EXPIRED]] a fox", route=here))["state"] == "failed"
    wait_for(lambda: not _ready(gateway), "an account that is down")
    jobs = [begun(gateway.http, spec()) for _ in range(3)]
    places = [shown(gateway.http, job["id"])["queue_position"] for job in jobs]
    assert places == sorted(places)
    assert len(set(places)) == 3
    assert {shown(gateway.http, job["id"])["phase"] for job in jobs} == {"waiting_for_backend"}
    refused = spec(route={"backends": ["ima2"], "require_healthy": True})
    problem(gateway.http.post("/v1/jobs", json=refused), "routing.no_candidate")
    sandboxes["ima2"].force()
    wait_for(lambda: _ready(gateway), "an account that is back")
    assert {shown(gateway.http, job["id"], wait=60)["state"] for job in jobs} == {"succeeded"}


def _ready(gateway: GatewayProcess) -> bool:
    return bool(gateway.http.get("/readyz").json()["backends"]["ima2"]["ready_accounts"])
