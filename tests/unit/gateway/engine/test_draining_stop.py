"""Stopping: no new work, what can be found again is let go at once, what cannot is waited for, but not for ever."""

import asyncio
from typing import Any

import pytest
from msgspec import Struct, structs

from contracts.capability import Capability
from contracts.catalog import CatalogError
from contracts.job import JobState
from contracts.port import Absent, Pending, Stopped
from gateway.engine.carried import Finished
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import BLOCKING, QUEUE, FakeAdapter, Held, done, lost, offered

BLIND = structs.replace(BLOCKING, recover=False)
BLIND_QUEUE = structs.replace(QUEUE, recover=False)
DRAIN_S = 8.0
#: An exchange that is not answered before the process has gone.
NEVER = "never"


async def stop(bench: Bench, *, after_s: float | None = None, held: Held | None = None, answer: Any = None) -> float:
    """Stop as SIGTERM does, answering an exchange after a while; return how long it took."""
    began = bench.clock.now()
    stopping = asyncio.create_task(bench.carrier.drain(DRAIN_S))
    await bench.turns()
    if after_s is not None and held is not None:
        bench.clock.move_to(began + after_s)
        held.answer(answer)
    elif not stopping.done():
        bench.clock.move_to(began + DRAIN_S)
    await stopping
    await bench.store.flush()
    return bench.clock.now() - began


async def start_again(bench: Bench) -> None:
    """Start the next process on what the last one left."""
    bench._build()
    await bench.start()


class Case(Struct, frozen=True, kw_only=True):
    """One attempt that is under way when the process is asked to stop, and what becomes of it."""

    capability: Capability
    #: What its submit answers before the stop; None: it hangs.
    submit: Any = None
    #: What hangs then, and its answer.
    verb: str = "submit"
    answer: Any = NEVER
    took: float
    left: JobState
    state: JobState
    outcome: str | None = None


CASES: dict[str, Case] = {
    "can be found again": Case(capability=BLOCKING, took=0, left="running", state="succeeded"),
    "can be found again, by a queue": Case(capability=QUEUE, took=0, left="running", state="succeeded"),
    "is asked after": Case(
        capability=QUEUE, submit=Pending(1.0), verb="poll", took=0, left="running", state="succeeded"
    ),
    "cannot be found, but its id is known": Case(
        capability=BLIND_QUEUE, submit=Pending(1.0), verb="poll", took=0, left="running", state="succeeded"
    ),
    "cannot be found, and ends in time": Case(
        capability=BLIND, answer=done("a"), took=3, left="succeeded", state="succeeded"
    ),
    "cannot be found, and tells its id in time": Case(
        capability=BLIND_QUEUE, answer=Pending(1.0), took=3, left="running", state="succeeded"
    ),
    "cannot be found, and fails in time": Case(
        capability=BLIND,
        answer=CatalogError("policy.refused", "no"),
        took=3,
        left="failed",
        state="failed",
        outcome="not_started",
    ),
    "cannot be found, and may be tried again": Case(
        capability=BLIND, answer=CatalogError("backend.overloaded", "no"), took=3, left="queued", state="succeeded"
    ),
    "cannot be found, and its answer is lost": Case(
        capability=BLIND, answer=lost(), took=3, left="failed", state="failed", outcome="unknown"
    ),
    "cannot be found, and does not end in time": Case(
        capability=BLIND, took=DRAIN_S, left="running", state="failed", outcome="unknown"
    ),
    "cannot be found, and its picture is fetched": Case(
        capability=BLIND, submit=offered("a"), verb="fetch", took=3, answer=None, left="succeeded", state="succeeded"
    ),
}


@pytest.mark.parametrize("what", CASES)
async def test_an_attempt_that_is_under_way_is_let_go_or_waited_for(engine: OpenBench, what: str) -> None:
    """How long the stop takes, what is on disk then, and how the job ends in the next process: paid once."""
    case = CASES[what]
    north = FakeAdapter(capability=case.capability)
    bench = await engine(north)
    if case.submit is not None:
        north.will("submit", case.submit)
    held = north.hold(case.verb)
    job = await bench.accept(model="north/m")
    if case.verb == "poll":
        await bench.advance(2)
    assert held.began.is_set()
    answered = case.answer is not NEVER
    took = await stop(bench, after_s=3 if answered else None, held=held, answer=case.answer)
    assert took == pytest.approx(case.took)
    assert (bench.job(job).state, north.closed) == (case.left, True)
    submits = north.count("submit")
    assert submits == 1
    if case.capability.recover:
        north.will("recover", done("a"))
    north.always("poll", done("a"))
    await start_again(bench)
    await bench.advance(5)
    record = bench.job(job)
    assert (record.state, record.error and record.error.outcome) == (case.state, case.outcome)
    assert north.count("submit") == 1 + (case.left == "queued")
    assert len(bench.assets(job)) == (case.state == "succeeded")
    bench.assert_at_rest()


async def test_nothing_new_is_given_out_while_it_stops(engine: OpenBench) -> None:
    """A slot that comes free stays free; who waited, and who came last, are served by the next process, in order."""
    north = FakeAdapter(capability=BLIND)
    bench = await engine(north)
    submit = north.hold("submit")
    running = await bench.accept()
    waiting = await bench.accept()
    stopping = asyncio.create_task(bench.carrier.drain(DRAIN_S))
    await bench.turns()
    came_late = await bench.accept(settle=False)
    submit.answer(done("a"))
    await stopping
    assert [bench.job(each).state for each in (running, waiting, came_late)] == ["succeeded", "queued", "queued"]
    assert (north.count("submit"), bench.backends["north"].in_flight) == (1, 0)
    await start_again(bench)
    assert [bench.job(each).state for each in (waiting, came_late)] == ["succeeded", "succeeded"]
    assert [call.handles[0].partition(".")[0] for call in north.calls if call.verb == "submit"] == [
        running,
        waiting,
        came_late,
    ]
    bench.assert_at_rest()


async def test_nothing_is_asked_any_more_while_it_stops(engine: OpenBench) -> None:
    """No poll, no probe, no deadline: what is due meanwhile is the next process's, which finds it on disk."""
    north, south = FakeAdapter(capability=QUEUE), FakeAdapter("south", BLIND)
    north.always("submit", Pending(1.0))
    bench = await engine(north, south)
    polled = await bench.accept(model="north/m", deadline_s=5)
    submit = south.hold("submit")
    await bench.accept(model="south/m")
    asked = len(north.calls) + len(south.calls)
    assert await stop(bench, after_s=7, held=submit, answer=done("a")) == pytest.approx(7)
    assert (len(north.calls) + len(south.calls), bench.job(polled).state) == (asked, "running")
    await start_again(bench)
    assert bench.job(polled).state == "failed"


async def test_who_waits_is_told_at_once_to_ask_again(engine: OpenBench) -> None:
    """Waiters get no job, whether theirs runs or waits; the jobs themselves go on in the next process."""
    north = FakeAdapter(capability=BLIND)
    bench = await engine(north)
    submit = north.hold("submit")
    waiters: list[asyncio.Future[Finished | None]] = [bench.loop.create_future() for _ in range(2)]
    jobs = [await bench.accept(waiter=waiter) for waiter in waiters]
    stopping = asyncio.create_task(bench.carrier.drain(DRAIN_S))
    await bench.turns()
    assert [waiter.done() and waiter.result() for waiter in waiters] == [None, None]
    submit.answer(done("a"))
    await stopping
    await start_again(bench)
    assert [bench.job(job).state for job in jobs] == ["succeeded", "succeeded"]


async def test_a_claim_that_is_being_written_is_seen_through(engine: OpenBench) -> None:
    """Its intent would be on disk and nothing sent: it is handed over and waited for, as it cannot be found again."""
    north = FakeAdapter(capability=BLIND)
    bench = await engine(north)
    bench.backends["north"].account("main").ready = False
    job = await bench.accept()
    async with bench.store.stalled():
        bench.backends["north"].account("main").ready = True
        bench.ctx.pump()
        await bench.turns()
        stopping = asyncio.create_task(bench.carrier.drain(DRAIN_S))
        await bench.turns()
        assert not stopping.done()
    await stopping
    assert (bench.job(job).state, north.count("submit")) == ("succeeded", 1)
    await start_again(bench)
    bench.assert_at_rest()


async def test_who_can_be_found_is_not_held_up_by_who_cannot(engine: OpenBench) -> None:
    """One backend is waited for; the other's attempt ends meanwhile if it likes, or is let go, and is never lost."""
    north, south = FakeAdapter(capability=BLOCKING), FakeAdapter("south", BLIND)
    bench = await engine(north, south, slots=2)
    ended = asyncio.Event()
    bench.store.listen(lambda lines: ended.set() if lines[-1].terminal else None)
    ends, hangs, blind = north.hold("submit"), north.hold("submit"), south.hold("submit")
    jobs = [await bench.accept(model=model) for model in ("north/m", "north/m", "south/m")]
    stopping = asyncio.create_task(bench.carrier.drain(DRAIN_S))
    await bench.turns()
    ends.answer(done("a"))
    await ended.wait()
    assert (bench.job(jobs[0]).state, stopping.done()) == ("succeeded", False)
    blind.answer(done("c"))
    await stopping
    assert [bench.job(job).state for job in jobs] == ["succeeded", "running", "succeeded"]
    hangs.answer(done("nobody hears it"))
    north.always("recover", Absent())
    await start_again(bench)
    assert ([bench.job(job).state for job in jobs], north.count("submit")) == (["succeeded"] * 3, 3)
    bench.assert_at_rest()


async def test_a_cancel_that_the_stop_cut_off_is_carried_out_by_the_next_process(engine: OpenBench) -> None:
    """The wish is on disk: the backend is asked again, and its answer is the job's."""
    north = FakeAdapter()
    bench = await engine(north)
    north.hold("submit")
    north.hold("cancel")
    job = await bench.accept()
    await bench.cancel(job)
    assert await stop(bench) == 0
    assert bench.job(job).state == "running"
    north.always("recover", Pending(1.0))
    north.will("cancel", Stopped("cannot"))
    await start_again(bench)
    record = bench.job(job)
    assert record.cancel is not None
    assert (record.state, record.cancel.answer, north.count("cancel")) == ("cancelled", "cannot", 2)


async def test_without_a_time_to_drain_nothing_is_waited_for(engine: OpenBench) -> None:
    """`drain_s = 0`: it ends at once, and what cannot be found again is told as unknown later."""
    north = FakeAdapter(capability=BLIND)
    bench = await engine(north)
    north.hold("submit")
    job = await bench.accept()
    began = bench.clock.now()
    await bench.carrier.drain(0)
    assert (bench.clock.now(), bench.job(job).state, bench.ctx.tasks) == (began, "running", set())
    await start_again(bench)
    record = bench.job(job)
    assert record.error is not None
    assert (record.state, record.error.outcome, north.count("submit")) == ("failed", "unknown", 1)
    bench.assert_at_rest()
