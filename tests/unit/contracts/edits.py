"""Edits of the real OpenAPI document, and what each of them does to clients."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from contracts.compare.change import at

Document = dict[str, Any]
Edit = Callable[[Document], object]
DOCUMENT: Document = msgspec.json.decode((Path(__file__).parents[3] / "contracts" / "openapi.json").read_bytes())
JOBS = "/paths/~1v1~1jobs"
SPEC = "/components/schemas/ImageGenerate/properties"
ASK = "/components/schemas/OptimizeAsk"
PHASE = "/components/schemas/JobPhase/properties/phase"
JOB = "/components/schemas/Job/properties"
#: As little as a document can be, for what the real one has not.
LEAST: Document = {
    "openapi": "3.1.0",
    "info": {"title": "x", "version": "1.0.0"},
    "paths": {"/x": {"post": {"operationId": "x", "responses": {}}}},
}


def edited(edit: Edit, document: Document = DOCUMENT) -> Document:
    """Return a copy of a document after an edit."""
    changed: Document = msgspec.json.decode(msgspec.json.encode(document))
    edit(changed)
    return changed


def put(pointer: str, value: Any) -> Edit:
    """Write a value at a place, whether or not something is there."""
    parent, _, name = pointer.rpartition("/")
    return lambda document: at(document, parent).__setitem__(name.replace("~1", "/"), value)


def drop(pointer: str) -> Edit:
    """Take away what is at a place."""
    parent, _, name = pointer.rpartition("/")
    return lambda document: at(document, parent).__delitem__(name.replace("~1", "/"))


def add(pointer: str, value: Any) -> Edit:
    """Add to the list at a place."""
    return lambda document: at(document, pointer).append(value)


def take(pointer: str, value: Any) -> Edit:
    """Take a value out of the list at a place."""
    return lambda document: at(document, pointer).remove(value)


NEW = {"type": "string"}
NULL = {"type": "null"}
PARAMETER = {"name": "colour", "in": "query", "schema": NEW}
#: Where, what is done there, and what that is for clients: of a request, of an answer, or of either.
ROWS: list[tuple[str, Edit, str]] = [
    (JOBS, drop(JOBS), "breaking"),
    ("/paths/~1v2~1jobs", put("/paths/~1v2~1jobs", {"get": {"responses": {}}}), "additive"),
    (f"{JOBS}/get", drop(f"{JOBS}/get"), "breaking"),
    (f"{JOBS}/put", put(f"{JOBS}/put", {"responses": {}}), "additive"),
    (f"{JOBS}/get/operationId", put(f"{JOBS}/get/operationId", "jobs"), "breaking"),
    (f"{JOBS}/get/parameters/8", add(f"{JOBS}/get/parameters", PARAMETER), "additive"),
    (f"{JOBS}/get/parameters/8", add(f"{JOBS}/get/parameters", PARAMETER | {"required": True}), "breaking"),
    (f"{JOBS}/get/parameters/0", lambda d: d["paths"]["/v1/jobs"]["get"]["parameters"].pop(0), "breaking"),
    (
        f"{JOBS}/get/parameters/6/schema/maximum",
        lambda d: d["paths"]["/v1/jobs"]["get"]["parameters"][6]["schema"].update(maximum=100),
        "breaking",
    ),
    (f"{JOBS}/post/requestBody", drop(f"{JOBS}/post/requestBody"), "breaking"),
    (f"{JOBS}/get/requestBody", put(f"{JOBS}/get/requestBody", {"required": True, "content": {}}), "breaking"),
    (f"{JOBS}/get/requestBody", put(f"{JOBS}/get/requestBody", {"content": {}}), "additive"),
    (
        "/paths/~1v1~1assets/post/requestBody/content/image~1png",
        drop("/paths/~1v1~1assets/post/requestBody/content/image~1png"),
        "breaking",
    ),
    (f"{JOBS}/post/responses/202", drop(f"{JOBS}/post/responses/202"), "breaking"),
    (f"{JOBS}/get/responses/206", put(f"{JOBS}/get/responses/206", {}), "breaking"),
    (f"{JOBS}/get/responses/451", put(f"{JOBS}/get/responses/451", {}), "additive"),
    (
        f"{JOBS}/post/responses/200/content/text~1event-stream",
        drop(f"{JOBS}/post/responses/200/content/text~1event-stream"),
        "breaking",
    ),
    (
        f"{JOBS}/get/responses/default/headers/Retry-After",
        drop(f"{JOBS}/get/responses/default/headers/Retry-After"),
        "breaking",
    ),
    ("/components/headers/X-Request-Id", put("/components/headers/X-Request-Id/required", False), "breaking"),
    (f"{JOBS}/get/x-error-codes", take(f"{JOBS}/get/x-error-codes", "auth.forbidden"), "breaking"),
    (f"{JOBS}/get/x-error-codes", add(f"{JOBS}/get/x-error-codes", "gateway.overloaded"), "additive"),
    ("/paths/~1livez/get/security", put("/paths/~1livez/get/security", [{"key": []}]), "breaking"),
    (f"{JOBS}/get/security", put(f"{JOBS}/get/security", []), "additive"),
    # What is sent.
    (f"{SPEC}/seed", drop(f"{SPEC}/seed"), "breaking"),
    (f"{SPEC}/colour", put(f"{SPEC}/colour", NEW), "additive"),
    (f"{SPEC}/seed", put(f"{SPEC}/seed/type", "string"), "breaking"),
    (f"{SPEC}/effort/enum", take(f"{SPEC}/effort/enum", "low"), "breaking"),
    (f"{SPEC}/effort/enum", add(f"{SPEC}/effort/enum", "extreme"), "additive"),
    (f"{SPEC}/model/default", put(f"{SPEC}/model/default", "house"), "breaking"),
    (ASK, add(f"{ASK}/required", "character"), "breaking"),
    (ASK, take(f"{ASK}/required", "prompt"), "additive"),
    (ASK, put(f"{ASK}/properties/prompt/maxLength", 9), "breaking"),
    (ASK, drop(f"{ASK}/properties/prompt/maxLength"), "additive"),
    (ASK, put(f"{ASK}/properties/prompt/minLength", 0), "additive"),
    (ASK, put(f"{ASK}/properties/prompt/pattern", "x"), "breaking"),
    ("/components/schemas/Size/oneOf", lambda d: d["components"]["schemas"]["Size"]["oneOf"].pop(), "breaking"),
    # What is answered.
    (f"{JOB}/state", drop(f"{JOB}/state"), "breaking"),
    (f"{JOB}/colour", put(f"{JOB}/colour", NEW), "additive"),
    (f"{JOB}/state/enum", add(f"{JOB}/state/enum", "paused"), "breaking"),
    (f"{JOB}/state/enum", take(f"{JOB}/state/enum", "blocked"), "breaking"),
    (f"{JOB}/state/x-closed", drop(f"{JOB}/state/x-closed"), "breaking"),
    (f"{JOB}/phase", put(f"{JOB}/phase", {"type": "string"}), "breaking"),
    (f"{PHASE}/enum", add(f"{PHASE}/enum", "x"), "additive"),
    ("/components/schemas/Job", take("/components/schemas/Job/required", "state"), "breaking"),
    ("/components/schemas/Job", add("/components/schemas/Job/required", "phase"), "additive"),
    (f"{JOB}/id", put(f"{JOB}/id", {"anyOf": [NEW, NULL]}), "breaking"),
    (f"{JOB}/progress", put(f"{JOB}/progress", {"type": "number"}), "additive"),
    (f"{JOB}/queue_position", put(f"{JOB}/queue_position/anyOf", [{"type": "number"}, NULL]), "breaking"),
    (f"{JOB}/spec", lambda d: d["components"]["schemas"]["Job"]["properties"]["spec"]["anyOf"].pop(), "breaking"),
]  # fmt: skip
