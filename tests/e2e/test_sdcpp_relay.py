"""What a Studio keeps for itself, through the gateway: for the one team that it belongs to, and without its secrets."""

import re
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.keyed import KeyedGateway, bearer
from tests.harness import SandboxProcess, backend

MODEL = "/api/models/z-image-turbo"
#: Every address that is passed on.
ADDRESSES = (
    ("GET", MODEL),
    ("GET", f"{MODEL}/status"),
    ("GET", f"{MODEL}/files/status"),
    ("GET", f"{MODEL}/memory-components"),
    ("POST", f"{MODEL}/memory-flags"),
    ("POST", f"{MODEL}/start"),
    ("POST", f"{MODEL}/stop"),
    ("POST", "/api/v1/models/z-image-turbo/start"),
    ("POST", "/api/v1/models/z-image-turbo/stop"),
    ("GET", "/api/settings"),
    ("GET", "/api/gpu-info"),
    ("GET", "/api/memory/estimate?modelId=z-image-turbo"),
    ("GET", "/api/logs"),
)
#: What may stand in no answer: keys, command lines, ports, processes, addresses and paths.
SECRETS = re.compile(r'"(api_key|api|pid|port|args|command|recentOutput|stdout|hostname)"|https?://|/[a-z]+/[a-z]+/')


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A Studio of its own: starting and stopping models is nothing to share."""
    running = SandboxProcess("sdcpp", tmp_path_factory.mktemp("studio"), speed=60)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def owned(studio: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedGateway]:
    """A gateway whose Studio belongs to the team `design`."""
    behind = {"studio": backend(studio, exclusive_team="design")}
    running = KeyedGateway(tmp_path_factory.mktemp("owned"), behind)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ours(owned: KeyedGateway) -> Iterator[httpx.Client]:
    """A client of the team that the Studio belongs to."""
    token = owned.client("design").headers["authorization"].removeprefix("Bearer ")
    with httpx.Client(base_url=f"{owned.url}/sdcpp", headers=bearer(token), timeout=60, trust_env=False) as http:
        yield http


def test_a_model_is_shown_started_and_stopped(ours: httpx.Client) -> None:
    """Each answer has what a client of Studio looks at, and nothing of the machine."""
    shown = ours.get(MODEL).json()
    assert (shown["id"], shown["execMode"]) == ("z-image-turbo", shown["execMode"])
    started = ours.post(f"{MODEL}/start", json={"steps": 8})
    assert started.status_code in (200, 409), started.text
    status = ours.get(f"{MODEL}/status").json()
    assert status["id"] == "z-image-turbo"
    assert ours.post(f"{MODEL}/stop").status_code in (200, 400)
    assert ours.post(f"{MODEL}/stop").status_code == 400


def test_what_goes_back_tells_nothing_of_the_servers_secrets(ours: httpx.Client) -> None:
    """Its own answers hold keys, paths, ports and processes; ours hold none of them, on any address."""
    for method, path in ADDRESSES:
        answer = ours.request(method, path, json={} if method == "POST" else None)
        assert answer.status_code in (200, 400, 409), (path, answer.text)
        assert not SECRETS.search(answer.text), (path, SECRETS.search(answer.text), answer.text[:300])
    lines = ours.get("/api/logs?limit=50").json()
    assert set(lines) == {"app", "sdcpp", "http"}
    assert all(set(line) <= {"level", "time"} for line in lines["http"]), "requests tell prompts and keys"


@pytest.mark.parametrize("body", [{"extraArgs": "--rm -rf"}, {"steps": 8, "command": "sh"}])
def test_a_model_is_never_started_with_words_for_a_command_line(
    ours: httpx.Client, studio: SandboxProcess, body: dict[str, object]
) -> None:
    """Refused by the name of the field, and nothing reaches the Studio."""
    studio.http.delete("/_sandbox/calls").raise_for_status()
    answer = ours.post(f"{MODEL}/start", json=body)
    assert answer.status_code == 400
    assert "is not passed on" in answer.json()["error"]
    assert not [call for call in studio.calls("POST") if call["path"].endswith("/start")]


@pytest.mark.parametrize(("method", "path"), ADDRESSES)
def test_for_every_other_team_there_is_no_such_address(owned: KeyedGateway, method: str, path: str) -> None:
    """It reads as on a Studio without these routes."""
    answer = owned.client("others").request(method, f"/sdcpp{path}", json={} if method == "POST" else None)
    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


def test_a_refusal_of_studio_comes_back_as_it_was(ours: httpx.Client) -> None:
    """With its status and its one envelope."""
    for path in ("/api/models/nope/status", "/api/memory/estimate?modelId=nope"):
        answer = ours.get(path)
        assert (answer.status_code, list(answer.json())) == (404, ["error"])
