import pytest
from msgspec import structs

from contracts.capability import TimeLimits
from contracts.catalog import CatalogError
from contracts.port import Pending
from gateway.settings import Limits, Settings
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import QUEUE, Broken, FakeAdapter, done, lost

DOWN = CatalogError("backend.unavailable", "down")


def error_of(bench: Bench, job: str) -> tuple[str, str, str]:
    """Return a job's state, and its error's code and outcome."""
    record = bench.job(job)
    assert record.error is not None
    return record.state, record.error.code, record.error.outcome


async def test_a_deadline_ends_a_job_wherever_it_is(engine: OpenBench) -> None:
    """Running, waiting for a slot, or waiting for its next try: `deadline_s` runs from creation, to the second."""
    north = FakeAdapter()
    bench = await engine(north)
    north.will("submit", CatalogError("backend.overloaded", "later", retry_after_s=60))
    retried = await bench.accept(deadline_s=30)
    submit = north.hold("submit")
    running = await bench.accept(deadline_s=30)
    waiting = await bench.accept(deadline_s=30)
    await bench.advance(29.9)
    assert [bench.job(each).state for each in (retried, running, waiting)] == ["queued", "running", "queued"]
    await bench.advance(0.2)
    assert error_of(bench, running) == ("failed", "job.deadline_exceeded", "unknown")
    assert error_of(bench, retried) == ("failed", "job.deadline_exceeded", "unknown")
    assert error_of(bench, waiting) == ("failed", "job.deadline_exceeded", "not_started")
    submit.answer(done("late"))
    await bench.advance(100)
    assert north.count("submit") == 2
    bench.assert_at_rest()


async def test_a_deadline_holds_over_a_restart(engine: OpenBench) -> None:
    """It is a moment on disk, not a timer in memory; one that passed meanwhile is met at once."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    bench = await engine(north, slots=2)
    early, later = await bench.accept(deadline_s=30), await bench.accept(deadline_s=100)
    await bench.crash()
    bench.clock.move_to(bench.clock.now() + 50)
    north.always("recover", Pending(1.0))
    await bench.restart()
    assert error_of(bench, early) == ("failed", "job.deadline_exceeded", "unknown")
    assert bench.job(later).state == "running"
    await bench.advance(51)
    assert error_of(bench, later)[1] == "job.deadline_exceeded"


async def test_waiting_for_a_slot_is_bounded(engine: OpenBench) -> None:
    """After `queue_s` a job that never got a slot fails, with the reason why nobody took it."""
    north = FakeAdapter()
    settings = Settings(limits=Limits(queue_s=100))
    bench = await engine(north, settings=settings)
    submit = north.hold("submit")
    running = await bench.accept()
    waiting = await bench.accept()
    await bench.advance(99)
    assert bench.job(waiting).state == "queued"
    await bench.advance(1.1)
    assert error_of(bench, waiting) == ("failed", "job.deadline_exceeded", "not_started")
    assert bench.job(running).state == "running"
    submit.answer(done("a"))
    await bench.settle()
    bench.assert_at_rest()


async def test_waiting_for_backends_that_are_all_down_is_bounded_too(engine: OpenBench) -> None:
    """The error says then that no backend was up, and that waiting may help."""
    north = FakeAdapter()
    north.always("health", DOWN)
    bench = await engine(north, settings=Settings(limits=Limits(queue_s=100)))
    job = await bench.accept()
    await bench.advance(101)
    assert error_of(bench, job) == ("failed", "routing.no_candidate", "not_started")
    bench.assert_at_rest()


async def test_every_wait_is_bounded_not_only_the_first(engine: OpenBench) -> None:
    """A job that ran long and came back into the queue does not wait there for ever."""
    north = FakeAdapter(capability=structs.replace(QUEUE, time=TimeLimits(submit_s=15, attempt_s=9999, settle_s=9999)))
    north.will("submit", Pending(1.0))
    bench = await engine(north, settings=Settings(limits=Limits(queue_s=100)))
    job = await bench.accept()
    await bench.advance(500)
    assert bench.job(job).state == "running"
    north.will("poll", CatalogError("backend.overloaded", "no", retry_after_s=20))
    north.always("health", DOWN)
    await bench.advance(30)
    assert bench.job(job).state == "queued"
    await bench.advance(80)
    assert bench.job(job).state == "queued"
    await bench.advance(150)
    assert error_of(bench, job)[:2] == ("failed", "routing.no_candidate")
    bench.assert_at_rest()


async def test_an_attempt_that_lasts_too_long_is_given_up_and_followed_on(engine: OpenBench) -> None:
    """After `attempt_s` the caller is told, with an unknown outcome; the attempt drains and keeps its slot."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    bench = await engine(north)
    job = await bench.accept()
    await bench.advance(599)
    assert bench.job(job).state == "running"
    await bench.advance(3)
    assert error_of(bench, job) == ("failed", "job.deadline_exceeded", "unknown")
    [attempt] = bench.attempts(job)
    assert (attempt.is_open, attempt.outcome) == (True, "unknown")
    assert bench.backends["north"].in_flight == 1
    north.will("poll", done("late"))
    await bench.advance(5)
    assert bench.attempts(job)[0].how == "late_result"
    bench.assert_at_rest()


async def test_a_backend_that_stopped_answering_is_asked_until_the_attempts_time_is_over(engine: OpenBench) -> None:
    """A broken line gives nothing up: it is asked ever more rarely, and in the end the outcome is unknown."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    north.always("poll", Broken(DOWN))
    bench = await engine(north)
    job = await bench.accept()
    await bench.advance(590)
    assert bench.job(job).state == "running"
    assert 20 < north.count("poll") < 40
    await bench.advance(15)
    assert error_of(bench, job) == ("failed", "job.deadline_exceeded", "unknown")
    await bench.advance(400)
    bench.assert_at_rest()


async def test_a_lost_submit_at_a_backend_that_never_answers_again_fails_with_what_was_lost(engine: OpenBench) -> None:
    """It is looked for as long as an attempt may last; then the first error is told, with its unknown outcome."""
    north = FakeAdapter(capability=QUEUE)
    north.will("submit", lost())
    north.always("recover", Broken(DOWN))
    bench = await engine(north)
    job = await bench.accept()
    await bench.advance(590)
    assert bench.job(job).state == "running"
    await bench.advance(45)
    assert error_of(bench, job) == ("failed", "backend.unavailable", "unknown")
    await bench.advance(400)
    assert north.count("submit") == 1
    bench.assert_at_rest()


async def test_a_model_that_loads_for_ever_is_given_up(engine: OpenBench) -> None:
    """Its limit counts from when the loading began; a load that ends in time is no fault."""
    time = TimeLimits(submit_s=15, attempt_s=9999, settle_s=9999, stuck_load_s=60)
    north = FakeAdapter(capability=structs.replace(QUEUE, time=time))
    north.always("submit", Pending(5.0))
    north.always("poll", Pending(5.0, phase="model_load"))
    bench = await engine(north)
    job = await bench.accept()
    await bench.advance(60)
    north.will("poll", Pending(5.0, phase="image"))
    await bench.advance(60)
    assert bench.job(job).state == "running"
    await bench.advance(20)
    assert error_of(bench, job) == ("failed", "backend.timeout", "unknown")
    assert bench.job(job).error.phase == "model_load"  # type: ignore[union-attr]


@pytest.mark.parametrize("ended", ["succeeded", "cancelled", "failed"])
async def test_a_job_that_ended_leaves_no_timer_behind(engine: OpenBench, ended: str) -> None:
    """A day's deadlines of jobs that took a second would fill the memory."""
    north = FakeAdapter()
    bench = await engine(north)
    before = len(bench.ctx.timetable)
    if ended == "failed":
        north.always("submit", CatalogError("policy.refused", "no"))
    if ended == "cancelled":
        bench.backends["north"].account("main").ready = False
    for _ in range(10):
        job = await bench.accept(deadline_s=86_400)
        await bench.cancel(job)
        assert bench.job(job).state == ended
    await bench.advance(1)
    assert len(bench.ctx.timetable) <= before + 2
    bench.assert_at_rest()
