"""An ima2 client points at Triptych and makes pictures, whoever makes them behind it."""

import base64
from collections.abc import Iterator

import pytest

from tests.e2e.asked import wait_for
from tests.e2e.drawn import media_of, picture, png
from tests.e2e.ima2_client import SEED, Clients, frames, picture_of
from tests.e2e.keyed import KeyedGateway
from tests.harness import SandboxProcess


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Iterator[Clients]:
    """Clients of the face, each of a team."""
    made = Clients(keyed)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("backend", "provider", "told"),
    [
        ("ima2", "oauth", set()),
        ("studio", "sdcpp", {"moderation", "provider", "model"}),
        ("imgen", "imgen", {"moderation", "provider", "model", "quality"}),
    ],
)
def test_the_documents_own_request_works_on_every_backend(
    client: Clients, backend: str, provider: str, told: set[str]
) -> None:
    """What is honoured is honoured; ima2's own defaults that nobody there has are told in `warnings`."""
    http = client(f"on-{backend}", "--backend", backend)
    answer = http.post("/api/generate", json={**SEED, "requestId": f"seed-{backend}"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["requestId"], body["provider"], body["size"]) == (f"seed-{backend}", provider, "1024x1024")
    assert answer.headers["x-triptych-sandbox"] == "true"
    assert {each["field"] for each in body["warnings"]} == told
    inline = picture_of(body["image"])
    stored = http.get(f"/generated/{body['filename']}")
    assert (stored.status_code, media_of(stored.content)) == (200, media_of(inline))
    row = http.get("/api/history").json()["items"][0]
    assert (row["filename"], row["requestId"], row["prompt"]) == (body["filename"], body["requestId"], SEED["prompt"])
    assert (row["model"], row["kind"]) == (body["model"], "classic")


def test_the_form_of_an_answer_follows_how_many_were_asked_for(client: Clients) -> None:
    """One picture is `image`, several are `images`, each with a file of its own."""
    body = client("many").post("/api/generate", json={"prompt": "three hills", "n": 3}).json()
    assert "image" not in body
    assert body["count"] == 3
    assert len({each["filename"] for each in body["images"]}) == 3
    assert all(picture_of(each["image"]) for each in body["images"])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"prompt": "x", "provider": "api"}, 401, "API_KEY_REQUIRED"),
        ({"prompt": "x", "provider": "grok"}, 401, "GROK_AUTH_REQUIRED"),
        ({"prompt": "x", "model": "gpt-2"}, 400, "INVALID_IMAGE_MODEL"),
        ({"prompt": "x", "model": "gpt-5.3-codex-spark"}, 400, "IMAGE_MODEL_UNSUPPORTED"),
        ({"prompt": "x", "references": ["!"]}, 400, "REF_NOT_BASE64"),
        ({"prompt": "x", "references": ["aGVsbG8="]}, 400, "INVALID_REQUEST"),
        ({"prompt": "x", "size": "7x7000"}, 400, "INVALID_REQUEST"),
        ({"prompt": "x", "backgroundPreset": "studio"}, 400, "INVALID_REQUEST"),
        ({"prompt": "x", "reasoningEffort": "lots"}, 400, "INVALID_REASONING_EFFORT"),
    ],
)
def test_what_cannot_be_honoured_is_refused_in_ima2s_words(
    client: Clients, body: dict[str, object], status: int, code: str
) -> None:
    """Flat, with ima2's own code and status, and no job."""
    http = client("refused")
    answer = http.post("/api/generate", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert http.get("/api/inflight?includeTerminal=1").json() == {"jobs": [], "terminalJobs": []}


def test_a_heic_picture_is_refused_with_a_hint(client: Clients) -> None:
    """The real server lets it pass and fails later (seed 001: a user-facing conversion hint)."""
    heic = base64.b64encode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)).decode()
    answer = client("refused").post("/api/generate", json={"prompt": "x", "model": "gpt-5.4", "references": [heic]})
    assert answer.status_code == 400
    assert "HEIC must be converted" in answer.json()["error"]


def test_a_failure_behind_is_told_in_the_long_envelope(client: Clients, sandboxes: dict[str, SandboxProcess]) -> None:
    """A refusal by the upstream's policy is 422 SAFETY_REFUSAL, with every field that ima2 shows."""
    del sandboxes
    answer = client("blocked").post("/api/generate", json={"prompt": "[[mod400]] x", "model": "gpt-5.4"})
    body = answer.json()
    assert (answer.status_code, body["code"], body["errorClass"]) == (422, "SAFETY_REFUSAL", "CONTENT_REJECTED")
    assert {"upstreamCode", "retryKind", "errorEventCount", "requestId"} <= body.keys()
    end = client("blocked").get("/api/inflight?includeTerminal=1").json()["terminalJobs"][0]
    assert (end["status"], end["httpStatus"], end["errorCode"]) == ("error", 422, "SAFETY_REFUSAL")


def test_an_edit_answers_with_a_picture_and_goes_into_the_history(client: Clients) -> None:
    """Picture in as a data URL, picture out as one, of kind `edit`."""
    http = client("editing")
    source = "data:image/png;base64," + base64.b64encode(png(64, 64)).decode()
    answer = http.post("/api/edit", json={"prompt": "make it red", "image": source})
    assert answer.status_code == 200, answer.text
    assert picture_of(answer.json()["image"])
    assert http.get("/api/history").json()["items"][0]["kind"] == "edit"


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        ("!", "INVALID_EDIT_MASK_BASE64"),
        (base64.b64encode(picture("JPEG")).decode(), "INVALID_EDIT_MASK_PNG"),
        (base64.b64encode(png(64, 64)).decode(), "EDIT_MASK_NO_ALPHA"),
        (7, "INVALID_EDIT_MASK"),
    ],
)
def test_a_mask_is_checked_in_ima2s_words(client: Clients, mask: object, code: str) -> None:
    """Before anything is sent or stored."""
    source = base64.b64encode(png(64, 64)).decode()
    answer = client("editing").post("/api/edit", json={"prompt": "x", "image": source, "mask": mask})
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_node_streams_phase_and_done_and_its_child_goes_on_from_it(client: Clients) -> None:
    """Frames exactly as the real server writes them; the parent's picture becomes the child's source."""
    http = client("nodes")
    sse = {"Accept": "text/event-stream"}
    told = frames(http.post("/api/node/generate", json={"prompt": "a root", "sessionId": "s_1"}, headers=sse))
    assert [event for event, _ in told if event != "partial"] == ["phase", "done"]
    assert told[0][1].keys() == {"requestId", "phase"}
    root = told[-1][1]
    child = http.post("/api/node/generate", json={"prompt": "go on", "parentNodeId": root["nodeId"]}).json()
    assert (child["parentNodeId"], child["url"]) == (root["nodeId"], f"/generated/{child['filename']}")
    meta = http.get(f"/api/node/{child['nodeId']}").json()["meta"]
    assert (meta["kind"], meta["parentNodeId"], meta["prompt"]) == ("edit", root["nodeId"], "go on")
    again = http.post("/api/node/generate", json={"prompt": "and on", "externalSrc": child["filename"]})
    assert again.status_code == 200, again.text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"prompt": "x", "parentNodeId": f"n_{'0' * 32}"}, 404, "NODE_NOT_FOUND"),
        ({"prompt": "x", "externalSrc": "../secret"}, 400, "NODE_SOURCE_INVALID"),
        ({"prompt": "x", "externalSrc": "https://elsewhere.example/a.png"}, 404, "NODE_NOT_FOUND"),
        ({"prompt": "x", "contextMode": "ancestry"}, 400, "CONTEXT_MODE_UNSUPPORTED"),
        ({"prompt": "x", "moderation": "high"}, 400, "INVALID_MODERATION"),
    ],
)
def test_a_node_is_refused_in_plain_json_even_when_frames_were_asked_for(
    client: Clients, body: dict[str, object], status: int, code: str
) -> None:
    """Before the stream opens (recorded: node_parent_missing_sse)."""
    answer = client("nodes").post("/api/node/generate", json=body, headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.json()["parentNodeId"] == body.get("parentNodeId")


def test_multimode_tells_each_picture_and_then_all_of_them(client: Clients) -> None:
    """One `phase`, an `image` for each after its previews, one `done`, whatever Accept says."""
    http = client("sequence")
    told = frames(http.post("/api/generate/multimode", json={"prompt": "four seasons", "maxImages": 2}))
    assert [event for event, _ in told if event != "partial"] == ["phase", "image", "image", "done"]
    done = told[-1][1]
    assert (done["status"], done["returned"], len(done["images"])) == ("complete", 2, 2)
    assert {each["sequenceId"] for _, each in told} == {told[0][1]["sequenceId"]}
    assert {row["kind"] for row in http.get("/api/history").json()["items"]} == {"multimode-image"}


def test_multimode_refuses_in_a_frame(client: Clients) -> None:
    """HTTP says 200, the frame says what it would have said (wire §1.8)."""
    told = frames(client("sequence").post("/api/generate/multimode", json={"prompt": "x", "moderation": "off"}))
    assert [(event, data["code"], data["status"]) for event, data in told] == [("error", "INVALID_MODERATION", 400)]


def test_a_film_that_nobody_makes_is_refused_in_a_frame(client: Clients) -> None:
    """No Grok account stands behind this gateway (seed 000: videos are Grok's)."""
    told = frames(client("films").post("/api/video/generate", json={"prompt": "waves"}))
    assert [(event, data["code"]) for event, data in told] == [("error", "VIDEO_PROVIDER_UNSUPPORTED")]
    told = frames(client("films").post("/api/video/generate", json={"prompt": "x", "duration": 99}))
    assert told[0][1]["code"] == "INVALID_VIDEO_DURATION"


def test_a_request_that_does_not_wait_is_found_by_its_id(client: Clients) -> None:
    """`async`: 202 at once, then the in-flight list, then the history; the same key makes no second job."""
    http, key = client("later"), {"Idempotency-Key": "once"}
    body = {"prompt": "[[slow:120]] later", "requestId": "later-1", "async": True, "model": "gpt-5.4"}
    first = http.post("/api/generate", json=body, headers=key)
    assert (first.status_code, first.json()) == (202, {"requestId": "later-1", "async": True})
    assert http.post("/api/generate", json=body, headers=key).json()["idempotentReplay"] is True
    assert http.post("/api/generate", json=body).json()["code"] == "REQUEST_ID_IN_USE"
    assert [job["requestId"] for job in http.get("/api/inflight").json()["jobs"]] == ["later-1"]
    wait_for(lambda: not http.get("/api/inflight").json()["jobs"], "an end")
    assert [row["requestId"] for row in http.get("/api/history").json()["items"]] == ["later-1"]
    done = http.post("/api/generate", json=body, headers=key).json()
    assert done["idempotentReplay"] is True
    assert picture_of(done["image"])
