"""Going on from what was made before: on the server that made it, on another one, and where nobody can."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.asked import made
from tests.e2e.ima2_client import frames
from tests.harness import GatewayProcess, SandboxProcess, backend
from tests.unit.pictures import encoded

SERVERS = {"head": "head", "new": "new"}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SandboxProcess]]:
    """Two servers of different builds."""
    folder = tmp_path_factory.mktemp("servers")
    running = {name: SandboxProcess("ima2", folder / name, speed=60, profile=name) for name in SERVERS}
    yield running
    for sandbox in running.values():
        sandbox.stop(5)


@pytest.fixture(scope="module")
def http(servers: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a gateway in front of both."""
    running = GatewayProcess(tmp_path_factory.mktemp("front"), {name: backend(each) for name, each in servers.items()})
    assert running.http is not None
    yield running.http
    running.stop()


@pytest.fixture(scope="module")
def root(http: httpx.Client) -> dict[str, Any]:
    """A picture that was made as a node at one of the servers."""
    fields = {"operation": "image.generate", "prompt": "a root", "options": {"ima2": {"node": True}}}
    job = made(http, {**fields, "route": {"backends": ["head"], "accounts": ["oauth"]}})
    assert job["effective"]["options"]["node_id"]
    return job


def edit(root: dict[str, Any], on: str, *more: dict[str, str]) -> dict[str, Any]:
    """Return a request that goes on from a picture."""
    source = {"role": "source", "asset_id": root["outputs"][0]["asset_id"]}
    route = {"backends": [on], "accounts": ["oauth"]}
    return {"operation": "image.edit", "prompt": f"go on at {on}", "inputs": [source, *more], "route": route}


def mask_of(root: dict[str, Any]) -> dict[str, str]:
    """Return a mask of a picture's size."""
    [output] = root["outputs"]
    content = encoded("png", "RGBA", (output["width"], output["height"]))
    return {"role": "mask", "data": base64.b64encode(content).decode()}


@pytest.mark.parametrize(
    ("on", "masked", "path"),
    [("head", False, "/api/node/generate"), ("new", False, "/api/edit"), ("head", True, "/api/edit")],
)
def test_a_dry_run_tells_whether_a_picture_is_continued_or_sent(
    http: httpx.Client, servers: dict[str, SandboxProcess], root: dict[str, Any], on: str, path: str, *, masked: bool
) -> None:
    """At the server that made it as a node it is named as the parent; elsewhere, and under a mask, it goes along."""
    body = edit(root, on, *((mask_of(root),) if masked else ()))
    request = http.post("/v1/jobs?dry_run=true", json=body).raise_for_status().json()["request"]
    assert request["path"] == path
    server = servers[on].http
    assert server is not None
    server.delete("/_sandbox/calls")
    job = made(http, body)
    assert job["state"] == "succeeded", job["error"]
    [call] = [each for each in servers[on].calls("POST") if each["path"] == path]
    parent = root["effective"]["options"]["node_id"] if path == "/api/node/generate" else None
    assert request["body"].get("parentNodeId") == call["body"].get("parentNodeId") == parent
    assert ("image" in request["body"]) is ("image" in call["body"]) is (parent is None)
    if parent is None:
        assert request["body"]["image"] == f"<{root['outputs'][0]['asset_id']}>"


def test_a_film_is_not_continued_and_the_face_says_so(http: httpx.Client, servers: dict[str, SandboxProcess]) -> None:
    """Neither one of ours nor one that another server made: refused by ima2's own code, and nothing is sent."""
    told = frames(http.post("/ima2/api/video/generate", json={"prompt": "waves", "duration": 1}))
    assert told[-1][0] == "done"
    ours = told[-1][1]["filename"]
    before = len(servers["new"].calls("POST", "/api/video/generate"))
    for wish, code in (
        ({"continueFromVideo": ours}, "GROK_VIDEO_INVALID_MODE"),
        ({"continueFromVideo": "elsewhere.mp4"}, "GROK_VIDEO_INVALID_MODE"),
        ({"storyboard": ["a", "b"]}, "INVALID_REQUEST"),
        ({"sourceFilename": "elsewhere.mp4"}, "GROK_VIDEO_INVALID_MODE"),
        ({"sourceFilename": ours}, "INVALID_REQUEST"),
    ):
        [(event, refusal)] = frames(http.post("/ima2/api/video/generate", json={"prompt": "and on", **wish}))
        assert (event, refusal["code"], refusal["status"]) == ("error", code, 400), (wish, refusal)
    assert "is a film" in refusal["error"]
    assert len(servers["new"].calls("POST", "/api/video/generate")) == before


def test_a_picture_from_elsewhere_begins_a_film(http: httpx.Client, root: dict[str, Any]) -> None:
    """What a server of another build made is a first frame like any other: its bytes go along."""
    frame = {"role": "first_frame", "asset_id": root["outputs"][0]["asset_id"]}
    job = made(http, {"operation": "video.generate", "prompt": "on", "inputs": [frame], "video": {"duration_s": 1}})
    assert (job["state"], job["backend"]) == ("succeeded", "new"), job["error"]
