"""Clients of Studio that wait: for their pictures, or for what became of them instead; and what they see of sdapi."""

import base64
import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.asked import wait_for
from tests.e2e.drawn import media_of
from tests.e2e.keyed import KeyedGateway
from tests.e2e.studio_client import Studios, ended, picture, queued, uploaded

SLOW = {"prompt": "[[slow:600]] for ever", "size": "64x64", "model": "gpt-5.4"}


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Iterator[Studios]:
    """Clients of the face, each of a team."""
    found = Studios(keyed)
    yield found
    found.close()


def open_job(http: httpx.Client) -> str:
    """Wait until a job is being worked on, and return its id."""
    jobs = wait_for(lambda: http.get("/api/queue?status=processing").json()["jobs"], "a job at work")
    return str(jobs[0]["id"])


@pytest.mark.parametrize("path", ["/api/generate", "/sdapi/v1/txt2img"])
def test_a_client_that_waits_for_a_cancelled_job_is_sent_away_at_once(client: Studios, path: str) -> None:
    """The real one hangs until its hour is over (recorded: sync_cancelled)."""
    http, answers = client("sync-cancel"), []
    body = SLOW | {"override_settings": {"sd_model_checkpoint": "gpt-5.4"}, "width": 64, "height": 64}
    waiting = threading.Thread(target=lambda: answers.append(http.post(path, json=body)))
    waiting.start()
    assert http.delete(f"/api/queue/{open_job(http)}").status_code == 200
    waiting.join(30)
    assert [(each.status_code, each.json()) for each in answers] == [(500, {"error": "Generation cancelled"})]


def test_a_client_that_hangs_up_stops_nothing(client: Studios) -> None:
    """Its job goes on, and is found in the queue (recorded: sync_client_disconnect)."""
    http = client("sync-leaver")
    with pytest.raises(httpx.ReadTimeout):
        http.post("/api/generate", json={**SLOW, "prompt": "[[slow:60]] patience"}, timeout=0.1)
    assert ended(http, http.get("/api/queue").json()["jobs"][0]["id"])["status"] == "completed"


def test_a_job_that_fails_is_a_500_with_its_text(client: Studios) -> None:
    """The same text as the row's, and nothing of the upstream's."""
    http = client("sync-fails")
    body = {"prompt": "[[upstream_400]] x", "model": "qwen-image", "size": "64x64"}
    answer = http.post("/api/generate", json=body)
    row = http.get("/api/queue").json()["jobs"][0]
    assert (answer.status_code, answer.json()) == (500, {"error": row["error"]})
    assert row["error"] == "API request failed: 400 The image backend rejected the request"


@pytest.mark.parametrize(
    ("path", "fields"),
    [("/api/edit", {"prompt": "blue", "model": "qwen-image"}), ("/api/variation", {"model": "qwen-image", "n": "2"})],
)
def test_an_upload_is_waited_for_as_well(client: Studios, path: str, fields: dict[str, str]) -> None:
    """Ids alone; the picture is where they say."""
    http = client("sync-uploads")
    answer = uploaded(http, path, fields, image=picture())
    assert answer.status_code == 200, answer.text
    data = answer.json()["data"]
    assert [each["index"] for each in data] == list(range(int(fields.get("n", 1))))
    for each in data:
        assert media_of(http.get(f"/api/images/{each['id']}").content).format == "png"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"model": "qwen-image"}, "Missing required field: prompt"),
        ({"prompt": "x"}, "Missing required field: model"),
        ({"prompt": "x", "model": "nope"}, "Invalid model: nope"),
        ({}, "Missing required field: prompt"),
    ],
)
def test_what_is_required_is_missed_in_studios_order(client: Studios, body: dict[str, Any], error: str) -> None:
    """Prompt before model (recorded: sync_generate)."""
    answer = client("sync-fails").post("/api/generate", json=body)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize(("backend", "size"), [("studio", (512, 768)), ("ima2", (512, 768)), ("imgen", (768, 1344))])
def test_txt2img_makes_what_its_width_and_height_say(client: Studios, backend: str, size: tuple[int, int]) -> None:
    """In base64, with the parameters beside it; the real one makes 512x512 whatever is asked."""
    http = client(f"sdapi-{backend}", "--backend", backend)
    sent = {"prompt": "a hill", "width": size[0], "height": size[1], "steps": 20, "cfg_scale": 7, "seed": -1,
            "sampler_name": "Euler", "batch_size": 1, "n_iter": 1}  # fmt: skip
    answer = http.post("/sdapi/v1/txt2img", json=sent)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    media = media_of(base64.b64decode(body["images"][0], validate=True))
    assert (media.width, media.height) == size
    assert (body["parameters"]["width"], json.loads(body["info"])["height"]) == size
    assert http.get(f"/api/queue/{body['parameters']['id']}").json()["status"] == "completed"


def test_txt2img_refuses_what_it_would_leave_out(client: Studios) -> None:
    """A second pass, a model that nobody has, a sampler that is none, and no prompt."""
    http = client("sdapi-studio", "--backend", "studio")
    wrong = (
        ({"prompt": "x", "enable_hr": True}, "enable_hr is not served here"),
        ({"prompt": "x", "override_settings": {"sd_model_checkpoint": "nope"}}, "Invalid model: nope"),
        ({"prompt": "x", "sampler_name": "Magic"}, "sampler_name must be one of: Euler"),
        ({"steps": 3}, "Missing required field: prompt"),
    )
    for body, error in wrong:
        answer = http.post("/sdapi/v1/txt2img", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"].startswith(error)


def test_the_checkpoint_of_all_callers_is_nobodys_to_change(client: Studios) -> None:
    """What is chosen already is agreed to; another is refused with the way to ask for it."""
    http = client("sdapi-studio", "--backend", "studio")
    assert http.get("/sdapi/v1/options").json() == {"sd_model_checkpoint": "Z-Image Turbo", "sd_vae": None}
    same = http.post("/sdapi/v1/options", json={"sd_model_checkpoint": "z-image turbo"})
    assert same.json() == {"updated": [{"sd_model_checkpoint": True}]}
    other = http.post("/sdapi/v1/options", json={"sd_model_checkpoint": "Qwen Image"})
    assert (other.status_code, other.json()["detail"][:22]) == (400, "Send override_settings")
    assert http.post("/sdapi/v1/options", json={"sd_model_checkpoint": "nope"}).status_code == 400


def test_progress_tells_of_the_newest_job_and_an_interrupt_cancels_it(client: Studios) -> None:
    """Idle is 0 without a number; the team's own jobs are counted, nobody else's."""
    http, other = client("sdapi-progress"), client("sdapi-idle")
    job_id = queued(http, SLOW)
    open_job(http)
    told = http.get("/sdapi/v1/progress").json()
    assert told["progress"] > 0
    assert told["state"] == {"job_count": 0, "job_no": 1}
    assert other.get("/sdapi/v1/progress").json()["state"] == {"job_count": 0}
    assert other.post("/sdapi/v1/interrupt").json() == {"success": True}
    assert http.post("/sdapi/v1/interrupt").json() == {"success": True}
    assert ended(http, job_id)["status"] == "cancelled"
