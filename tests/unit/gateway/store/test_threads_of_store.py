import asyncio
import threading
from collections.abc import Iterator

import pytest

from gateway.store.threads import Threads


@pytest.fixture
def threads() -> Iterator[Threads]:
    """Three threads."""
    made = Threads(3, "test")
    yield made
    made.close()


async def test_each_caller_gets_what_its_own_work_came_to(threads: Threads) -> None:
    """Results and errors of many pieces of work find their callers, however many finish together."""

    def work(n: int) -> int:
        if n % 5 == 0:
            raise ValueError(n)
        return n * n

    results = await asyncio.gather(*(threads.run(lambda n=n: work(n)) for n in range(500)), return_exceptions=True)
    for n, result in enumerate(results):
        if n % 5 == 0:
            assert isinstance(result, ValueError)
            assert result.args == (n,)
        else:
            assert result == n * n


async def test_work_that_nobody_waits_for_any_more_disturbs_nobody(threads: Threads) -> None:
    """A caller that goes away leaves its work to finish; everybody else is served."""
    go = threading.Event()
    gone = asyncio.ensure_future(threads.run(lambda: go.wait(10)))
    await asyncio.sleep(0)
    gone.cancel()
    go.set()
    assert await threads.run(lambda: "served") == "served"
    assert gone.cancelled()


async def test_work_that_blocks_holds_up_only_its_own_thread(threads: Threads) -> None:
    """With as many blocked as there are threads but one, the rest still flows."""
    go = threading.Event()
    blocked = [asyncio.ensure_future(threads.run(lambda: go.wait(10))) for _ in range(2)]
    for n in range(20):
        assert await threads.run(lambda n=n: n) == n
    go.set()
    assert await asyncio.gather(*blocked) == [True, True]


def test_closing_ends_what_is_queued_and_every_thread() -> None:
    """After a close no thread is left, and what stood in line was done."""
    done: list[int] = []

    async def ask() -> None:
        threads = Threads(2, "closing")
        asked = [asyncio.ensure_future(threads.run(lambda n=n: done.append(n))) for n in range(10)]
        await asyncio.sleep(0)
        threads.close()
        await asyncio.gather(*asked)

    asyncio.run(ask())
    assert sorted(done) == list(range(10))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("closing")]
