"""Holding backends to their dialects' contracts on a schedule, by looks that change and spend nothing.

A drift is told: by a metric, a line in the log, and beside the backend. It keeps no job away: what it means for them,
their own failures say.
"""

import random

from contracts.catalog import CatalogError
from contracts.verify import PROFILE, Report
from gateway.engine.backends import Backend, Kept
from gateway.engine.context import Context
from gateway.verifying import Verifier

#: The first look comes soon after a start, but not with all that a start does; the later ones after the time that is
#: set, give or take a tenth: backends of one start are not asked all at once for ever. Shares of that time.
FIRST = (0.05, 0.15)
LATER = (0.9, 1.1)


def begin(ctx: Context) -> None:
    """Look at every backend whose dialect has a contract, and go on doing so, unless that is switched off."""
    for backend in ctx.backends.values():
        if backend.verifier is not None and ctx.settings.verify.every_s > 0:
            _later(ctx, backend, backend.verifier, FIRST)


def _later(ctx: Context, backend: Backend, verifier: Verifier, share: tuple[float, float]) -> None:
    delay_s = ctx.settings.verify.every_s * random.uniform(*share)  # noqa: S311 - no secret

    def now() -> None:
        if not ctx.stopping:
            ctx.spawn(look(ctx, backend, verifier), name="verify", again=again)

    def again() -> None:
        _later(ctx, backend, verifier, LATER)

    ctx.after(delay_s, now)


async def look(ctx: Context, backend: Backend, verifier: Verifier) -> None:
    """Look at one backend once, and again later; one that is down is told of elsewhere."""
    if backend.up:
        discovery = backend.discovery
        try:
            report = await verifier.look(assumed=discovery.profile if discovery is not None else None)
        except CatalogError:
            # It is not where its file says that it is: probes tell of that.
            report = None
        # A server that went away meanwhile has broken no promise.
        if report is not None and all(each.verdict != "no_answer" for each in report.results):
            _noted(ctx, backend, report)
    _later(ctx, backend, verifier, LATER)


def _noted(ctx: Context, backend: Backend, report: Report) -> None:
    before = {each.check for each in backend.kept.report.drift} if backend.kept is not None else set()
    backend.kept = Kept(ctx.clock.now(), report)
    for each in report.results:
        gauge = ctx.metrics.contract_drift.labels(backend.dialect_name, backend.name, each.check)
        gauge.set(each.verdict == "drift")
    found = {each.check for each in report.drift}
    if found and found != before:
        profile = next((each.observed for each in report.drift if each.check == PROFILE), None)
        ctx.log.warning("backend.contract_drift", backend=backend.name, checks=sorted(found), profile=profile)
    elif before and not found:
        ctx.log.info("backend.contract_kept", backend=backend.name)
