"""The error catalogue is complete, and says the same everywhere."""

import pytest

from contracts.catalog import CATALOG, CatalogError, should_retry
from contracts.codes import ErrorCode


def test_the_catalogue_has_its_35_rows_in_order() -> None:
    """Numbers run from 1 to 35, and every code of the type has a row."""
    assert [row.number for row in CATALOG.values()] == list(range(1, 36))
    assert set(CATALOG) == set(ErrorCode.__args__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("code", list(CATALOG))
def test_every_code_makes_a_problem_document(code: ErrorCode) -> None:
    """The problem carries the row's own facts, and a type that ends in the code."""
    row = CATALOG[code]
    problem = CatalogError(code, "because").problem()
    assert (problem.status, problem.retry, problem.blame, problem.outcome) == (
        row.status,
        row.retry,
        row.blame,
        row.outcome,
    )
    assert problem.type.endswith(code)
    assert problem.group == code.partition(".")[0]


@pytest.mark.parametrize("code", ["backend.credentials_rejected", "backend.quota_exhausted", "backend.misconfigured"])
def test_the_operators_faults_never_invite_a_retry(code: ErrorCode) -> None:
    """Rows 26 to 29 answer 502 without an invitation: the caller can do nothing."""
    row = CATALOG[code]
    assert row.status == 502
    assert not should_retry(row.retry, row.outcome)


def test_an_unknown_outcome_never_invites_anybody_to_pay_again() -> None:
    """X-Should-Retry needs both: `same`, and certainty that nothing runs."""
    assert should_retry(("same", "other"), "not_started")
    assert should_retry(("same",), "finished_no_result")
    assert not should_retry(("same", "other"), "unknown")
    assert not should_retry(("other",), "not_started")
