"""Asking backends how they are and what they can do, on a timer and never with a paid job."""

import asyncio

from contracts.catalog import CatalogError
from gateway.engine.backends import Backend
from gateway.engine.context import Context
from gateway.store.keep import PutDiscovery

#: A healthy backend is asked this often, one in trouble more often.
HEALTHY_S = 15.0
TROUBLED_S = 2.0
DISCOVERY_S = 300.0


def begin(ctx: Context) -> None:
    """Probe every backend now, and go on doing so."""
    for backend in ctx.backends.values():
        _probe_now(ctx, backend)


def surprised(ctx: Context, backend: Backend) -> None:
    """Probe a backend now that could not be reached: it may be down, or at another address. One probe at a time."""
    if backend.next_probe is not None:
        ctx.timetable.cancel(backend.next_probe)
        _probe_now(ctx, backend)


def _probe_now(ctx: Context, backend: Backend) -> None:
    backend.next_probe = None
    if not ctx.stopping:
        ctx.spawn(probe(ctx, backend), name="probe", again=lambda: _probe_now(ctx, backend))


async def probe(ctx: Context, backend: Backend) -> None:
    """Ask one backend once; then again later, sooner if it is in trouble."""
    try:
        better = await _ask(ctx, backend)
    except CatalogError as error:
        if backend.up:
            ctx.log.warning("backend.down", backend=backend.name, code=error.code, detail=error.detail)
        backend.noted_down(error.code)
        better = False
    backend.show(ctx.clock.now())
    if better:
        ctx.log.info("backend.ready", backend=backend.name)
        ctx.pump()
    troubled = not backend.up or any(not backend.ready(account.name) for account in backend.accounts)
    delay_s = TROUBLED_S if troubled else HEALTHY_S
    backend.next_probe = ctx.after(delay_s, lambda: _probe_now(ctx, backend))


async def _ask(ctx: Context, backend: Backend) -> bool:
    now = ctx.clock.now()
    was_up = backend.up
    stale = backend.fresh_at is None or now - backend.fresh_at > DISCOVERY_S
    if stale or not was_up:
        discovery = await backend.adapter.discover()
        changed = discovery != backend.discovery
        backend.learned(discovery, now)
        if changed:
            _remember(ctx, PutDiscovery(backend.name, discovery, now))
    health = await backend.adapter.health()
    return backend.noted_health(health, ctx.clock.now()) or stale or not was_up


def _remember(ctx: Context, put: PutDiscovery) -> None:
    """Write down what a backend said; that our store fails says nothing about the backend."""
    ctx.spawn(ctx.store.write(put), name="remember", again=lambda: _remember(ctx, put))


async def until_known(ctx: Context, timeout_s: float) -> None:
    """Wait until every backend has said what it is, or the time is over: a start need not wait for the dead."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while asyncio.get_running_loop().time() < deadline:
        if all(backend.fresh_at is not None or not backend.up for backend in ctx.backends.values()):
            return
        await asyncio.sleep(0.02)
