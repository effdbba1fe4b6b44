"""A circuit opens on five failures in a row that say that nothing can be had; only what comes back shuts it."""

from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.codes import ErrorCode
from gateway.engine.breaker import OPENING, THRESHOLD, Breaker

CODES: tuple[ErrorCode, ...] = get_args(ErrorCode)


def test_five_failures_open_it() -> None:
    """The fifth in a row opens it and says so; further ones change nothing but the last code."""
    breaker = Breaker()
    assert [breaker.failed("backend.unavailable", at) for at in range(1, 5)] == [False] * 4
    assert not breaker.is_open
    assert breaker.failed("backend.quota_exhausted", 5.0)
    assert (breaker.is_open, breaker.opened_at, breaker.last_code) == (True, 5.0, "backend.quota_exhausted")
    assert not breaker.failed("backend.unavailable", 6.0)
    assert (breaker.opened_at, breaker.last_code) == (5.0, "backend.unavailable")


@pytest.mark.parametrize("code", [code for code in CODES if code not in OPENING])
def test_other_failures_never_open_it(code: ErrorCode) -> None:
    """Policy, time, odd answers and callers' mistakes say nothing of whether the account is of use."""
    breaker = Breaker()
    for at in range(20):
        assert not breaker.failed(code, float(at))
    assert not breaker.is_open
    assert breaker.last_code is None


def test_something_that_came_back_shuts_it_and_begins_anew() -> None:
    """A success says whether the circuit was open, and four failures after it do not open it."""
    breaker = Breaker()
    assert not breaker.succeeded()
    for at in range(THRESHOLD):
        breaker.failed("backend.unavailable", float(at))
    assert breaker.succeeded()
    assert (breaker.is_open, breaker.failures, breaker.last_code) == (False, 0, None)
    for at in range(THRESHOLD - 1):
        assert not breaker.failed("backend.unavailable", float(at))


def test_it_can_be_opened_at_once() -> None:
    """A probe that says that the account cannot work opens it without five failures; its time stays the first."""
    breaker = Breaker()
    assert breaker.open_now("backend.credentials_rejected", 3.0)
    assert not breaker.open_now("backend.quota_exhausted", 4.0)
    assert (breaker.is_open, breaker.opened_at, breaker.last_code) == (True, 3.0, "backend.quota_exhausted")
    assert breaker.succeeded()


@settings(max_examples=150, deadline=None)
@given(
    history=st.lists(
        st.sampled_from(["success", "backend.unavailable", "backend.timeout", "policy.refused"]), max_size=30
    )
)
def test_it_is_open_exactly_after_five_in_a_row(history: list[Any]) -> None:
    """Whatever happened, it is open when, and only when, five such failures came since the last success."""
    breaker = Breaker()
    since: list[str] = []
    for at, each in enumerate(history):
        if each == "success":
            assert breaker.succeeded() == (len(since) >= THRESHOLD)
            since.clear()
        else:
            since += [each] if each in OPENING else []
            assert breaker.failed(each, at) == (each in OPENING and len(since) == THRESHOLD)
        assert breaker.is_open == (len(since) >= THRESHOLD)
