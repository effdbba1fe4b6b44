"""Films by the real OpenAI packages: created, polled, fetched, listed and deleted, from Python and from Node."""

import base64
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import openai
import pytest

from contracts.sniff import sniff
from tests.e2e.asked import shown
from tests.e2e.drawn import picture
from tests.e2e.openai_calls import run_node
from tests.e2e.openai_world import OpenAIWorld

#: What OpenAI itself closes is served here: the package warns whoever makes films.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
pytest_plugins = ("tests.e2e.openai_plugin",)
TEAM = "film-makers"
LOOK_MS = 50
#: Thirty seconds of work at the speed of these sandboxes: nobody waits for its end.
LONG = "[[slow:1800]] a long film"


@pytest.fixture(scope="module")
def client(openai_world: OpenAIWorld) -> Iterator[openai.OpenAI]:
    """The synchronous client of a team, as it comes."""
    key = openai_world.token_of(TEAM)
    with closing(openai.OpenAI(base_url=openai_world.openai_url, api_key=key)) as found:
        yield found


def filmed(data: bytes) -> tuple[str, int, int]:
    """Return format, width and height of a film, by its own bytes."""
    media = sniff(data)
    assert media is not None
    return media.format, media.width, media.height


@pytest.mark.parametrize(
    ("asked", "size", "seconds"),
    [
        ({"model": "sora-2"}, "720x1280", "4"),
        ({"size": "1280x720", "seconds": "8"}, "1280x720", "8"),
        ({"input_reference": ("fox.png", picture("png"), "image/png")}, "720x1280", "4"),
    ],
)
def test_a_film_is_made_and_fetched(
    client: openai.OpenAI, openai_world: OpenAIWorld, asked: dict[str, Any], size: str, seconds: str
) -> None:
    """It is what was asked for, or what OpenAI makes of a request that says nothing; checked on its bytes."""
    video = client.videos.create(prompt="waves at night", **asked)
    assert video.id.startswith("video_")
    assert (video.status in ("queued", "in_progress"), video.size, video.seconds) == (True, size, seconds)
    video = client.videos.poll(video.id, poll_interval_ms=LOOK_MS)
    assert (video.status, video.progress, video.error) == ("completed", 100, None)
    assert (video.size, video.seconds, video.prompt) == (size, seconds, "waves at night")
    assert video.completed_at is not None
    assert video.completed_at >= video.created_at
    raw = client.videos.with_raw_response.retrieve(video.id)
    job = shown(openai_world.client(TEAM), raw.headers["x-triptych-job"])
    assert [each["role"] for each in job["spec"].get("inputs", ())] == ["first_frame"] * ("input_reference" in asked)
    content = client.videos.download_content(video.id)
    assert content.response.headers["content-type"] == "video/mp4"
    width, height = (int(side) for side in size.split("x"))
    assert filmed(content.read()) == ("mp4", width, height)


def test_films_are_listed_page_by_page_and_deleted(openai_world: OpenAIWorld) -> None:
    """Each once, in both directions, however small a page is; what is deleted is not found any more."""
    key = openai_world.token_of("archive")
    with closing(openai.OpenAI(base_url=openai_world.openai_url, api_key=key)) as client:
        made = [
            client.videos.create_and_poll(prompt=f"film {at}", model="sora-2", poll_interval_ms=LOOK_MS).id
            for at in range(3)
        ]
        assert [video.id for video in client.videos.list(limit=2, order="asc")] == made
        assert [video.id for video in client.videos.list(limit=1)] == made[::-1]
        assert [video.id for video in client.videos.list(after=made[1])] == made[:1]
        gone = client.videos.delete(made[1])
        assert (gone.id, gone.deleted, gone.object) == (made[1], True, "video.deleted")
        assert [video.id for video in client.videos.list(order="asc")] == [made[0], made[2]]
        for again in (client.videos.retrieve, client.videos.delete, client.videos.download_content):
            with pytest.raises(openai.NotFoundError) as caught:
                again(made[1])
            assert caught.value.code == "resource.not_found"


def test_another_teams_film_does_not_exist(client: openai.OpenAI, openai_world: OpenAIWorld) -> None:
    """One answer for what is unknown and what is another's."""
    video = client.videos.create(prompt=LONG, model="sora-2")
    with closing(openai.OpenAI(base_url=openai_world.openai_url, api_key=openai_world.token_of("spies"))) as spy:
        with pytest.raises(openai.NotFoundError) as caught:
            spy.videos.retrieve(video.id)
        told = caught.value.message
        with pytest.raises(openai.NotFoundError) as caught:
            spy.videos.retrieve("video_" + "0" * 32)
        assert told.replace(video.id, "?") == caught.value.message.replace("video_" + "0" * 32, "?")
        assert list(spy.videos.list()) == []


def test_a_film_that_is_being_made_is_a_conflict(client: openai.OpenAI) -> None:
    """It has no content, and it cannot be deleted under way; nobody is told to try that again."""
    video = client.videos.create(prompt=LONG, model="sora-2")
    for ask in (client.videos.download_content, client.videos.delete):
        with pytest.raises(openai.ConflictError) as caught:
            ask(video.id)
        assert caught.value.code == "resource.state_conflict"
        assert caught.value.response.headers["x-should-retry"] == "false"


def test_a_film_that_fails_says_why(client: openai.OpenAI) -> None:
    """Its `error` has the catalogue's code, and a sentence without the backend's words."""
    video = client.videos.create_and_poll(
        prompt="[[GROK_VIDEO_MODERATION_BLOCKED]] waves", model="sora-2", poll_interval_ms=LOOK_MS
    )
    assert video.status == "failed"
    assert video.error is not None
    assert video.error.code == "policy.refused"
    assert video.error.message
    assert "waves" not in video.error.message


@pytest.mark.parametrize(
    ("param", "code", "asked"),
    [
        ("seconds", "request.field_invalid", {"seconds": "long"}),
        ("seconds", "request.field_invalid", {"seconds": "40"}),
        ("size", "request.field_invalid", {"size": "1024x1792"}),
        ("input_reference", "request.reference_invalid", {"input_reference": b"no picture"}),
        ("fps", "request.field_invalid", {"extra_body": {"fps": 24}}),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_the_name_that_the_client_gave_it(
    client: openai.OpenAI, param: str, code: str, asked: dict[str, Any]
) -> None:
    """Before anything is made."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.create(**{"prompt": "waves", "model": "sora-2", **asked})
    assert (caught.value.param, caught.value.code) == (param, code), caught.value.message


def test_what_is_done_to_films_elsewhere_is_refused_here(client: openai.OpenAI) -> None:
    """No backend remixes films: that is said, and not that the address is unknown."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.remix("video_" + "0" * 32, prompt="more waves")
    assert caught.value.code == "request.model_incapable"


async def test_the_asynchronous_client_makes_a_film_too(openai_world: OpenAIWorld) -> None:
    """Created, polled and fetched."""
    key = openai_world.token_of(TEAM)
    async with openai.AsyncOpenAI(base_url=openai_world.openai_url, api_key=key) as client:
        video = await client.videos.create_and_poll(prompt="waves", model="sora-2", poll_interval_ms=LOOK_MS)
        content = await client.videos.download_content(video.id)
        assert filmed(await content.aread())[0] == "mp4"
        assert video.id in [each.id async for each in client.videos.list()]


def test_a_node_program_makes_fetches_lists_and_deletes_films(
    openai_world: OpenAIWorld, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The same with the npm package, from a stream of a file too."""
    path = tmp_path_factory.mktemp("films") / "fox.png"
    path.write_bytes(picture("png"))
    told = run_node("openai_films.mjs", str(path), env=openai_world.environment("node-film-makers"))
    waves, fox = (line for line in told if line["step"] == "made")
    assert [line["video"]["size"] for line in (waves, fox)] == ["720x1280", "1280x720"]
    assert [line["content"]["type"] for line in (waves, fox)] == ["video/mp4"] * 2
    assert filmed(base64.b64decode(waves["content"]["base64"])) == ("mp4", 720, 1280)
    failed, listed, deleted = (line for line in told if line["step"] != "made")
    assert (failed["video"]["status"], failed["video"]["error"]["code"]) == ("failed", "policy.refused")
    assert (failed["content"]["error"], failed["content"]["code"]) == ("ConflictError", "resource.state_conflict")
    assert listed["listed"] == listed["made"]
    assert deleted["answer"] == {"id": listed["made"][0], "object": "video.deleted", "deleted": True}
    assert (deleted["after"]["error"], deleted["after"]["code"]) == ("NotFoundError", "resource.not_found")
