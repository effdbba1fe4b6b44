"""Faults: rows of the error catalogue that a sandbox brings about, armed by tests from outside.

A scenario forces an outcome by the name that it has in one dialect. A fault names the catalogue's code, and the
sandbox knows which of its outcomes the gateway calls by it: a table beside its tokens. Like everything under
`/_sandbox` this is no part of the emulated API, and a sandbox listens on loopback alone.
"""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta, Struct

from adapters.kit.scenario import Fault
from contracts.codes import ErrorCode
from contracts.spec import Operation


class Provoke(Struct, frozen=True):
    """The outcome that a code is brought about by."""

    outcome: str
    argument: str | None = None
    #: The argument is a time: so many seconds as the caller's clock counts them, whatever the sandbox's speed.
    lasts_s: float | None = None

    def at(self, speed: float) -> str | None:
        """Return the outcome's argument on a sandbox of a speed."""
        return self.argument if self.lasts_s is None else f"{self.lasts_s * speed:g}"


class Provocations(Struct, frozen=True, kw_only=True):
    """What one sandbox can be made to answer with, and on which routes work begins there."""

    codes: Mapping[ErrorCode, Provoke]
    #: Begins of `METHOD /path`, or all of it where one ends with `$`.
    works: Mapping[Operation, tuple[str, ...]]


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fault as it is wished for: the next so many works, or all of them until it is put down."""

    code: ErrorCode
    times: Annotated[int, Meta(ge=1)] | None = None
    operation: Operation | None = None


class UnprovokableError(ValueError):
    """A fault that this sandbox cannot bring about, and why."""


def armed(wish: Wish, provocations: Provocations, *, speed: float) -> Fault:
    """Return the fault that is wished for; raise `UnprovokableError` for one that cannot be brought about."""
    provoke = provocations.codes.get(wish.code)
    if provoke is None:
        raise UnprovokableError(f"no outcome of this sandbox is {wish.code}; there are {', '.join(provocations.codes)}")
    works = provocations.works
    if wish.operation is not None and wish.operation not in works:
        raise UnprovokableError(f"{wish.operation} is no work of this sandbox; there are {', '.join(works)}")
    routes = works[wish.operation] if wish.operation is not None else sum(works.values(), ())
    return Fault(code=wish.code, outcome=provoke.outcome, argument=provoke.at(speed), routes=routes, times=wish.times)
