"""No input makes a 500: whatever is sent is answered below 500, and every refusal is a whole problem document."""

import functools
import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.catalog import CATALOG, Problem
from contracts.spec import JobSpec
from tests.e2e.asked import made, spec
from tests.harness import GatewayProcess

#: Always the same inputs, and nothing left behind.
FIXED: dict[str, Any] = {"derandomize": True, "database": None, "deadline": None}
UNAVAILABLE = frozenset({"routing.no_candidate", "gateway.overloaded"})


@pytest.fixture(scope="module")
def line(gateway: GatewayProcess) -> Iterator[HTTPConnection]:
    """A connection that is kept from one request to the next."""
    opened = HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def ids(gateway: GatewayProcess) -> tuple[str, str]:
    """A job and an asset that exist, so that what is asked of them goes all the way."""
    assert gateway.http is not None
    job = made(gateway.http, spec())
    return job["id"], job["outputs"][0]["asset_id"]


def ask(
    line: HTTPConnection, method: str, path: str, headers: dict[str, bytes], body: bytes | None = None
) -> tuple[int, bytes]:
    """Send one request exactly so, and check its answer; hang up on a stream."""
    line.putrequest(method, path, skip_accept_encoding=True)
    for name, value in headers.items():
        line.putheader(name, value)
    if body is not None:
        line.putheader("Content-Length", str(len(body)))
    line.endheaders(body)
    response = line.getresponse()
    if response.headers.get_content_type() == "text/event-stream":
        line.close()
        return response.status, b""
    content = response.read()
    check(method, response.status, response.headers["content-type"], content)
    return response.status, content


def check(method: str, status: int, media_type: str | None, content: bytes) -> None:
    """Check that an answer is none of a broken gateway, and a refusal a whole problem."""
    if status >= 400:
        assert media_type == "application/problem+json", (status, content[:300])
        if method != "HEAD":
            found = msgspec.json.decode(content, type=Problem)
            row = CATALOG[found.code]
            assert found.status == status
            assert status in (row.status, *row.other_statuses)
            assert status < 500 or (status == 503 and found.code in UNAVAILABLE), found
            assert found.detail
        assert status < 500 or status == 503


# What a header may carry on the wire: visible ASCII, blanks, and the bytes above it.
wild = st.binary(max_size=40).map(lambda raw: bytes(byte for byte in raw if byte >= 0x20 and byte != 0x7F))
number = st.one_of(
    st.integers(-(10**20), 10**20).map(str), st.just("9" * 5000), st.sampled_from(["nan", "inf", "1e400", "-0", ""])
)


def known(*templates: str) -> st.SearchStrategy[bytes]:
    """Return headers that nearly are what is meant, with a number in them, beside wild ones."""
    near = st.builds(lambda form, n: form.replace("N", n).encode(), st.sampled_from(templates), number)
    return st.one_of(near, wild)


HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "Prefer": known("respond-async", "wait=N; x", 'wait="N"', "handling=lenient, respond-async", ",,;=,"),
        "Idempotency-Key": known("key-N", " ", "a b"),
        "Accept": known("*/*", "text/html", "application/json;q=N", "text/event-stream;q=0", ",", "application/xml"),
        "traceparent": known("00-N-N-01", f"00-{'0' * 32}-{'0' * 16}-00"),
        "Last-Event-ID": known("N", " N ", "²"),
        "Range": known("bytes=N-", "bytes=-N", "bytes=N-N", "bytes=0-0,5-N", "items=N-"),
        "If-Range": known('"N"'),
        "If-None-Match": known("*", 'W/"N"', '"N", "x"'),
        "X-Request-Id": known("N"),
        "Content-Type": known("application/json", "application/json; charset=utf-7", "multipart/form-data; boundary=N"),
    },
)
WHO = st.fixed_dictionaries(
    {},
    optional={
        "Authorization": known("Bearer N", "Basic N", "Bearer"),
        "Origin": known("http://localhost:N", "http://[::N]"),
    },
)
word = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
QUERY = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from(["state", "backend", "tag", "created_after", "limit", "page_token", "inline", "dry_run"]),
            st.sampled_from(["thumbnail", "exp", "sig", "source", "operation", "created_before"]),
            word,
        ),
        st.one_of(
            number, word, st.sampled_from(["null", "true", "2020-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "W10"])
        ),
    ).map(lambda pair: f"{quote(pair[0])}={quote(pair[1])}"),
    max_size=4,
).map("&".join)
ROUTES = (
    "/v1/jobs", "/v1/jobs/JOB", "/v1/jobs/JOB/cancel", "/v1/jobs/JOB/events", "/v1/events", "/v1/assets",
    "/v1/assets/ASSET", "/v1/assets/ASSET/content", "/v1/assets/ASSET/restore", "/v1/models", "/v1/backends",
    "/v1/capabilities", "/v1/errors", "/v1/errors/job.cancelled", "/livez", "/readyz", "/metrics", "/openapi.json",
)  # fmt: skip
METHODS = st.sampled_from(["GET", "GET", "GET", "POST", "HEAD", "PUT", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])


@settings(max_examples=800, **FIXED)
@given(method=METHODS, route=st.sampled_from(ROUTES), query=QUERY, headers=st.one_of(HEADERS, HEADERS, WHO))
def test_no_header_and_no_query_makes_a_500(
    line: HTTPConnection, ids: tuple[str, str], method: str, route: str, query: str, headers: dict[str, bytes]
) -> None:
    """Every route bears every header and every parameter, near what it knows or far from it."""
    path = route.replace("JOB", ids[0]).replace("ASSET", ids[1])
    body = b"" if method in ("POST", "PUT", "PATCH") else None
    ask(line, method, f"{path}?{query}" if query else path, headers, body)


PIECES = ("/", "//", "..", ".", "%00", "%2e%2e", "%2f", "%ff%fe", "%", "%zz", ";", "v1", "jobs", "assets", "models")
RAW_PATHS = st.lists(
    st.one_of(st.sampled_from(PIECES), st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=6)),
    max_size=8,
).map(lambda pieces: "/" + "".join(pieces).replace("#", ""))


@settings(max_examples=400, **FIXED)
@given(method=METHODS, path=RAW_PATHS)
def test_no_path_makes_a_500(line: HTTPConnection, method: str, path: str) -> None:
    """Dots, escapes, NULs and nonsense in an address are an address where nothing is."""
    ask(line, method, path, {})


# Bodies: what the types allow, by their own schema; then anything in any place of it.
_SCHEMA = msgspec.json.schema(JobSpec)
LARGE = st.one_of(st.integers(), st.integers(2**53, 2**70), st.floats(), st.just(10**400), st.just(-(10**19)))
TEXTS = st.one_of(
    st.sampled_from(["", " ", "\0", "a\0b", "ima2", "studio", "auto", "studio/z-image-turbo", "\u202e", "<lora:x:1>"]),
    st.sampled_from(
        ["--raw x", "\ud800", "@me", "</negative_prompt>", "🦊" * 50, "x" * 3000, "http://127.0.0.1/", "W10="]
    ),
    st.text(st.characters(), max_size=20),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), LARGE, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


def _ranged(schema: dict[str, Any], kind: Callable[..., st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    low, high = schema.get("minimum", -5), schema.get("maximum", 5000)
    return st.one_of(st.sampled_from([low, high]), kind(low, high))


def _object(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "properties" not in schema:
        return st.dictionaries(TEXTS, legal(schema.get("additionalProperties") or {}), max_size=2)
    fields = {name: legal(each) for name, each in schema["properties"].items()}
    must = {name: fields.pop(name) for name in schema.get("required", [])}
    some = st.lists(st.sampled_from(sorted(fields)), max_size=3, unique=True) if fields else st.just([])
    return some.flatmap(lambda names: st.fixed_dictionaries(must | {name: fields[name] for name in names}))


@functools.cache
def _named(name: str) -> st.SearchStrategy[Any]:
    return legal(_SCHEMA["$defs"][name])


_KINDS: dict[str, Callable[[dict[str, Any]], st.SearchStrategy[Any]]] = {
    "object": _object,
    "array": lambda schema: st.lists(legal(schema.get("items") or {}), max_size=3),
    "string": lambda _: st.one_of(TEXTS, st.just("a red fox")),
    "integer": lambda schema: _ranged(schema, st.integers),
    "number": lambda schema: _ranged(schema, st.floats),
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
}


def legal(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values that a schema of ours allows, or nearly so: patterns are met only now and then."""
    if "$ref" in schema:
        return st.deferred(lambda: _named(schema["$ref"].rpartition("/")[2]))
    if "anyOf" in schema:
        return st.one_of(*map(legal, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return _KINDS[schema["type"]](schema) if "type" in schema else JSON


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """Return a body in which something is replaced, added or taken away, at any depth."""
    body = draw(st.sampled_from(_SCHEMA["anyOf"]).flatmap(legal))
    for _ in range(draw(st.integers(1, 3))):
        place = body
        while isinstance(place, dict) and place and draw(st.booleans()):
            inner = place[draw(st.sampled_from(sorted(place)))]
            place = inner if isinstance(inner, dict) else place
        name = draw(st.one_of(st.sampled_from(sorted(place) or [""]), TEXTS)) if isinstance(place, dict) else ""
        if draw(st.integers(0, 4)) == 0:
            place.pop(name, None)
        else:
            place[name] = draw(JSON)
    return body


def encoded(value: Any) -> bytes:
    """Return JSON as Python writes it: lone surrogates escaped, and NaN and Infinity, which are none."""
    return json.dumps(value).encode()


NESTED = st.integers(1, 60_000).flatmap(lambda n: st.sampled_from([b"[" * n, b'{"a":' * n, b"[" * n + b"]" * n]))
TORN = st.builds(lambda body, cut: encoded(body)[:cut] + b"\xff\xed\xa0\x80", JSON, st.integers(0, 40))
LEGAL = st.sampled_from([_SCHEMA["anyOf"][0], *_SCHEMA["anyOf"]]).flatmap(legal).map(encoded)
MUTATED = mutated().map(encoded)
BODIES = st.one_of(LEGAL, LEGAL, MUTATED, MUTATED, JSON.map(encoded), st.one_of(NESTED, TORN))


@settings(max_examples=1000, **FIXED)
@given(body=BODIES, dry=st.integers(0, 9))
def test_no_body_makes_a_500(line: HTTPConnection, body: bytes, dry: int) -> None:
    """Bodies that are legal, nearly so, deep, huge, torn or of another kind make a job, an explanation or a problem."""
    path = "/v1/jobs?dry_run=true" if dry else "/v1/jobs"
    status, _ = ask(line, "POST", path, {"Content-Type": b"application/json"}, body)
    assert status in (200, 202, 400, 413, 422, 503)


HEADS = st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBP", b"\0\0\0\x18ftypmp42"])
FORM = b"--x\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n"
UPLOADS = st.builds(bytes.__add__, st.one_of(HEADS, st.just(FORM)), st.binary(max_size=200))
KINDS = st.sampled_from(
    [
        b"image/png",
        b"image/webp",
        b"video/mp4",
        b"multipart/form-data; boundary=x",
        b"multipart/form-data",
        b"text/plain",
    ]
)


@settings(max_examples=100, **FIXED)
@given(body=UPLOADS, kind=KINDS)
def test_no_upload_makes_a_500(line: HTTPConnection, body: bytes, kind: bytes) -> None:
    """Junk with the head of a picture, broken forms and other media are refused as such."""
    status, _ = ask(line, "POST", "/v1/assets", {"Content-Type": kind}, body)
    assert status in (400, 413, 415)
