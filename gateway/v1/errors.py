"""The routes of the error catalogue, where the `type` of problems leads: documents, and by Accept pages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.response import Response
from msgspec import Struct

from contracts.artefact import complaints
from contracts.catalog import CatalogError, Problem, should_retry
from contracts.codes import CATALOG, Blame, ErrorCode, Outcome, Retry, Row
from contracts.port import Dialect
from gateway.v1.accepting import preferred
from gateway.v1.answer import JSON, AnyRequest, answer
from gateway.v1.ask import caller_of, desk_of
from gateway.v1.doc import Doc, Example, codes_of, template
from gateway.v1.errorpage import catalogue_page, code_page
from gateway.v1.examples.problems import PROBLEMS

HTML = "text/html"
VARY = {"Vary": "Accept"}


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


class ErrorDetail(ErrorEntry, frozen=True, kw_only=True):
    """One row, and all that is known of it."""

    #: The header `X-Should-Retry` that comes with the row's own outcome.
    should_retry: bool
    #: Who refuses with it, as method and address; none: it stands in the `error` of a job, or a face answers it.
    operations: tuple[str, ...]
    #: The rows of each dialect's error table that lead to it; of all rows of a dialect the first that fits decides.
    native: Mapping[str, Sequence[Mapping[str, Any]]]
    #: A problem as it is answered with this code.
    example: Problem


class ErrorList(Struct, frozen=True, kw_only=True):
    """The error catalogue."""

    errors: tuple[ErrorEntry, ...]


def _facts(row: Row) -> dict[str, Any]:
    facts = {name: getattr(row, name) for name in ErrorEntry.__struct_fields__ if name != "type"}
    return {**facts, "type": f"/v1/errors/{row.code}"}


def details(routes: Iterable[HTTPRouteHandler], dialects: Mapping[str, Dialect]) -> dict[str, ErrorDetail]:
    """Return what is known of every code: who refuses with it, and which native complaints lead to it."""
    refused = [
        (f"{method} {template(path)}", codes_of(route.opt["doc"]))
        for route in routes
        for path in sorted(route.paths)
        for method in sorted(route.http_methods)
        if method != "HEAD"
    ]
    return {code: detail(code, refused, dialects) for code in CATALOG}


def detail(
    code: ErrorCode, refused: Sequence[tuple[str, Sequence[ErrorCode]]], dialects: Mapping[str, Dialect]
) -> ErrorDetail:
    """Return what is known of one code."""
    row = CATALOG[code]
    return ErrorDetail(
        **_facts(row),
        should_retry=should_retry(row.retry, row.outcome),
        operations=tuple(sorted(name for name, codes in refused if code in codes)),
        native=complaints(code, dialects),
        example=PROBLEMS[code],
    )


LIST = ErrorList(errors=tuple(ErrorEntry(**_facts(row)) for row in CATALOG.values()))
_SHOWN = ErrorList(errors=(LIST.errors[0], LIST.errors[-1]))


@get(
    "/v1/errors",
    summary="The error catalogue",
    opt={"doc": Doc(answers={200: ErrorList}, also_page=True, told=(Example("catalogue", "Two of its rows", _SHOWN),))},
)
async def list_errors(request: AnyRequest) -> Response[bytes]:
    """List all codes: for programs as JSON, for people as a page."""
    await caller_of(request, desk_of(request).access)
    return catalogue_page() if _wants_page(request) else answer(LIST, headers=VARY)


@get(
    "/v1/errors/{code:str}",
    summary="One code of the catalogue",
    opt={
        "doc": Doc(
            answers={200: ErrorDetail},
            also_page=True,
            told=(
                Example(
                    "overloaded",
                    "One row",
                    detail("quota.rate_limited", [("POST /v1/jobs", ("quota.rate_limited",))], {}),
                ),
            ),
            codes=("resource.not_found",),
        )
    },
)
async def show_error(request: AnyRequest, code: FromPath[str]) -> Response[bytes]:
    """Explain one code: what it means, who acts, what may be tried again, and which native complaints lead to it."""
    await caller_of(request, desk_of(request).access)
    known: dict[str, ErrorDetail] = request.app.state["errors"]
    found = known.get(code)
    if found is None:
        raise CatalogError("resource.not_found", "There is no such code.")
    if _wants_page(request):
        return code_page(CATALOG[found.code], found.example, found.operations, found.native)
    return answer(found, headers=VARY)


def _wants_page(request: AnyRequest) -> bool:
    return preferred(request.headers.get("accept"), JSON, HTML) == HTML


ROUTES: tuple[HTTPRouteHandler, ...] = (list_errors, show_error)
