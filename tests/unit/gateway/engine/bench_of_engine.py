"""An engine on a bench: fake backends, told time, a real store, and a way to wait until nothing moves any more."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from contracts.event import JobQueued
from contracts.job import moment
from contracts.spec import ImageGenerate, JobSpec, operation_of
from gateway.clock import new_id
from gateway.engine.backends import Backend
from gateway.engine.carried import Carried, Finished
from gateway.engine.carrier import Carrier
from gateway.engine.context import Context
from gateway.ops.metrics import Metrics
from gateway.routing import Allow, Router
from gateway.settings import Backend as BackendSettings
from gateway.settings import Settings
from gateway.store import query
from gateway.store.change import Accept
from gateway.store.record import AssetRecord, AttemptRecord, JobRecord
from tests.unit.gateway.engine.fake_backend import FakeAdapter
from tests.unit.gateway.engine.store_under_test import StoreUnderTest, data_dir
from tests.unit.gateway.engine.told_loop import told_loop


class Bench:
    """One process's engine, that can be stopped, killed and started again on the same store."""

    def __init__(
        self,
        root: Path,
        template: Path,
        *adapters: FakeAdapter,
        settings: Settings = Settings(),  # noqa: B008
        slots: int = 1,
        backends: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Take the backends; `slots` is how many jobs each may have, `backends` further settings of each by name."""
        self.loop = told_loop()
        self.clock = self.loop.clock
        self.adapters = {adapter.name: adapter for adapter in adapters}
        self.settings = settings
        #: Whether a test makes something crash on purpose.
        self.may_crash = False
        self.store = StoreUnderTest(data_dir(root, template))
        self._backend_settings = {
            name: BackendSettings(
                dialect="fake",
                base_url="http://127.0.0.1:1",
                **{"max_concurrency": slots, **(backends or {}).get(name, {})},
            )
            for name in self.adapters
        }
        self._build()

    def _build(self) -> None:
        self.metrics = Metrics()
        self.backends = {
            name: Backend(name, "fake", self._backend_settings[name], adapter, self.metrics)
            for name, adapter in self.adapters.items()
        }
        for backend in self.backends.values():
            discovery = backend.adapter.discovery()
            assert discovery is not None
            backend.learned(discovery, self.clock.now())
        self.router = Router(self.backends, self.settings.aliases)
        self.ctx = Context(
            store=self.store,
            backends=self.backends,
            router=self.router,
            settings=self.settings,
            clock=self.clock,
            metrics=self.metrics,
        )
        self.carrier = Carrier(self.ctx)

    async def start(self) -> None:
        """Begin to carry."""
        await self.carrier.start()
        await self.settle()

    async def close(self) -> None:
        """Let go of everything; held exchanges are cut off."""
        await self.carrier.drain(0)
        self.store.close()

    async def crash(self) -> None:
        """Lose everything in memory, as a killed process does: nothing more is written, nothing is asked."""
        loop_task = self.carrier._loop
        assert loop_task is not None
        written = len(self.store.commands)
        dying = [*self.ctx.tasks, loop_task]
        for task in dying:
            task.cancel()
        await asyncio.gather(*dying, return_exceptions=True)
        self.ctx.stopping = True
        assert len(self.store.commands) == written
        await self.store.flush()

    async def restart(self) -> None:
        """Crash, and start again on the same store."""
        await self.crash()
        self.ctx.deliverer.close()
        self._build()
        await self.start()

    async def settle(self) -> None:
        """Go on until nothing more happens by itself: all that is left waits for a backend or for time."""
        calm = 0
        while calm < 3:
            await asyncio.sleep(0)
            filing = 16 - self.ctx.deliverer._room._value - sum(a.blocked["fetch"] for a in self.adapters.values())
            busy = self.loop.is_busy or self.store.pending or filing or self.ctx.pump_wanted
            calm = 0 if busy else calm + 1

    async def turns(self) -> None:
        """Let the loop turn a few times, where waiting for rest would wait for ever."""
        for _ in range(20):
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Let time go by; what is due meanwhile happens in its moment."""
        await self.settle()
        until = self.clock.now() + seconds
        while True:
            moments = [each for each in (self.ctx.timetable.next_at(), self.loop.next_timer()) if each is not None]
            due = min(moments, default=until)
            self.clock.move_to(max(min(due, until), self.clock.now()))
            self.ctx.wake.set()
            await self.settle()
            if due >= until:
                return

    async def accept(
        self,
        *,
        team: str = "red",
        allow: Allow = Allow(),  # noqa: B008
        holds: tuple[str, ...] = (),
        waiter: "asyncio.Future[Finished | None] | None" = None,
        settle: bool = True,
        **spec: Any,
    ) -> str:
        """Make a job as `JobService` does; keywords are the spec's; return its id."""
        record = self.record(ImageGenerate(**{"prompt": "a fox", **spec}), team)
        choices = self.router.capable(record.spec, allow)
        accept = Accept(job=record, events=(JobQueued(job_id=record.id, at=moment(record.created_at)),), holds=holds)
        await self.carrier.accept(accept, choices, waiter)
        if settle:
            await self.settle()
        return record.id

    def record(self, spec: JobSpec, team: str = "red") -> JobRecord:
        """Return the row of a new job."""
        now = self.clock.now()
        return JobRecord(
            id=new_id("job"),
            team=team,
            operation=operation_of(spec),
            state="queued",
            phase="waiting_for_backend",
            priority=spec.priority,
            spec=spec,
            created_at=now,
            deadline_at=None if spec.deadline_s is UNSET else now + spec.deadline_s,
        )

    def carried(self, job_id: str) -> Carried:
        """Return what the engine holds of a job that has not ended for it."""
        return self.ctx.jobs[job_id]

    async def cancel(self, job_id: str, *, settle: bool = True) -> None:
        """Cancel a job as `JobService` does."""
        carried = self.carrier.carried(job_id)
        if carried is not None:
            await self.carrier.cancel(carried)
        if settle:
            await self.settle()

    def job(self, job_id: str) -> JobRecord:
        """Return a job as it is on disk."""
        found = self.store.reader.read_now(lambda connection: query.job(connection, job_id))
        assert found is not None
        return found

    def attempts(self, job_id: str) -> list[AttemptRecord]:
        """Return a job's attempts as they are on disk."""
        return self.store.reader.read_now(lambda connection: query.attempts(connection, job_id))

    def assets(self, job_id: str) -> list[AssetRecord]:
        """Return what a job delivered, as it is on disk."""
        return self.store.reader.read_now(lambda connection: query.job_assets(connection, job_id))

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """Return a job's history as it is on disk."""
        lines = self.store.reader.read_now(lambda connection: query.job_lines(connection, job_id, 0))
        return [msgspec.json.decode(line.frame.partition(b"data: ")[2]) for line in lines]

    def history(self, job_id: str) -> list[str]:
        """Return the words of a job's history."""
        return [event["type"].removeprefix("job.") for event in self.events(job_id)]

    def counted(self, name: str, **labels: str) -> float:
        """Return what a counter stands at."""
        return self.metrics.registry.get_sample_value(f"triptych_{name}_total", labels) or 0.0

    def assert_at_rest(self) -> None:
        """Nothing is left of jobs that have ended: no slot, ticket, job, task or timer of theirs."""
        assert {name: backend.in_flight for name, backend in self.backends.items()} == dict.fromkeys(self.backends, 0)
        assert not self.ctx.jobs
        assert not len(self.ctx.lanes)
        assert not list(self.ctx.lanes)
        assert not self.ctx.tasks
        assert not self.ctx.to_poll
        assert self.store.reader.read_now(query.open_attempts) == []
        assert self.store.reader.read_now(query.open_jobs) == []
