import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from contracts.capability import Capability
from contracts.catalog import CatalogError
from contracts.port import Absent, Handle, Pending
from gateway.engine.backends import Backend
from gateway.ops.metrics import Metrics
from gateway.settings import Backend as BackendSettings
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import QUEUE, Broken, FakeAdapter, done

BATCH = structs.replace(QUEUE, poll_batch=True)


@pytest.mark.parametrize(("capability", "exchanges"), [(BATCH, 1), (QUEUE, 5)])
async def test_what_is_due_at_one_backend_is_asked_in_one_exchange_where_it_can_be(
    engine: OpenBench, capability: Capability, exchanges: int
) -> None:
    """A batch asks after all that are due; without batches each is asked alone."""
    north = FakeAdapter(capability=capability)
    north.always("submit", Pending(10.0))
    bench = await engine(north, slots=5)
    for _ in range(5):
        await bench.accept()
    bench.ctx.timetable.due(bench.clock.now() + 100)
    for carried in bench.ctx.jobs.values():
        bench.ctx.to_poll.setdefault(north.name, []).extend(carried.flights.values())
    bench.ctx.wake.set()
    await bench.settle()
    polls = [call.handles for call in north.calls if call.verb == "poll"]
    assert len(polls) == exchanges
    assert len({handle for handles in polls for handle in handles}) == 5


async def test_a_handle_that_a_batch_does_not_mention_is_looked_for(engine: OpenBench) -> None:
    """No word about a job is no success: it is recovered, and its neighbours in the batch go on."""
    north = FakeAdapter(capability=BATCH)
    north.always("submit", Pending(1.0))
    bench = await engine(north, slots=2)
    first, second = await bench.accept(), await bench.accept()
    north.will("poll", Absent(), done("b"))
    north.will("recover", done("a"))
    bench.ctx.timetable.due(bench.clock.now() + 100)
    bench.ctx.to_poll["north"] = [bench.carried(job).flights[1] for job in (first, second)]
    bench.ctx.wake.set()
    await bench.settle()
    assert north.count("recover", f"{first}.1") == 1
    assert {bench.job(job).state for job in (first, second)} == {"succeeded"}
    bench.assert_at_rest()


async def test_one_error_in_a_batch_is_one_jobs_end(engine: OpenBench) -> None:
    """Each handle has its own answer."""
    north = FakeAdapter(capability=BATCH)
    north.always("submit", Pending(1.0))
    bench = await engine(north, slots=3)
    jobs = [await bench.accept(model="north/m") for _ in range(3)]
    north.will("poll", CatalogError("policy.refused", "no"), Pending(1.0), done("c"))
    bench.ctx.timetable.due(bench.clock.now() + 100)
    bench.ctx.to_poll["north"] = [bench.carried(job).flights[1] for job in jobs]
    bench.ctx.wake.set()
    await bench.settle()
    assert [bench.job(job).state for job in jobs] == ["failed", "running", "succeeded"]


async def test_polls_keep_to_the_backends_budget_and_nobody_is_forgotten(engine: OpenBench) -> None:
    """With two exchanges a second and ten jobs due, each is asked in its turn, within five seconds."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    north.always("poll", Pending(60.0))
    bench = await engine(north, slots=10, backends={"north": {"polls_per_s": 2}})
    for _ in range(10):
        await bench.accept()
    await bench.advance(1.2)
    assert north.count("poll") <= 2 + 1
    await bench.advance(6)
    polls = [call.handles for call in north.calls if call.verb == "poll"]
    assert len(polls) == len(set(polls)) == 10


@pytest.mark.parametrize("rate", [0.5, 1.0, 1.5, 50.0])
async def test_the_budget_is_met_at_any_rate(engine: OpenBench, rate: float) -> None:
    """A poll every other second is a budget too: over a minute about as many polls happen as it allows, and some do."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(0.01))
    north.always("poll", Pending(0.01))
    bench = await engine(north, backends={"north": {"polls_per_s": rate}})
    await bench.accept()
    await bench.advance(60)
    asked = north.count("poll")
    assert min(60 * rate, 60 * 50) * 0.5 <= asked <= 60 * rate + rate + 1


def backend(rate: float) -> Backend:
    """Return a backend with a budget of polls."""
    settings = BackendSettings(dialect="fake", base_url="http://127.0.0.1:1", polls_per_s=rate)
    return Backend("north", "fake", settings, FakeAdapter(), Metrics())


times = st.lists(st.tuples(st.floats(-100, 100), st.integers(0, 20)), min_size=1, max_size=30)
TICKING = {rate: backend(rate) for rate in (0.3, 2.0, 50.0)}


@given(st.sampled_from(sorted(TICKING)), times)
def test_the_budget_survives_a_clock_that_jumps(rate: float, steps: list[tuple[float, int]]) -> None:
    """Whatever the machine's clock does, never more than a burst is allowed, and a poll is allowed again soon after."""
    ticking = TICKING[rate]
    now = 1_000_000.0
    for passed, wanted in steps:
        now += passed
        allowed = ticking.poll_allowance(now, wanted)
        assert 0 <= allowed <= min(wanted, max(1, int(rate)))
    assert ticking.poll_allowance(now + max(1.0, 2 / rate), 1) == 1


async def test_a_backend_that_does_not_answer_is_asked_ever_later(engine: OpenBench) -> None:
    """The waits double up to half a minute, and one answer brings the usual pace back."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    bench = await engine(north)
    job = await bench.accept()
    north.always("poll", Broken(CatalogError("backend.unavailable", "down")))
    await bench.advance(150)
    slow = north.count("poll")
    assert 6 <= slow <= 11
    north.always("poll", Pending(1.0))
    await bench.advance(31)
    back = north.count("poll")
    await bench.advance(10)
    assert north.count("poll") - back >= 8
    assert bench.job(job).state == "running"
    assert bench.counted("polls", backend="north", result="failed") == slow


async def test_a_handle_that_the_backend_replaces_is_used_from_then_on(engine: OpenBench) -> None:
    """The id that a queue gives is what it is asked by, also after a restart."""
    north = FakeAdapter(capability=QUEUE)
    bench = await engine(north)
    submit = north.hold("submit")
    job = await bench.accept()
    own = north.orders[f"{job}.1"]
    note = bench.attempts(job)[0].handle.note
    submit.answer(Pending(1.0, handle=Handle("run-7", note)))
    await bench.advance(3)
    assert north.count("poll", "run-7") >= 1
    assert own.job_id == job
    await bench.restart()
    asked = north.count("poll", "run-7")
    await bench.advance(3)
    assert north.count("poll", "run-7") > asked
    assert north.count("recover") == 0
