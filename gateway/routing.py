"""Which candidates could serve a spec, why each other one cannot, and who of them goes first.

It reads capabilities and states and nothing else, and it asks nobody: the same data drives refusal, routing, docs and
`dry_run`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct, UnsetType

from contracts.capability import Candidate, Capability, Discovery
from contracts.catalog import CatalogError, Fault, Rejection
from contracts.codes import ErrorCode
from contracts.desk import Caller
from contracts.fit import Fit, fit
from contracts.spec import Operation, Route, SpecBase, operation_of


class Served(Protocol):
    """What routing needs to know of a backend."""

    @property
    def name(self) -> str:
        """Its name in the settings."""

    @property
    def dialect_name(self) -> str:
        """What it speaks."""

    @property
    def priority(self) -> int:
        """The higher, the sooner it is chosen."""

    @property
    def trust(self) -> str:
        """Whether what it is sent stays here (`local`) or leaves (`external`)."""

    @property
    def exclusive_team(self) -> str | None:
        """The one team that may use it; None: every team."""

    @property
    def discovery(self) -> Discovery | None:
        """What it last said of itself."""

    def ready(self, account: str | None) -> bool:
        """Whether an account can work now."""

    def load(self, account: str | None) -> float:
        """How busy an account is; 1 is full."""


class Choice(Struct, frozen=True):
    """One candidate for one spec, and how the spec fits it."""

    candidate: Candidate
    capability: Capability
    fit: Fit
    backend: Served
    default_model: bool

    @property
    def fits(self) -> bool:
        """Whether nothing stands against it."""
        return not self.fit.mismatches

    def rejection(self) -> Rejection:
        """Return why it was not chosen."""
        first = self.fit.mismatches[0]
        return Rejection(
            backend=self.candidate.backend,
            account=self.candidate.account,
            model=self.candidate.full_model,
            code=first.code,
            reasons=tuple(mismatch.fault for mismatch in self.fit.mismatches),
        )


class Allow(Struct, frozen=True):
    """What a key may use (empty: everything), and whose it is: a backend may belong to another team."""

    backends: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    team: str | None = None

    def sees(self, backend: Served) -> bool:
        """Say whether a backend is there at all: another team's own is not."""
        return backend.exclusive_team in (None, self.team)

    def reaches(self, backend: Served) -> bool:
        """Say whether the key may use a backend."""
        return self.sees(backend) and (not self.backends or backend.name in self.backends)


def allow_of(caller: Caller) -> Allow:
    """Return what a caller may use."""
    return Allow(backends=caller.backends, models=caller.models, operations=caller.operations, team=caller.team)


class Router:
    """Chooses among the backends that there are."""

    def __init__(self, backends: Mapping[str, Served], aliases: Mapping[str, tuple[str, ...]]) -> None:
        """Take the backends by name, and the aliases of models."""
        self._backends = backends
        self._aliases = aliases

    def choices(self, spec: SpecBase, allow: Allow = Allow()) -> list[Choice]:  # noqa: B008
        """Return every candidate that the spec's route and model and the key leave over, fitting or not, best first."""
        operation = operation_of(spec)
        self._check_route(spec, allow)
        if allow.operations and operation not in allow.operations:
            raise CatalogError("auth.forbidden", f"This key may not use {operation}.")
        named = self._named(spec.model)
        fits: dict[tuple[int, str], Fit] = {}
        found: list[Choice] = []
        forbidden = False
        for backend, account, model, capability, default in self._offers(operation, allow):
            candidate = Candidate(backend.name, account, model)
            if (named is not None and candidate.full_model not in named) or not _routed(spec.route, candidate):
                continue
            if not _allowed(allow, backend, candidate):
                forbidden = True
                continue
            key = (id(capability), backend.dialect_name)
            if key not in fits:
                fits[key] = fit(spec, capability, backend.dialect_name)
            found.append(Choice(candidate, capability, fits[key], backend, default))
        if not found:
            raise self._nobody(spec, operation, named, allow, forbidden=forbidden)
        found.sort(key=_rank)
        return found

    def capable(self, spec: SpecBase, allow: Allow = Allow()) -> list[Choice]:  # noqa: B008
        """Return the candidates that fit, best first; raise the refusal with everybody's reasons if none does."""
        choices = self.choices(spec, allow)
        fitting = [choice for choice in choices if choice.fits]
        if not fitting:
            raise self._refusal(spec, choices, allow)
        return self._trusted(spec, fitting)

    def _offers(self, operation: Operation, allow: Allow) -> Iterable[tuple[Served, str | None, str, Capability, bool]]:
        for backend in self._backends.values():
            discovery = backend.discovery
            if discovery is None or not allow.sees(backend):
                continue
            for model in discovery.models:
                capability = model.operations.get(operation)
                if capability is not None:
                    yield backend, model.account, model.id, capability, model.default

    def _named(self, model: str) -> frozenset[str] | None:
        """Return the full names a model name stands for; None for `auto`."""
        if model == "auto":
            return None
        return frozenset(self._aliases.get(model, (model,)))

    def _check_route(self, spec: SpecBase, allow: Allow) -> None:
        route = spec.route
        if isinstance(route, UnsetType):
            return
        known = tuple(sorted(name for name, backend in self._backends.items() if allow.reaches(backend)))
        wrong = [
            Fault(pointer=f"/route/{name}/{at}", reason="enum", detail="no such backend", allowed=known)
            for name in ("backends", "exclude")
            for at, each in enumerate(getattr(route, name) or ())
            if each not in self._backends or not allow.sees(self._backends[each])
        ]
        if route.failover is True and spec.model != "auto" and spec.model not in self._aliases:
            wrong.append(
                Fault(
                    pointer="/route/failover",
                    reason="contradiction",
                    detail="a job for one named model cannot go to another: use auto or an alias",
                )
            )
        if wrong:
            raise CatalogError("request.field_invalid", wrong[0].detail, errors=tuple(wrong))

    def _trusted(self, spec: SpecBase, fitting: list[Choice]) -> list[Choice]:
        """Keep a job that a local backend could do from leaving, unless the caller or the alias named both."""
        route = spec.route
        explicit = spec.model != "auto" or (not isinstance(route, UnsetType) and bool(route.backends))
        local = [choice for choice in fitting if choice.backend.trust == "local"]
        return fitting if explicit or not local else local

    def _nobody(
        self, spec: SpecBase, operation: Operation, named: frozenset[str] | None, allow: Allow, *, forbidden: bool
    ) -> CatalogError:
        if forbidden:
            return CatalogError("auth.forbidden", "This key may not use this backend or model.")
        offered = {
            f"{backend.name}/{model.id}": model.operations
            for backend in self._backends.values()
            if backend.discovery is not None
            for model in backend.discovery.models
            if _allowed(allow, backend, Candidate(backend.name, model.account, model.id))
        }
        if not offered:
            return CatalogError(
                "routing.no_candidate", "No backend has been reached yet that says what it can do.", retry_after_s=5
            )
        capable = tuple(name for name, operations in offered.items() if operation in operations)
        if not capable:
            fault = Fault(pointer="/operation", reason="unsupported", detail=f"no backend here can do {operation}")
            return CatalogError("request.option_unsupported", fault.detail, errors=(fault,))
        if named is not None and not named & offered.keys():
            fault = Fault(pointer="/model", reason="enum", detail="no such model", allowed=tuple(sorted(offered)))
            return CatalogError(
                "request.model_unknown",
                f"There is no model {spec.model!r}.",
                errors=(fault,),
                available=tuple(sorted(offered)),
            )
        if named is not None and not named & set(capable):
            fault = Fault(pointer="/model", reason="unsupported", detail=f"cannot do {operation}", allowed=capable)
            return CatalogError(
                "request.model_incapable", f"{spec.model} cannot do {operation}.", errors=(fault,), capable=capable
            )
        fault = Fault(pointer="/route", reason="contradiction", detail="no candidate is left on this route")
        return CatalogError("request.field_invalid", fault.detail, errors=(fault,))

    def _refusal(self, spec: SpecBase, choices: Sequence[Choice], allow: Allow) -> CatalogError:
        rejections = tuple(choice.rejection() for choice in choices)
        codes: list[ErrorCode] = [rejection.code for rejection in rejections]
        code: ErrorCode = codes[0] if len(set(codes)) == 1 else "request.option_unsupported"
        seen: dict[str, Fault] = {}
        for rejection in rejections:
            for fault in rejection.reasons:
                seen.setdefault(fault.pointer, fault)
        faults = tuple(seen.values())
        facts: dict[str, Any] = {"supported_by": self._supporters(spec, allow)}
        limits = {c.candidate.backend: c.capability.references for c in choices}
        if code == "request.reference_too_many":
            facts |= {"limits_by_backend": limits, "limit": max(limits.values())}
        detail = f"{faults[0].pointer}: {faults[0].detail}"
        return CatalogError(code, detail, errors=faults, candidates=rejections, **facts)

    def _supporters(self, spec: SpecBase, allow: Allow) -> tuple[str, ...]:
        """Return the models that the key may use and that would take the spec as it is, route and model apart."""
        operation = operation_of(spec)
        names = {
            f"{backend.name}/{model}"
            for backend, account, model, capability, _default in self._offers(operation, allow)
            if _allowed(allow, backend, Candidate(backend.name, account, model))
            and not fit(spec, capability, backend.dialect_name).mismatches
        }
        return tuple(sorted(names))


def _routed(route: Route | UnsetType, candidate: Candidate) -> bool:
    if isinstance(route, UnsetType):
        return True
    if not isinstance(route.backends, UnsetType) and candidate.backend not in route.backends:
        return False
    if not isinstance(route.exclude, UnsetType) and candidate.backend in route.exclude:
        return False
    return isinstance(route.accounts, UnsetType) or candidate.account in route.accounts


def _allowed(allow: Allow, backend: Served, candidate: Candidate) -> bool:
    return allow.reaches(backend) and (not allow.models or candidate.full_model in allow.models)


def _rank(choice: Choice) -> tuple[bool, bool, int, int, bool, float]:
    """Order: fitting, healthy, fewer adjustments, priority, the default model, least load (contract.md, routing)."""
    candidate, backend = choice.candidate, choice.backend
    return (
        not choice.fits,
        not backend.ready(candidate.account),
        len(choice.fit.adjustments),
        -backend.priority,
        not choice.default_model,
        backend.load(candidate.account),
    )
