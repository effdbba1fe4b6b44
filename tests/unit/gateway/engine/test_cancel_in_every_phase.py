"""Cancelling: every place that a job may be in, times everything that a backend may answer."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.catalog import CatalogError
from contracts.job import CancelAnswer
from contracts.port import Pending, Stopped
from gateway.engine.cancelling import CANCEL_S
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import BLOCKING, QUEUE, FakeAdapter, Held, done, lost, offered

#: What the backend does when it is asked to cancel, and what the caller is told.
ANSWERS: dict[str, tuple[Callable[[], Any], CancelAnswer]] = {
    "stopped": (lambda: Stopped("stopped"), "stopped"),
    "forgotten": (lambda: Stopped("forgotten"), "forgotten"),
    "cannot": (lambda: Stopped("cannot", "it may still cost"), "cannot"),
    "error": (lambda: CatalogError("backend.unavailable", "down"), "forgotten"),
    "hang": (Held, "forgotten"),
}


async def submit_blocks(bench: Bench, north: FakeAdapter) -> str:
    """A submit that lasts until the picture is there."""
    north.hold("submit")
    return await bench.accept()


async def is_polled(bench: Bench, north: FakeAdapter) -> str:
    """Accepted by a queue, asked after from time to time."""
    north.will("submit", Pending(1.0))
    job = await bench.accept()
    await bench.advance(5)
    return job


async def poll_is_out(bench: Bench, north: FakeAdapter) -> str:
    """Accepted by a queue, and just being asked after."""
    north.will("submit", Pending(1.0))
    north.hold("poll")
    job = await bench.accept()
    await bench.advance(2)
    return job


async def is_looked_for(bench: Bench, north: FakeAdapter) -> str:
    """The answer to its submit got lost."""
    north.will("submit", lost())
    north.always("recover", Pending(1.0, found=False))
    job = await bench.accept()
    await bench.advance(3)
    return job


async def is_delivered(bench: Bench, north: FakeAdapter) -> str:
    """Made, and on its way here."""
    north.will("submit", offered("a"))
    north.hold("fetch")
    return await bench.accept()


PLACES = {
    "submit_blocks": (submit_blocks, BLOCKING),
    "is_polled": (is_polled, QUEUE),
    "poll_is_out": (poll_is_out, QUEUE),
    "is_looked_for": (is_looked_for, QUEUE),
    "is_delivered": (is_delivered, QUEUE),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("place", PLACES)
async def test_a_running_job_is_cancelled_with_one_exchange(engine: OpenBench, place: str, answer: str) -> None:
    """Until the backend has answered it runs; then state and answer come together, and nothing changes them."""
    reach, capability = PLACES[place]
    north = FakeAdapter(capability=capability)
    bench = await engine(north)
    said, told = ANSWERS[answer]
    north.will("cancel", said())
    job = await reach(bench, north)
    assert bench.job(job).state == "running"
    await bench.cancel(job)
    if answer == "hang":
        record = bench.job(job)
        assert record.cancel is not None
        assert (record.state, record.cancel.answer) == ("running", "pending")
        await bench.advance(CANCEL_S + 1)
    record = bench.job(job)
    assert record.cancel is not None
    assert (record.state, record.cancel.answer, record.outputs) == ("cancelled", told, ())
    assert bench.history(job)[-1] == "cancelled"
    assert bench.events(job)[-1]["answer"] == told
    assert north.count("cancel") == 1
    # Only an attempt that certainly stopped gives its slot back; all others are followed to their end.
    assert bench.backends["north"].in_flight == (0 if answer == "stopped" else 1)
    assert bench.counted("cancels", backend="north", answer=told) == 1
    settled = len(bench.store.of_job(job)), bench.history(job)
    await bench.cancel(job)
    assert (len(bench.store.of_job(job)), bench.history(job)) == settled


@pytest.mark.parametrize("answer", ANSWERS)
async def test_a_submit_to_a_queue_is_answered_before_the_cancel_is_asked(engine: OpenBench, answer: str) -> None:
    """The queue must have told its id first; a submit that does not answer in time cannot be cancelled for sure."""
    north = FakeAdapter(capability=QUEUE)
    bench = await engine(north)
    said, told = ANSWERS[answer]
    north.will("cancel", said())
    submit = north.hold("submit")
    job = await bench.accept()
    await bench.cancel(job)
    assert north.count("cancel") == 0
    assert bench.job(job).state == "running"
    submit.answer(Pending(1.0))
    await bench.settle()
    assert north.count("cancel") == 1
    await bench.advance(CANCEL_S + 1)
    record = bench.job(job)
    assert record.cancel is not None
    assert (record.state, record.cancel.answer) == ("cancelled", told)
    late = await bench.accept()
    assert bench.job(late).state == ("succeeded" if answer == "stopped" else "queued")


async def test_a_submit_to_a_queue_that_never_answers_does_not_hold_the_cancel_up(engine: OpenBench) -> None:
    """After ten seconds the job is cancelled, truthfully as one that may go on."""
    north = FakeAdapter(capability=QUEUE)
    bench = await engine(north)
    submit = north.hold("submit")
    job = await bench.accept()
    await bench.cancel(job)
    await bench.advance(CANCEL_S + 1)
    record = bench.job(job)
    assert record.cancel is not None
    assert (record.state, record.cancel.answer, north.count("cancel")) == ("cancelled", "forgotten", 0)
    submit.answer(Pending(1.0))
    await bench.settle()
    assert bench.backends["north"].in_flight == 1
    north.always("poll", done("late"))
    await bench.advance(2)
    assert bench.job(job).outputs == ()
    bench.assert_at_rest()


@pytest.mark.parametrize("claims", [0, 1])
async def test_a_job_that_waits_with_us_is_cancelled_at_once(engine: OpenBench, claims: int) -> None:
    """In the queue, at its first time or between two attempts: one write, no exchange, answer `stopped`."""
    north = FakeAdapter()
    bench = await engine(north)
    if claims:
        north.will("submit", CatalogError("backend.overloaded", "later", retry_after_s=30))
    else:
        north.hold("submit")
        await bench.accept()
    job = await bench.accept()
    assert bench.job(job).state == "queued"
    before = len(bench.store.of_job(job))
    await bench.cancel(job)
    record = bench.job(job)
    assert record.cancel is not None
    assert (record.state, record.cancel.answer) == ("cancelled", "stopped")
    assert len(bench.store.of_job(job)) == before + 1
    assert north.count("cancel") == 0
    await bench.advance(100)
    assert north.count("submit") == 1
    assert job not in bench.ctx.jobs


async def test_every_part_is_asked_and_the_worst_answer_counts(engine: OpenBench) -> None:
    """Two parts stop, one cannot: the job could not be stopped; the one that goes on keeps its slot."""
    north = FakeAdapter()
    bench = await engine(north, slots=3)
    held = [north.hold("submit") for _ in range(3)]
    north.will("cancel", Stopped("stopped"), Stopped("cannot", "it may still cost"), Stopped("stopped"))
    job = await bench.accept(n=3, on_unsupported="adapt")
    await bench.cancel(job)
    record = bench.job(job)
    assert record.cancel is not None
    assert (record.state, record.cancel.answer, record.cancel.detail) == ("cancelled", "cannot", "it may still cost")
    assert sorted(call.handles[0][-1] for call in north.calls if call.verb == "cancel") == ["1", "2", "3"]
    assert [attempt.is_open for attempt in bench.attempts(job)] == [False, True, False]
    assert bench.backends["north"].in_flight == 1
    for submit in held:
        submit.answer(done("late"))
    await bench.settle()
    bench.assert_at_rest()
