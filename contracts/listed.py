"""What there is, as a caller sees it: models by the names that callers use, aliases, and how each backend is."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from contracts.caller import Caller
from contracts.capability import ModelInfo
from contracts.codes import ErrorCode
from contracts.job import Moment
from contracts.spec import Operation


class Model(Struct, frozen=True, kw_only=True):
    """A model as callers name it, with what each of its accounts can do."""

    id: str
    backend: str
    dialect: str
    operations: tuple[Operation, ...]
    accounts: tuple[str, ...]
    capabilities: tuple[ModelInfo, ...]
    label: str | None = None
    default: bool = False
    sandbox: bool = False
    discovered_at: Moment | None = None


class Alias(Struct, frozen=True, kw_only=True):
    """A name that stands for one of several models."""

    id: str
    models: tuple[str, ...]


class AccountView(Struct, frozen=True, kw_only=True):
    """One account of a backend."""

    name: str
    ready: bool
    circuit: str
    in_flight: int
    code: ErrorCode | None = None
    detail: str | None = None


class DriftView(Struct, frozen=True, kw_only=True):
    """A promise of its dialect that a backend does not keep, in words of our own."""

    check: str
    route: str
    promised: str
    observed: str
    faults: tuple[str, ...] = ()


class ContractView(Struct, frozen=True, kw_only=True):
    """How a backend keeps its dialect's contract, by the last look at it (`verify.every_s`)."""

    checked_at: Moment
    checks: int
    profile: str | None = None
    drift: tuple[DriftView, ...] = ()


class BackendView(Struct, frozen=True, kw_only=True):
    """One backend: how it is, and how we know."""

    name: str
    dialect: str
    up: bool
    sandbox: bool
    trust: str
    priority: int
    max_concurrency: int
    in_flight: int
    queued: int
    models: tuple[str, ...]
    accounts: tuple[AccountView, ...] = ()
    profile: str | None = None
    evidence: str | None = None
    facts: Mapping[str, str] = {}
    version: str | None = None
    discovered_at: Moment | None = None
    last_error: ErrorCode | None = None
    base_url: str | None = None
    contract: ContractView | None = None


class Catalogue(Protocol):
    """What there is: models, backends, aliases."""

    def models(self, caller: Caller) -> Sequence[Model]:
        """Return every model the caller may use."""

    def aliases(self) -> Sequence[Alias]:
        """Return the aliases."""

    def backends(self, caller: Caller) -> Sequence[BackendView]:
        """Return every backend; details only for who may see them."""
