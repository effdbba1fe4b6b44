"""Edits, variations and upscales by Studio's queue, through the front door: what is sent, and the pixels that come."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.asked import made, pointers, post, problem
from tests.e2e.drawn import media_of, picture
from tests.harness import GatewayProcess, SandboxProcess, backend

SPEED = 60
SIDES = (96, 64)
BLUE = (30, 60, 200)
ROUTES = {"image.edit": "edit", "image.variation": "variation", "image.upscale": "upscale"}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A Studio of its own: what its table says is read, and outcomes are forced by route."""
    running = SandboxProcess("sdcpp", tmp_path_factory.mktemp("studio"), speed=SPEED)
    yield running
    running.stop(5)


@pytest.fixture(scope="module")
def editor(studio: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway in front of it."""
    running = GatewayProcess(tmp_path_factory.mktemp("editor"), {"studio": backend(studio, max_concurrency=8)})
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def nothing_counted(studio: SandboxProcess) -> Iterator[None]:
    """Forget the calls of the test before, and what was forced."""
    assert studio.http is not None
    studio.http.delete("/_sandbox/calls")
    yield
    studio.force()


def blue(size: tuple[int, int] = SIDES, form: str = "PNG") -> bytes:
    """Return a picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, BLUE).save(out, form)
    return out.getvalue()


def left_half(size: tuple[int, int] = SIDES) -> bytes:
    """Return a mask that lets the left half be changed, in the contract's polarity: alpha 0."""
    image = Image.new("RGBA", size, (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def wanted(operation: str, *inputs: tuple[str, bytes], **fields: Any) -> dict[str, Any]:
    """Return a request of an operation, of a blue picture unless told otherwise."""
    pictures = inputs or (("source", blue()),)
    words = {} if operation == "image.upscale" else {"prompt": "a red balloon"}
    data = [{"role": role, "data": base64.b64encode(content).decode()} for role, content in pictures]
    return {"operation": operation, "inputs": data, **words, **fields}


def rows(studio: SandboxProcess, **fields: Any) -> list[dict[str, Any]]:
    """Return the rows of Studio's table with these fields; inside a second they stand in no order."""
    assert studio.http is not None
    jobs: list[dict[str, Any]] = studio.http.get("/api/queue").json()["jobs"]
    return [row for row in jobs if fields.items() <= row.items()]


def seen(editor: GatewayProcess, job: dict[str, Any]) -> Image.Image:
    """Return the one picture of a job, after its bytes were looked at."""
    assert job["state"] == "succeeded", job["error"]
    [output] = job["outputs"]
    assert editor.http is not None
    data = editor.http.get(output["url"]).content
    media = media_of(data)
    assert (media.width, media.height) == (output["width"], output["height"])
    return Image.open(io.BytesIO(data)).convert("RGB")


def share_changed(image: Image.Image, box: tuple[int, int, int, int]) -> float:
    """Return how much of a part is no longer blue."""
    return sum(distance > 2 for distance in distances(image.crop(box))) / ((box[2] - box[0]) * (box[3] - box[1]))


def distances(image: Image.Image) -> list[int]:
    """Return how far each pixel is from blue, in its worst channel."""
    data = image.tobytes()
    pixels = (data[at : at + 3] for at in range(0, len(data), 3))
    return [max(abs(one - other) for one, other in zip(pixel, BLUE, strict=True)) for pixel in pixels]


def test_a_masked_edit_changes_what_the_mask_lets_and_nothing_else(
    editor: GatewayProcess, studio: SandboxProcess
) -> None:
    """The picture keeps its size; the right half keeps every pixel; the row carries our attempt's name."""
    assert editor.http is not None
    job = made(editor.http, wanted("image.edit", ("source", blue()), ("mask", left_half())))
    image = seen(editor, job)
    assert image.size == SIDES
    assert share_changed(image, (SIDES[0] // 2, 0, *SIDES)) == 0
    assert share_changed(image, (0, 0, SIDES[0] // 2, SIDES[1])) > 0.5
    [row] = rows(studio, source_image_id=f"{job['id']}.1")
    assert (row["type"], row["size"]) == ("edit", "96x64")
    assert row["mask_image_path"]
    assert "seed" not in job["effective"]
    assert (job["effective"]["width"], job["effective"]["height"], job["adjustments"]) == (96, 64, [])


def test_the_mask_that_is_sent_is_white_where_it_is_transparent(editor: GatewayProcess, studio: SandboxProcess) -> None:
    """The sd-server reads its grey, an API its alpha: looked at as Studio stored it."""
    assert editor.http is not None
    assert studio.http is not None
    job = made(editor.http, wanted("image.edit", ("source", blue()), ("mask", left_half())))
    name = rows(studio, source_image_id=f"{job['id']}.1")[0]["mask_image_path"].rpartition("/")[2]
    with Image.open(io.BytesIO(studio.http.get(f"/static/input/{name}").content)) as stored:
        assert stored.getpixel((0, 0)) == (255, 255, 255, 0)
        assert stored.getpixel((SIDES[0] - 1, 0)) == (0, 0, 0, 255)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
def test_an_edit_of_any_format_that_studio_takes(editor: GatewayProcess, form: str) -> None:
    """Named and labelled by what it is, in a form; a size that was wished is made."""
    assert editor.http is not None
    job = made(editor.http, wanted("image.edit", ("source", blue(form=form)), size={"width": 48, "height": 80}, n=1))
    assert seen(editor, job).size == (48, 80)


def test_a_variation_follows_its_strength(editor: GatewayProcess, studio: SandboxProcess) -> None:
    """Little strength keeps the picture, full strength does not; no strength at all is not Studio's 0.75."""
    assert editor.http is not None
    changed = {}
    for strength in (0, 0.2, 1):
        words = f"a red balloon of strength {strength}"
        job = made(editor.http, wanted("image.variation", prompt=words, strength=strength))
        changed[strength] = sum(distances(seen(editor, job)))
        [row] = rows(studio, prompt=words)
        assert row["strength"] == pytest.approx(strength, abs=1e-3)
        assert "seed" not in job["effective"]
    assert changed[0] < changed[0.2] < changed[1]


def test_several_variations_come_from_one_row(editor: GatewayProcess, studio: SandboxProcess) -> None:
    """And no words are needed for them."""
    assert editor.http is not None
    body = wanted("image.variation", n=3)
    del body["prompt"]
    job = made(editor.http, body)
    assert (job["state"], len(job["outputs"])) == ("succeeded", 3)
    assert len({output["sha256"] for output in job["outputs"]}) == 3
    [row] = rows(studio, n=3)
    assert (row["type"], row["prompt"], row["image_count"]) == ("variation", None, 3)


def test_an_upscale_is_four_times_as_wide_and_high(editor: GatewayProcess) -> None:
    """By the one upscaler that the queue knows; words for it would be read by nobody."""
    assert editor.http is not None
    half = Image.new("RGB", SIDES, BLUE)
    half.paste((250, 250, 250), (0, 0, SIDES[0] // 2, SIDES[1]))
    out = io.BytesIO()
    half.save(out, "PNG")
    job = made(editor.http, wanted("image.upscale", ("source", out.getvalue())))
    image = seen(editor, job)
    assert image.size == (4 * SIDES[0], 4 * SIDES[1])
    left, right = image.getpixel((20, 20)), image.getpixel((4 * SIDES[0] - 20, 20))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert (min(left) > 200, right[2] - right[0] > 100) == (True, True), (left, right)
    assert job["model"] == "studio/realesrgan-x4plus"
    refused = problem(post(editor.http, wanted("image.upscale", prompt="sharper")), "request.option_unsupported")
    assert pointers(refused) == ["/prompt"]


@pytest.mark.parametrize("operation", ["image.edit", "image.variation"])
def test_what_the_worker_would_ignore_is_refused_at_the_door(
    editor: GatewayProcess, studio: SandboxProcess, operation: str
) -> None:
    """Seed and sampling: a job never says of a seed that it was used when it was not. Dropped knowingly it goes."""
    assert editor.http is not None
    asked = wanted(operation, prompt=f"dropped, {operation}", seed=7, options={"sdcpp": {"cfg_scale": 3}})
    refused = problem(post(editor.http, asked), "request.option_unsupported")
    assert set(pointers(refused)) == {"/seed", "/options/sdcpp/cfg_scale"}
    job = made(editor.http, {**asked, "on_unsupported": "drop"})
    assert job["state"] == "succeeded", job["error"]
    assert "seed" not in job["effective"]
    assert {(each["pointer"], each["why"]) for each in job["adjustments"]} == {
        ("/seed", "dropped"),
        ("/options/sdcpp/cfg_scale", "dropped"),
    }
    [row] = rows(studio, prompt=f"dropped, {operation}")
    assert (row["cfg_scale"], row["seed"] == "7") == (None, False)


@pytest.mark.parametrize("operation", ROUTES)
@pytest.mark.parametrize("outcome", ["cut", "garbage", "cut_early"])
def test_a_lost_answer_is_looked_for_and_nothing_is_made_twice(
    editor: GatewayProcess, studio: SandboxProcess, operation: str, outcome: str
) -> None:
    """An edit by its name, a variation by its seed, an upscale by its picture; what never arrived is sent once more."""
    assert editor.http is not None
    before = len(rows(studio))
    studio.force({"route": f"POST /api/queue/{ROUTES[operation]}", "outcome": outcome, "times": 1})
    size = (80, 40 + 8 * len(outcome))
    job = made(editor.http, wanted(operation, ("source", blue(size))))
    assert job["state"] == "succeeded", job["error"]
    assert len(job["attempts"]) == 1
    assert len(rows(studio)) == before + 1
    assert len(studio.calls("POST", f"/api/queue/{ROUTES[operation]}")) == (2 if outcome == "cut_early" else 1)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        ("only_images", "request.reference_invalid"),
        ("file_too_large", "request.too_large"),
        ("image_required", "request.field_invalid"),
        ("convert_failed", "request.reference_invalid"),
        ("upstream_404", "backend.rejected_request"),
        ("upstream_401", "backend.credentials_rejected"),
        ("model_not_found", "request.model_unknown"),
        ("input_missing", "backend.rejected_request"),
    ],
)
def test_uploads_and_transforms_fail_in_the_catalogues_words(
    editor: GatewayProcess, studio: SandboxProcess, outcome: str, code: str
) -> None:
    """Pages of HTML with stacks, and free text on the row: none of it is relayed, addresses and paths least of all."""
    assert editor.http is not None
    studio.force({"route": "POST /api/queue/variation", "outcome": outcome})
    job = made(editor.http, wanted("image.variation"))
    assert (job["state"], job["error"]["code"]) == ("failed", code)
    for native in ("/srv/app", "http://", "at fileFilter", "<pre>", "sk-canary"):
        assert native not in str(job["error"])


def test_the_key_goes_as_a_bearer_and_nowhere_else(
    studio: SandboxProcess, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Studio's own log shows other headers in clear; the socket, which asks for none, gets it the same way."""
    monkeypatch.setenv("STUDIO_TEST_KEY", "studio-secret")
    assert studio.http is not None
    settings = backend(studio, api_key={"env": "STUDIO_TEST_KEY"})
    gateway = GatewayProcess(tmp_path_factory.mktemp("bearer"), {"studio": settings})
    try:
        assert gateway.http is not None
        made(gateway.http, wanted("image.edit"))
    finally:
        gateway.stop()
    mine = [call for call in studio.calls() if "studio-secret" in str(call["headers"])]
    assert {call["path"].partition("?")[0].split("/")[1] for call in mine} >= {"api", "ws"}
    for call in mine:
        assert call["headers"]["authorization"] == "Bearer studio-secret"
        others = {name: value for name, value in call["headers"].items() if name != "authorization"}
        assert "studio-secret" not in str(others) + call["path"]


def test_a_dry_run_shows_the_form_without_the_picture(editor: GatewayProcess, studio: SandboxProcess) -> None:
    """What would be sent, as text; nothing is."""
    assert editor.http is not None
    asked = wanted("image.edit", ("source", blue()), ("mask", left_half()))
    response: httpx.Response = editor.http.post("/v1/jobs?dry_run=true", json=asked)
    request = response.raise_for_status().json()["request"]
    assert (request["path"], request["body"]["image"], request["body"]["mask"]) == (
        "/api/queue/edit",
        "<input 0>",
        "<input 1>",
    )
    assert base64.b64encode(blue()).decode() not in response.text
    assert studio.calls("POST") == []


def test_a_picture_that_is_none_for_studio_costs_nothing(editor: GatewayProcess, studio: SandboxProcess) -> None:
    """AVIF is taken in by the gateway, and refused before it is sent."""
    assert editor.http is not None
    job = made(editor.http, wanted("image.edit", ("source", picture("AVIF"))))
    assert (job["state"], job["error"]["code"]) == ("failed", "request.reference_invalid")
    assert job["error"]["errors"][0]["reason"] == "media_type"
    assert studio.calls("POST") == []
