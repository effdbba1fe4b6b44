"""What an ima2 server keeps for itself, through the gateway: for the one team that the server belongs to."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.ima2_client import Clients
from tests.e2e.keyed import KeyedGateway
from tests.harness import SandboxProcess, backend

GRAPH: dict[str, Any] = {
    "nodes": [
        {"id": "a", "x": 1, "y": 2, "data": {"note": {"any": ["thing"]}}},
        {"id": "b", "x": 3, "y": 4, "data": {}},
    ],
    "edges": [{"id": "e", "source": "a", "target": "b", "data": {}}],
}
#: What the gateway asks by itself.
PROBES = {"/api/capabilities", "/api/providers", "/api/oauth/status", "/api/grok/status", "/api/events"}
#: Every family of addresses that is passed on.
ADDRESSES = (
    ("GET", "/api/sessions"),
    ("POST", "/api/sessions"),
    ("GET", "/api/sessions/s_1"),
    ("PUT", "/api/sessions/s_1/graph"),
    ("GET", "/api/sessions/s_1/style-sheet"),
    ("POST", "/api/sessions/s_1/style-sheet/extract"),
    ("GET", "/api/agent/sessions"),
    ("POST", "/api/agent/sessions/as_1/turns"),
    ("POST", "/api/agent/queue/aq_1/cancel"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """An ima2 server of the newest build."""
    running = SandboxProcess("ima2", tmp_path_factory.mktemp("easel"), speed=60, profile="new")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def owned(
    server: SandboxProcess, sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KeyedGateway]:
    """A gateway whose ima2 server belongs to the team `design`; a Studio is there for everybody."""
    behind = {
        "easel": backend(server, exclusive_team="design", max_concurrency=8),
        "studio": backend(sandboxes["sdcpp"], max_concurrency=8),
    }
    running = KeyedGateway(tmp_path_factory.mktemp("owned"), behind)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(owned: KeyedGateway) -> Iterator[Clients]:
    """Clients of the face, each of a team."""
    made = Clients(owned)
    yield made
    made.close()


def new_session(http: httpx.Client, title: str = "A graph") -> str:
    """Make a session and return its id."""
    answer = http.post("/api/sessions", json={"title": title})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["session"]["id"])


def test_a_session_lives_from_its_making_to_its_end(client: Clients) -> None:
    """Made, listed, opened, renamed and deleted, each in the words and statuses of the server itself."""
    http = client("design")
    name = new_session(http, "Forest")
    assert name in [each["id"] for each in http.get("/api/sessions").json()["sessions"]]
    opened = http.get(f"/api/sessions/{name}")
    assert set(opened.json()["session"]) == {
        "id", "title", "createdAt", "updatedAt", "graphVersion", "nodes", "edges",
    }  # fmt: skip
    assert http.get(f"/api/sessions/{name}", headers={"If-None-Match": opened.headers["etag"]}).status_code == 304
    assert http.patch(f"/api/sessions/{name}", json={"title": "Wood"}).json() == {"ok": True}
    assert http.get(f"/api/sessions/{name}").json()["session"]["title"] == "Wood"
    blank = http.patch(f"/api/sessions/{name}", json={"title": " "})
    assert (blank.status_code, blank.json()["error"]["code"]) == (400, "INVALID_TITLE")
    assert http.delete(f"/api/sessions/{name}").json() == {"ok": True}
    gone = http.get(f"/api/sessions/{name}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "SESSION_NOT_FOUND")


def test_a_graph_is_saved_against_the_version_that_its_writer_saw(client: Clients) -> None:
    """`"0"` and `0` are taken, a stale version is told the current one, none is 428: the header is not touched."""
    http = client("design")
    path = f"/api/sessions/{new_session(http)}/graph"
    saved = http.put(path, json=GRAPH, headers={"If-Match": '"0"', "X-Ima2-Tab-Id": "tab"})
    assert saved.json() == {"ok": True, "nodes": 2, "edges": 1, "graphVersion": 1}
    assert http.put(path, json=GRAPH, headers={"If-Match": "1"}).json()["graphVersion"] == 2
    stale = http.put(path, json=GRAPH, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "GRAPH_VERSION_CONFLICT")
    assert stale.json()["currentVersion"] == 2
    unsaid = http.put(path, json=GRAPH)
    assert (unsaid.status_code, unsaid.json()["error"]["code"]) == (428, "GRAPH_VERSION_REQUIRED")
    weak = http.put(path, json=GRAPH, headers={"If-Match": 'W/"2"'})
    assert (weak.status_code, weak.json()["error"]["code"]) == (400, "INVALID_GRAPH_VERSION")
    nodes = http.get(path.removesuffix("/graph")).json()["session"]["nodes"]
    assert nodes[0]["data"]["note"] == {"any": ["thing"]}


def test_a_style_sheet_is_kept_and_switched(client: Clients) -> None:
    """Put, read, switched off; what is no sheet is refused in the server's words."""
    http = client("design")
    path = f"/api/sessions/{new_session(http)}/style-sheet"
    assert http.get(path).json() == {"styleSheet": None, "enabled": False}
    assert http.put(path, json={"styleSheet": {"mood": "calm"}, "enabled": True}).json() == {"ok": True}
    assert http.get(path).json() == {"styleSheet": {"mood": "calm"}, "enabled": True}
    assert http.patch(f"{path}/enabled", json={"enabled": False}).json() == {"ok": True, "enabled": False}
    wrong = http.put(path, json={"styleSheet": "blue"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "INVALID_SHEET")
    extracted = http.post(f"{path}/extract", json={"prompt": "oil on canvas [[api_key]]"})
    assert extracted.json()["styleSheet"]["medium"] == "oil painting"


def test_agent_mode_talks_draws_and_shows_its_pictures(client: Clients) -> None:
    """A turn is answered with its picture, which the face serves; its queue is cancelled in the server's words."""
    http = client("design")
    made = http.post("/api/agent/sessions", json={"title": "Sketches"})
    assert made.status_code == 201
    name = made.json()["selectedSessionId"]
    workspace = http.post(f"/api/agent/sessions/{name}/turns", json={"prompt": "a brass astrolabe"}).json()
    image = workspace["imagesById"][workspace["currentImageId"]]
    picture = http.get(image["url"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert picture.content.startswith(b"\x89PNG")
    assert "codexThreadId" not in made.text
    assert http.get(f"{image['url']}.json").status_code == 404, "what lies beside a picture holds its prompt"
    queued = http.post(f"/api/agent/sessions/{name}/queue", json={"prompt": "[[slow:300]] a slow one"})
    assert queued.status_code == 202
    item = queued.json()["queueItem"]["id"]
    assert http.post(f"/api/agent/queue/{item}/cancel").status_code == 200
    again = http.post(f"/api/agent/queue/{item}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "AGENT_QUEUE_CANCEL_FAILED")
    assert again.json()["error"]["code"] == "AGENT_QUEUE_CANCEL_FAILED"


def test_the_prompt_builder_answers_as_it_does_itself(client: Clients) -> None:
    """Its own client gets the whole message, in sections."""
    body = {"messages": [{"role": "user", "content": "a quiet harbour"}]}
    said = client("design").post("/api/prompt-builder/chat", json=body).json()
    assert set(said) == {"provider", "backend", "requestedBackend", "model", "message", "usage"}
    assert "Final Prompt - English:\na quiet harbour" in said["message"]["content"]


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_for_every_other_team_there_is_no_such_address(client: Clients, method: str, path: str) -> None:
    """It reads as on a server without these routes, and nothing reaches the team's server."""
    answer = client("others").request(method, path, json={"prompt": "x", "title": "x"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert f"Cannot {method} {path}" in answer.text


def test_a_builder_that_nobody_has_is_not_ready(client: Clients) -> None:
    """The one route whose absence ima2 has a word for."""
    body = {"messages": [{"role": "user", "content": "x"}]}
    answer = client("others").post("/api/prompt-builder/chat", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "PROMPT_BUILDER_NO_BACKEND_READY")


def test_a_server_of_one_team_serves_no_other_teams_jobs(owned: KeyedGateway) -> None:
    """To others it is not there: not by name, not by route, not in any list."""
    ours, theirs = owned.client("design"), owned.client("others")
    wish = {"operation": "image.generate", "prompt": "a lamp", "model": "easel/gpt-5.4"}
    assert ours.post("/v1/jobs", json=wish, headers={"Prefer": "wait=30"}).json()["state"] == "succeeded"
    refused = theirs.post("/v1/jobs", json=wish)
    assert (refused.status_code, refused.json()["code"]) == (400, "request.model_unknown")
    routed = theirs.post("/v1/jobs", json={**wish, "model": "auto", "route": {"backends": ["easel"]}})
    assert routed.json()["code"] == "request.field_invalid"
    for path in ("/v1/models", "/v1/backends", "/v1/capabilities"):
        assert "easel" in ours.get(path).text
        assert "easel" not in theirs.get(path).text
    assert theirs.get("/v1/backends/easel").status_code == 404


def test_what_the_server_says_in_its_trouble_stays_inside(client: Clients, server: SandboxProcess) -> None:
    """Its pages, junk and failures come out in ima2's envelope, without its paths and its upstream's words."""
    http = client("design")
    name = new_session(http)
    for outcome, status, code in (
        ("html", 502, None),
        ("garbage", 502, None),
        ("DB_ERROR", 500, "DB_ERROR"),
        ("invalid_api_key", 500, "invalid_api_key"),
    ):
        server.force({"route": f"GET /api/sessions/{name}$", "outcome": outcome})
        answer = http.get(f"/api/sessions/{name}")
        server.force()
        assert answer.status_code == status, (outcome, answer.text)
        error = answer.json()["error"]
        assert code in (None, error["code"])
        assert not re.search(r"locked|Incorrect|<html|nginx", answer.text)


def test_a_key_that_may_only_read_changes_nothing(client: Clients) -> None:
    """Writing needs the scope that jobs need, and so does what spends."""
    http = client("design", "--scope", "jobs:read")
    assert http.get("/api/sessions").status_code == 200
    for path in ("/api/sessions", "/api/prompt-builder/chat"):
        assert http.post(path, json={"title": "x"}).status_code == 403


def test_what_is_passed_on_is_counted_and_what_spends_apart(owned: KeyedGateway, client: Clients) -> None:
    """By address, never by what is in it."""
    name = new_session(client("design"), "Counted")
    client("design").get(f"/api/sessions/{name}")
    client("design").post("/api/prompt-builder/chat", json={"messages": [{"role": "user", "content": name}]})
    assert owned.http is not None
    scraped = owned.http.get("/metrics").text
    assert re.search(r'triptych_relayed_requests_total\{backend="easel",route="GET /api/sessions/{id}"', scraped)
    assert 'route="POST /api/prompt-builder/chat",spends="true"' in scraped
    assert name not in scraped


def test_the_history_calls_its_groups_by_the_titles_of_sessions(client: Clients) -> None:
    """Jobs of the gateway, titles of the server."""
    http = client("design")
    name = new_session(http, "Harbour studies")
    assert http.post("/api/generate", json={"prompt": "a harbour", "sessionId": name}).status_code == 200
    groups = http.get("/api/history?groupBy=session").json()["sessions"]
    group = next(each for each in groups if each["sessionId"] == name)
    assert (group["title"], group["label"], len(group["items"])) == ("Harbour studies", "Harbour studies", 1)


@pytest.mark.parametrize("name", ["%2e%2e", "%2E", "..%2f..%2fapi%2fproviders", "x%2f..%2f..%2fproviders", "a%3fb%23c"])
def test_an_id_is_one_step_of_a_path_and_never_leads_elsewhere(
    client: Clients, server: SandboxProcess, name: str
) -> None:
    """Whatever is in it, the server is asked for that id and no other address, or not at all."""
    server.http.delete("/_sandbox/calls").raise_for_status()
    answer = client("design").get(f"/api/sessions/{name}")
    assert answer.status_code == 404
    asked = {call["path"] for call in server.calls()} - PROBES
    assert len(asked) <= 1
    assert all(re.fullmatch("/api/sessions/[^/?#]+", path) for path in asked)
    assert client("design").get(f"/generated/{name}/x.png").status_code == 404
