"""Listening to backends that tell when work ends: a hint is a reason to ask at once, and never the answer."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from contracts.catalog import CatalogError
from contracts.port import Hint, Watcher
from gateway.engine.backends import Backend
from gateway.engine.context import Context
from gateway.engine.polling import poll_soon

#: After a connection ended, or before it is known what the backend is.
SOON_S = 2.0
#: A backend that had nothing to listen to may have become another build.
LATER_S = 60.0


def begin(ctx: Context) -> None:
    """Listen to every backend that tells, and go on doing so: one connection each, whatever it has in hand."""
    for backend in ctx.backends.values():
        _listen(ctx, backend)


def _listen(ctx: Context, backend: Backend) -> None:
    if ctx.stopping or not isinstance(backend.adapter, Watcher):
        return
    hints = backend.adapter.watch() if backend.up else None
    if hints is None:
        ctx.after(LATER_S if backend.fresh_at is not None and backend.up else SOON_S, lambda: _listen(ctx, backend))
    else:
        ctx.spawn(_heed(ctx, backend, hints), name="watch", again=lambda: _listen(ctx, backend))


async def _heed(ctx: Context, backend: Backend, hints: AsyncGenerator[Hint, None]) -> None:
    try:
        async with aclosing(hints):
            async for hint in hints:
                heed(ctx, backend, hint)
    except CatalogError as error:
        ctx.log.info("engine.watch_ended", backend=backend.name, code=error.code)
    # What was said while nobody listened is asked after.
    heed(ctx, backend, Hint(None))
    ctx.after(SOON_S, lambda: _listen(ctx, backend))


def heed(ctx: Context, backend: Backend, hint: Hint) -> None:
    """Ask at once after the work that a hint is about; after all of the backend's where it names none."""
    for carried in ctx.jobs.values():
        for flight in carried.flights.values():
            if flight.backend is backend and hint.handle_id in (None, flight.attempt.handle.id):
                flight.alone = flight.alone or hint.handle_id is not None
                poll_soon(ctx, flight)
