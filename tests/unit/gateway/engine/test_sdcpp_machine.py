"""The engine with the real adapter of Studio and its emulator: however things interleave, a job has one history.

Cancels, completions, failures, restarts of either side and lost answers come in any order. What is published of a job
is one path through the table of states (contracts.job), nothing follows its end, and of a cancelled one no picture.
"""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from structlog.testing import capture_logs

from contracts.catalog import CatalogError
from contracts.job import ENTERED_FROM, STATES, TERMINAL
from contracts.media import Size
from tests.unit.gateway.engine.promises import final_of
from tests.unit.gateway.engine.studio_on_a_bench import StudioBench, WorkingLoop, opened

SLOTS = 3
#: What becomes of a job at Studio, and of answers that are about it (SANDBOX.md).
FATES = (
    "", "", "[[slow:9]]", "[[slow:40]]", "[[loading:8]]", "[[stuck_loading]]", "[[upstream_500]]", "[[upstream_429]]",
    "[[none]]", "[[terminated]]", "[[restarted]]", "[[crash]]", "[[lost]]", "[[expired_row]]", "[[odd_state]]",
    "[[cancelled_by_operator]]", "[[cancelled_then_completed]]", "[[cut]]", "[[cut_early]]", "[[cut_body]]",
    "[[garbage]]", "[[html]]", "[[poll.cut]]", "[[image.cut_body]]", "[[image_gone]]",
)  # fmt: skip
ROUTES = ("POST /api/queue/generate", "GET /api/queue/:id", "DELETE /api/queue/:id", "GET /api/queue",
          "GET /api/images/:id")  # fmt: skip
RUDE = ("cut", "cut_early", "cut_body", "garbage", "html")
some = st.integers(0, 30)


class Interleaved(RuleBasedStateMachine):
    """One engine, one Studio, and everybody who meddles with them."""

    def __init__(self, template: Path) -> None:
        """Open both on a directory of their own."""
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner(loop_factory=WorkingLoop)
        self.logs = capture_logs()
        self.said = self.logs.__enter__()
        self.jobs: list[str] = []
        self.finals: dict[str, Any] = {}
        self.bench: StudioBench
        self.runner.run(self._open(template))

    async def _open(self, template: Path) -> None:
        self.bench = await opened(self.folder, template, slots=SLOTS)

    def run(self, work: Coroutine[Any, Any, object]) -> None:
        """Do something, and go on until everything stands still."""

        async def until_rest() -> None:
            await work
            await self.bench.settle()

        self.runner.run(until_rest())

    def teardown(self) -> None:
        """Let time go by, and look whether all came to its end."""
        try:
            self.run(self._come_to_rest())
            self.every_history_is_one_path()
            assert self.finals.keys() == set(self.jobs)
            self.bench.assert_at_rest()
            assert not [line for line in self.said if line["event"] == "engine.crashed"]
        finally:
            self.runner.run(self._close())
            self.runner.close()
            self.logs.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    async def _come_to_rest(self) -> None:
        await self._beside("PUT", "/_sandbox/scenario", {"rules": []})
        for _ in range(60):
            if not self.bench.ctx.jobs:
                return
            await self.bench.advance(20)
        msg = f"never came to rest: {[self.bench.history(job) for job in self.bench.ctx.jobs]}"
        raise AssertionError(msg)

    async def _close(self) -> None:
        await self.bench.close()
        await self.bench.studio.close()

    async def _beside(self, method: str, path: str, body: Any = None) -> Any:
        """Ask Studio something; whoever is away does not answer."""
        try:
            return (await self.bench.studio.ask(method, path, body)).json()
        except (httpx.TransportError, ValueError):
            return None

    async def _rows(self) -> list[dict[str, Any]]:
        found = await self._beside("GET", "/api/queue")
        return found["jobs"] if found and "jobs" in found else []

    @rule(fate=st.sampled_from(FATES), n=st.integers(1, 2))
    def accept(self, fate: str, n: int) -> None:
        """A job comes."""
        prompt = f"job {len(self.jobs)} {fate}"
        self.run(
            self._accept({"prompt": prompt, "n": n, "size": Size(width=16, height=16), "model": "studio/qwen-image"})
        )

    async def _accept(self, spec: dict[str, Any]) -> None:
        self.jobs.append(await self.bench.accept(**spec))

    @rule(seconds=st.sampled_from([0.2, 1.0, 3.0, 10.0, 45.0]))
    def time_goes_by(self, seconds: float) -> None:
        """Nothing else happens."""
        self.run(self.bench.advance(seconds))

    @rule(which=some)
    def cancel(self, which: int) -> None:
        """Somebody cancels a job that has not ended."""
        alive = [job for job in self.jobs if job not in self.finals]
        if alive:
            self.run(self._cancel(alive[which % len(alive)]))

    async def _cancel(self, job: str) -> None:
        # It may have ended between two looks.
        with contextlib.suppress(CatalogError):
            await self.bench.cancel(job)

    @rule(route=st.sampled_from(ROUTES), outcome=st.sampled_from(RUDE), times=st.integers(1, 2))
    def answers_are_lost(self, route: str, outcome: str, times: int) -> None:
        """The next answers of a route do not come, or come as something else."""
        rules = [{"route": route, "outcome": outcome, "times": times}]
        self.run(self._beside("PUT", "/_sandbox/scenario", {"rules": rules}))

    @rule(which=some, verb=st.sampled_from(["queue", "generations"]))
    def somebody_meddles(self, which: int, verb: str) -> None:
        """Studio's operator cancels a row, or deletes it: the server dies of that where the job runs."""
        self.run(self._meddle(which, verb))

    async def _meddle(self, which: int, verb: str) -> None:
        rows = await self._rows()
        if rows:
            await self._beside("DELETE", f"/api/{verb}/{rows[which % len(rows)]['id']}")

    @rule()
    def the_gateway_dies(self) -> None:
        """It is killed, and started again."""
        self.run(self.bench.killed())

    @invariant()
    def every_history_is_one_path(self) -> None:
        """In the store, which is what every door and stream tells from."""
        for job in self.jobs:
            record, history = self.bench.job(job), self.bench.history(job)
            path = [word for word in history if word in STATES]
            assert path[0] == "queued"
            for before, after in pairwise(path):
                assert before in ENTERED_FROM[after], path  # type: ignore[index]
            assert record.state not in TERMINAL or (path[-1] == history[-1] == record.state), history
            assert not set(path[:-1]) & TERMINAL, path
            kept = [asset for asset in self.bench.assets(job) if asset.deleted_at is None]
            assert len(kept) == len(record.outputs)
            if record.state == "cancelled":
                assert (record.outputs, kept, "output" in history) == ((), [], False)
            if record.state in TERMINAL:
                final = final_of(self.bench, job)
                assert self.finals.setdefault(job, final) == final, "it changed after its end"

    @invariant()
    def nothing_is_made_more_often_than_it_was_attempted(self) -> None:
        """Whatever answers were lost: a job has no more rows than attempts."""
        self.run(self._count())

    async def _count(self) -> None:
        made = [row["prompt"] for row in await self._rows()]
        for number, job in enumerate(self.jobs):
            mine = sum(prompt.startswith(f"job {number} ") for prompt in made)
            assert mine <= len(self.bench.attempts(job)), "somebody paid twice"


@pytest.mark.timeout(100)
def test_however_it_goes_a_job_has_one_history_and_a_cancelled_one_no_picture(empty_database: Path) -> None:
    """Over the real adapter and the emulator, quirks of its cancel and its crashes included."""
    run_state_machine_as_test(
        lambda: Interleaved(empty_database),  # type: ignore[arg-type]
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
