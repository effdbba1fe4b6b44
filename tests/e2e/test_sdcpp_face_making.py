"""A Studio client points at Triptych and makes pictures, whoever makes them behind it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.drawn import media_of
from tests.e2e.keyed import KeyedGateway
from tests.e2e.studio_client import SEED, Studios, ended, made, picture, queued, uploaded


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Iterator[Studios]:
    """Clients of the face, each of a team."""
    found = Studios(keyed)
    yield found
    found.close()


@pytest.mark.parametrize(("backend", "size"), [("studio", (512, 512)), ("ima2", (512, 512)), ("imgen", (1024, 1024))])
def test_the_documents_own_request_works_on_every_backend(client: Studios, backend: str, size: tuple[int, int]) -> None:
    """Its defaults are wishes: what a backend does not offer is left out, and the row tells what was made."""
    http = client(f"studio-on-{backend}", "--backend", backend)
    answer = http.post("/api/generate", json=SEED)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-triptych-sandbox"] == "true"
    body = answer.json()
    assert list(body) == ["id", "created", "data"]
    row = http.get(f"/api/generations/{body['id']}").json()
    assert (row["type"], row["status"], row["prompt"]) == ("generate", "completed", SEED["prompt"])
    assert row["size"] == f"{size[0]}x{size[1]}"
    sent = http.get(f"/api/images/{body['data'][0]['id']}")
    media = media_of(sent.content)
    assert (media.width, media.height, media.format) == (*size, "png")
    assert row["images"][0]["file_path"] == f"{body['data'][0]['id']}.png"
    assert (row["images"][0]["width"], row["images"][0]["height"]) == size


@pytest.mark.parametrize(
    ("backend", "kind"),
    [("studio", "edit"), ("ima2", "edit"), ("studio", "variation"), ("studio", "upscale")],
)
def test_a_picture_is_changed_by_whoever_can(client: Studios, backend: str, kind: str) -> None:
    """Edits, variations and upscales come as forms; the picture that came in is named, and not where it lies."""
    http = client(f"studio-on-{backend}", "--backend", backend)
    fields = {"edit": {"prompt": "make it blue", "offload_to_cpu": "1"}, "variation": {"strength": "0.5"}}.get(kind, {})
    answer = uploaded(http, f"/api/queue/{kind}", fields, image=picture())
    assert answer.status_code == 200, answer.text
    row = ended(http, answer.json()["job_id"])
    assert (row["status"], row["type"], row["image_count"]) == ("completed", kind, 1), row["error"]
    assert row["input_image_mime_type"] == "image/png"
    assert "/" not in row["input_image_path"]
    assert http.get(f"/static/input/{row['input_image_path']}").content == picture()
    media = media_of(http.get(f"/api/generations/{row['id']}/image").content)
    assert media.format == "png"
    assert kind != "upscale" or (media.width, media.height) == (256, 256)


def test_a_key_that_may_not_use_whoever_could_is_forbidden(client: Studios) -> None:
    """Imgen takes no pictures, and this key has nothing else: 403 as Studio writes it, and no job."""
    http = client("studio-on-imgen", "--backend", "imgen")
    before = http.get("/api/queue/stats").json()
    answer = uploaded(http, "/api/queue/edit", {"prompt": "x"}, image=picture())
    assert (answer.status_code, answer.json()["error"]) == (403, "Forbidden")
    assert http.get("/api/queue/stats").json() == before


def test_a_form_is_taken_as_well_as_json(client: Studios) -> None:
    """Numbers may be texts, flags 0 and 1, and a seed comes back as it was sent (wire §4)."""
    http = client("studio-on-studio", "--backend", "studio")
    form = {"prompt": "a form", "size": "64x64", "seed": "777", "n": "2", "diffusion_fa": "1", "cfg_scale": "5.5"}
    answer = http.post("/api/queue/generate", data=form)
    assert answer.status_code == 200, answer.text
    row = ended(http, answer.json()["job_id"])
    assert (row["seed"], row["n"], row["image_count"]) == ("777", 2, 2)
    assert (row["diffusion_fa"], row["cfg_scale"]) == (1, 5.5)
    assert made(http, seed=42)["seed"] == "42.0"
    assert made(http, seed=0)["seed"] == "0.0"
    assert made(http, seed=-1)["seed"].isdigit()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"prompt": "  "}, "Missing required field: prompt"),
        ({"n": 11}, "Invalid n: must be between 1 and 10"),
        ({"n": "2.5"}, "n must be a whole number"),
        ({"size": "63x64"}, "size: "),
        ({"size": "big"}, "size must be WxH in pixels"),
        ({"quality": "ultra"}, "quality must be one of"),
        ({"style": "cubist"}, "style: "),
        ({"seed": True}, "seed must be a number"),
        ({"seed": 2**53}, "seed must be at most"),
        ({"sample_steps": 0}, "sample_steps: "),
        ({"offload_to_cpu": "maybe"}, "offload_to_cpu must be 0 or 1"),
        ({"upscale": 1, "strength": 0.3}, "strength: "),
        ({"prompt": "x <sd_cpp_extra_args>{}</sd_cpp_extra_args>"}, "prompt: "),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_its_own_name(client: Studios, body: dict[str, Any], error: str) -> None:
    """400 and `{"error": ...}`: the queue of the real server takes all of these and fails later, or does otherwise."""
    http = client("studio-on-studio", "--backend", "studio")
    answer = http.post("/api/queue/generate", json={"prompt": "x", **body})
    assert (answer.status_code, list(answer.json())) == (400, ["error"])
    assert answer.json()["error"].startswith(error)


def test_a_demand_is_refused_where_it_would_be_a_wish(client: Studios) -> None:
    """A seed, a negative prompt, a size and a sampler that somebody chose are not left out for ima2."""
    http = client("studio-on-ima2", "--backend", "ima2")
    for demand in ({"seed": 7}, {"negative_prompt": "rain"}, {"sampling_method": "heun"}, {"style": "vivid"}):
        answer = http.post("/api/queue/generate", json={"prompt": "x", **demand})
        assert answer.status_code == 400, answer.text
    wishes = {"offload_to_cpu": 1, "cfg_scale": 7, "sample_steps": 20, "sampling_method": "euler", "seed": -1}
    row = made(http, **wishes, size="1024x1024")
    assert (row["sampling_method"], row["offload_to_cpu"], row["seed"]) == (None, None, None)


def test_a_model_is_known_by_its_name_alone_and_an_unknown_one_is_refused(client: Studios) -> None:
    """The bare name, its title in any case, or the gateway's own; what nobody has is 400 with the list."""
    http = client("studio-on-studio", "--backend", "studio")
    for name in ("qwen-image", "QWEN Image", "studio/qwen-image"):
        assert made(http, model=name)["model"] == "qwen-image"
    answer = http.post("/api/queue/generate", json={"prompt": "x", "model": "nope"})
    assert (answer.status_code, answer.json()["error"]) == (400, "Invalid model: nope")
    assert "Available models: z-image-turbo, qwen-image" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "fields", "files", "error"),
    [
        ("/api/queue/edit", {"prompt": "x"}, {}, "Image file is required"),
        ("/api/queue/edit", {"prompt": "x"}, {"image": b"a text"}, "Only image files are allowed"),
        ("/api/queue/edit", {"prompt": "x"}, {"picture": picture()}, "Unexpected file field"),
        ("/api/queue/edit", {}, {"image": picture()}, "Missing required field: prompt"),
        ("/api/queue/edit", {"prompt": "x"}, {"image": picture(), "mask": picture()}, "mask must have an alpha"),
        ("/api/queue/variation", {}, {"image": picture(), "mask": picture()}, "Unexpected file field"),
        ("/api/queue/variation", {"strength": "5"}, {"image": picture()}, "strength must be between 0 and 1"),
        ("/api/queue/upscale", {"upscaler": "nope"}, {"image": picture()}, "Upscaler not found: nope"),
        ("/api/edit", {"prompt": "x"}, {"image": picture()}, "Missing required field: model"),
    ],
)
def test_a_bad_upload_is_a_bad_request(
    client: Studios, path: str, fields: dict[str, str], files: dict[str, bytes], error: str
) -> None:
    """In JSON and as the client's fault: the real server answers pages of 500, or takes it and fails."""
    answer = uploaded(client("studio-on-studio", "--backend", "studio"), path, fields, **files)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"].startswith(error)


def test_a_form_that_breaks_off_is_a_bad_request(client: Studios) -> None:
    """Without its end, or without a boundary."""
    http = client("studio-on-studio", "--backend", "studio")
    for media_type in ("multipart/form-data; boundary=x", "multipart/form-data"):
        answer = http.post("/api/queue/edit", content=b"--x\r\nContent-Disp", headers={"Content-Type": media_type})
        assert (answer.status_code, answer.json()["error"]) == (400, "Unexpected end of form")


def test_a_job_that_failed_says_why_in_studios_words_and_nothing_of_who_failed(client: Studios) -> None:
    """Bodies, addresses and names of upstreams stay behind the gateway."""
    http = client("studio-on-studio", "--backend", "studio")
    row = ended(http, queued(http, {"prompt": "[[upstream_400]] x", "size": "64x64", "model": "qwen-image"}))
    assert row["status"] == "failed"
    assert row["error"] == "API request failed: 400 The image backend rejected the request"
    assert row["images"] == []


def test_the_lists_of_models_show_no_secret(client: Studios, keyed: KeyedGateway) -> None:
    """Neither a key of an upstream, which the real lists show, nor an address of a backend."""
    http = client("studio-on-studio", "--backend", "studio")
    for path in ("/api/models", "/api/models/running", "/api/v1/models", "/sdapi/v1/sd-models", "/api/config"):
        answer = http.get(path)
        assert answer.status_code == 200
        assert "sk-canary" not in answer.text
        for view in keyed.http.get("/v1/backends").json()["backends"]:
            assert view["base_url"] not in answer.text
    models = http.get("/api/models").json()
    assert [each["id"] for each in models["models"]][:2] == ["z-image-turbo", "qwen-image"]
    assert models["default_models"] == {"text_to_image": "z-image-turbo", "image_to_image": "qwen-image-edit"}
    config = http.get("/api/config").json()
    assert (config["sdApiEndpoint"], config["model"]) == (f"{keyed.url}/sdcpp", "z-image-turbo")
    assert (config["authEnabled"], config["keyPassed"], config["keyValid"]) == (True, True, True)


def test_what_is_no_address_is_not_found(client: Studios) -> None:
    """404 in JSON for unknown paths and wrong methods of the API, a page outside of it (wire §3)."""
    http = client("studio-on-studio", "--backend", "studio")
    for method, path in (("GET", "/api/nope"), ("PUT", "/api/queue"), ("GET", "/ws"), ("GET", "/api/terminal/pty")):
        answer: httpx.Response = http.request(method, path)
        assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
    assert http.options("/api/queue").status_code == 204
    assert http.get("/index.html").headers["content-type"].startswith("text/html")
