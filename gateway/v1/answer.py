"""Answers: JSON as it was encoded once, and every error as a problem document, the framework's own included."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.response import Response

from contracts.catalog import CatalogError, Problem, should_retry
from contracts.codes import ErrorCode
from gateway.ops.log import logger
from gateway.v1.doc import codes_of

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
encode = msgspec.json.Encoder().encode
AnyRequest = Request[Any, Any, State]
#: What a client waits when nobody knows better, in seconds.
DEFAULT_RETRY_AFTER_S = 5.0
_WAITING_HELPS = frozenset({429, 503})

#: The framework's refusals in the catalogue's words; the status stays the framework's.
FRAMEWORK_CODES: dict[int, ErrorCode] = {
    404: "resource.not_found",
    413: "request.too_large",
    429: "quota.rate_limited",
}
_FRAMEWORK_DETAILS = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    413: "The body is too large.",
}


def answer(
    body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None, media_type: str = JSON
) -> Response[bytes]:
    """Return a value as JSON, or bytes as they are."""
    content = body if isinstance(body, bytes) else encode(body)
    return Response(content, status_code=status, media_type=media_type, headers=dict(headers or {}))


def request_id(request: AnyRequest) -> str:
    """Return the id that this request's answer carries."""
    return str(request.scope["state"].get("request_id", ""))


def problem_answer(
    problem: Problem, *, request: AnyRequest, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """Return a problem document with its headers (errors.md §1)."""
    retry_after = problem.retry_after_s
    if retry_after is None and problem.status in _WAITING_HELPS:
        retry_after = DEFAULT_RETRY_AFTER_S
    problem = msgspec.structs.replace(problem, instance=request_id(request), retry_after_s=retry_after)
    sent = {"X-Should-Retry": "true" if should_retry(problem.retry, problem.outcome) else "false", **(headers or {})}
    if retry_after is not None:
        sent["Retry-After"] = str(math.ceil(retry_after))
    if problem.status == 401:
        sent["WWW-Authenticate"] = "Bearer"
    if problem.status == 416 and problem.limit is not None:
        sent["Content-Range"] = f"bytes */{problem.limit:.0f}"
    request.scope["state"]["code"] = problem.code
    _check_declared(request, problem.code)
    return answer(problem, status=problem.status, headers=sent, media_type=PROBLEM_JSON)


def _check_declared(request: AnyRequest, code: ErrorCode) -> None:
    """Say so in the log when a route refuses with a code that is not among its `x-error-codes`, which are a promise."""
    handler = request.scope.get("route_handler")
    doc = handler.opt.get("doc") if handler is not None else None
    if doc is not None and code not in codes_of(doc):
        logger("http").error("contract.undeclared_code", route=request.scope.get("path_template"), code=code)


def on_catalog_error(request: AnyRequest, error: CatalogError) -> Response[bytes]:
    """Answer with what the catalogue says."""
    return problem_answer(error.problem(), request=request)


def on_framework_error(request: AnyRequest, error: HTTPException) -> Response[bytes]:
    """Answer the framework's own refusals (404, 405, 413 and the like) in our shape, with its headers."""
    status = error.status_code
    if status >= 500:
        return on_any_error(request, error)
    code = FRAMEWORK_CODES.get(status, "request.malformed")
    detail = _FRAMEWORK_DETAILS.get(status, "The request cannot be read.")
    problem = CatalogError(code, detail, status=status).problem()
    return problem_answer(problem, request=request, headers=error.headers)


def on_any_error(request: AnyRequest, error: Exception) -> Response[bytes]:
    """Answer a bug with a 500 that tells nothing but the request's id; the log has its type and place."""
    request.scope["state"]["error"] = error
    problem = CatalogError("gateway.internal", "Something failed inside the gateway.", reason="bug").problem()
    return problem_answer(problem, request=request)
