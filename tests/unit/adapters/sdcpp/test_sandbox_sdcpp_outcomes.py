"""Tokens that change what a job does: each does what its sentence says."""

import asyncio
import io
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from PIL import Image

from adapters.sdcpp.sandbox import TOKENS
from adapters.sdcpp.sandbox.failure import FAILURES
from adapters.sdcpp.sandbox.outcome import LATER
from adapters.sdcpp.sandbox.refusal import REFUSALS
from adapters.sdcpp.sandbox.tokens import ENDINGS

SUBMIT = {"model": "qwen-image", "size": "8x8"}


async def _slow(client: Any) -> None:
    began = time.monotonic()
    assert (await client.run("[[slow:100]] [[upstream_500]]"))["status"] == "failed"
    assert time.monotonic() - began >= 0.5


async def _fewer(client: Any) -> None:
    assert (await client.run("[[fewer:2]]", n=3))["image_count"] == 1


async def _none(client: Any) -> None:
    row = await client.run("[[none]]")
    assert (row["status"], row["images"]) == ("completed", [])


async def _pixels(client: Any, prompt: str) -> tuple[str | None, tuple[int, int]]:
    row = await client.run(prompt, size="32x16")
    reply = await client.ask("GET", f"/api/images/{row['images'][0]['id']}")
    assert reply.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(reply.body)) as image:
        return image.format, image.size


async def _wrong_size(client: Any) -> None:
    assert await _pixels(client, "[[wrong_size]]") == ("PNG", (16, 8))
    assert await _pixels(client, "[[wrong_size:20x10]]") == ("PNG", (20, 10))


async def _wrong_format(client: Any) -> None:
    assert await _pixels(client, "[[wrong_format:webp]]") == ("WEBP", (32, 16))
    assert await _pixels(client, "[[wrong_format]]") == ("JPEG", (32, 16))


async def _not_an_image(client: Any) -> None:
    with pytest.raises(OSError, match="cannot identify"):
        await _pixels(client, "[[not_an_image]]")


async def _truncated(client: Any) -> None:
    data = await client.picture(await client.run("[[truncated]]", size="64x64"))
    with pytest.raises(OSError, match="truncated"), Image.open(io.BytesIO(data)) as image:
        image.load()


async def _junk(client: Any) -> None:
    row = await client.run("[[junk_base64]]")
    assert (row["status"], await client.picture(row)) == ("completed", b"not an image")


async def _revised(client: Any) -> None:
    assert (await client.run("[[revised:a red fox]]"))["images"][0]["revised_prompt"] == "a red fox"


async def _flaky(client: Any) -> None:
    assert (await client.run("[[flaky:2]]"))["status"] == "completed"
    assert (await client.run("[[flaky:3]]"))["error"].startswith("Fetch failed")


async def _loading(client: Any) -> None:
    job_id = await client.submit("[[loading:20]]")
    await client.until(job_id, "model_loading")
    assert (await client.until(job_id))["status"] == "completed"


async def _stuck_loading(client: Any) -> None:
    job_id = await client.submit("[[stuck_loading]]")
    await client.until(job_id, "model_loading")
    assert (await client.run("another"))["status"] == "completed"
    assert (await client.job(job_id))["status"] == "model_loading"


async def _lost(client: Any) -> None:
    assert await client.job(await client.submit("[[lost]]")) == {"error": "Job not found"}


async def _cancelled_then_completed(client: Any) -> None:
    running = await client.submit("first [[slow:20]]")
    await client.until(running, "processing")
    job_id = await client.submit("[[cancelled_then_completed]]")
    assert (await client.ask("DELETE", f"/api/queue/{job_id}")).json["job"]["started_at"] is None
    assert (await client.until(job_id, "completed"))["image_count"] == 1


async def _cancelled_by_operator(client: Any) -> None:
    row = await client.run("[[cancelled_by_operator]]")
    assert (row["status"], row["started_at"]) == ("cancelled", None)


async def _image_gone(client: Any) -> None:
    row = await client.run("[[image_gone]]")
    reply = await client.ask("GET", f"/api/images/{row['images'][0]['id']}")
    assert (reply.status, reply.json) == (404, {"error": "Image file not found on disk"})
    assert reply.headers["content-type"] == "image/png; charset=utf-8"


async def _image_unknown(client: Any) -> None:
    row = await client.run("[[image_unknown]]")
    reply = await client.ask("GET", f"/api/images/{row['images'][0]['id']}")
    assert (reply.status, reply.json) == (404, {"error": "Image not found"})


async def _expired_row(client: Any) -> None:
    job_id = await client.submit("[[expired_row]]")
    await client.until(job_id, "processing")
    await client.run("another one after it")
    assert await client.job(job_id) == {"error": "Job not found"}


async def _odd_state(client: Any) -> None:
    assert (await client.until(await client.submit("[[odd_state:meditating]]"), "meditating"))["image_count"] == 0


async def _crash(client: Any) -> None:
    job_id = await client.submit("[[crash]]")
    await asyncio.wait_for(client.crashed.wait(), 5)
    await asyncio.sleep(0.1)
    assert (await client.job(job_id))["error"] == "Server restarted - job cancelled"


async def _phantom(client: Any) -> None:
    await client.submit("[[phantom]]", seed="77")
    rows = (await client.ask("GET", "/api/queue")).json["jobs"]
    assert [(row["seed"], row["prompt"]) for row in rows] == [("77", "[[phantom]]")] * 2


async def _slow_list(client: Any) -> None:
    job_id = await client.submit("[[slow_list:40]]")
    began = time.monotonic()
    await client.job(job_id)
    assert time.monotonic() - began < 0.1
    for path in ("/api/queue", "/api/generations"):
        began = time.monotonic()
        await client.ask("GET", path)
        assert time.monotonic() - began >= 0.2


async def _cannot_cancel(client: Any) -> None:
    await client.until(await client.submit("first [[slow:20]]"), "processing")
    job_id = await client.submit("[[cannot_cancel]]")
    reply = await client.ask("DELETE", f"/api/queue/{job_id}")
    assert (reply.status, reply.json) == (404, {"error": "Job not found or cannot be cancelled"})


async def _generation_timeout(client: Any) -> None:
    reply = await client.ask("POST", "/api/generate", json={**SUBMIT, "prompt": "[[generation_timeout]]"})
    assert (reply.status, reply.json) == (500, {"error": "Generation timeout"})
    row = (await client.ask("GET", "/api/queue")).json["jobs"][0]
    assert (await client.until(row["id"]))["status"] == "completed"


async def _production(client: Any) -> None:
    form = aiohttp.FormData({"prompt": "[[production]]"})
    form.add_field("image", b"GIF89a", filename="in.gif", content_type="image/gif")
    reply = await client.ask("POST", "/api/queue/edit", data=form)
    assert (reply.status, b"<pre>Internal Server Error</pre>" in reply.body) == (500, True)


BEHAVES: dict[str, Callable[[Any], Awaitable[None]]] = {
    "slow": _slow, "fewer": _fewer, "none": _none, "wrong_size": _wrong_size, "wrong_format": _wrong_format,
    "not_an_image": _not_an_image, "truncated": _truncated, "junk_base64": _junk, "revised": _revised,
    "flaky": _flaky, "loading": _loading, "stuck_loading": _stuck_loading, "lost": _lost,
    "cancelled_then_completed": _cancelled_then_completed, "cancelled_by_operator": _cancelled_by_operator,
    "image_gone": _image_gone, "image_unknown": _image_unknown, "expired_row": _expired_row, "odd_state": _odd_state,
    "crash": _crash, "phantom": _phantom, "slow_list": _slow_list, "cannot_cancel": _cannot_cancel,
    "generation_timeout": _generation_timeout, "production": _production,
}  # fmt: skip


@pytest.mark.parametrize("token", BEHAVES)
async def test_a_job_behaves_as_its_token_says(studio: Callable[..., Any], token: str) -> None:
    """What the sentence of the token promises can be seen from outside."""
    async with studio() as client:
        await BEHAVES[token](client)


def test_every_other_token_is_exercised() -> None:
    """What the test of tokens leaves is all here."""
    elsewhere = FAILURES.keys() | (REFUSALS.keys() - set(LATER)) | set(ENDINGS) | {"fetch_failed", "timeout", "auth"}
    assert BEHAVES.keys() == {name for name in TOKENS if "." not in name} - elsewhere
