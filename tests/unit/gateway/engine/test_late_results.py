from collections.abc import Callable
from typing import Any

import pytest

from contracts.catalog import CatalogError
from contracts.port import Absent, CannotTell, Pending, Stopped
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import BLOCKING, QUEUE, FakeAdapter, done, lost, offered


async def by_cancel(bench: Bench, job: str) -> None:
    """The caller cancels, and the backend cannot stop."""
    bench.adapters["north"].will("cancel", Stopped("cannot"))
    await bench.cancel(job)


async def by_deadline(bench: Bench, _job: str) -> None:
    """The job's own time is over."""
    await bench.advance(31)


ENDS = {"cancelled": by_cancel, "failed": by_deadline}
#: What may still come, how it is counted, and how the attempt is closed then.
LATE: dict[str, tuple[Callable[[], Any], str, str]] = {
    "a picture": (lambda: done("late"), "succeeded", "late_result"),
    "a picture to fetch": (lambda: offered("late"), "succeeded", "late_result"),
    "a failure": (lambda: CatalogError("backend.failed", "no"), "failed", "failed_late"),
    "a block": (lambda: CatalogError("policy.output_blocked", "no"), "blocked", "failed_late"),
}


@pytest.mark.parametrize("late", LATE)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("queue", [False, True])
async def test_what_comes_after_the_end_is_counted_and_changes_nothing(
    engine: OpenBench,
    late: str,
    end: str,
    queue: bool,  # noqa: FBT001 - from the table
) -> None:
    """The job, its outputs, events and error stay; bytes are not fetched; the attempt closes and frees its slot."""
    north = FakeAdapter(capability=QUEUE if queue else BLOCKING)
    bench = await engine(north)
    submit = north.hold("submit")
    job = await bench.accept(deadline_s=30)
    if queue:
        submit.answer(Pending(1.0))
        await bench.settle()
    await ENDS[end](bench, job)
    before, history = bench.job(job), bench.history(job)
    assert before.state == end
    # Its attempt drains: it keeps its slot, and nobody else gets it.
    waiting = await bench.accept()
    assert (bench.backends["north"].in_flight, bench.job(waiting).state) == (1, "queued")
    answer, counted, how = LATE[late]
    if queue:
        north.will("poll", answer())
    submit.answer(answer())
    await bench.advance(5)
    assert bench.job(job) == before
    assert bench.history(job) == history
    assert bench.assets(job) == []
    assert north.count("fetch") == 0
    [attempt] = bench.attempts(job)
    assert (attempt.is_open, attempt.how) == (False, how)
    assert bench.counted("late_results", backend="north", result=counted) == 1
    assert bench.attempts(waiting)[0].started_at >= before.created_at
    north.always("poll", done("b"))
    await bench.advance(5)
    bench.assert_at_rest()


async def test_a_picture_that_is_on_its_way_when_the_job_is_cancelled_is_not_delivered(engine: OpenBench) -> None:
    """Fetched already, and written behind the cancel: the row says late, no asset and no output appears."""
    north = FakeAdapter()
    bench = await engine(north)
    north.will("submit", offered("a"))
    fetch = north.hold("fetch")
    job = await bench.accept()
    await by_cancel(bench, job)
    fetch.answer(None)
    await bench.settle()
    record = bench.job(job)
    assert (record.state, record.outputs, bench.assets(job)) == ("cancelled", (), [])
    assert bench.attempts(job)[0].how == "late_result"
    assert bench.counted("late_results", backend="north", result="succeeded") == 1
    assert bench.history(job) == ["queued", "running", "cancelled"]
    bench.assert_at_rest()


async def test_a_draining_attempt_is_followed_for_its_settle_time_and_no_longer(engine: OpenBench) -> None:
    """Asked after until the dialect's settle time is over, then closed; only then is its slot free."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(10.0))
    north.always("poll", Pending(10.0))
    bench = await engine(north)
    job = await bench.accept()
    await by_cancel(bench, job)
    await bench.advance(880)
    asked = north.count("poll")
    assert (asked > 50, bench.backends["north"].in_flight) == (True, 1)
    await bench.advance(25)
    [attempt] = bench.attempts(job)
    assert (attempt.how, attempt.is_open) == ("settled", False)
    await bench.advance(100)
    assert north.count("poll") <= asked + 4
    bench.assert_at_rest()


@pytest.mark.parametrize("answer", [Absent(), CannotTell("no"), done("late"), CatalogError("backend.failed", "no")])
async def test_a_lost_submit_of_an_ended_job_is_never_sent_again(engine: OpenBench, answer: Any) -> None:
    """Whatever is found out about it afterwards, nothing more is paid for a job that nobody waits for."""
    north = FakeAdapter(capability=QUEUE)
    north.will("submit", lost())
    north.always("recover", Pending(1.0, found=False))
    bench = await engine(north)
    job = await bench.accept()
    await by_cancel(bench, job)
    north.always("recover", answer)
    await bench.advance(5)
    assert (bench.job(job).state, north.count("submit")) == ("cancelled", 1)
    assert not bench.attempts(job)[0].is_open
    bench.assert_at_rest()


async def test_an_ended_jobs_inputs_are_not_kept_in_memory_with_its_attempt(engine: OpenBench) -> None:
    """A draining attempt is never sent again: what it would be sent with is let go."""
    north = FakeAdapter()
    bench = await engine(north)
    submit = north.hold("submit")
    job = await bench.accept()
    await by_cancel(bench, job)
    carried = bench.carried(job)
    assert carried.inputs is None
    assert not carried.timers
    submit.answer(done("late"))
    await bench.settle()
    bench.assert_at_rest()
