"""`POST /v1/jobs`: a job exists or it does not, and the caller waits as it wishes."""

import contextlib
import json
import socket
import time
from typing import Any

import httpx
import pytest
from httpx_sse import EventSource

from tests.e2e.asked import made, post, problem, shown, spec, wait_for
from tests.e2e.listening_in import Told, check_history
from tests.harness import GatewayProcess, SandboxProcess


def test_an_accepted_job_is_202_with_its_place_its_tag_and_a_hint(gateway: GatewayProcess) -> None:
    """A job that has not ended is answered 202 with Location, ETag and Retry-After, and is there."""
    response = post(gateway.http, spec("[[slow:60]] a fox"))
    assert response.status_code == 202
    job = response.json()
    assert response.headers["location"] == job["links"]["self"] == f"/v1/jobs/{job['id']}"
    assert int(response.headers["retry-after"]) >= 1
    assert response.headers["etag"].startswith('W/"')
    assert "preference-applied" not in response.headers
    assert job["state"] in ("queued", "running")
    assert shown(gateway.http, job["id"])["id"] == job["id"]


def test_a_job_that_ends_within_the_wait_is_200_with_its_result(gateway: GatewayProcess) -> None:
    """`Prefer: wait` answers 200 once the job has ended, and says that it was followed."""
    response = post(gateway.http, spec("a fox at dawn"), wait=30)
    job = response.json()
    assert response.status_code == 200
    assert response.headers["preference-applied"] == "wait=30"
    assert response.headers["location"] == f"/v1/jobs/{job['id']}"
    assert "retry-after" not in response.headers
    assert job["state"] == "succeeded"
    assert [output["role"] for output in job["outputs"]] == ["image"]
    again = gateway.http.get(response.headers["location"])
    assert again.headers["etag"] == response.headers["etag"]
    assert again.json() == job


def test_a_wait_that_expires_is_202_and_the_job_goes_on(gateway: GatewayProcess) -> None:
    """At expiry the answer is 202 with the job as it is, and the job ends by itself."""
    began = time.monotonic()
    response = post(gateway.http, spec("[[slow:150]] a fox"), wait=1)
    assert 0.9 < time.monotonic() - began < 2
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "wait=1"
    assert int(response.headers["retry-after"]) >= 1
    assert shown(gateway.http, response.json()["id"], wait=30)["state"] == "succeeded"


@pytest.mark.parametrize("token", ["SAFETY_REFUSAL", "GENERATE_FAILED", "AUTH_CHATGPT_EXPIRED"])
def test_a_job_that_failed_within_the_wait_is_still_200(gateway: GatewayProcess, token: str) -> None:
    """Once a job exists its failure is told inside: HTTP says 200, `error.status` what the catalogue says."""
    response = post(gateway.http, spec(f"[[{token}]] a fox", route={"backends": ["ima2"], "failover": False}), wait=60)
    assert response.status_code == 200
    job = response.json()
    assert job["state"] == "failed"
    expected = {"SAFETY_REFUSAL": ("policy.refused", 422), "GENERATE_FAILED": ("backend.failed", 502)}
    assert (job["error"]["code"], job["error"]["status"]) == expected.get(token, ("backend.credentials_rejected", 502))
    assert job["error"]["job_id"] == job["id"]


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [
        ("wait=3600", "wait=60"),
        ('wait="5"', "wait=5"),
        ("Wait=5; foo=bar", "wait=5"),
        ("respond-async, wait=5", "wait=5"),
        ("handling=lenient, wait=5", "wait=5"),
    ],
)
def test_a_wish_to_wait_is_read_as_rfc_7240_writes_it(gateway: GatewayProcess, prefer: str, applied: str) -> None:
    """Parameters, quotes and other preferences do not disturb the wish, and a minute is the most that is granted."""
    response = gateway.http.post("/v1/jobs", json=spec(), headers={"Prefer": prefer})
    assert response.status_code == 200
    assert response.headers["preference-applied"] == applied


@pytest.mark.parametrize("prefer", ["respond-async", "wait=0", "handling=strict", ""])
def test_without_a_wish_to_wait_nobody_waits(gateway: GatewayProcess, prefer: str) -> None:
    """`respond-async`, no wait and foreign preferences are answered at once."""
    response = gateway.http.post("/v1/jobs", json=spec("[[slow:60]] a fox"), headers={"Prefer": prefer})
    assert response.status_code == 202
    assert "preference-applied" not in response.headers


@pytest.mark.parametrize("prefer", ["wait=soon", "wait=-1", "wait=1.5", "wait", "wait=", "respond-async, wait=x"])
def test_a_wish_that_makes_no_sense_is_refused(gateway: GatewayProcess, prefer: str) -> None:
    """A malformed wait is a fault of the header, and no job is made."""
    response = gateway.http.post("/v1/jobs", json=spec(tags={"made": "never"}), headers={"Prefer": prefer})
    found = problem(response, "request.field_invalid")
    assert [fault["pointer"] for fault in found["errors"]] == ["/headers/Prefer"]
    assert gateway.http.get("/v1/jobs", params={"tag": "made:never"}).json()["jobs"] == []


def test_a_wish_for_events_beats_a_wish_to_wait(gateway: GatewayProcess) -> None:
    """`Accept: text/event-stream` answers 200 with Location and the job's whole history, whatever Prefer says."""
    accepts = {"Accept": "application/json;q=0.5, text/event-stream"}
    response = gateway.http.post("/v1/jobs", json=spec(), headers={**accepts, "Prefer": "wait=60"})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store"
    assert "preference-applied" not in response.headers
    job_id = response.headers["location"].rpartition("/")[2]
    history = _events(response)
    check_history(history, job_id)
    assert [event.event for event in history][-2:] == ["job.output", "job.succeeded"]
    assert shown(gateway.http, job_id)["state"] == "succeeded"


def _events(response: httpx.Response) -> list[Told]:
    return [Told(each.id, each.event, each.data) for each in EventSource(response).iter_sse()]


def test_a_refusal_before_the_first_byte_of_a_stream_is_a_problem(gateway: GatewayProcess) -> None:
    """Who wants events and sends a broken request gets a problem document, no stream."""
    response = gateway.http.post("/v1/jobs", json=spec(n="many"), headers={"Accept": "text/event-stream"})
    assert problem(response, "request.field_invalid")["errors"][0]["pointer"] == "/n"


def test_a_job_that_fails_ends_its_stream_with_the_same_problem(gateway: GatewayProcess) -> None:
    """The terminal event carries the very error that the job shows."""
    body = spec("[[SAFETY_REFUSAL]] a fox")
    response = gateway.http.post("/v1/jobs", json=body, headers={"Accept": "text/event-stream"})
    last = _events(response)[-1]
    assert last.event == "job.failed"
    job = gateway.http.get(response.headers["location"]).json()
    assert last.json()["error"] == job["error"]


@pytest.mark.parametrize("accept", [None, "text/event-stream"])
def test_a_client_that_goes_away_cancels_nothing(gateway: GatewayProcess, accept: str | None) -> None:
    """A job whose creator hangs up, waiting or listening, is made all the same."""
    name = f"gone-{accept is None}"
    headers = {"Prefer": "wait=30"} | ({"Accept": accept} if accept else {})
    body = spec("[[slow:60]] a fox", tags={"who": name})
    with contextlib.suppress(httpx.ReadTimeout), httpx.Client(base_url=gateway.url, timeout=0.3) as hasty:
        hasty.post("/v1/jobs", json=body, headers=headers)
    jobs = wait_for(lambda: gateway.http.get("/v1/jobs", params={"tag": f"who:{name}"}).json()["jobs"], "a job")
    assert shown(gateway.http, jobs[0]["id"], wait=30)["state"] == "succeeded"


@pytest.mark.parametrize(
    ("path", "media_type", "half"),
    [
        ("/v1/jobs", "application/json", b'{"operation": "image.gen'),
        ("/v1/assets", "image/png", b"\x89PNG"),
        ("/v1/assets", "multipart/form-data; boundary=x", b"--x\r\n"),
    ],
)
def test_a_client_that_goes_away_in_the_middle_of_its_body_crashes_nothing(
    gateway: GatewayProcess, path: str, media_type: str, half: bytes
) -> None:
    """Half a body is the caller's fault: it is no job, no asset, and no failure of ours in the log."""
    name = f"half-{media_type[:9]}".replace("/", ".")
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nX-Request-Id: {name}\r\n"
    with socket.create_connection(("127.0.0.1", gateway.port)) as line:
        line.sendall(f"{head}Content-Type: {media_type}\r\nContent-Length: 1000\r\n\r\n".encode() + half)
    lines = wait_for(lambda: [each for each in _log(gateway) if each.get("request_id") == name], "a line in the log")
    assert [each["event"] for each in lines] == ["http.answered"]
    assert (lines[0]["status"], lines[0]["code"]) == (400, "request.malformed")


def _log(gateway: GatewayProcess) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]


def test_what_was_asked_is_what_is_shown(gateway: GatewayProcess) -> None:
    """The stored spec is the request, without what was never set."""
    body = spec("a fox", tags={"project": "atlas"}, client_ref="row 7", effort="low", priority=-3, deadline_s=500)
    assert made(gateway.http, body)["spec"] == body


def test_every_result_of_a_sandbox_says_so(gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess]) -> None:
    """Jobs, assets, backends, models and the version all tell that an emulator made the picture."""
    assert sandboxes
    job = made(gateway.http, spec())
    assert job["sandbox"] is True
    assert gateway.http.get(f"/v1/assets/{job['outputs'][0]['asset_id']}").json()["sandbox"] is True
    assert all(each["sandbox"] for each in gateway.http.get("/v1/backends").json()["backends"])
    assert all(each["sandbox"] for each in gateway.http.get("/v1/models").json()["models"])
    assert gateway.http.get("/version").json()["sandbox"] is True
