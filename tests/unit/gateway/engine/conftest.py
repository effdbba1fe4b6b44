"""Every test of the engine runs on a loop whose time is told, over a store of its own."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from gateway.store.database import DataDir, migrate
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.fake_backend import FakeAdapter
from tests.unit.gateway.engine.told_loop import ToldLoop


class OpenBench(Protocol):
    """Opens an engine over backends; keywords are `Bench`'s."""

    async def __call__(self, *adapters: FakeAdapter, **settings: Any) -> Bench:
        """Return it, started."""


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], ToldLoop]]:
    """Let time stand still."""
    return {"told": ToldLoop}


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the newest schema and nothing in it."""
    made = DataDir(tmp_path_factory.mktemp("template"))
    made.make()
    migrate(made.database)
    return made.database


@pytest_asyncio.fixture
async def engine(tmp_path: Path, empty_database: Path) -> AsyncIterator[OpenBench]:
    """Open an engine; it is closed afterwards, and nothing of it may have crashed or leaked."""
    benches: list[Bench] = []
    async with AsyncExitStack() as stack:
        log = stack.enter_context(capture_logs())

        async def open_bench(*adapters: FakeAdapter, **settings: Any) -> Bench:
            bench = Bench(tmp_path / "data", empty_database, *adapters, **settings)
            stack.push_async_callback(bench.close)
            benches.append(bench)
            await bench.start()
            return bench

        yield open_bench
    assert any(bench.may_crash for bench in benches) or not [line for line in log if line["event"] == "engine.crashed"]
