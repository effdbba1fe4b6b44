"""The face answers what real ima2 servers were recorded to answer, route by route: status, type, keys, kinds, words.

A gateway stands between: the recorded request goes to its face, over its engine and its adapter to the sandbox.
"""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.harness import GatewayProcess, SandboxProcess, backend
from tests.unit.adapters.ima2.recorded import RECORDINGS, Recording

#: Routes that the face does not serve, and exchanges that need something before them or another server's settings.
_ELSEWHERE = (
    "sessions_", "graph_", "style_", "dup_", "restart_", "root", "advertise", "assets_", "inflight_", "history_",
    "file_", "node_file", "node_get_", "node_child_", "node_external_filename", "tag_history", "tag_inflight",
    "tag_generated_sidecar", "body_too_large", "generate_refs_toolarge", "providers_B", "providers_oauth_failed",
    "billing_key", "health_oauth_starting", "health_active", "health_after_restart", "oauth_status_", "storage_status_",
)  # fmt: skip
#: Failures of an upstream: each opens circuits and is tried again; their envelopes are compared on their own.
_FAILURES = ("_up_", "timeout", "disconnect", "oauth_failed", "oauth_starting", "refused")
#: Where the face does better than it is recorded, on purpose: what it answers instead.
DIFFERENT = {
    "edit_image_garbage": 400, "edit_image_number": 400, "edit_image_url": 400,  # not an error of the server
    "edit_mask_ok_api": 401, "generate_provider_api_key": 401,  # no API key stands behind this gateway
    "generate_format_bmp": 400, "generate_format_traversal": 400, "generate_size_bad": 400,  # not written, not sent
    "generate_prompt_object": 400,  # not "[object Object]"
    "generate_provider_grok": 401, "generate_provider_grok_model": 401, "tag_generate_grok": 401,  # not another account
}  # fmt: skip
#: Values that tell who really made the picture, where the recorded server had another default.
_OURS = (".model:", ".moderation:", ".usage: missing {'input_tokens_details'", ".usage: missing {'output_tokens_detail")
#: Previews are optional, and the recorded upstream was a special one; a text that names no program of ours.
_UNTOLD = {"multimode_ok", "tag_multimode_ok", "storage_open"}
#: What the real server changes or loses without a word is told in `warnings`; a size of null is the one that was made.
TOLD = {"generate_n_99", "multimode_max_clamp", "multimode_some", "generate_null_fields2", "multimode_empty"}
NAMES = sorted(
    path.stem
    for path in RECORDINGS.glob("*.json")
    if not path.stem.startswith(_ELSEWHERE) and not any(part in path.stem for part in _FAILURES)
)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, httpx.Client]]:
    """Two gateways, one in each recorded build's clothes, before a sandbox of that build."""
    running: list[GatewayProcess | SandboxProcess] = []
    clients: dict[str, httpx.Client] = {}
    for profile in ("head", "tag"):
        folder: Path = tmp_path_factory.mktemp(profile)
        sandbox = SandboxProcess("ima2", folder, speed=400, profile=profile)
        settings = {"faces": {"ima2": {"profile": profile}}}
        gateway = GatewayProcess(folder / "gateway", {"ima2": backend(sandbox)}, settings=settings)
        running += [gateway, sandbox]
        clients[profile] = httpx.Client(base_url=f"{gateway.url}/ima2", timeout=60, trust_env=False)
    yield clients
    for client in clients.values():
        client.close()
    for process in running:
        process.stop()


@pytest.mark.parametrize("name", NAMES)
def test_the_face_answers_as_recorded(faces: dict[str, httpx.Client], name: str) -> None:
    """The same request gets the same answer, but for what is on purpose and listed."""
    recording = Recording(name)
    method, path, how = recording.translated()
    answer = faces[recording.profile].request(method, path, headers=how["headers"], content=how["data"])
    if name in DIFFERENT:
        assert answer.status_code == DIFFERENT[name]
        assert answer.json()["error"]
        return
    recorded = recording.response
    assert answer.status_code == recorded["status"], answer.text[:300]
    kind = recorded["headers"].get("content-type", "").partition(";")[0]
    assert answer.headers.get("content-type", "").partition(";")[0] == kind
    if path.startswith("/api/"):
        assert answer.headers["x-request-id"]
    if kind == "text/event-stream":
        assert answer.headers["cache-control"] == recorded["headers"]["cache-control"]
    if kind != "text/html" and name not in _UNTOLD:
        body = answer.content.replace(b"16x16", recording._size.encode())
        found = recording._unlike_body(body)
        if name in TOLD:
            assert any(".warnings: 1 items, recorded 0" in each for each in found) or "null" in name or "empty" in name
            found = [each for each in found if not any(word in each for word in (".warnings:", ".size:", ".usage:"))]
        assert [each for each in found if not any(ours in each for ours in _OURS)] == []
