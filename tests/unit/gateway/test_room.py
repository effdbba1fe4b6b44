"""Bytes in memory are bounded: answers wait for room in their order, requests are refused."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.catalog import CatalogError
from gateway.ops.room import Room


async def held(room: Room, length: int, seen: list[int], let_go: asyncio.Event) -> None:
    """Hold room until it is let go."""
    async with room.held(length):
        seen.append(length)
        await let_go.wait()


async def turns() -> None:
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_an_answer_waits_until_there_is_room_and_nobody_overtakes() -> None:
    """A small one behind a large one waits with it, or the large one would wait for ever."""
    room, seen, first, rest = Room(100), list[int](), asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(held(room, 60, seen, first))
        await turns()
        for length in (50, 10):
            group.create_task(held(room, length, seen, rest))
        await turns()
        assert seen == [60]
        first.set()
        await turns()
        assert seen == [60, 50, 10]
        rest.set()
    assert room.used == 0


async def test_what_is_larger_than_all_the_room_goes_alone() -> None:
    """It is bounded by the limit of its own kind, and must not wait for ever."""
    room, seen, gone = Room(100), list[int](), asyncio.Event()
    gone.set()
    await held(room, 1000, seen, gone)
    assert (seen, room.used) == ([1000], 0)


async def test_who_stops_waiting_leaves_no_room_taken() -> None:
    """Neither while it waits, nor in the moment when its turn has come."""
    room, seen, go = Room(100), list[int](), asyncio.Event()
    first = asyncio.create_task(held(room, 100, seen, go))
    await turns()
    waiting, at_its_turn = (asyncio.create_task(held(room, 80, seen, go)) for _ in range(2))
    await turns()
    waiting.cancel()
    await turns()
    go.set()
    await first
    at_its_turn.cancel()
    await asyncio.gather(waiting, at_its_turn, return_exceptions=True)
    assert room.used == 0


def test_a_request_that_finds_no_room_is_refused_and_takes_none() -> None:
    """The caller is told to come again; what was taken before stays taken."""
    room = Room(100)
    room.take(90)
    with pytest.raises(CatalogError) as refused:
        room.take(11)
    assert (refused.value.code, refused.value.problem().retry_after_s) == ("gateway.overloaded", 2)
    assert room.used == 90
    room.give_back(90)
    room.take(100)


@given(st.lists(st.integers(1, 120), max_size=30), st.randoms(use_true_random=False))
def test_never_more_than_there_is_and_nothing_is_left_over(lengths: list[int], order: object) -> None:
    """Whoever comes and goes in whatever order: at most the limit at once, or one that is alone."""

    async def run() -> None:
        room, inside = Room(100), list[int]()

        async def one(length: int) -> None:
            async with room.held(length):
                inside.append(length)
                assert sum(inside) <= 100 or len(inside) == 1
                for _ in range(order.randint(0, 3)):  # type: ignore[attr-defined]
                    await asyncio.sleep(0)
                inside.remove(length)

        await asyncio.gather(*(one(length) for length in lengths))
        assert room.used == 0

    asyncio.run(run())
