"""An adapter that is watched: the same port, with the time and the outcome of every exchange in the metrics."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping, Sequence
from typing import TypeVar

from contracts.capability import Discovery
from contracts.catalog import CatalogError
from contracts.port import (
    Adapter,
    Done,
    Emit,
    Handle,
    Health,
    Hint,
    InputBytes,
    Lister,
    Moments,
    Order,
    Output,
    Pending,
    Polled,
    Prepared,
    Recovered,
    Stopped,
    Watcher,
)
from contracts.prompts import Prompter, PromptOrder, Written
from contracts.relay import RelayCall, Relayed, Relayer
from gateway.ops.metrics import Metrics

T = TypeVar("T")


class Observed:
    """Wraps an adapter."""

    def __init__(self, name: str, adapter: Adapter, metrics: Metrics) -> None:
        """Take the adapter and where its exchanges are counted."""
        self._name = name
        self._adapter = adapter
        self._metrics = metrics

    async def _timed(self, verb: str, exchange: Awaitable[T]) -> T:
        began = time.perf_counter()
        result = "cancelled"
        try:
            answer = await exchange
            result = "ok"
        except CatalogError as error:
            result = error.code
            raise
        finally:
            seconds = time.perf_counter() - began
            self._metrics.exchange_seconds.labels(self._name, verb, result).observe(seconds)
        return answer

    def discovery(self) -> Discovery | None:
        """See the port."""
        return self._adapter.discovery()

    async def discover(self) -> Discovery:
        """See the port."""
        return await self._timed("discover", self._adapter.discover())

    async def health(self) -> Health:
        """See the port."""
        return await self._timed("health", self._adapter.health())

    def prepare(self, order: Order) -> Prepared:
        """See the port."""
        return self._adapter.prepare(order)

    async def submit(self, handle: Handle, order: Order, inputs: Sequence[InputBytes], emit: Emit) -> Pending | Done:
        """See the port."""
        return await self._timed("submit", self._adapter.submit(handle, order, inputs, emit))

    async def poll(self, handles: Sequence[Handle]) -> Mapping[str, Polled]:
        """See the port."""
        return await self._timed("poll", self._adapter.poll(handles))

    async def cancel(self, handle: Handle) -> Stopped:
        """See the port."""
        return await self._timed("cancel", self._adapter.cancel(handle))

    async def recover(self, handle: Handle, moments: Moments) -> Recovered:
        """See the port."""
        return await self._timed("recover", self._adapter.recover(handle, moments))

    def fetch(self, output: Output) -> AsyncIterator[bytes]:
        """See the port."""
        return self._adapter.fetch(output)

    def watch(self) -> AsyncGenerator[Hint, None] | None:
        """See the port."""
        return self._adapter.watch() if isinstance(self._adapter, Watcher) else None

    def lists(self, count: int) -> bool | None:
        """See the port."""
        return self._adapter.lists(count) if isinstance(self._adapter, Lister) else None

    async def relay(self, call: RelayCall) -> Relayed:
        """See contracts.relay.Relayer."""
        if not isinstance(self._adapter, Relayer):
            raise CatalogError("resource.not_found", "This backend passes nothing on.")
        return await self._timed("relay", self._adapter.relay(call))

    async def write(self, order: PromptOrder) -> Written:
        """See contracts.prompts.Prompter."""
        if not isinstance(self._adapter, Prompter):
            raise CatalogError("request.option_unsupported", "This backend writes no prompts.")
        return await self._timed("write", self._adapter.write(order))

    async def close(self) -> None:
        """See the port."""
        await self._adapter.close()
