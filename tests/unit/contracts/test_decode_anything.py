"""Whatever is sent, decoding answers with a value or with faults that can be found in what was sent."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.catalog import CatalogError
from contracts.decode import decode
from contracts.spec import OPERATIONS, ImageGenerate, JobSpec
from tests.unit.contracts.requests import raw_specs

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**63, 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
NAMES = st.text(max_size=4) | st.sampled_from(["width", "role", "data", "format", "a/b", "~", "mode", "x", "y"])
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=12
)
FIELDS = st.sampled_from([*ImageGenerate.__struct_fields__, "operation", "quality", "surplus"])
#: Legal requests of which some members are replaced by anything.
SPOILT = st.tuples(raw_specs(), st.dictionaries(FIELDS, ANYTHING, max_size=4)).map(lambda each: {**each[0], **each[1]})
OBJECTS = st.dictionaries(FIELDS, ANYTHING, max_size=6).flatmap(
    lambda found: st.sampled_from([{**found, "operation": each} for each in OPERATIONS])
)
_JUDGE = msgspec.json.Decoder(JobSpec)


def exists(document: Any, pointer: str) -> bool:
    """Say whether a pointer leads to something in the document (RFC 6901)."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list) and name.isdecimal() and int(name) < len(document):
            document = document[int(name)]
        elif isinstance(document, dict) and name in document:
            document = document[name]
        else:
            return False
    return True


def check(body: bytes) -> None:
    """Decode a body, and hold the answer against the document and against msgspec itself."""
    try:
        legal: Any = _JUDGE.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        legal = None
    error: CatalogError | None = None
    value: Any = None
    try:
        value = decode(body, JobSpec)
    except CatalogError as raised:
        error = raised
    assert value == legal
    if error is None:
        return
    assert error.status == 400
    assert msgspec.json.encode(error.problem())
    if error.code == "request.malformed":
        assert not error.errors
        return
    assert error.code == "request.field_invalid"
    assert error.errors
    document = json.loads(body)
    for fault in error.errors:
        assert fault.detail
        there = fault.pointer.rpartition("/")[0] if fault.reason == "missing" else fault.pointer
        assert exists(document, there), fault


@settings(max_examples=150, deadline=None)
@given(document=ANYTHING | OBJECTS)
def test_any_json_is_taken_or_refused_with_faults_that_exist(document: Any) -> None:
    """Any JSON value: msgspec's own verdict, and pointers that lead to something or name what is missing."""
    check(json.dumps(document).encode())


@settings(max_examples=150, deadline=None)
@given(document=SPOILT)
def test_spoilt_requests_are_taken_or_refused_with_faults_that_exist(document: Any) -> None:
    """Nearly legal requests, where the two ways of judging could most easily disagree."""
    check(json.dumps(document).encode())


@settings(max_examples=150, deadline=None)
@given(body=st.binary(max_size=64) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_taken_or_refused(body: bytes) -> None:
    """Bytes that are mostly no JSON: never anything but a refusal of the catalogue."""
    check(body)


@settings(max_examples=60, deadline=None)
@given(document=raw_specs(), cut=st.integers(0, 400), bit=st.integers(0, 7), at=st.integers(0, 400))
def test_damaged_requests_are_taken_or_refused(document: Any, cut: int, bit: int, at: int) -> None:
    """A legal body cut short, or with one bit turned."""
    body = bytearray(json.dumps(document).encode())
    body[at % len(body)] ^= 1 << bit
    check(bytes(body))
    check(json.dumps(document).encode()[:cut])
