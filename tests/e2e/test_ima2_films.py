"""Films through the front door: Grok on the newest build of ima2, told as they go, stored and read back."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.sniff import sniff
from tests.e2e.asked import made, pointers, post, problem, wait_for
from tests.e2e.drawn import png
from tests.harness import GatewayProcess, SandboxProcess, backend

SPEED = 20
MODEL, PREVIEW = "grok/grok-imagine-video", "grok/grok-imagine-video-1.5-preview"
ROUTE = "/api/video/generate"


@pytest.fixture(scope="module")
def grok(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A server with Grok."""
    running = SandboxProcess("ima2", tmp_path_factory.mktemp("grok"), speed=SPEED, profile="new")
    yield running
    running.stop(5)


@pytest.fixture(scope="module")
def cinema(grok: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway in front of it."""
    running = GatewayProcess(tmp_path_factory.mktemp("cinema"), {"grok": backend(grok)})
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def nothing_counted(grok: SandboxProcess) -> None:
    """Forget the calls of the test before."""
    assert grok.http is not None
    grok.http.delete("/_sandbox/calls")


def film(prompt: str = "waves at night", *roles: str, **fields: Any) -> dict[str, Any]:
    """Return a request for the shortest film."""
    inputs = [{"role": role, "data": base64.b64encode(png(32 + at)).decode()} for at, role in enumerate(roles)]
    wish = {"duration_s": 1, **fields.pop("video", {})}
    shown = {"inputs": inputs} if inputs else {}
    return {"operation": "video.generate", "prompt": prompt, "video": wish, **shown, **fields}


def sent(grok: SandboxProcess) -> list[dict[str, Any]]:
    """Return the bodies that reached the route."""
    return [call["body"] for call in grok.calls("POST", ROUTE)]


def test_a_film_is_made_stored_and_read_back(cinema: GatewayProcess, grok: SandboxProcess) -> None:
    """An MP4 with its own duration and size; everything was said explicitly; ranges of it can be asked for."""
    assert cinema.http is not None
    wish = {"duration_s": 2, "resolution": "720p", "aspect_ratio": "9:16"}
    job = made(cinema.http, film(video=wish))
    assert job["state"] == "succeeded", job["error"]
    [output] = job["outputs"]
    assert (output["role"], output["media_type"]) == ("video", "video/mp4")
    assert (output["width"], output["height"]) == (720, 1280)
    assert output["duration_s"] == pytest.approx(2, abs=0.3)
    assert output["revised_prompt"]
    media = sniff(cinema.http.get(output["url"]).content)
    assert media is not None
    assert (media.format, media.width) == ("mp4", 720)
    assert cinema.http.get(output["url"], headers={"Range": "bytes=4-7"}).content == b"ftyp"
    assert job["effective"]["video"] == {**wish, "mode": "text"}
    assert job["adjustments"] == []
    [body] = sent(grok)
    told = {name: body[name] for name in ("provider", "duration", "resolution", "aspectRatio", "requestId")}
    assert told == {
        "provider": "grok",
        "duration": 2,
        "resolution": "720p",
        "aspectRatio": "9:16",
        "requestId": f"{job['id']}.1",
    }


def test_what_the_caller_left_open_is_still_said(cinema: GatewayProcess, grok: SandboxProcess) -> None:
    """No default of the server is relied upon: duration, lines and shape are sent and shown."""
    assert cinema.http is not None
    job = made(cinema.http, {"operation": "video.generate", "prompt": "a kite"})
    [body] = sent(grok)
    assert (body["duration"], body["resolution"], body["aspectRatio"]) == (5, "480p", "auto")
    assert job["effective"]["video"] == {
        "mode": "text",
        "duration_s": 5,
        "resolution": "480p",
        "aspect_ratio": "auto",
    }


@pytest.mark.parametrize(
    ("roles", "field", "mode"),
    [(("first_frame",), "sourceImage", "image"), (("reference",) * 3, "referenceImages", "reference")],
)
def test_pictures_speak_for_the_mode(
    cinema: GatewayProcess, grok: SandboxProcess, roles: tuple[str, ...], field: str, mode: str
) -> None:
    """A first frame is set in motion, references guide; each goes by its own field, byte for byte."""
    assert cinema.http is not None
    job = made(cinema.http, film("waves", *roles))
    assert job["state"] == "succeeded", job["error"]
    assert job["effective"]["video"]["mode"] == mode
    body = sent(grok)[0]
    pictures = body[field] if isinstance(body[field], list) else [body[field]]
    assert [base64.b64decode(each) for each in pictures] == [png(32 + at) for at in range(len(roles))]
    assert not {"sourceImage", "referenceImages"} - {field} & body.keys()


def test_the_work_is_told_as_it_goes(cinema: GatewayProcess) -> None:
    """Planned, then made with progress, then fetched: phases and progress are in the job's history, in order."""
    assert cinema.http is not None
    job = made(cinema.http, film("slow waves [[slow:160]]"))
    assert job["state"] == "succeeded", job["error"]
    told = [event for event in cinema.events(job["id"]) if event["type"] in ("job.phase", "job.progress")]
    phases = [event["phase"] for event in told if event["type"] == "job.phase"]
    assert phases[:2] == ["planner", "video"]
    progress = [event["progress"] for event in told if event.get("progress")]
    assert len(progress) >= 2
    assert progress == sorted(progress)


@pytest.mark.parametrize(
    ("wish", "code", "pointer"),
    [
        (film("x", video={"duration_s": 16}, model=MODEL), "request.field_invalid", "/video/duration_s"),
        (film("x", "reference", model=MODEL), "request.reference_invalid", "/inputs"),
        (film("x", *["reference"] * 8, model=MODEL), "request.reference_too_many", "/inputs/7"),
        (film("x", "first_frame", "reference", model=MODEL), "request.field_invalid", "/video/mode"),
        (film("x", video={"mode": "image"}, model=MODEL), "request.reference_invalid", "/inputs"),
        (film("x", model=PREVIEW), "request.option_unsupported", "/video/mode"),
        (film("x", output={"format": "webp"}), "request.option_unsupported", "/output/format"),
        (film("x", size={"width": 640, "height": 480}), "request.option_unsupported", "/size"),
        (film("x", n=2), "request.option_unsupported", "/n"),
        (film("x", options={"ima2": {"web_search": False}}), "request.option_unsupported", "/options/ima2/web_search"),
    ],
)
def test_a_film_that_cannot_be_made_is_refused_before_it_is_paid_for(
    cinema: GatewayProcess, grok: SandboxProcess, wish: dict[str, Any], code: str, pointer: str
) -> None:
    """By the limits that the server itself tells of."""
    assert cinema.http is not None
    assert pointer in pointers(problem(post(cinema.http, wish), code))
    assert sent(grok) == []


def test_the_preview_model_sets_a_picture_in_motion(cinema: GatewayProcess) -> None:
    """It does nothing else."""
    assert cinema.http is not None
    job = made(cinema.http, film("x", "first_frame", model=PREVIEW))
    assert (job["state"], job["model"]) == ("succeeded", PREVIEW)


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("GROK_VIDEO_MODERATION_BLOCKED", "policy.refused"),
        ("GROK_VIDEO_FAILED", "backend.failed"),
        ("GROK_VIDEO_TIMEOUT", "backend.timeout"),
        ("GROK_VIDEO_DOWNLOAD_FAILED", "backend.bad_response"),
        ("GROK_VIDEO_REQUEST_FAILED:403", "backend.credentials_rejected"),
    ],
)
def test_a_film_that_fails_says_why_in_the_catalogues_words(cinema: GatewayProcess, token: str, code: str) -> None:
    """A refusal is a refusal although the server calls it a bad gateway (wire §11)."""
    assert cinema.http is not None
    job = made(cinema.http, {**film(f"waves [[{token}]]"), "model": MODEL})
    assert job["error"]["code"] == code
    if code == "policy.refused":
        assert len(job["attempts"]) == 1


@pytest.mark.parametrize("token", ["cut", "cut_body", "garbage"])
def test_a_film_whose_stream_was_lost_is_found(cinema: GatewayProcess, grok: SandboxProcess, token: str) -> None:
    """The server goes on without its reader; the film is found by its request id and not paid for twice."""
    assert cinema.http is not None
    job = made(cinema.http, film(f"waves [[{token}]]"))
    assert job["state"] == "succeeded", job["error"]
    assert job["outputs"][0]["media_type"] == "video/mp4"
    assert len(sent(grok)) == 1


def test_a_film_can_be_stopped(cinema: GatewayProcess, grok: SandboxProcess) -> None:
    """The server aborts the upstream call and says so."""
    assert cinema.http is not None
    job = post(cinema.http, film("waves [[slow:600]]")).json()
    wait_for(lambda: sent(grok), "the film at the server")
    cinema.http.post(f"/v1/jobs/{job['id']}/cancel").raise_for_status()
    ended = cinema.job(job["id"], wait=30)
    assert (ended["state"], ended["cancel"]["answer"]) == ("cancelled", "stopped")


def test_a_server_without_grok_makes_no_films(gateway: GatewayProcess) -> None:
    """The older builds would make a picture of it in silence, and bill it (wire §12)."""
    assert gateway.http is not None
    problem(post(gateway.http, film()), "request.option_unsupported")
