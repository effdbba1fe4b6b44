"""What the face says of an error, read by the adapter's own table, is that error again; and it is said as recorded."""

import json
from typing import Any, get_args

import msgspec
import pytest

from adapters.ima2 import errors
from adapters.ima2.face import failure, inverse
from adapters.ima2.face.failure import Failure
from adapters.ima2.face.profile import PROFILES, Route
from contracts.catalog import CATALOG, CatalogError, Fault, Outcome, should_retry
from contracts.codes import ErrorCode
from tests.unit.adapters.ima2.recorded import RECORDINGS

ROUTES: dict[Route, str] = {
    "generate": "POST /api/generate", "edit": "POST /api/edit", "node": "POST /api/node/generate",
    "multimode": "POST /api/generate/multimode", "video": "POST /api/video/generate", "other": "GET /api/history",
}  # fmt: skip
#: After these the work may have been done all the same.
IN_DOUBT: tuple[ErrorCode, ...] = (
    "backend.unavailable", "backend.timeout", "backend.failed", "backend.bad_response", "backend.job_lost",
    "gateway.internal",
)  # fmt: skip
#: Where ima2 has no word of its own: what the chain's next gateway understands.
COARSER: dict[ErrorCode, set[ErrorCode]] = {
    "policy.output_blocked": {"policy.refused"},
    "routing.no_candidate": {"backend.unavailable"},
    "gateway.overloaded": {"backend.unavailable"},
    "gateway.internal": {"backend.failed"},
    "job.cancelled": {"backend.failed"},
    "job.deadline_exceeded": {"backend.timeout"},
    "quota.rate_limited": {"backend.overloaded"},
    "quota.budget_exhausted": {"backend.quota_exhausted"},
    "auth.unauthenticated": {"backend.credentials_rejected"},
    "auth.forbidden": {"backend.credentials_rejected"},
    "resource.expired": {"resource.not_found"},
    "resource.cache_miss": {"backend.failed"},
    "resource.precondition_failed": {"backend.failed"},
    "request.malformed": {"backend.rejected_request"},
    "request.option_unsupported": {"backend.rejected_request"},
    "request.field_invalid": {"backend.rejected_request"},
    "request.reference_invalid": {"backend.rejected_request"},
    # Of films ima2 only knows that the provider does not make them.
    "request.model_incapable": {"request.model_incapable", "backend.misconfigured"},
}


def said(found: Failure, route: Route) -> bytes:
    """Return what the route sends of a failure, or the data of its frame."""
    shapes: dict[Route, Any] = {
        "generate": lambda: failure.flat(found) if found.checked else failure.long(found, "r"),
        "node": lambda: failure.node_short(found, None) if found.checked else failure.node_long(found, None),
        "multimode": lambda: failure.frame(found, "r"),
        "video": lambda: failure.brief(found, "r"),
    }
    return msgspec.json.encode(shapes.get(route, lambda: failure.flat(found))())


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("code", get_args(ErrorCode))
def test_the_adapters_table_reads_back_what_the_face_says(code: ErrorCode, route: Route, profile: str) -> None:
    """For every code, on every route, in every build: no code becomes one that asks for another advice."""
    found = inverse.failure(CatalogError(code, "a sentence").problem(), route, PROFILES[profile])
    status = 200 if route in ("multimode", "video") else found.status
    verdict = errors.explain(ROUTES[route], status, said(found, route), "application/json")
    assert verdict is not None
    assert verdict.code in COARSER.get(code, {code}), (found, verdict)
    assert not verdict.unmapped


@pytest.mark.parametrize("profile", ["tag", "head", "new"])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("code", IN_DOUBT)
def test_a_doubt_is_handed_on(code: ErrorCode, route: Route, profile: str) -> None:
    """Work that may have been done, and billed, is never told in words by which somebody would order it again."""
    found = inverse.failure(CatalogError(code, "x", outcome="unknown").problem(), route, PROFILES[profile])
    status = 200 if route in ("multimode", "video") else found.status
    verdict = errors.explain(ROUTES[route], status, said(found, route), "application/json")
    assert verdict is not None
    assert not should_retry(CATALOG[verdict.code].retry, verdict.outcome), (found, verdict)
    assert verdict.outcome == "unknown"


@pytest.mark.parametrize("account", ["oauth", "api", "grok"])
@pytest.mark.parametrize("code", ["backend.credentials_rejected", "backend.overloaded", "backend.timeout"])
def test_every_account_speaks_for_itself(code: ErrorCode, account: str) -> None:
    """What happened to Grok is told in Grok's words, and means the same."""
    found = inverse.failure(CatalogError(code, "x", phase="planner").problem(), "generate", PROFILES["new"], account)
    verdict = errors.explain(ROUTES["generate"], found.status, said(found, "generate"), "application/json")
    assert verdict is not None
    assert verdict.code == code
    assert (found.code or "").startswith("GROK_") == (account == "grok")


@pytest.mark.parametrize(
    ("pointer", "route", "word", "param"),
    [
        ("/policy/strictness", "node", "INVALID_MODERATION", None),
        ("/policy/strictness", "generate", None, None),
        ("/options/ima2/reasoning_effort", "generate", "INVALID_REASONING_EFFORT", None),
        ("/size", "edit", "INVALID_REQUEST", "size"),
        ("/effort", "generate", "INVALID_REQUEST", "quality"),
        ("/output/format", "generate", "INVALID_REQUEST", "output_format"),
        ("/video/duration_s", "video", "INVALID_VIDEO_DURATION", None),
        ("/operation", "video", "VIDEO_PROVIDER_UNSUPPORTED", None),
        ("/inputs/1/role", "generate", "REF_TOO_MANY", None),
    ],
)
def test_a_field_is_named_as_ima2_names_it(pointer: str, route: Route, word: str | None, param: str | None) -> None:
    """What nobody can honour is refused with the code of that very field, or as the upstream names the parameter."""
    fault = Fault(pointer=pointer, reason="unsupported", detail="cannot")
    error = CatalogError("request.option_unsupported", "cannot", errors=(fault,))
    found = inverse.failure(error.problem(), route, PROFILES["new"])
    shown = failure.flat(found)
    assert (found.status, shown.get("code"), found.upstream_param) == (400, word, param)


#: Recordings of failures, and what happened: their envelopes have exactly these keys.
FAILED: dict[str, tuple[Route, ErrorCode]] = {
    "generate_up_429": ("generate", "backend.overloaded"),
    "generate_up_mod400": ("generate", "policy.refused"),
    "generate_up_401_expired": ("generate", "backend.credentials_rejected"),
    "generate_oauth_failed": ("generate", "routing.no_candidate"),
    "generate_oauth_timeout": ("generate", "backend.timeout"),
    "edit_up_429": ("edit", "backend.overloaded"),
    "edit_up_mod_stream": ("edit", "policy.refused"),
    "edit_timeout": ("edit", "backend.timeout"),
    "node_up_429": ("node", "backend.overloaded"),
    "node_up_mod400": ("node", "policy.refused"),
    "node_up_empty": ("node", "backend.bad_response"),
    "multimode_up_429": ("multimode", "backend.overloaded"),
    "multimode_timeout": ("multimode", "backend.timeout"),
    "tag_generate_up_429": ("generate", "backend.overloaded"),
    "tag_edit_up_429": ("edit", "backend.overloaded"),
    "tag_node_up_429": ("node", "backend.overloaded"),
}
#: The real servers answer this one refusal of an edit as a failure of theirs.
_OTHER_WORDS = {"edit_up_mod_stream"}


@pytest.mark.parametrize("name", FAILED)
def test_a_failure_is_said_as_recorded(name: str) -> None:
    """Status, code and the keys of the envelope are those of the real server's answer."""
    route, code = FAILED[name]
    response = json.loads((RECORDINGS / f"{name}.json").read_text())["response"]
    recorded = response["sse"][-1]["data"] if "sse" in response else response["body"]
    # An answer without a picture is one that ended: nobody is in doubt about it.
    outcome: Outcome | None = "finished_no_result" if code == "backend.bad_response" else None
    profile = PROFILES["tag" if name.startswith("tag_") else "head"]
    found = inverse.failure(CatalogError(code, "x", outcome=outcome).problem(), route, profile)
    ours = json.loads(said(found, route))
    assert ours.keys() == recorded.keys()
    if name not in _OTHER_WORDS:
        inner = recorded["error"] if isinstance(recorded["error"], dict) else recorded
        assert found.code == inner["code"]
        assert found.status == recorded.get("status", response["status"])


def test_the_table_knows_every_code() -> None:
    """No code of the catalogue falls back to an unknown failure but those that no route of the face can meet."""
    unknown = {
        code
        for code in CATALOG
        if inverse.failure(CatalogError(code, "x").problem(), "generate", PROFILES["new"]).code == "UNKNOWN"
    }
    assert unknown == {
        "backend.timeout", "job.deadline_exceeded", "gateway.internal", "resource.cache_miss",
        "resource.precondition_failed", "backend.bad_response",
    }  # fmt: skip
