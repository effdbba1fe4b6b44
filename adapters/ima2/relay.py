"""What is passed on to the ima2 server of one team: sessions, graphs, style sheets, agent mode, the prompt builder.

Pure: the addresses, what of each answer goes back, and how a refusal is cleaned. Node data and style sheets are the
client's own and go through whole; of everything else only fields that are listed (wire §9, §11). A server's own words
go back for codes whose sentences are fixed; others may quote an upstream, a path, or a part of a key.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from adapters.kit.sieve import Shape, sift
from contracts.relay import RelayRoute

#: A turn of the agent is answered when its pictures are there (wire §3: 800 s at most, and a little).
TURN_S = 810.0
#: The longest file that a session may show.
MAX_FILE_BYTES = 96 * 1024 * 1024
FILES = RelayRoute(method="GET", template="/generated/{name:path}", timeout_s=60)
#: Pictures and films of the server's own gallery; what lies beside them holds prompts (wire §8).
_FILE = re.compile(r"(?:[\w-][\w.-]*/){0,2}[\w-][\w.-]*\.(png|jpe?g|webp|mp4)", re.ASCII)
_MEDIA = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "mp4": "video/mp4"}


def _fields(*names: str) -> dict[str, Shape]:
    whole: Shape = True
    return dict.fromkeys(names, whole)


_SESSION = _fields("id", "title", "createdAt", "updatedAt", "graphVersion", "nodeCount")
_NODE = _fields("id", "x", "y", "data")
_EDGE = _fields("id", "source", "target", "data")
_OPEN_SESSION: Shape = {"session": {**_SESSION, "nodes": _NODE, "edges": _EDGE}}
_OK: Shape = {"ok": True}
_ITEM: Shape = _fields(
    "id",
    "sessionId",
    "requestId",
    "prompt",
    "status",
    "position",
    "resultImageIds",
    "errorCode",
    "progressStage",
    "createdAt",
    "startedAt",
    "finishedAt",
    "options",
    "plan",
)
_WORKSPACE: dict[str, Shape] = {
    "sessions": _fields(
        "id",
        "title",
        "lastTurnId",
        "lastImageId",
        "imageCount",
        "compacted",
        "webSearchEnabled",
        "generationSettings",
        "updatedAt",
        "createdAt",
    ),
    "turnsBySession": {"*": _fields("id", "role", "text", "imageIds", "webFindingIds", "status", "createdAt")},
    "imagesById": {
        "*": _fields("id", "filename", "url", "thumbUrl", "prompt", "revisedPrompt", "createdAt", "width", "height")
    },
    "imageIdsBySession": True,
    "selectedSessionId": True,
    "currentImageId": True,
    "allowedTools": True,
    "queueBySession": {"*": _ITEM},
    "runSummaryBySession": True,
}
_QUEUED: Shape = {"queueItem": _ITEM, "workspace": _WORKSPACE}
_CHAT: Shape = {
    **_fields("provider", "backend", "requestedBackend", "model"),
    "message": True,
    "usage": True,
}

_ONE, _SHEET = "/api/sessions/{id}", "/api/sessions/{id}/style-sheet"
_AGENT, _WORK = "/api/agent/sessions/{id}", "/api/agent/queue/{item}"
_SAVE = ("if-match", "x-ima2-graph-save-id", "x-ima2-graph-save-reason", "x-ima2-tab-id")


def _route(method: str, template: str, **more: Any) -> RelayRoute:
    headers = ("x-ima2-client", "x-ima2-browser-id", *more.pop("headers", ()))
    return RelayRoute(method=method, template=template, headers=headers, **more)


#: What every build has (wire §9), each with what of its answer goes back.
SESSIONS: Mapping[RelayRoute, Shape] = {
    _route("GET", "/api/sessions"): {"sessions": _SESSION},
    _route("POST", "/api/sessions"): {"session": _SESSION},
    _route("GET", _ONE): _OPEN_SESSION,
    _route("PATCH", _ONE): _OK,
    _route("DELETE", _ONE): _OK,
    _route("PUT", f"{_ONE}/graph", headers=_SAVE): _fields("ok", "nodes", "edges", "graphVersion"),
    _route("GET", _SHEET): {"styleSheet": True, "enabled": True},
    _route("PUT", _SHEET): _OK,
    _route("PATCH", f"{_SHEET}/enabled"): {"ok": True, "enabled": True},
    _route("POST", f"{_SHEET}/extract", spends=True, timeout_s=120): {"styleSheet": True},
}
#: What only NEW has (wire §11).
AGENT: Mapping[RelayRoute, Shape] = {
    _route("GET", "/api/agent/sessions", query=("selectedSessionId",)): _WORKSPACE,
    _route("POST", "/api/agent/sessions"): _WORKSPACE,
    _route("GET", _AGENT): _WORKSPACE,
    _route("PATCH", _AGENT): _WORKSPACE,
    _route("DELETE", _AGENT): _WORKSPACE,
    _route("POST", f"{_AGENT}/turns", spends=True, timeout_s=TURN_S): _WORKSPACE,
    _route("GET", f"{_AGENT}/queue"): {"queue": _ITEM},
    _route("POST", f"{_AGENT}/queue", spends=True): _QUEUED,
    _route("POST", f"{_WORK}/cancel"): _WORKSPACE,
    _route("POST", f"{_WORK}/retry", spends=True): _WORKSPACE,
    _route("POST", "/api/prompt-builder/chat", spends=True, timeout_s=120): _CHAT,
}
SHAPES: Mapping[RelayRoute, Shape] = {**SESSIONS, **AGENT}

_REFUSAL: Shape = {"error": {"code": True, "message": True}, "code": True, "currentVersion": True}
_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")
#: Families of codes whose sentences are the server's own, about what the client sent.
_OWN_WORDS = re.compile(r"(INVALID|GRAPH|AGENT|SESSION|STYLE_SHEET_(NO_KEY|BAD_INPUT)|PROMPT_BUILDER)(_\w+)?")
VAGUE = "The server could not do this."


def media_type_of(name: str) -> str | None:
    """Return what a file of the server's gallery is; None for what is not passed on."""
    found = _FILE.fullmatch(name)
    return None if found is None or ".." in name else _MEDIA[found.group(1)]


def cleaned(route: RelayRoute, status: int, body: bytes) -> bytes | None:
    """Return what of an answer goes back; None where it is no JSON object, as an error page is not."""
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    return msgspec.json.encode(_refusal(said) if status >= 400 else sift(said, SHAPES[route]))


def _refusal(said: dict[str, Any]) -> dict[str, Any]:
    """Return a refusal in the one shape that these routes have (wire §1, shape 6)."""
    kept = sift(said, _REFUSAL)
    error = kept.get("error") or {}
    code, message = error.get("code") or said.get("code"), error.get("message")
    code = code if isinstance(code, str) and _CODE.fullmatch(code) else "UNKNOWN"
    if not isinstance(message, str) or not _OWN_WORDS.fullmatch(code):
        message = VAGUE
    twice = {"code": code} if "code" in kept else {}
    version = kept.get("currentVersion")
    current = {"currentVersion": version} if isinstance(version, int) else {}
    return {"error": {"code": code, "message": message}, **twice, **current}
