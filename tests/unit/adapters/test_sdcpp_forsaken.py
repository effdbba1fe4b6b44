"""A job that was cancelled in the worker's hands: it counts as running until the worker has let go of it for sure."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from adapters.sdcpp.adapter import Sdcpp
from adapters.sdcpp.translate import Note, to_handle
from contracts.catalog import CatalogError
from contracts.port import BackendSettings, Done, Handle, Pending, Polled

ROW = {"id": "x", "status": "cancelled", "type": "generate", "seed": "1", "progress": 0.25, "images": []}
STARTED = {**ROW, "started_at": 1.0}


class Worker:
    """A server whose one row and list are what the test says."""

    def __init__(self, row: dict[str, Any], running: tuple[str, ...]) -> None:
        """Take the row of our job, and the ids of those that are processing."""
        self.row = row
        self.running = running
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Answer both routes."""
        self.asked.append(request.path_qs)
        if request.path == "/api/queue":
            return web.json_response({"jobs": [{"id": each} for each in self.running]})
        return web.json_response(self.row)


@asynccontextmanager
async def serving(worker: Worker, port: int = 0) -> AsyncIterator[int]:
    """Serve a worker; yield the port."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", worker.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def polled(adapter: Sdcpp, handle: Handle, looks: int) -> tuple[Polled, Handle]:
    """Poll so many times, as the engine does: with the latest handle, to the first answer that is an end."""
    for _ in range(looks):
        found = (await adapter.poll([handle]))[handle.id]
        if not isinstance(found, Pending):
            return found, handle
        assert found.alone
        handle = found.handle or handle
    return found, handle


HANDLE = to_handle(Note(seed="1", prompt_sha256="", size="", job_id="x"), "job_1.1")


async def test_while_the_worker_may_be_at_it_the_job_is_pending() -> None:
    """Nothing else runs, or only this very job does: it may come back to life at any time, and then does."""
    worker = Worker(STARTED, ())
    async with serving(worker) as port:
        adapter = Sdcpp(BackendSettings(name="studio", base_url=f"http://127.0.0.1:{port}"))
        found, handle = await polled(adapter, HANDLE, 3)
        assert isinstance(found, Pending)
        assert worker.asked == ["/api/queue/x", "/api/queue?status=processing", "/api/queue/x"]
        worker.running = ("x",)
        found, handle = await polled(adapter, handle, 3)
        assert isinstance(found, Pending)
        worker.row = {**STARTED, "status": "completed", "images": [{"id": "late"}]}
        found, _ = await polled(adapter, handle, 2)
        assert isinstance(found, Done)
        await adapter.close()


async def test_a_worker_that_is_at_another_job_has_let_go() -> None:
    """There is but one: the job is over there, and its slot is free."""
    async with serving(Worker(STARTED, ("another",))) as port:
        adapter = Sdcpp(BackendSettings(name="studio", base_url=f"http://127.0.0.1:{port}"))
        found, _ = await polled(adapter, HANDLE, 3)
        await adapter.close()
    assert isinstance(found, CatalogError)
    assert found.code == "job.cancelled"


async def test_a_server_that_was_away_has_let_go() -> None:
    """A restart sweeps what is processing, and leaves such a row as it is for ever (wire §5)."""
    worker = Worker(STARTED, ())
    async with serving(worker) as port:
        adapter = Sdcpp(BackendSettings(name="studio", base_url=f"http://127.0.0.1:{port}"))
        _, handle = await polled(adapter, HANDLE, 2)
    # First a kept connection turns out to be dead, and then nobody is there.
    for outcome in ("unknown", "not_started"):
        with pytest.raises(CatalogError) as caught:
            await adapter.poll([handle])
        assert (caught.value.code, caught.value.outcome) == ("backend.unavailable", outcome)
    async with serving(worker, port):
        found, _ = await polled(adapter, handle, 2)
        await adapter.close()
    assert isinstance(found, CatalogError)
    assert found.code == "job.cancelled"


async def test_a_job_that_had_not_begun_is_over_at_once() -> None:
    """No worker had it."""
    async with serving(Worker({**ROW, "started_at": None}, ())) as port:
        adapter = Sdcpp(BackendSettings(name="studio", base_url=f"http://127.0.0.1:{port}"))
        found, handle = await polled(adapter, HANDLE, 1)
        await adapter.close()
    assert isinstance(found, CatalogError)
    assert found.code == "job.cancelled"
    assert json.loads(bytes(handle.note))["job_id"] == "x"
