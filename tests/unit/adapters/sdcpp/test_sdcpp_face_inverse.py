"""What the face says of an error, read by the adapter's own table, is that error again or the nearest advice."""

from typing import get_args

import pytest

from adapters.sdcpp import errors
from adapters.sdcpp.face import inverse
from contracts.catalog import CATALOG, CatalogError, Fault
from contracts.codes import ErrorCode, Outcome
from contracts.face import Answer

#: Where Studio has no word of its own: what the next gateway of a chain understands.
COARSER: dict[ErrorCode, ErrorCode] = {
    "policy.output_blocked": "policy.refused",
    "routing.no_candidate": "backend.unavailable",
    "job.cancelled": "backend.failed",
    "job.deadline_exceeded": "backend.timeout",
    "backend.quota_exhausted": "backend.credentials_rejected",
    "gateway.internal": "backend.failed",
    "gateway.overloaded": "backend.failed",
    "resource.state_conflict": "backend.rejected_request",
}


@pytest.mark.parametrize("outcome", get_args(Outcome))
@pytest.mark.parametrize("code", get_args(ErrorCode))
def test_the_adapters_table_reads_back_why_a_job_failed(code: ErrorCode, outcome: Outcome) -> None:
    """For every code: the text of a row, and the 500 of a route that waited, never ask for another advice.

    What may still run stays unknown, whatever it was: nobody who reads it has it made once more.
    """
    text = inverse.text(CatalogError(code, "a sentence", outcome=outcome).problem())
    expected: ErrorCode = COARSER.get(code, code)
    if code not in inverse.JOB_TEXTS:
        caller = CATALOG[code].blame == "caller"
        expected = "backend.rejected_request" if caller else "backend.failed"
    if outcome == "unknown":
        expected = "backend.timeout"
    for signal in (errors.job_signal("failed", text), errors.read_json("POST /api/generate", 500, {"error": text})):
        assert signal is not None
        verdict = errors.TABLE.classify(signal)
        assert (verdict.code, verdict.unmapped) == (expected, False), text
        assert outcome != "unknown" or verdict.outcome == "unknown"


def test_a_refusal_by_policy_asks_nobody_to_try_elsewhere() -> None:
    """A chain must not go on to a laxer backend: nothing in its text invites the same request again, or elsewhere."""
    for code in ("policy.refused", "policy.output_blocked"):
        signal = errors.job_signal("failed", inverse.text(CatalogError(code, "x").problem()))
        assert errors.TABLE.classify(signal).code == "policy.refused"


@pytest.mark.parametrize("code", get_args(ErrorCode))
def test_every_refusal_is_one_envelope(code: ErrorCode) -> None:
    """`{"error": text}`, never a page and never an empty text; what the caller did is 4xx, and what is wrong is 400."""
    refused = inverse.refused(CatalogError(code, "a sentence", retry_after_s=7), what="Job")
    answer: Answer = refused.answer()
    assert refused.body["error"]
    assert answer.code == code
    assert answer.headers["Content-Type"].startswith("application/json")
    if code.startswith("request.") and code != "request.too_large":
        assert answer.status == 400
    assert (answer.status < 500) == (CATALOG[code].status < 500)
    if code in ("gateway.overloaded", "quota.rate_limited"):
        assert answer.headers["Retry-After"] == "7"


@pytest.mark.parametrize(
    ("pointer", "name"),
    [
        ("/effort", "quality"),
        ("/size", "size"),
        ("/options/sdcpp/cfg_scale", "cfg_scale"),
        ("/options/sdcpp", "sampling options"),
        ("/inputs/0/role", "image"),
        ("/operation", "model"),
        ("/watermark", "/watermark"),
    ],
)
def test_a_field_is_named_as_studio_names_it(pointer: str, name: str) -> None:
    """What nobody can honour is refused under the name that the client sent."""
    fault = Fault(pointer=pointer, reason="unsupported", detail="cannot")
    refused = inverse.refused(CatalogError("request.option_unsupported", "cannot", errors=(fault,)))
    assert refused.body == {"error": f"{name}: cannot"}


@pytest.mark.parametrize(
    ("reason", "status", "message"),
    [
        ("missing", 401, inverse.NO_KEY),
        ("unknown", 403, inverse.WRONG_KEY),
        ("revoked", 403, inverse.WRONG_KEY),
        ("expired", 403, inverse.WRONG_KEY),
        ("origin", 401, "no pages of other sites"),
    ],
)
def test_a_wrong_key_is_told_from_a_missing_one(reason: str, status: int, message: str) -> None:
    """401 and 403, as measured (wire §2)."""
    refused = inverse.refused(CatalogError("auth.unauthenticated", "no pages of other sites", reason=reason))
    assert (refused.status, refused.body["message"]) == (status, message)
