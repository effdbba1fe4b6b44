"""An ima2 server that is found by its `server.json`: at any port, also after a restart at another one."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.asked import begun, made, problem, spec, wait_for
from tests.e2e.keyed import KeyedGateway
from tests.harness import GatewayProcess, SandboxProcess, free_port, until

SPEED = 60
BY_FILE = {"dialect": "ima2", "base_url": "server.json", "sandbox": True}


class Home:
    """The configuration folder of one ima2, its server, and a gateway that is told of the folder alone."""

    def __init__(self, folder: Path) -> None:
        """Start the server and the gateway."""
        self.folder = folder
        self.server = SandboxProcess("ima2", folder / "server", speed=SPEED, profile="head")
        self.tell(self.server.url)
        self.gateway = KeyedGateway(folder / "gateway", {"ima2": BY_FILE}, env={"IMA2_CONFIG_DIR": str(folder)})

    def tell(self, url: str, **more: Any) -> None:
        """Write the file as the real server does."""
        port = int(url.rpartition(":")[2])
        place = {"configuredPort": 3333, "actualPort": port, "url": url}
        told = {"port": port, "url": url, "pid": 1, "startedAt": 1, "version": "1.1.8", "backend": place, **more}
        (self.folder / "server.json").write_text(json.dumps(told))

    def moved(self) -> None:
        """Kill the server and start it on its old state at another port."""
        self.server.kill()
        old = self.server
        self.server = SandboxProcess("ima2", old.folder, speed=SPEED, profile="head", port=free_port())
        assert self.server.url != old.url
        self.tell(self.server.url)

    def backend(self) -> dict[str, Any]:
        """Return what the gateway says of it."""
        assert self.gateway.http is not None
        [found] = self.gateway.http.get("/v1/backends").raise_for_status().json()["backends"]
        shown: dict[str, Any] = found
        return shown

    def asked(self, prompt: str) -> int:
        """Return how often the server was asked for a picture, wherever it listened."""
        return sum(prompt in call["body"]["prompt"] for call in self.server.submits())

    def stop(self) -> None:
        """End both."""
        self.gateway.stop()
        self.server.stop(5)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """One server that tells where it is."""
    running = Home(tmp_path_factory.mktemp("home"))
    yield running
    running.stop()


def test_the_server_is_found_and_its_address_is_shown_to_operators_alone(home: Home) -> None:
    """A picture comes from it; `/v1/backends` and a dry run name the port that it really has."""
    http = home.gateway.http
    assert http is not None
    assert made(http, spec("found by its file"))["state"] == "succeeded"
    assert home.backend()["base_url"] == home.server.url
    plain = home.gateway.client("red")
    for client, seen in ((http, home.server.url), (plain, None)):
        shown = client.post("/v1/jobs?dry_run=true", json=spec()).json()["request"]["host"]
        assert shown == seen
    assert home.server.url not in plain.get("/v1/backends").text


def test_a_job_meets_the_server_that_came_back_at_another_port(home: Home) -> None:
    """The old port refuses, the file is read again, and the same job is made at the new one."""
    http = home.gateway.http
    assert http is not None
    home.moved()
    job = made(http, spec("after the move"))
    assert job["state"] == "succeeded", job["error"]
    assert home.asked("after the move") == 1
    assert home.backend()["base_url"] == home.server.url


def test_what_was_made_before_both_died_is_found_at_the_new_port_and_not_paid_twice(home: Home) -> None:
    """The handle knows no address: a gateway that starts anew asks the server that the file names then."""
    http = home.gateway.http
    assert http is not None
    job = begun(http, spec("while nobody looked [[slow:60]]"))
    wait_for(lambda: home.asked("nobody looked"), "the submit")
    home.gateway.kill()
    assert home.server.http is not None
    server = home.server.http
    until(lambda: "nobody looked" in server.get("/api/history").text, what="the picture at the server")
    home.moved()
    home.gateway = restarted(home)
    assert home.gateway.http is not None
    ended = home.gateway.job(job["id"], wait=60)
    assert (ended["state"], len(ended["attempts"])) == ("succeeded", 1), ended["error"]
    assert home.asked("nobody looked") == 1


def restarted(home: Home) -> KeyedGateway:
    """Return the gateway started anew on its old directory."""
    return KeyedGateway(home.folder / "gateway", {"ima2": BY_FILE}, env={"IMA2_CONFIG_DIR": str(home.folder)})


def test_a_backend_whose_file_is_not_there_is_down_until_it_is(tmp_path: Path) -> None:
    """It is said why, without the place of the file; once a server tells of itself the backend is up."""
    file = tmp_path / "server.json"
    gateway = GatewayProcess(tmp_path / "gateway", {"ima2": {**BY_FILE, "base_url": str(file)}})
    server = SandboxProcess("ima2", tmp_path / "server", speed=SPEED, profile="head")
    try:
        assert gateway.http is not None
        http = gateway.http
        [shown] = http.get("/v1/backends").json()["backends"]
        assert (shown["up"], shown["last_error"], shown["base_url"]) == (False, "backend.unavailable", str(file))
        problem(http.post("/v1/jobs", json=spec()), "routing.no_candidate")
        told = [line for line in gateway.log.read_text().splitlines() if '"backend.down"' in line]
        assert [json.loads(line)["code"] for line in told] == ["backend.unavailable"]
        assert "server.json that backends.ima2.base_url names is not there" in told[0]
        assert str(tmp_path) not in told[0]
        file.write_text(json.dumps({"url": server.url}))
        wait_for(lambda: http.get("/v1/backends").json()["backends"][0]["up"], "the server that is told of now")
        assert made(http, spec())["state"] == "succeeded"
    finally:
        gateway.stop()
        server.stop(5)
