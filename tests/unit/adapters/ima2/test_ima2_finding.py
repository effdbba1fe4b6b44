"""Finding ima2 by its `server.json`: which file, what of it is believed, and that the key goes there alone."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.ima2 import DIALECT
from adapters.ima2.adapter import Ima2
from adapters.ima2.finding import address_in, file_of
from contracts.catalog import CatalogError
from contracts.port import BackendSettings, Output
from tests.unit.adapters.ima2.recorded import RECORDINGS

ANSWERS: dict[str, dict[str, Any]] = {
    "/api/providers": {"apiKey": False, "apiKeyDisabled": False, "apiKeySource": "none"},
    "/api/oauth/status": {"status": "ready", "models": ["gpt-5.4"]},
}


def placed(address: object, **more: object) -> str:
    """Return a file that tells of an address."""
    return json.dumps({"backend": {"url": address}, **more})


@pytest.mark.parametrize(
    ("base_url", "environ", "wanted"),
    [
        ("server.json", {}, "~/.ima2/server.json"),
        ("server.json", {"IMA2_CONFIG_DIR": "/srv/ima2"}, "/srv/ima2/server.json"),
        ("server.json", {"IMA2_CONFIG_DIR": "/srv/ima2", "IMA2_ADVERTISE_FILE": "/run/here.json"}, "/run/here.json"),
        ("/opt/server.json", {"IMA2_CONFIG_DIR": "/srv/ima2"}, "/opt/server.json"),
        ("~/other/server.json", {}, "~/other/server.json"),
        ("http://127.0.0.1:3333/server.json", {}, None),
    ],
)
def test_the_bare_name_means_the_file_that_ima2_itself_writes(
    monkeypatch: pytest.MonkeyPatch, base_url: str, environ: dict[str, str], wanted: str | None
) -> None:
    """Its own variables move it, a path is a path, and an address is no file."""
    for name in ("IMA2_CONFIG_DIR", "IMA2_ADVERTISE_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = file_of(base_url)
    assert (None if found is None else str(found)) == wanted
    assert DIALECT.advertised_at == "~/.ima2/server.json"


@pytest.mark.parametrize(
    ("content", "address"),
    [
        ((RECORDINGS / "advertise_server.json").read_text(), "http://127.0.0.1:3433"),
        (placed("http://localhost:3334", url="http://127.0.0.1:1"), "http://localhost:3334"),
        (json.dumps({"port": 3335, "url": "http://127.0.0.1:3335/"}), "http://127.0.0.1:3335"),
        (placed("http://[::1]:3336"), "http://[::1]:3336"),
        (placed("https://127.0.0.2"), "https://127.0.0.2"),
    ],
)
def test_an_address_on_this_machine_is_believed(tmp_path: Path, content: str, address: str) -> None:
    """`backend.url` before the older `url`; what follows the port is nothing but a slash."""
    file = tmp_path / "server.json"
    file.write_text(content)
    assert address_in(file, "ima2") == address


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"backend": {"url": "http://127.0', "is not of the shape"),
        (b"[]", "is not of the shape"),
        (b"\xff\xfe", "is not of the shape"),
        (placed(3333).encode(), "is not of the shape"),
        (b"{}", "tells no address"),
        (placed("http://192.0.2.7:3333").encode(), "tells no address"),
        (placed("http://127.0.0.1.example.com:3333").encode(), "tells no address"),
        (placed("http://me:pw@127.0.0.1:3333").encode(), "tells no address"),
        (placed("http://127.0.0.1:3333/elsewhere").encode(), "tells no address"),
        (placed("http://127.0.0.1:3333?x=1").encode(), "tells no address"),
        (placed("http://127.0.0.1:0").encode(), "tells no address"),
        (placed("http://127.0.0.1:99999").encode(), "tells no address"),
        (placed("http://[::1:3333").encode(), "tells no address"),
        (placed("file:///etc/passwd").encode(), "tells no address"),
        (placed("127.0.0.1:3333").encode(), "tells no address"),
    ],
)
def test_a_file_that_cannot_be_meant_is_a_misconfigured_backend(tmp_path: Path, content: bytes, said: str) -> None:
    """Half written, of another machine, or with credentials: nothing is sent anywhere."""
    file = tmp_path / "server.json"
    file.write_bytes(content)
    refused(file, "backend.misconfigured", said)


def test_a_face_of_ours_is_no_server_behind_us(tmp_path: Path) -> None:
    """What this very process advertises would bring its own jobs back to it; another process's is a server."""
    file = tmp_path / "server.json"
    for pid in (os.getpid() + 1, os.getpid()):
        file.write_text(placed("http://127.0.0.1:3333", pid=pid))
        if pid != os.getpid():
            assert address_in(file, "there") == "http://127.0.0.1:3333"
    refused(file, "backend.misconfigured", "tells of this gateway itself")


def refused(file: Path, code: str, said: str) -> None:
    """Check that a file is refused, and that the refusal names the setting and not the place."""
    with pytest.raises(CatalogError) as caught:
        address_in(file, "there")
    error = caught.value
    assert (error.code, error.outcome, error.facts["backend"]) == (code, "not_started", "there")
    assert error.detail.startswith(f"The server.json that backends.there.base_url names {said}")
    assert str(file.parent) not in error.detail


def test_what_is_no_file_is_never_waited_for(tmp_path: Path) -> None:
    """A folder, a pipe and a file of nobody; one that is not there is a server that does not run."""
    refused(tmp_path / "server.json", "backend.unavailable", "is not there")
    (tmp_path / "server.json").mkdir()
    refused(tmp_path / "server.json", "backend.misconfigured", "is no file")
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "backend.misconfigured", "is no file")


@pytest.fixture
def asked() -> list[httpx.Request]:
    """Return what reached any server."""
    return []


@pytest.fixture
def connect(tmp_path: Path, asked: list[httpx.Request]) -> Callable[[], Ima2]:
    """Return what makes an adapter whose every request is answered here."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        known = ANSWERS.get(request.url.path)
        if known is None and not request.url.path.startswith("/generated/"):
            return httpx.Response(404, stream=httpx.ByteStream(b"<html>Cannot GET</html>"))
        return httpx.Response(200, stream=httpx.ByteStream(json.dumps(known or {}).encode()))

    def made() -> Ima2:
        adapter = Ima2(BackendSettings(name="ima2", base_url=str(tmp_path / "server.json"), api_key="the-key"))
        adapter._exchanges._quick = httpx.MockTransport(answer)
        return adapter

    return made


async def test_the_key_and_the_files_follow_the_server_to_its_new_address(
    tmp_path: Path, connect: Callable[[], Ima2], asked: list[httpx.Request]
) -> None:
    """The file is read anew by each discovery; from then on the old address is a stranger's."""
    adapter = connect()
    for port in (3333, 3334):
        asked.clear()
        (tmp_path / "server.json").write_text(placed(f"http://127.0.0.1:{port}"))
        found = await adapter.discover()
        await adapter.health()
        [_ async for _ in adapter.fetch(Output(index=0, reference="/generated/a.png"))]
        assert found.address == f"http://127.0.0.1:{port}"
        assert {request.url.port for request in asked} == {port}
        assert {request.headers["x-ima2-token"] for request in asked} == {"the-key"}
    with pytest.raises(CatalogError) as caught:
        [_ async for _ in adapter.fetch(Output(index=0, reference="http://127.0.0.1:3333/generated/a.png"))]
    assert caught.value.facts["reason"] == "fetch_hosts"
    await adapter.close()


async def test_before_the_server_is_found_nothing_is_sent(
    connect: Callable[[], Ima2], asked: list[httpx.Request]
) -> None:
    """Neither a question, nor a look for a file: the backend is unavailable, and nothing was begun."""
    adapter = connect()
    with pytest.raises(CatalogError) as health:
        await adapter.health()
    with pytest.raises(CatalogError) as fetched:
        [_ async for _ in adapter.fetch(Output(index=0, reference="/generated/a.png"))]
    assert {(each.value.code, each.value.outcome) for each in (health, fetched)} == {
        ("backend.unavailable", "not_started")
    }
    assert asked == []
    await adapter.close()
