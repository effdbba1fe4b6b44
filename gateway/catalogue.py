"""What there is: models and their capabilities, aliases, and how each backend is."""

from collections.abc import Mapping, Sequence

from contracts.capability import ModelInfo
from contracts.desk import AccountView, Alias, BackendView, Caller, Model
from contracts.job import moment
from contracts.listed import ContractView, DriftView
from contracts.spec import OPERATIONS
from gateway.access.gate import need
from gateway.engine.backends import AccountState, Backend, Kept
from gateway.routing import allow_of


class CatalogueService:
    """See contracts.desk.Catalogue."""

    def __init__(self, backends: Mapping[str, Backend], aliases: Mapping[str, tuple[str, ...]]) -> None:
        """Take the backends and the aliases."""
        self._backends = backends
        self._aliases = aliases

    def models(self, caller: Caller) -> Sequence[Model]:
        """Return every model the caller may use, each once, with the capabilities of all its accounts."""
        need(caller, "jobs:read")
        found: list[Model] = []
        allow = allow_of(caller)
        for backend in filter(allow.reaches, self._backends.values()):
            by_id: dict[str, list[ModelInfo]] = {}
            for each in backend.discovery.models if backend.discovery is not None else ():
                by_id.setdefault(each.id, []).append(each)
            for name, infos in by_id.items():
                model = _model(backend, name, infos)
                if not caller.models or model.id in caller.models:
                    found.append(model)
        return found

    def aliases(self) -> Sequence[Alias]:
        """Return the aliases."""
        return [Alias(id=name, models=models) for name, models in self._aliases.items()]

    def backends(self, caller: Caller) -> Sequence[BackendView]:
        """Return every backend; details only for who may see them."""
        need(caller, "jobs:read")
        details = caller.may("ops:read")
        reached = filter(allow_of(caller).reaches, self._backends.values())
        return [_view(backend, details=details) for backend in reached]


def _model(backend: Backend, name: str, infos: Sequence[ModelInfo]) -> Model:
    able = {operation for info in infos for operation in info.operations}
    return Model(
        id=f"{backend.name}/{name}",
        backend=backend.name,
        dialect=backend.dialect_name,
        label=infos[0].label,
        operations=tuple(operation for operation in OPERATIONS if operation in able),
        accounts=tuple(info.account for info in infos if info.account is not None),
        capabilities=tuple(infos),
        default=any(info.default for info in infos),
        sandbox=backend.sandbox,
        discovered_at=None if backend.discovered_at is None else moment(backend.discovered_at),
    )


def _view(backend: Backend, *, details: bool) -> BackendView:
    discovery = backend.discovery
    return BackendView(
        name=backend.name,
        dialect=backend.dialect_name,
        up=backend.up,
        sandbox=backend.sandbox,
        trust=backend.trust,
        priority=backend.priority,
        max_concurrency=backend.settings.max_concurrency,
        in_flight=backend.in_flight,
        queued=backend.queued,
        models=tuple(dict.fromkeys(model.id for model in discovery.models)) if discovery is not None else (),
        profile=discovery.profile if discovery is not None else None,
        evidence=discovery.evidence if discovery is not None else None,
        accounts=tuple(_account(account, details=details) for account in backend.accounts),
        facts=discovery.facts if discovery is not None and details else {},
        version=discovery.version if discovery is not None and details else None,
        discovered_at=None if backend.discovered_at is None else moment(backend.discovered_at),
        last_error=backend.last_code if details else None,
        base_url=backend.address if details else None,
        contract=_contract(backend.kept) if details and backend.kept is not None else None,
    )


def _contract(kept: Kept) -> ContractView:
    report = kept.report
    return ContractView(
        checked_at=moment(kept.at),
        checks=len(report.results),
        profile=report.profile,
        drift=tuple(
            DriftView(
                check=each.check,
                route=each.route,
                promised=each.promised,
                observed=each.observed,
                faults=each.faults,
            )
            for each in report.drift
        ),
    )


def _account(account: AccountState, *, details: bool) -> AccountView:
    return AccountView(
        name=account.name or "default",
        ready=account.ready,
        circuit="open" if account.breaker.is_open else "closed",
        in_flight=account.in_flight,
        code=account.code or account.breaker.last_code,
        detail=account.detail if details else None,
    )
