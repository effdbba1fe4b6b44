"""`Idempotency-Key`: one key makes one job, however often, by whomever in the team, and whatever became of it."""

import base64
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.asked import begun, made, post, problem, shown, spec
from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway
from tests.e2e.listening_in import check_history, told
from tests.harness import GatewayProcess, SandboxProcess


def new_key() -> str:
    """Return a key that nobody used."""
    return f"key-{uuid4()}"


def submits_of(sandbox: SandboxProcess, mark: str) -> list[dict[str, Any]]:
    """Return the submits whose prompt carries a mark."""
    return [call for call in sandbox.submits() if mark in str(call["body"].get("prompt"))]


def test_a_second_equal_request_is_answered_with_the_first_ones_job(
    gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess]
) -> None:
    """A replay is the job as it is now, says that it is one, and makes nothing."""
    key, body = new_key(), spec(f"a fox {uuid4()}")
    first = post(gateway.http, body, wait=30, Idempotency_Key=key)
    again = post(gateway.http, body, wait=30, Idempotency_Key=key)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.status_code == first.status_code == 200
    assert again.json() == first.json()
    for name in ("location", "etag", "preference-applied"):
        assert again.headers[name] == first.headers[name]
    assert len(submits_of(sandboxes["ima2"], body["prompt"])) == 1


def test_a_replay_follows_the_wishes_of_the_request_that_asks_for_it(gateway: GatewayProcess) -> None:
    """Prefer and Accept are those of the present request: 202, then a wait, then a stream, of one and the same job."""
    key, body = new_key(), spec("[[slow:60]] a fox")
    job = begun(gateway.http, body, Idempotency_Key=key)
    at_once = post(gateway.http, body, Idempotency_Key=key)
    assert at_once.status_code == 202
    assert int(at_once.headers["retry-after"]) >= 1
    waited = post(gateway.http, body, wait=30, Idempotency_Key=key)
    assert (waited.status_code, waited.json()["state"]) == (200, "succeeded")
    streamed = post(gateway.http, body, Idempotency_Key=key, Accept="text/event-stream")
    assert streamed.headers["idempotency-replayed"] == "true"
    assert streamed.text.count("event: job.succeeded") == 1
    assert {answer.headers["location"] for answer in (at_once, waited, streamed)} == {f"/v1/jobs/{job['id']}"}
    check_history(told(gateway.http, f"/v1/jobs/{job['id']}/events"), job["id"])


def test_a_key_with_another_body_is_a_conflict_that_names_the_job(gateway: GatewayProcess) -> None:
    """The same key for something else is 422, with the id of the job that it made."""
    key = new_key()
    job = begun(gateway.http, spec(), Idempotency_Key=key)
    found = problem(post(gateway.http, spec(n=2), Idempotency_Key=key), "idempotency.conflict", 422)
    assert found["job_id"] == job["id"]


def test_the_fingerprint_is_of_what_was_understood_and_not_of_how_it_was_written(gateway: GatewayProcess) -> None:
    """Order, white space and spelled-out defaults do not make another request."""
    key = new_key()
    job = begun(gateway.http, spec("a fox", tags={"a": "1", "b": "2"}), Idempotency_Key=key)
    other = rb"""{ "on_unsupported": "reject", "tags": {"b": "2", "a": "1"}, "model": "auto", "priority": 0,
                  "route": {"backends": ["ima2"]}, "prompt": "a f\u006fx", "operation": "image.generate" }"""
    headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
    response = gateway.http.post("/v1/jobs", content=other, headers=headers)
    assert response.json().get("id") == job["id"], response.text


def test_pictures_count_by_their_bytes_in_the_fingerprint(gateway: GatewayProcess) -> None:
    """The same picture as data or as an asset is the same request; another picture is not."""
    key, picture = new_key(), png(64, 64)
    asset = gateway.http.post("/v1/assets", content=picture, headers={"Content-Type": "image/png"}).json()
    data = base64.b64encode(picture).decode()
    job = begun(gateway.http, spec(inputs=[{"role": "reference", "data": data}]), Idempotency_Key=key)
    by_id = spec(inputs=[{"role": "reference", "asset_id": asset["id"]}])
    assert post(gateway.http, by_id, Idempotency_Key=key).json()["id"] == job["id"]
    other = spec(inputs=[{"role": "reference", "data": base64.b64encode(png(64, 65)).decode()}])
    problem(post(gateway.http, other, Idempotency_Key=key), "idempotency.conflict")


@pytest.mark.parametrize("key", ["", "two words", "a" * 256, "é", "a\tb"])
def test_a_malformed_key_is_refused(gateway: GatewayProcess, key: str) -> None:
    """A key is 1 to 255 visible ASCII characters; anything else is 400 and names the header."""
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    response = gateway.http.post("/v1/jobs", json=spec(), headers=httpx.Headers(headers))
    assert problem(response, "request.field_invalid")["errors"][0]["pointer"] == "/headers/Idempotency-Key"


def test_the_longest_key_is_taken(gateway: GatewayProcess) -> None:
    """255 visible characters of any kind are a key."""
    key = ("".join(map(chr, range(0x21, 0x7F))) * 3)[:219] + str(uuid4())
    job = begun(gateway.http, spec(), Idempotency_Key=key)
    assert post(gateway.http, spec(), Idempotency_Key=key).json()["id"] == job["id"]


def test_forty_equal_requests_at_once_make_one_job(
    gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess]
) -> None:
    """Whoever comes first makes the job, and all the others are told of it."""
    key, body = new_key(), spec(f"a fox {uuid4()}")
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(lambda _: post(gateway.http, body, wait=30, Idempotency_Key=key), range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert [answer.headers.get("idempotency-replayed") for answer in answers].count("true") == 39
    assert len(submits_of(sandboxes["ima2"], body["prompt"])) == 1


def test_a_refused_request_leaves_its_key_free(gateway: GatewayProcess) -> None:
    """No job, no key: what was refused may be mended and sent under the same key."""
    key = new_key()
    problem(post(gateway.http, spec(seed=1), Idempotency_Key=key), "request.option_unsupported")
    assert "idempotency-replayed" not in post(gateway.http, spec(), Idempotency_Key=key).headers


def test_a_key_is_never_released_by_a_failure(gateway: GatewayProcess) -> None:
    """A failed job is replayed as the failure that it is; a cancelled one too."""
    key, body = new_key(), spec("[[SAFETY_REFUSAL]] a fox")
    failed = made(gateway.http, body, Idempotency_Key=key)
    assert failed["state"] == "failed"
    assert made(gateway.http, body, Idempotency_Key=key) == failed
    key, body = new_key(), spec("[[slow:300]] a fox")
    job = begun(gateway.http, body, Idempotency_Key=key)
    gateway.http.post(f"/v1/jobs/{job['id']}/cancel", headers={"Prefer": "wait=10"}).raise_for_status()
    assert shown(gateway.http, job["id"])["state"] == "cancelled"
    assert made(gateway.http, body, Idempotency_Key=key)["state"] == "cancelled"


def test_the_same_key_of_another_team_is_another_job(keyed: KeyedGateway) -> None:
    """A key belongs to its team: another team's equal request, and its other body, are its own affair."""
    key, body = new_key(), spec()
    job = begun(keyed.client("red"), body, Idempotency_Key=key)
    other = post(keyed.client("blue"), body, Idempotency_Key=key)
    assert "idempotency-replayed" not in other.headers
    assert other.json()["id"] != job["id"]
    third = post(keyed.client("green"), spec(n=2), Idempotency_Key=key)
    assert third.status_code == 202
    colleague = post(keyed.client("red", "--name", "colleague"), body, Idempotency_Key=key)
    assert colleague.json()["id"] == job["id"]


def test_a_key_that_may_only_write_is_told_of_its_replay_too(keyed: KeyedGateway) -> None:
    """Whoever may create may create again: a replay needs no more than the first request did."""
    key, writer = new_key(), keyed.client("red", "--scope", "jobs:write")
    job = begun(writer, spec(), Idempotency_Key=key)
    again = post(writer, spec(), Idempotency_Key=key)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["id"] == job["id"]
