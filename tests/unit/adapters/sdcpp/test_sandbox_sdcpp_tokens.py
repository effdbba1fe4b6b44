"""Tokens that refuse, fail or break: each does what its sentence says, and the tables name all of them."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.sdcpp.sandbox import TOKENS
from adapters.sdcpp.sandbox.failure import FAILURES
from adapters.sdcpp.sandbox.outcome import LATER
from adapters.sdcpp.sandbox.refusal import REFUSALS
from adapters.sdcpp.sandbox.tokens import ENDINGS

UPSTREAM = "API request failed: "
#: The error with which the job ends, its progress, and whether it has durations.
FAILED: dict[str, tuple[str | None, float, bool]] = {
    "upstream_400": (UPSTREAM + '400 {"error": "invalid params"}', 0.25, True),
    "upstream_401": (UPSTREAM + "401 ", 0.25, True),
    "upstream_403": (UPSTREAM + "403 ", 0.25, True),
    "upstream_404": (UPSTREAM + "404 ", 0.25, True),
    "upstream_413": (UPSTREAM + "413 ", 0.25, True),
    "upstream_422": (UPSTREAM + "422 ", 0.25, True),
    "upstream_429": (UPSTREAM + "429 ", 0.25, True),
    "upstream_500": (UPSTREAM + '500 {"error": "generate_image returned no results"}', 0.25, True),
    "upstream_502_html": (UPSTREAM + "502 <html>", 0.25, True),
    "upstream_503": (UPSTREAM + '503 {"error": "model loading"}', 0.25, True),
    "fetch_failed": ("Fetch failed: fetch failed (URL: http://127.0.0.1:", 0.25, True),
    "timeout": ("Generation timeout after 430000ms - model may need more steps", 0.25, True),
    "terminated": ("terminated", 0.25, True),
    "bad_json": ("Unexpected token 'h'", 0.25, True),
    "no_images": ("Generation completed but no images were produced", 0.85, True),
    "no_b64": ("The first argument must be of type string", 0.85, True),
    "model_not_found": ("Model not found: qwen-image", 0, True),
    "no_endpoint": ("Model qwen-image does not have an API endpoint configured", 0.25, True),
    "unknown_mode": ("Unknown execution mode: grpc", 0.1, True),
    "unknown_type": ("Unknown job type: remix", 0, True),
    "input_missing": ("Generate job requires input_image_path", 0, True),
    "resize_failed": ("Failed to resize image", 0.25, True),
    "startup_failed": ("Model startup failed: Process exited with code 3", 0.1, True),
    "startup_timeout": ("Model startup failed: Timeout waiting for server to be ready (90000ms)", 0.1, True),
    "not_ready": ("Server at http://127.0.0.1:44000/v1 did not become ready", 0.1, True),
    "prepare_failed": ("Failed to prepare model qwen-image", 0.1, True),
    "port_exhausted": ("Model startup failed: No available ports in range", 0.1, True),
    "shutdown": ("Model startup failed: Cannot start model during shutdown", 0.1, True),
    "process_crashed": ("Model process crashed (SIGKILL)", 0.25, False),
    "process_exited": ("Model process exited unexpectedly (code: 1)", 0.25, False),
    "process_error": ("Model process error: spawn ", 0.1, False),
    "cli_failed": ("CLI generation failed: modelManager._mergeMemoryFlags is not a function", 0.25, True),
    "upscaler_missing": ("Upscaler not found: RealESRGAN 4x+", 0.25, True),
    "restarted": ("Server restarted - job cancelled", 0.25, False),
    "no_reason": (None, 0.25, True),
}
#: The status of the refusal, its words, and whether it is a page of HTML.
REFUSED: dict[str, tuple[int, str, bool]] = {
    "missing_prompt": (400, "Missing required field: prompt", False),
    "missing_model": (400, "Missing required field: model", False),
    "image_required": (400, "Image file is required", False),
    "invalid_model": (400, "Invalid model: nope", False),
    "bad_request": (400, "Bad Request", False),
    "no_default_model": (500, "No model specified and no default model configured.", False),
    "unauthorized": (401, "Unauthorized", False),
    "forbidden": (403, "Forbidden", False),
    "not_found": (404, "Not found", False),
    "storage_error": (500, "SQLITE_BUSY", False),
    "convert_failed": (500, "Failed to convert image to PNG: ", False),
    "cannot_bind": (500, "SQLite3 can only bind numbers", False),
    "too_few_values": (500, "Too few parameter values", False),
    "body_undefined": (500, "Cannot read properties of undefined", False),
    "broken_body": (400, "SyntaxError: ", True),
    "body_too_large": (413, "PayloadTooLargeError: ", True),
    "file_too_large": (500, "MulterError: File too large", True),
    "only_images": (500, "Error: Only image files are allowed", True),
    "unexpected_field": (500, "MulterError: Unexpected file field", True),
    "html": (502, "502 Bad Gateway", True),
    "auth": (401, "Unauthorized", False),
}
SUBMIT = {"model": "qwen-image", "size": "8x8"}
BROKEN = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientPayloadError)


@pytest.mark.parametrize("token", FAILED)
async def test_a_job_fails_with_the_words_of_its_token(studio: Callable[..., Any], token: str) -> None:
    """The job ends as failed, with the native text, progress and durations."""
    error, progress, timed = FAILED[token]
    async with studio(speed=2000) as client:
        row = await client.run(f"a fox [[{token}]]")
        assert row["status"] == "failed"
        assert row["error"] is None if error is None else row["error"].startswith(error)
        assert row["progress"] == progress
        assert (row["generation_time_ms"] is not None) == timed
        assert row["image_count"] == 0


@pytest.mark.parametrize("token", REFUSED)
async def test_a_submit_is_refused_with_the_words_of_its_token(studio: Callable[..., Any], token: str) -> None:
    """The submit is answered with the native refusal, in its envelope, and nothing is inserted."""
    status, text, page = REFUSED[token]
    async with studio() as client:
        reply = await client.ask("POST", "/api/queue/generate", json={**SUBMIT, "prompt": f"a fox [[{token}]]"})
        assert reply.status == status
        assert reply.headers["content-type"].startswith("text/html" if page else "application/json")
        assert text in reply.body.decode() if page else reply.json["error"].startswith(text)
        assert (await client.ask("GET", "/api/queue")).json["jobs"] == []


async def _cut_early(client: Any, path: str, how: dict[str, Any]) -> int:
    with pytest.raises(BROKEN):
        await client.ask("POST", path, **how)
    return 0


async def _broken(client: Any, path: str, how: dict[str, Any]) -> int:
    with pytest.raises(BROKEN):
        await client.ask("POST", path, **how)
    return 1


async def _garbage(client: Any, path: str, how: dict[str, Any]) -> int:
    reply = await client.ask("POST", path, **how)
    assert reply.status == 200
    with pytest.raises(json.JSONDecodeError):
        _ = reply.json
    return 1


async def _huge(client: Any, path: str, how: dict[str, Any]) -> int:
    reply = await client.ask("POST", path, **how)
    assert len(reply.body) == 2 * 1024 * 1024
    assert reply.json["status"] == "pending"
    return 1


ENDED: dict[str, Callable[[Any, str, dict[str, Any]], Awaitable[int]]] = {
    "cut": _broken, "cut_early": _cut_early, "cut_body": _broken, "hang:0.05": _broken, "garbage": _garbage,
    "huge:2": _huge,
}  # fmt: skip


@pytest.mark.parametrize("token", ENDED)
async def test_a_submit_ends_rudely_and_leaves_what_it_says(studio: Callable[..., Any], token: str) -> None:
    """The answer breaks as the token says, and the job is there exactly when the token says so."""
    async with studio() as client:
        accepted = await ENDED[token](client, "/api/queue/generate", {"json": {**SUBMIT, "prompt": f"a [[{token}]]"}})
        jobs = (await client.ask("GET", "/api/queue")).json["jobs"]
        assert len(jobs) == accepted
        if jobs:
            assert (await client.until(jobs[0]["id"]))["status"] == "completed"


RUDE = ("cut", "cut_early", "cut_body", "hang:0.05", "html:503", "garbage", "huge:1")


@pytest.mark.parametrize("where", ["poll", "image"])
@pytest.mark.parametrize("token", RUDE)
async def test_a_later_route_ends_rudely(studio: Callable[..., Any], where: str, token: str) -> None:
    """A token given at the submit breaks the job's status, or its pictures, and nothing else."""
    async with studio() as client:
        job_id = await client.submit(f"a fox [[{where}.{token}]]")
        path = f"/api/queue/{job_id}"
        if where == "image":
            path = f"/api/images/{(await client.until(job_id))['images'][0]['id']}"
        if token.startswith(("cut", "hang")):
            with pytest.raises(BROKEN):
                await client.ask("GET", path)
            return
        reply = await client.ask("GET", path)
        assert reply.status == (503 if token.startswith("html") else 200)
        if token == "garbage":
            assert reply.body == b"this is not json"
        if token.startswith("huge"):
            assert len(reply.body) == 1024 * 1024


def test_every_token_that_refuses_fails_or_breaks_is_exercised() -> None:
    """The tables are complete; what is left is in the test of outcomes."""
    assert FAILED.keys() == FAILURES.keys() | {"fetch_failed", "timeout"}
    assert REFUSED.keys() == (REFUSALS.keys() - set(LATER)) | {"html", "auth"}
    assert {token.partition(":")[0] for token in ENDED} | {"html"} == set(ENDINGS)
    assert {token.partition(":")[0] for token in RUDE} == set(ENDINGS)


async def test_the_tokens_are_told_with_their_sentences(studio: Callable[..., Any]) -> None:
    """`/_sandbox/tokens` and the table in SANDBOX.md tell people what there is."""
    async with studio() as client:
        served = (await client.ask("GET", "/_sandbox/tokens")).json
        assert served == {f"[[{name}]]": sentence for name, sentence in TOKENS.items()}
        assert all(sentence.endswith(".") for sentence in TOKENS.values())
        told = (Path(__file__).parents[4] / "adapters/sdcpp/SANDBOX.md").read_text()
        assert all(f"| `{name}` | {sentence} |" in told for name, sentence in TOKENS.items() if "." not in name)
