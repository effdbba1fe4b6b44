"""The faces as OpenAPI documents, for a fuzzer: their real addresses, and bodies whose fields are nearly right.

A face is held to its dialect elsewhere. These documents only lead a fuzzer to where values are read: each field is one
of the words that its dialect knows, or anything at all.
"""

import re
import time
from typing import Any
from unittest.mock import MagicMock

from contracts.face import SOCKET, FaceRoute, FaceSettings
from contracts.port import Dialect

Schema = dict[str, Any]
#: Streams that last as long as nobody hangs up.
ENDLESS = frozenset({"/api/events"})
#: What an answer may be.
_SAID = ("application/json", "text/event-stream", "text/plain", "image/png", "image/jpeg", "image/webp", "video/mp4")
#: Servers made with Express answer in HTML what they have no route or no reader for (wire/ima2.md, wire/sdcpp.md).
_PAGES = frozenset({"ima2", "sdcpp"})


def near(*words: Any) -> Schema:
    """Return a value that is one of these, or anything."""
    return {"anyOf": [{"enum": list(words)}, {"type": ["string", "number", "boolean", "null", "array", "object"]}]}


_WORDS = near("a fox", "", " ", "@aya, -rain", "<sd_cpp_extra_args>{}</sd_cpp_extra_args>")
_SIZE = near("512x512", "1024x1024", "auto", "0x0", "9" * 30 + "x1", "1024 x 1024")
_PIXEL = (
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="
)
_PICTURE = near(_PIXEL, "data:image/png;base64,", "AAAA", "https://127.0.0.1/x.png")
_NUMBER = near(0, 1, -1, 2**63, 1.5, "1", "")
#: The fields of each face's bodies; the first is what a generation cannot do without.
FIELDS: dict[str, Schema] = {
    "ima2": {
        "prompt": _WORDS, "quality": near("low", "high"), "size": _SIZE, "format": near("png", "webp", "gif"),
        "n": _NUMBER, "provider": near("oauth", "api", "grok", "auto"), "moderation": near("low", "auto"),
        "references": {"anyOf": [{"type": "array", "items": _PICTURE, "maxItems": 3}, _WORDS]}, "image": _PICTURE,
        "mask": _PICTURE, "requestId": near("req_1", "x" * 300), "sessionId": near("s1"), "async": near(True, "true"),
        "parentNodeId": near("n1"), "mode": near("direct", "auto"), "duration": _NUMBER, "title": _WORDS,
    },
    "imgen": {
        "action": near("models", "generate", "status", "optimize", "random"), "prompt": _WORDS,
        "model": near("eros", "gpt-5.5"), "width": near(1024, 1344, "1024"), "height": near(1024, 768, None),
        "format": near("png", "jpeg", "avif"), "quality": _NUMBER, "lossless": near(True), "negative": _WORDS,
        "use_cache": near(True), "cache_pick": _NUMBER, "wm_image": _PICTURE, "wm_scale": _NUMBER,
        "id": near("run_" + "0" * 32, "cache_1", ""), "character": near("aya", ""), "style": near("professional"),
    },
    "openai": {
        "prompt": _WORDS, "model": near("studio/flux-dev", "gpt-image-1"), "n": _NUMBER, "size": _SIZE,
        "quality": near("low", "hd", 3), "output_format": near("png", "webp"), "output_compression": _NUMBER,
        "background": near("auto", "transparent"), "moderation": near("low"), "response_format": near("url"),
        "stream": near(True, False), "partial_images": _NUMBER, "user": near("u1"), "seconds": near("4", 8, "0"),
    },
    "sdcpp": {
        "prompt": _WORDS, "model": near("flux-dev", "qwen-image"), "n": _NUMBER, "size": _SIZE,
        "negative_prompt": _WORDS, "seed": near("7", 7, -1, "x"), "cfg_scale": _NUMBER, "sample_steps": _NUMBER,
        "sampling_method": near("euler"), "strength": _NUMBER, "width": _NUMBER, "height": _NUMBER, "steps": _NUMBER,
        "sd_model_checkpoint": near("flux-dev"), "batch_size": _NUMBER, "diffusion_fa": near("1", 0, True),
    },
}  # fmt: skip
_FILES = {name: {"type": "string", "format": "binary"} for name in ("image", "mask", "input_reference")}
_QUERY = {
    "limit": near("1", "0", "9" * 30), "offset": near("0", "-1"), "after": near("video_1"), "before": near("1"),
    "order": near("asc"), "status": near("pending"), "groupBy": near("session"), "sessionId": near("s1"),
}  # fmt: skip


def document(name: str, dialect: Dialect, url: str) -> Schema:
    """Return a face's addresses as a document, for the face that stands at a URL."""
    offer = dialect.face
    assert offer is not None
    settings = FaceSettings(
        profile=None,
        base_url=url,
        gateway_url=url,
        port=80,
        version="0",
        pid=1,
        started_at=0,
        sandbox=True,
        restorable_s=1,
        clock=time.time,
        token=lambda digits: "0" * digits,
    )
    paths: dict[str, Any] = {}
    for route in offer.open(MagicMock(), settings).routes:
        if route.method != SOCKET and route.template not in ENDLESS:
            path = re.sub(r"\{(\w+):\w+\}", r"{\1}", route.template)
            paths.setdefault(path, {})[route.method.lower()] = _operation(name, route, path)
    return {"openapi": "3.1.0", "info": {"title": name, "version": "0"}, "servers": [{"url": url}], "paths": paths}


def _operation(name: str, route: FaceRoute, path: str) -> Schema:
    within = [
        {"name": each, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for each in re.findall(r"\{(\w+)\}", path)
    ]
    asked = [{"name": each, "in": "query", "schema": schema} for each, schema in _QUERY.items()]
    said = (*_SAID, "text/html") if name in _PAGES else _SAID
    operation: Schema = {
        "parameters": [*within, *(asked if route.method == "GET" else ())],
        "responses": {"default": {"description": "", "content": {each: {} for each in said}}},
    }
    if route.method in ("POST", "PUT", "PATCH"):
        operation["requestBody"] = {"content": _body(name, route)}
    return operation


def _body(name: str, route: FaceRoute) -> Schema:
    fields = FIELDS[name]
    first = next(iter(fields))
    needed = [first] if route.makes_jobs or name == "imgen" else []
    shape = {"type": "object", "properties": fields, "required": needed}
    if not route.files:
        return {"application/json": {"schema": shape}}
    return {"multipart/form-data": {"schema": {**shape, "properties": {**_FILES, **fields}}}}
