"""Small cases of what the machine of `test_engine_machine` finds: two things at one moment, and answers of no sense."""

import asyncio
from typing import Any

import pytest
from msgspec import structs

from contracts.capability import TimeLimits
from contracts.catalog import CatalogError
from contracts.event import JobQueued
from contracts.job import moment
from contracts.port import Pending, Stopped
from contracts.spec import ImageGenerate
from gateway.settings import Limits, Settings
from gateway.store.change import Accept, Idempotency
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import BLOCKING, QUEUE, FakeAdapter, done, lost

MINUTE = structs.replace(QUEUE, time=TimeLimits(submit_s=15, attempt_s=60, settle_s=90))


@pytest.mark.parametrize("deadline", [59, 60, 61])
async def test_an_attempt_given_up_in_the_moment_of_the_deadline_is_followed_on(
    engine: OpenBench, deadline: int
) -> None:
    """Whichever of the two ends the job, the attempt drains: it is asked after, closed, and its slot comes back."""
    north = FakeAdapter(capability=MINUTE)
    north.always("submit", Pending(1.0))
    bench = await engine(north)
    job = await bench.accept(deadline_s=deadline)
    await bench.advance(deadline + 3)
    before = bench.job(job)
    assert (before.state, bench.backends["north"].in_flight) == ("failed", 1)
    await bench.advance(100)
    assert (bench.job(job), bench.attempts(job)[0].how) == (before, "settled")
    bench.assert_at_rest()


@pytest.mark.parametrize("partial", ["accept", "reject"])
@pytest.mark.parametrize("deadline", [{}, {"deadline_s": 60}])
async def test_parts_that_are_given_up_in_one_moment_are_all_followed_on(
    engine: OpenBench, partial: str, deadline: dict[str, Any]
) -> None:
    """The first give-up may end the job under the second: its attempt is asked after all the same, and closed."""
    north = FakeAdapter(capability=MINUTE)
    north.always("submit", Pending(1.0))
    bench = await engine(north, slots=2)
    job = await bench.accept(n=2, on_unsupported="adapt", partial=partial, **deadline)
    await bench.advance(61)
    assert (bench.job(job).state, bench.backends["north"].in_flight) == ("failed", 2)
    north.will("poll", done("late"), done("later"))
    await bench.advance(5)
    assert [each.how for each in bench.attempts(job)] == ["late_result", "late_result"]
    bench.assert_at_rest()


async def test_a_wish_to_cancel_is_answered_by_a_deadline_that_comes_first(engine: OpenBench) -> None:
    """While the backend is asked the job's time runs out: no wish is left without an answer, on disk or in memory."""
    north = FakeAdapter()
    bench = await engine(north)
    submit, asked = north.hold("submit"), north.hold("cancel")
    job = await bench.accept(deadline_s=5)
    await bench.cancel(job)
    await bench.advance(6)
    record = bench.job(job)
    assert record.cancel is not None
    assert (record.state, record.cancel.answer, bench.history(job)[-1]) == ("failed", "cannot", "failed")
    asked.answer(Stopped("stopped"))
    submit.answer(done("late"))
    await bench.settle()
    assert bench.job(job) == record
    bench.assert_at_rest()


def an_accept(bench: Bench) -> Accept:
    """Return a request that carries an idempotency key."""
    job = bench.record(ImageGenerate(prompt="a fox"))
    key = Idempotency(
        team=job.team,
        route="jobs",
        key="the-one",
        fingerprint="f",
        job_id=job.id,
        expires_at=job.created_at + 1000,
    )
    return Accept(job=job, events=(JobQueued(job_id=job.id, at=moment(job.created_at)),), idempotency=key)


@pytest.mark.parametrize("refused", [False, True])
async def test_a_slot_that_was_taken_in_vain_goes_to_who_began_to_wait_meanwhile(
    engine: OpenBench,
    refused: bool,  # noqa: FBT001 - from the table
) -> None:
    """A replayed or a refused request gives its slot back, and the next in the queue is let go at once."""
    north = FakeAdapter()
    bench = await engine(north)
    first = an_accept(bench)
    await bench.carrier.accept(first, bench.router.capable(first.job.spec), None)
    await bench.settle()
    again = an_accept(bench)
    if refused:
        assert again.idempotency is not None
        again = structs.replace(again, idempotency=structs.replace(again.idempotency, fingerprint="another"))
    north.will("submit", CatalogError("backend.overloaded", "later", retry_after_s=5))
    job = await bench.accept()
    async with bench.store.stalled():
        in_vain = asyncio.create_task(bench.carrier.accept(again, bench.router.capable(again.job.spec), None))
        await bench.turns()
        assert bench.backends["north"].in_flight == 1
        bench.clock.move_to(bench.clock.now() + 5)
        bench.ctx.wake.set()
        await bench.turns()
    assert isinstance((await asyncio.gather(in_vain, return_exceptions=True))[0], CatalogError) == refused
    await bench.settle()
    assert (bench.job(job).state, bench.job(first.job.id).state) == ("succeeded", "succeeded")
    bench.assert_at_rest()


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("first", ["ends", "is given up"])
async def test_a_part_that_waits_alone_waits_no_longer_than_a_job(
    engine: OpenBench,
    first: str,
    restart: bool,  # noqa: FBT001 - from the table
) -> None:
    """Its sister has ended and no backend comes up: the wait is bounded from then on, though the job counts as running.

    Nothing is bounded while the sister is made, however long that takes.
    """
    north = FakeAdapter(capability=structs.replace(BLOCKING, time=MINUTE.time) if first == "ends" else MINUTE)
    bench = await engine(north, settings=Settings(limits=Limits(queue_s=50)))
    submit = north.hold("submit")
    job = await bench.accept(n=2, on_unsupported="adapt")
    if first == "is given up":
        submit.answer(Pending(1.0))
    await bench.advance(58)
    assert bench.job(job).state == "running"
    north.always("health", CatalogError("backend.unavailable", "down"))
    await bench.advance(15)
    if first == "ends":
        submit.answer(done("a"))
        await bench.settle()
    if restart:
        north.always("recover", Pending(1.0))
        await bench.restart()
    assert bench.job(job).state == "running"
    await bench.advance(30)
    assert bench.job(job).state == "running"
    await bench.advance(30)
    record = bench.job(job)
    assert record.error is not None
    assert (record.state, record.error.code, north.count("submit")) == ("failed", "routing.no_candidate", 1)
    await bench.advance(100)
    bench.assert_at_rest()


@pytest.mark.parametrize("verb", ["submit", "poll", "recover", "cancel"])
async def test_an_answer_that_the_port_does_not_know_loses_no_job(engine: OpenBench, verb: str) -> None:
    """It is said in the log, and asked anew as if the answer had been lost: nothing hangs, nothing is sent twice."""
    nonsense: Any = "nonsense"
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    north.always("recover", Pending(1.0))
    if verb == "recover":
        north.will("submit", lost())
    north.will(verb, nonsense)
    bench = await engine(north)
    bench.may_crash = True
    job = await bench.accept()
    if verb == "cancel":
        await bench.cancel(job)
    await bench.advance(10)
    assert bench.job(job).state == ("cancelled" if verb == "cancel" else "running")
    north.always("poll", done("a"))
    await bench.advance(5)
    assert bench.job(job).state == ("cancelled" if verb == "cancel" else "succeeded")
    assert north.count("submit") == 1
    bench.assert_at_rest()
