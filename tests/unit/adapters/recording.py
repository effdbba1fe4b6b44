"""Recorded exchanges of the real servers, as tests read them."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ADAPTERS = Path(__file__).parents[3] / "adapters"


class Answer(NamedTuple):
    """One recorded native answer."""

    name: str
    route: str
    status: int
    body: bytes
    media_type: str | None


def load(dialect: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every recording of a dialect by its name."""
    for path in sorted((ADAPTERS / dialect / "recordings").glob("*.json")):
        yield path.stem, json.loads(path.read_text())


def ima2_answers() -> Iterator[Answer]:
    """Yield every answer of ima2, and the data of every SSE frame that can be an error."""
    for name, recording in load("ima2"):
        response = recording.get("response", {})
        if "status" not in response:
            continue
        request = recording["request"]
        route = f"{request['method']} {request['path'].partition('?')[0]}"
        for at, frame in enumerate(response.get("sse", ())):
            if frame["event"] in ("error", "done"):
                yield Answer(f"{name}#{at}", route, 200, json.dumps(frame["data"]).encode(), None)
        if "sse" not in response:
            yield Answer(name, route, response["status"], _body(response), response["headers"].get("content-type"))


def sdcpp_answers() -> Iterator[Answer]:
    """Yield every answer of sd.cpp Studio, and every job that an answer shows."""
    for name, recording in load("sdcpp"):
        for at, exchange in enumerate(recording.get("exchanges", ())):
            response = exchange.get("response") or {}
            if "status" not in response:
                continue
            request = exchange["request"]
            path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", ":id", request["path"].partition("?")[0])
            media_type = response["headers"].get("content-type")
            route = f"{request['method']} {path}"
            yield Answer(f"{name}#{at}", route, response["status"], _body(response), media_type)
            for number, job in enumerate(_jobs(response.get("json"))):
                yield Answer(f"{name}#{at}.{number}", "GET /api/queue/:id", 200, json.dumps(job).encode(), None)


def _jobs(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if {"status", "prompt", "error"} <= value.keys():
            yield value
        for each in value.values():
            yield from _jobs(each)
    elif isinstance(value, list):
        for each in value:
            yield from _jobs(each)


def _body(response: dict[str, Any]) -> bytes:
    for key in ("json", "body"):
        if key in response and not (key == "body" and response[key] is None):
            return json.dumps(response[key]).encode()
    if isinstance(response.get("binary"), dict):
        return base64.b64decode(response["binary"].get("base64_if_small") or "")
    text = response.get("text", response.get("body_text"))
    if isinstance(text, str):
        return text.encode()
    return b""
