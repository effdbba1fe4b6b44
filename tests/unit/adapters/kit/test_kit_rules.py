"""Error tables: the first row whose every condition holds decides, and nothing of the native text gets out."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.kit.rules import SENTENCES, Rule, Signal, Table, parse, to_error
from contracts.catalog import CATALOG, CatalogError, Native
from contracts.codes import ErrorCode
from contracts.port import Verdict

SECRET = "prompt: a very secret shiba"
FULL = Signal(
    route="POST /api/generate",
    status=502,
    code="SAFETY_REFUSAL",
    upstream="moderation_blocked",
    error_class="Error",
    param="size",
    text="Model not found: flux",
    state="failed",
    shape="json",
    categories=("gore",),
)


@pytest.mark.parametrize(
    ("fits", "misses"),
    [
        ({"status": (502, 503)}, {"status": (500,)}),
        ({"code": ("SAFETY_REFUSAL",)}, {"code": ("safety_refusal",)}),
        ({"upstream": ("moderation_blocked",)}, {"upstream": ("other",)}),
        ({"error_class": ("Error",)}, {"error_class": ("TypeError",)}),
        ({"state": ("failed",)}, {"state": ("done",)}),
        ({"shape": ("json", "html")}, {"shape": ("html",)}),
        ({"param": True}, {"param": False}),
        ({"route": "POST /api/"}, {"route": "GET /api/"}),
        ({"route": r".*/generate$"}, {"route": r"/generate"}),
        ({"text": "^model NOT found: (.+)$"}, {"text": "^not found"}),
    ],
)
def test_each_condition_counts_and_so_do_all_together(fits: dict[str, Any], misses: dict[str, Any]) -> None:
    """A row fits when everything that it names holds; one thing that does not is enough to pass it over."""
    assert Rule(to="backend.failed", **fits).fits(FULL)
    assert not Rule(to="backend.failed", **misses).fits(FULL)
    if fits.keys() != {"status"}:
        assert Rule(to="backend.failed", status=(502,), **fits).fits(FULL)
        assert not Rule(to="backend.failed", status=(404,), **fits).fits(FULL)


def test_a_row_that_names_nothing_fits_everything() -> None:
    """The last row of a table may catch what is left."""
    assert Rule(to="backend.failed").fits(FULL)
    assert Rule(to="backend.failed").fits(Signal())


def test_texts_are_matched_from_their_first_word_over_lines() -> None:
    """White space around a text does not hide it, and a pattern goes over its lines."""
    rule = Rule(to="backend.failed", text="^cli failed: .*code 1$")
    assert rule.fits(Signal(text="  CLI failed: x\n  y code 1\n"))
    assert not rule.fits(Signal(text="the CLI failed: code 1"))
    assert not Rule(to="backend.failed", text="cli failed").fits(Signal(text="the CLI failed"))


def test_the_first_row_that_fits_wins() -> None:
    """Order is the table's meaning; the row's own outcome goes before the catalogue's."""
    table = Table(
        Rule(to="policy.refused", code=("SAFETY_REFUSAL",), stage="unknown"),
        Rule(to="backend.timeout", status=(502,), outcome="finished_no_result", phase="image"),
    )
    first = table.classify(FULL)
    assert (first.code, first.outcome, first.stage, first.categories) == (
        "policy.refused", "not_started", "unknown", ("gore",),
    )  # fmt: skip
    second = table.classify(Signal(status=502))
    assert (second.code, second.outcome, second.phase) == ("backend.timeout", "finished_no_result", "image")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "backend.rejected_request"),
        (499, "backend.rejected_request"),
        (500, "backend.failed"),
        (None, "backend.failed"),
    ],
)
def test_what_no_row_knows_is_mapped_by_its_status_and_marked(status: int | None, code: str) -> None:
    """It is never a crash and never passed over: the adapter counts it."""
    verdict = Table().classify(Signal(status=status, code="NEVER_SEEN"))
    assert (verdict.code, verdict.unmapped) == (code, True)
    assert verdict.native == Native(http_status=status, code="NEVER_SEEN")


@pytest.mark.parametrize(
    ("signal", "code"),
    [
        (FULL, "SAFETY_REFUSAL"),
        (Signal(upstream="u", state="s"), "u"),
        (Signal(state="s"), "s"),
        (Signal(text=SECRET), None),
        (Signal(code=SECRET, upstream="u"), "u"),
        (Signal(code="", state=SECRET), None),
        (Signal(code="x" * 65), None),
    ],
)
def test_the_native_code_is_the_nearest_word_there_is(signal: Signal, code: str | None) -> None:
    """Its own code, else the upstream's, else the state; never a text, wherever the backend put it."""
    native = Table().classify(signal).native
    assert native is not None
    assert native.code == code


def test_rows_are_shown_as_data_without_what_they_do_not_name() -> None:
    """The committed catalogue lists conditions and answers, and leaves examples and empty ones out."""
    table = Table(Rule(to="backend.failed", param=False, text="^x", example="x secret", refinements=("ours_by_id",)))
    assert table.rows() == [{"to": "backend.failed", "param": False, "text": "^x", "refinements": ("ours_by_id",)}]


@pytest.mark.parametrize(
    ("body", "media_type", "found"),
    [
        (b'{"error": 1}', None, ("json", {"error": 1})),
        (b" [1]\n", "text/plain", ("json", [1])),
        (b"null", "application/json", ("json", None)),
        (b"", "application/json", ("empty", None)),
        (b" \r\n ", None, ("empty", None)),
        (b"<pre>no</pre>", "application/json", ("html", None)),
        (b"not html", "text/html; charset=utf-8", ("html", None)),
        (b'{"error": 1', "application/json", ("text", None)),
        (b"Bad Gateway", None, ("text", None)),
        (b'"\xff"', None, ("text", None)),
        (b"[" * 100_000, None, ("text", None)),
    ],
)
def test_a_body_is_what_its_bytes_are(body: bytes, media_type: str | None, found: tuple[str, object]) -> None:
    """JSON is JSON whatever its header says; HTML, text and nothing are told apart."""
    assert parse(body, media_type) == found


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=60), media_type=st.none() | st.text(max_size=12))
def test_no_body_breaks_the_reading(body: bytes, media_type: str | None) -> None:
    """Whatever a backend sends, it has a shape."""
    assert parse(body, media_type)[0] in ("json", "html", "text", "empty")


def test_every_code_that_a_backend_can_cause_has_a_sentence_of_ours() -> None:
    """What a caller reads is written here; codes of the gateway's own doors need none."""
    own = {code for code in CATALOG if code.startswith(("auth.", "quota.", "idempotency.", "routing.", "gateway."))}
    assert set(SENTENCES) == set(CATALOG) - own - {"request.malformed"}
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())


@pytest.mark.parametrize("code", list(CATALOG))
def test_an_error_says_nothing_in_the_backends_words(code: ErrorCode) -> None:
    """Of the native text only the keyed fingerprint survives, in every code."""
    signal = Signal(status=400, code="X", text=SECRET, param=SECRET)
    verdict = Table(Rule(to=code)).classify(signal)
    error = to_error(verdict, backend="studio", fingerprint="0123456789abcdef", retry_after_s=7)
    assert isinstance(error, CatalogError)
    problem = error.problem()
    assert "secret" not in repr(problem)
    assert (problem.code, problem.backend, problem.retry_after_s) == (code, "studio", 7)
    assert problem.native == Native(http_status=400, code="X", message_fingerprint="0123456789abcdef")


def test_a_verdict_about_a_field_points_to_it() -> None:
    """Pointer and reason become one fault; a reason that the contract does not know is `unsupported`."""
    verdict = Verdict(code="request.field_invalid", outcome="not_started", pointer="/moderation", reason="enum")
    (fault,) = to_error(verdict, backend="ima2").errors
    assert (fault.pointer, fault.reason, fault.detail) == (
        "/moderation",
        "enum",
        "The backend refuses the value of a field.",
    )
    odd = Verdict(code="request.field_invalid", outcome="not_started", pointer="/x", reason="quota")
    assert to_error(odd, backend="ima2").errors[0].reason == "unsupported"


def test_what_a_verdict_knows_more_is_in_the_problem() -> None:
    """Stage, categories, reason, phase, outcome and refinements all go along."""
    verdict = Verdict(
        code="policy.refused",
        outcome="unknown",
        phase="review",
        reason="disabled",
        stage="input",
        categories=("gore",),
        refinements=("we_asked_to_cancel",),
    )
    error = to_error(verdict, backend="imgen")
    problem = error.problem()
    assert (problem.stage, problem.categories, problem.reason) == ("input", ("gore",), "disabled")
    assert (problem.phase, problem.outcome, problem.native) == ("review", "unknown", None)
    assert error.refinements == ("we_asked_to_cancel",)
