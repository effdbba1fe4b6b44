"""What a route says of itself for the OpenAPI document: data beside the handler, read by the overlay."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from contracts.codes import ErrorCode


class Parameter(Struct, frozen=True):
    """A parameter that is no field of the query's Struct."""

    name: str
    place: Literal["header", "query", "path"]
    description: str
    required: bool = False
    pattern: str | None = None


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
    codes: tuple[ErrorCode, ...] = ()
    open: bool = False
