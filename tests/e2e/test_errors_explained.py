"""`triptych errors explain`: what a person is told of a native answer is what the gateway itself would make of it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click import unstyle
from click.testing import CliRunner, Result

from contracts.codes import CATALOG
from gateway.cli.errors import errors
from gateway.v1.words import LEFT, REFINED, WHO
from tests.e2e.typed import Terminal, environment, typed

ROOT = Path(__file__).parents[2]
RECORDINGS = ROOT / "adapters"
#: Each code and outcome that was agreed for a recorded answer, read by people once.
GOLDEN = ROOT / "tests" / "unit" / "adapters" / "golden"


class Recorded(NamedTuple):
    """One recorded answer with the code and outcome that were agreed for it."""

    name: str
    route: str
    status: int
    body: bytes
    media_type: str | None
    code: str
    outcome: str


def recorded(dialect: str) -> Iterator[Recorded]:
    """Yield every recorded error of a dialect whose body is JSON or text."""
    golden = json.loads((GOLDEN / f"{dialect}_codes.json").read_text())
    for name, agreed in golden.items():
        stem, _, at = name.partition("#")
        recording = json.loads((RECORDINGS / dialect / "recordings" / f"{stem}.json").read_text())
        if dialect == "sdcpp" and at.isdecimal():
            recording = recording["exchanges"][int(at)]
        elif at:
            # Frames of streams and jobs within answers are walked by the tables' own tests.
            continue
        request, response = recording["request"], recording["response"]
        body = _body(response)
        if body is not None:
            route = f"{request['method']} {request['path'].partition('?')[0]}"
            code, outcome = agreed.split()
            yield Recorded(
                name, route, response["status"], body, response["headers"].get("content-type"), code, outcome
            )


def _body(response: dict[str, Any]) -> bytes | None:
    for key in ("json", "body"):
        if response.get(key) is not None:
            return json.dumps(response[key]).encode()
    text = response.get("text", response.get("body_text"))
    return text.encode() if isinstance(text, str) else None


def explain(dialect: str, status: int, body: bytes, *more: str) -> Result:
    """Ask within this process; the program itself is typed below."""
    return CliRunner().invoke(errors, ["explain", "--dialect", dialect, "--status", str(status), *more], input=body)


@pytest.mark.parametrize(("dialect", "least"), [("ima2", 40), ("sdcpp", 60)])
def test_every_recorded_error_is_explained_as_it_was_agreed(dialect: str, least: int) -> None:
    """Code and outcome are the agreed ones; status, retry, blame and title are the row's."""
    explained = 0
    for each in recorded(dialect):
        label = ("--media-type", each.media_type) if each.media_type else ()
        build = ("--profile", "tag" if each.name.startswith("tag_") else "head") if dialect == "ima2" else ()
        done = explain(dialect, each.status, each.body, "--route", each.route, *label, *build)
        assert done.exit_code == 0, each.name
        found = json.loads(done.stdout)
        assert (found["code"], found["outcome"], found["mapped"]) == (each.code, each.outcome, True), each.name
        row = next(row for row in CATALOG.values() if row.code == each.code)
        shown = (found["status"], tuple(found["retry"]), found["blame"], found["title"])
        assert shown == (row.status, row.retry, row.blame, row.title)
        assert found["native"]["http_status"] is not None
        explained += 1
    assert explained >= least


#: The seed's own table of errors and states: action, status, body, code, outcome.
SEED: list[tuple[str, int, dict[str, Any], str, str]] = [
    ("generate", 400, {"error": "Missing action"}, "backend.rejected_request", "not_started"),
    ("generate", 400, {"error": "Prompt is required"}, "request.field_invalid", "not_started"),
    ("generate", 400, {"error": "Invalid character"}, "request.field_invalid", "not_started"),
    ("status", 400, {"error": "Bad ID"}, "backend.rejected_request", "not_started"),
    ("models", 401, {"error": "Unauthorized"}, "backend.credentials_rejected", "not_started"),
    ("models", 401, {"error": "Invalid API key"}, "backend.credentials_rejected", "not_started"),
    ("models", 401, {"error": "API key is disabled"}, "backend.credentials_rejected", "not_started"),
    ("generate", 404, {"error": "No cached result found"}, "resource.cache_miss", "not_started"),
    ("status", 404, {"error": "Cached result not found or expired"}, "resource.expired", "not_applicable"),
    ("generate", 502, {"error": "Generation failed"}, "backend.failed", "unknown"),
    ("status", 502, {"error": "Generation failed"}, "backend.failed", "finished_no_result"),
    ("optimize", 502, {"error": "Enhancement failed"}, "backend.failed", "finished_no_result"),
    ("status", 200, {"status": "FAILED", "error": "Generation failed"}, "backend.failed", "finished_no_result"),
    ("status", 200, {"status": "TIMED_OUT"}, "backend.timeout", "finished_no_result"),
    ("status", 200, {"status": "CANCELLED"}, "backend.failed", "finished_no_result"),
    ("status", 200, {"status": "PAUSED"}, "backend.bad_response", "unknown"),
    ("status", 200, {"status": "COMPLETED", "meta": {}}, "backend.bad_response", "unknown"),
    (
        "status",
        200,
        {"status": "COMPLETED", "compliance": "unsafe", "error": "Content blocked", "filter_categories": ["hate"]},
        "policy.output_blocked",
        "finished_blocked",
    ),
]


@pytest.mark.parametrize(("action", "status", "body", "code", "outcome"), SEED)
def test_every_row_of_imgens_seed_is_explained(
    action: str, status: int, body: dict[str, Any], code: str, outcome: str
) -> None:
    """The action stands for the route, as imgen has but one; categories are named, words are not repeated."""
    found = json.loads(explain("imgen", status, json.dumps(body).encode(), "--route", action).stdout)
    assert (found["code"], found["outcome"]) == (code, outcome)
    assert found["categories"] == body.get("filter_categories", [])


@pytest.mark.parametrize(
    ("dialect", "status", "body", "code", "refinement"),
    [
        ("ima2", 404, {"error": "?", "code": "NODE_NOT_FOUND"}, "resource.not_found", "ours_by_id"),
        ("ima2", 409, {"error": "?", "code": "REQUEST_ID_IN_USE"}, "resource.state_conflict", "ours_by_id"),
        ("ima2", 499, {"error": "?", "code": "GENERATION_CANCELED"}, "backend.failed", "we_asked_to_cancel"),
        ("ima2", 400, {"error": "?", "code": "REF_TOO_MANY"}, "request.reference_too_many", "passed_our_validation"),
        ("sdcpp", 404, {"error": "Generation not found"}, "resource.not_found", "ours_by_id"),
        ("sdcpp", 400, {"error": "Missing required field: prompt"}, "request.field_invalid", "passed_our_validation"),
        ("imgen", 200, {"status": "CANCELLED"}, "backend.failed", "we_asked_to_cancel"),
    ],
)
def test_what_only_the_gateway_can_know_is_named(
    dialect: str, status: int, body: dict[str, Any], code: str, refinement: str
) -> None:
    """The table's plain answer is given, and beside it which fact would refine it."""
    found = json.loads(explain(dialect, status, json.dumps(body).encode()).stdout)
    assert (found["code"], found["refinements"]) == (code, [refinement])


@pytest.mark.parametrize("dialect", ["ima2", "sdcpp", "imgen"])
@pytest.mark.parametrize("status", [200, 404, 418, 500, 599])
@pytest.mark.parametrize(
    "body", [b"", b"\xff\x00\xfe", b"{", b"[" * 5000, b"null", b'{"error": {"code": "NEVER_SEEN"}}', b"<html>"]
)
def test_whatever_is_read_the_answer_is_honest(dialect: str, status: int, body: bytes) -> None:
    """Unknown input is a code with `mapped` saying whether a row knew it, or no error at all; never a crash."""
    done = explain(dialect, status, body)
    assert (done.exit_code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    if found["code"] is None:
        assert status < 400
        assert found == {"code": None, "detail": "this answer is no error"}
    else:
        assert found["code"] in CATALOG
        assert found["mapped"] in (True, False)
    if b"NEVER_SEEN" in body and dialect == "ima2" and status >= 400:
        expected = "backend.rejected_request" if status < 500 else "backend.failed"
        assert (found["code"], found["mapped"], found["native"]["code"]) == (expected, False, "NEVER_SEEN")


def test_the_program_reads_standard_input(tmp_path: Path) -> None:
    """As typed: JSON for programs on standard output, with at least what the contract promises."""
    words = ("errors", "explain", "--dialect", "ima2", "--status", "429", "--route", "POST /api/generate")
    body = b'{"error": "slow down", "code": "INVALID_REQUEST"}'
    said = typed(*words, env=environment(), cwd=tmp_path, given=body)
    found = json.loads(said.out)
    assert (said.code, said.err, said.plain) == (0, "", True)
    assert {"code", "status", "retry", "blame", "outcome"} <= found.keys()
    assert (found["code"], found["native"]) == ("backend.overloaded", {"http_status": 429, "code": "INVALID_REQUEST"})
    assert "slow down" not in said.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--dialect", "midjourney", "--status", "500"), "no dialect 'midjourney'; there are ima2, imgen, sdcpp"),
        (("--dialect", "ima2"), "Missing option '--status'"),
        (("--status", "500"), "Missing option '--dialect'"),
        (("--dialect", "ima2", "--status", "70000"), "is not in the range 100<=x<=599"),
        (("--dialect", "ima2", "--status", "teapot"), "'teapot' is not a valid integer"),
        (
            ("--dialect", "ima2", "--status", "500", "--route", "/api/edit"),
            "'/api/edit' is no route",
        ),
        (("--dialect", "ima2", "--status", "500", "--profile", "old"), "no build 'old'; there are head, tag, new"),
        (("--dialect", "ima2", "--status", "500", "nobody.json"), "'nobody.json': No such file"),
    ],
)
def test_a_question_that_is_none_is_exit_code_2(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    """What is missing or wrong is named."""
    said = typed("errors", "explain", *words, env=environment(), cwd=tmp_path)
    assert (said.code, said.out) == (2, "")
    assert told in said.err


FRAME = b'event: error\r\ndata: {"error": {"code":\r\ndata: "GROK_SEARCH_TIMEOUT"}}\r\n\r\n'


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (FRAME, None, "backend.timeout"),
        (FRAME, "200", "backend.timeout"),
        (b": ping\n\nevent: phase\ndata: {}\n\n" + FRAME, None, "backend.timeout"),
        (FRAME + b'event: done\ndata: {"image": "x"}\n\n', "200", "backend.timeout"),
        (b'data: {"error": "?", "code": "REF_TOO_MANY"}\n\n', "400", "request.reference_too_many"),
        (b'event: phase\ndata: {"phase": "image"}\n\n', "200", None),
    ],
)
def test_frames_of_a_stream_are_read_as_they_came(body: bytes, status: str | None, code: str | None) -> None:
    """The error among them is what is asked about; it needs no status, and a good one does not make it good."""
    words = ["explain", "--dialect", "ima2", *(("--status", status) if status else ())]
    done = CliRunner().invoke(errors, words, input=body)
    assert (done.exit_code, json.loads(done.stdout)["code"]) == (0, code)


def test_a_body_may_lie_in_a_file(tmp_path: Path) -> None:
    """What is read of it is the same as from a pipe."""
    body = b'{"error": "x", "code": "REF_TOO_MANY"}'
    (tmp_path / "body.json").write_bytes(body)
    words = ("errors", "explain", "--dialect", "ima2", "--status", "400")
    by_file = typed(*words, "body.json", env=environment(), cwd=tmp_path)
    assert (by_file.code, by_file.out) == (0, typed(*words, env=environment(), cwd=tmp_path, given=body).out)


def test_a_person_is_told_in_sentences(tmp_path: Path) -> None:
    """In a terminal: what it means, who acts, what may be tried, what is left behind, and what is not known."""
    (tmp_path / "body.json").write_text('{"error": "x", "code": "REF_TOO_MANY"}')
    words = ("errors", "explain", "--dialect", "ima2", "--status", "400")
    terminal = Terminal(*words, "body.json", env=environment(), cwd=tmp_path)
    assert terminal.end() == 0
    row = CATALOG["request.reference_too_many"]
    said = unstyle(terminal.shown)
    assert f"{row.code}: {row.title}. HTTP 400.\r\n{row.action}\r\n" in said
    for text in (WHO[row.blame], LEFT[row.outcome], "HTTP 400, REF_TOO_MANY, said by ima2", "pointer /inputs"):
        assert text in said
    assert REFINED["passed_our_validation"] in said
    (tmp_path / "body.json").write_text('{"error": "x", "code": "NEVER_SEEN"}')
    terminal = Terminal(*words, "body.json", env=environment(), cwd=tmp_path)
    assert terminal.end() == 0
    assert "No row of ima2's table knows this answer" in terminal.shown
    terminal = Terminal(*words, "--json", "body.json", env=environment(), cwd=tmp_path)
    assert terminal.end() == 0
    assert json.loads(terminal.shown)["mapped"] is False


def test_the_examples_of_the_help_say_what_they_promise(tmp_path: Path) -> None:
    """Every command in it is typed; the routes that matter to a dialect are those of its table."""
    page = typed("errors", "explain", "--help", env=environment(), cwd=tmp_path).out
    piped = re.findall(r"echo '(.*)' \| triptych (errors explain .*)", page)
    codes = [
        json.loads(typed(*words.split(), env=environment(), cwd=tmp_path, given=body.encode()).out)["code"]
        for body, words in piped
    ]
    assert codes == ["backend.overloaded", "request.model_unknown"]
    listed = typed("errors", "explain", "--dialect", "imgen", "--routes", env=environment(), cwd=tmp_path).out
    assert any("generate" in route for route in listed.splitlines())


def test_the_catalogue_is_listed_and_each_code_explained(tmp_path: Path) -> None:
    """One line a row; a code alone shows its row; --json is the committed document."""
    listed = typed("errors", env=environment(), cwd=tmp_path)
    rows = [line.split(None, 2) for line in listed.out.splitlines()]
    assert rows == [[str(row.status), row.code, row.title] for row in CATALOG.values()]
    for row in CATALOG.values():
        page = CliRunner().invoke(errors, [row.code]).stdout
        assert page.startswith(f"{row.code}: {row.title}. HTTP {row.status}.\n{row.action}\n")
        assert f"retry: {', '.join(row.retry)}; blame: {row.blame}; outcome: {row.outcome}\n" in page
    said = typed("errors", "--json", env=environment(), cwd=tmp_path)
    assert said.out == (ROOT / "contracts" / "errors.json").read_text()
