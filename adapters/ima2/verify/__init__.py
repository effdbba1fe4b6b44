"""ima2's contract with its servers: every check, how the three builds are told apart, and how a server is asked.

The builds carry no number that tells them apart: their answers do (wire §0).
"""

from msgspec import structs

from adapters.ima2 import finding
from adapters.ima2.verify import made, making
from adapters.ima2.verify import promises as p
from adapters.kit.asker import HttpAsker
from adapters.kit.checking import json_of, look
from adapters.kit.promise import broken
from contracts.port import BackendSettings
from contracts.verify import Ask, Check, Checks, Recognising

_WIRE = "wire/ima2.md"
_PAGE = ((p.NOWHERE, "there are no such routes here, by the page of an unknown address"),)


def recognise() -> Recognising:
    """Ask for capabilities, then for providers (wire §0)."""
    capabilities = yield Ask(path="/api/capabilities")
    if capabilities.status == 200 and isinstance(json_of(capabilities), dict):
        return ("new",)
    providers = yield Ask(path="/api/providers")
    if not broken(p.PROVIDERS_TAG, providers) and "apiKeySource" not in json_of(providers):
        return ("tag",)
    said = json_of(providers)
    is_head = isinstance(said, dict) and said.get("apiKeyDisabled") is False
    return ("head",) if is_head else ()


def opened(settings: BackendSettings) -> HttpAsker:
    """Return what asks a server; one that is known by its file is looked up there first."""
    file = finding.file_of(settings.base_url)
    if file is not None:
        settings = structs.replace(settings, base_url=finding.address_in(file, settings.name))
    return HttpAsker(settings, key_header=lambda key: {"x-ima2-token": key})


def _post(path: str, body: object) -> Ask:
    return Ask(method="POST", path=path, body=body)


HEALTH = Check(
    id="health",
    route="GET /api/health",
    promised="200 JSON, ok true, ports and times",
    source=f"{_WIRE} §2; health_A, tag_health",
    steps=look(Ask(path="/api/health"), p.HEALTH),
)
_READ = (
    HEALTH,
    Check(
        id="providers",
        route="GET /api/providers",
        promised="200 JSON; apiKeyDisabled true on TAG, false with apiKeySource on HEAD and NEW",
        source=f"{_WIRE} §0, §2; tag_providers, providers_A",
        steps=look(Ask(path="/api/providers"), p.PROVIDERS_TAG, p.PROVIDERS),
    ),
    Check(
        id="oauth-status",
        route="GET /api/oauth/status",
        promised="200 JSON whatever the account's state; models where it is ready",
        source=f"{_WIRE} §2; oauth_status_ready, oauth_status_auth_required",
        steps=look(Ask(path="/api/oauth/status"), p.OAUTH),
    ),
    Check(
        id="grok-status",
        route="GET /api/grok/status",
        promised="200 JSON on NEW; the page of an unknown address on TAG and HEAD",
        source=f"{_WIRE} §11; unknown_grok_status",
        steps=look(Ask(path="/api/grok/status"), p.GROK, structs.replace(p.NOWHERE, profiles=p.OLD)),
    ),
    Check(
        id="capabilities",
        route="GET /api/capabilities",
        promised="200 JSON on NEW with valid values and limits; a page on TAG and HEAD",
        source=f"{_WIRE} §0, §11; seed 000",
        steps=look(Ask(path="/api/capabilities"), p.CAPABILITIES, structs.replace(p.NOWHERE, profiles=p.OLD)),
    ),
    Check(
        id="history",
        route="GET /api/history",
        promised="200 JSON: items, total, nextCursor",
        source=f"{_WIRE} §8; history_default",
        steps=look(Ask(path="/api/history?limit=3"), p.HISTORY),
    ),
    Check(
        id="history-groups",
        route="GET /api/history?groupBy=session",
        promised="200 JSON: sessions, loose, total",
        source=f"{_WIRE} §8; history_grouped; seed 001",
        steps=look(Ask(path="/api/history?groupBy=session&limit=3"), p.GROUPED),
    ),
    Check(
        id="inflight",
        route="GET /api/inflight",
        promised="200 JSON: jobs, terminalJobs",
        source=f"{_WIRE} §7; inflight_terminal",
        steps=look(Ask(path="/api/inflight?includeTerminal=1"), p.INFLIGHT),
    ),
    Check(
        id="storage",
        route="GET /api/storage/status",
        promised="200 JSON: counts and a state, no paths",
        source=f"{_WIRE} §2; storage_status_ok; seed 001",
        steps=look(Ask(path="/api/storage/status"), p.STORAGE),
    ),
    Check(
        id="file",
        route="GET /generated/:file",
        promised="206 with the bytes asked for, ETag and Cache-Control",
        source=f"{_WIRE} §8; file_range",
        steps=making.file,
    ),
    Check(
        id="sessions",
        route="GET /api/sessions",
        promised="200 JSON: sessions with their versions",
        source=f"{_WIRE} §9; sessions_list",
        steps=look(Ask(path="/api/sessions"), p.SESSIONS, unserved=_PAGE),
    ),
    Check(
        id="unknown-session",
        route="GET /api/sessions/:id",
        promised="404 {error: {code: SESSION_NOT_FOUND}}",
        source=f"{_WIRE} §9; style_get_missing",
        steps=look(Ask(path="/api/sessions/s_verify_nobody"), p.NO_SESSION, unserved=_PAGE),
    ),
    Check(
        id="unknown-node",
        route="GET /api/node/:id",
        promised="404 {error: {code: NODE_NOT_FOUND}}",
        source=f"{_WIRE} §5",
        steps=look(Ask(path="/api/node/n_0000000000"), p.NO_NODE),
    ),
    Check(
        id="unknown-route",
        route="GET /api/nope",
        promised="404, an HTML page",
        source=f"{_WIRE} §1; unknown_api_nope",
        steps=look(Ask(path="/api/nope"), p.NOWHERE),
    ),
    Check(
        id="malformed",
        route="POST /api/generate",
        promised="400, an HTML page, for what is no JSON",
        source=f"{_WIRE} §1; malformed_json_prod",
        steps=look(_post("/api/generate", b'{"prompt": '), p.NO_JSON),
    ),
    Check(
        id="restore",
        route="POST /api/history/:file/restore",
        promised="400 {error} without a code, for no trashId",
        source=f"{_WIRE} §1, §8",
        steps=look(_post("/api/history/verify-nobody.png/restore", {}), p.NO_TRASH_ID),
    ),
)
_GENERATE = (
    Check(
        id="no-prompt",
        route="POST /api/generate",
        promised="400 {error} on TAG and HEAD, INVALID_PROMPT on NEW, for no prompt",
        source=f"{_WIRE} §3, §11; generate_no_prompt",
        level="generate",
        steps=look(_post("/api/generate", {}), made.NO_PROMPT, made.NO_PROMPT_NEW),
    ),
    Check(
        id="no-image-model",
        route="POST /api/generate",
        promised="400 {error, code: IMAGE_MODEL_UNSUPPORTED}",
        source=f"{_WIRE} §3; generate_model_unsupported",
        level="generate",
        steps=look(_post("/api/generate", {"prompt": "x", "model": "gpt-5.3-codex-spark"}), made.NO_IMAGE_MODEL),
    ),
    Check(
        id="references",
        route="POST /api/generate",
        promised="400 {error, code: REF_NOT_ARRAY}",
        source=f"{_WIRE} §3; generate_refs_notarray",
        level="generate",
        steps=look(_post("/api/generate", {"prompt": "x", "references": "abc"}), made.NO_REFERENCES),
    ),
    Check(
        id="picture",
        route="POST /api/generate",
        promised="200 JSON; bytes of the size asked for, a file, a row with the request id",
        source=f"{_WIRE} §3, §8; generate_ok, file_range, history_default",
        level="generate",
        steps=making.one_picture,
    ),
)
_FULL = (
    Check(
        id="billing",
        route="GET /api/billing",
        promised="200 JSON; with a key it asks OpenAI, so it is not polled",
        source=f"{_WIRE} §2; billing_nokey, billing_key",
        level="full",
        steps=look(Ask(path="/api/billing"), p.BILLING),
    ),
    Check(
        id="edit-no-image",
        route="POST /api/edit",
        promised="400 {error} without a code",
        source=f"{_WIRE} §4; edit_no_image",
        level="full",
        steps=look(_post("/api/edit", {"prompt": "x"}), made.NO_EDIT_IMAGE),
    ),
    Check(
        id="node-no-prompt",
        route="POST /api/node/generate",
        promised="400 {error: {code: INVALID_PROMPT}}",
        source=f"{_WIRE} §5; node_no_prompt",
        level="full",
        steps=look(_post("/api/node/generate", {}), made.NODE_NO_PROMPT),
    ),
    Check(
        id="multimode-refused",
        route="POST /api/generate/multimode",
        promised="200 stream with one error frame, for a moderation that is none",
        source=f"{_WIRE} §6; multimode_moderation_bad",
        level="full",
        steps=making.refused_stream,
    ),
    Check(
        id="cancel-unknown",
        route="DELETE /api/inflight/:id",
        promised="204 on TAG and HEAD; 200 {requestId, active, aborted} on NEW",
        source=f"{_WIRE} §7, §11; inflight_delete_unknown",
        level="full",
        steps=look(Ask(method="DELETE", path="/api/inflight/verify-nobody"), made.FORGOTTEN, made.CANCELLED),
    ),
    Check(
        id="edit",
        route="POST /api/edit",
        promised="200 JSON with the edited picture",
        source=f"{_WIRE} §4; edit_ok",
        level="full",
        steps=making.edit,
    ),
    Check(
        id="multimode",
        route="POST /api/generate/multimode",
        promised="200 stream: phase, image, done",
        source=f"{_WIRE} §6; multimode_ok",
        level="full",
        steps=making.sequence,
    ),
    Check(
        id="node",
        route="POST /api/node/generate",
        promised="200 JSON, and the node by its id",
        source=f"{_WIRE} §5; node_ok_json, node_get_ok",
        level="full",
        steps=making.node,
    ),
    Check(
        id="node-stream",
        route="POST /api/node/generate",
        promised="200 stream: phase first, done last",
        source=f"{_WIRE} §5; node_ok_sse",
        level="full",
        steps=making.node_stream,
    ),
)
CHECKS = Checks(
    each=(*_READ, *_GENERATE, *_FULL),
    profiles=("tag", "head", "new"),
    recognise=recognise,
    greeting=HEALTH,
    open=opened,
)
