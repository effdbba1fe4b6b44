"""The error tables know every native complaint that was ever recorded, and every row of them is alive."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.ima2 import errors as ima2
from adapters.imgen import errors as imgen
from adapters.kit.rules import Table
from adapters.sdcpp import errors as sdcpp
from tests.unit.adapters.known import profile_of
from tests.unit.adapters.recording import Answer, ima2_answers, sdcpp_answers

GOLDEN = Path(__file__).parent / "golden"
TABLES: dict[str, Table] = {"ima2": ima2.TABLE, "sdcpp": sdcpp.TABLE, "imgen": imgen.TABLE}


def explained(dialect: str) -> dict[str, str]:
    """Return the code of every recorded answer that is an error."""
    answers: Iterator[Answer] = ima2_answers() if dialect == "ima2" else sdcpp_answers()
    found = {}
    for answer in answers:
        said = (answer.route, answer.status, answer.body, answer.media_type)
        verdict = ima2.explain(*said, profile=profile_of(answer.name)) if dialect == "ima2" else sdcpp.explain(*said)
        if verdict is not None:
            assert not verdict.unmapped, f"{answer.name}: no row for {answer.route} {answer.status}"
            found[answer.name] = f"{verdict.code} {verdict.outcome}"
        else:
            assert answer.status < 400, f"{answer.name}: {answer.status} is no error?"
    return found


@pytest.mark.parametrize("dialect", ["ima2", "sdcpp"])
def test_every_recorded_error_has_the_code_that_was_agreed(dialect: str) -> None:
    """Each recording's code and outcome is written down in `golden/`, read by people once and by this test always."""
    expected = json.loads((GOLDEN / f"{dialect}_codes.json").read_text())
    assert explained(dialect) == expected


@pytest.mark.parametrize("dialect", list(TABLES))
def test_text_patterns_are_anchored_and_do_not_overlap(dialect: str) -> None:
    """A row's own example meets no other text row that could stand at the same place."""
    rows = [rule for rule in TABLES[dialect].rules if rule.text]
    for rule in rows:
        assert rule.example is not None, f"{rule.text} has no example"
        assert rule.pattern is not None
        assert rule.pattern.match(rule.example), f"{rule.text} does not match its own example"
        assert rule.text.startswith(("^", ".*")), f"{rule.text} is not anchored"
        rivals = [
            other
            for other in rows
            if other is not rule
            and other.pattern is not None
            and other.pattern.match(rule.example)
            and other.to != rule.to
            and _same_place(rule, other)
        ]
        assert not rivals, f"{rule.example!r} also meets {[other.text for other in rivals]}"


def _same_place(one: object, other: object) -> bool:
    """Say whether two rows could both be asked about one signal."""
    for name in ("route", "status", "code", "upstream", "shape", "state"):
        mine, theirs = getattr(one, name), getattr(other, name)
        if not mine or not theirs:
            continue
        if isinstance(mine, tuple) and not set(mine) & set(theirs):
            return False
        if isinstance(mine, str) and mine != theirs:
            return False
    return True


@pytest.mark.parametrize(
    ("status", "body", "code", "outcome"),
    [
        (400, {"error": "Missing action"}, "backend.rejected_request", "not_started"),
        (400, {"error": "Prompt is required"}, "request.field_invalid", "not_started"),
        (400, {"error": "Invalid character"}, "request.field_invalid", "not_started"),
        (400, {"error": "Bad ID"}, "backend.rejected_request", "not_started"),
        (401, {"error": "Unauthorized"}, "backend.credentials_rejected", "not_started"),
        (401, {"error": "Invalid API key"}, "backend.credentials_rejected", "not_started"),
        (401, {"error": "API key is disabled"}, "backend.credentials_rejected", "not_started"),
        (404, {"error": "No cached result found"}, "resource.cache_miss", "not_started"),
        (404, {"error": "Cached result not found or expired"}, "resource.expired", "not_applicable"),
        (502, {"error": "Generation failed"}, "backend.failed", "finished_no_result"),
        (502, {"error": "Enhancement failed"}, "backend.failed", "finished_no_result"),
        (200, {"error": "Enhancement failed"}, "backend.failed", "finished_no_result"),
        (413, {"error": "too big"}, "request.too_large", "not_started"),
        (429, {"error": "slow down"}, "backend.overloaded", "not_started"),
        (500, {"error": "oops"}, "backend.failed", "finished_no_result"),
        (200, {"status": "FAILED", "error": "Generation failed"}, "backend.failed", "finished_no_result"),
        (200, {"status": "TIMED_OUT", "error": "Generation failed"}, "backend.timeout", "finished_no_result"),
        (200, {"status": "CANCELLED", "error": "Generation failed"}, "backend.failed", "finished_no_result"),
        (200, {"status": "PAUSED"}, "backend.bad_response", "unknown"),
        (200, {"status": "COMPLETED", "meta": {}}, "backend.bad_response", "unknown"),
        (200, {"status": "COMPLETED", "meta": {"compliance": "dubious"}}, "backend.bad_response", "unknown"),
        (
            200,
            {"status": "COMPLETED", "compliance": "unsafe", "error": "Content blocked", "filter_categories": ["a"]},
            "policy.output_blocked",
            "finished_blocked",
        ),
    ],
)
def test_every_row_of_imgens_seed_has_its_code(status: int, body: object, code: str, outcome: str) -> None:
    """Nothing of imgen was recorded: the table of errors and states of its seed is walked instead."""
    verdict = imgen.explain(None, status, json.dumps(body).encode())
    assert verdict is not None
    assert (verdict.code, verdict.outcome, verdict.unmapped) == (code, outcome, False)


@pytest.mark.parametrize(
    ("route", "status", "body", "code", "outcome"),
    [
        ("generate", 502, b'{"error": "Generation failed"}', "backend.failed", "unknown"),
        ("POST /api/v2 generate", 502, b'{"error": "Generation failed"}', "backend.failed", "unknown"),
        ("generate", 502, b"<html>bad gateway</html>", "backend.unavailable", "unknown"),
        ("status", 503, b"<html>unavailable</html>", "backend.unavailable", "not_started"),
        ("status", 404, b'{"error": "what?"}', "backend.job_lost", "unknown"),
        ("models", 404, b'{"error": "what?"}', "backend.bad_response", "not_started"),
        (None, 200, b"not json", "backend.bad_response", "unknown"),
    ],
)
def test_imgens_action_decides_what_may_have_started(
    route: str | None, status: int, body: bytes, code: str, outcome: str
) -> None:
    """A 502 on `generate` may have started a run; on `status` it says nothing about it."""
    verdict = imgen.explain(route, status, body)
    assert verdict is not None
    assert (verdict.code, verdict.outcome) == (code, outcome)


@pytest.mark.parametrize("explain", [ima2.explain, sdcpp.explain, imgen.explain])
@pytest.mark.parametrize(("status", "code"), [(418, "backend.rejected_request"), (599, "backend.failed")])
def test_an_unknown_native_error_is_mapped_by_its_status_and_marked(explain: object, status: int, code: str) -> None:
    """What no row knows is never a crash; the adapter counts it."""
    verdict = explain("GET /api/never", status, b'{"error": {"code": "NEVER_SEEN", "message": "?"}}')  # type: ignore[operator]
    assert verdict.code == code
    if explain is ima2.explain:
        assert verdict.unmapped


@pytest.mark.parametrize("explain", [ima2.explain, sdcpp.explain, imgen.explain])
@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[]", b"null", b"3", b'"x"', b"{}", b"<", b'{"error": [1]}', b"[" * 5000]
)
@pytest.mark.parametrize("status", [200, 400, 404, 500, 502])
def test_no_body_breaks_a_table(explain: object, body: bytes, status: int) -> None:
    """Whatever comes, an error status is an error and nothing raises."""
    verdict = explain("POST /x", status, body, "application/json")  # type: ignore[operator]
    assert verdict is not None or status < 400


def test_no_rule_of_a_table_is_dead() -> None:
    """A row that an earlier, wider row hides would be a promise that is never kept."""
    for name, table in TABLES.items():
        for at, rule in enumerate(table.rules):
            for earlier in table.rules[:at]:
                assert not _hides(earlier, rule), f"{name}: {earlier} hides {rule}"


def _hides(earlier: object, later: object) -> bool:
    """Say whether everything the later row is for already meets the earlier one."""
    for name in ("status", "code", "upstream", "error_class", "state", "shape"):
        wide, narrow = getattr(earlier, name), getattr(later, name)
        if wide and not (narrow and set(narrow) <= set(wide)):
            return False
    for name in ("route", "text", "param"):
        if getattr(earlier, name) is not None and getattr(earlier, name) != getattr(later, name):
            return False
    return True


def test_the_tables_cover_every_documented_native_code() -> None:
    """All codes of both ima2 seeds, and those found in the source, are named by some row."""
    named = {code for rule in ima2.TABLE.rules for code in (*rule.code, *rule.upstream, *rule.error_class)}
    documented = set(re.findall(r"[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+", DOCUMENTED))
    assert documented - named == set()


#: Both seeds, errors.md §3 and §8, wire §10 and §11.
DOCUMENTED = """
API_KEY_REQUIRED INVALID_IMAGE_MODEL IMAGE_MODEL_UNSUPPORTED SAFETY_REFUSAL MODERATION_REFUSED AUTH_CHATGPT_EXPIRED
AUTH_API_KEY_INVALID NETWORK_FAILED OAUTH_UNAVAILABLE GRAPH_VERSION_CONFLICT NODE_NOT_FOUND GROK_REF_TOO_MANY
GROK_MASK_UNSUPPORTED INVALID_GROK_IMAGE_MODEL GROK_RATE_LIMITED GROK_AUTH_FAILED GROK_SEARCH_TIMEOUT
GROK_PLANNER_TIMEOUT GROK_IMAGE_TIMEOUT APIKEY_DISABLED INVALID_REQUEST INVALID_MODERATION OPEN_GENERATED_DIR_FAILED
GRAPH_VERSION_REQUIRED GRAPH_TOO_LARGE REF_NOT_ARRAY REF_TOO_MANY REF_NOT_STRING REF_EMPTY REF_TOO_LARGE
REF_NOT_BASE64 UPSTREAM_5XX OAUTH_UPSTREAM_ERROR OAUTH_STREAM_ERROR RESPONSES_STREAM_ERROR RESPONSES_IMAGE_ERROR
GENERATE_FAILED GENERATE_ALL_FAILED EDIT_FAILED NODE_GEN_FAILED NODE_FETCH_FAILED MULTIMODE_GENERATE_FAILED
OAUTH_IMAGE_TIMEOUT RESPONSES_IMAGE_TIMEOUT EMPTY_RESPONSE INVALID_PROMPT PROMPT_REQUIRED INVALID_REASONING_EFFORT
INVALID_EDIT_INPUT EDIT_MASK_NOT_SUPPORTED INVALID_EDIT_MASK EDIT_MASK_NO_ALPHA EDIT_MASK_DIMENSION_MISMATCH
NODE_SOURCE_INVALID INVALID_PNG EDIT_MASK_TOO_LARGE IMAGE_METADATA_TOO_LARGE SESSION_NOT_FOUND ASSET_NOT_FOUND
IMAGE_METADATA_NOT_FOUND CONTEXT_MODE_UNSUPPORTED INVALID_GRAPH INVALID_GRAPH_VERSION INVALID_TITLE INVALID_FILENAME
GRAPH_PARENT_CONFLICT DB_ERROR SYSTEM_TRASH_FAILED INVALID_SHEET INVALID_ENABLED STYLE_SHEET_NO_KEY
STYLE_SHEET_BAD_INPUT STYLE_SHEET_EMPTY STYLE_SHEET_PARSE STYLE_SHEET_SHAPE STYLE_SHEET_ERROR GROK_API_KEY_MISSING
LAN_TOKEN_REQUIRED PROMPT_TOO_LONG INVALID_COUNT REQUEST_ID_IN_USE TOO_MANY_JOBS IDEMPOTENCY_KEY_CONFLICT
IDEMPOTENCY_KEY_INVALID GENERATION_CANCELED JOB_TRACKING_TIMEOUT SSE_CAPACITY STREAM_PARSE_FAILED
WEB_SEARCH_ONLY_RESPONSE IMAGE_TOOL_NOT_CALLED IMAGE_TOOL_FAILED IMAGE_TOOL_COMPLETED_WITHOUT_RESULT
GROK_UPSTREAM_ERROR GROK_NETWORK_FAILED GROK_AUTH_REQUIRED GROK_IMAGE_DOWNLOAD_FAILED GENERATION_TIMEOUT
VIDEO_PROVIDER_UNSUPPORTED INVALID_GROK_VIDEO_MODEL INVALID_VIDEO_RESOLUTION INVALID_VIDEO_ASPECT_RATIO
INVALID_VIDEO_DURATION GROK_VIDEO_REF_TOO_MANY GROK_VIDEO_INVALID_MODE GROK_VIDEO_REQUEST_FAILED GROK_VIDEO_FAILED
GROK_VIDEO_POLL_FAILED GROK_VIDEO_EMPTY_RESPONSE GROK_VIDEO_DOWNLOAD_FAILED GROK_VIDEO_MODERATION_BLOCKED
GROK_VIDEO_TIMEOUT GROK_VIDEO_PLAN_TIMEOUT AUTH_INVALID AUTH_EXPIRED BILLING_REQUIRED RATE_LIMITED CONTENT_REJECTED
CAPABILITY_UNSUPPORTED MODEL_UNAVAILABLE PROVIDER_TIMEOUT NETWORK_FAILURE INTERNAL_STATE_ERROR
AGENT_QUEUE_CANCEL_FAILED AGENT_QUEUE_RETRY_FAILED AGENT_SESSION_NOT_FOUND AGENT_QUEUE_ITEM_NOT_FOUND
AGENT_IMAGE_NOT_FOUND AGENT_PROMPT_REQUIRED PROMPT_BUILDER_NO_BACKEND_READY
"""
