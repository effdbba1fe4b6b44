"""What a process finds on disk when it starts, times what the backend then says: each row of durability.md §4."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import Struct, structs

from contracts.capability import Capability
from contracts.catalog import CatalogError
from contracts.job import JobState
from contracts.port import Absent, CannotTell, Pending, Stopped
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import BLOCKING, QUEUE, Broken, FakeAdapter, Held, done, lost

SAFE = structs.replace(BLOCKING, recover=False, resubmit="safe")
FAILED = CatalogError("backend.failed", "It failed.")
BLOCKED = CatalogError("policy.output_blocked", "It is withheld.")
TIMEOUT = CatalogError("backend.timeout", "It took too long.", outcome="unknown")
DOWN = Broken(CatalogError("backend.unavailable", "down"))


async def only_the_intent(bench: Bench, north: FakeAdapter) -> str:
    """The process dies while it hands the order over."""
    north.hold("submit")
    job = await bench.accept(model="north/m")
    await bench.crash()
    return job


async def the_answer_is_lost(bench: Bench, north: FakeAdapter) -> str:
    """The process lives, but the line broke after the order was written; it looks for the work by itself."""
    north.will("submit", lost())
    return await bench.accept(model="north/m")


async def dies_after_a_lost_answer(bench: Bench, north: FakeAdapter) -> str:
    """Both, one after the other."""
    job = await the_answer_is_lost(bench, north)
    await bench.crash()
    return job


Before = Callable[[Bench, FakeAdapter], Awaitable[str]]
#: What is on disk, and what a CannotTell is told as: nobody knows why there, the broken line here.
UNSURE: dict[Before, str] = {
    only_the_intent: "gateway.internal",
    the_answer_is_lost: "backend.unavailable",
    dies_after_a_lost_answer: "gateway.internal",
}


class Row(Struct, frozen=True, kw_only=True):
    """What the backend says when it is asked, and what becomes of it."""

    said: tuple[Any, ...]
    state: JobState
    submits: int = 1
    attempts: int = 1
    code: str | None = None
    outcome: str | None = None
    capability: Capability = BLOCKING


TABLE: dict[str, Row] = {
    "it has it": Row(said=(Pending(1.0),), state="succeeded"),
    "it has it, once it has looked": Row(
        said=(Pending(1.0, found=False), Pending(1.0, found=False), Pending(1.0)), state="succeeded"
    ),
    "it is done": Row(said=(done("a"),), state="succeeded"),
    "it is done, once it answers": Row(said=(DOWN, DOWN, done("a")), state="succeeded"),
    "it has nothing": Row(said=(Absent(),), state="succeeded", submits=2),
    "it had nothing, and lost the second": Row(said=(Absent(), Absent()), state="succeeded", submits=3),
    "it cannot tell": Row(said=(CannotTell("no"),), state="failed", code="unsure", outcome="unknown"),
    "it cannot tell, but twice is harmless": Row(
        said=(CannotTell("no"),), state="succeeded", submits=2, capability=SAFE
    ),
    "it failed": Row(said=(FAILED,), state="succeeded", submits=2, attempts=2),
    "it is withheld": Row(said=(BLOCKED,), state="blocked", code="policy.output_blocked", outcome="finished_blocked"),
    "it ran out of time there": Row(said=(TIMEOUT,), state="failed", code="backend.timeout", outcome="unknown"),
}


@pytest.mark.parametrize("what", TABLE)
@pytest.mark.parametrize("before", UNSURE)
async def test_an_intent_without_an_end_is_recovered_by_its_handle(
    engine: OpenBench, before: Before, what: str
) -> None:
    """The same attempt goes on, with the same handle; only a backend that has nothing is sent it again."""
    row = TABLE[what]
    if not row.capability.recover and before is not only_the_intent:
        row = structs.replace(row, state="failed", submits=1, code="backend.unavailable", outcome="unknown")
        before = the_answer_is_lost
    north = FakeAdapter(capability=row.capability)
    bench = await engine(north)
    job = await before(bench, north)
    north.will("recover", *row.said)
    north.always("poll", done("a"))
    if row.said.count(Absent()) == 2:
        north.will("submit", lost())
    if bench.ctx.stopping:
        await bench.restart()
    await bench.advance(30)
    record, attempts = bench.job(job), bench.attempts(job)
    code = UNSURE[before] if row.code == "unsure" else row.code
    error = (None, None) if record.error is None else (record.error.code, record.error.outcome)
    assert (record.state, error) == (row.state, (code, row.outcome))
    sent = [call.handles for call in north.calls if call.verb == "submit"]
    assert sent == [(f"{job}.{1 + (row.attempts > 1 and at > 0)}",) for at in range(row.submits)]
    assert (len(attempts), {attempt.is_open for attempt in attempts}) == (row.attempts, {False})
    assert len(record.outputs) == len(bench.assets(job)) == (row.state == "succeeded")
    bench.assert_at_rest()


#: What is said of an attempt whose job has ended, and how it is closed then. Nothing is ever sent again.
DRAINING: dict[str, tuple[Any, str]] = {
    "it is done": (done("late"), "late_result"),
    "it has nothing": (Absent(), "not_sent"),
    "it cannot tell": (CannotTell("no"), "failed_late"),
    "it failed": (FAILED, "failed_late"),
    "it has it, for ever": (Pending(1.0), "settled"),
    "it never answers": (DOWN, "settled"),
}


@pytest.mark.parametrize("what", DRAINING)
async def test_an_attempt_of_an_ended_job_drains_over_a_restart(engine: OpenBench, what: str) -> None:
    """It holds its slot until its end is known or given up, and changes nothing of the job."""
    said, how = DRAINING[what]
    north = FakeAdapter()
    bench = await engine(north)
    north.hold("submit")
    job = await bench.accept()
    north.will("cancel", Stopped("cannot"))
    await bench.cancel(job)
    before = bench.job(job), bench.history(job)
    asked = Held()
    north.will("recover", asked)
    north.always("recover", said)
    await bench.restart()
    assert (bench.backends["north"].in_flight, bench.attempts(job)[0].epoch) == (1, 2)
    asked.answer(said)
    await bench.advance(1000)
    assert (bench.job(job), bench.history(job), bench.assets(job)) == (*before, [])
    assert (bench.attempts(job)[0].how, north.count("submit"), north.count("fetch")) == (how, 1, 0)
    bench.assert_at_rest()


#: What a queue that has told its own id is asked after a restart: never whether it has it, until it denies it.
ACCEPTED: dict[str, tuple[tuple[Any, ...], tuple[Any, ...], JobState, int]] = {
    "done": ((done("a"),), (), "succeeded", 1),
    "pending": ((Pending(1.0), Pending(1.0), done("a")), (), "succeeded", 1),
    "denied, then found": ((Absent(), done("a")), (Pending(1.0),), "succeeded", 1),
    "denied for sure": ((Absent(), done("a")), (Absent(),), "succeeded", 2),
    "denied, and nobody can tell": ((Absent(),), (CannotTell("no"),), "failed", 1),
    "lost there": ((CatalogError("backend.job_lost", "gone", outcome="unknown"),), (), "failed", 1),
}


@pytest.mark.parametrize("what", ACCEPTED)
async def test_what_a_queue_had_accepted_is_polled_on(engine: OpenBench, what: str) -> None:
    """A row with the backend's word in it is followed; only when it is denied is it looked for."""
    polls, recovers, state, submits = ACCEPTED[what]
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    bench = await engine(north)
    job = await bench.accept()
    await bench.crash()
    north.will("poll", *polls)
    north.will("recover", *recovers)
    await bench.restart()
    await bench.advance(20)
    assert (bench.job(job).state, north.count("submit")) == (state, submits)
    assert (north.count("recover"), len(bench.attempts(job))) == (len(recovers), 1)
    bench.assert_at_rest()


async def test_only_an_order_that_never_left_is_no_order(engine: OpenBench) -> None:
    """A refused connection is `Absent` by itself: nothing is looked for, and the next try is an attempt of its own."""
    north = FakeAdapter()
    north.will("submit", CatalogError("backend.unavailable", "refused", outcome="not_started"))
    bench = await engine(north)
    job = await bench.accept()
    await bench.advance(5)
    assert (north.count("recover"), [each.n for each in bench.attempts(job)]) == (0, [1, 2])
    assert bench.job(job).state == "succeeded"
    bench.assert_at_rest()


async def test_work_of_a_backend_that_is_gone_from_the_settings_ends_honestly(engine: OpenBench) -> None:
    """Nobody can be asked: the job fails with an unknown outcome, and a job that only waits goes elsewhere."""
    north, south = FakeAdapter(), FakeAdapter("south")
    bench = await engine(north, south, backends={"north": {"priority": 10}})
    north.hold("submit")
    job = await bench.accept()
    south.hold("submit")
    await bench.accept()
    waiting = await bench.accept()
    await bench.crash()
    del bench.adapters["north"]
    south.always("recover", done("b"))
    await bench.restart()
    record = bench.job(job)
    assert record.error is not None
    assert (record.state, record.error.code, record.error.outcome) == ("failed", "backend.misconfigured", "unknown")
    assert [each.how for each in bench.attempts(job)] == ["backend_gone"]
    assert (bench.job(waiting).state, bench.job(waiting).backend) == ("succeeded", "south")
    bench.assert_at_rest()


async def test_the_wait_before_the_next_try_holds_over_a_restart(engine: OpenBench) -> None:
    """A backend that asked for half a minute is not asked at once because the gateway started anew."""
    north = FakeAdapter()
    north.will("submit", CatalogError("backend.overloaded", "later", retry_after_s=30))
    bench = await engine(north)
    job = await bench.accept()
    await bench.advance(10)
    await bench.restart()
    await bench.advance(19)
    assert (bench.job(job).state, north.count("submit")) == ("queued", 1)
    await bench.advance(2)
    assert (bench.job(job).state, north.count("submit")) == ("succeeded", 2)
    bench.assert_at_rest()


@pytest.mark.parametrize("over_a_restart", [False, True])
async def test_who_may_not_have_it_again_does_not_get_it_after_a_restart(
    engine: OpenBench,
    over_a_restart: bool,  # noqa: FBT001 - from the table
) -> None:
    """A server that has tried again by itself is paid once; the other candidate takes over, restart or not."""
    capability = structs.replace(BLOCKING, retries_itself=True)
    north, south = FakeAdapter("north", capability), FakeAdapter("south", capability)
    bench = await engine(north, south, backends={"north": {"priority": 10}})
    south.hold("submit")
    await bench.accept(model="south/m")
    north.will("submit", CatalogError("backend.failed", "no"))
    job = await bench.accept()
    assert (bench.job(job).state, north.count("submit")) == ("queued", 1)
    south.always("recover", done("b"))
    if over_a_restart:
        await bench.restart()
    else:
        bench.backends["south"].release("main")
        bench.ctx.pump()
        await bench.settle()
        bench.backends["south"].take("main")
    await bench.advance(5)
    assert (bench.job(job).backend, bench.job(job).state, north.count("submit")) == ("south", "succeeded", 1)
