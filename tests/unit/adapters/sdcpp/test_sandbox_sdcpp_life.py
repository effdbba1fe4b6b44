"""How jobs live, in which order, what a cancel does, and what the server's end does to them (wire §5)."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession

RESTARTED = "Server restarted - job cancelled"
BROKEN = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
#: A process that runs the sandbox alone, and dies when it would.
ALONE = """
import asyncio, os, sys
from aiohttp import web
from adapters.sdcpp.sandbox import sandbox
async def main():
    app = sandbox(data_dir=sys.argv[1], speed=20, on_crash=lambda: os._exit(1))
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def _seen(client: Any, job_id: str) -> list[tuple[str, float]]:
    """Poll a job to its end and return every pair of state and progress that was visible."""
    seen: list[tuple[str, float]] = []
    while not seen or seen[-1][0] not in ("completed", "failed"):
        row = await client.job(job_id)
        if not seen or seen[-1] != (row["status"], row["progress"]):
            seen.append((row["status"], row["progress"]))
        await asyncio.sleep(0.001)
    return seen


async def test_a_local_model_loads_once_and_progress_never_reaches_one(studio: Callable[..., Any]) -> None:
    """The first job shows 0.1 while the model starts, the second does not; both end at 0.85."""
    async with studio(speed=40) as client:
        first = await _seen(client, await client.submit("a", model="z-image-turbo"))
        second = await _seen(client, await client.submit("b", model="z-image-turbo"))
    assert ("processing", 0.1) in first
    assert ("processing", 0.1) not in second
    for seen in (first, second):
        assert ("processing", 0.25) in seen
        # Whoever looks late sees no waiting any more, but never an end that is not this one.
        assert seen[0] in (("pending", 0), ("processing", 0.1), ("processing", 0.25))
        assert seen[-1] == ("completed", 0.85)


async def test_the_times_of_a_row_are_what_they_are(studio: Callable[..., Any]) -> None:
    """`created_at` has whole seconds, `started_at` stands just before the end, the durations are true."""
    async with studio(speed=20) as client:
        row = await client.run("a", model="z-image-turbo")
    assert row["created_at"] % 1000 == 0
    assert 0 <= row["completed_at"] - row["started_at"] < 200
    assert row["model_loading_time_ms"] >= 75
    assert row["generation_time_ms"] >= 200


async def test_a_job_waits_for_the_tick_and_takes_its_time(studio: Callable[..., Any]) -> None:
    """Nothing but the timer starts a job: two of them take two ticks and twice the work."""
    async with studio(speed=20) as client:
        await client.run("to meet the tick")
        began = time.monotonic()
        ids = [await client.submit(f"job {number}") for number in range(2)]
        for job_id in ids:
            await client.until(job_id)
        took = time.monotonic() - began
    # 4 s of work and the rest of a tick of 2 s, twice, 20 times as fast.
    assert took >= 0.4


async def test_jobs_of_one_second_run_newest_first(studio: Callable[..., Any]) -> None:
    """The order is by whole seconds, and inside one it is reversed ([R:queue_order])."""
    async with studio() as client:
        await asyncio.sleep(max(1 - time.time() % 1, 0) if time.time() % 1 > 0.4 else 0)
        await client.until(await client.submit("blocker [[slow:20]]"), "processing")
        ids = [await client.submit(f"A{number}") for number in range(4)]
        rows = [await client.until(job_id) for job_id in ids]
    assert len({row["created_at"] for row in rows}) == 1
    ends = [row["completed_at"] for row in rows]
    assert ends == sorted(ends, reverse=True)


async def test_only_one_job_runs_at_a_time(studio: Callable[..., Any]) -> None:
    """While one is processing the others wait, whatever their kind."""
    async with studio(speed=40) as client:
        await client.until(await client.submit("first [[slow:20]]"), "processing")
        await client.submit("second")
        assert (await client.ask("GET", "/api/queue/stats")).json == {
            "pending": 1, "processing": 1, "completed": 0, "failed": 0,
        }  # fmt: skip


async def test_a_cancelled_job_that_had_started_comes_back(studio: Callable[..., Any]) -> None:
    """A cancel of a running job is only a note: the worker overwrites it with its result."""
    async with studio(speed=40) as client:
        job_id = await client.submit("a [[slow:10]]")
        await client.until(job_id, "processing")
        cancelled = (await client.ask("DELETE", f"/api/queue/{job_id}")).json["job"]
        assert (cancelled["status"], cancelled["completed_at"]) == ("cancelled", None)
        assert cancelled["started_at"] is not None
        assert (await client.job(job_id))["status"] == "cancelled"
        row = await client.until(job_id, "completed")
    assert row["image_count"] == 1


async def test_a_model_that_must_be_stopped_first_shows_as_loading(studio: Callable[..., Any]) -> None:
    """The job behind it is in no counter, cannot be cancelled, and nothing is said to be going on."""
    async with studio(speed=25) as client:
        await client.run("a", model="flux-dev")
        job_id = await client.submit("b")
        row = await client.until(job_id, "model_loading")
        assert (row["progress"], row["started_at"]) == (0, None)
        stats = (await client.ask("GET", "/api/queue/stats")).json
        assert stats == {"pending": 0, "processing": 0, "completed": 1, "failed": 0}
        assert (await client.ask("DELETE", f"/api/queue/{job_id}")).status == 404
        assert (await client.ask("POST", "/api/queue/cancel-all")).json == {"success": True, "cancelled": 0}
        progress = (await client.ask("GET", "/sdapi/v1/progress")).json
        assert (progress["progress"], progress["state"]) == (0, {"job_count": 0})
        assert (await client.until(job_id))["status"] == "completed"


async def test_a_restart_fails_what_waited_or_ran_and_forgets_what_loaded(studio: Callable[..., Any]) -> None:
    """Pending and processing rows become failed, a loading one stays so for ever, an ended one stays as it was."""
    async with studio(speed=20) as client:
        done = await client.run("done", seed=5)
        picture = await client.picture(done)
        loading = await client.submit("[[stuck_loading]]")
        await client.until(loading, "model_loading")
        running = await client.submit("running [[slow:400]]")
        await client.until(running, "processing")
        waiting = await client.submit("waiting")
    async with studio(speed=20) as client:
        for job_id, progress in ((running, 0.25), (waiting, 0)):
            row = await client.job(job_id)
            assert (row["status"], row["error"], row["progress"]) == ("failed", RESTARTED, progress)
            assert row["completed_at"] is not None
            assert (row["model_loading_time_ms"], row["generation_time_ms"]) == (None, None)
        assert (await client.job(loading))["status"] == "model_loading"
        assert await client.job(done["id"]) == done
        assert await client.picture(done) == picture
        assert (await client.ask("DELETE", f"/api/generations/{loading}")).json == {"success": True}
        assert (await client.job(loading)) == {"error": "Job not found"}


async def _delete(client: Any, job_id: str) -> None:
    await client.ask("DELETE", f"/api/generations/{job_id}")


async def _cancel_then_delete(client: Any, job_id: str) -> None:
    await client.ask("DELETE", f"/api/queue/{job_id}")
    await client.ask("DELETE", f"/api/generations/{job_id}")


async def _delete_all(client: Any, _job_id: str) -> None:
    assert (await client.ask("DELETE", "/api/generations")).json["count"] == 2


@pytest.mark.parametrize("blow", [_delete, _cancel_then_delete, _delete_all])
@pytest.mark.parametrize("prompt", ["a [[slow:8]]", "a [[slow:8]] [[upstream_500]]"])
async def test_deleting_a_job_that_runs_kills_the_server(studio: Callable[..., Any], prompt: str, blow: Any) -> None:
    """When the upstream answers, the process dies, open connections break, and a waiting job is failed."""
    async with studio(speed=40) as client:
        job_id = await client.submit(prompt)
        await client.until(job_id, "processing")
        waiting = await client.submit("waiting")
        hanging = asyncio.ensure_future(
            client.ask("POST", "/api/generate", json={"prompt": "x", "model": "qwen-image"})
        )
        await asyncio.sleep(0.01)
        if blow is _delete_all:
            await client.ask("DELETE", f"/api/generations/{waiting}")
        await blow(client, job_id)
        assert not client.crashed.is_set()
        with pytest.raises(BROKEN):
            await hanging
        assert client.crashed.is_set()
        with pytest.raises(BROKEN):
            await client.ask("GET", "/api/health")
        await asyncio.sleep(0.1)
        assert (await client.ask("GET", "/api/health")).status == 200
        if blow is not _delete_all:
            assert (await client.job(waiting))["error"] == RESTARTED


async def test_deleting_a_job_that_waits_is_harmless(studio: Callable[..., Any]) -> None:
    """A pending row can go: the worker never hears of it."""
    async with studio() as client:
        await client.until(await client.submit("first [[slow:20]]"), "processing")
        await _delete(client, await client.submit("second"))
        assert (await client.run("third"))["status"] == "completed"
        assert not client.crashed.is_set()


async def test_a_killed_process_finds_its_rows_again_and_a_crash_exits_with_1(tmp_path: Path) -> None:
    """After `kill -9` the state is the real server's after a restart; alone, a crash ends the process with 1."""
    process, port = await _alone(tmp_path)
    async with ClientSession(f"http://127.0.0.1:{port}") as session:
        body = {"model": "qwen-image", "size": "8x8", "prompt": "killed [[slow:600]]"}
        async with session.post("/api/queue/generate", json=body) as reply:
            job_id = (await reply.json())["job_id"]
    os.kill(process.pid, signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    process, port = await _alone(tmp_path)
    async with ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.get(f"/api/queue/{job_id}") as reply:
            assert (await reply.json())["error"] == RESTARTED
        with pytest.raises(BROKEN):
            await session.post("/sdapi/v1/txt2img", json={"prompt": "x", "seed": True})
    assert await process.wait() == 1


async def _alone(directory: Path) -> tuple[asyncio.subprocess.Process, int]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", ALONE, str(directory), stdout=asyncio.subprocess.PIPE, env={**os.environ}
    )
    assert process.stdout is not None
    return process, int(await process.stdout.readline())
