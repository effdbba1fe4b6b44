"""The real `openai` package works against the face: pictures, edits, variations, streams, models, by both clients."""

import asyncio
import base64
import io
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import openai
import pytest
from openai.types import ImagesResponse

from contracts.sniff import Media
from tests.e2e.asked import shown
from tests.e2e.drawn import media_of, picture, png
from tests.e2e.openai_world import OpenAIWorld, fetched, transparent

#: One route that OpenAI itself has closed is served here: the package warns whoever calls it.
pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
pytest_plugins = ("tests.e2e.openai_plugin",)
TEAM = "painters"
FOX: dict[str, Any] = {"prompt": "a red fox", "model": "gpt-image-1", "size": "256x256"}


@pytest.fixture(scope="module")
def client(openai_world: OpenAIWorld) -> Iterator[openai.OpenAI]:
    """The synchronous client of a team, as it comes."""
    key = openai_world.token_of(TEAM)
    with closing(openai.OpenAI(base_url=openai_world.openai_url, api_key=key)) as found:
        yield found


def decoded(text: str | None) -> Media:
    """Return what a picture in base64 is."""
    assert text is not None
    return media_of(base64.b64decode(text, validate=True))


def drawn(made: ImagesResponse) -> list[tuple[str, int, int]]:
    """Return format, width and height of each picture of an answer."""
    return [(media.format, media.width, media.height) for media in (decoded(each.b64_json) for each in made.data or ())]


def inputs(openai_world: OpenAIWorld, job_id: str) -> list[str]:
    """Return what the pictures that a job was given are for."""
    return [each["role"] for each in shown(openai_world.client(TEAM), job_id)["spec"]["inputs"]]


@pytest.mark.parametrize(
    ("model", "size", "output_format", "n"),
    [
        ("gpt-image-1", "1536x1024", "png", 2),
        ("ima2/gpt-5.4", "512x768", "webp", 1),
        ("studio/z-image-turbo", "256x384", "jpeg", 2),
        ("imgen/eros", "1344x768", "jpeg", 1),
    ],
)
def test_pictures_have_the_size_the_format_and_the_number_that_were_asked_for(
    client: openai.OpenAI, model: str, size: str, output_format: Any, n: int
) -> None:
    """On every kind of backend, checked on the bytes; the answer says the same of them."""
    made = client.images.generate(prompt="a red fox", model=model, size=size, output_format=output_format, n=n)
    width, height = (int(side) for side in size.split("x"))
    assert drawn(made) == [(output_format, width, height)] * n
    assert (made.size, made.output_format) == (size, output_format)
    assert made.created > 1_700_000_000
    assert all(each.url is None for each in made.data or ())


def test_every_option_that_can_be_honoured_is(client: openai.OpenAI) -> None:
    """Quality in words, compression, moderation, background, a user: the answer tells what became of them."""
    made = client.images.generate(
        **FOX,
        quality="high",
        output_format="jpeg",
        output_compression=40,
        moderation="low",
        background="opaque",
        safety_identifier="user-7",
    )
    assert drawn(made) == [("jpeg", 256, 256)]
    assert (made.quality, made.background, made.safety_identifier) == ("high", "opaque", "user-7")


def test_urls_need_no_key(client: openai.OpenAI) -> None:
    """`response_format: url` hands out a signed address, which opens this file and is nobody's secret but its own."""
    made = client.images.generate(**FOX, response_format="url", n=2)
    urls = [each.url for each in made.data or ()]
    assert len(set(urls)) == 2
    for url in urls:
        assert url is not None
        answer = fetched(url)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        assert media_of(answer.content).format == "png"
        assert fetched(url.rpartition("=")[0] + "=00").status_code in (401, 403, 404)


def test_the_raw_answer_names_the_job_and_says_that_it_is_a_sandbox(
    client: openai.OpenAI, openai_world: OpenAIWorld
) -> None:
    """`with_raw_response` shows the headers: by its job an answer is found in `/v1`."""
    raw = client.images.with_raw_response.generate(**FOX)
    job = raw.headers["x-triptych-job"]
    assert raw.headers["x-triptych-sandbox"] == "true"
    assert raw.request_id
    assert drawn(raw.parse()) == [("png", 256, 256)]
    found = shown(openai_world.client(TEAM), job)
    assert (found["state"], found["model"]) == ("succeeded", "ima2/gpt-5.4")


@pytest.mark.parametrize(("model", "first"), [("grok/grok-imagine-image", "source"), ("gpt-image-1", "reference")])
def test_several_pictures_are_put_together(
    client: openai.OpenAI, openai_world: OpenAIWorld, model: str, first: str
) -> None:
    """The first is changed and the others are references, or all are; whatever kinds of files they come as."""
    files: list[Any] = [("one.png", png(40), "image/png"), picture("webp"), io.BytesIO(picture("jpeg"))]
    raw = client.images.with_raw_response.edit(model=model, prompt="all together", image=files)
    assert [form for form, *_ in drawn(raw.parse())] == ["png"]
    assert inputs(openai_world, raw.headers["x-triptych-job"]) == [first, "reference", "reference"]


@pytest.mark.parametrize("model", ["gpt-image-1", "studio/qwen-image-edit"])
def test_a_mask_says_where_a_picture_is_changed(client: openai.OpenAI, openai_world: OpenAIWorld, model: str) -> None:
    """One picture and its mask, on both backends that know masks."""
    image = ("fox.png", picture("png"), "image/png")
    raw = client.images.with_raw_response.edit(
        model=model, prompt="a hat", image=image, mask=("mask.png", transparent())
    )
    assert len(drawn(raw.parse())) == 1
    assert inputs(openai_world, raw.headers["x-triptych-job"]) == ["source", "mask"]


def test_a_picture_is_varied(client: openai.OpenAI) -> None:
    """The route that OpenAI has closed is open here, where a backend makes variations."""
    made = client.images.create_variation(image=picture("png"), model="studio/qwen-image", n=2, size="256x256")
    assert drawn(made) == [("png", 256, 256)] * 2


def test_a_stream_shows_previews_and_then_the_picture(client: openai.OpenAI) -> None:
    """As many previews as were asked for, counted from 0, in order, and the whole picture as the last event."""
    prompt = "a red fox [[partials:3]]"
    stream = client.images.generate(**{**FOX, "prompt": prompt}, stream=True, partial_images=2)
    events = list(stream)
    kinds = ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [event.type for event in events] == kinds
    assert [getattr(event, "partial_image_index", None) for event in events] == [0, 1, None]
    assert all(decoded(event.b64_json).width for event in events)
    last = events[-1]
    assert last.type == "image_generation.completed"
    assert (last.size, last.output_format, last.usage.total_tokens >= 0) == ("256x256", "png", True)
    assert (decoded(last.b64_json).width, decoded(last.b64_json).height) == (256, 256)


def test_a_stream_without_previews_is_its_end(client: openai.OpenAI) -> None:
    """Of a backend that shows none, and of an edit, there is the picture alone."""
    made = list(client.images.generate(prompt="a fox", model="imgen/eros", stream=True, partial_images=3))
    assert [event.type for event in made] == ["image_generation.completed"]
    edited = list(
        client.images.edit(model="gpt-image-1", prompt="a hat", size="256x256", image=picture("png"), stream=True)
    )
    assert [event.type for event in edited] == ["image_edit.completed"]
    assert decoded(edited[0].b64_json).format == "png"


def test_models_are_listed_and_found_by_names_with_slashes(client: openai.OpenAI) -> None:
    """Aliases first, then `<backend>/<id>`; each is found by its own name, which the package writes into a path."""
    models = list(client.models.list())
    ids = [model.id for model in models]
    assert ids[:3] == ["gpt-image-1", "gpt-image-1-mini", "sora-2"]
    assert {"ima2/gpt-5.4", "imgen/eros", "studio/z-image-turbo", "grok/grok-imagine-video"} <= set(ids)
    for model in models:
        assert client.models.retrieve(model.id) == model
    assert {model.owned_by for model in models if "/" not in model.id} == {"triptych"}


def test_an_idempotency_key_is_paid_for_once(client: openai.OpenAI, openai_world: OpenAIWorld) -> None:
    """Two equal requests with one key are one job and one call to the backend; both get the picture."""
    ask = {**FOX, "prompt": "a fox, only once"}
    raws = [
        client.images.with_raw_response.generate(**ask, extra_headers={"Idempotency-Key": "only-once"})
        for _ in range(2)
    ]
    assert len({raw.headers["x-triptych-job"] for raw in raws}) == 1
    first, second = (raw.parse() for raw in raws)
    assert first.data == second.data
    calls = openai_world.sandboxes["ima2"].submits()
    assert len([call for call in calls if "only once" in call["body"]["prompt"]]) == 1


async def test_the_asynchronous_client_does_all_of_it_at_once(openai_world: OpenAIWorld) -> None:
    """Pictures, an edit, a stream and the list of models side by side, over one client."""
    key = openai_world.token_of(TEAM)
    async with openai.AsyncOpenAI(base_url=openai_world.openai_url, api_key=key) as client:

        async def streamed() -> list[str]:
            prompt = "a red fox [[partials:2]]"
            stream = await client.images.generate(**{**FOX, "prompt": prompt}, stream=True, partial_images=1)
            return [event.type async for event in stream]

        made, edited, events, models = await asyncio.gather(
            client.images.generate(**FOX, n=2),
            client.images.edit(model="gpt-image-1", prompt="a hat", size="256x256", image=picture("png")),
            streamed(),
            client.models.list(),
        )
    assert len(drawn(made)) == 2
    assert len(drawn(edited)) == 1
    assert events == ["image_generation.partial_image", "image_generation.completed"]
    assert "gpt-image-1" in [model.id for model in models.data]
