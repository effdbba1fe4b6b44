"""The OpenAPI document, from what enforces it: the routes' own declarations and msgspec's schemas.

The framework's generated document disagrees with what is enforced (no discriminators, no additionalProperties, lost
minimums, wrong error type): here every schema comes from the very types that decode (docs/decisions).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from contracts.catalog import Problem
from contracts.codes import CATALOG, ErrorCode
from contracts.event import JobEvent
from contracts.port import Dialect
from contracts.spec import JobSpec
from gateway.v1.doc import Doc, Example, Parameter, codes_of, template
from gateway.v1.examples.jobs import EVENTS
from gateway.v1.examples.problems import PROBLEMS
from gateway.v1.schemas import components

_TEXT = {"type": "string"}
#: The first is on every answer, all are on problems.
HEADERS: dict[str, Any] = {
    "X-Request-Id": {"description": "What to quote", "required": True, "schema": _TEXT},
    "X-Should-Retry": {
        "description": "Whether the same request may be sent again without risking to pay twice",
        "required": True,
        "schema": {"type": "string", "enum": ["true", "false"]},
    },
    "Retry-After": {"description": "Seconds to wait, where waiting helps", "schema": {"type": "integer", "minimum": 0}},
}
PROBLEM_HEADERS = {name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS}
ANY_HEADERS = {"X-Request-Id": PROBLEM_HEADERS["X-Request-Id"]}
#: What `stream.gap` carries, which comes before the other events where some were lost to retention.
_GAP = {"type": "object", "required": ["oldest"], "properties": {"oldest": {"type": "integer"}}}
DESCRIPTION = """\
One contract in front of unlike image APIs. Every option is honoured or refused; every result is checked.

Make a picture, and wait for it up to a minute:

```
curl -s http://127.0.0.1:8080/v1/jobs -H 'Prefer: wait=60' \\
     --json '{"operation": "image.generate", "prompt": "a shiba in space"}'
```

Ask first what would be done with a request, and by whom: `POST /v1/jobs?dry_run=true`. Errors are problem documents
(RFC 9457) from one catalogue: [`GET /v1/errors`](/v1/errors). `x-error-codes` of an operation are the codes that it can
refuse with; a job that fails is a success of its request, and has any code of the catalogue in its `error`.

Clients pass over fields, kinds of events and words that they do not know; enums with `x-closed` get no new words within
a major version. What counts as a breaking change: `contracts/CHANGES.md`. Streams of events:
[`/asyncapi.json`](/asyncapi.json). Capabilities: [`/capabilities.schema.json`](/capabilities.schema.json).
"""
#: What the addresses are about, in the order in which one meets them.
TAGS: dict[str, tuple[str, str]] = {
    "/v1/jobs": ("Jobs", "Create, follow, list and cancel jobs."),
    "/v1/events": ("Jobs", ""),
    "/v1/assets": ("Assets", "Pictures and films: those that were made, and those that are sent in."),
    "/v1/models": ("Models", "Who can do what."),
    "/v1/capabilities": ("Models", ""),
    "/v1/backends": ("Backends", "The servers behind the gateway, as they are now."),
    "/v1/prompts": ("Prompts", "Prompts that backends write. Nothing is drawn."),
    "/v1/errors": ("Errors", "The catalogue: what each code means, and what helps."),
    "/openapi.json": ("Documents", "The contract, generated: for programs, and as a page."),
    "/asyncapi.json": ("Documents", ""),
    "/capabilities.schema.json": ("Documents", ""),
    "/docs": ("Documents", ""),
    "/": ("Operation", "For those who run the gateway."),
}


def document(routes: Iterable[HTTPRouteHandler], dialects: Mapping[str, Dialect], version: str) -> dict[str, Any]:
    """Return the whole document. It depends on nothing but the code: not on settings, backends or hosts."""
    handlers = list(routes)
    docs = [doc_of(handler) for handler in handlers]
    options = {name: dialect.options for name, dialect in dialects.items() if dialect.options is not None}
    schemas, named = components(_kinds(docs), options)
    paths: dict[str, Any] = {}
    for handler, doc in zip(handlers, docs, strict=True):
        for path in sorted(handler.paths):
            place = paths.setdefault(template(path), {})
            for method in sorted(handler.http_methods):
                place[method.lower()] = _operation(handler, doc, path, method, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Triptych", "version": version, "description": DESCRIPTION, "license": {"name": "MIT"}},
        "tags": [{"name": name, "description": text} for name, text in TAGS.values() if text],
        "paths": dict(sorted(paths.items())),
        "components": {
            "examples": {each.name: _example(each) for each in (*_problems(), *_events())},
            "headers": HEADERS,
            "schemas": named,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"key": []}, {}],
    }


def doc_of(handler: HTTPRouteHandler) -> Doc:
    """Return what a handler says of itself."""
    doc: Doc = handler.opt["doc"]
    return doc


def _kinds(docs: Sequence[Doc]) -> list[Any]:
    kinds: list[Any] = [Problem, JobSpec, JobEvent]
    for doc in docs:
        kinds += [kind for kind in (doc.body, doc.also, *doc.answers.values()) if _is_schema(kind)]
    return kinds


def _is_schema(kind: Any) -> bool:
    return kind is not None and kind not in (bytes, str)


def _operation(
    handler: HTTPRouteHandler, doc: Doc, path: str, method: str, schemas: Mapping[Any, Any]
) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": handler.handler_name if method != "HEAD" else f"head_{handler.handler_name}",
        "tags": [next(name for start, (name, _) in TAGS.items() if path.startswith(start))],
        "summary": handler.summary or handler.handler_name,
        "description": (handler.fn.__doc__ or "").strip(),
        "parameters": [*_path_parameters(path), *_query(doc), *(_parameter(each) for each in doc.parameters)],
        "responses": _responses(doc, schemas, method),
    }
    if doc.body is not None:
        operation["requestBody"] = _body(doc, schemas)
    if doc.open:
        operation["security"] = []
    operation["x-error-codes"] = list(codes_of(doc))
    return operation


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+):\w+\}", path)
    ]


def _query(doc: Doc) -> list[dict[str, Any]]:
    if doc.query is None:
        return []
    schema = msgspec.json.schema(doc.query)
    (shape,) = schema["$defs"].values()
    found = []
    for name, rules in shape["properties"].items():
        plain = _without_null({key: value for key, value in rules.items() if key not in ("default", "description")})
        each: dict[str, Any] = {"name": name, "in": "query", "required": False, "schema": plain}
        if "description" in str(rules):
            each["description"] = _description(rules)
        found.append(each)
    return found


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A query has no null: an optional parameter is only left out."""
    if "anyOf" in schema:
        kept = [each for each in schema["anyOf"] if each != {"type": "null"}]
        return {key: value for key, value in kept[0].items() if key != "description"} if len(kept) == 1 else schema
    if "enum" in schema:
        return {**schema, "enum": [each for each in schema["enum"] if each is not None]}
    return schema


def _description(rules: Mapping[str, Any]) -> str:
    inner = [each.get("description") for each in rules.get("anyOf", [])]
    return str(rules.get("description") or next((each for each in inner if each), ""))


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": _TEXT if parameter.pattern is None else {**_TEXT, "pattern": parameter.pattern},
    }


def _body(doc: Doc, schemas: Mapping[Any, Any]) -> dict[str, Any]:
    if doc.body is bytes:
        file = {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}, "required": ["file"]}
        return {
            "required": True,
            "content": {
                each: {"schema": file if each.startswith("multipart/") else {"type": "string", "format": "binary"}}
                for each in doc.body_media_types
            },
        }
    content = {"schema": schemas[doc.body], **_examples(doc.asked)}
    return {"required": True, "content": dict.fromkeys(doc.body_media_types, content)}


def _responses(doc: Doc, schemas: Mapping[Any, Any], method: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, kind in doc.answers.items():
        found[str(status)] = {"description": _WORDS.get(status, "The answer"), "headers": ANY_HEADERS}
        if kind is None or method == "HEAD":
            continue
        schema = schemas[kind] if _is_schema(kind) else {"type": "string"}
        if status == 200 and doc.also is not None:
            schema = {"anyOf": [schema, schemas[doc.also]]}
        told = _examples([each for each in doc.told if each.status == status])
        found[str(status)]["content"] = {doc.answer_media_type: {"schema": schema, **told}}
        if status == 200 and doc.also_page:
            found["200"]["content"]["text/html"] = {"schema": _TEXT}
    if doc.also_events:
        place = found.setdefault("200", {"description": "The events, as they come", "headers": ANY_HEADERS})
        place.setdefault("content", {})["text/event-stream"] = {"schema": _event(schemas), **_named(_events())}
    content = {} if method == "HEAD" else {"content": _problem(codes_of(doc))}
    found["default"] = {"description": "A problem (RFC 9457)", "headers": PROBLEM_HEADERS, **content}
    return dict(sorted(found.items()))


def _examples(examples: Sequence[Example]) -> dict[str, Any]:
    return {"examples": {each.name: _example(each) for each in examples}} if examples else {}


def _example(example: Example) -> dict[str, Any]:
    return {"summary": example.summary, "value": msgspec.to_builtins(example.value)}


def _named(examples: Iterable[Example]) -> dict[str, Any]:
    """Return examples by reference: those that many answers share stand among the components."""
    return {"examples": {each.name: {"$ref": f"#/components/examples/{each.name}"} for each in examples}}


def _problem(codes: Sequence[ErrorCode]) -> dict[str, Any]:
    shown = _named(each for each in _problems() if each.value.code in codes)
    return {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, **shown}}


def _problems() -> list[Example]:
    return [Example(f"problem.{code}", CATALOG[code].title, each) for code, each in PROBLEMS.items()]


def _events() -> list[Example]:
    """Return one frame of each kind, its `data` being JSON in a line."""
    found = []
    for event in EVENTS:
        kind, data = str(event.__struct_config__.tag), msgspec.json.encode(event).decode()
        frame = {"event": kind, "data": data} | ({"id": str(event.id)} if event.id is not None else {})
        found.append(Example(f"event.{kind}", (type(event).__doc__ or kind).partition("\n")[0], frame))
    return found


def _event(schemas: Mapping[Any, Any]) -> dict[str, Any]:
    """Describe one event of a stream: its `data` is JSON."""
    told = {"anyOf": [schemas[JobEvent], _GAP]}
    return {
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "id": {"type": "string", "pattern": "^[0-9]+$"},
            "event": _TEXT,
            "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": told},
        },
    }


_WORDS = {
    200: "As it is now",
    201: "Made",
    202: "Accepted: the job is durable, and under way",
    204: "Done",
    206: "One range",
    304: "Nothing changed",
    503: "Not now",
}
