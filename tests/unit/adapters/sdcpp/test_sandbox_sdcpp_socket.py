"""The socket says what the recorded one said, and keeps silent about the rest (wire §7.9)."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECORDED = json.loads((Path(__file__).parents[4] / "adapters/sdcpp/recordings/websocket.json").read_text())
SENT = [entry for entry in RECORDED["log"] if entry.get("dir") == "server->client"]
CHANNELS = ("queue", "generations", "models", "terminal")


def _shape(message: Any) -> Any:
    """Return a message with its constants, and the types of what differs from run to run."""
    constants = ("type", "channel", "channels", "status", "progress", "error", "execMode", "signal", "exitCode")
    if isinstance(message, dict):
        return {
            name: value if name in constants and not isinstance(value, dict) else _shape(value)
            for name, value in message.items()
        }
    return type(message).__name__


async def _heard(socket: Any, *, until: str, times: int = 1) -> list[Any]:
    messages: list[Any] = []
    async with asyncio.timeout(5):
        while sum(message.get("type") == until for message in messages) < times:
            messages.append(json.loads((await socket.receive()).data))
    return messages


def _recorded(kinds: tuple[str, ...], *jobs: str) -> list[Any]:
    ids = [job_id for job_id, name in RECORDED["jobs"].items() if name in jobs]
    events = [each["msg"] for each in SENT if "data" in each["msg"]]
    return [_shape(each) for each in events if each["channel"] in kinds and each["data"].get("id") in ids]


async def test_the_greeting_and_the_answers_are_as_recorded(studio: Callable[..., Any]) -> None:
    """Any channel can be subscribed to; an unsubscribe, an unknown type and broken JSON get no answer."""
    async with studio() as client, client.session.ws_connect(client.server.make_url("/ws")) as socket:
        for entry in RECORDED["log"]:
            if entry.get("dir") == "client->server":
                text = entry["msg"] if isinstance(entry["msg"], str) else json.dumps(entry["msg"])
                await socket.send_str(text)
        heard = await _heard(socket, until="subscribed", times=6)
    answers = [each for each in heard if "data" not in each]
    assert [_shape(each) for each in answers] == [_shape(each["msg"]) for each in SENT if "data" not in each["msg"]]


async def test_the_events_of_jobs_are_as_recorded(studio: Callable[..., Any]) -> None:
    """A job is updated twice and ends once, its progress always 0; one cancelled while running completes."""
    async with studio() as client, client.session.ws_connect(client.server.make_url("/ws")) as socket:
        for channel in ("queue", "generations"):
            await socket.send_json({"type": "subscribe", "channel": channel})
        await _heard(socket, until="subscribed", times=2)
        await client.run("ws ok [[slow:2]]")
        await client.run("ws fail [[upstream_500]]")
        running = await client.submit("ws cancel running [[slow:20]]")
        await client.until(running, "processing")
        waiting = await client.submit("ws cancel pending")
        await client.ask("DELETE", f"/api/queue/{running}")
        await client.ask("DELETE", f"/api/queue/{waiting}")
        heard = await _heard(socket, until="generation_complete", times=2)
    assert [_shape(each) for each in heard] == _recorded(("queue", "generations"), "ok", "fail", "cancel running")


async def test_the_events_of_a_local_model_are_as_recorded(studio: Callable[..., Any]) -> None:
    """Its process speaks, runs, and stops with an error of SIGTERM before it is `stopped`."""
    async with studio() as client, client.session.ws_connect(client.server.make_url("/ws")) as socket:
        for channel in CHANNELS:
            await socket.send_json({"type": "subscribe", "channel": channel})
        await _heard(socket, until="subscribed", times=len(CHANNELS))
        await client.run("ws server", model="z-image-turbo")
        await client.ask("POST", "/api/models/z-image-turbo/stop")
        heard = await _heard(socket, until="model_status_changed", times=3)
    last = [each["msg"] for each in SENT if each["t_ms"] > 16000]
    assert [_shape(each) for each in heard] == [_shape(each) for each in last if each["channel"] in CHANNELS]


async def test_the_graphics_card_is_reported_on_its_channel_alone(studio: Callable[..., Any]) -> None:
    """Every two seconds a report comes to those who asked, in the recorded shape."""
    async with studio() as client, client.session.ws_connect(client.server.make_url("/ws")) as socket:
        await socket.send_json({"type": "subscribe", "channel": "gpu"})
        heard = await _heard(socket, until="gpu_info")
    recorded = next(each["msg"] for each in SENT if each["msg"]["type"] == "gpu_info")
    assert list(heard[-1]["data"]) == list(recorded["data"])


async def test_without_an_upgrade_the_socket_is_not_there(studio: Callable[..., Any]) -> None:
    """A plain GET of `/ws` is the API's 404."""
    async with studio() as client:
        reply = await client.ask("GET", "/ws")
        assert (reply.status, reply.json) == (404, {"error": "Not found"})
