"""Whose pictures they are: keys where Studio's clients put them, teams, a listener of its own, and what never leaks."""

import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.e2e.asked import wait_for
from tests.e2e.keyed import KeyedGateway, bearer
from tests.e2e.studio_client import Ear, Studios, ended, made, picture, queued, row, uploaded
from tests.harness import GatewayProcess, SandboxProcess, backend, free_port

NO_KEY = "Missing API key. Use Authorization: Bearer <API_KEY> or X-Api-Key: <API_KEY> header"
#: An id that nothing has.
NOBODY = "00000000-0000-4000-8000-000000000000"
ROUTES = (
    ("GET", "/api/health"), ("GET", "/api/config"), ("GET", "/api/queue"), ("GET", "/api/queue/stats"),
    ("POST", "/api/generate"), ("POST", "/api/queue/edit"), ("POST", "/api/queue/cancel-all"), ("GET", "/api/models"),
    ("GET", "/api/generations"), ("GET", f"/api/images/{NOBODY}"), ("GET", f"/static/images/{NOBODY}.png"),
    ("POST", "/sdapi/v1/txt2img"), ("GET", "/sdapi/v1/progress"),
)  # fmt: skip


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Iterator[Studios]:
    """Clients of the face, each of a team."""
    found = Studios(keyed)
    yield found
    found.close()


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_asks_for_a_key(keyed: KeyedGateway, method: str, path: str) -> None:
    """401 without one and 403 with a wrong one, in Studio's envelope; the real one serves some to anybody (wire §2)."""
    with httpx.Client(base_url=f"{keyed.url}/sdcpp", trust_env=False) as http:
        missing = http.request(method, path)
        assert (missing.status_code, missing.json()) == (401, {"error": "Unauthorized", "message": NO_KEY})
        wrong = http.request(method, path, headers={"X-Api-Key": "wrong"})
        assert (wrong.status_code, wrong.json()) == (403, {"error": "Forbidden", "message": "Invalid API key"})


def test_a_key_is_taken_where_studio_takes_it(keyed: KeyedGateway) -> None:
    """Bearer, the password of Basic, X-Api-Key; a wrong Bearer beats a right X-Api-Key; never in the query."""
    token = keyed.token
    basic = {each: b64encode(each.encode()).decode() for each in (token, f"anybody:{token}", "anybody:wrong")}
    cases = (
        (bearer(token), 200),
        ({"Authorization": f"bearer {token}"}, 200),
        ({"X-Api-Key": token}, 200),
        ({"Authorization": f"Basic {basic[token]}"}, 200),
        ({"Authorization": f"Basic {basic[f'anybody:{token}']}"}, 200),
        ({"Authorization": f"Basic {basic['anybody:wrong']}", "X-Api-Key": token}, 403),
        ({"Authorization": "Basic %%%"}, 403),
        ({"Authorization": "Bearer wrong", "X-Api-Key": token}, 403),
        ({"Authorization": "Digest x", "X-Api-Key": token}, 200),
    )
    with httpx.Client(base_url=f"{keyed.url}/sdcpp", trust_env=False) as http:
        for headers, status in cases:
            assert http.get("/api/queue/stats", headers=headers).status_code == status, headers
        assert http.get("/api/queue/stats", params={"api_key": token}).status_code == 401


def test_two_teams_never_see_each_others_work(client: Studios) -> None:
    """Not in lists and counters, not by an id, not a picture, not by cancelling or deleting."""
    ours, theirs = client("studio-ours"), client("studio-theirs")
    done = made(ours)
    running = queued(ours, {"prompt": "[[slow:600]] x", "size": "64x64", "model": "gpt-5.4"})
    image = done["images"][0]["id"]
    assert theirs.get("/api/queue").json() == {
        "jobs": [], "stats": {"pending": 0, "processing": 0, "completed": 0, "failed": 0},
    }  # fmt: skip
    assert theirs.get("/api/generations").json()["pagination"]["total"] == 0
    assert theirs.get(f"/api/generations/{done['id']}/images").json() == []
    for path in (f"/api/queue/{done['id']}", f"/api/generations/{done['id']}", f"/api/generations/{done['id']}/image",
                 f"/api/images/{image}", f"/static/images/{image}.png"):  # fmt: skip
        assert theirs.get(path).status_code == 404
        unknown = path.replace(done["id"], str(uuid4())).replace(image, str(uuid4()))
        assert theirs.get(path).json() == theirs.get(unknown).json()
    assert theirs.delete(f"/api/queue/{running}").status_code == 404
    assert theirs.post("/api/queue/cancel-all").json() == {"success": True, "cancelled": 0}
    assert theirs.delete(f"/api/generations/{done['id']}").json() == {"success": True}
    assert theirs.post("/sdapi/v1/interrupt").json() == {"success": True}
    assert row(ours, running)["status"] in ("pending", "processing")
    assert ours.get(f"/api/images/{image}").status_code == 200
    assert ours.post("/api/queue/cancel-all").json() == {"success": True, "cancelled": 1}


def test_a_key_does_only_what_it_may(client: Studios) -> None:
    """Reading, making and deleting each need their scope; what lacks it is 403, and nothing has happened."""
    reader, maker = client("scopes", "--scope", "jobs:read"), client("scopes")
    done = made(maker)
    for answer in (
        reader.post("/api/queue/generate", json={"prompt": "x"}),
        uploaded(reader, "/api/queue/variation", {}, image=picture()),
        reader.get(f"/api/images/{done['images'][0]['id']}"),
        reader.delete(f"/api/generations/{done['id']}"),
        reader.post("/sdapi/v1/txt2img", json={"prompt": "x"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (403, "Forbidden")
    assert reader.get("/api/queue/stats").json()["completed"] == 1
    # A picture of a job needs the scope that makes jobs, and no other.
    few = client("scopes", "--scope", "jobs:write", "--scope", "jobs:read", "--backend", "studio")
    answer = uploaded(few, "/api/queue/variation", {}, image=picture())
    assert ended(few, answer.json()["job_id"])["status"] == "completed"


def test_what_clients_send_is_in_no_log_and_what_they_get_names_no_backend(
    client: Studios, keyed: KeyedGateway
) -> None:
    """Canaries in prompts, names of files and fields, keys, and in what an upstream says."""
    http = client("canaries")
    words = {name: f"canary{uuid4().hex}" for name in ("prompt", "negative", "file", "field", "key", "query", "ear")}
    body = {"prompt": f"{words['prompt']} [[upstream_400]]", "negative_prompt": words["negative"], "size": "64x64",
            "model": "qwen-image"}  # fmt: skip
    failed = ended(http, queued(http, body))
    files = {"image": (f"{words['file']}.png", picture(), "image/png")}
    http.post("/api/queue/variation", data={words["field"]: words["field"]}, files=files)
    http.post("/api/queue/variation", data={"prompt": "x"}, files={words["field"]: (words["file"], b"", "image/png")})
    http.get(f"/api/queue?status={words['query']}", headers={"X-Api-Key": words["key"]})
    with Ear(http, "queue", words["ear"]) as ear:
        ear.say(words["ear"])
        made(http)
    log = keyed.log.read_text()
    assert "/sdcpp/api/queue/{id}" in log
    assert [name for name, word in words.items() if word in log] == []
    assert "generate_image returned" not in str(failed)
    assert not [each for each in keyed.backends.values() if str(each["base_url"]) in str(failed)]


@pytest.fixture(scope="module")
def bound(sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedGateway]:
    """A gateway with keys whose Studio listener lets anybody on this machine in, as the team `design`."""
    folder: Path = tmp_path_factory.mktemp("bound-studio")
    face = {"listen": f"127.0.0.1:{free_port()}", "team": "design"}
    backends = {"studio": backend(sandboxes["sdcpp"], max_concurrency=4)}
    running = KeyedGateway(folder, backends, settings={"faces": {"sdcpp": face}})
    yield running
    running.stop()


def test_a_listener_of_its_own_serves_its_team_without_a_key(bound: KeyedGateway) -> None:
    """The face stands at its root, socket and all; pages of other sites are kept out."""
    url = f"http://{bound.settings['faces']['sdcpp']['listen']}"  # type: ignore[index]
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
        assert http.get("/api/config").json()["sdApiEndpoint"] == url
        assert http.get("/api/config").json()["authEnabled"] is False
        with Ear(http, "generations") as ear:
            done = made(http)
            ear.until(done["id"], "generation_complete")
        assert http.post("/api/queue/generate", json={"prompt": "x"}, headers={"Origin": "https://evil.example"}
                         ).status_code == 401  # fmt: skip
    studios = Studios(bound)
    assert studios("design").get(f"/api/queue/{done['id']}").status_code == 200
    assert studios("others").get(f"/api/queue/{done['id']}").status_code == 404
    studios.close()


def test_a_queued_job_is_there_after_the_gateway_was_killed(
    sandboxes: dict[str, SandboxProcess], tmp_path: Path
) -> None:
    """Its id, its note and its picture survive; it was submitted once."""
    first = GatewayProcess(tmp_path, {"studio": backend(sandboxes["sdcpp"])})
    face = httpx.Client(base_url=f"{first.url}/sdcpp", timeout=60, trust_env=False)
    before = len(sandboxes["sdcpp"].submits())
    body = {"prompt": "[[slow:60]] a kill in between", "size": "64x64", "seed": 5, "model": "qwen-image"}
    job_id = queued(face, body)
    lost: list[str] = []

    def wait() -> None:
        try:
            face.post("/api/generate", json={**body, "prompt": "[[slow:60]] waiting"})
        except httpx.HTTPError as error:
            lost.append(type(error).__name__)

    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_for(lambda: len(sandboxes["sdcpp"].submits()) > before, "the backend")
    wait_for(lambda: len(face.get("/api/queue").json()["jobs"]) == 2, "the one that waits")
    first.kill()
    waiting.join(30)
    assert lost
    second = first.restarted()
    try:
        found = ended(face, job_id)
        assert (found["status"], found["seed"]) == ("completed", "5.0")
        assert face.get(f"/api/images/{found['images'][0]['id']}").status_code == 200
        wait_for(lambda: face.get("/api/queue/stats").json()["completed"] == 2, "both")
        assert len(sandboxes["sdcpp"].submits()) == before + 2
    finally:
        face.close()
        second.stop()
