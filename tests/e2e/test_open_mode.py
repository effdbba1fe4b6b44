"""Open mode: only this machine is served, no page of another site is, and the first key ends it for good."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.asked import begun, post, problem, shown, spec, wait_for
from tests.e2e.drawn import png
from tests.e2e.keyed import bearer, make_key, revoke_key
from tests.e2e.listening_in import Listener
from tests.harness import GatewayProcess

NAMES = ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "127.8.9.10", "[::1]:8080"]
#: The address that stands for all of a machine.
EVERYWHERE = ".".join("0000")
STRANGE_NAMES = [
    *("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io"),
    *(EVERYWHERE, "[::]", "10.0.0.1", "169.254.169.254", "[::ffff:10.0.0.1]", "2130706433", "127.1", "0x7f.0.0.1"),
    *("", "localhost@evil.example", "[::1", "localhost."),
]
ORIGINS = ["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443"]
STRANGE_ORIGINS = ["https://evil.example", "http://localhost.evil.example", "null", "", "file://", "http://10.0.0.1:80"]
#: What lives without a key, whoever asks.
LIFE_SIGNS = ("/livez", "/readyz", "/version")


@pytest.fixture
def lonely(backends: dict[str, dict[str, object]], tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway of one's own, open, with one backend."""
    running = GatewayProcess(tmp_path, {"ima2": backends["ima2"]})
    yield running
    running.stop()


@pytest.mark.parametrize("name", NAMES)
def test_under_a_loopback_name_everything_is_open(gateway: GatewayProcess, name: str) -> None:
    """Who asks this machine under one of its own names needs no key."""
    assert gateway.http.get("/v1/jobs", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_under_any_other_name_nothing_is(gateway: GatewayProcess, name: str) -> None:
    """A name that somebody else could point here is no way in, whatever a proxy's headers claim."""
    claims = {"X-Forwarded-Host": "localhost", "Forwarded": "host=localhost", "X-Forwarded-For": "127.0.0.1"}
    for headers in ({"Host": name}, {"Host": name, **claims}):
        answer = gateway.http.get("/v1/jobs", headers=headers)
        assert problem(answer, "auth.unauthenticated")["reason"] == "host"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("name", ["evil.example#localhost", "evil.example/localhost", "localhost, evil.example"])
def test_what_is_no_name_at_all_is_no_way_in(gateway: GatewayProcess, name: str) -> None:
    """A header that says two things, or nothing that can be read, is refused without a look at the key."""
    problem(gateway.http.get("/v1/jobs", headers={"Host": name}), "request.malformed", 400)


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_every_route_but_the_life_signs_looks_at_names(gateway: GatewayProcess, headers: dict[str, str]) -> None:
    """No route of the contract is forgotten, and no answer allows a page of another site to read it."""
    document = gateway.http.get("/openapi.json").raise_for_status().json()
    for path, item in document["paths"].items():
        for method in item:
            answer = gateway.http.request(method, path.replace("{", "").replace("}", ""), headers=headers)
            assert answer.status_code == (200 if path in LIFE_SIGNS else 401), (method, path)
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_of_this_machine_may_ask(gateway: GatewayProcess, origin: str) -> None:
    """A dashboard under development on another port of this machine is a neighbour."""
    assert gateway.http.get("/v1/jobs", headers={"Origin": origin}).status_code == 200


@pytest.mark.parametrize("origin", STRANGE_ORIGINS)
def test_a_page_of_another_site_can_do_nothing(gateway: GatewayProcess, origin: str) -> None:
    """Whatever a form or a script elsewhere could send without asking first is refused, and nothing happens."""
    job = begun(gateway.http, spec("[[slow:30]] a fox"))
    asset = gateway.http.post("/v1/assets", content=png(), headers={"Content-Type": "image/png"}).json()["id"]
    newest = gateway.http.get("/v1/assets", params={"limit": 1}).json()
    headers = {"Origin": origin}
    answers = [
        gateway.http.post("/v1/jobs", json=spec(), headers=headers),
        gateway.http.post(f"/v1/jobs/{job['id']}/cancel", headers=headers),
        gateway.http.post("/v1/assets", files={"file": ("a.png", png(), "image/png")}, headers=headers),
        gateway.http.delete(f"/v1/assets/{asset}", headers=headers),
        gateway.http.post(f"/v1/assets/{asset}/restore", headers=headers),
    ]
    assert [problem(each, "auth.unauthenticated")["reason"] for each in answers] == ["origin"] * len(answers)
    assert gateway.http.get("/v1/assets", params={"limit": 1}).json() == newest
    assert gateway.http.get("/v1/jobs", params={"limit": 1}).json()["jobs"][0]["id"] == job["id"]
    assert shown(gateway.http, job["id"], wait=60)["state"] == "succeeded"


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_write_must_say_that_it_is_json(gateway: GatewayProcess, media_type: str) -> None:
    """What a page may send without a preflight never makes a job, not even from this machine."""
    answer = gateway.http.post(
        "/v1/jobs", content=b'{"operation":"image.generate"}', headers={"Content-Type": media_type}
    )
    problem(answer, "request.malformed", 415)


def test_a_key_that_is_sent_must_be_good_here_too(gateway: GatewayProcess) -> None:
    """Open to those without a key is not open to those with a wrong one."""
    for sent, reason in (("Bearer trp_nothing", "unknown"), ("Basic eDp5", "malformed")):
        answer = gateway.http.get("/v1/jobs", headers={"Authorization": sent})
        assert problem(answer, "auth.unauthenticated")["reason"] == reason


def test_the_first_key_ends_open_mode_for_good(lonely: GatewayProcess) -> None:
    """Whoever listens without a good key is cut off, and revoking the last one or a new start opens nothing again."""
    assert lonely.http.get("/v1/jobs").status_code == 200
    listeners = [Listener(lonely.http, "/v1/events")]
    key_id, token = make_key(lonely.data_dir, "first")
    with httpx.Client(base_url=lonely.url, headers=bearer(token), trust_env=False) as first:
        wait_for(lambda: lonely.http.get("/v1/jobs").status_code == 401, "a closed door")
        assert first.get("/v1/jobs").json()["jobs"] == []
        job = begun(first, spec("[[slow:9000]] a fox"))
        listeners += [Listener(first, path) for path in ("/v1/events", job["links"]["events"])]
        revoke_key(lonely.data_dir, key_id)
        wait_for(lambda: first.get("/v1/jobs").status_code == 401, "a key that is refused")
        assert problem(first.get("/v1/jobs"), "auth.unauthenticated")["reason"] == "revoked"
        for listener in listeners:
            listener.until_ended(15)
            listener.close()
            assert not {"job.succeeded", "job.failed", "job.cancelled"} & set(listener.types)
    closed(lonely.http)
    lonely.stop()
    restarted = lonely.restarted()
    try:
        closed(restarted.http)
    finally:
        restarted.stop()


def closed(http: httpx.Client | None) -> None:
    """Check that nothing is open but the signs of life."""
    assert http is not None
    for path in ("/v1/jobs", "/v1/backends", "/metrics", "/docs", "/openapi.json"):
        assert problem(http.get(path), "auth.unauthenticated")["reason"] == "missing"
    problem(post(http, spec()), "auth.unauthenticated")
    assert [http.get(path).status_code for path in LIFE_SIGNS] == [200, 200, 200]


@pytest.mark.parametrize("host", [EVERYWHERE, "gateway.internal"])
def test_beyond_this_machine_it_does_not_start_without_keys(tmp_path: Path, host: str) -> None:
    """Whatever address it is told to listen on, if others could reach it, it says what to do and ends."""
    command = [sys.executable, "-m", "gateway", "serve", "--host", host, "--port", "0", "--data-dir", str(tmp_path)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TRIPTYCH_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert f"Refusing to listen on {host} without keys" in done.stderr
    assert "triptych keys create" in done.stderr
    assert not (tmp_path / "address").exists()
