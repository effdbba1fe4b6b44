"""Following many jobs by few connections: what waits or runs is listed, and what is on neither list has ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from contracts.job import TERMINAL

LOOK_S = 0.25
#: How long anything here may take on a machine that has other things to do.
PATIENCE_S = 200.0


class Jobs:
    """The jobs of a gateway, looked at together."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        """Take the gateway's client."""
        self._http = http
        self._begun: dict[str, asyncio.Future[None]] = {}
        self._at_work: dict[str, asyncio.Future[None]] = {}
        self._ended: dict[str, asyncio.Future[None]] = {}

    async def until_begun(self, job_id: str) -> None:
        """Wait until a job is with its backend."""
        await self._told(self._begun, job_id)

    async def until_at_work(self, job_id: str) -> None:
        """Wait until a backend has done with queueing a job."""
        await self._told(self._at_work, job_id)

    async def until_ended(self, job_id: str) -> httpx.Response:
        """Wait until a job has ended, and return the answer that shows it."""
        while True:
            await self._told(self._ended, job_id)
            # It may have gone from one list to the other while they were read.
            shown = (await self._http.get(f"/v1/jobs/{job_id}")).raise_for_status()
            if shown.json()["state"] in TERMINAL:
                return shown

    async def _told(self, waiting: dict[str, asyncio.Future[None]], job_id: str) -> None:
        told = waiting[job_id] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(PATIENCE_S):
            await told

    async def look(self) -> None:
        """Look again and again."""
        while True:
            asked = set(self._ended)
            phases = [*await self._listed("queued"), *await self._listed("running")]
            for job_id, phase in phases:
                if phase not in ("waiting_for_backend", "submit"):
                    _tell(self._begun, job_id)
                    if phase != "queued_at_backend":
                        _tell(self._at_work, job_id)
            for job_id in asked - {job_id for job_id, _ in phases}:
                _tell(self._ended, job_id)
            await asyncio.sleep(LOOK_S)

    async def _listed(self, state: str) -> list[tuple[str, str | None]]:
        found: list[tuple[str, str | None]] = []
        token: dict[str, str] = {}
        while True:
            asked: dict[str, Any] = {"state": state, "limit": 200, **token}
            page = (await self._http.get("/v1/jobs", params=asked)).raise_for_status().json()
            found += ((job["id"], job["phase"]) for job in page["jobs"])
            if page["next_page_token"] is None:
                return found
            token = {"page_token": page["next_page_token"]}


def _tell(waiting: dict[str, asyncio.Future[None]], job_id: str) -> None:
    found = waiting.pop(job_id, None)
    if found is not None and not found.done():
        found.set_result(None)


@asynccontextmanager
async def followed(http: httpx.AsyncClient) -> AsyncIterator[Jobs]:
    """Follow all jobs of a gateway for a while."""
    jobs = Jobs(http)
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(jobs.look())
        yield jobs
        looking.cancel()
