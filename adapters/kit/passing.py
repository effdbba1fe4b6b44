"""Passing a request on, in one exchange: what a dialect's list allows of it goes out, and of its answer comes back."""

from collections.abc import Callable, Mapping
from urllib.parse import quote

from adapters.kit.http import MAX_JSON_BYTES, Exchanges
from contracts.catalog import CatalogError, Native
from contracts.relay import RelayCall, Relayed, RelayRoute

JSON = "application/json; charset=utf-8"


async def passed(
    exchanges: Exchanges,
    backend: str,
    call: RelayCall,
    cleaned: Callable[[int, bytes], bytes | None],
    *,
    media_type: str = JSON,
    max_bytes: int = MAX_JSON_BYTES,
) -> Relayed:
    """Ask the backend; `cleaned` returns what goes back of an answer by its status, None where it is none at all."""
    # A part that is a step up would be another address by the time it arrives.
    if not {".", ".."}.isdisjoint(call.params.values()):
        raise CatalogError("resource.not_found", "The backend has no such thing.", backend=backend)
    route = call.route
    answer = await exchanges.send(
        route.method,
        path_of(route, call.params, call.query),
        body=call.body,
        headers={name: call.headers[name] for name in route.headers if name in call.headers},
        timeout_s=route.timeout_s,
        lasting=route.spends,
        max_bytes=max_bytes,
        raw=True,
    )
    body = cleaned(answer.status, answer.body)
    if body is None:
        missing = answer.status == 404
        raise CatalogError(
            "resource.not_found" if missing else "backend.bad_response",
            "The backend has no such page." if missing else "The backend's answer is not of the shape it promises.",
            native=Native(http_status=answer.status),
            backend=backend,
        )
    return Relayed(status=answer.status, body=body, media_type=media_type)


def path_of(route: RelayRoute, params: Mapping[str, str], query: Mapping[str, str]) -> str:
    """Return the address that is asked: its parts quoted, and of the query what the list allows."""
    path = route.template
    for name, value in params.items():
        path = path.replace(f"{{{name}}}", quote(value, safe="")).replace(f"{{{name}:path}}", quote(value, safe="/"))
    asked = "&".join(f"{name}={quote(query[name], safe='')}" for name in route.query if name in query)
    return f"{path}?{asked}" if asked else path
