"""Every row of the catalogue can be reached, at the door or in a job, and says there what its row says."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct

from contracts.catalog import Native, Problem
from contracts.codes import CATALOG, ErrorCode
from tests.e2e.asked import begun, made, post, problem, shown, spec, wait_for, whole
from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway, make_key
from tests.e2e.listening_in import check_history, told
from tests.harness import GatewayProcess, free_port

#: Rows that nothing leads to yet.
NOT_YET: dict[ErrorCode, str] = {"quota.budget_exhausted": "reached with budgets"}


class Strained:
    """Two gateways in trouble: one whose only backend is dead, one with room for a single waiting job."""

    def __init__(self, folder: Path, ima2: dict[str, object]) -> None:
        """Start them."""
        dead = {"dialect": "ima2", "base_url": f"http://127.0.0.1:{free_port()}"}
        self.lonely = GatewayProcess(folder / "lonely", {"gone": dead})
        narrow = {"limits": {"queued_per_team": 1, "queued_total": 1}}
        self.narrow = KeyedGateway(folder / "narrow", {"ima2": {**ima2, "max_concurrency": 1}}, settings=narrow)
        first = begun(self.narrow.client("full"), spec("[[slow:6000]] a fox"))
        wait_for(lambda: shown(self.narrow.client("full"), first["id"])["state"] == "running", "a job at work")
        begun(self.narrow.client("full"), spec("it waits"))

    def stop(self) -> None:
        """End them."""
        self.lonely.stop()
        self.narrow.kill()


class Stage(Struct, frozen=True):
    """Where situations take place."""

    open: GatewayProcess
    keyed: KeyedGateway
    strained: Strained

    @property
    def http(self) -> httpx.Client:
        """The client of the gateway that needs no key."""
        return self.open.http


@pytest.fixture(scope="module")
def stage(
    gateway: GatewayProcess,
    keyed: KeyedGateway,
    backends: dict[str, dict[str, object]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Return where situations take place."""
    strained = Strained(tmp_path_factory.mktemp("strained"), backends["ima2"])
    yield Stage(gateway, keyed, strained)
    strained.stop()


def _removed_file(stage: Stage) -> httpx.Response:
    """Ask for a file that somebody removed from the disk."""
    kept = stage.http.post("/v1/assets", content=png(text="to be lost"), headers={"Content-Type": "image/png"}).json()
    for path in (stage.open.data_dir / "assets").rglob(f"{kept['sha256']}*"):
        path.unlink()
    return stage.http.get(f"/v1/assets/{kept['id']}/content?thumbnail=128")


def _ended_job(stage: Stage) -> httpx.Response:
    return stage.http.post(made(stage.http, spec("[[SAFETY_REFUSAL]]"))["links"]["cancel"])


def _same_key_twice(stage: Stage) -> httpx.Response:
    begun(stage.http, spec("[[GENERATE_FAILED]] one"), Idempotency_Key="catalogue-reach")
    return post(stage.http, spec("[[GENERATE_FAILED]] another"), Idempotency_Key="catalogue-reach")


def _broken_store(stage: Stage) -> httpx.Response:
    """Ask for what lies in a table that is gone, while the gateway runs."""
    with closing(sqlite3.connect(stage.strained.lonely.data_dir / "triptych.db")) as database:
        database.execute("ALTER TABLE asset RENAME TO asset_gone")
        database.commit()
    return stage.strained.lonely.http.get("/v1/assets")


def _expired_key(stage: Stage) -> httpx.Response:
    _, token = make_key(stage.keyed.data_dir, "late", "--days", "0.0000001")
    with stage.keyed.client_with(token) as http:
        return http.get("/v1/jobs")


#: What v1 itself answers: code, situation, and the facts that belong to it.
AT_THE_DOOR: list[tuple[ErrorCode, Callable[[Stage], httpx.Response], dict[str, Any]]] = [
    ("request.malformed", lambda s: s.http.post("/v1/jobs", content=b"{", headers={"Content-Type": "text/json"}),
     {"status": 415}),
    ("request.malformed", lambda s: s.http.put("/v1/jobs"), {"status": 405}),
    ("request.malformed", lambda s: post(s.http, spec(), Accept="image/png"), {"status": 406}),
    ("request.field_invalid", lambda s: post(s.http, spec(n=0)), {}),
    ("request.option_unsupported", lambda s: post(s.http, spec(seed=3)), {"supported_by": list}),
    ("request.model_unknown", lambda s: post(s.http, spec(on=None, model="ima2/nobody")), {"available": list}),
    ("request.model_incapable", lambda s: post(s.http, spec(on=None, model="studio/qwen-image-edit")),
     {"capable": list}),
    ("request.reference_invalid", lambda s: post(s.http, spec(inputs=[{"role": "reference", "data": "eA=="}])), {}),
    ("request.reference_too_many", lambda s: post(s.http, spec(inputs=[{"role": "reference", "data": "eA=="}] * 6)),
     {"limit": 5}),
    ("request.too_large", lambda s: post(s.http, spec("x" * 17 * 1024**2)), {"limit": 16 * 1024**2}),
    ("auth.unauthenticated", lambda s: httpx.get(f"{s.keyed.url}/v1/jobs"), {"reason": "missing"}),
    ("auth.unauthenticated", _expired_key, {"reason": "expired"}),
    ("auth.forbidden", lambda s: post(s.keyed.client("readers", "--scope", "jobs:read"), spec()),
     {"reason": "jobs:write"}),
    ("quota.rate_limited", lambda s: post(s.strained.narrow.client("full"), spec()), {"limit_name": "requests"}),
    ("gateway.overloaded", lambda s: post(s.strained.narrow.client("other"), spec()), {}),
    ("resource.not_found", lambda s: s.http.get("/v1/jobs/job_01ARZ3NDEKTSV4RRFFQ69G5FAV"), {}),
    ("resource.expired", _removed_file, {}),
    ("resource.state_conflict", _ended_job, {"job": dict, "job_id": str}),
    ("idempotency.conflict", _same_key_twice, {"job_id": str}),
    ("routing.no_candidate", lambda s: post(s.strained.lonely.http, spec(on=None)), {}),
    ("gateway.internal", _broken_store, {"reason": "bug"}),
]  # fmt: skip

#: What a job ends with: code, backend, what forces it, the native status and code that are kept, and the facts.
IN_A_JOB: list[tuple[ErrorCode, str, str, Native | None, dict[str, Any]]] = [
    ("request.field_invalid", "imgen", "prompt_required", Native(http_status=400), {}),
    ("request.option_unsupported", "ima2", "CONTEXT_MODE_UNSUPPORTED",
     Native(http_status=400, code="CONTEXT_MODE_UNSUPPORTED"), {}),
    ("request.model_unknown", "studio", "model_not_found", Native(http_status=200, code="failed"), {}),
    ("request.model_incapable", "ima2", "IMAGE_MODEL_UNSUPPORTED",
     Native(http_status=400, code="IMAGE_MODEL_UNSUPPORTED"), {}),
    ("request.reference_invalid", "ima2", "REF_EMPTY", Native(http_status=400, code="REF_EMPTY"), {}),
    ("request.reference_too_many", "ima2", "REF_TOO_MANY", Native(http_status=400, code="REF_TOO_MANY"), {}),
    ("request.too_large", "ima2", "REF_TOO_LARGE", Native(http_status=400, code="REF_TOO_LARGE"), {}),
    ("policy.refused", "ima2", "MODERATION_REFUSED", Native(http_status=400, code="MODERATION_REFUSED"),
     {"stage": "input"}),
    ("policy.refused", "ima2", "SAFETY_REFUSAL", Native(http_status=422, code="SAFETY_REFUSAL"), {"stage": "unknown"}),
    ("policy.output_blocked", "imgen", "unsafe:nudity,drugs", Native(http_status=200, code="unsafe"),
     {"categories": ["nudity", "drugs"]}),
    ("resource.expired", "imgen", "cached_expired", Native(http_status=404), {}),
    ("resource.state_conflict", "ima2", "GRAPH_PARENT_CONFLICT",
     Native(http_status=409, code="GRAPH_PARENT_CONFLICT"), {}),
    ("resource.precondition_failed", "ima2", "GRAPH_VERSION_REQUIRED",
     Native(http_status=428, code="GRAPH_VERSION_REQUIRED"), {}),
    ("resource.cache_miss", "imgen", "no_cached", Native(http_status=404), {}),
    ("idempotency.conflict", "ima2", "IDEMPOTENCY_KEY_CONFLICT",
     Native(http_status=409, code="IDEMPOTENCY_KEY_CONFLICT"), {}),
    ("job.cancelled", "studio", "cancelled_by_operator", Native(http_status=200, code="cancelled"), {}),
    ("job.deadline_exceeded", "imgen", "in_queue_forever", None, {}),
    ("backend.unavailable", "imgen", "edge_504", Native(http_status=504),
     {"outcome": "unknown", "reason": "answer_lost"}),
    ("backend.overloaded", "imgen", "rate_limited", Native(http_status=429), {}),
    ("backend.credentials_rejected", "ima2", "401_openai", Native(http_status=401, code="INVALID_REQUEST"), {}),
    ("backend.quota_exhausted", "ima2", "429_quota", Native(http_status=429, code="AUTH_API_KEY_INVALID"), {}),
    ("backend.misconfigured", "ima2", "APIKEY_DISABLED", Native(http_status=403, code="APIKEY_DISABLED"), {}),
    ("backend.rejected_request", "studio", "bad_request", Native(http_status=400), {}),
    ("backend.timeout", "ima2", "GROK_IMAGE_TIMEOUT", Native(http_status=504, code="GROK_IMAGE_TIMEOUT"),
     {"phase": "image"}),
    ("backend.failed", "ima2", "UPSTREAM_5XX", Native(http_status=502, code="UPSTREAM_5XX"), {}),
    ("backend.bad_response", "imgen", "no_compliance", Native(http_status=200, code="unreviewed"),
     {"reason": "no_review"}),
    ("backend.job_lost", "studio", "lost", Native(http_status=404), {}),
]  # fmt: skip


def test_every_row_is_reached_or_says_what_it_waits_for() -> None:
    """No row is forgotten, and none is both reached and put off."""
    reached = {code for code, *_ in AT_THE_DOOR} | {code for code, *_ in IN_A_JOB}
    assert reached & set(NOT_YET) == set()
    assert reached | set(NOT_YET) == set(CATALOG)
    assert len(CATALOG) == 35


def has(found: dict[str, Any], facts: dict[str, Any]) -> None:
    """Check that a problem has facts: each equal, or of a kind and not empty."""
    for name, wanted in facts.items():
        value = found.get(name)
        assert (isinstance(value, wanted) and value) if isinstance(wanted, type) else value == wanted, (name, value)


@pytest.mark.parametrize(
    ("code", "ask", "facts"), AT_THE_DOOR, ids=[f"{n}-{row[0]}" for n, row in enumerate(AT_THE_DOOR)]
)
def test_a_row_at_the_door(
    stage: Stage, code: ErrorCode, ask: Callable[[Stage], httpx.Response], facts: dict[str, Any]
) -> None:
    """V1 answers with the row's status, its headers, and a problem that repeats the row and belongs to no backend."""
    response = ask(stage)
    found = problem(response, code, facts.get("status"))
    has(found, facts)
    assert found["doc_url"] == found["type"]
    assert found["outcome"] == CATALOG[code].outcome
    assert not {"backend", "native", "phase"} & found.keys()
    headers = response.headers
    assert ("www-authenticate" in headers) is (response.status_code == 401)
    assert ("allow" in headers) is (response.status_code == 405)
    # Waiting is recommended to whom it helps, and to nobody else.
    assert ("retry-after" in headers) is (response.status_code in (429, 503))
    assert headers.get("retry-after") == (str(round(found["retry_after_s"])) if "retry_after_s" in found else None)


@pytest.fixture(scope="module")
def ended(stage: Stage) -> dict[str, dict[str, Any]]:
    """Return the jobs of the whole table as they ended, carried side by side, by what forced them."""
    jobs = {}
    for code, name, token, _, _ in IN_A_JOB:
        more: dict[str, Any] = {"deadline_s": 2} if code == "job.deadline_exceeded" else {}
        body = spec(f"[[{token}]] an unspeakable fox", route={"backends": [name], "failover": False}, **more)
        jobs[token] = begun(stage.http, body)
    return {token: shown(stage.http, job["id"], wait=60) for token, job in jobs.items()}


@pytest.mark.parametrize(
    ("code", "name", "token", "native", "facts"), IN_A_JOB, ids=[f"{row[0]}-{row[2]}" for row in IN_A_JOB]
)
def test_a_row_in_a_job(
    stage: Stage,
    ended: dict[str, dict[str, Any]],
    code: ErrorCode,
    name: str,
    token: str,
    native: Native | None,
    facts: dict[str, Any],
) -> None:
    """The job, its last attempt and its last event carry the same whole problem, without a native word."""
    job = ended[token]
    states = {"policy.output_blocked": "blocked", "job.cancelled": "cancelled"}
    assert job["state"] == states.get(code, "failed")
    found = msgspec.convert(job["error"], Problem)
    assert found.code == code
    whole(found)
    row = CATALOG[code]
    has(job["error"], {"status": row.status, "outcome": row.outcome, "doc_url": f"/v1/errors/{code}", **facts})
    # Our own deadline is nobody else's doing: the attempt stays open for what may still come.
    ours = code == "job.deadline_exceeded"
    assert (found.job_id, found.backend, found.instance) == (job["id"], None if ours else name, None)
    kept = found.native and msgspec.structs.replace(found.native, message_fingerprint=None)
    assert kept == native
    history = told(stage.http, job["links"]["events"])
    check_history(history, job["id"])
    last = history[-1]
    assert last.event == f"job.{job['state']}"
    assert last.json().get("error") == (None if code == "job.cancelled" else job["error"])
    assert job["attempts"][-1]["error"] == (None if ours else job["error"])
    assert job["backend"] == name
    assert "unspeakable" not in str(job["error"])


@pytest.mark.parametrize("code", list(CATALOG))
def test_a_row_is_served_where_its_problems_point(gateway: GatewayProcess, code: ErrorCode) -> None:
    """`type` and `doc_url` lead to the row itself: for programs as JSON, for people as a page."""
    row = CATALOG[code]
    served = gateway.http.get(f"/v1/errors/{code}").raise_for_status().json()
    assert served["type"] == f"/v1/errors/{code}"
    facts = {"code": code, "title": row.title, "status": row.status, "action": row.action, "blame": row.blame}
    assert facts.items() <= served.items()
    assert (tuple(served["retry"]), served["outcome"]) == (row.retry, row.outcome)
    page = gateway.http.get(f"/v1/errors/{code}", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert code in page.text
