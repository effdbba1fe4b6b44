"""`dry_run`: everybody's verdict and the exact native request, and nothing sent, fetched or stored."""

import base64
from typing import Any

import httpx
import pytest

from tests.e2e.asked import made, pointers, problem, spec
from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway
from tests.harness import GatewayProcess, SandboxProcess


def explained(http: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """Return what a dry run says."""
    response = http.post("/v1/jobs", params={"dry_run": "true"}, json=body)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def test_every_candidate_has_its_verdict(gateway: GatewayProcess) -> None:
    """Each model of each account of each backend fits, or says by code and pointer why it does not."""
    answer = explained(gateway.http, spec(on=None, seed=7))
    verdicts = {(each["backend"], each["account"], each["model"]): each for each in answer["candidates"]}
    listed = {
        (model["backend"], info["account"], model["id"])
        for model in gateway.http.get("/v1/models").json()["models"]
        for info in model["capabilities"]
        if "image.generate" in info["operations"]
    }
    assert set(verdicts) == listed
    for (name, _account, _model), verdict in verdicts.items():
        assert verdict["fits"] is (name == "studio")
        if name != "studio":
            assert verdict["code"] == "request.option_unsupported"
            assert [reason["pointer"] for reason in verdict["reasons"]] == ["/seed"]
    assert answer["chosen"].startswith("studio/")


def test_a_candidate_that_is_capable_but_down_says_that_it_is_not_ready(gateway: GatewayProcess) -> None:
    """The account without a key fits, and is not ready; the one that is ready comes first."""
    answer = explained(gateway.http, spec())
    ready = {each["account"]: each["ready"] for each in answer["candidates"]}
    assert ready == {"oauth": True, "api": False}
    assert answer["candidates"][0]["account"] == "oauth"


def test_when_nobody_fits_nobody_is_chosen_and_everybody_says_why(gateway: GatewayProcess) -> None:
    """The refusal of the real request is foreseen: the same pointers, and no native request."""
    body = spec(on=None, seed=7, character="aya")
    answer = explained(gateway.http, body)
    assert (answer["chosen"], answer["request"]) == (None, None)
    refusal = problem(gateway.http.post("/v1/jobs", json=body), "request.option_unsupported")
    foreseen = {reason["pointer"] for each in answer["candidates"] for reason in each["reasons"]}
    assert foreseen == set(pointers(refusal)) == {"/seed", "/character"}
    assert len(refusal["candidates"]) == len(answer["candidates"])
    told = {name: value for name, value in refusal.items() if name not in ("instance", "candidates")}
    assert answer["refusal"] == told


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"route": {"backends": ["ima2"], "accounts": ["api"], "require_healthy": True}}, "routing.no_candidate"),
        ({"n": 64}, "request.option_unsupported"),
        ({"route": {"backends": ["ima2"]}, "n": 64}, "request.field_invalid"),
        ({"model": "imgen/eros", "seed": 1, "on_unsupported": "adapt"}, "request.option_unsupported"),
    ],
)
def test_what_would_be_refused_is_told_as_it_would_be(
    gateway: GatewayProcess, fields: dict[str, Any], code: str
) -> None:
    """Nobody is chosen, and `refusal` is the problem that the request itself is answered with."""
    body = spec(on=None, **fields)
    answer = explained(gateway.http, body)
    refusal = gateway.http.post("/v1/jobs", json=body).json()
    assert (answer["chosen"], answer["refusal"]["code"], refusal["code"]) == (None, code, code)
    assert answer["refusal"]["detail"] == refusal["detail"]


def test_a_dry_run_asks_for_the_scopes_that_the_request_would(keyed: KeyedGateway) -> None:
    """What goes ahead of others needs `admin`, and pictures in the answer `assets:read`."""
    writer = keyed.client("red", "--scope", "jobs:write")
    for fields, scope in (({"priority": 5}, "admin"), ({"output": {"delivery": "inline"}}, "assets:read")):
        for path in ("/v1/jobs?dry_run=true", "/v1/jobs"):
            found = problem(writer.post(path, json=spec(**fields)), "auth.forbidden")
            assert found["reason"] == scope


@pytest.mark.parametrize(
    ("name", "dialect", "options"),
    [
        ("ima2", "ima2", {"effort": "high", "output": {"format": "webp"}, "n": 2}),
        ("studio", "sdcpp", {"seed": 7, "negative_prompt": "rain", "size": {"width": 256, "height": 512}}),
        ("imgen", "imgen", {"character": "aya", "output": {"format": "jpeg", "compression": 80}}),
    ],
)
def test_the_native_request_is_the_one_that_would_be_sent(
    gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess], name: str, dialect: str, options: dict[str, Any]
) -> None:
    """Body and path of the dry run are those of the job that follows; only ids that belong to a job differ."""
    body = spec(f"the very same, by {name}", on=name, **options)
    answer = explained(gateway.http, body)
    job = made(gateway.http, body)
    (sent,) = [call for call in sandboxes[dialect].submits() if "the very same" in str(call["body"].get("prompt"))]
    request = answer["request"]
    assert (request["method"], sent["method"]) == ("POST", "POST")
    assert sent["path"].endswith(request["path"])
    body_sent = {key: value for key, value in sent["body"].items() if key not in ("requestId", "action")}
    assert {key: value for key, value in request["body"].items() if key not in ("requestId", "action")} == body_sent
    assert job["effective"]["model"] == answer["effective"]["model"]


def test_adjustments_are_foreseen(gateway: GatewayProcess) -> None:
    """What `adapt` would change is what it does change."""
    body = spec(on="studio", size={"width": 1001, "height": 1001}, on_unsupported="adapt")
    answer = explained(gateway.http, body)
    assert [each["pointer"] for each in answer["adjustments"]] == ["/size"]
    assert made(gateway.http, body)["adjustments"] == answer["adjustments"]


def test_a_dry_run_leaves_no_trace(gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess]) -> None:
    """No job, no asset, no event, and no call that starts work."""
    before = _traces(gateway, sandboxes)
    picture = base64.b64encode(png()).decode()
    explained(gateway.http, spec("leaves no trace", inputs=[{"role": "reference", "data": picture}]))
    explained(gateway.http, spec("leaves no trace", inputs=[{"role": "reference", "url": "https://example.com/a.png"}]))
    assert _traces(gateway, sandboxes) == before


def _traces(gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess]) -> list[Any]:
    newest = gateway.http.get("/v1/jobs", params={"limit": 1}).json()["jobs"][:1]
    return [
        [job["id"] for job in newest],
        gateway.http.get("/v1/assets", params={"limit": 1}).json()["assets"],
        sorted(path.name for path in (gateway.data_dir / "assets").rglob("*") if path.is_file()),
        [len(sandbox.submits()) for sandbox in sandboxes.values()],
    ]


def test_pictures_are_named_and_not_shown(gateway: GatewayProcess) -> None:
    """The native request tells where a picture would be, and keeps its bytes to itself."""
    data = base64.b64encode(png(text="the bytes of a picture")).decode()
    answer = explained(gateway.http, spec(inputs=[{"role": "reference", "data": data}]))
    assert answer["request"]["body"]["references"] == ["<input 0>"]
    mark = spec("a fox", on="imgen", inputs=[{"role": "watermark", "data": data}], watermark={"scale": 10})
    text = gateway.http.post("/v1/jobs?dry_run=true", json=mark).text
    assert '"wm_image":"<input 0>"' in text
    assert data not in text


def test_a_dry_run_refuses_what_only_a_job_can_have(gateway: GatewayProcess) -> None:
    """Idempotency-Key, Prefer and a stream of events are refused, all three at once."""
    headers = {"Idempotency-Key": "k", "Prefer": "wait=1", "Accept": "text/event-stream"}
    response = gateway.http.post("/v1/jobs?dry_run=true", json=spec(), headers=headers)
    found = problem(response, "request.field_invalid")
    assert pointers(found) == ["/headers/Idempotency-Key", "/headers/Prefer", "/headers/Accept"]
    for name, value in headers.items():
        response = gateway.http.post("/v1/jobs?dry_run=true", json=spec(), headers={name: value})
        assert pointers(problem(response, "request.field_invalid")) == [f"/headers/{name}"]


def test_a_dry_run_of_a_broken_request_is_refused_like_the_request(gateway: GatewayProcess) -> None:
    """What can be read of no job cannot be explained either."""
    response = gateway.http.post("/v1/jobs?dry_run=true", json=spec(n=0, quality="high"))
    assert sorted(pointers(problem(response, "request.field_invalid"))) == ["/n", "/quality"]
    response = gateway.http.post("/v1/jobs?dry_run=true", json=spec(model="studio/nobody", on=None))
    assert "studio/z-image-turbo" in problem(response, "request.model_unknown")["available"]


def test_secrets_are_never_told_and_hosts_only_to_operators(keyed: KeyedGateway) -> None:
    """The key of a backend is in no dry run; its host is there for `ops:read` alone."""
    plain, operator = keyed.client("red"), keyed.client("red", "--scope", "jobs:write", "--scope", "ops:read")
    for http, sees in ((plain, False), (operator, True)):
        response = http.post("/v1/jobs?dry_run=true", json=spec(on="imgen"))
        host = keyed.backends["imgen"]["base_url"]
        assert response.json()["request"]["host"] == (host if sees else None)
        assert "imgen-sandbox-key" not in response.text
        assert "authorization" not in response.text.lower()
