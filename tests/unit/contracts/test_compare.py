"""What a change of the contract does to its clients, on the real document: every kind of change, and any deletion."""

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.compare import Change, compare, needs_release
from contracts.compare.change import at, under
from tests.unit.contracts.edits import DOCUMENT, JOB, JOBS, LEAST, NEW, ROWS, Document, Edit, drop, edited, put


@pytest.mark.parametrize(("place", "edit", "expected"), ROWS)
def test_a_change_is_what_it_is_for_clients(place: str, edit: Edit, expected: str) -> None:
    """Every kind of change has its verdict, and is told at its place."""
    found = compare(DOCUMENT, edited(edit))
    assert found.verdict == expected, found
    assert all(place in change.pointer for change in found.changes), found
    assert all(change.words for change in found.changes)


@pytest.mark.parametrize(("place", "edit", "expected"), [row for row in ROWS if row[2] == "additive"])
def test_what_can_be_added_cannot_be_taken_back(place: str, edit: Edit, expected: str) -> None:
    """The way back from an addition is breaking: clients may live by it already. A looser request, for one, is not."""
    assert expected == "additive"
    looser = {"required", "minLength", "maxLength"}
    found = compare(edited(edit), DOCUMENT)
    assert found.verdict == "breaking" or set(place.split("/")) & looser, (place, found)


@pytest.mark.parametrize("pointer", ["/info/description", "/info/version", f"{JOBS}/get/summary", f"{JOB}/state/title"])
def test_words_for_people_are_no_change(pointer: str) -> None:
    """Sentences, titles and the version itself may be written anew at any time."""
    assert compare(DOCUMENT, edited(put(pointer, "said better"))).verdict == "none"


def test_a_document_is_no_change_of_itself() -> None:
    """Nor is it in another order: of names, of an enum's words, of the alternatives."""
    assert compare(DOCUMENT, DOCUMENT) == compare(LEAST, LEAST)
    turned = copy.deepcopy(DOCUMENT)
    turned["paths"] = dict(reversed(turned["paths"].items()))
    for schema in turned["components"]["schemas"].values():
        schema["properties"] = dict(reversed(schema.get("properties", {}).items()))
        for each in schema["properties"].values():
            for name in ("enum", "anyOf"):
                each.get(name, []).reverse()
    assert compare(DOCUMENT, turned).changes == ()


def test_a_schema_that_only_moved_is_no_change() -> None:
    """What counts is what is legal, not under which name it is written."""
    renamed = msgspec.json.decode(msgspec.json.encode(DOCUMENT).replace(b"schemas/Timings", b"schemas/Durations"))
    renamed["components"]["schemas"]["Durations"] = renamed["components"]["schemas"].pop("Timings")
    assert compare(DOCUMENT, renamed).changes == ()


def test_what_cannot_be_judged_is_breaking() -> None:
    """A keyword that this comparison does not know, and one whose values nobody can order."""
    for schema, other in (({"not": NEW}, {"not": {}}), ({"pattern": "a"}, {"pattern": "b"})):
        olds, news = (
            edited(put("/paths/~1x/post/requestBody", {"content": {"application/json": {"schema": each}}}), LEAST)
            for each in (schema, other)
        )
        assert compare(olds, news).verdict == "breaking"


def test_schemas_that_hold_themselves_are_gone_through_once() -> None:
    """A tree of trees ends, and a change deep in it is told once."""
    tree: Document = edited(put("/components", {"schemas": {"Tree": {"type": "object", "properties": {}}}}), LEAST)
    node = tree["components"]["schemas"]["Tree"]
    node["properties"] = {"kids": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}, "name": NEW}
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}}
    tree["paths"]["/x"]["post"]["responses"] = {"200": {"content": content}}
    name = "/components/schemas/Tree/properties/name"
    assert compare(tree, edited(drop(name), tree)).changes == (
        Change("breaking", name, "response: the field name is gone"),
    )


def answered(document: Document) -> Iterator[str]:
    """Yield the place of every field that some answer can have."""
    seen: set[str] = set()
    todo: list[tuple[Any, str]] = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            place = under("/paths", path, method, "responses")
            todo += [(answer, under(place, status)) for status, answer in operation["responses"].items()]
    while todo:
        value, pointer = todo.pop()
        if isinstance(value, dict):
            reference = value.get("$ref", "").removeprefix("#")
            if reference and reference not in seen:
                seen.add(reference)
                todo.append((at(document, reference), reference))
            inner = value.get("properties", {})
            if inner and "schemas" in pointer:
                yield from (under(pointer, "properties", name) for name in inner)
            kept = {
                name: each for name, each in value.items() if name not in ("properties", "examples", "discriminator")
            }
            todo += [(each, under(pointer, name)) for name, each in kept.items()]
            todo += [(each, under(pointer, "properties", name)) for name, each in inner.items()]
        elif isinstance(value, list):
            todo += [(each, under(pointer, index)) for index, each in enumerate(value)]


PATHS = [under("/paths", path) for path in DOCUMENT["paths"]]
FIELDS = sorted(set(answered(DOCUMENT)))


@settings(max_examples=50, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(pointer=st.sampled_from(PATHS) | st.sampled_from(FIELDS))
def test_whatever_is_taken_away_is_breaking(pointer: str) -> None:
    """Each address, and each field of each answer, however deep; and its place is told."""
    found = compare(DOCUMENT, edited(drop(pointer)))
    assert found.verdict == "breaking"
    assert pointer in [change.pointer for change in found.changes if change.kind == "breaking"]


@settings(max_examples=30, deadline=None, derandomize=True, database=None)
@given(rows=st.lists(st.sampled_from(ROWS), min_size=1, max_size=4))
def test_the_worst_of_several_changes_decides(rows: list[tuple[str, Edit, str]]) -> None:
    """Whatever else is changed beside it; breaking changes are told first."""
    changed = copy.deepcopy(DOCUMENT)
    done = []
    for _, edit, verdict in rows:
        try:
            edit(changed)
        except (KeyError, IndexError, ValueError):
            continue
        done.append(verdict)
    found = compare(DOCUMENT, changed)
    assert (found.verdict == "breaking") is any(change.kind == "breaking" for change in found.changes)
    kinds = [change.kind for change in found.changes]
    assert kinds == sorted(kinds, key=["breaking", "additive"].index)
    if done == ["additive"]:
        assert found.verdict == "additive"


@pytest.mark.parametrize(
    ("verdict", "before", "now", "allowed"),
    [
        ("breaking", "1.4.2", "1.5.0", False),
        ("breaking", "1.4.2", "2.0.0", True),
        ("breaking", "0.4.2", "0.4.3", False),
        ("breaking", "0.4.2", "0.5.0", True),
        ("breaking", "0.4.2", "1.0.0", True),
        ("additive", "1.4.2", "1.4.2", True),
        ("additive", "1.4.2", "1.4.3-rc.1", True),
        ("none", "1.4.2", "1.4.2", True),
        ("none", "1.4.2", "1.4.1", False),
    ],
)
def test_a_breaking_change_needs_a_version_that_says_so(verdict: Any, before: str, now: str, *, allowed: bool) -> None:
    """A new major version; before 1.0 a new minor one. Nothing goes into a version that is older."""
    assert (needs_release(verdict, before, now) is None) is allowed
