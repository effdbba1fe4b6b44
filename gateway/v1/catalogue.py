"""The routes that say what there is: models, capabilities, backends, and the error catalogue."""

import html
from collections.abc import Sequence

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Response
from msgspec import Struct

from contracts.catalog import CatalogError
from contracts.codes import CATALOG, Blame, ErrorCode, Outcome, Retry, Row
from contracts.desk import Alias, BackendView, Caller, Desk, Model
from gateway.v1.answer import AnyRequest, answer
from gateway.v1.ask import accepted, caller_of, desk_of
from gateway.v1.doc import Doc


class ModelList(Struct, frozen=True, kw_only=True):
    """Every model, and the aliases that stand for some."""

    models: Sequence[Model]
    aliases: Sequence[Alias]


class BackendList(Struct, frozen=True, kw_only=True):
    """Every backend."""

    backends: Sequence[BackendView]


class ErrorEntry(Struct, frozen=True, kw_only=True):
    """One row of the error catalogue."""

    code: ErrorCode
    status: int
    other_statuses: tuple[int, ...]
    title: str
    action: str
    retry: tuple[Retry, ...]
    blame: Blame
    outcome: Outcome
    type: str


class ErrorList(Struct, frozen=True, kw_only=True):
    """The error catalogue."""

    errors: tuple[ErrorEntry, ...]


def entry(row: Row) -> ErrorEntry:
    """Return a row as it is shown."""
    return ErrorEntry(
        code=row.code,
        status=row.status,
        other_statuses=row.other_statuses,
        title=row.title,
        action=row.action,
        retry=row.retry,
        blame=row.blame,
        outcome=row.outcome,
        type=f"/v1/errors/{row.code}",
    )


@get("/v1/models", summary="List models and aliases", opt={"doc": Doc(answers={200: ModelList})})
async def list_models(request: AnyRequest) -> Response[bytes]:
    """List every model that the key may use, with its capabilities."""
    desk, caller = await _who(request)
    return answer(ModelList(models=desk.catalogue.models(caller), aliases=desk.catalogue.aliases()))


@get("/v1/models/{model_id:path}", summary="Show a model", opt={"doc": Doc(answers={200: Model})})
async def show_model(request: AnyRequest, model_id: FromPath[str]) -> Response[bytes]:
    """Show one model by its full name, `<backend>/<id>`."""
    desk, caller = await _who(request)
    wanted = model_id.lstrip("/")
    for model in desk.catalogue.models(caller):
        if model.id == wanted:
            return answer(model)
    raise CatalogError("resource.not_found", "There is no such model.")


@get("/v1/capabilities", summary="The whole capability document", opt={"doc": Doc(answers={200: ModelList})})
async def show_capabilities(request: AnyRequest) -> Response[bytes]:
    """Show the data that validation itself reads: what it says is what is enforced."""
    desk, caller = await _who(request)
    return answer(ModelList(models=desk.catalogue.models(caller), aliases=desk.catalogue.aliases()))


@get("/v1/backends", summary="List backends", opt={"doc": Doc(answers={200: BackendList})})
async def list_backends(request: AnyRequest) -> Response[bytes]:
    """List backends with their health; details need `ops:read`."""
    desk, caller = await _who(request)
    return answer(BackendList(backends=desk.catalogue.backends(caller)))


@get("/v1/backends/{name:str}", summary="Show a backend", opt={"doc": Doc(answers={200: BackendView})})
async def show_backend(request: AnyRequest, name: FromPath[str]) -> Response[bytes]:
    """Show one backend."""
    desk, caller = await _who(request)
    for backend in desk.catalogue.backends(caller):
        if backend.name == name:
            return answer(backend)
    raise CatalogError("resource.not_found", "There is no such backend.")


async def _who(request: AnyRequest) -> tuple[Desk, Caller]:
    desk = desk_of(request)
    return desk, await caller_of(request, desk.access)


@get("/v1/errors", summary="The error catalogue", opt={"doc": Doc(answers={200: ErrorList}, also_page=True)})
async def list_errors(request: AnyRequest) -> Response[bytes]:
    """List all codes: for programs as JSON, for people as a page."""
    await _who(request)
    rows = tuple(CATALOG.values())
    if _wants_page(request):
        return _page("Errors", "".join(_section(row) for row in rows))
    return answer(ErrorList(errors=tuple(entry(row) for row in rows)))


@get(
    "/v1/errors/{code:str}",
    summary="One code of the catalogue",
    opt={"doc": Doc(answers={200: ErrorEntry}, also_page=True)},
)
async def show_error(request: AnyRequest, code: FromPath[str]) -> Response[bytes]:
    """Explain one code."""
    await _who(request)
    row = next((row for row in CATALOG.values() if row.code == code), None)
    if row is None:
        raise CatalogError("resource.not_found", "There is no such code.")
    return _page(row.code, _section(row)) if _wants_page(request) else answer(entry(row))


def _wants_page(request: AnyRequest) -> bool:
    types = accepted(request)
    return "text/html" in types and "application/json" not in types


def _section(row: Row) -> str:
    facts = f"HTTP {row.status} · retry: {', '.join(row.retry)} · blame: {row.blame} · outcome: {row.outcome}"
    return (
        f'<section id="{row.code}"><h2><code>{row.code}</code></h2><p><b>{html.escape(row.title)}.</b> '
        f"{html.escape(row.action)}</p><p><small>{html.escape(facts)}</small></p></section>"
    )


def _page(title: str, body: str) -> Response[bytes]:
    style = "body{font:16px/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}code{font-size:1.05em}"
    text = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{html.escape(title)} - Triptych</title>'
        f"<style>{style}</style><body>{body}</body></html>"
    )
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return answer(text.encode(), headers=headers, media_type="text/html")


ROUTES: tuple[HTTPRouteHandler, ...] = (
    list_models,
    show_model,
    show_capabilities,
    list_backends,
    show_backend,
    list_errors,
    show_error,
)
