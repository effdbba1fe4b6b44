"""The socket of Studio: its messages, who may listen, and when it ends."""

from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.e2e.asked import wait_for
from tests.e2e.keyed import KeyedGateway, make_key, revoke_key
from tests.e2e.studio_client import Ear, Studios, ended, made, queued
from tests.harness import GatewayProcess, SandboxProcess, backend, free_port

CHANNELS = ["queue", "generations", "models", "download", "gpu", "terminal"]
FAILING = {"prompt": "[[upstream_400]] x", "size": "64x64", "model": "qwen-image"}


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Iterator[Studios]:
    """Clients of the face, each of a team."""
    found = Studios(keyed)
    yield found
    found.close()


def test_the_socket_speaks_as_recorded(client: Studios) -> None:
    """Greeting, subscriptions of any name, ping and pong; what is no message is passed over (recorded: websocket)."""
    with Ear(client("ears"), "queue", "made-up") as ear:
        for odd in ({"type": "subscribe"}, {"type": "bogus"}, "not json", "[1]", b"\0bytes", {"type": "ping"}):
            ear.say(odd)
        ear.say({"type": "unsubscribe", "channel": "made-up"})
        wait_for(lambda: ear.heard[-1]["type"] == "pong", "a pong")
        told = [{**each, "timestamp": type(each["timestamp"])} for each in ear.heard]
    assert told == [
        {"type": "connected", "channels": CHANNELS, "timestamp": int},
        {"type": "subscribed", "channel": "queue", "timestamp": int},
        {"type": "subscribed", "channel": "made-up", "timestamp": int},
        {"type": "pong", "timestamp": int},
    ]


def test_a_jobs_life_is_told_in_studios_events(client: Studios) -> None:
    """Its states, its end on two channels, its failure with its text; nothing of submits and cancels."""
    http = client("told")
    with Ear(http, "queue", "generations") as ear:
        done = made(http)
        assert ear.until(done["id"], "generation_complete")[-2:] == [
            ("job_completed", "completed"), ("generation_complete", "completed"),
        ]  # fmt: skip
        assert ("job_updated", "processing") in ear.of(done["id"])
        failed = ended(http, queued(http, FAILING))
        ear.until(failed["id"], "job_failed")
        data = {each["type"]: each["data"] for each in ear.heard if "data" in each}
    job = {"type": "generate", "prompt": done["prompt"], "created_at": done["created_at"]}
    assert data["generation_complete"] == {"id": done["id"], "status": "completed", **job, "imageCount": 1}
    assert data["job_completed"] == {"id": done["id"], "status": "completed", **job, "progress": 0, "error": None}
    assert data["job_failed"]["error"] == failed["error"]


def test_a_channel_that_was_left_is_silent(client: Studios) -> None:
    """Only what is subscribed is told."""
    http = client("half")
    with Ear(http, "queue", "generations") as ear:
        ear.say({"type": "unsubscribe", "channel": "queue"})
        ear.say({"type": "ping"})
        wait_for(lambda: ear.heard[-1]["type"] == "pong", "a pong")
        assert ear.until(made(http)["id"], "generation_complete") == [("generation_complete", "completed")]


def test_a_team_hears_nothing_of_another(client: Studios) -> None:
    """The event of one's own job comes, the other team's job before it does not."""
    with Ear(client("hears"), "queue", "generations") as ear:
        theirs, ours = made(client("unheard"))["id"], made(client("hears"))["id"]
        assert ear.until(ours, "generation_complete")
        assert ear.of(theirs) == []


def test_nobody_listens_without_a_key(client: Studios, keyed: KeyedGateway) -> None:
    """Refused before it is a socket: 401 without, 403 with a wrong one; where no socket is, 404."""
    url = f"{keyed.url}/sdcpp/ws".replace("http", "ws", 1)
    for headers, status in (({}, 401), ({"X-Api-Key": "wrong"}, 403), ({"Authorization": "Bearer wrong"}, 403)):
        with pytest.raises(InvalidStatus) as refused:
            Ear(keyless(keyed), headers=headers)
        assert refused.value.response.status_code == status, url
    anywhere = client("hears")
    anywhere_else = type(anywhere)(base_url=f"{keyed.url}/v1", headers=anywhere.headers, trust_env=False)
    with anywhere_else, pytest.raises(InvalidStatus) as refused:
        Ear(anywhere_else)
    assert refused.value.response.status_code == 404


def keyless(keyed: KeyedGateway) -> httpx.Client:
    """Return a client of the face that sends no key."""
    return httpx.Client(base_url=f"{keyed.url}/sdcpp", trust_env=False)


def test_a_revoked_key_hears_no_more(keyed: KeyedGateway) -> None:
    """Its socket is closed within 15 s of the revocation (security.md §1)."""
    key_id, token = make_key(keyed.data_dir, "revoked-ear")
    http = httpx.Client(base_url=f"{keyed.url}/sdcpp", headers={"X-Api-Key": token}, trust_env=False)
    with http, Ear(http, "queue") as ear:
        revoke_key(keyed.data_dir, key_id)
        wait_for(lambda: ear.closed, "a close", 20)
        assert ear.closed == 1001


def test_sockets_count_as_streams_and_end_with_the_gateway(
    sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One more than a team may have is 429; one that was left makes room; a page of another site is kept out."""
    face = {"listen": f"127.0.0.1:{free_port()}"}
    settings = {"limits": {"streams_per_team": 1}, "faces": {"sdcpp": face}}
    folder = tmp_path_factory.mktemp("sockets")
    gateway = GatewayProcess(folder, {"studio": backend(sandboxes["sdcpp"])}, settings=settings)
    http = httpx.Client(base_url=f"{gateway.url}/sdcpp", trust_env=False)
    own = httpx.Client(base_url=f"http://{face['listen']}", trust_env=False)
    try:
        with Ear(own, "queue"):
            with pytest.raises(InvalidStatus) as refused:
                Ear(http)
            assert refused.value.response.status_code == 429
        ear = wait_for(lambda: _heard(http), "room for a socket")
        ear.close()
        with pytest.raises(InvalidStatus) as refused:
            Ear(http, headers={"Origin": "https://evil.example"})
        assert refused.value.response.status_code == 401
        last = wait_for(lambda: _heard(own), "room for a socket")
    finally:
        gateway.stop()
    wait_for(lambda: last.closed, "a close")
    assert last.closed == 1001
    http.close()
    own.close()


def _heard(http: httpx.Client) -> Ear | None:
    try:
        return Ear(http, "queue")
    except InvalidStatus:
        return None
