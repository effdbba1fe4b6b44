"""What ima2's routes promise, by build: measured of TAG and HEAD, documented of NEW (wire §0). Recordings keep it all.

`[R]` names recordings, `§` a section of the wire reference.
"""

from adapters.ima2 import wire
from adapters.kit.promise import Promise
from adapters.kit.shape import Like, either, one

OLD = ("tag", "head")
NEW = ("new",)
_ADDRESS = {"configuredPort": "number", "actualPort": "number|null", "url": "text"}
RUNTIME = {"backend": _ADDRESS, "oauth": {**_ADDRESS, "status": one("starting", "ready", "failed", "disabled")}}

#: §2 [R health_A, tag_health].
HEALTH = Promise(
    route="GET /api/health",
    shape={
        "ok": one(True),
        "version": "text",
        "provider": one("oauth"),
        "uptimeSec": "number",
        "activeJobs": "number",
        "pid": "number",
        "startedAt": "number",
        "runtime": RUNTIME,
    },
    read_as=wire.Health,
)
_PROVIDERS = {
    "oauth": one(True),
    "oauthPort": "number",
    "oauthActualPort": "number|null",
    "oauthUrl": "text",
    "runtime": RUNTIME,
}
#: §2 [R tag_providers]: with a key or without.
PROVIDERS_TAG = Promise(
    route="GET /api/providers",
    shape={"apiKey": one(False), "apiKeyDisabled": one(True), **_PROVIDERS},
    read_as=wire.Providers,
    profiles=("tag",),
)
#: §2 [R providers_A, providers_B].
PROVIDERS = Promise(
    route="GET /api/providers",
    shape={
        "apiKey": "bool",
        "apiKeyDisabled": one(False),
        "apiKeySource": one("none", "env", "config"),
        **_PROVIDERS,
    },
    read_as=wire.Providers,
    profiles=("head", "new"),
)
#: §2 [R oauth_status_*]: always 200; models where it is ready.
OAUTH = Promise(
    route="GET /api/oauth/status",
    shape=either(
        {"status": one("ready"), "models": ["text"], "runtime": RUNTIME},
        {"status": one("auth_required", "offline", "starting"), "runtime": RUNTIME},
    ),
    read_as=wire.AccountStatus,
)
#: §11.
GROK = Promise(
    route="GET /api/grok/status",
    shape=either(
        {"status": one("ready", "no_image_model"), "models": ["text"]},
        {"status": one("offline"), "reason?": "text"},
        {"status": one("error"), "reason": "text"},
    ),
    read_as=wire.AccountStatus,
    profiles=NEW,
)
#: §11: older NEW builds lack lanes, providerSurfaces and contracts.
CAPABILITIES = Promise(
    route="GET /api/capabilities",
    shape={
        "ok": one(True),
        "name": "text",
        "source": "text",
        "server": "text",
        "version": "text",
        "commands": ["text"],
        "defaults": "object",
        "valid": {
            "imageModels": {"supported": ["text"], "unsupported": ["text"], "grokSupported": ["text"]},
            "videoModels": "object",
            "reasoningEfforts": ["text"],
            "quality": ["text"],
            "moderation": ["text"],
            "modes": ["text"],
            "providers": ["text"],
        },
        "limits": {
            "maxRefCount": "number",
            "maxGeneratedImages": "number",
            "maxParallel": {"value": "number", "enforced": "bool", "note": "text"},
        },
        "promptBuilder": "object",
        "agentMode": "object",
        "guidance": "object",
    },
    read_as=wire.Capabilities,
    profiles=NEW,
)
#: §1: an unknown path is a page [R unknown_api_nope, unknown_grok_status, root].
NOWHERE = Promise(route="GET *", status=404, body="page", words=r"Cannot [A-Z]+ /")
#: §2 [R billing_nokey, billing_key].
BILLING = Promise(
    route="GET /api/billing",
    shape=either(
        {"oauth": one(True), "apiKeyValid": one(False), "apiKeySource": one("none")},
        {"apiKeySource": one("env", "config"), "apiKeyValid": "bool"},
    ),
)
#: Seed 001, §2 [R storage_status_ok, storage_status_empty].
STORAGE = Promise(
    route="GET /api/storage/status",
    shape={
        "ok": one(True),
        "data": {
            "generatedDirLabel": "text",
            "generatedCount": "number",
            "legacyCandidatesScanned": "number",
            "legacySourcesFound": "number",
            "legacyFilesFound": "number",
            "state": one("ok", "recoverable", "not_found", "unknown"),
            "messageKind": one("ok", "recoverable", "apology", "unknown"),
            "recoveryDocsPath": "text",
            "doctorCommand": "text",
            "overrides": {"generatedDir": "bool", "configDir": "bool"},
        },
    },
)
_JOB = {
    "requestId": "text",
    "kind": "text",
    "prompt": "text",
    "meta": "object",
    "startedAt": "number",
    "phase": "text|null",
    "phaseAt": "number",
}
_ENDED = {
    "requestId": "text",
    "kind": "text",
    "status": one("completed", "error", "canceled"),
    "startedAt": "number",
    "finishedAt": "number",
    "durationMs": "number",
    "phase": "text|null",
    "meta": "object",
}
#: §7 [R inflight_*].
INFLIGHT = Promise(route="GET /api/inflight", shape={"jobs": [_JOB], "terminalJobs?": [_ENDED]}, read_as=wire.Inflight)
_ROW = {
    "filename": "text",
    "url": Like(r"/generated/.+"),
    "createdAt": "number",
    # What was sent and never checked, objects too (§3).
    "prompt": "any",
    "revisedPrompt": "text|null",
    "quality": "text|null",
    "size": "any",
    "format": "any",
    "model": "text|null",
    "provider": "text",
    "usage": "object|null",
    "webSearchCalls": "number|null",
    "sessionId": "text|null",
    "nodeId": "text|null",
    "parentNodeId": "text|null",
    "clientNodeId": "text|null",
    "requestId": "text|null",
    "kind": "text|null",
    "refsCount": "number|null",
}
#: §8 [R history_*].
HISTORY = Promise(
    route="GET /api/history",
    shape={
        "items": [_ROW],
        "total": "number",
        "nextCursor": either("null", {"before": "number", "beforeFilename": "text"}),
    },
    read_as=wire.History,
)
_GROUP = {"sessionId": "text", "items": [_ROW], "lastUsedAt": "number", "title": "text|null", "label": "text"}
#: §8 [R history_grouped].
GROUPED = Promise(
    route="GET /api/history?groupBy",
    shape={"sessions": [_GROUP], "loose": [_ROW], "total": "number", "nextCursor": "object|null"},
)
#: §9 [R sessions_list].
SESSIONS = Promise(
    route="GET /api/sessions",
    shape={
        "sessions": [
            {
                "id": "text",
                "title": "text",
                "createdAt": "number",
                "updatedAt": "number",
                "graphVersion": "number",
                "nodeCount": "number",
            }
        ]
    },
)


def nested(status: int, code: str, route: str) -> Promise:
    """Return the envelope of sessions and nodes: `{error: {code, message}}` (§1, shape 6)."""
    return Promise(route=route, status=status, shape={"error": {"code": one(code), "message": "text"}})


#: §5, §9 [R style_get_missing].
NO_NODE = nested(404, "NODE_NOT_FOUND", "GET /api/node/:id")
NO_SESSION = nested(404, "SESSION_NOT_FOUND", "GET /api/sessions/:id")
#: §8 [R file_jpeg, node_file].
FILE = Promise(
    route="GET /generated/:file",
    body="picture",
    headers=("accept-ranges", "cache-control", "etag", "last-modified", "content-length"),
)
#: §8 [R file_range].
RANGE = Promise(
    route="GET /generated/:file", status=206, body="any", headers=("accept-ranges", "cache-control", "etag")
)


def bare(text: str, route: str, profiles: tuple[str, ...] = ()) -> Promise:
    """Return the 400 that has a text and no code (§1, shape 1)."""
    return Promise(route=route, status=400, shape={"error": one(text)}, profiles=profiles)


#: §8: restore without a trash id.
NO_TRASH_ID = bare("trashId required", "POST /api/history/:file/restore")
#: §1 [R malformed_json_prod].
NO_JSON = Promise(route="POST * (no JSON)", status=400, body="page")
