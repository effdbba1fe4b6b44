"""Films and accounts: a server of the newer document stands behind, with an API key and with Grok."""

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.drawn import png
from tests.e2e.ima2_client import frames, picture_of
from tests.harness import GatewayProcess, SandboxProcess, backend

FRAME = base64.b64encode(png(64, 64)).decode()


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a gateway before one server with all three accounts."""
    folder: Path = tmp_path_factory.mktemp("films")
    sandbox = SandboxProcess("ima2", folder, speed=60, profile="new")
    gateway = GatewayProcess(folder / "gateway", {"ima2": backend(sandbox)})
    with httpx.Client(base_url=f"{gateway.url}/ima2", timeout=60, trust_env=False) as client:
        yield client
    gateway.stop()
    sandbox.stop()


@pytest.mark.parametrize(
    ("body", "mode"),
    [
        ({"duration": 3, "resolution": "720p"}, "text-to-video"),
        ({"sourceImage": FRAME}, "image-to-video"),
        ({"referenceImages": [FRAME, FRAME]}, "reference-to-video"),
    ],
)
def test_a_film_is_planned_submitted_and_done(http: httpx.Client, body: dict[str, Any], mode: str) -> None:
    """In the order of the real server's frames; its file plays, and stands in the history with what it is."""
    told = frames(http.post("/api/video/generate", json={"prompt": "waves", **body}))
    assert [event for event, _ in told if event != "progress"] == ["planning", "submitted", "done"]
    done = told[-1][1]
    assert (done["video"]["mode"], done["mediaType"]) == (mode, "video")
    assert done["effectiveModel"].startswith("grok-imagine-video")
    assert done["video"]["duration"] == body.get("duration", 5)
    film = http.get(done["url"])
    assert (film.headers["content-type"], film.content[4:8]) == ("video/mp4", b"ftyp")
    row = http.get("/api/history").json()["items"][0]
    assert (row["filename"], row["kind"], row["format"]) == (done["filename"], "video", "mp4")


def test_a_blocked_film_is_an_error_frame_after_planning(http: httpx.Client) -> None:
    """The refusal's own code and status, as Grok's policy is told there."""
    told = frames(http.post("/api/video/generate", json={"prompt": "[[GROK_VIDEO_MODERATION_BLOCKED]] waves"}))
    assert [event for event, _ in told] == ["planning", "error"]
    assert (told[-1][1]["code"], told[-1][1]["status"]) == ("GROK_VIDEO_MODERATION_BLOCKED", 502)


@pytest.mark.parametrize(("provider", "model"), [("oauth", "gpt-"), ("api", "gpt-"), ("grok", "grok-imagine-image")])
def test_the_account_that_is_named_is_the_one_that_pays(http: httpx.Client, provider: str, model: str) -> None:
    """Never another one: the answer says whose picture it is."""
    body = http.post("/api/generate", json={"prompt": "a fox", "provider": provider}).json()
    assert body["provider"] == provider
    assert body["model"].startswith(model)
    assert picture_of(body["image"])


def test_the_accounts_are_told_as_ready(http: httpx.Client) -> None:
    """Discovery says what may be asked for, and by which names."""
    assert http.get("/api/providers").json()["apiKey"] is True
    assert http.get("/api/grok/status").json()["status"] == "ready"
    valid = http.get("/api/capabilities").json()["valid"]
    assert set(valid["providers"]) == {"auto", "oauth", "api", "grok"}
    assert "gpt-5.4" in valid["imageModels"]["supported"]
    assert "grok-imagine-image" in valid["imageModels"]["grokSupported"]
    assert "grok-imagine-video" in valid["videoModels"]["supported"]
