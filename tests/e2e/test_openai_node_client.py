"""The real npm package `openai` works against the face, as programs that are run by Node."""

import base64
from typing import Any

import pytest

from tests.e2e.asked import shown
from tests.e2e.drawn import media_of
from tests.e2e.openai_calls import run_node
from tests.e2e.openai_world import OpenAIWorld, fetched, transparent

pytest_plugins = ("tests.e2e.openai_plugin",)
TEAM = "node-painters"
Told = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def told(openai_world: OpenAIWorld, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What the program of pictures told, by its steps."""
    path = tmp_path_factory.mktemp("node") / "fox.png"
    path.write_bytes(transparent())
    steps: Told = {}
    for line in run_node("openai_pictures.mjs", str(path), env=openai_world.environment(TEAM)):
        steps.setdefault(line["step"], []).append(line)
    return steps


def drawn(made: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Return format, width and height of each picture of an answer."""
    medias = [media_of(base64.b64decode(each["b64_json"], validate=True)) for each in made["data"]]
    return [(media.format, media.width, media.height) for media in medias]


def test_pictures_have_the_size_the_format_and_the_number_that_were_asked_for(
    told: Told, openai_world: OpenAIWorld
) -> None:
    """Checked on the bytes; the answer's headers name the job, by which it is found in `/v1`."""
    [line] = told["generate"]
    assert drawn(line["made"]) == [("webp", 768, 512)] * 2
    assert (line["made"]["size"], line["made"]["quality"]) == ("768x512", "high")
    assert line["request_id"]
    job = shown(openai_world.client(TEAM), line["job"])
    assert (job["state"], job["model"]) == ("succeeded", "ima2/gpt-5.4")


def test_urls_need_no_key(told: Told) -> None:
    """`response_format: url` hands out an address that anybody can open; the package keeps the request's id."""
    [line] = told["urls"]
    [image] = line["made"]["data"]
    assert "b64_json" not in image
    assert media_of(fetched(image["url"]).content).format == "png"
    assert line["request_id"]


@pytest.mark.parametrize(
    ("step", "roles", "pictures"),
    [
        ("several", ["source", "reference", "reference"], 1),
        ("masked", ["source", "mask"], 1),
        ("varied", ["source"], 2),
    ],
)
def test_files_are_sent_as_the_package_writes_them(
    told: Told, openai_world: OpenAIWorld, step: str, roles: list[str], pictures: int
) -> None:
    """From files, streams and several at once: each picture has its part in the job."""
    [line] = told[step]
    assert len(drawn(line["made"])) == pictures
    jobs = [shown(openai_world.client(TEAM), each["id"]) for each in openai_world.jobs(TEAM)]
    asked = [[each["role"] for each in job["spec"].get("inputs", ())] for job in jobs]
    assert roles in asked


def test_streams_show_previews_and_then_the_picture(told: Told) -> None:
    """As many previews as were asked for, in order, then the whole picture; of an edit there is the picture alone."""
    events = [line["event"] for line in told["drawn"]]
    kinds = ["image_generation.partial_image"] * 2 + ["image_generation.completed"]
    assert [event["type"] for event in events] == kinds
    assert [event.get("partial_image_index") for event in events] == [0, 1, None]
    edited = [line["event"] for line in told["edited"]]
    assert [event["type"] for event in edited] == ["image_edit.completed"]
    for event in (*events, *edited):
        assert media_of(base64.b64decode(event["b64_json"])).format == "png"


def test_a_stream_that_fails_throws_the_catalogues_code(told: Told) -> None:
    """What fails after the first byte has no status any more, but the same code and type."""
    assert told["refused"] == [
        {"step": "refused", "error": "APIError", "code": "policy.refused", "type": "image_generation_user_error"}
    ]


def test_models_are_listed_and_found_by_names_with_slashes(told: Told) -> None:
    """Each is found by its own name, which the package writes into a path as `%2F`."""
    [line] = told["models"]
    assert line["ids"][:3] == ["gpt-image-1", "gpt-image-1-mini", "sora-2"]
    assert "ima2/gpt-5.4" in line["ids"]
    assert line["same"] == line["ids"]
    assert set(line["owners"]) >= {"triptych", "ima2", "studio", "imgen", "grok"}
