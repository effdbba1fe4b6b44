"""What ima2 promises of pictures it makes, and of requests that it refuses to make any for (see promises)."""

from adapters.ima2 import wire
from adapters.ima2.verify.promises import NEW, OLD, bare
from adapters.kit.promise import Promise
from adapters.kit.shape import Like, either, one

_PICTURE = Like(r"data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/]+={0,2}")
_SECONDS = "text|number"
_MADE = {
    "image": _PICTURE,
    "filename": "text",
    "usage": "object|null",
    "provider": "text",
    "model": "text|null",
    "moderation": "text",
    "warnings": "list",
    "revisedPrompt": "text|null",
    "promptMode": "text",
    "webSearchCalls": "number",
    "webSearchEnabled": "bool",
}
#: §3 [R generate_ok]: `elapsed` is a text, a number on NEW; `size` is whatever was sent.
GENERATED = Promise(
    route="POST /api/generate",
    shape={**_MADE, "elapsed": _SECONDS, "requestId": "text", "quality": "text", "size": "any"},
    read_as=wire.PictureAnswer,
)
#: §4 [R edit_ok]: no requestId, no quality, no size.
EDITED = Promise(route="POST /api/edit", shape={**_MADE, "elapsed": _SECONDS}, read_as=wire.PictureAnswer)
_NODE_DONE = {
    **_MADE,
    "nodeId": Like(r"n_[0-9a-f]+"),
    "parentNodeId": "text|null",
    "requestId": "text|null",
    "url": Like(r"/generated/.+"),
    "elapsed": "number",
    "size": "text",
    "refsCount": "number",
    "contextMode": "text",
    "searchMode": "text",
}
NODE_MADE = Promise(route="POST /api/node/generate", shape=_NODE_DONE, read_as=wire.PictureAnswer)
_PHASE = {"requestId": "text|null", "phase": one("streaming", "queued", "decoding")}
_FLAT_ERROR = {"error": "text", "code": "text|null", "status": "number", "requestId": "text|null"}
#: §5: shape 5 in the frame, without a request id.
_NODE_ERROR = {"error": {"code": "text", "message": "text"}, "parentNodeId": "text|null", "status": "number"}
#: §5 [R node_ok_sse, node_sse_up_*].
NODE_STREAM = Promise(
    route="POST /api/node/generate (SSE)",
    body="stream",
    shape={
        "phase": _PHASE,
        "partial": {"requestId": "text|null", "image": _PICTURE, "index": "number|null"},
        "done": _NODE_DONE,
        "error": _NODE_ERROR,
    },
    headers=("cache-control",),
)
#: §5 [R node_get_ok].
NODE = Promise(route="GET /api/node/:id", shape={"nodeId": "text", "meta": "object", "url": Like(r"/generated/.+")})
_SEQUENCE = {"image": _PICTURE, "filename": "text", "revisedPrompt": "text|null"}
#: §6 [R multimode_*]: a stream whatever was asked, refusals too.
MULTIMODE = Promise(
    route="POST /api/generate/multimode",
    body="stream",
    shape={
        "phase": {**_PHASE, "sequenceId": "text", "maxImages": "number"},
        "partial": {"image": _PICTURE, "requestId": "text|null", "sequenceId": "text", "index": "number|null"},
        "image": {**_SEQUENCE, "sequenceId": "text", "sequenceIndex": "number", "sequenceTotalRequested": "number"},
        "done": {
            "ok": one(True),
            "requestId": "text|null",
            "sequenceId": "text",
            "requested": "number",
            "returned": "number",
            "status": one("complete", "partial", "empty"),
            "elapsed": _SECONDS,
            "images": [_SEQUENCE],
            "provider": "text",
            "model": "text|null",
        },
        "error": _FLAT_ERROR,
    },
    headers=("cache-control",),
)


def coded(code: str, route: str) -> Promise:
    """Return the 400 with a code beside its text (§1, shape 2)."""
    return Promise(route=route, status=400, shape={"error": "text", "code": one(code)})


#: §3 [R generate_no_prompt]; §11.
NO_PROMPT = bare("Prompt is required", "POST /api/generate", OLD)
NO_PROMPT_NEW = Promise(
    route="POST /api/generate",
    status=400,
    shape={"error": {"code": one("INVALID_PROMPT"), "message": "text"}},
    profiles=NEW,
)
#: §3 [R generate_model_unsupported, generate_refs_notarray].
NO_IMAGE_MODEL = coded("IMAGE_MODEL_UNSUPPORTED", "POST /api/generate")
NO_REFERENCES = coded("REF_NOT_ARRAY", "POST /api/generate")
#: §4 [R edit_no_image].
NO_EDIT_IMAGE = bare("Prompt and image are required", "POST /api/edit")
#: §5 [R node_no_prompt].
NODE_NO_PROMPT = Promise(
    route="POST /api/node/generate",
    status=400,
    shape={"error": {"code": one("INVALID_PROMPT"), "message": "text"}, "parentNodeId?": "null"},
)
#: §5, §6: what multimode of NEW may say before it streams.
BARE_MODERATION = Promise(
    route="POST /api/generate/multimode", status=400, shape={"error": either("text", "object")}, profiles=NEW
)
#: §7 [R inflight_delete_unknown]; §11.
FORGOTTEN = Promise(route="DELETE /api/inflight/:id", status=204, body="none", profiles=OLD)
CANCELLED = Promise(
    route="DELETE /api/inflight/:id",
    shape={"requestId": "text", "active": one(False), "aborted": one(False)},
    read_as=wire.CancelAnswer,
    profiles=NEW,
)
