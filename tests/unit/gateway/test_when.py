"""Times at the door are RFC 3339 with an offset; inside they are UTC seconds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.catalog import CatalogError
from contracts.job import moment
from gateway.v1.when import to_seconds

OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("1970-01-01T00:00:00Z", 0.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T01:00:00 01:00", 0.0),
        ("1969-12-31T23:59:59.5Z", -0.5),
        ("2023-11-14T22:13:20.250Z", 1_700_000_000.25),
        ("2024-02-29T12:00:00-05:00", 1_709_226_000.0),
    ],
)
def test_a_time_becomes_seconds(text: str | None, seconds: float | None) -> None:
    """With `Z`, with an offset, and with a `+` that a query turned into a space."""
    assert to_seconds(text, "/query/created_after") == seconds


@pytest.mark.parametrize(
    "text",
    ["", "now", "0", "1700000000", "2023-11-14", "2023-11-14T22:13:20", "2023-13-01T00:00:00Z", "2023-02-30T00:00:00Z",
     "14.11.2023 22:13", "2023-11-14T25:00:00Z", "2023-11-14T22:13:20+99:00", "é"],
)  # fmt: skip
def test_what_is_no_time_with_an_offset_is_refused_at_its_place(text: str) -> None:
    """A time without an offset could mean any of two dozen: it is refused, pointing to the parameter."""
    with pytest.raises(CatalogError) as caught:
        to_seconds(text, "/query/created_after")
    (fault,) = caught.value.errors
    assert (caught.value.code, fault.pointer, fault.reason) == (
        "request.field_invalid",
        "/query/created_after",
        "format",
    )


@settings(max_examples=200, deadline=None)
@given(at=st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30), timezones=OFFSETS))  # noqa: DTZ001
def test_any_time_comes_back_as_it_went(at: datetime) -> None:
    """Of any year and any offset, to the millisecond, also with its `+` lost in a query."""
    for text in (at.isoformat(), at.isoformat().replace("+", " ")):
        seconds = to_seconds(text, "/x")
        assert seconds == pytest.approx((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds(), abs=1e-3)


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=30))
def test_no_text_breaks_it(text: str) -> None:
    """Whatever stands in a query is a time or a refusal."""
    try:
        seconds = to_seconds(text, "/x")
    except CatalogError as error:
        seconds = float(error.status)
    assert isinstance(seconds, float)


@pytest.mark.parametrize("seconds", [0.0, 1_700_000_000.25, -1.5])
def test_what_is_shown_can_be_asked_for(seconds: float) -> None:
    """A moment as it is shown in an answer is a time that a query takes."""
    assert to_seconds(moment(seconds).isoformat(), "/x") == seconds
