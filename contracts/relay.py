"""Governed pass-through: requests about a backend's own state, for the one team that the backend belongs to.

A dialect lists the addresses that may be passed, with what of a request goes on and what of its answer comes back
(security.md §5). Whatever is not on the list is not passed.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from msgspec import Struct

from contracts.caller import Caller


class RelayRoute(Struct, frozen=True, kw_only=True):
    """One address of a dialect's list. Names of headers are in lower case."""

    method: str
    template: str
    #: Names in the query, and headers, that go on.
    query: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    #: It makes the backend work for money: counted, and not reviewed by the gateway.
    spends: bool = False
    timeout_s: float = 30.0

    @property
    def name(self) -> str:
        """How logs and metrics call it."""
        return f"{self.method} {self.template}"


class RelayCall(Struct, frozen=True, kw_only=True):
    """One request for an address of the list: decoded parts of its path, and the body as it came."""

    route: RelayRoute
    params: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}
    body: bytes | None = None


class Relayed(Struct, frozen=True, kw_only=True):
    """What the backend answered, with nothing in it that the dialect's list does not allow."""

    status: int
    body: bytes
    media_type: str
    headers: Mapping[str, str] = {}


@runtime_checkable
class Relayer(Protocol):
    """An adapter whose backend has state of its own to show."""

    async def relay(self, call: RelayCall) -> Relayed:
        """Pass a request on in one exchange; raise `CatalogError` where no usable answer came."""


class Relay(Protocol):
    """The desk's part of it."""

    def backend(self, caller: Caller, dialect: str) -> str | None:
        """Return the backend of a dialect that belongs to the caller's team alone, and that its key may use."""

    async def send(self, caller: Caller, dialect: str, call: RelayCall) -> Relayed:
        """Pass a request on to that backend; raise `resource.not_found` when the team has none."""
