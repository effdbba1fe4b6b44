"""Model names: what Studio's clients call models, and which of the gateway's is meant."""

from collections.abc import Sequence

from msgspec import Struct

from adapters.sdcpp.capability import SAMPLING
from adapters.sdcpp.face.failure import Refused
from adapters.sdcpp.face.profile import KNOWN_MODELS
from adapters.sdcpp.face.wish import DIALECT
from contracts.caller import Caller
from contracts.codes import ErrorCode
from contracts.desk import Catalogue, Model
from contracts.spec import Operation

AUTO = "auto"
_PICTURES: tuple[Operation, ...] = ("image.generate", "image.edit", "image.variation")


class Offered(Struct, frozen=True, kw_only=True):
    """One model as Studio's clients see it: its bare name, whoever runs it."""

    id: str
    name: str
    operations: frozenset[Operation]
    default: bool
    ready: bool
    #: What of a generate is honoured, in Studio's words.
    parameters: tuple[str, ...]


def bare(model: str) -> str:
    """Return a model's name without its backend."""
    return model.partition("/")[2] or model


def offered(catalogue: Catalogue, caller: Caller) -> list[Offered]:
    """Return what makes pictures from words or pictures, each name once, the best backend's first."""
    found: dict[str, Offered] = {}
    for model, ready in _ranked(catalogue, caller):
        able = frozenset(each for each in model.operations if each in _PICTURES)
        known = found.get(bare(model.id))
        if able and known is None:
            found[bare(model.id)] = Offered(
                id=bare(model.id),
                name=model.label or bare(model.id),
                operations=able,
                default=model.default,
                ready=ready,
                parameters=_parameters(model),
            )
    return list(found.values())


def _parameters(model: Model) -> tuple[str, ...]:
    able = [made for info in model.capabilities if (made := info.operations.get("image.generate")) is not None]
    takes_seeds = any(each.seed_max is not None for each in able)
    samples = model.dialect == DIALECT and any(each.options is None for each in able)
    return (*(SAMPLING if samples else ()), "width", "height", *(("seed",) if takes_seeds else ()))


def default_of(models: Sequence[Offered], operation: Operation) -> Offered | None:
    """Return what serves an operation when no model is named."""
    able = [model for model in models if operation in model.operations]
    return next((model for model in able if model.default), able[0] if able else None)


def can(catalogue: Catalogue, caller: Caller, operation: Operation) -> bool:
    """Say whether anybody offers an operation."""
    return any(operation in model.operations for model in catalogue.models(caller))


def resolve(catalogue: Catalogue, caller: Caller, name: str | None, operation: Operation) -> str:
    """Return what the contract calls a model; `auto` for names that nobody chose where nobody has them."""
    if name is None or name in (AUTO, "none"):
        return AUTO
    ranked = [model for model, _ready in _ranked(catalogue, caller)]
    if any(alias.id == name for alias in catalogue.aliases()) or any(model.id == name for model in ranked):
        return name
    wanted = name.lower()
    named = [model for model in ranked if wanted in (bare(model.id).lower(), (model.label or "").lower())]
    able = next((model for model in named if operation in model.operations), None)
    if able is not None:
        return able.id
    if not named and name in KNOWN_MODELS:
        return AUTO
    known = ", ".join(dict.fromkeys(bare(model.id) for model in ranked if operation in model.operations))
    problem = "does not do this here" if named else "not found in configuration"
    detail = f"Model '{name}' {problem}. Available models: {known}"
    code: ErrorCode = "request.model_incapable" if named else "request.model_unknown"
    raise Refused(f"Invalid model: {name}", code=code, detail=detail)


def _ranked(catalogue: Catalogue, caller: Caller) -> list[tuple[Model, bool]]:
    """Return the models, those first that can work now and whose backend goes first, and whether they can."""
    views = {view.name: view for view in catalogue.backends(caller)}
    ready = {name: any(account.ready for account in view.accounts) for name, view in views.items()}
    models = [(model, ready.get(model.backend, False)) for model in catalogue.models(caller)]
    return sorted(models, key=lambda each: (each[1], views[each[0].backend].priority), reverse=True)
