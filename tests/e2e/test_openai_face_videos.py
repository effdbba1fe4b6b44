"""Films through OpenAI's face: asked for, looked at, fetched, listed and deleted, in its shapes and its refusals."""

import base64
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.asked import shown, wait_for
from tests.e2e.drawn import png
from tests.e2e.hanging_up import AGAIN, under_way
from tests.e2e.keyed import KeyedGateway
from tests.harness import SandboxProcess, backend

VIDEOS = "/openai/v1/videos"
MODEL = "grok/grok-imagine-video"
FRAME = f"data:image/png;base64,{base64.b64encode(png(64, 64)).decode()}"


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory, sandboxes: dict[str, SandboxProcess]) -> Iterator[KeyedGateway]:
    """A gateway with keys before a server that makes films, and one that makes none."""
    folder = tmp_path_factory.mktemp("films")
    sandbox = SandboxProcess("ima2", folder, speed=60, profile="new")
    backends = {"grok": backend(sandbox, max_concurrency=16), "studio": backend(sandboxes["sdcpp"])}
    running = KeyedGateway(folder / "gateway", backends, settings={"aliases": {"sora-2": [MODEL]}})
    yield running
    running.stop()
    sandbox.stop()


@pytest.fixture(scope="module")
def http(films: KeyedGateway) -> httpx.Client:
    """A client of one team."""
    return films.client("red")


def form(**fields: str) -> dict[str, Any]:
    """Return a form without files, as the SDKs send one."""
    return {"files": {name: (None, value) for name, value in fields.items()}}


def begun(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    """Ask for a film; return it as it was accepted."""
    answer = http.post(VIDEOS, json={"prompt": "waves", "model": "sora-2", **fields})
    assert answer.status_code == 200, answer.text
    video: dict[str, Any] = answer.json()
    return video


def ended(http: httpx.Client, video_id: str) -> dict[str, Any]:
    """Return a film as it ended."""

    def over() -> dict[str, Any] | None:
        video: dict[str, Any] = http.get(f"{VIDEOS}/{video_id}").raise_for_status().json()
        return video if video["status"] in ("completed", "failed") else None

    found: dict[str, Any] = wait_for(over, "the end of a film")
    return found


def refused(answer: httpx.Response, status: int, code: str, param: str | None = None) -> str:
    """Check a refusal in OpenAI's shape, and return what it says."""
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["param"]) == (code, param), error
    assert answer.headers["x-should-retry"] == "false"
    return str(error["message"])


@pytest.mark.parametrize(
    ("size", "seconds"), [(None, None), ("1280x720", "8"), ("720x1280", "2")], ids=["defaults", "wide", "tall"]
)
def test_a_film_has_the_size_and_the_length_that_were_asked_for(
    http: httpx.Client, size: str | None, seconds: str | None
) -> None:
    """From the first answer to the last, and in its file; where nothing was asked, OpenAI's own defaults."""
    fields = {name: value for name, value in {"size": size, "seconds": seconds}.items() if value is not None}
    answer = http.post(VIDEOS, **form(prompt="[[slow:30]] waves", model="sora-2", **fields))
    video = answer.json()
    assert (video["object"], video["status"], video["progress"]) == ("video", "in_progress", 0), video
    assert (video["completed_at"], video["expires_at"], video["error"]) == (None, None, None)
    assert (video["size"], video["seconds"], video["model"]) == (size or "720x1280", seconds or "4", "sora-2")
    done = ended(http, video["id"])
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100, None)
    assert {name: done[name] for name in ("size", "seconds", "model", "prompt", "created_at")} == {
        name: video[name] for name in ("size", "seconds", "model", "prompt", "created_at")
    }
    assert done["created_at"] <= done["completed_at"] < done["expires_at"]
    film = http.get(f"{VIDEOS}/{video['id']}/content")
    assert (film.headers["content-type"], film.content[4:8]) == ("video/mp4", b"ftyp")
    part = http.get(f"{VIDEOS}/{video['id']}/content", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    spec = shown(http, answer.headers["x-triptych-job"])["spec"]
    assert spec["video"] == {
        "mode": "text", "duration_s": int(seconds or 4), "resolution": "720p",
        "aspect_ratio": "16:9" if size == "1280x720" else "9:16",
    }  # fmt: skip


@pytest.mark.parametrize("how", ["upload", "data url in a form", "data url in json"])
def test_a_film_begins_with_the_picture_that_comes_with_it(http: httpx.Client, how: str) -> None:
    """As a file or as a data URL, in a form or in JSON: the same picture makes the same kind of film."""
    fields = {"prompt": "waves", "model": "sora-2"}
    match how:
        case "upload":
            answer = http.post(VIDEOS, data=fields, files={"input_reference": ("a.png", png(64, 64), "image/png")})
        case "data url in a form":
            answer = http.post(VIDEOS, **form(**fields, **{"input_reference[image_url]": FRAME}))
        case _:
            answer = http.post(VIDEOS, json={**fields, "input_reference": {"image_url": FRAME}})
    assert answer.status_code == 200, answer.text
    spec = shown(http, answer.headers["x-triptych-job"])["spec"]
    assert (spec["video"]["mode"], [each["role"] for each in spec["inputs"]]) == ("image", ["first_frame"])
    assert ended(http, answer.json()["id"])["status"] == "completed"


@pytest.mark.parametrize(
    ("body", "status", "code", "param", "says"),
    [
        ({"size": "1024x1792"}, 400, "request.field_invalid", "size", "720x1280, 1280x720"),
        ({"size": "huge"}, 400, "request.field_invalid", "size", "720x1280, 1280x720"),
        ({"seconds": "sixteen"}, 400, "request.field_invalid", "seconds", "whole number"),
        ({"seconds": "16"}, 400, "request.field_invalid", "seconds", "1 to 15"),
        ({"prompt": None}, 400, "request.field_invalid", "prompt", "Missing"),
        ({"n": 2}, 400, "request.field_invalid", "n", "n"),
        ({"model": "sora-3"}, 404, "request.model_unknown", "model", "sora-3"),
        ({"model": "studio/z-image-turbo"}, 400, "request.model_incapable", "model", ""),
        ({"input_reference": {"file_id": "file-1"}}, 400, "request.option_unsupported", "input_reference", "by id"),
        ({"input_reference": {"image_url": "http://x/a.png"}}, 400, "request.reference_invalid", "input_reference", ""),
        ({"input_reference": {"image_url": "https://x/a"}}, 400, "request.reference_invalid", "input_reference", ""),
        ({"input_reference": FRAME}, 400, "request.field_invalid", "input_reference", "image_url"),
        ({"input_reference": {}}, 400, "request.field_invalid", "input_reference", "image_url"),
    ],
)  # fmt: skip
def test_what_cannot_be_honoured_is_refused_with_what_can(
    http: httpx.Client, body: dict[str, Any], status: int, code: str, param: str | None, says: str
) -> None:
    """Nothing is taken for something near, and nothing is left out in silence."""
    answer = http.post(VIDEOS, json={"prompt": "waves", "model": "sora-2", **body})
    assert says in refused(answer, status, code, param)


def test_a_picture_that_is_none_is_refused_by_its_field(http: httpx.Client) -> None:
    """An upload is looked at before a film is begun."""
    files = {"input_reference": ("a.png", b"no picture", "image/png")}
    answer = http.post(VIDEOS, data={"prompt": "waves"}, files=files)
    refused(answer, 400, "request.reference_invalid", "input_reference")


def test_a_film_that_failed_says_why_and_has_no_content(http: httpx.Client) -> None:
    """Its error has the catalogue's code; its content is a conflict, as that of a film that is not there yet."""
    video = begun(http, prompt="[[GROK_VIDEO_MODERATION_BLOCKED]] waves")
    failed = ended(http, video["id"])
    assert (failed["status"], failed["error"]["code"], failed["completed_at"]) == ("failed", "policy.refused", None)
    assert failed["error"]["message"]
    refused(http.get(f"{VIDEOS}/{video['id']}/content"), 409, "resource.state_conflict")
    slow = begun(http, prompt="[[slow:600]] waves")
    says = refused(http.get(f"{VIDEOS}/{slow['id']}/content"), 409, "resource.state_conflict")
    assert "not there yet" in says
    job = under_way(http, "[[slow:600]] waves")
    refused(http.delete(f"{VIDEOS}/{slow['id']}"), 409, "resource.state_conflict")
    http.post(f"/v1/jobs/{job['id']}/cancel", headers={"Prefer": "wait=10"}).raise_for_status()
    assert ended(http, slow["id"])["error"]["code"] == "job.cancelled"


def test_what_a_backend_did_not_make_is_not_made_up(http: httpx.Client) -> None:
    """A film has neither thumbnail nor spritesheet where its backend made none; another word is none at all."""
    video = ended(http, begun(http)["id"])
    for variant, code in (
        ("thumbnail", "request.option_unsupported"),
        ("spritesheet", "request.option_unsupported"),
        ("poster", "request.field_invalid"),
    ):
        answer = http.get(f"{VIDEOS}/{video['id']}/content", params={"variant": variant})
        refused(answer, 400, code, "variant")
    assert http.get(f"{VIDEOS}/{video['id']}/content", params={"variant": "video"}).status_code == 200


@pytest.mark.parametrize("path", ["edits", "extensions", "characters", "video_1/remix"])
def test_what_is_done_with_films_elsewhere_is_refused_by_name(http: httpx.Client, path: str) -> None:
    """Form or JSON, whatever is in it: no backend does it, and nothing is made instead."""
    for body in ({"json": {"prompt": "waves"}}, form(prompt="waves")):
        assert "Videos cannot be" in refused(http.post(f"{VIDEOS}/{path}", **body), 400, "request.model_incapable")


def test_films_are_listed_page_by_page_in_either_order_and_deleted_for_good(films: KeyedGateway) -> None:
    """Each film stands on one page, also while others come; a deleted one is nowhere, and its file is gone."""
    http = films.client("lists")
    made = [begun(http, prompt=f"waves {at}")["id"] for at in range(5)]
    for order, wanted in (("asc", made), ("desc", made[::-1])):
        found, after = [], {}
        while True:
            page = http.get(VIDEOS, params={"limit": 2, "order": order, **after}).raise_for_status().json()
            found += [each["id"] for each in page["data"]]
            assert (page["object"], page["first_id"]) == ("list", page["data"][0]["id"])
            after = {"after": page["last_id"]}
            if not page["has_more"]:
                break
        assert found == wanted
    film = ended(http, made[2])
    deleted = http.delete(f"{VIDEOS}/{film['id']}")
    assert deleted.json() == {"id": film["id"], "object": "video.deleted", "deleted": True}
    assert [each["id"] for each in http.get(VIDEOS).json()["data"]] == [made[4], made[3], made[1], made[0]]
    for answer in (
        http.get(f"{VIDEOS}/{film['id']}"),
        http.get(f"{VIDEOS}/{film['id']}/content"),
        http.delete(f"{VIDEOS}/{film['id']}"),
        http.get(VIDEOS, params={"after": film["id"]}),
    ):
        refused(answer, 404, "resource.not_found")
    kept = {each["prompt"] for each in http.get("/v1/assets").json()["assets"]}
    assert "waves 2" not in kept
    for query, param in (({"limit": "0"}, "limit"), ({"limit": "all"}, "limit"), ({"order": "up"}, "order")):
        refused(http.get(VIDEOS, params=query), 400, "request.field_invalid", param)


def test_films_are_their_teams(films: KeyedGateway, http: httpx.Client) -> None:
    """Another team's film, a picture's job and a made-up id are all the same nothing."""
    video = begun(http)
    other = films.client("blue")
    for unknown in (video["id"], f"video_{uuid4().hex}", "video_1", "job_x"):
        for answer in (other.get(f"{VIDEOS}/{unknown}"), other.get(f"{VIDEOS}/{unknown}/content")):
            refused(answer, 404, "resource.not_found")
    assert other.get(VIDEOS).json()["data"] == []


def test_a_film_that_is_asked_for_again_is_not_paid_for_twice(http: httpx.Client) -> None:
    """A retry joins the film, as it joins a picture; under a key it is told again; another wish is another film."""
    body = {"prompt": f"waves {uuid4()}", "model": "sora-2"}
    first = http.post(VIDEOS, json=body).json()["id"]
    assert http.post(VIDEOS, json=body, headers=AGAIN).json()["id"] == first
    # The same wish in a form is the same wish.
    assert http.post(VIDEOS, **form(**body), headers=AGAIN).json()["id"] == first
    assert http.post(VIDEOS, json=body).json()["id"] != first
    key = {"Idempotency-Key": f"key-{uuid4()}"}
    both = [http.post(VIDEOS, json=body, headers=key) for _ in range(2)]
    assert both[0].json()["id"] == both[1].json()["id"] != first
    assert both[1].headers["idempotency-replayed"] == "true"
    refused(http.post(VIDEOS, json={**body, "seconds": "5"}, headers=key), 422, "idempotency.conflict")
    native = {"prompt": body["prompt"], "async": True}
    told = [http.post("/ima2/api/video/generate", json=native, headers=key) for _ in range(2)]
    assert [each.status_code for each in told] == [202, 202]
    assert told[0].json() == told[1].json()
    assert told[1].headers["idempotency-replayed"] == "true"
