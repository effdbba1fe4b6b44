"""JSON Schemas of the contract's types, by msgspec, with what the types themselves cannot say."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import msgspec
from msgspec import Struct

from contracts.catalog import Outcome
from contracts.job import CancelAnswer, JobState, Verdict
from contracts.spec import JobSpec

REFERENCE = "#/components/schemas/{name}"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: Exactly one of several ways.
ONE_OF: dict[str, list[list[str]]] = {
    "Size": [["width", "height"], ["aspect_ratio"]],
    "Input": [["asset_id"], ["data"], ["url"]],
}
#: Words on which a client decides what happened: none is ever added without a new major version (CHANGES.md).
CLOSED: tuple[frozenset[str], ...] = tuple(
    frozenset(get_args(kind)) for kind in (JobState, Outcome, Verdict, CancelAnswer)
)


def components(kinds: Sequence[Any], options: Mapping[str, type[Struct]]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return a schema for each kind, and those that they refer to by name. `options`: each dialect's own."""
    unique = list(dict.fromkeys([*kinds, *options.values()]))
    found, named = msgspec.json.schema_components(unique, ref_template=REFERENCE)
    named = dict(sorted(named.items()))
    _mend(named, options)
    _close(named)
    return dict(zip(unique, found, strict=True)), named


def standalone(kind: Any, *, id: str, title: str, description: str) -> dict[str, Any]:  # noqa: A002 - JSON Schema's word
    """Return the schema of one kind as a document of its own, to be read by any validator."""
    schema = msgspec.json.schema(kind)
    _close(schema)
    return {"$schema": DRAFT, "$id": id, "title": title, "description": description, **schema}


def _mend(named: dict[str, Any], options: Mapping[str, type[Struct]]) -> None:
    for name, ways in ONE_OF.items():
        if name in named:
            named[name]["oneOf"] = [{"required": way} for way in ways]
    typed = {name: {"$ref": REFERENCE.format(name=kind.__name__)} for name, kind in options.items()}
    for kind in get_args(JobSpec):
        if typed and kind.__name__ in named:
            named[kind.__name__]["properties"]["options"]["properties"] = typed


def _close(schema: Any) -> None:
    """Mark the enums that are closed, wherever they stand."""
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    elif isinstance(schema, dict):
        values = schema.get("enum")
        if isinstance(values, list) and frozenset(values) - {None} in CLOSED:
            schema["x-closed"] = True
        for each in schema.values():
            _close(each)


def to_json(value: Mapping[str, Any]) -> bytes:
    """Return a document as it is committed and served: readable, with a newline at the end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
