import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec import structs

from contracts.port import Pending, PhaseNote
from contracts.spec import Delivery, OutputWish
from gateway.engine.carried import Finished
from gateway.store.change import Accept, Advance
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import BLOCKING, QUEUE, FakeAdapter, Tells, done, offered


def kinds(bench: Bench, job: str) -> list[type]:
    """Return what was written for a job."""
    return [type(command) for command in bench.store.of_job(job)]


def words(events: Sequence[dict[str, Any]]) -> list[str]:
    """Return the words of events."""
    return [event["type"].removeprefix("job.") for event in events]


async def test_a_synchronous_picture_costs_two_commits(engine: OpenBench) -> None:
    """On a free slot: acceptance, attempt and intent are one write, the pictures and the end are the other."""
    bench = await engine(FakeAdapter())
    job = await bench.accept()
    accept, end = bench.store.of_job(job)
    assert isinstance(accept, Accept)
    assert accept.attempt is not None
    assert isinstance(end, Advance)
    assert end.to == "succeeded"
    assert words(bench.events(job)) == ["queued", "running", "output", "succeeded"]
    bench.assert_at_rest()


async def test_the_intent_is_on_disk_before_anything_is_sent(engine: OpenBench) -> None:
    """When the backend hears of a job, its attempt is written already, with the handle that finds it again."""
    north = FakeAdapter()
    bench = await engine(north)
    submit = north.hold("submit")
    job = await bench.accept(settle=False)
    await submit.began.wait()
    [attempt] = bench.attempts(job)
    assert (attempt.handle.id, attempt.is_open, attempt.submitted_at) == (f"{job}.1", True, None)
    assert bench.job(job).state == "running"
    submit.answer(done("a"))
    await bench.settle()
    bench.assert_at_rest()


async def test_a_queue_costs_one_commit_more(engine: OpenBench) -> None:
    """The id that a queue gave is written once; asking again and again writes nothing."""
    north = FakeAdapter(capability=QUEUE)
    north.always("submit", Pending(1.0))
    bench = await engine(north)
    job = await bench.accept()
    await bench.advance(10)
    assert kinds(bench, job) == [Accept, Advance]
    assert north.count("poll") >= 5
    north.will("poll", done("a"))
    await bench.advance(2)
    assert kinds(bench, job) == [Accept, Advance, Advance]
    assert bench.attempts(job)[0].submitted_at is not None
    bench.assert_at_rest()


async def test_a_job_that_waited_costs_one_commit_more(engine: OpenBench) -> None:
    """Acceptance, claim and end are three writes when no slot was free."""
    north = FakeAdapter()
    bench = await engine(north)
    submit = north.hold("submit")
    first = await bench.accept()
    second = await bench.accept()
    assert kinds(bench, second) == [Accept]
    submit.answer(done("a"))
    await bench.settle()
    assert kinds(bench, first) == [Accept, Advance]
    assert kinds(bench, second) == [Accept, Advance, Advance]
    bench.assert_at_rest()


async def test_what_passes_quickly_rides_along(engine: OpenBench) -> None:
    """Phases that are over sooner than they would be written cost no commit of their own."""
    north = FakeAdapter()
    north.will("submit", Tells((PhaseNote("model_load"), PhaseNote("image", 0.5)), done("a")))
    bench = await engine(north)
    job = await bench.accept()
    assert kinds(bench, job) == [Accept, Advance]
    assert bench.attempts(job)[0].phase == "store"
    bench.assert_at_rest()


async def test_pictures_that_must_be_fetched_cost_no_commit(engine: OpenBench) -> None:
    """Downloading is not written: the end is."""
    north = FakeAdapter(capability=structs.replace(BLOCKING, max_n=2))
    north.will("submit", offered("a", "b"))
    bench = await engine(north)
    job = await bench.accept(n=2)
    assert kinds(bench, job) == [Accept, Advance]
    bench.assert_at_rest()


async def test_files_are_on_disk_before_the_row_that_speaks_of_them(engine: OpenBench) -> None:
    """The write of the end begins only when every file of it is there under its digest."""
    north = FakeAdapter(capability=structs.replace(BLOCKING, max_n=3))
    bench = await engine(north)
    seen: list[bool] = []

    def look(command: object) -> bool:
        if isinstance(command, Advance) and command.assets:
            seen.extend(bench.store.files.has(asset.sha256, asset.bytes) for asset in command.assets)
        return False

    bench.store.failing, bench.store.fails = 1, look
    await bench.accept(n=3)
    assert seen == [True, True, True]
    bench.assert_at_rest()


@pytest.mark.parametrize("delivery", ["url", "inline"])
async def test_who_waits_is_told_the_whole_job(engine: OpenBench, delivery: Delivery) -> None:
    """The waiter gets the document as it is on disk, its last event, and the bytes only if they were wished inline."""
    bench = await engine(FakeAdapter())
    waiter: asyncio.Future[Finished | None] = asyncio.get_running_loop().create_future()
    job = await bench.accept(waiter=waiter, output=OutputWish(delivery=delivery))
    finished = await waiter
    assert finished is not None
    assert finished.job.id == job
    assert finished.job.state == "succeeded"
    assert finished.job.attempts[0].how == "done"
    assert finished.last_event_id == bench.job(job).last_event_id
    assert set(finished.data) == ({bench.assets(job)[0].id} if delivery == "inline" else set())
    bench.assert_at_rest()
