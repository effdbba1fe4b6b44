"""All routes of v1, in the order in which one meets them."""

from litestar.handlers import HTTPRouteHandler

from gateway.v1 import assets, catalogue, docs, errors, jobs, operations, prompts

ROUTES: tuple[HTTPRouteHandler, ...] = (
    *jobs.ROUTES,
    *assets.ROUTES,
    *catalogue.ROUTES,
    *errors.ROUTES,
    *prompts.ROUTES,
    *operations.ROUTES,
    *docs.ROUTES,
)
