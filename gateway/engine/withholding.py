"""What a reviewer blocks: its job ends as `blocked`, and its picture is kept for reviewers or never fetched."""

from contracts.catalog import CatalogError
from gateway.engine import endings
from gateway.engine.carried import Flight
from gateway.engine.context import Context


async def end(ctx: Context, flight: Flight, error: CatalogError) -> None:
    """Write how an attempt failed; what is withheld is filed with it, where the operator wants that.

    Nothing that happens to the picture changes how the job ends: it is blocked either way.
    """
    if error.withheld and ctx.settings.review.keep_withheld and not flight.closed and not flight.draining:
        try:
            flight.withheld = await ctx.deliverer.withhold(flight, error.withheld)
        except CatalogError as trouble:
            ctx.log.warning("review.not_kept", job_id=flight.carried.id, code=trouble.code)
    await endings.fail(ctx, flight, error)
