"""Refusals at the door: every fault at once, every answer a problem, no job made."""

import gzip
import json
from typing import Any

import httpx
import pytest

from tests.e2e.asked import pointers, post, problem, spec
from tests.harness import GatewayProcess

MIB = 1024 * 1024
JSON = {"Content-Type": "application/json"}


def test_all_faults_of_a_request_are_named_together(gateway: GatewayProcess) -> None:
    """One refusal lists every field that is wrong, each with its pointer, its reason and what is allowed."""
    body = {
        "operation": "image.generate",
        "prompt": " ",
        "n": 0,
        "seed": "seven",
        "effort": "extreme",
        "size": {"width": 100},
        "output": {"format": "gif", "compression": 101},
        "inputs": [{"role": "hat", "data": "x"}, {"role": "source"}],
        "tags": {"a b": "c"},
        "quality": "high",
        "deadline_s": 0,
        "route": {"backends": []},
    }
    found = problem(gateway.http.post("/v1/jobs", json=body), "request.field_invalid")
    faults = {fault["pointer"]: fault for fault in found["errors"]}
    assert set(faults) == {
        *("/prompt", "/n", "/seed", "/effort", "/size", "/output/format", "/output/compression"),
        *("/inputs/0/role", "/inputs/1", "/tags/a b", "/quality", "/deadline_s", "/route/backends"),
    }
    assert faults["/n"]["reason"] == "range"
    assert faults["/n"]["limit"] == 1
    assert faults["/seed"]["reason"] == "type"
    assert set(faults["/effort"]["allowed"]) == {"low", "medium", "high", "auto"}
    assert faults["/quality"]["reason"] == "unknown_field"
    assert "effort" in faults["/quality"]["detail"]
    assert "output.compression" in faults["/quality"]["detail"]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"options": {"midjourney": {}}}, "/options/midjourney"),
        ({"options": {"sdcpp": {"steps": 4}}}, "/options/sdcpp/steps"),
        ({"options": {"sdcpp": {"sample_steps": 0}}}, "/options/sdcpp/sample_steps"),
        ({"options": {"ima2": {"anything": 1}}}, "/options/ima2/anything"),
        ({"cache": {"pool": 3}}, "/cache/pool"),
        ({"watermark": {"scale": 10}}, "/watermark"),
        ({"inputs": [{"role": "mask", "data": "eA=="}]}, "/inputs/0"),
        ({"route": {"backends": ["nobody"]}}, "/route/backends/0"),
        ({"route": {"backends": ["ima2"], "exclude": ["nobody"]}}, "/route/exclude/0"),
        ({"route": {"backends": ["ima2"], "exclude": ["ima2"]}}, "/route"),
        ({"route": {"accounts": ["nobody"]}}, "/route"),
        ({"route": {"failover": True}, "model": "ima2/gpt-5.4"}, "/route/failover"),
    ],
)
def test_what_contradicts_itself_is_refused_by_name(
    gateway: GatewayProcess, fields: dict[str, Any], pointer: str
) -> None:
    """Options of no dialect, options without their other half and routes to nowhere are faults of their fields."""
    found = problem(post(gateway.http, spec(**fields)), "request.field_invalid")
    assert pointers(found) == [pointer]


def test_what_nobody_serves_yet_is_unsupported_by_name(gateway: GatewayProcess) -> None:
    """All fields parse from the first day; what no adapter serves is `option_unsupported` and names the field."""
    body = {"operation": "video.generate", "prompt": "a fox"}
    assert pointers(problem(post(gateway.http, body), "request.option_unsupported")) == ["/operation"]
    hook = spec(webhook={"url": "https://example.com/hook"})
    assert pointers(problem(post(gateway.http, hook), "request.option_unsupported")) == ["/webhook"]


@pytest.mark.parametrize(
    "body", [b"", b"  ", b"{", b"nonsense", b"\xff\xfe", b"[" * 100_000, b'{"a":1}{', b'"\\ud800"']
)
def test_what_is_no_json_is_malformed(gateway: GatewayProcess, body: bytes) -> None:
    """Broken, empty and bottomless bodies are 400, never more."""
    problem(gateway.http.post("/v1/jobs", content=body, headers=JSON), "request.malformed", 400)


@pytest.mark.parametrize("body", [b"null", b"1", b'"text"', b"[]", b"true"])
def test_json_that_is_no_object_is_a_fault_of_the_whole(gateway: GatewayProcess, body: bytes) -> None:
    """A body of another kind is a fault at the root."""
    found = problem(gateway.http.post("/v1/jobs", content=body, headers=JSON), "request.field_invalid")
    assert pointers(found) == [""]


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "json"]
)
def test_a_body_of_another_type_is_415(gateway: GatewayProcess, media_type: str) -> None:
    """Writes demand JSON: whatever a form on a web page could send is turned away unread."""
    headers = {"Content-Type": media_type}
    problem(gateway.http.post("/v1/jobs", content=json.dumps(spec()), headers=headers), "request.malformed", 415)


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_labelled_as_it_commonly_is(gateway: GatewayProcess, media_type: str) -> None:
    """Case and parameters of the label do not matter."""
    body = json.dumps(spec())
    assert gateway.http.post("/v1/jobs", content=body, headers={"Content-Type": media_type}).status_code == 202


def test_a_compressed_body_is_not_json(gateway: GatewayProcess) -> None:
    """Nobody unpacks bodies here: a compressed one is malformed, and no bomb."""
    headers = {**JSON, "Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps(spec()).encode())
    problem(gateway.http.post("/v1/jobs", content=body, headers=headers), "request.malformed")


def test_a_body_over_sixteen_mebibytes_is_413(gateway: GatewayProcess) -> None:
    """Announced or not, a body that is too large is refused with the limit, and what is just small enough is read."""
    large = json.dumps(spec("x" * (16 * MIB))).encode()
    found = problem(gateway.http.post("/v1/jobs", content=large, headers=JSON), "request.too_large")
    assert found["limit"] == 16 * MIB
    unannounced = httpx.Request("POST", f"{gateway.url}/v1/jobs", content=iter([large[:MIB]] * 17), headers=JSON)
    assert problem(gateway.http.send(unannounced), "request.too_large")["limit"] == 16 * MIB
    padded = json.dumps(spec(n=0)).encode().ljust(16 * MIB)
    assert len(padded) == 16 * MIB
    problem(gateway.http.post("/v1/jobs", content=padded, headers=JSON), "request.field_invalid")


@pytest.mark.parametrize("accept", ["text/html", "image/*", "application/xml, text/plain"])
def test_who_takes_no_json_gets_406(gateway: GatewayProcess, accept: str) -> None:
    """The route answers JSON or events, and says so to whoever takes neither."""
    problem(post(gateway.http, spec(), Accept=accept), "request.malformed", 406)


@pytest.mark.parametrize("accept", ["*/*", "application/*", "application/problem+json", "text/html, */*;q=0.1"])
def test_who_takes_json_among_others_gets_it(gateway: GatewayProcess, accept: str) -> None:
    """Ranges and lists that cover JSON are enough."""
    assert post(gateway.http, spec(), Accept=accept).status_code == 202


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/jobs", {"GET", "POST"}),
        ("DELETE", "/v1/jobs/job_1", {"GET"}),
        ("GET", "/v1/jobs/job_1/cancel", {"POST"}),
        ("PATCH", "/v1/assets/ast_1", {"GET", "DELETE"}),
        ("POST", "/v1/assets/ast_1/content", {"GET", "HEAD"}),
        ("POST", "/metrics", {"GET"}),
        ("TRACE", "/livez", {"GET"}),
    ],
)
def test_another_method_is_405_and_says_which_there_are(
    gateway: GatewayProcess, method: str, path: str, allowed: set[str]
) -> None:
    """`Allow` names the methods of the address."""
    response = gateway.http.request(method, path)
    problem(response, "request.malformed", 405)
    assert {each.strip() for each in response.headers["allow"].split(",")} - {"OPTIONS"} == allowed


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/jobs", "/v1/jobs/a/b/c", "/favicon.ico", "/v1/../etc/passwd", "/%00"]
)
def test_an_unknown_address_is_404(gateway: GatewayProcess, path: str) -> None:
    """There is nothing at it, and it is told in our shape."""
    problem(gateway.http.get(path), "resource.not_found")


@pytest.mark.parametrize("given", ["abc", "A.b:c_d-9", "x" * 128])
def test_a_request_id_is_echoed(gateway: GatewayProcess, given: str) -> None:
    """What a client calls its request comes back, on successes and in problems."""
    headers = {"X-Request-Id": given}
    assert gateway.http.get("/livez", headers=headers).headers["x-request-id"] == given
    assert problem(gateway.http.get("/nothing", headers=headers), "resource.not_found")["instance"] == given


@pytest.mark.parametrize("given", ["", "two words", "x" * 129, "a/b", "<script>", "é"])
def test_a_request_id_of_another_kind_is_replaced(gateway: GatewayProcess, given: str) -> None:
    """Anything that would not be safe in a log is answered with an id of our own."""
    response = gateway.http.get("/livez", headers=httpx.Headers([(b"X-Request-Id", given.encode("latin-1"))]))
    assert response.headers["x-request-id"].startswith("req_")
    assert len(response.headers["x-request-id"]) == 30


def test_two_requests_have_two_ids(gateway: GatewayProcess) -> None:
    """An id that we make is made once."""
    assert len({gateway.http.get("/livez").headers["x-request-id"] for _ in range(20)}) == 20
