"""Whose pictures they are: keys, teams, listeners bound to one, and what survives a client that leaves."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.asked import wait_for
from tests.e2e.ima2_client import SEED, Clients, frames, picture_of
from tests.e2e.keyed import KeyedGateway, bearer
from tests.harness import GatewayProcess, SandboxProcess, backend, free_port


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Iterator[Clients]:
    """Clients of the face, each of a team."""
    made = Clients(keyed)
    yield made
    made.close()


def test_a_client_without_a_key_is_sent_away(keyed: KeyedGateway) -> None:
    """On every route, in ima2's words for it, before its body is read."""
    http = httpx.Client(base_url=f"{keyed.url}/ima2", trust_env=False)
    with http:
        for method, path in (("GET", "/api/health"), ("POST", "/api/generate"), ("GET", "/generated/a.png")):
            answer = http.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (401, "LAN_TOKEN_REQUIRED")
        assert http.get("/api/health", headers=bearer(keyed.token)).status_code == 200
        assert http.get("/api/health", headers={"x-ima2-token": keyed.token}).status_code == 200
        assert http.get("/api/health", headers={"x-ima2-token": "wrong"}).status_code == 401


def test_two_teams_never_see_each_others_work(client: Clients) -> None:
    """Not in the history, not by a file's name, not in flight, not by cancelling, deleting or going on from it."""
    ours, theirs = client("ours"), client("theirs")
    made = ours.post("/api/node/generate", json={"prompt": "a secret garden"}).json()
    begun = {"prompt": "[[slow:200]] x", "requestId": "shared-id", "async": True, "model": "gpt-5.4"}
    assert ours.post("/api/generate", json=begun).status_code == 202
    name = made["filename"]
    assert theirs.get("/api/history").json() == {"items": [], "total": 0, "nextCursor": None}
    assert theirs.get(f"/generated/{name}").status_code == 404
    assert theirs.get(f"/api/node/{made['nodeId']}").json()["error"]["code"] == "NODE_NOT_FOUND"
    assert theirs.get("/api/inflight").json() == {"jobs": []}
    assert theirs.delete("/api/inflight/shared-id").json()["active"] is False
    assert theirs.delete(f"/api/history/{name}").status_code == 404
    for body in ({"parentNodeId": made["nodeId"]}, {"externalSrc": name}):
        assert theirs.post("/api/node/generate", json={"prompt": "x", **body}).status_code == 404
    assert theirs.get("/api/storage/status").json()["data"]["generatedCount"] == 0
    # An id is one team's own: another team may use the same one.
    assert theirs.post("/api/generate", json={**begun, "prompt": "x", "async": False}).status_code == 200
    assert [job["requestId"] for job in ours.get("/api/inflight").json()["jobs"]] == ["shared-id"]
    assert ours.delete("/api/inflight/shared-id").json()["active"] is True
    assert ours.get(f"/generated/{name}").status_code == 200


def test_the_history_pages_groups_deletes_and_restores(client: Clients) -> None:
    """Cursors lead through all of it once; what is deleted is gone from list and address until it is restored."""
    http = client("archive")
    for number in range(3):
        session = {"sessionId": f"s_{number % 2}"} if number else {}
        made = http.post("/api/generate", json={"prompt": f"hill {number}", "n": 2, "model": "gpt-5.4", **session})
        assert made.status_code == 200, made.text
    seen: list[str] = []
    cursor: dict[str, str] | None = {}
    while cursor is not None:
        page = http.get("/api/history", params={"limit": 4, **cursor}).json()
        assert page["total"] == 6
        seen += [row["filename"] for row in page["items"]]
        cursor = page["nextCursor"]
    assert len(seen) == len(set(seen)) == 6
    created = [row["createdAt"] for row in http.get("/api/history").json()["items"]]
    assert created == sorted(created, reverse=True)
    newest = http.get("/api/history", params={"since": created[-1]}).json()["items"]
    assert len(newest) == 4
    grouped = http.get("/api/history?groupBy=session").json()
    assert [(group["sessionId"], len(group["items"])) for group in grouped["sessions"]] == [("s_0", 2), ("s_1", 2)]
    assert len(grouped["loose"]) == 2
    assert len(http.get("/api/history?sessionId=s_1").json()["items"]) == 2
    gone = http.delete(f"/api/history/{seen[0]}").json()
    assert (gone["ok"], gone["filename"], gone["undoableInApp"]) == (True, seen[0], True)
    assert http.get(f"/generated/{seen[0]}").status_code == 404
    assert http.get("/api/history").json()["total"] == 5
    assert http.delete(f"/api/history/{seen[0]}").json()["code"] == "ASSET_NOT_FOUND"
    wrong = http.post(f"/api/history/{seen[0]}/restore", json={"trashId": "1_other.png"})
    assert (wrong.status_code, wrong.json()) == (400, {"error": "invalid trashId"})
    back = http.post(f"/api/history/{seen[0]}/restore", json={"trashId": gone["trashId"]})
    assert back.json() == {"ok": True}
    assert http.get(f"/generated/{seen[0]}").status_code == 200


def test_a_file_is_served_in_ranges_and_not_twice(client: Clients) -> None:
    """206 for a part, 304 for who has it, 416 for what is outside; and never to a shared cache."""
    http = client("ranges")
    name = http.post("/api/generate", json={"prompt": "x"}).json()["filename"]
    whole = http.get(f"/generated/{name}")
    part = http.get(f"/generated/{name}", headers={"Range": "bytes=0-99"})
    assert (part.status_code, part.content) == (206, whole.content[:100])
    assert part.headers["content-range"] == f"bytes 0-99/{len(whole.content)}"
    known = {"If-None-Match": whole.headers["etag"]}
    assert http.get(f"/generated/{name}", headers=known).status_code == 304
    assert http.get(f"/generated/{name}", headers={"Range": "bytes=99999999-"}).status_code == 416
    assert "private" in whole.headers["cache-control"]
    head = http.head(f"/generated/{name}")
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole.content)))
    assert http.get(f"/generated/{name}.json").status_code == 404


def test_a_job_survives_the_client_that_hung_up(client: Clients) -> None:
    """The request ended at the client's side; the job goes on and its picture is in the history."""
    http = client("leaver")
    body = {"prompt": "[[slow:60]] patience", "requestId": "left-alone", "model": "gpt-5.4"}
    with pytest.raises(httpx.ReadTimeout):
        http.post("/api/generate", json=body, timeout=0.1)
    rows = wait_for(lambda: http.get("/api/history").json()["items"], "a picture")
    assert rows[0]["requestId"] == "left-alone"


def test_a_cancel_ends_the_request_that_waits(client: Clients) -> None:
    """`DELETE /api/inflight/:id` says what it did; the client that waits gets 499 GENERATION_CANCELED."""
    http, ended = client("canceller"), []
    body = {"prompt": "[[slow:200]] for ever", "requestId": "to-cancel", "model": "gpt-5.4"}
    waiting = threading.Thread(target=lambda: ended.append(http.post("/api/generate", json=body)))
    waiting.start()
    wait_for(lambda: http.get("/api/inflight").json()["jobs"], "a job in flight")
    assert http.delete("/api/inflight/to-cancel").json().keys() == {"requestId", "active", "aborted"}
    waiting.join(30)
    assert (ended[0].status_code, ended[0].json()["code"]) == (499, "GENERATION_CANCELED")
    end = http.get("/api/inflight?includeTerminal=1").json()["terminalJobs"][0]
    assert (end["requestId"], end["status"]) == ("to-cancel", "canceled")


@pytest.fixture(scope="module")
def bound(sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedGateway]:
    """A gateway with keys whose ima2 listener lets anybody on this machine in, as the team `design`."""
    folder: Path = tmp_path_factory.mktemp("bound")
    face = {
        "listen": f"127.0.0.1:{free_port()}",
        "team": "design",
        "advertise": True,
        "advertise_path": str(folder / "server.json"),
    }
    backends = {"studio": backend(sandboxes["sdcpp"])}
    running = KeyedGateway(folder, backends, settings={"faces": {"ima2": face}})
    yield running
    running.stop()
    assert not (folder / "server.json").exists()


def test_a_client_without_a_key_finds_its_listener_and_works_for_its_team(bound: KeyedGateway) -> None:
    """The file names the listener; what is made there is the team's, and the key of the team sees it too."""
    told = json.loads((bound.folder / "server.json").read_text())
    assert told.keys() == {"port", "url", "pid", "startedAt", "version", "backend", "oauth"}
    with httpx.Client(base_url=told["backend"]["url"], timeout=60, trust_env=False) as http:
        assert http.get("/api/health").json()["ok"] is True
        made = http.post("/api/generate", json=SEED)
        assert made.status_code == 200, made.text
        assert picture_of(made.json()["image"])
        told_in_frames = frames(
            http.post("/api/node/generate", json={"prompt": "x"}, headers={"Accept": "text/event-stream"})
        )
        assert told_in_frames[-1][0] == "done"
        stranger = http.post("/api/generate", json=SEED, headers={"Origin": "https://evil.example"})
        assert stranger.status_code == 401
    design = Clients(bound)
    assert design("design").get("/api/history").json()["total"] == 2
    design.close()
    with httpx.Client(base_url=f"{bound.url}/ima2", trust_env=False) as keyless:
        assert keyless.get("/api/health").status_code == 401


def test_a_gateway_behind_our_own_adapter_is_a_server_of_ima2(bound: KeyedGateway, tmp_path: Path) -> None:
    """The chain: our adapter speaks to our face, which lets sd.cpp Studio make the picture."""
    url = json.loads((bound.folder / "server.json").read_text())["url"]
    front = GatewayProcess(tmp_path, {"far": {"dialect": "ima2", "base_url": url}})
    try:
        assert front.http is not None
        view = front.http.get("/v1/backends/far").json()
        assert view["profile"] == "new"
        job = front.create("a lighthouse", wait=60)
        assert job["state"] == "succeeded", job["error"]
        assert job["outputs"][0]["width"] == 1024
    finally:
        front.stop()


def test_a_waiting_client_finds_its_picture_after_the_gateway_was_killed(
    sandboxes: dict[str, SandboxProcess], tmp_path: Path
) -> None:
    """The names are durable with the job: the request is in the history under its id, and was made once."""
    first = GatewayProcess(tmp_path, {"ima2": backend(sandboxes["ima2"])})
    lost: list[str] = []

    def wait() -> None:
        try:
            httpx.post(f"{first.url}/ima2/api/generate", json=body, timeout=60, trust_env=False)
        except httpx.HTTPError as error:
            lost.append(type(error).__name__)

    body = {"prompt": "[[slow:120]] a kill in between", "requestId": "killed"}
    before = len(sandboxes["ima2"].submits())
    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_for(lambda: len(sandboxes["ima2"].submits()) > before, "the backend")
    first.kill()
    waiting.join(30)
    assert lost
    second = first.restarted()
    try:
        assert second.http is not None
        rows = wait_for(lambda: second.http.get("/ima2/api/history").json()["items"], "a picture", 60)
        assert [row["requestId"] for row in rows] == ["killed"]
        assert second.http.get(f"/ima2/generated/{rows[0]['filename']}").status_code == 200
        assert len(sandboxes["ima2"].submits()) == before + 1
    finally:
        second.stop()
