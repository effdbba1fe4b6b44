import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.unit.adapters.imgen.native import Native, imgen, new_http

ROOT = Path(__file__).parents[4]
PROGRAM = """
import sys
from aiohttp import web
from adapters.imgen.sandbox import sandbox
web.run_app(sandbox(data_dir=sys.argv[1], speed=10.0), host="127.0.0.1", port=int(sys.argv[2]), print=None)
"""


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def running(data_dir: Path, port: int) -> Iterator[None]:
    """Run a sandbox as a process of its own, and kill it without a warning."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(data_dir), str(port)], env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.025)
        yield
    finally:
        process.kill()
        process.wait()


async def test_a_run_goes_on_while_the_server_is_killed(tmp_path: Path) -> None:
    """After kill -9 and a restart the run is there, its work went on, and its signed picture is the same."""
    port = free_port()
    async with new_http() as http:
        native = Native(http, f"http://127.0.0.1:{port}")
        with running(tmp_path, port):
            first = await native.made("a lighthouse")
            picture = await native.fetch(first)
            run = await native.generate("a fox, [[status_502:2]]")
            assert (await native.status(run)).status_code == 502
        with running(tmp_path, port):
            answers = [await native.status(run) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [502, 200]
            # 0.1 s in the queue are long over, although the server was not there.
            assert answers[1].json()["status"] != "IN_QUEUE"
            await native.finished(run)
            assert (await native.fetch(first)).content == picture.content
            hit = await native.generate("a lighthouse", use_cache=True)
            assert (await native.status(hit)).json()["meta"]["gen_id"] == first["gen_id"]
            assert [each["id"] for each in await native.runs()] == [first["id"], run["id"]]


async def test_hits_and_verdicts_survive_a_restart(tmp_path: Path) -> None:
    """A hit is still served under its id, and a blocked run stays blocked without another review."""
    async with imgen(tmp_path) as native:
        await native.made("a lighthouse")
        hit = await native.generate("a lighthouse", use_cache=True)
        blocked = await native.generate("a portrait [[unsafe:hate]]")
        await native.finished(blocked)
        waiting = await native.generate("a fox")
    await asyncio.sleep(0.05)
    async with imgen(tmp_path) as native:
        assert (await native.status(hit)).json()["cache"] is True
        assert (await native.status(blocked)).json()["filter_categories"] == ["hate"]
        assert (await native.status(waiting)).json()["status"] == "COMPLETED"
