"""A hint makes the engine ask sooner, and nothing else."""

from collections.abc import AsyncGenerator

import pytest

from contracts.port import Done, Hint, Pending
from gateway.engine import watching
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import QUEUE, FakeAdapter, done


@pytest.mark.parametrize(("hint", "asked"), [("first", 1), ("everybody", 2), ("stranger", 0)])
async def test_who_is_meant_is_asked_at_once(engine: OpenBench, hint: str, asked: int) -> None:
    """Long before its turn; the others wait for theirs, and whoever is asked is not asked twice."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1000.0))
    north.always("poll", Pending(1000.0))
    bench = await engine(north, slots=2)
    first, _second = await bench.accept(), await bench.accept()
    named = {"first": f"{first}.1", "everybody": None, "stranger": "job_x.1"}[hint]
    for _ in range(2):
        watching.heed(bench.ctx, bench.ctx.backends["north"], Hint(named))
    await bench.settle()
    assert north.count("poll") == asked
    assert bench.job(first).state == "running"


async def test_a_hint_is_never_the_truth(engine: OpenBench) -> None:
    """What the poll then says is: the job ends with it, and a hint afterwards changes nothing."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1000.0))
    ended: Done = done("a")
    north.will("poll", Pending(1000.0), ended)
    bench = await engine(north, slots=2)
    job = await bench.accept()
    for state in ("running", "succeeded", "succeeded"):
        watching.heed(bench.ctx, bench.ctx.backends["north"], Hint(f"{job}.1"))
        await bench.settle()
        assert bench.job(job).state == state
    assert north.count("poll") == 2
    bench.assert_at_rest()


async def test_a_connection_that_ends_has_everybody_asked_after(engine: OpenBench) -> None:
    """What was said while nobody listened is not lost."""

    async def one_hint() -> AsyncGenerator[Hint, None]:
        yield Hint("somebody else's")

    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1000.0))
    north.always("poll", Pending(1000.0))
    bench = await engine(north, slots=2)
    await bench.accept()
    await watching._heed(bench.ctx, bench.ctx.backends["north"], one_hint())
    await bench.settle()
    assert north.count("poll") == 1
