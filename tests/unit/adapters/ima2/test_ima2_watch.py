"""Listening to NEW's multiplex: whose work ended, across connections, and what a gap means."""

import asyncio
from contextlib import aclosing

from adapters.ima2.adapter import Ima2
from contracts.port import BackendSettings, Hint
from tests.unit.adapters.ima2.native import Client, Serve
from tests.unit.adapters.replay_server import replaying


async def listening(client: Client) -> Ima2:
    """Return an adapter that knows what its server is."""
    adapter = Ima2(BackendSettings(name="ima2", base_url=f"http://127.0.0.1:{client.port}"))
    await adapter.discover()
    return adapter


async def first(adapter: Ima2) -> Hint:
    """Listen on one connection until it says something."""
    hints = adapter.watch()
    assert hints is not None
    async with asyncio.timeout(10), aclosing(hints):
        return await anext(hints)


async def test_an_end_is_told_and_what_was_missed_is_told_later(serve: Serve) -> None:
    """The second connection goes on where the first one ended."""
    async with serve("new", speed=400) as client:
        adapter = await listening(client)
        heard = asyncio.create_task(first(adapter))
        while not heard.done():
            # Whoever listens hears only what comes from then on.
            await client.generate("a kite", requestId="r1", **{"async": True})
            await asyncio.wait([heard], timeout=0.2)
        assert heard.result() == Hint("r1")
        await client.generate("a boat", requestId="r2")
        failed = await client.generate("a boat [[SAFETY_REFUSAL]]", requestId="r3", **{"async": True})
        assert failed.status == 202
        seen = {await first(adapter) for _ in range(1)}
        while Hint("r3") not in seen:
            seen.add(await first(adapter))
        await adapter.close()


async def test_the_older_builds_have_nothing_to_listen_to(serve: Serve) -> None:
    """They answer when the picture is there."""
    async with serve("head") as client:
        adapter = await listening(client)
        assert adapter.watch() is None
        await adapter.close()


async def test_a_gap_means_that_everybody_is_asked_after() -> None:
    """Events were lost while nobody listened."""
    stream = {
        "status": 200,
        "headers": {"content-type": "text/event-stream"},
        "text": ': ping\n\nevent: replay-gap\ndata: {"lastEventId": 9, "oldestAvailableId": 1}\n\n'
        'id: 1\nevent: done\ndata: {"jobId": "r1", "image": "x"}\n\nid: 2\nevent: phase\ndata: {"jobId": "r2"}\n\n',
    }
    async with replaying(lambda _method, _path: stream) as url:
        adapter = Ima2(BackendSettings(name="ima2", base_url=url))
        hints = adapter._hints()
        assert [hint async for hint in hints] == [Hint(None), Hint("r1")]
        assert adapter._last_event == "2"
        await adapter.close()
