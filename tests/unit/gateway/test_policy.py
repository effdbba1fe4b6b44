"""The engine's decisions: whether a failed attempt is followed by another, and how a job of several parts ends."""

from itertools import permutations, product
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from contracts.capability import Capability
from contracts.catalog import CATALOG, CatalogError, Outcome, Problem
from contracts.codes import ErrorCode
from contracts.job import TERMINAL, JobState, Review, Verdict
from gateway.engine.policy import (
    MAX_ATTEMPTS,
    MAX_DELAY_S,
    Again,
    conclude,
    may_fail_over,
    next_attempt,
    refine,
    worst_review,
)
from tests.unit.contracts.requests import spec

ONCE = Capability(retries_itself=True)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def failure(code: ErrorCode, outcome: Outcome | None = None, **facts: Any) -> CatalogError:
    """Return how an attempt failed."""
    return CatalogError(code, "because", outcome=outcome, **facts)


@pytest.mark.parametrize("tries", [1, 2, MAX_ATTEMPTS, MAX_ATTEMPTS + 1])
@pytest.mark.parametrize("fail_over", [True, False])
def test_another_attempt_needs_leave_and_certainty(tries: int, fail_over: bool) -> None:  # noqa: FBT001
    """For every code and outcome: only below three attempts, never for policy, and never while something may run."""
    for code, outcome, capability in product(CATALOG, OUTCOMES, (Capability(), ONCE)):
        again = next_attempt(failure(code, outcome), tries, capability, may_fail_over=fail_over)
        allowed = set(CATALOG[code].retry) & ({"same", "other"} if fail_over else {"same"})
        if outcome == "finished_no_result" and capability.retries_itself:
            allowed -= {"same"}
        certain = outcome in ("not_started", "finished_no_result")
        if tries >= 3 or not certain or CATALOG[code].group == "policy" or not allowed:
            assert again is None, (code, outcome)
        else:
            assert again is not None, (code, outcome)
            assert (again.same, again.other) == ("same" in allowed, "other" in allowed)


def test_a_refusal_by_policy_never_goes_elsewhere() -> None:
    """A laxer backend is not asked, whatever the caller allows."""
    for code in ("policy.refused", "policy.output_blocked"):
        for outcome in OUTCOMES:
            assert next_attempt(failure(code, outcome), 1, Capability(), may_fail_over=True) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tries", "said", "delay"), [(1, None, 1.0), (2, None, 4.0), (1, 7.5, 7.5), (2, 0.0, 0.0), (1, 9999.0, MAX_DELAY_S)]
)
def test_the_delay_grows_or_is_what_the_backend_said(tries: int, said: float | None, delay: float) -> None:
    """A second, then four; a Retry-After goes before it, and none lasts longer than a minute."""
    error = failure("backend.overloaded", retry_after_s=said)
    assert next_attempt(error, tries, Capability(), may_fail_over=False) == Again(delay, same=True, other=False)


@pytest.mark.parametrize(
    ("asked", "may"),
    [
        ({}, True),
        ({"model": "best"}, True),
        ({"model": "studio/flux"}, False),
        ({"route": {"failover": False}}, False),
        ({"route": {"failover": True}}, True),
        ({"model": "best", "route": {"failover": False}}, False),
        ({"model": "studio/flux", "route": {"failover": True}}, True),
        ({"model": "studio/flux", "route": {"backends": ["studio"]}}, False),
        ({"route": {"backends": ["studio"]}}, True),
    ],
)
def test_another_model_may_take_over_unless_one_was_named(asked: dict[str, Any], may: bool) -> None:  # noqa: FBT001
    """By default for `auto` and aliases; what the caller says of it goes first."""
    assert may_fail_over(spec(**asked), {"best": ("studio/flux", "ima2/gpt-5.4")}) is may


class Piece(Struct, frozen=True, kw_only=True):
    """One part of a job as the decision sees it."""

    state: JobState
    count: int = 1
    delivered: int = 0
    error: Problem | None = None
    review: Review | None = None


def piece(state: JobState, *, delivered: int = 0, count: int = 1, code: ErrorCode | None = None, **facts: Any) -> Piece:
    """Return a part, with the error that its state calls for."""
    usual: dict[str, ErrorCode] = {
        "failed": "backend.failed", "blocked": "policy.output_blocked", "cancelled": "job.cancelled",
    }  # fmt: skip
    code = code or usual.get(state)
    error = None if code is None else failure(code, facts.pop("outcome", None)).problem()
    return Piece(state=state, count=count, delivered=delivered, error=error, **facts)


DONE = piece("succeeded", delivered=1)


def ending(*parts: Piece, partial: str = "accept") -> tuple[str, bool] | None:
    """Return the state in which a job ends, and whether its pictures are kept; None while it goes on."""
    conclusion = conclude(parts, spec(partial=partial))
    return None if conclusion is None else (conclusion.state, conclusion.keeps_outputs)


@pytest.mark.parametrize(
    ("parts", "state"),
    [
        ([DONE], "succeeded"),
        ([DONE, DONE], "succeeded"),
        ([DONE, piece("failed")], "succeeded"),
        ([DONE, piece("blocked")], "succeeded"),
        ([DONE, piece("cancelled")], "succeeded"),
        ([piece("failed", delivered=1, count=2)], "succeeded"),
        ([piece("failed")], "failed"),
        ([piece("blocked")], "blocked"),
        ([piece("blocked"), piece("blocked")], "blocked"),
        ([piece("blocked"), piece("failed")], "failed"),
        ([piece("cancelled")], "cancelled"),
        ([piece("cancelled"), piece("cancelled")], "cancelled"),
        ([piece("cancelled"), piece("failed")], "failed"),
        ([piece("cancelled"), piece("blocked")], "failed"),
    ],
)
def test_a_job_ends_as_its_parts_did(parts: list[Piece], state: str) -> None:
    """One picture is enough; without any, all blocked is blocked, all cancelled is cancelled, else it failed."""
    for order in permutations(parts):
        assert ending(*order) == (state, True)


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_job_goes_on_while_a_part_may_deliver(state: JobState) -> None:
    """Neither a delivered nor a failed part ends it before the last one has ended."""
    for parts in ([piece(state)], [piece(state), DONE], [piece("failed"), piece(state)]):
        assert ending(*parts) is None


def test_whoever_wants_all_gets_all_or_nothing() -> None:
    """With `partial: reject` one missing picture fails the job at once, and what was delivered is not kept."""
    assert ending(DONE, DONE, partial="reject") == ("succeeded", True)
    assert ending(DONE, piece("failed"), partial="reject") == ("failed", False)
    assert ending(piece("running"), piece("blocked"), partial="reject") == ("failed", False)
    assert ending(piece("succeeded", delivered=1, count=2), partial="reject") == ("failed", False)
    assert ending(DONE, piece("running"), partial="reject") is None


@pytest.mark.parametrize("state", ["failed", "blocked", "cancelled"])
def test_wanting_all_changes_nothing_where_nothing_came(state: JobState) -> None:
    """A job whose every part was withheld is blocked, and a cancelled one is cancelled, all or nothing or not."""
    for parts in ((piece(state),), (piece(state), piece(state))):
        assert ending(*parts, partial="reject") == ending(*parts) == (state, True)


def test_a_failure_always_says_why() -> None:
    """Too few pictures without an error are an error of their own, with the numbers in it."""
    conclusion = conclude([piece("succeeded", delivered=1, count=3)], spec(partial="reject"))
    assert conclusion is not None
    assert conclusion.error is not None
    assert conclusion.error.code == "backend.bad_response"
    assert conclusion.error.detail.startswith("1 of 3 pictures")


@pytest.mark.parametrize(
    ("codes", "gravest"),
    [
        (("policy.refused", "backend.failed"), "backend.failed"),
        (("backend.failed", "backend.misconfigured"), "backend.misconfigured"),
        (("backend.misconfigured", "gateway.overloaded"), "gateway.overloaded"),
        (("backend.unavailable", "backend.failed"), "backend.failed"),
        (("gateway.internal", "backend.timeout"), "gateway.internal"),
        (("backend.timeout", "backend.misconfigured"), "backend.timeout"),
    ],
)
def test_of_several_errors_the_gravest_is_told(codes: tuple[ErrorCode, ...], gravest: str) -> None:
    """An unknown outcome first, for it may still cost; then whose fault it is; then the catalogue's order."""
    for order in permutations(codes):
        conclusion = conclude([piece("failed", code=code) for code in order], spec())
        assert conclusion is not None
        assert conclusion.error is not None
        assert conclusion.error.code == gravest


@settings(max_examples=150, deadline=None)
@given(
    states=st.lists(st.sampled_from(["queued", "running", *sorted(TERMINAL)]), min_size=1, max_size=5),
    partial=st.sampled_from(["accept", "reject"]),
    seed=st.randoms(use_true_random=False),
)
def test_the_order_of_the_parts_never_matters(states: list[JobState], partial: str, seed: Any) -> None:
    """A job ends the same in whatever order its parts ended, and its end is a terminal state."""
    parts = [piece(state, delivered=int(state == "succeeded")) for state in states]
    first = ending(*parts, partial=partial)
    seed.shuffle(parts)
    assert ending(*parts, partial=partial) == first
    assert first is None or first[0] in TERMINAL


def test_the_worst_review_counts() -> None:
    """Blocked before not reviewed before passed; nothing reviewed is no review, never a good one."""
    for order in permutations(VERDICTS):
        found = worst_review(Review(verdict=each) for each in order)
        assert found is not None
        assert found.verdict == "blocked"
    mixed = worst_review([Review(verdict="passed"), None, Review(verdict="not_reviewed")])
    assert mixed is not None
    assert mixed.verdict == "not_reviewed"
    assert worst_review([None, None]) is None


def test_what_only_the_engine_knows_refines_an_error() -> None:
    """A backend's cancel is ours if we asked; an id it does not know is a lost job if it was ours; else nothing."""
    cancelled = failure("backend.failed", backend="studio")
    cancelled.refinements = ("we_asked_to_cancel",)
    assert refine(cancelled, cancel_asked=True).code == "job.cancelled"
    assert refine(cancelled, cancel_asked=False) is cancelled
    lost = failure("resource.not_found", backend="studio")
    lost.refinements = ("ours_by_id",)
    refined = refine(lost, cancel_asked=False)
    assert (refined.code, refined.outcome) == ("backend.job_lost", CATALOG["backend.job_lost"].outcome)
    assert refined.problem().backend == "studio"
    plain = failure("resource.not_found")
    assert refine(plain, cancel_asked=True) is plain
