"""The face answers what a real sd.cpp Studio was recorded to answer, request by request: status, type, keys, kinds.

A gateway stands between: the recorded request goes to its face, over its engine and its adapter to the sandbox.
"""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.keyed import KeyedGateway
from tests.e2e.studio_replay import DIFFERENT, TAKEN, Replay, left_out
from tests.harness import GatewayProcess, SandboxProcess, backend
from tests.unit.adapters.recording import load


@pytest.fixture(scope="module")
def face(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Return a client of the face of a gateway before a sandbox of Studio."""
    folder = tmp_path_factory.mktemp("recorded")
    sandbox = SandboxProcess("sdcpp", folder, speed=400)
    gateway = GatewayProcess(folder / "gateway", {"studio": backend(sandbox, max_concurrency=16)})
    client = httpx.Client(base_url=f"{gateway.url}/sdcpp", timeout=60, trust_env=False)
    yield client
    client.close()
    gateway.stop()
    sandbox.stop()


@pytest.fixture(scope="module")
def locked(keyed: KeyedGateway) -> Iterator[tuple[httpx.Client, str]]:
    """Return a client without a key, of the face of a gateway that asks for one; and a key."""
    token = keyed.client("recorded", "--backend", "studio").headers["authorization"].removeprefix("Bearer ")
    with httpx.Client(base_url=f"{keyed.url}/sdcpp", timeout=60, trust_env=False) as client:
        yield client, token


def compare(replay: Replay, name: str) -> None:
    """Send all that is recorded, in its order, and hold the answers against the recorded ones."""
    skipped = left_out(name)
    for at, exchange in enumerate(replay.exchanges):
        if at in skipped:
            continue
        request, recorded = exchange["request"], exchange["response"]
        other = DIFFERENT.get(name, {}).get(at)
        if other is not None:
            answer = replay.ask(request)
            assert answer.status_code == other, f"#{at}: {answer.text[:300]}"
            assert other < 400 or answer.json()["error"]
            replay.learn(recorded, answer)
            continue
        found = replay.differences(recorded, replay.ask(request))
        if found and request["method"] == "GET":
            # A job that is on its way becomes what it was when it was looked at.
            found = replay.until_alike(request, recorded)
        assert found == [], f"#{at} {request['path']}"


@pytest.mark.parametrize("name", [name for name in TAKEN if name != "auth"])
def test_the_face_answers_as_recorded(face: httpx.Client, name: str) -> None:
    """The same requests get the same answers, but for what is on purpose and listed."""
    compare(Replay(face, name), name)


def test_the_face_asks_for_keys_as_recorded(locked: tuple[httpx.Client, str]) -> None:
    """Whoever has none, a wrong one, or one in another place; but nothing at all is open without one."""
    client, key = locked
    compare(Replay(client, "auth", key), "auth")


def test_what_killed_the_recorded_server_is_a_bad_request(face: httpx.Client) -> None:
    """A value that its table could not hold (recorded: sdapi_txt2img_crash)."""
    [asked] = [each["exchange"]["request"] for name, each in load("sdcpp") if name == "sdapi_txt2img_crash"]
    answer = face.request(asked["method"], asked["path"], json=asked["json"])
    assert (answer.status_code, answer.json()) == (400, {"error": "seed must be a number"})
    assert face.get("/api/health").json()["status"] == "ok"
