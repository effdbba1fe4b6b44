"""One byte range is honoured as RFC 9110 says, ignored where it says so, or refused with what there is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Request

from contracts.catalog import CatalogError
from gateway.v1.answer import AnyRequest
from gateway.v1.ranges import Range, requested_range

LENGTH = 1000
ETAG = '"abc"'


def asking(**headers: str) -> AnyRequest:
    """Return a request with these headers."""
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": raw, "query_string": b"", "state": {}})  # type: ignore[typeddict-item]


def given_range(text: str, length: int = LENGTH, **headers: str) -> Range | None:
    """Return the range that is served."""
    return requested_range(asking(range=text, **headers), length, ETAG)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("bytes=0-499", 0, 500),
        ("bytes=500-999", 500, 1000),
        ("bytes=0-0", 0, 1),
        ("bytes=999-", 999, 1000),
        ("bytes=0-", 0, 1000),
        ("bytes=500-99999", 500, 1000),
        ("bytes=-1", 999, 1000),
        ("bytes=-5000", 0, 1000),
        ("bytes= 0 - 9 ", 0, 10),
    ],
)
def test_a_range_is_served(text: str, start: int, end: int) -> None:
    """Both ends are inclusive on the wire; an end behind the file is the file's."""
    assert given_range(text) == Range(start, end)


@pytest.mark.parametrize(
    "text",
    ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,3-4", "items=0-1", "bytes=1.5-2",
     "bytes=--1", "bytes=0x1-2", "bytes=" + "9" * 30 + "-"],
)  # fmt: skip
def test_what_is_no_single_range_is_ignored(text: str) -> None:
    """Other units, several ranges and nonsense give the whole file, as the RFC says."""
    assert given_range(text) is None


def test_without_a_range_it_is_the_whole_file() -> None:
    """Nothing asked, nothing cut."""
    assert requested_range(asking(), LENGTH, ETAG) is None


@pytest.mark.parametrize("text", ["bytes=1000-", "bytes=1000-1001", "bytes=99999-", "bytes=-0"])
def test_a_range_outside_the_file_is_refused_with_its_length(text: str) -> None:
    """416, and the length for `Content-Range`."""
    with pytest.raises(CatalogError) as caught:
        given_range(text)
    assert (caught.value.status, caught.value.facts["limit"]) == (416, LENGTH)


def test_a_condition_must_name_this_very_file() -> None:
    """`If-Range` with another tag, a weak one or a date gives the whole file, though the range could not be met."""
    assert given_range("bytes=0-9", if_range=ETAG) == Range(0, 10)
    for other in ('"abd"', f"W/{ETAG}", "Sat, 21 Nov 2026 03:47:56 GMT"):
        assert given_range("bytes=0-9", if_range=other) is None
        assert given_range("bytes=5000-", if_range=other) is None


@settings(max_examples=200, deadline=None)
@given(first=st.none() | st.integers(0, 30), last=st.none() | st.integers(0, 30), length=st.integers(1, 20))
def test_a_range_gives_the_bytes_that_it_names(first: int | None, last: int | None, length: int) -> None:
    """Against Python's own slices: the same bytes, never none, never more than there are."""
    data = bytes(range(length))
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    wanted: bytes | None
    if first is None:
        wanted = None if last is None else data[max(length - last, 0) :]
    elif last is not None and last < first:
        wanted = None
    else:
        wanted = data[first:] if last is None else data[first : last + 1]
    if wanted == b"":
        with pytest.raises(CatalogError):
            given_range(text, length)
        return
    found = given_range(text, length)
    assert wanted == (None if found is None else data[found.start : found.end])


@settings(max_examples=150, deadline=None)
@given(text=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=20))
def test_no_header_breaks_it(text: str) -> None:
    """Any bytes in the header are a range, or are ignored, or are refused as one outside the file."""
    for header in (text, f"bytes={text}"):
        try:
            found = given_range(header)
        except CatalogError as error:
            status = error.status
        else:
            status = 206
            assert found is None or 0 <= found.start < found.end <= LENGTH
        assert status in (206, 416)
