"""What goes wrong, as OpenAI's clients read it: each of the catalogue's codes, and each field by its own name."""

import json
from typing import Any

import pytest

from adapters.openai.face.said import error_of, failed, param_of, receipts, refused
from contracts.catalog import CATALOG, CatalogError, Fault, should_retry
from contracts.codes import ErrorCode
from contracts.job import Adjustment, Job, Links, moment
from contracts.spec import ImageGenerate

SERVER = "server_error"
#: Every code: the status of the answer and its `type`.
TOLD: dict[ErrorCode, tuple[int, str]] = {
    "request.malformed": (400, "invalid_request_error"),
    "request.field_invalid": (400, "invalid_request_error"),
    "request.option_unsupported": (400, "invalid_request_error"),
    "request.model_unknown": (404, "invalid_request_error"),
    "request.model_incapable": (400, "invalid_request_error"),
    "request.reference_invalid": (400, "invalid_request_error"),
    "request.reference_too_many": (400, "invalid_request_error"),
    "request.too_large": (413, "invalid_request_error"),
    "auth.unauthenticated": (401, "authentication_error"),
    "auth.forbidden": (403, "permission_error"),
    "quota.rate_limited": (429, "rate_limit_error"),
    "quota.budget_exhausted": (402, "insufficient_quota"),
    "policy.refused": (400, "image_generation_user_error"),
    "policy.output_blocked": (400, "image_generation_user_error"),
    "resource.not_found": (404, "invalid_request_error"),
    "resource.expired": (410, "invalid_request_error"),
    "resource.state_conflict": (409, "invalid_request_error"),
    "resource.precondition_failed": (412, "invalid_request_error"),
    "resource.cache_miss": (404, "invalid_request_error"),
    "idempotency.conflict": (422, "invalid_request_error"),
    "routing.no_candidate": (503, SERVER),
    "job.cancelled": (409, "invalid_request_error"),
    "job.deadline_exceeded": (504, SERVER),
    "backend.unavailable": (503, SERVER),
    "backend.overloaded": (503, SERVER),
    "backend.credentials_rejected": (502, SERVER),
    "backend.quota_exhausted": (502, SERVER),
    "backend.misconfigured": (502, SERVER),
    "backend.rejected_request": (502, SERVER),
    "backend.timeout": (504, SERVER),
    "backend.failed": (502, SERVER),
    "backend.bad_response": (502, SERVER),
    "backend.job_lost": (502, SERVER),
    "gateway.overloaded": (503, SERVER),
    "gateway.internal": (500, SERVER),
}


def test_every_code_of_the_catalogue_is_told() -> None:
    """None is left to chance."""
    assert set(TOLD) == set(CATALOG)


@pytest.mark.parametrize("code", TOLD)
def test_a_code_has_its_status_its_type_and_its_retry(code: ErrorCode) -> None:
    """The four fields of the shape; what SDKs are told of retries is what the catalogue says, and nothing else."""
    answer = refused(CatalogError(code, "So it is", job_id="job_1"))
    row = CATALOG[code]
    status, kind = TOLD[code]
    assert (answer.status, answer.code) == (status, code)
    body = json.loads(answer.body)
    assert body == {"error": {"message": "So it is.", "type": kind, "param": body["error"]["param"], "code": code}}
    assert body["error"]["param"] == ("model" if code == "request.model_unknown" else None)
    assert answer.headers["X-Should-Retry"] == str(should_retry(row.retry, row.outcome)).lower()
    assert ("Retry-After" in answer.headers) == (status in (429, 503))
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert answer.headers["X-Triptych-Job"] == "job_1"


def test_an_unknown_outcome_invites_nobody_to_pay_again() -> None:
    """A code that may be retried is none where nobody knows what became of the work."""
    problem = CatalogError("backend.failed", "x", outcome="unknown", retry_after_s=0.2).problem()
    assert failed(problem).headers["X-Should-Retry"] == "false"
    assert failed(problem).headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("pointer", "param"),
    [
        ("/prompt", "prompt"), ("/n", "n"), ("/size/width", "size"), ("/effort", "quality"),
        ("/output/format", "output_format"), ("/output/compression", "output_compression"),
        ("/policy/strictness", "moderation"), ("/style", "style"), ("/inputs/3/role", "image"),
        ("/openai/mask", "mask"), ("/route", None), ("/negative_prompt", None), ("/prompting", None),
    ],
)  # fmt: skip
def test_a_pointer_of_the_contract_is_the_clients_own_field(pointer: str, param: str | None) -> None:
    """What the client cannot have sent has no name."""
    assert param_of(pointer) == param


@pytest.mark.parametrize(
    ("pointer", "allowed", "text"),
    [
        ("/effort", ("low", "high"), "quality: takes no such. Allowed here: low, high."),
        ("/policy/strictness", ("default", "relaxed"), "moderation: takes no such. Allowed here: auto, low."),
        ("/inputs/0/role", ("source",), "image: takes no such."),
        ("/size", tuple(f"{side}x{side}" for side in range(30)), "size: takes no such. Allowed here: 0x0, 1x1,"),
    ],
)
def test_what_would_be_right_is_told_in_the_clients_words(pointer: str, allowed: tuple[Any, ...], text: str) -> None:
    """Values that a client can send as they stand; the contract's own are none."""
    fault = Fault(pointer=pointer, reason="enum", detail="takes no such", allowed=allowed)
    error = CatalogError("request.option_unsupported", f"{pointer}: takes no such", errors=(fault,))
    message = error_of(error.problem())["message"]
    assert message.startswith(text)
    assert "/" not in message
    assert message.count(", ") < 20


def test_receipts_name_what_changed_and_keep_what_was_asked_to_themselves() -> None:
    """Headers pass through foreign logs: no prompt, nothing but ASCII, nothing that ends a header."""
    changed = Adjustment(pointer="/prompt", requested="secret", applied="secret\r\n", why="snapped", by="gateway")
    slower = Adjustment(pointer="/n", requested=4, applied=2, why="clamped", by="backend")
    job = Job(
        id="job_1", operation="image.generate", state="succeeded", spec=ImageGenerate(prompt="x"),
        created_at=moment(0), links=Links(self="", events="", cancel=""), adjustments=(changed, slower),
        warnings=("größer\n\N{FOX FACE}",),
    )  # fmt: skip
    sent = receipts(job)
    assert json.loads(sent["X-Triptych-Adjustments"]) == [
        {"param": "prompt", "why": "snapped", "by": "gateway"},
        {"param": "n", "why": "clamped", "by": "backend", "applied": 2},
    ]
    assert json.loads(sent["X-Triptych-Warnings"]) == ["größer\n\N{FOX FACE}"]
    assert all(each.isascii() and each.isprintable() for each in sent.values())
    assert "secret" not in str(sent)
