"""How the sandbox lives: time, sameness, clients that leave, and what a kill and a restart leave behind."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import ClientSession, ClientTimeout, web
from aiohttp.test_utils import TestServer

from adapters.ima2.sandbox.express import Express
from contracts.sniff import sniff
from tests.unit.adapters.ima2.native import Client, Serve

PROGRAM = """
import sys
from aiohttp import web
from adapters.ima2.sandbox import sandbox
directory, profile, speed, port = sys.argv[1:]
app = sandbox(data_dir=directory, profile=profile, speed=float(speed))
web.run_app(app, host="127.0.0.1", port=int(port), print=None)
"""
ROOT = Path(__file__).parents[4]


@asynccontextmanager
async def process(directory: Path, profile: str, *, speed: float = 5) -> AsyncIterator[tuple[Client, Any]]:
    """Run a sandbox in a process of its own, which is killed at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", PROGRAM, str(directory), profile, str(speed), str(port)]
    running = await asyncio.to_thread(subprocess.Popen, command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        async with ClientSession(timeout=ClientTimeout(total=20)) as session:
            client = Client(port, session)
            await client.until(lambda: answers(client), within=20)
            yield client, running
    finally:
        running.kill()
        await asyncio.to_thread(running.wait)


async def answers(client: Client) -> bool:
    """Say whether a process is up."""
    try:
        return (await client.ask("GET", "/api/health")).status == 200
    except aiohttp.ClientError:
        return False


async def kill_in_the_middle(client: Client, running: Any, request_id: str) -> None:
    """Begin a picture and kill the process while it is being made."""
    begun = asyncio.ensure_future(client.generate("a fox", requestId=request_id))

    async def row() -> Any:
        jobs = (await client.ask("GET", "/api/inflight")).json["jobs"]
        return any(job["phase"] == "streaming" for job in jobs)

    await client.until(row)
    os.kill(running.pid, signal.SIGKILL)
    with pytest.raises(aiohttp.ClientError):
        await begun


async def test_head_leaves_a_phantom_and_forgets_the_ends(tmp_path: Path) -> None:
    """After kill -9 the row stays active though nothing runs, ends are gone, files and sessions stay (recorded)."""
    async with process(tmp_path, "head") as (client, running):
        kept = (await client.generate("a fox [[slow:0.5]]", requestId="kept")).json["filename"]
        session = (await client.ask("POST", "/api/sessions", json={"title": "Kept"})).json["session"]["id"]
        before = (await client.ask("GET", "/api/health")).json["startedAt"]
        await kill_in_the_middle(client, running, "rst-1")
    async with process(tmp_path, "head") as (client, _):
        registry = await client.inflight()
        assert [(job["requestId"], job["phase"]) for job in registry["jobs"]] == [("rst-1", "streaming")]
        assert registry["terminalJobs"] == []
        health = (await client.ask("GET", "/api/health")).json
        assert (health["activeJobs"], health["startedAt"] > before) == (1, True)
        assert [row["filename"] for row in (await client.history())["items"]] == [kept]
        assert (await client.ask("GET", f"/api/sessions/{session}")).json["session"]["title"] == "Kept"
        assert (await client.ask("GET", f"/generated/{kept}")).status == 200
        await asyncio.sleep(1)
        assert (await client.history())["total"] == 1
        assert (await client.ask("DELETE", "/api/inflight/rst-1")).status == 204
        assert [end["status"] for end in (await client.inflight())["terminalJobs"]] == ["canceled"]


async def test_new_keeps_its_ends_and_ends_the_phantom(tmp_path: Path) -> None:
    """After kill -9 ends and keys are still known, and the phantom expires as JOB_TRACKING_TIMEOUT (wire §11)."""
    async with process(tmp_path, "new", speed=100) as (client, running):
        fields = {"requestId": "kept", "async": True, "idempotencyKey": "key"}
        assert (await client.generate("a fox", **fields)).status == 202
        await client.until(lambda: ended(client, "kept"))
        begun = {"requestId": "lost", "async": True, "idempotencyKey": "lost"}
        assert (await client.generate("a fox [[slow:1000]]", **begun)).status == 202
        os.kill(running.pid, signal.SIGKILL)
    async with process(tmp_path, "new") as (client, _):
        assert (await ended(client, "kept"))["status"] == "completed"
        again = await client.generate("a fox", **fields)
        assert (again.status, again.json["idempotentReplay"]) == (200, True)
        still = await client.generate("a fox [[slow:1000]]", **begun)
        assert (still.status, still.json) == (202, {"requestId": "lost", "async": True, "idempotentReplay": True})
        assert [job["requestId"] for job in (await client.inflight())["jobs"]] == ["lost"]
    async with process(tmp_path, "new", speed=300) as (client, _):
        end = await client.until(lambda: ended(client, "lost"), within=10)
        assert (end["httpStatus"], end["errorCode"]) == (504, "JOB_TRACKING_TIMEOUT")


async def ended(client: Client, request_id: str) -> Any:
    """Return a job's end, if it has one."""
    return next((end for end in (await client.inflight())["terminalJobs"] if end["requestId"] == request_id), None)


async def test_the_same_prompt_gives_the_same_picture_anywhere(serve: Serve) -> None:
    """Pictures follow from prompt, size and place among their siblings, and tokens never reach them."""
    pictures: list[bytes] = []
    for place in ("one", "two"):
        async with serve(where=place) as client:
            reply = await client.generate("a lighthouse [[norevised]]" if place == "two" else "a lighthouse")
            pictures.append(reply.picture)
            several = (await client.generate("a lighthouse", n=2)).json["images"]
            assert several[0]["image"] != several[1]["image"]
            assert (await client.generate("a ship")).picture != reply.picture
    assert pictures[0] == pictures[1]


async def test_several_pictures_take_one_round_of_time(serve: Serve) -> None:
    """Four pictures of a request, and four of a sequence, take hardly longer than one (recorded)."""
    async with serve(speed=20) as client:
        for asked in (client.generate("a fox", n=4), client.multimode("a fox", maxImages=4), client.generate("a fox")):
            began = time.monotonic()
            assert (await asked).status == 200
            assert 0.18 <= time.monotonic() - began < 0.6


async def test_a_job_goes_from_queued_to_streaming(serve: Serve) -> None:
    """The phases come in their order, and each has its moment."""
    async with serve(speed=8) as client:
        running = asyncio.ensure_future(client.generate("a fox", requestId="p"))
        seen: list[str] = []
        while not running.done():
            seen += [job["phase"] for job in (await client.ask("GET", "/api/inflight")).json["jobs"]]
            await asyncio.sleep(0.01)
    assert list(dict.fromkeys(seen)) in (["queued", "streaming", "decoding"], ["queued", "streaming"])


async def test_a_client_that_leaves_stops_nothing(serve: Serve) -> None:
    """JSON, frames and sequences are finished and kept though nobody waits (recorded: *_client_disconnect)."""
    async with serve(speed=20) as client:
        for asked in (
            client.generate("a fox", requestId="one"),
            client.node("a fox", sse=True, requestId="two"),
            client.multimode("a fox", requestId="three", maxImages=2),
        ):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asked, 0.05)

        async def kept() -> bool:
            rows = (await client.history())["items"]
            return sorted(row["requestId"] for row in rows) == ["one", "three", "three", "two"]

        await client.until(kept)
        assert {end["status"] for end in (await client.inflight())["terminalJobs"]} == {"completed"}


async def test_ends_and_rows_are_forgotten_in_time(serve: Serve) -> None:
    """Ends live five minutes, rows without one ten, both divided by the speed (wire §7)."""
    async with serve(speed=2000) as client:
        await client.generate("a fox", requestId="end")
        with pytest.raises(aiohttp.ClientError):
            await client.generate("a fox [[phantom]]", requestId="row")
        assert {end["requestId"] for end in (await client.inflight())["terminalJobs"]} == {"end"}
        await asyncio.sleep(0.2)
        registry = await client.inflight()
        assert (len(registry["jobs"]), registry["terminalJobs"]) == (1, [])
        await asyncio.sleep(0.2)
        assert (await client.inflight())["jobs"] == []


async def test_an_idle_connection_is_closed(serve: Serve) -> None:
    """Node's keep-alive is promised and kept, in real time: a pooled client meets closed connections (wire §1)."""
    async with serve() as client:
        reply = await client.ask("GET", "/api/billing")
        assert (reply.headers["Keep-Alive"], reply.headers.get("Server")) == ("timeout=5", None)
    app = web.Application()
    Express(idle_s=0.3).wrap(app)
    async with TestServer(app, host="127.0.0.1") as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        began = time.monotonic()
        for _ in range(2):
            await asyncio.sleep(0.15)
            writer.write(b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        assert time.monotonic() - began >= 0.55
        writer.close()


async def test_a_server_that_is_stopped_finishes_nothing(serve: Serve) -> None:
    """Open streams end and waiting requests are cut, so that stopping takes no time."""
    async with ClientSession() as session:
        async with serve("new") as client:
            base = f"http://127.0.0.1:{client.port}"
            stream = await session.get(f"{base}/api/events")
            body = {"prompt": "a fox [[slow:4000]]", "size": "16x16"}
            waiting = asyncio.ensure_future(session.post(f"{base}/api/generate", json=body))
            await asyncio.sleep(0.1)
            began = time.monotonic()
        assert time.monotonic() - began < 5
        assert (await stream.content.read()).replace(b": ping\n\n", b"") == b""
        with pytest.raises(aiohttp.ClientError):
            await waiting


async def test_it_starts_at_once_and_answers_in_a_moment(serve: Serve) -> None:
    """A status route costs about a millisecond."""
    async with serve() as client:
        await client.ask("GET", "/api/health")
        began = time.monotonic()
        for _ in range(20):
            await client.ask("GET", "/api/providers")
    assert (time.monotonic() - began) / 20 < 0.02


async def test_grok_paints_jpeg_and_is_not_retried(serve: Serve) -> None:
    """On NEW Grok searches, plans and paints; bytes, data URL and file are JPEG whatever was asked (wire §11)."""
    async with serve("new") as client:
        reply = await client.generate("a fox", provider="grok", format="png", requestId="g", n=2)
        assert [image["filename"].rpartition(".")[2] for image in reply.json["images"]] == ["jpeg", "jpeg"]
        assert reply.json["images"][0]["image"].startswith("data:image/jpeg;base64,/9j/")
        steps = [call["step"] for call in await client.upstream("g")]
        assert sorted(steps) == ["image", "image", "planner", "search"]
        stored = await client.ask("GET", f"/generated/{reply.json['images'][0]['filename']}")
        media = sniff(stored.body)
        assert media is not None
        assert media.format == "jpeg"
        for code, made in (("GROK_SEARCH_TIMEOUT", 1), ("GROK_PLANNER_TIMEOUT", 2), ("GROK_RATE_LIMITED", 3)):
            failed = await client.generate(f"a fox [[{code}]]", provider="grok", requestId=code)
            assert failed.json["code"] == code
            assert len(await client.upstream(code)) == made
