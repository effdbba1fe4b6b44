"""The routes of operation: alive, ready, version, metrics. A dead backend never takes the gateway out of rotation."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from litestar import HttpMethod, get, route
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from msgspec import Struct

from gateway.v1.answer import AnyRequest, answer
from gateway.v1.ask import caller_of, demand, desk_of
from gateway.v1.doc import Doc, Example

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Alive(Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["alive"] = "alive"


class BackendReadiness(Struct, frozen=True, kw_only=True):
    """Whether one backend can work; it does not decide whether the gateway can."""

    up: bool
    ready_accounts: Sequence[str]


class Readiness(Struct, frozen=True, kw_only=True):
    """Whether the gateway takes work in."""

    status: Literal["ready", "stopping", "storage_failed"]
    backends: Mapping[str, BackendReadiness] = {}


class Version(Struct, frozen=True, kw_only=True):
    """What is running."""

    name: str
    version: str
    sandbox: bool


READY = Readiness(
    status="ready",
    backends={"studio": BackendReadiness(up=True, ready_accounts=("default",))},
)
STOPPING = Readiness(status="stopping", backends=READY.backends)


@get(
    "/livez",
    summary="Is the process alive?",
    opt={"doc": Doc(answers={200: Alive}, open=True, told=(Example("alive", "It is", Alive()),))},
)
async def livez() -> Response[bytes]:
    """Say that the process answers."""
    return answer(Alive())


@get(
    "/readyz",
    summary="Does the gateway take work in?",
    opt={
        "doc": Doc(
            answers={200: Readiness, 503: Readiness},
            open=True,
            told=(
                Example("ready", "Work is taken in", READY),
                Example("stopping", "Nothing new is taken in", STOPPING, 503),
            ),
        )
    },
)
async def readyz(request: AnyRequest) -> Response[bytes]:
    """Say whether work is taken in; each backend's state is told, and does not count."""
    check: Callable[[], Any] = request.app.state["readiness"]
    readiness: Readiness = await check()
    return answer(readiness, status=200 if readiness.status == "ready" else 503)


@get(
    "/version",
    summary="What is running?",
    opt={
        "doc": Doc(
            answers={200: Version},
            open=True,
            told=(Example("version", "A gateway", Version(name="triptych", version="0.1.0", sandbox=False)),),
        )
    },
)
async def version(request: AnyRequest) -> Response[bytes]:
    """Say the version, and whether sandboxes stand behind it."""
    return answer(request.app.state["version"])


@get(
    "/metrics",
    summary="Prometheus metrics",
    opt={"doc": Doc(answers={200: str}, answer_media_type="text/plain", codes=("auth.forbidden",))},
)
async def metrics(request: AnyRequest) -> Response[bytes]:
    """Answer a scrape; needs `ops:read`."""
    caller = await caller_of(request, desk_of(request).access)
    demand(caller, "ops:read")
    scrape: Callable[[], bytes] = request.app.state["scrape"]
    return answer(scrape(), media_type=METRICS_TYPE)


ROUTES: tuple[HTTPRouteHandler, ...] = (livez, readyz, version, metrics)


def options(routes: Iterable[HTTPRouteHandler]) -> HTTPRouteHandler:
    """Return what answers OPTIONS at the addresses of these routes.

    The framework's own answer forgets all but the first route of an address.
    """
    allowed: dict[str, set[str]] = {}
    paths: set[str] = set()
    for each in routes:
        paths |= each.paths
        for path in each.paths:
            allowed.setdefault(re.sub(r":\w+\}", "}", path), {"OPTIONS"}).update(each.http_methods)

    @route(sorted(paths), http_method=[HttpMethod.OPTIONS], status_code=204)
    async def methods(request: AnyRequest) -> Response[None]:
        """Name the methods of an address."""
        path: str = request.scope["path_template"]
        return Response(None, status_code=204, headers={"Allow": ", ".join(sorted(allowed[path]))})

    return methods
