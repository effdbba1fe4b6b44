"""`x-error-codes` is true: what an operation says that it refuses with, it refuses with, and with nothing else."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct

from contracts.codes import ErrorCode
from tests.e2e.asked import made, problem, spec
from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway, bearer
from tests.e2e.test_keys_and_scopes import NEEDS, called
from tests.harness import GatewayProcess, Process

#: What takes a bug, a full disk, a crowd, a long time or a backend that fails: each has tests of its own.
RARE: frozenset[str] = frozenset({"gateway.internal", "gateway.overloaded", "quota.rate_limited", "resource.expired"})
JOB, ASSET = "job_01KA3V8M6Q9Z4T7X2B5N8C1D3F", "ast_01KA3V8TQ4K2M9R6Y3W8D5F7HJ"
PICTURE = base64.b64encode(png()).decode()


class Ask(Struct, frozen=True):
    """How to make an operation refuse with a code."""

    operation: str
    code: ErrorCode
    path: str
    how: dict[str, Any] = {}


def _query(path: str, methods: str) -> Iterator[Ask]:
    for method in methods.split():
        yield Ask(f"{method} {path}", "request.field_invalid", f"{_filled(path)}?colour=red")


def _filled(path: str) -> str:
    return path.replace("{job_id}", JOB).replace("{asset_id}", ASSET).replace("{name}", "x").replace("{code}", "x")


def _missing(path: str, methods: str = "GET") -> Iterator[Ask]:
    for method in methods.split():
        yield Ask(f"{method} {path}", "resource.not_found", _filled(path).replace("{model_id}", "x/y"))


def _jobs(code: ErrorCode, **fields: Any) -> Ask:
    return Ask("POST /v1/jobs", code, "/v1/jobs", {"json": spec(**fields)})


def _body(path: str, code: ErrorCode, **how: Any) -> Ask:
    return Ask(f"POST {path}", code, path, how)


LAST, WAIT = {"headers": {"Last-Event-ID": "x"}}, {"headers": {"Prefer": "wait=x"}}
TEXT = {"Content-Type": "text/plain"}
WORDS = ("/v1/prompts/optimize", "/v1/prompts/random")
ASKS: list[Ask] = [
    *_query("/v1/jobs", "POST GET"),
    *_query("/v1/jobs/{job_id}", "GET"),
    *_query("/v1/assets", "GET"),
    *_query("/v1/assets/{asset_id}/content", "GET"),
    Ask("GET /v1/jobs/{job_id}/events", "request.field_invalid", f"/v1/jobs/{JOB}/events", LAST),
    Ask("GET /v1/events", "request.field_invalid", "/v1/events", LAST),
    Ask("POST /v1/jobs/{job_id}/cancel", "request.field_invalid", f"/v1/jobs/{JOB}/cancel", WAIT),
    *(ask for path in ("/v1/jobs/{job_id}", "/v1/jobs/{job_id}/events") for ask in _missing(path)),
    *_missing("/v1/jobs/{job_id}/cancel", "POST"),
    *_missing("/v1/assets/{asset_id}", "GET DELETE"),
    *_missing("/v1/assets/{asset_id}/content"),
    *_missing("/v1/assets/{asset_id}/restore", "POST"),
    *(ask for path in ("/v1/models/{model_id}", "/v1/backends/{name}", "/v1/errors/{code}") for ask in _missing(path)),
    *(_body(path, "request.malformed", content=b"{}", headers=TEXT) for path in ("/v1/jobs", "/v1/assets", *WORDS)),
    *(_body(path, "request.field_invalid", json={"colour": "red"}) for path in WORDS),
    *(_body(path, "request.option_unsupported", json={"model": "studio/x", "prompt": "x"}) for path in WORDS[:1]),
    _body(WORDS[1], "request.option_unsupported", json={"model": "studio/x"}),
    _body("/v1/assets", "request.reference_invalid", content=b"GIF89a", headers={"Content-Type": "image/png"}),
    _jobs("request.option_unsupported", seed=7),
    _jobs("request.model_unknown", on=None, model="studio/x"),
    _jobs("request.model_incapable", on=None, model="studio/realesrgan-x4plus"),
    _jobs("request.reference_invalid", inputs=[{"role": "reference", "data": "W10="}]),
    _jobs("request.reference_too_many", inputs=[{"role": "reference", "data": PICTURE}] * 6),
    _jobs("routing.no_candidate", route={"backends": ["ima2"], "accounts": ["api"], "require_healthy": True}),
]  # fmt: skip


def declared(gateway: GatewayProcess) -> dict[str, set[str]]:
    """Return the codes of every operation, by method and address, as the document has them."""
    assert gateway.http is not None
    paths = gateway.http.get("/openapi.json").raise_for_status().json()["paths"]
    return {
        f"{method.upper()} {path}": set(operation["x-error-codes"])
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


@pytest.mark.parametrize("ask", ASKS, ids=lambda ask: f"{ask.operation} {ask.code}")
def test_an_operation_refuses_with_what_it_says(gateway: GatewayProcess, ask: Ask) -> None:
    """Each code that can be had by asking is had, and stands in the document."""
    assert ask.code in declared(gateway)[ask.operation]
    refused = gateway.http.request(ask.operation.split()[0], ask.path, **ask.how)
    problem(refused, ask.code, refused.status_code)


def test_keys_are_asked_for_where_the_document_says_so_and_nowhere_else(keyed: KeyedGateway) -> None:
    """401 with a key that is none and 403 with one that may nothing here: on exactly the operations that say so."""
    codes = declared(keyed)
    with httpx.Client(base_url=keyed.url, headers=bearer("trp_" + "x" * 43), trust_env=False) as stranger:
        for route, needed in NEEDS.items():
            said = codes[f"{route[0].upper()} {route[1]}"]
            assert (called(stranger, route).status_code == 401) is ("auth.unauthenticated" in said), route
            other = "assets:write" if needed != "assets:write" else "ops:read"
            got = called(keyed.client("grey", "--scope", other), route)
            assert (got.status_code == 403) is ("auth.forbidden" in said), route


def test_a_key_of_another_body_and_a_job_that_has_ended_are_refused_as_said(gateway: GatewayProcess) -> None:
    """The two refusals that need something to have been before."""
    key = {"Idempotency-Key": "codes-of-operations"}
    gateway.http.post("/v1/jobs", json=spec("first"), headers=key)
    problem(gateway.http.post("/v1/jobs", json=spec("second"), headers=key), "idempotency.conflict")
    job = made(gateway.http, spec())
    problem(gateway.http.post(job["links"]["cancel"]), "resource.state_conflict")


def test_no_code_is_said_that_nothing_here_or_elsewhere_shows(gateway: GatewayProcess) -> None:
    """Every pair of operation and code is asked for above, or is one of those that a test cannot ask for so simply."""
    shown = {(ask.operation, ask.code) for ask in ASKS}
    shown |= {("POST /v1/jobs", "idempotency.conflict"), ("POST /v1/jobs/{job_id}/cancel", "resource.state_conflict")}
    left = {
        (operation, code)
        for operation, codes in declared(gateway).items()
        for code in codes - RARE - {"auth.unauthenticated", "auth.forbidden", "request.too_large"}
        if not operation.startswith("HEAD ") and (operation, code) not in shown
    }
    assert {code for operation, code in left if operation.startswith("POST /v1/prompts/")} == {
        *("request.model_unknown", "policy.refused", "policy.output_blocked"),
        *(f"backend.{each}" for each in ("unavailable", "overloaded", "credentials_rejected", "quota_exhausted")),
        *(f"backend.{each}" for each in ("misconfigured", "rejected_request", "timeout", "failed", "bad_response")),
    }
    content = "GET /v1/assets/{asset_id}/content"
    assert {each for each in left if not each[0].startswith("POST /v1/prompts/")} == {
        (content, "request.malformed"),
        (content, "request.reference_invalid"),
    }


def test_a_gateway_that_broke_this_promise_fails_the_tests_that_it_ran_in(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It says in its log what it refused with and had not declared; whoever ends it looks there."""
    line = '{"route":"/v1/jobs","code":"job.cancelled","event":"contract.undeclared_code","level":"error"}\n'
    broken = object.__new__(GatewayProcess)
    monkeypatch.setattr(Process, "gone", lambda *_: None)
    broken.log = tmp_path / "gateway.log"
    broken.log.write_text(line)
    with pytest.raises(AssertionError, match="undeclared_code"):
        broken.gone()
