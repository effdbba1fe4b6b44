"""Keys: who is let in, where each scope leads, and what a key may use however long its job waits."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.desk import SCOPES
from tests.e2e.asked import begun, made, post, problem, shown, spec, wait_for
from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway, make_key, revoke_key
from tests.harness import SandboxProcess

Route = tuple[str, str]
#: What needs no key at all, and what any key may read.
OPEN, ANY = "open", "any"
PNG = {"Content-Type": "image/png"}
NEEDS: dict[Route, str] = {
    ("get", "/livez"): OPEN,
    ("get", "/readyz"): OPEN,
    ("get", "/version"): OPEN,
    ("get", "/metrics"): "ops:read",
    ("get", "/openapi.json"): ANY,
    ("get", "/asyncapi.json"): ANY,
    ("get", "/capabilities.schema.json"): ANY,
    ("get", "/docs"): ANY,
    ("get", "/docs/rapidoc.js"): ANY,
    ("get", "/v1/errors"): ANY,
    ("get", "/v1/errors/{code}"): ANY,
    ("get", "/v1/models"): "jobs:read",
    ("get", "/v1/models/{model_id}"): "jobs:read",
    ("get", "/v1/capabilities"): "jobs:read",
    ("get", "/v1/backends"): "jobs:read",
    ("get", "/v1/backends/{name}"): "jobs:read",
    ("post", "/v1/prompts/optimize"): "jobs:write",
    ("post", "/v1/prompts/random"): "jobs:write",
    ("post", "/v1/jobs"): "jobs:write",
    ("get", "/v1/jobs"): "jobs:read",
    ("get", "/v1/jobs/{job_id}"): "jobs:read",
    ("get", "/v1/jobs/{job_id}/events"): "jobs:read",
    ("get", "/v1/events"): "jobs:read",
    ("post", "/v1/jobs/{job_id}/cancel"): "jobs:write",
    ("post", "/v1/assets"): "assets:write",
    ("get", "/v1/assets"): "assets:read",
    ("get", "/v1/assets/{asset_id}"): "assets:read",
    ("delete", "/v1/assets/{asset_id}"): "assets:write",
    ("post", "/v1/assets/{asset_id}/restore"): "assets:write",
    ("get", "/v1/assets/{asset_id}/content"): "assets:read",
    ("head", "/v1/assets/{asset_id}/content"): "assets:read",
}
WRONG = [
    pytest.param({}, "missing", id="none"),
    pytest.param({"Authorization": "Bearer trp_" + "x" * 43}, "unknown", id="unknown"),
    pytest.param({"Authorization": "Bearer é"}, "unknown", id="not-ascii"),
    pytest.param({"Authorization": "Bearer " + "x" * 4000}, "unknown", id="long"),
    pytest.param({"Authorization": "Bearer"}, "malformed", id="empty"),
    pytest.param({"Authorization": "{token}"}, "malformed", id="no-scheme"),
    pytest.param({"Authorization": "Basic {token}"}, "malformed", id="basic"),
    pytest.param({"Authorization": "Bearer {token}, {token}"}, "unknown", id="twice"),
    pytest.param({"Authorization": "Bearer {token}x"}, "unknown", id="longer-by-one"),
    pytest.param({"X-Api-Key": "{token}"}, "missing", id="another-header"),
    pytest.param({"Cookie": "key={token}; Authorization=Bearer {token}"}, "missing", id="cookie"),
]


@pytest.fixture
def narrow(backends: dict[str, dict[str, Any]], tmp_path: Path) -> Iterator[KeyedGateway]:
    """A gateway that does one job at a time, and lets two of a team and three of all wait."""
    settings = {"limits": {"queued_per_team": 2, "queued_total": 3}}
    running = KeyedGateway(tmp_path, {"ima2": {**backends["ima2"], "max_concurrency": 1}}, settings=settings)
    yield running
    running.stop()


def called(http: httpx.Client, route: Route) -> httpx.Response:
    """Call a route with something sensible, and listen to no stream."""
    method, path = route
    filled = path.replace("{model_id}", "ima2/gpt-5.4").replace("{name}", "ima2").replace("{code}", "job.cancelled")
    filled = filled.replace("{job_id}", "job_00000000000000000000000000").replace("{asset_id}", "ast_0")
    bodies: dict[Route, dict[str, Any]] = {
        ("post", "/v1/jobs"): {"json": spec()},
        ("post", "/v1/assets"): {"content": png(), "headers": PNG},
        ("post", "/v1/prompts/optimize"): {"json": {"prompt": "a fox"}},
        ("post", "/v1/prompts/random"): {"json": {}},
    }
    with http.stream(method, filled, **bodies.get(route, {})) as response:
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            return httpx.Response(response.status_code)
        response.read()
        return response


def test_every_route_has_its_scope(keyed: KeyedGateway) -> None:
    """A route that is new stands in the table here, or this fails."""
    document = keyed.http.get("/openapi.json").raise_for_status().json()
    assert {(method, path) for path, item in document["paths"].items() for method in item} == set(NEEDS)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_opens_its_routes_and_no_other(keyed: KeyedGateway, scope: str) -> None:
    """With one scope alone every other route is 403 and says which scope it lacks; `admin` opens all."""
    http = keyed.client("scarlet", "--scope", scope)
    for route, needed in NEEDS.items():
        response = called(http, route)
        if needed in (OPEN, ANY, scope) or scope == "admin":
            is_let_in = response.status_code in (200, 201, 202, 404) or "/v1/prompts/" in route[1]
            assert is_let_in, (route, response.text)
            assert response.status_code != 403
        elif route[0] == "head":
            assert response.status_code == 403
        else:
            assert problem(response, "auth.forbidden")["reason"] == needed, route


@pytest.mark.parametrize(("headers", "reason"), WRONG)
def test_without_a_good_key_nothing_but_life_signs_is_open(
    keyed: KeyedGateway, headers: dict[str, str], reason: str
) -> None:
    """Every route answers 401, says why and how to come in; a key elsewhere than in its header is none."""
    sent = [(name.encode(), value.replace("{token}", keyed.token).encode("latin-1")) for name, value in headers.items()]
    routes = [("get", "/v1/jobs"), ("get", "/livez")] if headers else NEEDS
    with httpx.Client(base_url=keyed.url, headers=httpx.Headers(sent), trust_env=False) as http:
        for route in routes:
            response = called(http, route)
            if NEEDS[route] == OPEN:
                assert response.status_code == 200
                continue
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == "Bearer"
            if route[0] != "head":
                assert problem(response, "auth.unauthenticated")["reason"] == reason
        for name in ("key", "api_key", "access_token", "token"):
            assert http.get("/v1/jobs", params={name: keyed.token}).status_code == 401


def test_a_key_ends_by_its_time_or_by_hand(keyed: KeyedGateway) -> None:
    """An expired or revoked key is 401 with its own reason, and its colleagues go on."""
    for reason, options in (("expired", ("--days", "0.000001")), ("revoked", ())):
        key_id, token = make_key(keyed.data_dir, "sepia", *options)
        with keyed.client_with(token) as http:
            if reason == "revoked":
                assert http.get("/v1/jobs").status_code == 200
                revoke_key(keyed.data_dir, key_id)
            wait_for(partial(is_refused, http), f"a key that is {reason}")
            answer = http.get("/v1/jobs")
            assert problem(answer, "auth.unauthenticated")["reason"] == reason
            assert answer.headers["www-authenticate"] == "Bearer"
    assert keyed.client("sepia").get("/v1/jobs").status_code == 200


def is_refused(http: httpx.Client) -> bool:
    """Say whether a key is not good any more."""
    return http.get("/v1/jobs").status_code == 401


def test_a_key_is_kept_as_a_hash_alone(keyed: KeyedGateway) -> None:
    """No file of the data directory holds a token, nor the part of it that is secret."""
    _, token = make_key(keyed.data_dir, "sepia", "--name", "for ci")
    tokens = [token, keyed.token]
    for file in (each for each in keyed.data_dir.rglob("*") if each.is_file()):
        data = file.read_bytes()
        assert not [each for each in tokens if each.removeprefix("trp_").encode() in data], file
    with closing(sqlite3.connect(keyed.data_dir / "triptych.db")) as database:
        hashes = [row[0] for row in database.execute("SELECT hash FROM api_key")]
    assert all(len(each) == 64 for each in hashes)


def test_what_answers_show_depends_on_the_scope_too(keyed: KeyedGateway) -> None:
    """Addresses of backends need `ops:read`, prompts in the gallery `jobs:read`, a place at the front `admin`."""
    plain, operator = keyed.client("sepia"), keyed.client("sepia", "--scope", "jobs:read", "--scope", "ops:read")
    for http, sees in ((plain, False), (operator, True)):
        for view in http.get("/v1/backends").json()["backends"]:
            assert (view["base_url"] is not None) is sees
            assert sees or not any(account["detail"] for account in view["accounts"])
    job = made(plain, spec("a heron in sepia"))
    path = f"/v1/assets/{job['outputs'][0]['asset_id']}"
    assert plain.get(path).json()["prompt"] == "a heron in sepia"
    reader = keyed.client("sepia", "--scope", "assets:read")
    assert reader.get(path).json()["prompt"] is None
    assert "a heron" not in reader.get("/v1/assets").text
    assert problem(post(plain, spec(priority=1)), "auth.forbidden")["reason"] == "admin"
    assert post(plain, spec(priority=-1)).status_code == 202


def test_an_effect_never_comes_with_a_refusal(keyed: KeyedGateway) -> None:
    """Who may not listen makes no job by asking for its events; who may restore is answered when it was restored."""
    plain, writer = keyed.client("umber"), keyed.client("umber", "--scope", "jobs:write", "--scope", "assets:write")
    refused = post(writer, spec(), Accept="text/event-stream")
    assert problem(refused, "auth.forbidden")["reason"] == "jobs:read"
    assert plain.get("/v1/jobs").json()["jobs"] == []
    asset = plain.post("/v1/assets", content=png(), headers=PNG).json()
    writer.delete(f"/v1/assets/{asset['id']}").raise_for_status()
    problem(plain.get(f"/v1/assets/{asset['id']}"), "resource.not_found")
    assert writer.post(f"/v1/assets/{asset['id']}/restore").raise_for_status().json() == asset
    assert plain.get(f"/v1/assets/{asset['id']}").json() == asset


@pytest.mark.parametrize(
    ("options", "fields", "good"),
    [
        (("--backend", "ima2"), {"on": "ima2"}, True),
        (("--backend", "ima2"), {"on": "studio"}, False),
        (("--backend", "ima2"), {"on": None, "model": "studio/z-image-turbo"}, False),
        (("--backend", "ima2", "--backend", "studio"), {"on": "studio"}, True),
        (("--model", "ima2/gpt-5.4"), {"on": "ima2", "model": "ima2/gpt-5.4"}, True),
        (("--model", "studio/z-image-turbo"), {"on": "ima2"}, False),
        (("--model", "studio/z-image-turbo"), {"on": None, "model": "ima2/gpt-5.4"}, False),
        (("--operation", "image.generate"), {}, True),
        (("--operation", "image.edit"), {}, False),
        (("--backend", "nobody"), {"on": None}, False),
    ],
)
def test_a_key_uses_what_it_is_allowed(
    keyed: KeyedGateway, options: tuple[str, ...], fields: dict[str, Any], *, good: bool
) -> None:
    """Backends, models and operations that it does not name are 403, in a dry run too, and no job is made."""
    http = keyed.client("teal", *options)
    if good:
        assert made(http, spec(**fields))["state"] == "succeeded"
        return
    count = len(http.get("/v1/jobs", params={"limit": 200}).json()["jobs"])
    problem(post(http, spec(**fields)), "auth.forbidden")
    problem(http.post("/v1/jobs?dry_run=true", json=spec(**fields)), "auth.forbidden")
    assert len(http.get("/v1/jobs", params={"limit": 200}).json()["jobs"]) == count


def test_a_key_is_told_of_nothing_that_it_may_not_use(keyed: KeyedGateway) -> None:
    """Neither lists nor refusals nor dry runs name the backends and models that are others' affair."""
    http = keyed.client("teal", "--backend", "ima2")
    answers = [
        *(http.get(f"/v1/{name}") for name in ("models", "capabilities", "backends")),
        *(http.get(f"/v1/{name}") for name in ("models/studio/z-image-turbo", "backends/studio")),
        http.post("/v1/jobs?dry_run=true", json=spec(on=None)),
        post(http, spec(on=None, model="ima2/nobody")),
        post(http, spec(on="nobody")),
        post(http, spec(on="ima2", seed=7)),
    ]
    assert [each.status_code for each in answers] == [200, 200, 200, 404, 404, 200, 400, 400, 400]
    assert not [each.text for each in answers if "studio" in each.text or "imgen" in each.text]


def test_a_job_that_waits_or_fails_stays_where_its_key_may_go(
    keyed: KeyedGateway, sandboxes: dict[str, SandboxProcess]
) -> None:
    """However long it waits, into however many parts it falls, whatever fails: no other backend ever gets it."""
    http = keyed.client("teal", "--backend", "ima2")
    others = [len(sandboxes[name].submits()) for name in ("sdcpp", "imgen")]
    sandboxes["ima2"].force({"route": "POST /api/generate", "outcome": "refused", "times": 1})
    failed = made(http, spec("it fails at first", on=None))
    assert [(each["error"] or {}).get("code") for each in failed["attempts"]] == ["backend.unavailable", None]
    sandboxes["ima2"].force()
    slots = keyed.backends["ima2"]["max_concurrency"]
    for _ in range(slots):
        begun(http, spec("[[slow:60]] a fox"))
    jobs = [begun(http, spec(on=None, n=n)) for n in (1, 2)]
    assert {job["phase"] for job in jobs} == {"waiting_for_backend"}
    ended = [shown(http, job["id"], wait=60) for job in jobs]
    assert [job["state"] for job in ended] == ["succeeded", "succeeded"]
    assert {attempt["backend"] for job in (failed, *ended) for attempt in job["attempts"]} == {"ima2"}
    assert [len(sandboxes[name].submits()) for name in ("sdcpp", "imgen")] == others


def test_a_team_has_a_queue_of_its_own(narrow: KeyedGateway) -> None:
    """A full queue is 429 for its team, with the limit and when to come again; another team still has room."""
    coral, olive = narrow.client("coral"), narrow.client("olive")
    long = spec("[[slow:9000]] a fox")
    running = begun(coral, long)
    wait_for(lambda: shown(coral, running["id"])["state"] == "running", "a job that runs")
    waiting = [begun(coral, long)["id"] for _ in range(2)]
    for http in (coral, narrow.client("coral", "--name", "colleague")):
        answer = post(http, long, Idempotency_Key="again")
        refused = problem(answer, "quota.rate_limited", 429)
        assert (refused["limit"], refused["limit_name"], int(answer.headers["retry-after"])) == (2, "requests", 15)
    begun(olive, long)
    problem(post(olive, long), "gateway.overloaded", 503)
    coral.post(f"/v1/jobs/{waiting[0]}/cancel").raise_for_status()
    assert begun(coral, long, Idempotency_Key="again")["state"] == "queued"
    assert len(coral.get("/v1/jobs").json()["jobs"]) == 4


def test_a_job_that_was_made_is_shown_again_also_when_the_queue_is_full(narrow: KeyedGateway) -> None:
    """Who asks again with its key wants no more room: it gets its job, and another key is refused."""
    amber = narrow.client("amber")
    long = spec("[[slow:9000]] a fox")
    mine = begun(amber, long, Idempotency_Key="mine")
    wait_for(lambda: shown(amber, mine["id"])["state"] == "running", "a job that runs")
    for _ in range(2):
        begun(amber, long)
    problem(post(amber, long, Idempotency_Key="other"), "quota.rate_limited", 429)
    again = post(amber, long, Idempotency_Key="mine")
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (mine["id"], "true")
