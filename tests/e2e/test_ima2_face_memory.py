"""What the face keeps is told as real ima2 servers were recorded to tell it: nodes, files, history, what is in flight.

The recorded requests are sent in an order that makes sense, with the names that things have here.
"""

import json
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.asked import wait_for
from tests.harness import GatewayProcess, SandboxProcess, backend
from tests.unit.adapters.ima2.recorded import RECORDINGS, Recording

#: One server's memory, written and read in this order.
#: What was made here is other than what was made there, and this gateway is set up in its own way.
_OURS = (
    ".model:", ".moderation:", ".size:", ".format:", ".usage:", ".sessionId:", ".nodeId:", " items, recorded ",
    ".legacyCandidatesScanned:", ".configDir:", ".kind:", ".clientNodeId:", ".quality:", ".webSearch", ".elapsed:",
    ".title:", ".nextCursor: None", ".parentNodeId:", ".sequence", ".requestId: ",
)  # fmt: skip
#: Where the face does otherwise than it is recorded, on purpose: the status that it answers instead, and why.
OTHERWISE = {
    "node_file_sidecar": (404, "what lies beside a file tells its prompt: nobody gets it"),
    "node_child_json": (400, "references go with a root only, as the older document has it (wire §12.9)"),
    "node_get_jpeg": (200, "a node is found in whatever format it was made"),
    "assets_404": (404, "no path of the face but the app's own: every other one is Express's page"),
    "history_delete": (200, "what is deleted can be restored, and the answer says how"),
    "tag_history_delete": (200, "the newer document's fields come along"),
    "history_restore_unknown": (400, "not 500 with a path of the server"),
    "history_delete_pct": (404, "not 500: the name is decoded once"),
    "tag_history_restore_expired": (200, "it can be restored for days, not for ten seconds"),
}
#: What this module sends again.
NODE, JPEG, PICTURE = "n_255b6220a8", "n_e4344e6572", "1795232755624_c3cb0011_0.jpeg"
DELETED, FOR_GOOD, ON_TAG = "n_b6aa9101a6.png", "1795232977042_7115e835_0.png", "1795233284235_dc876236_0.png"
SENT = frozenset({
    "inflight_empty", "storage_status_empty", "node_get_ok", "node_file", "file_range", "node_file_sidecar",
    "node_get_jpeg", "file_jpeg", "file_304", "file_trash_dot", "assets_404", "history_default", "history_grouped",
    "history_limit_huge", "history_session", "history_since", "history_page2", "history_delete",
    "history_delete_again", "history_restore_escape", "history_restore_unknown", "history_delete_badpct",
    "history_delete_escape", "history_delete_pct", "history_delete_permanent", "history_delete_permanent_missing",
    "node_child_json", "node_child_parentonly", "node_child_sse", "node_external_filename",
    "storage_status_ok", "oauth_status_ready", "health_active", "health_after_restart", "root",
    "inflight_delete_unknown", "inflight_delete", "inflight_active", "inflight_kind", "inflight_terminal",
    "inflight_after_delete", "tag_history_delete", "tag_history_restore", "tag_history_restore_expired",
    "tag_generated_sidecar", "tag_inflight_delete",
})  # fmt: skip


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, httpx.Client]]:
    """Two gateways, one in each recorded build's clothes, before a sandbox of that build."""
    running: list[GatewayProcess | SandboxProcess] = []
    clients: dict[str, httpx.Client] = {}
    for profile in ("head", "tag"):
        folder: Path = tmp_path_factory.mktemp(profile)
        sandbox = SandboxProcess("ima2", folder, speed=60, profile=profile)
        settings = {"faces": {"ima2": {"profile": profile}}}
        gateway = GatewayProcess(folder / "gateway", {"ima2": backend(sandbox, max_concurrency=16)}, settings=settings)
        running += [gateway, sandbox]
        clients[profile] = httpx.Client(base_url=f"{gateway.url}/ima2", timeout=60, trust_env=False)
    yield clients
    for client in clients.values():
        client.close()
    for process in running:
        process.stop()


def replay(client: httpx.Client, name: str, ids: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    """Send a recorded request again, with another body if one is given; compare the answer with the recorded one."""
    assert name in SENT
    recording = Recording(name, ids)
    method, path, how = recording.translated()
    content = json.dumps(body).encode() if body else how["data"]
    answer = client.request(method, path, headers=how["headers"], content=content)
    recorded = recording.response
    if name in OTHERWISE:
        assert answer.status_code == OTHERWISE[name][0], (name, answer.text[:300])
        return answer
    assert answer.status_code == recorded["status"], (name, answer.text[:300])
    kinds = [each.get("content-type", "").partition(";")[0] for each in (answer.headers, recorded["headers"])]
    assert kinds[0] == kinds[1], name
    if kinds[1] in ("application/json", "text/event-stream"):
        text = answer.content
        for theirs, ours in (ids or {}).items():
            text = text.replace(ours.encode(), theirs.encode())
        found = recording._unlike_body(text)
        assert [each for each in found if not any(word in each for word in _OURS)] == [], name
    return answer


def picture(client: httpx.Client, path: str = "/api/generate", **fields: Any) -> dict[str, Any]:
    """Make a small picture."""
    answer = client.post(path, json={"prompt": "a shiba in space", "size": "64x64", **fields})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_empty_server_is_told_as_recorded(faces: dict[str, httpx.Client]) -> None:
    """Nothing made, nothing in flight."""
    for name in ("inflight_empty", "storage_status_empty", "oauth_status_ready", "health_active", "root"):
        replay(faces["head"], name)
    replay(faces["head"], "health_after_restart")


def test_nodes_and_files_are_served_as_recorded(faces: dict[str, httpx.Client]) -> None:
    """By their ids and names, whole, in parts, and not twice."""
    http = faces["head"]
    node = picture(http, "/api/node/generate", sessionId="s_x", clientNodeId="c2")
    for name in ("node_get_ok", "node_file", "file_range", "node_file_sidecar"):
        replay(http, name, {NODE: node["nodeId"]})
    for name in ("node_child_json", "node_child_parentonly", "node_child_sse", "node_external_filename"):
        replay(http, name, {NODE: node["nodeId"]})
    other = picture(http, "/api/node/generate", format="jpeg")
    replay(http, "node_get_jpeg", {JPEG: other["nodeId"]})
    replay(http, "file_jpeg", {PICTURE: picture(http, format="jpeg")["filename"]})
    etag = http.get(node["url"]).headers["etag"]
    recorded = Recording("file_304").response
    known = http.get(node["url"], headers={"If-None-Match": etag})
    assert (known.status_code, known.content, known.headers["etag"]) == (recorded["status"], b"", etag)
    for name in ("file_trash_dot", "assets_404"):
        replay(http, name)


def test_the_history_is_told_as_recorded(faces: dict[str, httpx.Client]) -> None:
    """Its pages, groups and filters; what is deleted, restored, or never was there."""
    http = faces["head"]
    names = [picture(http, sessionId="s_1")["filename"] for _ in range(3)]
    for name in ("history_default", "history_grouped", "history_limit_huge", "history_session", "history_since"):
        replay(http, name)
    cursor = http.get("/api/history?limit=2").json()["nextCursor"]
    before = str(cursor["before"])
    replay(http, "history_page2", {"1795232974143_93ac18e7_0.png": cursor["beforeFilename"], "1795232974143": before})
    deleted = {DELETED: names[0]}
    replay(http, "history_delete", deleted)
    for name in ("history_delete_again", "history_restore_escape", "history_restore_unknown"):
        replay(http, name, deleted)
    for name in ("history_delete_badpct", "history_delete_escape", "history_delete_pct"):
        replay(http, name)
    replay(http, "history_delete_permanent", {FOR_GOOD: names[1]})
    replay(http, "history_delete_permanent_missing")
    replay(http, "storage_status_ok")
    tag = faces["tag"]
    here = {ON_TAG: picture(tag)["filename"]}
    trash = replay(tag, "tag_history_delete", here).json()["trashId"]
    replay(tag, "tag_generated_sidecar", here)
    replay(tag, "tag_history_restore", here, trashId=trash)
    replay(tag, "tag_history_restore_expired", here)


def test_what_is_in_flight_is_told_as_recorded(faces: dict[str, httpx.Client]) -> None:
    """Rows of every kind while they run, ends with what became of them; a delete ends the job, and stops nothing."""
    http = faces["head"]
    source = picture(http)["image"]
    begun = {
        "inf-1": ("/api/generate", {"sessionId": "s_1", "references": [source]}),
        "inf-2": ("/api/node/generate", {"sessionId": "s_1", "clientNodeId": "c9"}),
        "inf-3": ("/api/generate/multimode", {"maxImages": 2}),
        "inf-4": ("/api/edit", {"image": source}),
        "can-1": ("/api/generate", {}),
    }
    shared = {"prompt": "[[slow:240]] a shiba in space", "size": "64x64"}
    waiting = []
    for name, (path, fields) in begun.items():
        send = partial(http.post, path, json={**shared, "requestId": name, **fields})
        waiting.append(threading.Thread(target=send))
        waiting[-1].start()
    streaming = partial(_all_streaming, http, len(begun))
    rows = {row["requestId"]: row for row in wait_for(streaming, "all at work")}
    for row in Recording("inflight_active").response["body"]["jobs"]:
        _same_row(rows[row["requestId"]], row)
    replay(http, "inflight_kind")
    replay(http, "inflight_delete_unknown")
    replay(faces["tag"], "tag_inflight_delete")
    replay(http, "inflight_delete")
    for thread in waiting:
        thread.join(30)
    ends = {end["requestId"]: end for end in http.get("/api/inflight?includeTerminal=1").json()["terminalJobs"]}
    for name in ("inflight_terminal", "inflight_after_delete"):
        for end in Recording(name).response["body"]["terminalJobs"]:
            if end["requestId"] in begun:
                _same_row(ends[end["requestId"]], end)


def _all_streaming(http: httpx.Client, count: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = http.get("/api/inflight").json()["jobs"]
    return rows if [row["phase"] for row in rows] == ["streaming"] * count else []


def _same_row(ours: dict[str, Any], recorded: dict[str, Any]) -> None:
    """Compare a row of the registry: the keys of it and of what it knows, its kind, how it stands."""
    # That it was canceled has a status of its own here.
    extra = {"httpStatus", "errorCode"} if recorded.get("status") == "canceled" else set()
    assert ours.keys() - extra == recorded.keys(), recorded["requestId"]
    assert ours["meta"].keys() == recorded["meta"].keys(), recorded["requestId"]
    for name in ("kind", "phase", "status"):
        assert ours.get(name) == recorded.get(name), (recorded["requestId"], name)


def test_everything_that_is_named_is_sent() -> None:
    """The names of this module are recordings, and what is answered otherwise is one of them."""
    names = {path.stem for path in RECORDINGS.glob("*.json")}
    assert names >= SENT >= OTHERWISE.keys()
