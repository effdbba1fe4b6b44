"""`stream: true`: previews and pictures as they come, and what is told when something goes wrong on the way."""

import pytest

from tests.e2e.asked import wait_for
from tests.e2e.keyed import KeyedGateway
from tests.e2e.openai_face import Frame, OpenaiFace, drawn, frames_of, image
from tests.harness import SandboxProcess

#: What today's types of the SDKs require of each frame.
SHARED = {"type", "b64_json", "created_at", "size", "quality", "background", "output_format"}
USAGE = {"input_tokens", "input_tokens_details", "output_tokens", "total_tokens"}


@pytest.fixture(scope="module")
def face(keyed: KeyedGateway) -> OpenaiFace:
    """A client of a team of its own."""
    return OpenaiFace(keyed.client("watchers"))


def check(frame: Frame, name: str) -> None:
    """Check that a frame is what the SDKs' types call it."""
    assert frame.event == frame.data["type"] == name
    more = {"partial_image_index"} if name.endswith("partial_image") else {"usage"}
    assert SHARED | more <= set(frame.data) <= SHARED | more | {"revised_prompt", "safety_identifier"}
    assert drawn(frame.data).media_type.startswith("image/")
    if "usage" in frame.data:
        assert set(frame.data["usage"]) == USAGE


@pytest.mark.parametrize(("wished", "told"), [(0, 0), (1, 1), (3, 2)])
def test_previews_come_first_and_never_more_than_were_wished(face: OpenaiFace, wished: int, told: int) -> None:
    """The backend sends two: fewer than were wished is within OpenAI's promise, more is not."""
    answer, frames = face.frames(
        prompt="a fox [[partials:2]]", partial_images=wished, size="256x256", quality="low", user="me"
    )
    assert answer.headers["x-triptych-job"].startswith("job_")
    assert answer.headers["x-triptych-sandbox"] == "true"
    *previews, last = frames
    for index, each in enumerate(previews):
        check(each, "image_generation.partial_image")
        assert each.data["partial_image_index"] == index
        assert (each.data["size"], each.data["quality"]) == ("256x256", "low")
    assert len(previews) == told
    check(last, "image_generation.completed")
    assert (last.data["size"], last.data["quality"], last.data["output_format"]) == ("256x256", "low", "png")
    assert last.data["safety_identifier"] == "me"


def test_a_job_is_only_asked_for_previews_where_they_are_wished(face: OpenaiFace) -> None:
    """They come by another route of ima2, which is not taken for nothing; whoever sends none makes the picture too."""
    plain, _ = face.frames(model="ima2/gpt-5.4", size="64x64")
    told, _ = face.frames(model="ima2/gpt-5.4", partial_images=1, size="64x64")
    for answer, options in ((plain, None), (told, {"ima2": {"node": True}})):
        job = face.http.get(f"/v1/jobs/{answer.headers['x-triptych-job']}").json()
        assert job["spec"].get("options") == options
    _, frames = face.frames(model="studio/flux-dev", partial_images=3, size="64x64")
    assert [each.event for each in frames] == ["image_generation.completed"]
    # Nobody counted: the types want numbers all the same.
    assert (frames[0].data["usage"]["total_tokens"], frames[0].data["quality"]) == (0, "auto")


def test_several_pictures_are_a_frame_each(face: OpenaiFace) -> None:
    """Each whole, in the format that was asked for, whoever had to encode it."""
    _, frames = face.frames(n=3, partial_images=2, output_format="webp", model="studio/flux-dev", size="64x64")
    for each in frames:
        check(each, "image_generation.completed")
    assert [drawn(each.data).format for each in frames] == ["webp"] * 3


def test_an_edit_is_told_by_its_own_name(face: OpenaiFace) -> None:
    """`image_edit.completed`, from a form whose fields are words."""
    answer = face.send("edits", [image()], prompt="make it blue", stream="true", partial_images="1")
    frames = list(frames_of(answer.text))
    assert [each.event for each in frames] == ["image_edit.completed"]
    check(frames[0], "image_edit.completed")


@pytest.mark.parametrize(
    ("token", "code", "kind"),
    [
        ("SAFETY_REFUSAL", "policy.refused", "image_generation_user_error"),
        ("none", "backend.bad_response", "server_error"),
    ],
)
def test_what_fails_after_the_stream_began_is_a_frame_that_the_sdks_raise(
    face: OpenaiFace, token: str, code: str, kind: str
) -> None:
    """`error`, with the object that an answer would have; nothing comes after it."""
    answer, frames = face.frames(prompt=f"a fox [[{token}]]", model="ima2/gpt-5.4", partial_images=1)
    assert answer.status_code == 200
    assert [each.event for each in frames] == ["error"]
    error = frames[0].data["error"]
    assert (error["code"], error["type"], error["param"]) == (code, kind, None)
    assert error["message"]


def test_a_cancelled_job_ends_its_stream(face: OpenaiFace, sandboxes: dict[str, SandboxProcess]) -> None:
    """Whoever listens is told at once."""
    del sandboxes
    with face.http.stream(
        "POST", "/openai/v1/images/generations",
        json={"prompt": "[[slow:600]] a hill", "stream": True, "model": "ima2/gpt-5.4"},
    ) as answer:  # fmt: skip
        job_id = answer.headers["x-triptych-job"]
        assert face.http.post(f"/v1/jobs/{job_id}/cancel").is_success
        frames = list(frames_of(answer.read().decode()))
    assert [(each.event, each.data["error"]["code"]) for each in frames] == [("error", "job.cancelled")]


def test_a_client_that_hangs_up_stops_no_job(face: OpenaiFace) -> None:
    """Its job goes on, and its pictures are there for whoever asks for the job."""
    with face.http.stream(
        "POST", "/openai/v1/images/generations", json={"prompt": "[[slow:30]] a hill", "stream": True}
    ) as answer:
        job_id = answer.headers["x-triptych-job"]
    job = wait_for(
        lambda: (
            (found := face.http.get(f"/v1/jobs/{job_id}", params={"wait": 20}).json())["state"] == "succeeded" and found
        ),
        "the end of the job",
    )
    assert len(job["outputs"]) >= 1
