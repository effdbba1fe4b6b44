"""How the face says what became of a run, and every code of the catalogue, in the seed's words."""

import msgspec
import pytest

from adapters.imgen import errors
from adapters.imgen.face.said import FIELDS, refused
from adapters.imgen.face.status import ended_as
from contracts.catalog import CATALOG, CatalogError, ErrorCode, Fault
from contracts.job import JobState


@pytest.mark.parametrize(
    ("state", "code", "word"),
    [
        ("failed", "backend.failed", "FAILED"),
        ("failed", "backend.timeout", "TIMED_OUT"),
        ("failed", "job.deadline_exceeded", "TIMED_OUT"),
        ("failed", None, "FAILED"),
        ("cancelled", "job.cancelled", "CANCELLED"),
    ],
)
def test_an_ending_has_one_of_the_seeds_three_words(state: JobState, code: ErrorCode | None, word: str) -> None:
    """Time that ran out, whoever measured it; a wish to cancel; everything else."""
    assert ended_as(state, code) == word


@pytest.mark.parametrize("code", CATALOG)
def test_every_code_is_said_as_an_error_that_our_own_adapter_reads(code: ErrorCode) -> None:
    """Flat JSON with imgen's `error`; nobody's 401 but the caller's own; what fails behind us names nothing of it."""
    answer = refused(CatalogError(code, "the words of the gateway"), "generate").answer
    body = msgspec.json.decode(answer.body)
    assert body.keys() <= {"error", "detail"}
    assert answer.code == code
    assert (answer.status == 401) == (code == "auth.unauthenticated")
    if CATALOG[code].blame != "caller":
        assert "detail" not in body
    verdict = errors.explain("POST /api/v2#generate", answer.status, answer.body)
    assert verdict is not None
    if code.startswith("backend."):
        assert (answer.status, body["error"]) == (502, "Generation failed")


@pytest.mark.parametrize(("pointer", "name"), FIELDS)
def test_a_field_of_the_contract_is_named_as_imgen_names_it(pointer: str, name: str) -> None:
    """The first one that fits is its own: no row hides another."""
    fault = Fault(pointer=pointer, reason="range", detail="is none")
    found = refused(CatalogError("request.field_invalid", "x", errors=(fault,)))
    assert (found.error, found.detail, found.status) == (f"Invalid {name}", "is none", 400)
