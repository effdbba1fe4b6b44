"""What the OpenAI face refuses, and how it says that a job failed: in OpenAI's shape, with our code inside."""

import threading
from typing import Any

import httpx
import pytest

from tests.e2e.asked import wait_for
from tests.e2e.drawn import png
from tests.e2e.keyed import KeyedGateway, bearer, make_key, revoke_key
from tests.e2e.openai_face import PATH, File, OpenaiFace, image, mask, refusal

GENERATE = f"{PATH}/images/generations"
INVALID, UNSUPPORTED = "request.field_invalid", "request.option_unsupported"


@pytest.fixture(scope="module")
def face(keyed: KeyedGateway) -> OpenaiFace:
    """A client of a team of its own: what it made can be counted."""
    return OpenaiFace(keyed.client("refused"))


def test_a_key_is_asked_for_where_openais_clients_put_it(keyed: KeyedGateway) -> None:
    """None, another scheme, an unknown one, a revoked one: `authentication_error`, and no retry."""
    key_id, revoked = make_key(keyed.data_dir, "leavers")
    revoke_key(keyed.data_dir, key_id)
    for header in ({}, {"Authorization": "Basic abc"}, *map(bearer, ("nobody", revoked))):
        answer = httpx.post(f"{keyed.url}{GENERATE}", json={}, headers=header, trust_env=False)
        refusal(answer, "auth.unauthenticated", 401)
        assert answer.json()["error"]["type"] == "authentication_error"
        assert (answer.headers["www-authenticate"], answer.headers["x-should-retry"]) == ("Bearer", "false")


def test_a_key_that_may_not_have_its_pictures_makes_none(keyed: KeyedGateway) -> None:
    """A scope for making, one for the files, one for the stream: each is looked at before anything is made."""
    for scopes, body in (
        (("jobs:read", "assets:read"), {}),
        (("jobs:write", "jobs:read"), {}),
        (("jobs:write", "assets:read"), {"stream": True}),
    ):
        options = [part for scope in scopes for part in ("--scope", scope)]
        answer = OpenaiFace(keyed.client("halves", *options)).post(prompt="a fox", **body)
        refusal(answer, "auth.forbidden", 403)
        assert answer.json()["error"]["type"] == "permission_error"
    assert keyed.client("halves").get("/v1/jobs").json()["jobs"] == []


def test_other_addresses_and_methods_are_told_in_the_same_shape(face: OpenaiFace) -> None:
    """404, 405 with the methods there are, and no page of anybody's."""
    refusal(face.http.post(f"{PATH}/chat/completions", json={}), "resource.not_found", 404)
    answer = face.http.get(GENERATE)
    refusal(answer, "request.malformed", 405)
    assert answer.headers["allow"] == "POST"
    assert face.http.request("OPTIONS", GENERATE).headers["allow"] == "POST"
    refusal(face.get("/models/nobody%2Fnothing"), "request.model_unknown", 404, "model")


BODIES: list[tuple[dict[str, Any], str, int, str | None]] = [
    ({"prompt": None}, INVALID, 400, "prompt"),
    ({"model": "gpt-image-1"}, "request.model_unknown", 404, "model"),
    ({"model": "x" * 301}, "request.model_unknown", 404, "model"),
    ({"model": ""}, "request.model_unknown", 404, "model"),
    ({"model": "studio/realesrgan-x4plus"}, "request.model_incapable", 400, "model"),
    ({"n": 11}, INVALID, 400, "n"),
    ({"size": "9x9"}, UNSUPPORTED, 400, "size"),
    ({"quality": 80}, INVALID, 400, "quality"),
    ({"quality": "low", "model": "imgen/eros"}, UNSUPPORTED, 400, "quality"),
    ({"moderation": "low", "model": "studio/flux-dev"}, UNSUPPORTED, 400, "moderation"),
    ({"style": "nobody"}, UNSUPPORTED, 400, "style"),
    ({"background": "transparent"}, UNSUPPORTED, 400, "background"),
    ({"output_format": "gif"}, INVALID, 400, "output_format"),
    ({"output_format": "webp", "output_compression": 0}, INVALID, 400, "output_compression"),
    ({"stream": True, "partial_images": 4}, INVALID, 400, "partial_images"),
    ({"stream": True, "model": "nobody"}, "request.model_unknown", 404, "model"),
    ({"seed": 7}, INVALID, 400, "seed"),
    ({"input_fidelity": "high"}, UNSUPPORTED, 400, "input_fidelity"),
]


def test_what_is_refused_is_named_and_makes_no_job(face: OpenaiFace, keyed: KeyedGateway) -> None:
    """By the field as the client wrote it, also before a stream begins; every one is counted as a job refused."""
    counted = _refused_jobs(keyed)
    for body, code, status, param in BODIES:
        answer = face.post(**{"prompt": "a red fox", **body})
        refusal(answer, code, status, param)
        assert answer.headers["x-should-retry"] == "false", body
    assert _refused_jobs(keyed) == counted + len(BODIES)
    assert face.http.get("/v1/jobs").json()["jobs"] == []


def _refused_jobs(keyed: KeyedGateway) -> float:
    assert keyed.http is not None
    lines = keyed.http.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("triptych_jobs_refused_total{"))


def test_a_body_that_cannot_be_read_is_malformed(face: OpenaiFace) -> None:
    """No JSON, no object, no label, a form that breaks off."""
    label = {"Content-Type": "application/json"}
    for content, headers, status in (
        (b"{", label, 400),
        (b"\xff", label, 400),
        (b"[]", label, 400),
        (b"[" * 100_000, label, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"prompt=a", {}, 415),
    ):
        refusal(face.http.post(GENERATE, content=content, headers=headers), "request.malformed", status)
    edits = f"{PATH}/images/edits"
    refusal(face.http.post(edits, json={"prompt": "a fox"}), "request.malformed", 415)
    torn = {"Content-Type": "multipart/form-data; boundary=x"}
    refusal(
        face.http.post(edits, content=b"--x\r\nContent-Disposition: form-da", headers=torn), "request.malformed", 400
    )


NO_PICTURE: File = ("image", ("fox.png", b"GIF89a, or so it says", "image/png"))
OPAQUE: File = ("mask", ("mask.png", png(64, 64), "image/png"))
FORMS: list[tuple[list[File], dict[str, str], str, int, str]] = [
    ([], {"prompt": "x", "image": "https://example.org/fox.png"}, INVALID, 400, "image"),
    ([mask()], {"prompt": "x"}, INVALID, 400, "image"),
    ([image()], {}, INVALID, 400, "prompt"),
    ([NO_PICTURE], {"prompt": "x"}, "request.reference_invalid", 400, "image"),
    ([image(), OPAQUE], {"prompt": "x"}, "request.reference_invalid", 400, "mask"),
    ([image(), mask(32)], {"prompt": "x"}, "request.reference_invalid", 400, "mask"),
    ([image(), mask(), mask()], {"prompt": "x"}, "request.reference_too_many", 400, "mask"),
    ([image()] * 17, {"prompt": "x"}, "request.reference_too_many", 400, "image"),
    ([image(), image("reference")], {"prompt": "x"}, INVALID, 400, "reference"),
    ([image(), image("markup")], {"prompt": "x"}, UNSUPPORTED, 400, "markup"),
    ([image()], {"prompt": "x", "input_fidelity": "high"}, UNSUPPORTED, 400, "input_fidelity"),
    ([image()], {"prompt": "x", "svg[model]": "y"}, UNSUPPORTED, 400, "svg"),
    ([image()], {"prompt": "x", "n": "two"}, INVALID, 400, "n"),
    ([image(), image(), mask()], {"prompt": "x"}, UNSUPPORTED, 400, "image"),
]


def test_a_form_is_refused_by_the_field_that_is_wrong(face: OpenaiFace) -> None:
    """A text or another thing where a picture must be, a mask that marks nothing, too many of them."""
    for files, fields, code, status, param in FORMS:
        # A form without a file is none by itself: one that nobody reads makes it one.
        answer = face.send("edits", files or [("", ("", b"", ""))], **fields)
        refusal(answer, code, status, param)
    refusal(face.send("variations", [image(), image()]), "request.reference_too_many", 400, "image")
    refusal(face.send("variations", [image()], prompt="x"), INVALID, 400, "prompt")
    assert face.http.get("/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize(("model", "token", "code", "status", "kind"), [
    ("ima2/gpt-5.4", "SAFETY_REFUSAL", "policy.refused", 400, "image_generation_user_error"),
    ("imgen/eros", "unsafe", "policy.output_blocked", 400, "image_generation_user_error"),
    ("ima2/gpt-5.4", "fewer:1", "backend.bad_response", 502, "server_error"),
    ("ima2/gpt-5.4", "INVALID_REQUEST", "backend.rejected_request", 502, "server_error"),
])  # fmt: skip
def test_a_job_that_brings_nothing_is_told_with_its_name(
    face: OpenaiFace, model: str, token: str, code: str, status: int, kind: str
) -> None:
    """Fewer pictures than asked for are none; the job is named, and nobody is invited to pay twice."""
    n = 2 if token == "fewer:1" else 1
    answer = face.post(prompt=f"a red fox [[{token}]]", model=model, n=n)
    refusal(answer, code, status)
    assert answer.json()["error"]["type"] == kind
    job = face.http.get(f"/v1/jobs/{answer.headers['x-triptych-job']}").json()
    assert (job["state"], job["error"]["code"]) == ("blocked" if token == "unsafe" else "failed", code)
    unknown = job["error"]["outcome"] == "unknown"
    again = "same" in job["error"]["retry"] and not unknown and status != 400
    assert answer.headers["x-should-retry"] == str(again).lower()


def test_who_waits_for_a_job_that_is_cancelled_is_told_at_once(face: OpenaiFace) -> None:
    """409, and no retry: somebody meant it."""
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(face.post(prompt="[[slow:600]] a hill", model="ima2/gpt-5.4"))

    waiting = threading.Thread(target=ask)
    waiting.start()
    jobs = wait_for(lambda: face.http.get("/v1/jobs", params={"state": "running"}).json()["jobs"], "a job under way")
    assert face.http.post(f"/v1/jobs/{jobs[0]['id']}/cancel").is_success
    waiting.join(30)
    refusal(answers[0], "job.cancelled", 409)
    assert (answers[0].headers["x-triptych-job"], answers[0].headers["x-should-retry"]) == (jobs[0]["id"], "false")
