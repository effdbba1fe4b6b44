"""The whole engine against three truthful backends: whatever is done to it in whatever order, its promises hold."""

import asyncio
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from structlog.testing import capture_logs

from contracts.catalog import CatalogError, Outcome
from contracts.codes import ErrorCode
from contracts.job import TERMINAL
from gateway.settings import Limits, Settings
from gateway.store.line import Line
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.machine import ERRORS, KINDS, OUTCOMES, RESULTS, TROUBLES, Server, Work
from tests.unit.gateway.engine.promises import check, check_cancel, final_of
from tests.unit.gateway.engine.told_loop import ToldLoop

T = TypeVar("T")
SLOTS = 2
names = st.sampled_from(sorted(KINDS))
some = st.integers(0, 30)
troubles = st.sampled_from([(verb, trouble) for verb, each in TROUBLES.items() for trouble in each])
ends = st.sampled_from(RESULTS) | st.tuples(st.sampled_from(ERRORS), st.sampled_from(OUTCOMES))


def chosen(among: list[T], which: int) -> list[T]:
    """Return one of them, if there are any."""
    return among and [among[which % len(among)]]


class Engine(RuleBasedStateMachine):
    """A gateway's engine and its three backends."""

    def __init__(self, template: Path) -> None:
        """Open it on a directory of its own."""
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner(loop_factory=ToldLoop)
        self.logs = capture_logs()
        self.logs.__enter__()
        self.servers = {name: Server(name) for name in KINDS}
        self.heard: list[int] = []
        #: Ids of jobs, in the order in which they came.
        self.accepted: dict[str, None] = {}
        self.refused = 0
        self.finals: dict[str, Any] = {}
        self.bench: Bench
        self.run(self._open(template))

    async def _open(self, template: Path) -> None:
        limits = Settings(limits=Limits(queue_s=300))
        self.bench = Bench(self.folder / "data", template, *self.servers.values(), settings=limits, slots=SLOTS)
        self.bench.store.listen(self._hear)
        await self.bench.start()

    def _hear(self, lines: list[Line]) -> None:
        self.heard += [line.id for line in lines if line.id is not None]

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something, and go on until everything stands still."""

        async def until_rest() -> None:
            await work
            await self.bench.settle()

        self.runner.run(until_rest())

    def teardown(self) -> None:
        """Answer everything, let time go by, and look whether all came to its end."""
        try:
            self.run(self._come_to_rest())
            self.the_promises_hold()
            assert self.finals.keys() == self.accepted.keys()
            self.bench.assert_at_rest()
        finally:
            self.bench.store.failing = 0
            self.runner.run(self.bench.close())
            self.runner.close()
            self.logs.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    async def _come_to_rest(self) -> None:
        self.bench.store.failing = 0
        for server in self.servers.values():
            server.up = True
            server._line.clear()
        for _ in range(30):
            for server in self.servers.values():
                server.let_go(list(server.lines))
                for work in server.running:
                    server.finish(work, "pictures")
            await self.bench.advance(20)
            if not self.bench.ctx.jobs:
                return
        stuck = {job: (c.record.state, [vars(f) for f in c.flights.values()]) for job, c in self.bench.ctx.jobs.items()}
        msg = f"never came to rest: {stuck}"
        raise AssertionError(msg)

    @rule(
        n=st.integers(1, 3),
        priority=st.integers(-1, 1),
        deadline=st.sampled_from([None, None, 5, 60]),
        team=st.sampled_from(["red", "blue"]),
        model=st.sampled_from(["auto", *(f"{name}/m" for name in KINDS)]),
        partial=st.sampled_from(["accept", "reject"]),
    )
    def accept(self, n: int, priority: int, deadline: int | None, team: str, model: str, partial: str) -> None:
        """A job comes."""
        spec: dict[str, Any] = {"n": n, "priority": priority, "model": model, "partial": partial}
        if deadline is not None:
            spec["deadline_s"] = deadline
        self.run(self._accept(team, spec))

    async def _accept(self, team: str, spec: dict[str, Any]) -> None:
        try:
            self.accepted[await self.bench.accept(team=team, on_unsupported="adapt", **spec)] = None
        except CatalogError:
            self.refused += 1

    @rule(seconds=st.sampled_from([0.3, 1.5, 4.0, 20.0, 70.0]))
    def time_goes_by(self, seconds: float) -> None:
        """Nothing else happens."""
        self.run(self.bench.advance(seconds))

    @rule(name=names, what=troubles)
    def trouble(self, name: str, what: tuple[str, str]) -> None:
        """The next such exchange goes wrong."""
        self.servers[name].will(*what)

    @rule(name=names, code=st.sampled_from(ERRORS), wait=st.sampled_from([None, 5.0]))
    def refuse(self, name: str, code: ErrorCode, wait: float | None) -> None:
        """The next order is refused at the door."""
        self.servers[name].refusal = (code, wait)
        self.servers[name].will("submit", "refused")

    def _alive(self) -> list[str]:
        return [job for job in self.accepted if job not in self.finals]

    def _running(self) -> list[tuple[Server, Work]]:
        return [(server, work) for server in self.servers.values() for work in server.running]

    @rule(which=some, end=ends)
    def finish(self, which: int, end: str | tuple[ErrorCode, Outcome]) -> None:
        """A backend ends a work."""
        for server, work in chosen(self._running(), which):
            server.finish(work, end)
        self.run(self.bench.settle())

    @rule(which=some, breaks=st.booleans())
    def answer(self, which: int, breaks: bool) -> None:  # noqa: FBT001 - drawn
        """An exchange that hangs goes on, or its line breaks."""
        lines = [(server, line) for server in self.servers.values() for line in server.lines]
        for server, line in chosen(lines, which):
            (server.cut if breaks else server.let_go)([line])
        self.run(self.bench.settle())

    @rule(which=some)
    def cancel(self, which: int) -> None:
        """Somebody cancels a job."""
        for job in chosen(self._alive(), which):
            self.run(self._cancel(job))

    async def _cancel(self, job: str) -> None:
        try:
            await self.bench.cancel(job)
        except CatalogError:
            self.refused += 1

    @rule(name=names)
    def goes_down_or_comes_up(self, name: str) -> None:
        """A backend no longer listens, or listens again."""
        self.servers[name].up = not self.servers[name].up

    @rule(name=names)
    def forgets(self, name: str) -> None:
        """A backend starts anew and has lost what it worked on."""
        self.servers[name].forget()
        self.run(self.bench.settle())

    @rule(count=st.integers(1, 4))
    def disk_fills(self, count: int) -> None:
        """The next writes fail."""
        self.bench.store.failing = count

    @rule()
    def dies(self) -> None:
        """The process is killed, and started again."""
        self.bench.store.failing = 0
        self.run(self.bench.restart())

    @rule(accepts=st.booleans(), which=some)
    def dies_before_it_hears_of_its_commits(self, accepts: bool, which: int) -> None:  # noqa: FBT001 - drawn
        """The process is killed while its writes stand in line: they are made, and nobody is told."""
        self.bench.store.failing = 0
        self.run(self._die_writing(which, accepts=accepts))

    async def _die_writing(self, which: int, *, accepts: bool) -> None:
        bench = self.bench
        asked: list[asyncio.Task[Any]] = []
        async with bench.store.stalled():
            if accepts:
                asked.append(asyncio.create_task(bench.accept(settle=False, n=2, on_unsupported="adapt")))
            else:
                for server, work in chosen(self._running(), which):
                    server.finish(work, "pictures")
            cancelled = chosen(self._alive(), which)
            asked += [asyncio.create_task(bench.cancel(job, settle=False)) for job in cancelled]
            await bench.turns()
            for task in asked:
                task.cancel()
            restart = asyncio.create_task(bench.restart())
            await bench.turns()
        await restart
        await asyncio.gather(*asked, return_exceptions=True)

    @rule(seconds=st.sampled_from([0.0, 8.0]), which=some, end=ends)
    def stops(self, seconds: float, which: int, end: str | tuple[ErrorCode, Outcome]) -> None:
        """The process is asked to stop, a work ends meanwhile, and the next process is started."""
        self.bench.store.failing = 0
        self.run(self._stop(seconds, which, end))

    async def _stop(self, seconds: float, which: int, end: str | tuple[ErrorCode, Outcome]) -> None:
        bench = self.bench
        stopping = asyncio.create_task(bench.carrier.drain(seconds))
        await bench.turns()
        for server, work in chosen(self._running(), which):
            server.finish(work, end)
        await bench.turns()
        await bench.store.flush()
        bench.clock.move_to(bench.clock.now() + seconds)
        await stopping
        await bench.store.flush()
        bench._build()
        await bench.start()

    @invariant()
    def the_promises_hold(self) -> None:
        """What is promised of jobs, attempts, events and slots, at every moment at which all stands still."""
        bench = self.bench
        for server in self.servers.values():
            assert not server.faults
        rows = bench.store.reader.read_now(lambda c: c.execute("SELECT id FROM job ORDER BY rowid").fetchall())
        self.accepted |= {row[0]: None for row in rows}
        known = bench.store.reader.read_now(lambda c: c.execute("SELECT count(*), max(id) FROM event").fetchone())
        assert self.heard == list(range(1, (known[1] or 0) + 1)), "what was heard has a gap"
        assert known[0] == len(self.heard)
        taken = dict.fromkeys(KINDS, 0)
        for job in self.accepted:
            for attempt in bench.attempts(job):
                taken[attempt.backend] += attempt.is_open
            check(bench, self.servers, job)
            if bench.job(job).state in TERMINAL:
                final = final_of(bench, job)
                if job not in self.finals:
                    check_cancel(bench, self.servers, job)
                assert self.finals.setdefault(job, final) == final, "it changed after its end"
        assert {name: backend.in_flight for name, backend in bench.backends.items()} == taken
        assert max(taken.values()) <= SLOTS
        for server in self.servers.values():
            server.ended = set(self.finals)


@pytest.mark.timeout(100)
def test_the_engine_keeps_its_promises(empty_database: Path) -> None:
    """No job is lost, sent twice, ended twice or changed after its end; slots, events and cancels are true."""
    run_state_machine_as_test(
        lambda: Engine(empty_database),  # type: ignore[arg-type]
        settings=settings(
            max_examples=30,
            stateful_step_count=50,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
