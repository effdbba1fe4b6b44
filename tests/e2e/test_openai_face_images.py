"""Pictures through the OpenAI face: made on any backend, encoded as asked, and described as they are."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.drawn import media_of
from tests.e2e.keyed import KeyedGateway
from tests.e2e.openai_face import OpenaiFace, drawn, image, made, mask, refusal
from tests.harness import GatewayProcess, SandboxProcess, backend, free_port


@pytest.fixture(scope="module")
def face(keyed: KeyedGateway) -> OpenaiFace:
    """A client of a team that may use every backend."""
    return OpenaiFace(keyed.client("painters"))


def job_of(face: OpenaiFace, answer: httpx.Response) -> dict[str, Any]:
    """Return the job that an answer names."""
    job: dict[str, Any] = face.http.get(f"/v1/jobs/{answer.headers['x-triptych-job']}").raise_for_status().json()
    return job


def test_words_become_a_picture_and_the_answer_says_what_is_true_of_it(face: OpenaiFace) -> None:
    """`b64_json` unless told otherwise, and a PNG; size, effort and tokens are those of the job."""
    answer = face.post(prompt="a red fox", model="ima2/gpt-5.4", size="768x512", quality="low", user="a@example.org")
    body = made(answer)
    assert (str(drawn(body["data"][0]).width), body["size"]) == ("768", "768x512")
    assert (body["output_format"], body["quality"], body["safety_identifier"]) == ("png", "low", "a@example.org")
    assert set(body["data"][0]) == {"b64_json", "revised_prompt"}
    usage = body["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"] > 0
    assert usage["input_tokens_details"] == {"text_tokens": usage["input_tokens"], "image_tokens": 0}
    job = job_of(face, answer)
    assert (job["model"], job["effective"]["effort"]) == ("ima2/gpt-5.4", "low")
    # Whom it was made for can be found again, and not be read.
    assert len(job["spec"]["tags"]["end_user"]) == 32
    assert "example" not in str(job)


@pytest.mark.parametrize(
    ("model", "file_format", "n"),
    [("imgen/eros", "webp", 2), ("ima2/gpt-5.4", "jpeg", 2), ("studio/z-image-turbo", "jpeg", 2)],
)
def test_any_backend_delivers_the_format_and_the_number_that_are_asked_for(
    face: OpenaiFace, model: str, file_format: str, n: int
) -> None:
    """What a backend cannot, the gateway does: it encodes anew, and has several jobs for several pictures."""
    answer = face.post(prompt="a red fox", model=model, n=n, output_format=file_format)
    body = made(answer)
    assert [drawn(each).format for each in body["data"]] == [file_format] * n
    assert body["output_format"] == file_format
    assert ("background" in body) == (file_format == "jpeg")
    # The size was left open: nothing else may have been changed for it.
    assert {each["pointer"] for each in job_of(face, answer)["adjustments"]} <= {
        "/n", "/output/format", "/output/compression", "/output/metadata",
    }  # fmt: skip
    assert ("x-triptych-adjustments" in answer.headers) == bool(job_of(face, answer)["adjustments"])


def test_a_nearly_right_size_is_never_taken_for_the_sake_of_another_wish(face: OpenaiFace) -> None:
    """Another encoding of a size that is made is made; of one that is not, it is refused, and `param` is the size."""
    body = made(face.post(prompt="a red fox", model="studio/flux-dev", size="320x256", output_format="webp"))
    assert {(drawn(each).width, drawn(each).height) for each in body["data"]} == {(320, 256)}
    for model, size in (("imgen/eros", "1000x1000"), ("studio/flux-dev", "321x256")):
        refused = face.post(prompt="a red fox", model=model, n=2, size=size, output_format="webp")
        refusal(refused, "request.option_unsupported", 400, "size")


def test_an_address_needs_no_key_and_is_the_gateways(face: OpenaiFace, keyed: KeyedGateway) -> None:
    """`response_format: url`: the file lies where the gateway serves it, signed for an hour."""
    body = made(face.post(prompt="a red fox", response_format="url", output_format="jpeg", output_compression=40, n=2))
    for each in body["data"]:
        assert "b64_json" not in each
        assert each["url"].startswith(f"{keyed.url}/v1/assets/")
        fetched = httpx.get(each["url"], trust_env=False)
        assert (fetched.status_code, media_of(fetched.content).format) == (200, "jpeg")
        unsigned = httpx.get(each["url"].replace(urlsplit(each["url"]).query, ""), trust_env=False)
        assert unsigned.status_code == 401


@pytest.mark.parametrize("names", [("image", "image"), ("image[]", "image[]"), ("image[0]", "image[1]")])
def test_an_edit_takes_its_pictures_as_every_sdk_names_them(face: OpenaiFace, names: tuple[str, str]) -> None:
    """Several pictures without a mask are as good as each other: they guide whoever makes pictures from references."""
    answer = face.send("edits", [image(names[0]), image(names[1], 48, "JPEG")], prompt="both of them", size="auto")
    assert drawn(made(answer)["data"][0]).format == "png"
    job = job_of(face, answer)
    assert (job["operation"], job["backend"]) == ("image.generate", "ima2")
    assert [each["role"] for each in job["spec"]["inputs"]] == ["reference", "reference"]
    assert [each["media_type"] for each in job["spec"]["inputs"]] == ["image/png", "image/jpeg"]


def test_an_edit_within_a_mask_reaches_a_backend_that_knows_masks(face: OpenaiFace) -> None:
    """The mask is the last of the inputs, and alpha 0 in it is what is edited."""
    answer = face.send("edits", [mask(), image()], prompt="make it blue", n="1", quality="high")
    assert drawn(made(answer)["data"][0]).format == "png"
    assert [each["role"] for each in job_of(face, answer)["spec"]["inputs"]] == ["source", "mask"]


def test_a_variation_needs_no_words(face: OpenaiFace) -> None:
    """A picture goes in, two come out; the tokens that went in are not divided, because nobody tells."""
    body = made(face.send("variations", [image()], n="2", response_format="b64_json"))
    assert [drawn(each).format for each in body["data"]] == ["png", "png"]
    assert "revised_prompt" not in body["data"][0]


def test_models_are_what_the_key_may_use(keyed: KeyedGateway, face: OpenaiFace) -> None:
    """By `<backend>/<id>`, whether the slash is escaped or not; what is not this key's is not there."""
    listed = face.get("/models").json()
    assert listed["object"] == "list"
    ids = [each["id"] for each in listed["data"]]
    assert {each.partition("/")[0] for each in ids} == {"studio", "ima2", "imgen"}
    assert all(set(each) == {"id", "object", "created", "owned_by"} for each in listed["data"])
    for path in ("/models/ima2/gpt-5.4", "/models/ima2%2Fgpt-5.4"):
        found = face.get(path).json()
        assert (found["id"], found["object"], found["owned_by"]) == ("ima2/gpt-5.4", "model", "ima2")
        assert found["created"] > 1_700_000_000
    few = OpenaiFace(keyed.client("few", "--backend", "imgen"))
    assert {each["owned_by"] for each in few.get("/models").json()["data"]} == {"imgen"}
    assert few.get("/models/ima2/gpt-5.4").status_code == 404


def test_an_alias_and_a_listener_of_its_own(
    sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`gpt-image-1` is whatever the settings say; the face is at the root of its own port, its files at the gateway."""
    port = free_port()
    settings = {
        "faces": {"openai": {"listen": f"127.0.0.1:{port}", "team": "local"}},
        "aliases": {"gpt-image-1": ["studio/flux-dev"], "gone": ["studio/nothing"]},
    }
    backends = {"studio": backend(sandboxes["sdcpp"])}
    running = GatewayProcess(tmp_path_factory.mktemp("aliased"), backends, settings=settings)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, trust_env=False) as http:
            face = OpenaiFace(http, "/v1")
            assert face.get("/models").json()["data"][0] | {"created": 0} == {
                "id": "gpt-image-1", "object": "model", "created": 0, "owned_by": "triptych",
            }  # fmt: skip
            assert face.get("/models/gone").status_code == 404
            answer = face.post(prompt="a red fox", model="gpt-image-1", response_format="url", style="vivid")
            assert made(answer)["data"][0]["url"].startswith(f"{running.url}/v1/assets/")
            job = running.job(answer.headers["x-triptych-job"])
            assert (job["model"], job["effective"]["style"]) == ("studio/flux-dev", "vivid")
            assert http.post("/openai/v1/images/generations", json={}).status_code == 404
    finally:
        running.stop()
