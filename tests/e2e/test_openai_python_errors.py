"""Whatever goes wrong is an error of the real `openai` package: our code, its own fields, and nothing else of ours."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import openai
import pytest

from contracts.codes import ErrorCode
from tests.e2e.asked import shown, wait_for
from tests.e2e.drawn import picture, png
from tests.e2e.openai_world import OpenAIWorld, transparent
from tests.harness import free_port

pytest_plugins = ("tests.e2e.openai_plugin",)
TEAM = "unlucky"
FOX: dict[str, Any] = {"prompt": "an unspeakable fox", "model": "gpt-image-1"}
SMALL: dict[str, Any] = {**FOX, "size": "256x256"}
EDIT: dict[str, Any] = {**FOX, "image": picture("png")}


@pytest.fixture(scope="module")
def client(openai_world: OpenAIWorld) -> Iterator[openai.OpenAI]:
    """The synchronous client of a team, which never tries again by itself."""
    key = openai_world.token_of(TEAM)
    with closing(openai.OpenAI(base_url=openai_world.openai_url, api_key=key, max_retries=0)) as found:
        yield found


@pytest.mark.parametrize(
    ("param", "code", "asked"),
    [
        ("prompt", "request.field_invalid", {"prompt": "  "}),
        ("n", "request.field_invalid", {"n": 11}),
        ("size", "request.field_invalid", {"size": "huge"}),
        ("size", "request.option_unsupported", {"size": "1000x1000", "model": "imgen/eros"}),
        ("quality", "request.field_invalid", {"quality": "ultra"}),
        ("quality", "request.field_invalid", {"extra_body": {"quality": 90}}),
        ("quality", "request.option_unsupported", {"quality": "high", "model": "imgen/eros"}),
        ("output_format", "request.field_invalid", {"output_format": "gif"}),
        ("output_compression", "request.field_invalid", {"output_compression": 50}),
        ("background", "request.option_unsupported", {"background": "transparent"}),
        ("moderation", "request.field_invalid", {"moderation": "none"}),
        ("moderation", "request.option_unsupported", {"moderation": "low", "model": "studio/z-image-turbo"}),
        ("style", "request.option_unsupported", {"style": "vivid"}),
        ("response_format", "request.field_invalid", {"response_format": "url", "stream": True}),
        ("partial_images", "request.field_invalid", {"partial_images": 2}),
        ("svg", "request.option_unsupported", {"extra_body": {"svg": {"model": "x"}}}),
        ("seed", "request.field_invalid", {"extra_body": {"seed": 3}}),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_the_name_that_the_client_gave_it(
    client: openai.OpenAI, param: str, code: ErrorCode, asked: dict[str, Any]
) -> None:
    """Nothing is left out in silence; `param` is OpenAI's own name, and the body has OpenAI's own four fields."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(**{**FOX, **asked})
    error = caught.value
    assert (error.param, error.code, error.type) == (param, code, "invalid_request_error")
    assert isinstance(error.body, dict)
    assert set(error.body) == {"message", "type", "param", "code"}
    assert error.body["message"].startswith((param, f"Unknown parameter: '{param}'"))
    assert "unspeakable" not in error.message


@pytest.mark.parametrize(
    ("param", "code", "asked"),
    [
        ("image", "request.reference_invalid", {"image": b"no picture"}),
        ("image", "request.reference_invalid", {"image": b""}),
        ("image", "request.reference_too_many", {"image": [png()] * 17}),
        ("image", "request.option_unsupported", {"image": [png()] * 2, "model": "studio/qwen-image-edit"}),
        ("mask", "request.reference_invalid", {"mask": picture("png")}),
        ("mask", "request.reference_invalid", {"mask": transparent(64, 64)}),
        (
            "mask",
            "request.option_unsupported",
            {"mask": transparent(), "model": "grok/grok-imagine-image", "output_format": "jpeg"},
        ),
    ],
)
def test_a_file_that_is_no_use_is_refused_by_its_field(
    client: openai.OpenAI, param: str, code: ErrorCode, asked: dict[str, Any]
) -> None:
    """No picture, too many of them, or a mask that is none."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.edit(**{**EDIT, **asked})
    assert (caught.value.param, caught.value.code) == (param, code), caught.value.message


def test_a_model_that_is_none_is_not_found(client: openai.OpenAI) -> None:
    """As OpenAI says it: 404, about `model`; the same for its page."""
    with pytest.raises(openai.NotFoundError) as caught:
        client.images.generate(prompt="a fox", model="dall-e-2")
    assert (caught.value.param, caught.value.code) == ("model", "request.model_unknown")
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("ima2/nobody")
    assert caught.value.code == "request.model_unknown"


def test_the_request_id_is_the_clients_own_if_it_has_one(client: openai.OpenAI) -> None:
    """`request_id` is what the logs know the request by."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.images.generate(**FOX, size="huge", extra_headers={"X-Request-Id": "painting-7"})
    assert caught.value.request_id == "painting-7"


def test_a_job_that_failed_can_be_read_up(client: openai.OpenAI, openai_world: OpenAIWorld) -> None:
    """The answer names the job, and `/v1` tells the rest: attempts, what the backend said, whose fault it is."""
    with pytest.raises(openai.InternalServerError) as caught:
        client.images.generate(**{**FOX, "prompt": "[[UPSTREAM_5XX]] an unspeakable fox"})
    error = caught.value
    assert (error.code, error.type, error.param, error.status_code) == ("backend.failed", "server_error", None, 502)
    job = shown(openai_world.client(TEAM), error.response.headers["x-triptych-job"])
    assert (job["state"], job["error"]["code"]) == ("failed", error.code)
    assert "unspeakable" not in str(error.body)


def test_a_picture_that_is_withheld_is_an_error_of_its_user(client: openai.OpenAI) -> None:
    """Both refusals of policy are the class that OpenAI has for them, and neither shows a way to the picture."""
    for prompt, model, code in (
        ("[[unsafe:violence]] a duel", "imgen/eros", "policy.output_blocked"),
        ("[[MODERATION_REFUSED]] a duel", "gpt-image-1", "policy.refused"),
    ):
        with pytest.raises(openai.BadRequestError) as caught:
            client.images.generate(prompt=prompt, model=model)
        assert (caught.value.code, caught.value.type) == (code, "image_generation_user_error")
        assert "http" not in str(caught.value.body)


def test_an_unknown_key_is_not_repeated(openai_world: OpenAIWorld) -> None:
    """Whose key is wrong is told so, without the key."""
    with closing(openai.OpenAI(base_url=openai_world.openai_url, api_key="sk-of-somebody-else")) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.models.list()
        assert (caught.value.code, caught.value.type) == ("auth.unauthenticated", "authentication_error")
        assert "sk-of" not in str(caught.value)
        assert caught.value.response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "options", [("--scope", "jobs:read"), ("--scope", "jobs:write", "--scope", "jobs:read"), ("--backend", "studio")]
)
def test_a_key_that_may_not_is_denied(openai_world: OpenAIWorld, options: tuple[str, ...]) -> None:
    """It cannot make jobs, or not fetch what they made, or not with this backend; nothing is made."""
    key = openai_world.token_of("narrow", *options)
    with closing(openai.OpenAI(base_url=openai_world.openai_url, api_key=key)) as client:
        with pytest.raises((openai.PermissionDeniedError, openai.NotFoundError)) as caught:
            client.images.generate(**FOX)
        assert caught.value.code in ("auth.forbidden", "request.model_unknown")
    assert openai_world.jobs("narrow") == []


def test_a_job_that_somebody_cancels_is_a_conflict(client: openai.OpenAI, openai_world: OpenAIWorld) -> None:
    """The client that waits for it is told at once, and does not begin anew."""
    http = openai_world.client(TEAM)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: client.images.generate(**{**FOX, "prompt": "[[slow:1200]] a fox to be stopped"}))
        running = wait_for(
            lambda: [job for job in openai_world.jobs(TEAM) if job["state"] == "running"], "a job at work"
        )
        http.post(f"/v1/jobs/{running[0]['id']}/cancel").raise_for_status()
        error = waiting.exception(timeout=30)
    assert isinstance(error, openai.ConflictError)
    assert (error.code, error.response.headers["x-should-retry"]) == ("job.cancelled", "false")


def test_a_key_of_another_body_is_unprocessable(client: openai.OpenAI) -> None:
    """An `Idempotency-Key` belongs to one request."""
    headers = {"Idempotency-Key": "of-one-body"}
    client.images.generate(**SMALL, extra_headers=headers)
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.images.generate(**{**SMALL, "prompt": "another"}, extra_headers=headers)
    assert caught.value.code == "idempotency.conflict"


def test_a_stream_is_refused_before_it_begins_or_fails_with_the_same_code(client: openai.OpenAI) -> None:
    """Before the first byte an error has its status and class; after it the package throws what it was told."""
    with pytest.raises(openai.BadRequestError) as refused:
        client.images.generate(**FOX, stream=True, size="huge")
    assert refused.value.param == "size"
    stream = client.images.generate(**{**FOX, "prompt": "[[SAFETY_REFUSAL]] a fox"}, stream=True, partial_images=1)
    with pytest.raises(openai.APIError) as failed:
        list(stream)
    assert not isinstance(failed.value, openai.APIStatusError)
    assert (failed.value.code, failed.value.type) == ("policy.refused", "image_generation_user_error")


def test_a_client_that_gives_up_stops_no_job(client: openai.OpenAI, openai_world: OpenAIWorld) -> None:
    """Its timeout is its own: the job goes on, and is found in `/v1`."""
    prompt = "[[slow:60]] a fox for the patient"
    with pytest.raises(openai.APITimeoutError):
        client.images.generate(**{**SMALL, "prompt": prompt}, timeout=0.5)
    http = openai_world.client(TEAM)
    [job] = [each for each in openai_world.jobs(TEAM) if each["spec"]["prompt"] == prompt]
    assert shown(http, job["id"], wait=30)["state"] == "succeeded"


def test_nobody_there_is_a_connection_error() -> None:
    """Where no gateway listens the package says so itself."""
    url = f"http://127.0.0.1:{free_port()}/openai/v1"
    with closing(openai.OpenAI(base_url=url, api_key="none", max_retries=0)) as client:
        with pytest.raises(openai.APIConnectionError) as caught:
            client.models.list()
        assert not isinstance(caught.value, openai.APITimeoutError)
