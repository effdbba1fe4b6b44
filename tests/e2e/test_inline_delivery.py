"""Inline delivery: the picture inside the answer, byte for byte, as far as it fits."""

import base64
from typing import Any

import httpx

from tests.e2e.asked import begun, made, post, problem, shown, spec
from tests.e2e.keyed import KeyedGateway
from tests.e2e.listening_in import told
from tests.harness import GatewayProcess

INLINE = {"output": {"delivery": "inline"}}
#: Four of these in base64 are more than 16 MiB, three are not.
LARGE = {"width": 1600, "height": 1600}


def content_of(http: httpx.Client, output: dict[str, Any]) -> bytes:
    """Return the bytes behind an output's url."""
    return http.get(output["url"]).raise_for_status().content


def test_a_picture_inside_the_answer_is_the_very_file(gateway: GatewayProcess) -> None:
    """The base64 in the answer that waited is the asset, byte for byte, on every backend."""
    for name in ("ima2", "studio"):
        job = made(gateway.http, spec(on=name, **INLINE))
        (output,) = job["outputs"]
        assert base64.b64decode(output["data"], validate=True) == content_of(gateway.http, output)


def test_thumbnails_stay_outside(gateway: GatewayProcess) -> None:
    """Imgen's thumbnail is an output of its own and is not sent inline; its picture is."""
    job = made(gateway.http, spec(on="imgen", **INLINE))
    given = {output["role"]: "data" in output for output in job["outputs"]}
    assert given == {"image": True, "thumbnail": False}
    assert job["warnings"] == []
    (picture,) = [output for output in job["outputs"] if output["role"] == "image"]
    assert base64.b64decode(picture["data"]) == content_of(gateway.http, picture)


def test_only_the_answer_that_asked_carries_bytes(gateway: GatewayProcess) -> None:
    """Lists, events, the plain job and jobs that asked for urls carry none; `?inline=true` does."""
    job = made(gateway.http, spec(tags={"bytes": "inside"}, **INLINE))
    path = job["links"]["self"]
    assert "data" not in shown(gateway.http, job["id"])["outputs"][0]
    (listed,) = gateway.http.get("/v1/jobs", params={"tag": "bytes:inside"}).json()["jobs"]
    assert "data" not in listed["outputs"][0]
    assert all('"data":' not in event.data for event in told(gateway.http, f"{path}/events"))
    inline = gateway.http.get(path, params={"inline": "true"}).json()
    assert inline["outputs"] == job["outputs"]
    assert "data" not in made(gateway.http, spec())["outputs"][0]
    assert "data" not in made(gateway.http, spec(output={"delivery": "url"}))["outputs"][0]


def test_a_replay_carries_the_same_bytes(gateway: GatewayProcess) -> None:
    """Whoever sends the same key again gets the same picture inside."""
    first = made(gateway.http, spec(**INLINE), Idempotency_Key="inline-twice")
    assert made(gateway.http, spec(**INLINE), Idempotency_Key="inline-twice") == first


def test_an_answer_that_did_not_wait_carries_no_bytes(gateway: GatewayProcess) -> None:
    """A 202 has no picture yet; it is asked for with `?inline=true` later."""
    job = begun(gateway.http, spec("[[slow:30]] a fox", **INLINE))
    assert job["outputs"] == []
    done = gateway.http.get(job["links"]["self"], params={"wait": 30, "inline": "true"}).json()
    assert base64.b64decode(done["outputs"][0]["data"]) == content_of(gateway.http, done["outputs"][0])


def test_what_does_not_fit_into_sixteen_mebibytes_comes_by_url_with_a_warning(gateway: GatewayProcess) -> None:
    """As many pictures as fit are inside; the others keep their url, and the answer says so."""
    body = spec("a storm of sparks", n=6, size=LARGE, **INLINE)
    job = made(gateway.http, body)
    assert len(job["outputs"]) == 6
    total = sum((output["bytes"] + 2) // 3 * 4 for output in job["outputs"])
    assert total > 16 * 1024 * 1024, "the pictures are too small to show anything"
    inside = [output for output in job["outputs"] if "data" in output]
    assert 0 < len(inside) < 6
    assert sum(len(output["data"]) for output in inside) <= 16 * 1024 * 1024
    assert [warning for warning in job["warnings"] if "inline" in warning]
    for output in inside:
        assert base64.b64decode(output["data"]) == content_of(gateway.http, output)
    again = gateway.http.get(job["links"]["self"], params={"inline": "true"}).json()
    assert [("data" in output) for output in again["outputs"]] == [("data" in output) for output in job["outputs"]]
    assert again["warnings"] == job["warnings"]


def test_a_failed_job_has_nothing_inside(gateway: GatewayProcess) -> None:
    """No output, no data, no warning: only the error."""
    job = made(gateway.http, spec("[[SAFETY_REFUSAL]] a fox", **INLINE))
    assert (job["state"], job["outputs"], job["warnings"]) == ("failed", [], [])


def test_bytes_need_the_scope_that_reads_them(keyed: KeyedGateway) -> None:
    """Without `assets:read` no picture leaves inside an answer, and the refusal comes before the job is made."""
    writer = keyed.client("violet", "--scope", "jobs:write", "--scope", "jobs:read")
    problem(post(writer, spec(**INLINE), wait=30), "auth.forbidden")
    assert writer.get("/v1/jobs").json()["jobs"] == []
    job = made(writer, spec())
    problem(writer.get(job["links"]["self"], params={"inline": "true"}), "auth.forbidden")
