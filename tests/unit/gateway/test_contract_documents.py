"""The generated documents say what is: examples that are legal, codes and kinds that exist, enums that are closed."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft202012Validator
from litestar.handlers import HTTPRouteHandler
from structlog.testing import capture_logs

from contracts.capability import Capability
from contracts.catalog import CATALOG, CatalogError, ErrorCode
from contracts.compare import compare, needs_release
from contracts.event import EventType
from contracts.job import JobState
from contracts.prompts import REFUSALS
from gateway.dialects import dialects
from gateway.v1.answer import problem_answer
from gateway.v1.artefacts import artefacts
from gateway.v1.doc import Doc, codes_of
from gateway.v1.examples.jobs import EVENTS
from gateway.v1.routes import ROUTES

CONTRACTS = Path(__file__).parents[3] / "contracts"
RELEASED = sorted((CONTRACTS / "released").glob("openapi-*.json"))
GENERATED = {name: msgspec.json.decode(content) for name, content in artefacts(dialects()).items()}
OPENAPI: dict[str, Any] = GENERATED["openapi"]
EVENTS_DOCUMENT: dict[str, Any] = GENERATED["asyncapi"]


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every operation with its method and address."""
    for path, methods in OPENAPI["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def contents(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every form of what is sent and answered, with where that is."""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"request {media_type}", content
    for status, answer in operation["responses"].items():
        for media_type, content in answer.get("content", {}).items():
            yield f"{status} {media_type}", content


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Check a value against a schema that refers to its document's components."""
    whole = {**schema, "components": {"schemas": document["components"]["schemas"]}}
    Draft202012Validator(whole).validate(value)


def example(entry: dict[str, Any]) -> Any:
    """Return what an example is, wherever it stands."""
    if "$ref" in entry:
        entry = OPENAPI["components"]["examples"][entry["$ref"].rpartition("/")[2]]
    return entry["value"]


@pytest.mark.parametrize(("name", "operation"), [pytest.param(*each, id=each[0]) for each in operations()])
def test_every_json_has_examples_and_each_of_them_is_legal(name: str, operation: dict[str, Any]) -> None:
    """What is sent, what is answered, each problem that can come, and each kind of event."""
    for place, content in contents(operation):
        is_json = place.partition(" ")[2] in ("application/json", "application/problem+json", "text/event-stream")
        is_free = content["schema"].get("type") == "object" and "properties" not in content["schema"]
        assert is_free or bool(content.get("examples")) is is_json, (name, place)
        for each in content.get("examples", {}).values():
            check(OPENAPI, content["schema"], example(each))


@pytest.mark.parametrize(("name", "operation"), [pytest.param(*each, id=each[0]) for each in operations()])
def test_the_codes_of_an_operation_are_those_of_its_examples(name: str, operation: dict[str, Any]) -> None:
    """In the catalogue's order, each with a problem to look at, and none beside them."""
    codes = operation["x-error-codes"]
    assert codes == [code for code in CATALOG if code in codes], name
    problems = operation["responses"]["default"].get("content", {}).get("application/problem+json")
    if problems is not None:
        shown = [example(each) for each in problems["examples"].values()]
        assert [each["code"] for each in shown] == codes
        assert [each["status"] for each in shown] == [CATALOG[code].status for code in codes]


def test_every_code_and_every_kind_of_event_has_an_example() -> None:
    """None of the 35 is left out, and none of the ten kinds."""
    names = OPENAPI["components"]["examples"].keys()
    assert names == {f"problem.{code}" for code in CATALOG} | {f"event.{kind}" for kind in get_args(EventType)}


def _doc(route: HTTPRouteHandler) -> Doc:
    doc: Doc = route.opt["doc"]
    return doc


def test_what_is_declared_is_what_is_enforced() -> None:
    """The codes in the document are those by which the gateway watches itself; prompts refuse with what they may."""
    declared = {operation["operationId"]: tuple(operation["x-error-codes"]) for _, operation in operations()}
    for route in ROUTES:
        assert declared[route.handler_name] == codes_of(_doc(route))
    assert set(REFUSALS) < set(declared["optimize_prompt"])
    assert "gateway.internal" in set.intersection(*map(set, declared.values()))


@pytest.mark.parametrize(("code", "is_told"), [("resource.cache_miss", True), ("request.field_invalid", False)])
def test_a_refusal_that_was_not_declared_is_told_in_the_log(code: ErrorCode, *, is_told: bool) -> None:
    """With the route and the code; one that was declared is nothing to talk about."""
    listing = next(route for route in ROUTES if route.handler_name == "list_jobs")
    request: Any = SimpleNamespace(scope={"route_handler": listing, "path_template": "/v1/jobs", "state": {}})
    with capture_logs() as lines:
        problem_answer(CatalogError(code, "no").problem(), request=request)
    told = [(line["event"], line["route"], line["code"]) for line in lines]
    assert told == ([("contract.undeclared_code", "/v1/jobs", code)] if is_told else [])


def test_states_are_closed_and_phases_are_not() -> None:
    """What a client decides by gets no new words within a major version; wherever it stands, its enum is marked."""
    schemas = OPENAPI["components"]["schemas"]
    closed = {
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, each in schema.get("properties", {}).items()
        if each.get("x-closed") or any(way.get("x-closed") for way in each.get("anyOf", ()))
    }
    assert closed >= {"Job.state", "JobPart.state", "Problem.outcome", "Review.verdict", "Cancel.answer"}
    assert not closed & {"Job.phase", "Job.operation", "Problem.code", "JobOutput.role"}
    assert schemas["Job"]["properties"]["state"]["enum"] == sorted(get_args(JobState))


def test_the_documents_of_events_tell_of_every_kind_and_its_examples_are_legal() -> None:
    """The ten kinds and the gap, on both channels; what each carries is its own schema's."""
    messages = EVENTS_DOCUMENT["components"]["messages"]
    assert messages.keys() == {*get_args(EventType), "stream.gap"} == {*(e["name"] for e in messages.values())}
    for channel in EVENTS_DOCUMENT["channels"].values():
        assert channel["messages"].keys() == messages.keys()
    for message in messages.values():
        (shown,) = message["examples"]
        check(EVENTS_DOCUMENT, message["payload"], shown["payload"])
        if "headers" in shown:
            check(EVENTS_DOCUMENT, message["headers"], shown["headers"])
    told = [message["examples"][0]["payload"] for name, message in messages.items() if name != "stream.gap"]
    assert told == msgspec.json.decode(msgspec.json.encode(EVENTS))


def test_nothing_is_promised_that_is_refused() -> None:
    """Webhooks are refused by every version so far: no document has a channel for them."""
    assert {each["address"] for each in EVENTS_DOCUMENT["channels"].values()} == {
        "/v1/jobs/{job_id}/events",
        "/v1/events",
    }
    assert "webhooks" not in OPENAPI


def test_the_capability_schema_is_one_and_knows_every_field() -> None:
    """A JSON Schema of draft 2020-12 that stands alone."""
    schema = GENERATED["capabilities"]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$defs"]["Capability"]["properties"].keys() == set(Capability.__struct_encode_fields__)


def test_nothing_breaks_what_was_released_without_a_version_that_says_so() -> None:
    """The contract of the newest release is kept, or a new major version is due (below 1.0 a new minor one)."""
    released = {tuple(map(int, path.stem.removeprefix("openapi-").split("."))): path for path in RELEASED}
    newest = msgspec.json.decode(released[max(released)].read_bytes())
    found = compare(newest, OPENAPI)
    needed = needs_release(found.verdict, newest["info"]["version"], OPENAPI["info"]["version"])
    assert needed is None, (needed, [change for change in found.changes if change.kind == "breaking"])


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_a_released_contract_is_named_by_its_version(path: Path) -> None:
    """The file says of itself which version it is the contract of, and is in the change log."""
    version = msgspec.json.decode(path.read_bytes())["info"]["version"]
    assert path.stem == f"openapi-{version}"
    assert f"## {version}" in (CONTRACTS / "CHANGES.md").read_text()
