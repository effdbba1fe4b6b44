"""Edits through the front door, on all three builds of ima2: with masks, references, lost answers and refusals."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from tests.e2e.asked import made, pointers, post, problem, wait_for
from tests.e2e.drawn import media_of, picture, png
from tests.harness import GatewayProcess, SandboxProcess, backend

BUILDS = ("tag", "head", "new")
SPEED = 60


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SandboxProcess]]:
    """One server of each build."""
    folder = tmp_path_factory.mktemp("builds")
    running = {name: SandboxProcess("ima2", folder / name, speed=SPEED, profile=name) for name in BUILDS}
    yield running
    for sandbox in running.values():
        sandbox.stop(5)


@pytest.fixture(scope="module")
def editor(builds: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway in front of all three."""
    running = GatewayProcess(
        tmp_path_factory.mktemp("editor"), {name: backend(sandbox) for name, sandbox in builds.items()}
    )
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def nothing_counted(request: pytest.FixtureRequest) -> None:
    """Forget the calls of the test before."""
    if "builds" in request.fixturenames:
        for sandbox in request.getfixturevalue("builds").values():
            assert sandbox.http is not None
            sandbox.http.delete("/_sandbox/calls")


def data(role: str, content: bytes) -> dict[str, str]:
    """Return a picture as an input."""
    return {"role": role, "data": base64.b64encode(content).decode()}


def mask(width: int = 32, height: int = 32) -> bytes:
    """Return a mask whose left half is to be edited."""
    image = Image.new("RGBA", (width, height), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def edit(on: str, *inputs: dict[str, str], prompt: str = "at night", **fields: Any) -> dict[str, Any]:
    """Return a request for an edit on one build."""
    return {
        "operation": "image.edit",
        "prompt": prompt,
        "inputs": list(inputs or (data("source", png()),)),
        "size": {"width": 64, "height": 48},
        "route": {"backends": [on], "accounts": ["oauth"]},
        **fields,
    }


def sent(sandbox: SandboxProcess, path: str = "/api/edit") -> list[dict[str, Any]]:
    """Return the bodies that reached a route."""
    return [call["body"] for call in sandbox.calls("POST", path)]


@pytest.mark.parametrize("build", BUILDS)
def test_an_edit_comes_back_as_a_stored_picture(
    editor: GatewayProcess, builds: dict[str, SandboxProcess], build: str
) -> None:
    """The source goes along byte for byte, everything is said explicitly, and what came is read back."""
    assert editor.http is not None
    job = made(editor.http, edit(build, policy={"strictness": "relaxed"}, effort="high"))
    assert job["state"] == "succeeded", job["error"]
    [output] = job["outputs"]
    media = media_of(editor.http.get(output["url"]).content)
    assert (media.format, media.width, media.height) == ("png", 64, 48)
    [body] = sent(builds[build])
    assert base64.b64decode(body["image"]) == png()
    told = {name: body[name] for name in ("provider", "quality", "size", "moderation", "requestId")}
    assert told == {
        "provider": "oauth",
        "quality": "high",
        "size": "64x48",
        "moderation": "low",
        "requestId": f"{job['id']}.1",
    }


@pytest.mark.parametrize("build", ["head", "new"])
def test_a_mask_goes_along_and_the_job_says_what_it_is_worth(
    editor: GatewayProcess, builds: dict[str, SandboxProcess], build: str
) -> None:
    """Its polarity is the contract's own, so it is sent as it came; it guides, and a warning says so."""
    assert editor.http is not None
    job = made(editor.http, edit(build, data("source", png()), data("mask", mask())))
    assert job["state"] == "succeeded", job["error"]
    assert base64.b64decode(sent(builds[build])[0]["mask"]) == mask()
    assert any("mask guides" in warning for warning in job["warnings"])


def test_a_build_that_takes_no_masks_is_never_sent_one(
    editor: GatewayProcess, builds: dict[str, SandboxProcess]
) -> None:
    """TAG refuses every mask: the request is refused before a job exists, and goes elsewhere when it may."""
    assert editor.http is not None
    masked = edit("tag", data("source", png()), data("mask", mask()))
    body = problem(post(editor.http, masked), "request.option_unsupported")
    assert pointers(body) == ["/inputs/1/role"]
    assert sent(builds["tag"]) == []
    job = made(editor.http, {**masked, "route": {"accounts": ["oauth"]}})
    assert (job["state"], job["backend"] in ("head", "new")) == ("succeeded", True)


@pytest.mark.parametrize(
    ("content", "reason"), [(png(), "no_alpha"), (mask(16, 32), "dimensions"), (picture("JPEG", 32, 32), "media_type")]
)
def test_a_mask_that_cannot_be_used_costs_nothing(
    editor: GatewayProcess, builds: dict[str, SandboxProcess], content: bytes, reason: str
) -> None:
    """Alpha, size and format are looked at by the gateway: nothing reaches the server."""
    assert editor.http is not None
    response = post(editor.http, edit("head", data("source", png()), data("mask", content)), wait=60)
    found = response.json()
    error = found if response.status_code == 400 else found["error"]
    assert error["code"] == "request.reference_invalid"
    assert [(fault["pointer"], fault["reason"]) for fault in error["errors"]] == [("/inputs/1", reason)]
    assert sent(builds["head"]) == []


def test_a_heic_picture_is_refused_with_the_way_out(editor: GatewayProcess) -> None:
    """The real server lets them pass to an upstream that cannot read them."""
    assert editor.http is not None
    heic = b"\0\0\0\x18ftypheic" + b"\0" * 64
    for role, operation in (("source", "image.edit"), ("reference", "image.generate")):
        wanted = {**edit("head", data(role, heic)), "operation": operation}
        body = problem(post(editor.http, wanted), "request.reference_invalid")
        assert "must be converted" in body["errors"][0]["detail"]


def test_grok_takes_references_beside_the_source_and_no_mask(
    editor: GatewayProcess, builds: dict[str, SandboxProcess]
) -> None:
    """Three pictures in all; the fourth is one too many, and a mask none at all."""
    assert editor.http is not None
    grok = {"backends": ["new"], "accounts": ["grok"]}
    three = [data("source", png()), data("reference", png(16, 16)), data("reference", png(8, 8))]
    wanted = edit("new", *three, route=grok)
    del wanted["size"]
    job = made(editor.http, wanted)
    assert (job["state"], job["outputs"][0]["media_type"]) == ("succeeded", "image/jpeg")
    [body] = sent(builds["new"])
    assert [base64.b64decode(each) for each in body["references"]] == [png(16, 16), png(8, 8)]
    more = {**wanted, "inputs": [*three, data("reference", png(4, 4))]}
    problem(post(editor.http, more), "request.reference_too_many")
    masked = {**wanted, "inputs": [three[0], data("mask", mask())]}
    problem(post(editor.http, masked), "request.option_unsupported")


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("token", ["cut", "cut_body"])
def test_an_edit_whose_answer_was_lost_is_found_and_not_paid_twice(
    editor: GatewayProcess, builds: dict[str, SandboxProcess], build: str, token: str
) -> None:
    """The history knows no request id of edits: the registry's record tells which file it became."""
    assert editor.http is not None
    job = made(editor.http, edit(build, prompt=f"at dusk [[{token}]] [[slow:20]]"))
    assert job["state"] == "succeeded", job["error"]
    assert job["outputs"][0]["revised_prompt"]
    assert len(sent(builds[build])) == 1
    assert len(job["attempts"]) == 1


@pytest.mark.parametrize(
    ("token", "code"),
    [
        ("mod400", "policy.refused"),
        ("401_expired", "backend.credentials_rejected"),
        ("400_size", "backend.rejected_request"),
        ("empty", "backend.bad_response"),
    ],
)
def test_the_edit_route_fails_in_its_own_words_and_they_are_understood(
    editor: GatewayProcess, token: str, code: str
) -> None:
    """Other codes and statuses than those of generate for the same cause (wire §10)."""
    assert editor.http is not None
    for build in ("tag", "head"):
        job = made(editor.http, edit(build, prompt=f"at dawn [[{token}]]"))
        assert job["error"]["code"] == code, (build, job["error"])


def test_cancelling_an_edit_says_what_it_did(editor: GatewayProcess, builds: dict[str, SandboxProcess]) -> None:
    """NEW stops it; the others only forget, and the job says so."""
    assert editor.http is not None
    for build, answer in (("head", "forgotten"), ("new", "stopped")):
        job = post(editor.http, edit(build, prompt="slowly [[slow:600]]")).json()
        wait_for(lambda build=build: sent(builds[build]), "the edit at the server")  # type: ignore[misc]
        editor.http.post(f"/v1/jobs/{job['id']}/cancel").raise_for_status()
        ended = editor.job(job["id"], wait=30)
        assert (ended["state"], ended["cancel"]["answer"]) == ("cancelled", answer)


def test_a_dry_run_names_the_pictures_instead_of_showing_them(editor: GatewayProcess) -> None:
    """The very request, without a byte of them."""
    assert editor.http is not None
    wanted = edit("head", data("source", png()), data("mask", mask()))
    request = editor.http.post("/v1/jobs?dry_run=true", json=wanted).raise_for_status().json()["request"]
    assert (request["path"], request["body"]["image"], request["body"]["mask"]) == (
        "/api/edit",
        "<input 0>",
        "<input 1>",
    )
