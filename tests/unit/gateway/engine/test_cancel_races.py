"""Cancelling while something else happens to the job at the same moment: whichever is written first wins."""

import asyncio
from typing import Any

import pytest

from contracts.catalog import CatalogError
from contracts.job import JobState
from contracts.port import Absent, Pending, Stopped
from gateway.settings import Limits, Settings
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import QUEUE, Broken, FakeAdapter, done


def let_go(bench: Bench) -> None:
    """Let the backend take jobs from now on."""
    bench.backends["north"].account("main").ready = True
    bench.ctx.pump()


async def waiting_job(bench: Bench) -> str:
    """Make a job that waits, because the backend takes none for now."""
    bench.backends["north"].account("main").ready = False
    return await bench.accept()


async def test_a_job_that_is_just_being_given_out_is_cancelled_at_the_backend(engine: OpenBench) -> None:
    """The claim stands in line before the cancel: what is sent is asked to stop, and the answer is the backend's."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    north.always("cancel", Stopped("forgotten"))
    bench = await engine(north)
    job = await waiting_job(bench)
    async with bench.store.stalled():
        let_go(bench)
        await bench.turns()
        cancel = asyncio.ensure_future(bench.cancel(job, settle=False))
        await bench.turns()
    await cancel
    await bench.settle()
    record = bench.job(job)
    assert record.cancel is not None
    assert (record.state, record.cancel.answer) == ("cancelled", "forgotten" if north.count("submit") else "stopped")
    assert north.count("submit") == north.count("cancel")
    assert bench.backends["north"].in_flight == north.count("submit")


async def test_a_job_that_is_just_being_cancelled_is_not_given_out(engine: OpenBench) -> None:
    """The cancel stands in line before a slot comes free: nothing is sent any more."""
    north = FakeAdapter()
    bench = await engine(north)
    job = await waiting_job(bench)
    async with bench.store.stalled():
        cancel = asyncio.ensure_future(bench.cancel(job, settle=False))
        await bench.turns()
        let_go(bench)
        await bench.turns()
    await cancel
    await bench.settle()
    assert (bench.job(job).state, north.count("submit")) == ("cancelled", 0)
    bench.assert_at_rest()


async def test_a_part_that_is_given_out_beside_the_cancel_is_asked_to_stop_too(engine: OpenBench) -> None:
    """The wish stands in line when the next part's slot comes free: no part goes on that nobody asked to stop."""
    north = FakeAdapter()
    bench = await engine(north)
    held = [north.hold("submit") for _ in range(2)]
    job = await bench.accept(n=2, on_unsupported="adapt")
    async with bench.store.stalled():
        cancel = asyncio.ensure_future(bench.cancel(job, settle=False))
        await bench.turns()
        bench.backends["north"].release("main")
        bench.ctx.pump()
        await bench.turns()
    await cancel
    await bench.settle()
    bench.backends["north"].take("main")
    assert bench.job(job).state == "cancelled"
    assert {c.handles for c in north.calls if c.verb == "submit"} <= {
        c.handles for c in north.calls if c.verb == "cancel"
    }
    for submit in held:
        submit.answer(done("late"))
    await bench.settle()
    bench.assert_at_rest()


async def test_a_submit_that_has_not_left_yet_is_not_sent_for_a_cancelled_job(engine: OpenBench) -> None:
    """It waits for its turn among the blocking submits: after the cancel it is not handed over at all."""
    north = FakeAdapter()
    settings = Settings(limits=Limits(blocking_submits=1))
    bench = await engine(north, slots=2, settings=settings)
    submit = north.hold("submit")
    await bench.accept()
    job = await bench.accept()
    assert (bench.job(job).state, north.count("submit")) == ("running", 1)
    north.will("cancel", Stopped("forgotten"))
    await bench.cancel(job)
    assert bench.job(job).state == "cancelled"
    submit.answer(done("a"))
    await bench.settle()
    assert north.count("submit") == 1
    assert bench.attempts(job)[0].how == "not_sent"
    bench.assert_at_rest()


async def test_a_job_wished_cancelled_is_not_sent_a_second_time(engine: OpenBench) -> None:
    """A restart finds that the submit never arrived: with the wish to cancel on disk nothing is sent any more."""
    north = FakeAdapter()
    bench = await engine(north)
    north.hold("submit")
    north.hold("cancel")
    job = await bench.accept()
    await bench.cancel(job)
    north.will("cancel", CatalogError("backend.unavailable", "down"))
    north.always("recover", Absent())
    await bench.restart()
    assert (bench.job(job).state, north.count("submit")) == ("cancelled", 1)
    bench.assert_at_rest()


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (done("a"), "succeeded"),
        (CatalogError("backend.failed", "no"), "failed"),
        (CatalogError("policy.output_blocked", "no"), "blocked"),
    ],
)
async def test_a_job_that_ends_by_itself_first_stays_as_it_ended(engine: OpenBench, end: Any, state: JobState) -> None:
    """While the backend is asked to cancel it answers the submit: that is written first and stands, without a retry."""
    north = FakeAdapter()
    bench = await engine(north)
    submit, asked = north.hold("submit"), north.hold("cancel")
    job = await bench.accept()
    await bench.cancel(job)
    submit.answer(end)
    await bench.settle()
    asked.answer(Stopped("stopped"))
    await bench.advance(100)
    record = bench.job(job)
    assert record.cancel is not None
    assert (record.state, record.cancel.answer) == (state, "cannot")
    assert (bench.history(job)[-1], north.count("submit")) == (state, 1)
    bench.assert_at_rest()


async def test_what_the_backend_cancelled_for_us_is_cancelled(engine: OpenBench) -> None:
    """When it tells the end before it answers the wish: the job is cancelled, and the wish is answered with it."""
    north = FakeAdapter()
    bench = await engine(north)
    submit, asked = north.hold("submit"), north.hold("cancel")
    job = await bench.accept()
    await bench.cancel(job)
    error = CatalogError("backend.failed", "cancelled")
    error.refinements = ("we_asked_to_cancel",)
    submit.answer(error)
    await bench.settle()
    record = bench.job(job)
    assert record.cancel is not None
    assert (record.state, record.cancel.answer, bench.history(job)[-1]) == ("cancelled", "stopped", "cancelled")
    assert (record.error, [attempt.error for attempt in bench.attempts(job)]) == (None, [None])
    asked.answer(Stopped("forgotten"))
    await bench.settle()
    assert bench.job(job) == record
    bench.assert_at_rest()


async def test_what_the_backend_cancelled_by_itself_is_a_failure(engine: OpenBench) -> None:
    """Nobody here asked for it: the same answer means that the backend failed."""
    north = FakeAdapter()
    bench = await engine(north)
    error = CatalogError("backend.failed", "cancelled")
    error.refinements = ("we_asked_to_cancel",)
    north.will("submit", error)
    job = await bench.accept()
    await bench.advance(10)
    assert [attempt.how for attempt in bench.attempts(job)] == ["failed", "done"]
    bench.assert_at_rest()


async def test_two_cancels_are_one(engine: OpenBench) -> None:
    """Whoever asks again while it is being asked changes nothing."""
    north = FakeAdapter()
    bench = await engine(north)
    submit, asked = north.hold("submit"), north.hold("cancel")
    job = await bench.accept()
    for _ in range(3):
        await bench.cancel(job, settle=False)
    await bench.settle()
    asked.answer(Stopped("stopped"))
    await bench.settle()
    assert north.count("cancel") == 1
    assert bench.history(job) == ["queued", "running", "cancelled"]
    submit.answer(done("late"))
    await bench.settle()
    bench.assert_at_rest()


async def test_a_crash_of_the_adapter_in_a_cancel_is_asked_again(engine: OpenBench) -> None:
    """A bug while cancelling does not leave the job hanging with an answer that never comes."""
    north = FakeAdapter()
    bench = await engine(north)
    bench.may_crash = True
    submit = north.hold("submit")
    north.will("cancel", Broken(ZeroDivisionError()))
    job = await bench.accept()
    await bench.cancel(job)
    assert bench.job(job).state == "running"
    await bench.advance(3)
    assert (bench.job(job).state, north.count("cancel")) == ("cancelled", 2)
    submit.answer(done("late"))
    await bench.settle()
    bench.assert_at_rest()
