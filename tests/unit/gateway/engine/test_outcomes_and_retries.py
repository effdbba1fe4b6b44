import itertools
from typing import get_args

import pytest
from msgspec import structs

from contracts.catalog import CATALOG, CatalogError, Outcome
from contracts.codes import ErrorCode
from contracts.port import Absent, Pending
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import BLOCKING, QUEUE, Broken, FakeAdapter, done

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
#: What an adapter may answer: everything but what only our own door says.
CODES = [code for code in CATALOG if code.split(".")[0] not in ("auth", "quota", "idempotency", "routing")]
PRIORITIES = {"north": {"priority": 10}, "south": {"priority": 5}}


def tries(code: ErrorCode, outcome: Outcome, *, auto: bool) -> tuple[int, int]:
    """Return how often each of two backends is paid when both always fail so: the rules, said once more."""
    if outcome not in ("not_started", "finished_no_result") or code.startswith("policy.") or code == "job.cancelled":
        return 1, 0
    same, other = "same" in CATALOG[code].retry, "other" in CATALOG[code].retry and auto
    if other:
        # The second takes over; whatever is left of three goes to it, if the code lets it be asked again.
        return (1, 2) if same else (1, 1)
    return (3, 0) if same else (1, 0)


@pytest.mark.parametrize("model", ["auto", "north/m"])
async def test_every_code_with_every_outcome_is_tried_as_often_as_the_catalogue_says(
    engine: OpenBench, model: str
) -> None:
    """At most three attempts, only after a safe outcome, elsewhere only if the code and the caller allow it."""
    north, south = FakeAdapter("north"), FakeAdapter("south")
    bench = await engine(north, south, backends=PRIORITIES)
    for code, outcome in itertools.product(CODES, OUTCOMES):
        for adapter in (north, south):
            adapter.calls.clear()
            adapter.always("submit", CatalogError(code, "no", outcome=outcome, backend=adapter.name))
        job = await bench.accept(model=model)
        await bench.advance(200)
        expected = tries(code, outcome, auto=model == "auto")
        assert (north.count("submit"), south.count("submit")) == expected, (code, outcome)
        record = bench.job(job)
        assert record.state == {"policy.output_blocked": "blocked", "job.cancelled": "cancelled"}.get(code, "failed")
        assert record.error is not None
        assert (record.error.code, record.error.outcome, record.error.job_id) == (code, outcome, job)
        assert [attempt.error is not None for attempt in bench.attempts(job)] == [True] * sum(expected)
        assert bench.history(job) == ["queued", "running"] * sum(expected) + [record.state]
        for backend in bench.backends.values():
            backend.account("main").breaker.succeeded()
        bench.assert_at_rest()


async def test_attempts_are_counted_for_a_queue_as_for_a_picture_at_once(engine: OpenBench) -> None:
    """What a queue says when asked is retried like what a submit says."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    north.will("poll", CatalogError("backend.failed", "no"), CatalogError("backend.failed", "no"), done("a"))
    bench = await engine(north)
    job = await bench.accept()
    await bench.advance(60)
    assert bench.job(job).state == "succeeded"
    assert [attempt.how for attempt in bench.attempts(job)] == ["failed", "failed", "done"]
    assert bench.counted("retries", backend="north", code="backend.failed") == 2
    bench.assert_at_rest()


async def test_a_server_that_tried_again_by_itself_is_not_asked_twice(engine: OpenBench) -> None:
    """After it ended without a picture another backend may try, but it itself gets no second submit."""
    capability = structs.replace(BLOCKING, retries_itself=True)
    north, south = FakeAdapter("north", capability), FakeAdapter("south", capability)
    bench = await engine(north, south, backends=PRIORITIES)
    north.always("submit", CatalogError("backend.failed", "no"))
    named = await bench.accept(model="north/m")
    await bench.advance(100)
    assert (bench.job(named).state, north.count("submit")) == ("failed", 1)
    free = await bench.accept()
    await bench.advance(100)
    assert (bench.job(free).state, north.count("submit"), south.count("submit")) == ("succeeded", 2, 1)
    # What never reached it may be sent again.
    north.always("submit", CatalogError("backend.overloaded", "later"))
    await bench.accept(model="north/m")
    await bench.advance(100)
    assert north.count("submit") == 5
    bench.assert_at_rest()


async def test_the_next_try_waits_as_long_as_the_backend_wished(engine: OpenBench) -> None:
    """`retry_after_s` is kept to the second, up to a minute; without it the waits grow."""
    north = FakeAdapter()
    bench = await engine(north)
    for wish, waits in ((7.0, [7.0, 7.0]), (500.0, [60.0, 60.0]), (None, [1.0, 4.0])):
        north.always("submit", CatalogError("backend.overloaded", "later", retry_after_s=wish))
        began = bench.clock.now()
        job = await bench.accept()
        await bench.advance(200)
        starts = [attempt.started_at - began for attempt in bench.attempts(job)]
        assert starts == pytest.approx([0, waits[0], sum(waits)])
    bench.assert_at_rest()


async def test_a_job_that_waits_for_its_next_try_holds_no_slot(engine: OpenBench) -> None:
    """Meanwhile another job is served."""
    north = FakeAdapter()
    north.will("submit", CatalogError("backend.overloaded", "later", retry_after_s=30))
    bench = await engine(north)
    first = await bench.accept()
    assert bench.job(first).state == "queued"
    assert bench.job(first).not_before == bench.clock.now() + 30
    second = await bench.accept()
    assert bench.job(second).state == "succeeded"
    await bench.advance(31)
    assert bench.job(first).state == "succeeded"
    bench.assert_at_rest()


async def test_an_error_that_nobody_foresaw_in_prepare_ends_the_job_with_it(engine: OpenBench) -> None:
    """At the door no job is made of it; a job that waited fails with the reason, and keeps no slot."""
    north = FakeAdapter()
    bench = await engine(north)
    north.will("prepare", CatalogError("request.option_unsupported", "no"))
    with pytest.raises(CatalogError):
        await bench.accept()
    submit = north.hold("submit")
    await bench.accept()
    north.will("prepare", CatalogError("request.option_unsupported", "no"))
    waiting = await bench.accept()
    submit.answer(done("a"))
    await bench.settle()
    record = bench.job(waiting)
    assert record.error is not None
    assert (record.state, record.error.code) == ("failed", "request.option_unsupported")
    bench.assert_at_rest()


async def test_a_fault_of_our_own_while_giving_out_is_tried_again(engine: OpenBench) -> None:
    """Whatever an adapter raises when it prepares, the job keeps its place and the slot comes back."""
    north = FakeAdapter()
    bench = await engine(north)
    bench.may_crash = True
    submit = north.hold("submit")
    await bench.accept()
    waiting = await bench.accept()
    north.will("prepare", ZeroDivisionError())
    submit.answer(done("a"))
    await bench.settle()
    assert (bench.job(waiting).state, bench.backends["north"].in_flight) == ("queued", 0)
    await bench.advance(3)
    assert bench.job(waiting).state == "succeeded"
    bench.assert_at_rest()


@pytest.mark.parametrize("verb", ["submit", "poll", "recover", "fetch"])
async def test_an_exception_that_an_adapter_should_not_raise_loses_no_job(engine: OpenBench, verb: str) -> None:
    """A bug in an adapter is logged, and the attempt is taken up again as if the answer had been lost."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    north.always("recover", Pending(1.0))
    north.will(verb, Broken(ZeroDivisionError()))
    if verb == "recover":
        north.will("submit", Broken(ZeroDivisionError()))
    bench = await engine(north)
    bench.may_crash = True
    job = await bench.accept()
    await bench.advance(10)
    assert bench.job(job).state == "running"
    north.will("poll", done("a"))
    await bench.advance(3)
    assert bench.job(job).state == "succeeded"
    assert north.count("submit") == 1
    bench.assert_at_rest()


async def test_a_backend_that_forgets_whatever_it_takes_is_given_up(engine: OpenBench) -> None:
    """It is asked again a few times, ever later; then the job says that it was lost, and that nothing came of it."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    north.always("poll", Absent())
    north.always("recover", Absent())
    bench = await engine(north)
    job = await bench.accept(model="north/m")
    await bench.advance(3600)
    record = bench.job(job)
    assert record.state == "failed"
    assert record.error is not None
    assert (record.error.code, record.error.outcome) == ("backend.job_lost", "finished_no_result")
    assert 2 <= north.count("submit") < 50
    bench.assert_at_rest()
