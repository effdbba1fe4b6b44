"""Removing what is past its time, in small steps, and files that no row speaks of."""

import shutil

from gateway.engine.context import Context
from gateway.store.keep import Sweep, unreferenced

SWEEP_S = 300.0
AGAIN_S = 0.2
ORPHANS_S = 3600.0
#: A file younger than this may belong to a commit that is still on its way.
ORPHAN_AGE_S = 3600.0
DAY_S = 86_400.0


def begin(ctx: Context) -> None:
    """Sweep soon, and go on doing so."""
    ctx.after(30.0, lambda: _sweep_now(ctx))
    ctx.after(ORPHANS_S, lambda: _orphans_now(ctx))


def _sweep_now(ctx: Context) -> None:
    if not ctx.stopping:
        ctx.spawn(_repeat(ctx), name="sweep", again=lambda: _sweep_now(ctx))


async def _repeat(ctx: Context) -> None:
    more = await sweep(ctx)
    ctx.after(AGAIN_S if more else SWEEP_S, lambda: _sweep_now(ctx))


async def sweep(ctx: Context) -> bool:
    """Remove one batch; say whether there is more."""
    now, keep = ctx.clock.now(), ctx.settings.keep
    swept = await ctx.store.write(
        Sweep(
            now=now,
            jobs_before=now - keep.jobs_days * DAY_S,
            events_before=now - keep.events_days * DAY_S,
            tombstones_before=now - keep.tombstones_days * DAY_S,
            gone_until=now + keep.gone_days * DAY_S,
        )
    )
    for digest in swept.files:
        # What was put again meanwhile may belong to a commit on its way: if not, it is an orphan later.
        _remove(ctx, digest, older_than=now - ORPHAN_AGE_S)
    ctx.metrics.swept.inc(swept.removed)
    return swept.more


def _orphans_now(ctx: Context) -> None:
    if not ctx.stopping:
        ctx.spawn(_repeat_orphans(ctx), name="orphans", again=lambda: _orphans_now(ctx))


async def _repeat_orphans(ctx: Context) -> None:
    await remove_orphans(ctx)
    ctx.after(ORPHANS_S, lambda: _orphans_now(ctx))


async def remove_orphans(ctx: Context) -> int:
    """Remove files that a crash, a late result or a refused request left behind; return how many."""
    before = ctx.clock.now() - ORPHAN_AGE_S

    def find(connection: object) -> tuple[str, ...]:
        return unreferenced(connection, ctx.store.files.older_than(before))  # type: ignore[arg-type]

    orphans = await ctx.store.read(find)
    for digest in orphans:
        _remove(ctx, digest, older_than=before)
    return len(orphans)


def _remove(ctx: Context, digest: str, *, older_than: float) -> None:
    """Remove a file that is older than a moment, and its smaller versions."""
    if ctx.store.files.remove(digest, older_than=older_than):
        shutil.rmtree(ctx.store.data_dir.thumbnails / digest, ignore_errors=True)
