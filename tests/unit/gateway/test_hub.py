"""Committed lines reach who listens, in order, once; who is too slow is told so and loses nothing unnoticed."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.store.hub import MAX_LAG, Hub, Subscription
from gateway.store.line import Line

LONG_S = 60.0


def lines(*ids: int, team: str = "red", job: str = "job_1") -> list[Line]:
    """Return lines of a job."""
    return [Line(each, team, job, "job.phase", b'{"type":"job.phase"}') for each in ids]


def taken(subscription: Subscription) -> list[int | None]:
    """Return the ids of what waits for a reader."""
    return [line.id for line in subscription.take()]


def test_a_reader_of_a_job_hears_that_job_alone() -> None:
    """Neither another job of the team nor a job of the same id of another team is heard."""
    hub = Hub()
    mine, team, stranger = hub.subscribe("red", "job_1"), hub.subscribe("red"), hub.subscribe("blue", "job_1")
    hub.publish([*lines(1), *lines(2, job="job_2"), *lines(3, team="blue"), *lines(4)])
    assert taken(mine) == [1, 4]
    assert taken(team) == [1, 2, 4]
    assert taken(stranger) == [3]


def test_what_is_taken_is_taken_once() -> None:
    """A second look finds only what came since."""
    hub = Hub()
    reader = hub.subscribe("red")
    hub.publish(lines(1, 2))
    assert taken(reader) == [1, 2]
    assert taken(reader) == []
    hub.publish(lines(3))
    assert taken(reader) == [3]


def test_a_reader_that_lags_is_marked_and_keeps_what_it_has() -> None:
    """Up to the bound everything is there in order; one more marks the reader, who then asks the table."""
    hub = Hub()
    slow, quick = hub.subscribe("red"), hub.subscribe("red")
    hub.publish(lines(*range(MAX_LAG)))
    assert not slow.overflowed
    assert taken(quick) == list(range(MAX_LAG))
    hub.publish(lines(MAX_LAG))
    assert slow.overflowed
    assert not quick.overflowed
    assert taken(slow) == list(range(MAX_LAG))
    assert slow.overflowed
    assert taken(quick) == [MAX_LAG]


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(st.integers(0, MAX_LAG) | st.just(-1), max_size=12))
def test_a_gap_is_never_silent(steps: list[int]) -> None:
    """However publishing and reading take turns: without the mark nothing was missed, and order is always kept."""
    hub = Hub()
    reader = hub.subscribe("red")
    last, heard = 0, 0
    for step in steps:
        if step < 0:
            marked, found = reader.overflowed, taken(reader)
            reader.overflowed = False
            assert found == sorted(found)  # type: ignore[type-var]
            if not marked:
                assert found == list(range(heard + 1, last + 1))
            heard = last
        else:
            hub.publish(lines(*range(last + 1, last + step + 1)))
            last += step


async def test_a_reader_wakes_when_something_comes() -> None:
    """Waiting ends with the first line, and at once when one is there already."""
    hub = Hub()
    reader = hub.subscribe("red")
    waiting = asyncio.create_task(reader.wait(LONG_S))
    await asyncio.sleep(0)
    assert not waiting.done()
    hub.publish(lines(1))
    assert await waiting
    assert await reader.wait(LONG_S)
    assert taken(reader) == [1]


async def test_a_marked_reader_does_not_wait() -> None:
    """Who has lost its place must not sleep on it."""
    hub = Hub()
    reader = hub.subscribe("red")
    hub.publish(lines(*range(MAX_LAG + 1)))
    reader.take()
    assert await reader.wait(LONG_S)


async def test_waiting_has_an_end() -> None:
    """When the time is over and nothing came, it says so."""
    assert not await Hub().subscribe("red").wait(0.001)


async def test_a_stopping_gateway_ends_every_stream() -> None:
    """Readers that wait are woken, and those who come later are told at once."""
    hub = Hub()
    reader = hub.subscribe("red", "job_1")
    waiting = asyncio.create_task(reader.wait(LONG_S))
    await asyncio.sleep(0)
    hub.close()
    assert not await waiting
    assert reader.closed
    late = hub.subscribe("red")
    assert late.closed
    assert not await late.wait(LONG_S)


async def test_a_reader_that_was_cancelled_is_woken_no_more() -> None:
    """A stream that its client left raises nothing when a line comes or the gateway stops."""
    hub = Hub()
    reader = hub.subscribe("red")
    waiting = asyncio.create_task(reader.wait(LONG_S))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    hub.publish(lines(1))
    hub.close()
    assert taken(reader) == [1]


def test_who_has_left_is_forgotten() -> None:
    """Nothing is kept for readers that are gone, and leaving twice is no fault."""
    hub = Hub()
    readers = [hub.subscribe("red"), hub.subscribe("red"), hub.subscribe("red", "job_1")]
    assert hub.streams == 3
    for left, reader in enumerate(readers, start=1):
        reader.close()
        reader.close()
        assert hub.streams == 3 - left
    hub.publish(lines(1))
    assert [taken(reader) for reader in readers] == [[], [], []]
    assert not hub._subscriptions
