"""The sandbox answers as the running server was recorded to answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.sdcpp.replay import Replay, picture


@pytest.mark.parametrize(
    ("name", "speed"),
    [
        ("health_config", 200), ("queue_generate_lifecycle", 200), ("queue_generate_validation", 200),
        ("queue_upstream_failures", 200), ("queue_edit", 200), ("queue_variation_ok", 200), ("sync_generate", 200),
        ("sync_edit_variation", 200), ("openai_v1", 200), ("sdapi", 200), ("models", 200), ("logs", 200),
        ("generation_delete", 200), ("cancel_pending", 20), ("cancel_processing_then_fail", 20), ("cancel_all", 20),
    ],
)  # fmt: skip
async def test_a_recorded_exchange_is_answered_as_it_was(studio: Callable[..., Any], name: str, speed: float) -> None:
    """Every exchange of a recording gets the recorded status, headers, keys, types and constant values."""
    async with studio(speed=speed) as client:
        replay = Replay(client, name)
        await replay.run(speed=speed)
        await replay.outcomes()


async def test_a_strength_is_stored_as_recorded(studio: Callable[..., Any]) -> None:
    """0 and what is no number become 0.75, 5 stays 5."""
    async with studio() as client:
        replay = Replay(client, "queue_variation_ok")
        for case in replay.recording["strength_cases"]:
            reply = await client.transform("variation", {"strength": case["sent"], "size": "8x8"}, picture())
            assert (await client.job(reply.json["job_id"]))["strength"] == case["stored"]


async def test_the_key_is_asked_for_as_recorded(studio: Callable[..., Any]) -> None:
    """Keys, open routes and the order of parser, upload and key check are as recorded, in production."""
    async with studio(api_key="topsecret", production=True) as client:
        await Replay(client, "auth").run(speed=200)


async def test_a_variation_on_a_local_model_fails_as_recorded(studio: Callable[..., Any]) -> None:
    """The local server has no route for variations: the job ends with a 404 of the upstream."""
    async with studio() as client:
        replay = Replay(client, "queue_variation")
        replay.models["fake-edit"] = "z-image-turbo"
        await replay.run(speed=200)


async def test_an_upscale_without_its_file_fails_as_recorded(studio: Callable[..., Any], tmp_path: Path) -> None:
    """Where the upscaler is not installed, every upscale job fails, whatever its options."""
    scenario = tmp_path / "scenario.json"
    scenario.write_text('{"rules": [{"outcome": "upscaler_missing", "route": "POST /api/queue/upscale"}]}')
    async with studio(scenario=str(scenario)) as client:
        replay = Replay(client, "queue_upscale")
        await replay.run(speed=200)
        await replay.outcomes()


async def test_the_list_without_secrets_has_the_recorded_entries(studio: Callable[..., Any]) -> None:
    """`/api/v1/models` describes a model of each kind as recorded, `+image` in every modality."""
    async with studio() as client:
        replay = Replay(client, "openai_v1")
        recorded = {each["id"]: each for each in replay.recording["exchanges"][11]["response"]["json"]["data"]}
        listed = {each["id"]: each for each in (await client.ask("GET", "/api/v1/models")).json["data"]}
        for theirs, ours in (("fake-api", "qwen-image"), ("fake-edit", "qwen-image-edit"), ("fake-server", "flux-dev")):
            entry = {**recorded[theirs], "fileStatus": listed[ours]["fileStatus"]}
            assert not list(replay.compared(entry, listed[ours], ours))


async def test_the_list_with_secrets_shows_the_recorded_keys(studio: Callable[..., Any]) -> None:
    """`/api/models` shows the key of an external model, and what it adds to the configuration is as recorded."""
    async with studio() as client:
        recorded = Replay(client, "models").recording["exchanges"][0]["response"]["json"]
        listed = (await client.ask("GET", "/api/models")).json
        assert list(listed) == list(recorded)
        theirs = {each["id"]: each for each in recorded["models"]}
        ours = {each["id"]: each for each in listed["models"]}
        assert list(ours["qwen-image"]) == list(theirs["fake-api"])
        assert list(ours["qwen-image-edit"]) == list({**theirs["fake-edit"]})
        assert set(ours["flux-dev"]) - {"description"} == set(theirs["fake-server"])
        assert ours["qwen-image"]["api_key"].startswith("sk-canary")


async def test_the_request_log_shows_a_callers_key_as_recorded(studio: Callable[..., Any]) -> None:
    """`/api/logs` keeps `X-Api-Key` in clear and hides `Authorization`."""
    async with studio() as client:
        recorded = Replay(client, "logs").recording["exchanges"][0]["response"]["json"]
        headers = {"X-Api-Key": "my-secret-key", "Authorization": "Bearer hidden"}
        entry = (await client.ask("GET", "/api/logs?limit=2", headers=headers)).json["http"][-1]
        assert list(entry) == list(recorded["http"][-1])
        assert entry["headers"]["x-api-key"] == "my-secret-key"
        assert entry["headers"]["authorization"] == "[Redacted]"
