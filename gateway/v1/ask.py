"""Questions: who asks, what is in the query and the headers, and what is wrong with them."""

import re
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import msgspec
from litestar.exceptions import InternalServerException
from msgspec import Struct

from contracts.catalog import CatalogError, Fault
from contracts.decode import decode, faults, invalid
from contracts.desk import Access, Caller, Desk
from gateway.v1.answer import AnyRequest

Q = TypeVar("Q", bound=Struct)
T = TypeVar("T")
MAX_WAIT_S = 60.0
SSE = "text/event-stream"
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")


class Query(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The shape shared by all queries: unknown parameters are refused, as unknown fields are."""


def desk_of(request: AnyRequest) -> Desk:
    """Return the desk of this application."""
    desk: Desk = request.app.state["desk"]
    return desk


async def caller_of(request: AnyRequest, access: Access) -> Caller:
    """Return who asks; raise `auth.unauthenticated`."""
    headers = request.headers
    authorization = headers.get("authorization")
    token = None
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            raise CatalogError(
                "auth.unauthenticated", "Send the key as Authorization: Bearer <key>.", reason="malformed"
            )
    return await access.caller(token, headers.get("host"), headers.get("origin"))


def demand(caller: Caller, scope: str) -> None:
    """Raise `auth.forbidden` unless the caller holds a scope that the answer will need."""
    if not caller.may(scope):
        raise CatalogError("auth.forbidden", f"This key lacks the scope {scope}.", reason=scope)


def query_of(request: AnyRequest, kind: type[Q]) -> Q:
    """Return the query as a Struct; raise with every fault, each at `/query/<name>`."""
    raw: dict[str, Any] = {}
    doubled = []
    for name, value in request.query_params.multi_items():
        if name in raw:
            doubled.append(Fault(pointer=f"/query/{name}", reason="contradiction", detail="is given more than once"))
        raw[name] = value
    if doubled:
        raise invalid(tuple(doubled))
    try:
        query = msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        found = _query_faults(raw, kind, str(error))
        raise invalid(found) from None
    # The word null, where msgspec takes it for nothing: a query has no null.
    nothing = [name for name in raw if getattr(query, name) is None]
    if nothing:
        detail = "must be left out or have a value"
        raise invalid(tuple(Fault(pointer=f"/query/{name}", reason="type", detail=detail) for name in nothing))
    return query


def _query_faults(raw: dict[str, Any], kind: type[Struct], message: str) -> tuple[Fault, ...]:
    found: list[Fault] = []
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, value in raw.items():
        pointer = f"/query/{name}"
        field = known.get(name)
        if field is None:
            detail = f"there is no parameter {name!r} here"
            found.append(Fault(pointer=pointer, reason="unknown_field", detail=detail, allowed=tuple(sorted(known))))
            continue
        try:
            parsed = msgspec.convert(value, field.type, strict=False)
        except msgspec.ValidationError as error:
            guess = _parsed(value)
            found += faults(guess, field.type, pointer) or (Fault(pointer=pointer, reason="format", detail=str(error)),)
        else:
            del parsed
    return tuple(found) or (Fault(pointer="/query", reason="format", detail=message),)


def _parsed(value: str) -> object:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError:
        return value


async def body_of(request: AnyRequest, kind: Any) -> Any:
    """Return the JSON body as a value; raise what is wrong with it, all of it together."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise CatalogError("request.malformed", "Send JSON: Content-Type: application/json.", status=415)
    limit: int = request.app.state["max_json_bytes"]
    read = bytearray()
    async for chunk in chunks_of(request):
        read += chunk
        if len(read) > limit:
            raise CatalogError("request.too_large", f"A body may have at most {limit} bytes.", limit=limit)
    return decode(bytes(read), kind)


async def chunks_of(request: AnyRequest) -> AsyncIterator[bytes]:
    """Yield the body as it comes; a caller that hangs up in the middle is no crash of ours."""
    room = request.app.state["room"]
    try:
        async for chunk in request.stream():
            room.take(len(chunk))
            # Given back by `Observed` when the request is over.
            request.scope["state"]["held"] = request.scope["state"].get("held", 0) + len(chunk)
            yield chunk
    except InternalServerException:
        raise CatalogError("request.malformed", "The request broke off before its end.") from None


def wants_events(request: AnyRequest) -> bool:
    """Say whether the caller asked for a stream of events; raise 406 when it takes neither that nor JSON."""
    accept = request.headers.get("accept")
    if accept is None:
        return False
    types = {each.partition(";")[0].strip().lower() for each in accept.split(",")}
    if SSE in types:
        return True
    check_accept(types, "application/json", "application/problem+json")
    return False


def check_accept(types: set[str], *offered: str) -> None:
    """Raise 406 unless something offered is accepted."""
    general = {"*/*", ""} | {each.partition("/")[0] + "/*" for each in offered}
    if not types & (general | set(offered)):
        raise CatalogError("request.malformed", f"This address answers {' or '.join(offered)}.", status=406)


def idempotency_key(request: AnyRequest) -> str | None:
    """Return the key; raise when it is not 1 to 255 visible ASCII characters."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.match(key):
        fault = Fault(
            pointer="/headers/Idempotency-Key", reason="format", detail="must be 1 to 255 visible ASCII characters"
        )
        raise CatalogError("request.field_invalid", fault.detail, errors=(fault,))
    return key


def preferred_wait(request: AnyRequest) -> float | None:
    """Return how long the caller would wait (RFC 7240), at most a minute; None when it says nothing of it."""
    wait: float | None = None
    for preference in ",".join(request.headers.getall("prefer", [])).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        name, value = name.strip().lower(), value.strip().strip('"')
        if name == "respond-async":
            wait = wait or 0.0
        elif name == "wait":
            if not value.isdecimal():
                fault = Fault(pointer="/headers/Prefer", reason="format", detail="wait must be a number of seconds")
                raise CatalogError("request.field_invalid", fault.detail, errors=(fault,))
            wait = min(float(value), MAX_WAIT_S)
    return wait
