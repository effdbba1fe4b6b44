"""What a route says of itself for the OpenAPI document: data beside the handler, read by the overlay."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from contracts.codes import CATALOG, ErrorCode


class Parameter(Struct, frozen=True):
    """A parameter that is no field of the query's Struct."""

    name: str
    place: Literal["header", "query", "path"]
    description: str
    required: bool = False
    pattern: str | None = None


class Example(Struct, frozen=True):
    """A value to try, or one that is answered: real ones, of the types that are enforced."""

    name: str
    summary: str
    value: Any
    status: int = 200


class Doc(Struct, frozen=True, kw_only=True):
    """Body, query, further parameters, answers by status, and the codes that the route can refuse with."""

    body: Any = None
    body_media_types: tuple[str, ...] = ("application/json",)
    query: type[Struct] | None = None
    parameters: tuple[Parameter, ...] = ()
    answers: Mapping[int, Any] = {}
    answer_media_type: str = "application/json"
    #: Another shape of the 200 answer.
    also: Any = None
    also_events: bool = False
    #: The 200 answer as a page for people, to who accepts no JSON.
    also_page: bool = False
    #: What may be sent, and what is answered.
    asked: tuple[Example, ...] = ()
    told: tuple[Example, ...] = ()
    #: Codes that the route can refuse with, beyond those that follow from the rest (`codes_of`).
    codes: tuple[ErrorCode, ...] = ()
    open: bool = False


def codes_of(doc: Doc) -> tuple[ErrorCode, ...]:
    """Return every code that a route can refuse with, in the catalogue's order: what it says, and what all such do.

    Anything else that it refuses with is a broken promise, logged as `contract.undeclared_code`: no test lets one pass.
    """
    found = {*doc.codes, "gateway.internal"}
    if not doc.open:
        found.add("auth.unauthenticated")
    if doc.query is not None or doc.parameters:
        found.add("request.field_invalid")
    if doc.body is not None:
        found |= {"request.malformed", "request.too_large", "gateway.overloaded"}
        if doc.body is not bytes:
            found.add("request.field_invalid")
    return tuple(code for code in CATALOG if code in found)


def template(path: str) -> str:
    """Return an address as OpenAPI writes it: parameters without their types."""
    return re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
