"""imgen falls back in silence: whatever of it can be seen afterwards is seen, counted and told."""

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.codes import CATALOG, ErrorCode
from tests.e2e.asked import post, problem
from tests.e2e.imgen_world import before_it, ended, imgen_sandbox, receipts, wish
from tests.e2e.scraped import Scrape, want
from tests.harness import GatewayProcess

SIZE = {"width": 1024, "height": 1024}
FALLEN_SIZE = {"width": 1344, "height": 768}
#: What was asked for, the field that is counted, and the receipt: pointer, requested, applied.
FALLBACKS: dict[str, tuple[dict[str, Any], str, tuple[str, Any, Any]]] = {
    "fallback_model": ({"model": "imgen/atlas"}, "model", ("/model", "imgen/atlas", "imgen/eros")),
    "fallback_style": ({"style": "anime"}, "style", ("/style", "anime", "professional")),
    "fallback_format": ({"output": {"format": "png"}}, "format", ("/output/format", "png", "jpeg")),
    "fallback_size": ({"size": SIZE}, "size", ("/size", SIZE, FALLEN_SIZE)),
    "fallback_precompliance": (
        {"policy": {"prescreen_note": "nothing found"}}, "prescreen_note",
        ("/policy/prescreen_note", "nothing found", "nothin"),
    ),
    "enhancement_skipped": ({"optimize_prompt": True}, "optimize_prompt", ("/optimize_prompt", True, False)),
    "wrong_size:640x480": ({"size": SIZE}, "size", ("/size", SIZE, {"width": 640, "height": 480})),
    "wrong_format:webp": ({"output": {"format": "png"}}, "format", ("/output/format", "png", "webp")),
}  # fmt: skip
#: What is told beside it, because it follows from it.
BESIDE = {"fallback_model": {"/style"}}


@pytest.fixture(scope="module")
def imgen_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway before an imgen of its own."""
    folder = tmp_path_factory.mktemp("fallbacks")
    with imgen_sandbox(folder / "imgen") as sandbox, before_it(folder / "gateway", sandbox) as running:
        yield running


@pytest.fixture(scope="module")
def jobs(imgen_gateway: GatewayProcess) -> dict[str, dict[str, Any]]:
    """Every fallback forced upon who asked for something, upon who did not, and upon who asked for rules."""
    wishes = {token: wish(f"a sea [[{token}]]", **asked) for token, (asked, _, _) in FALLBACKS.items()}
    wishes["unset"] = wish("a sea [[fallback_style]] [[fallback_size]] [[fallback_format]]")
    wishes["rules"] = wish("a sea [[fallback_ruleset]]", policy={"ruleset": "strict"})
    wishes["none"] = wish("a sea", model="imgen/atlas", style="sketch", size=SIZE, output={"format": "png"})
    return ended(imgen_gateway.http, wishes)


@pytest.mark.parametrize("token", FALLBACKS)
def test_a_fallback_that_is_not_said_is_told(jobs: dict[str, Any], imgen_gateway: GatewayProcess, token: str) -> None:
    """The picture is there, with a receipt for what was asked and what came, and the breach is counted."""
    _, field, (pointer, requested, applied) = FALLBACKS[token]
    job = jobs[token]
    assert job["state"] == "succeeded", job["error"]
    told = receipts(job)
    assert told[pointer] == (requested, applied, "not_honoured")
    assert set(told) - BESIDE.get(token, set()) == {pointer}
    assert (Scrape(imgen_gateway.http).value(want("contract_breaches", backend="imgen", field=field)) or 0) >= 1


@pytest.mark.parametrize(
    ("case", "asked", "code"),
    [
        ("an unknown model", {"model": "imgen/nothing"}, "request.model_unknown"),
        ("an unknown style", {"style": "vivid"}, "request.field_invalid"),
        ("an eighth size", {"size": {"width": 512, "height": 512}}, "request.option_unsupported"),
        ("a blank ruleset", {"policy": {"ruleset": " "}}, "request.field_invalid"),
        ("a pool of 11", {"cache": {"mode": "prefer", "pool": 11}}, "request.field_invalid"),
        ("a note of 2001", {"policy": {"prescreen_note": "n" * 2001}}, "request.field_invalid"),
    ],
)
def test_what_would_fall_back_is_refused_before_it_is_sent(
    imgen_gateway: GatewayProcess, case: str, asked: dict[str, Any], code: ErrorCode
) -> None:
    """No job exists afterwards."""
    before = imgen_gateway.http.get("/v1/jobs").json()["jobs"]
    problem(post(imgen_gateway.http, wish(f"a sea of {case}", **asked)), code, CATALOG[code].status)
    assert imgen_gateway.http.get("/v1/jobs").json()["jobs"] == before


def test_what_was_left_open_is_shown_as_it_came(jobs: dict[str, Any]) -> None:
    """Nothing was promised of it: no receipt, but the effective values are those of the picture."""
    job = jobs["unset"]
    assert receipts(job) == {}
    effective = job["effective"]
    assert (effective["width"], effective["height"], effective["format"]) == (1344, 768, "jpeg")
    assert effective["style"] == "professional"


def test_other_rules_of_review_are_no_picture(jobs: dict[str, Any]) -> None:
    """It was judged, but not by what was asked for: fail closed, and nothing is fetched or sent again."""
    job = jobs["rules"]
    assert (job["state"], job["outputs"]) == ("failed", [])
    assert (job["error"]["code"], job["error"]["phase"]) == ("backend.bad_response", "review")
    assert job["error"]["reason"] == "other_ruleset"
    assert len(job["attempts"]) == 1


def test_a_run_that_is_what_was_asked_has_no_receipts(jobs: dict[str, Any]) -> None:
    """A job without adjustments is a promise."""
    job = jobs["none"]
    assert job["state"] == "succeeded", job["error"]
    assert receipts(job) == {}
    assert job["effective"]["model"] == "atlas"
    assert job["effective"]["options"]["gen_id"]
    assert job["effective"]["options"]["meta"]["version"] == "v2"
