"""What a key may use, as imgen lists it (`models`), and which model of the gateway's a name means."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from adapters.imgen.face.said import Refused
from contracts.caller import Caller
from contracts.capability import Capability
from contracts.desk import Catalogue, Model

AUTO = "auto"
#: The model of the seed's own examples, which its clients send when nobody chose one (`model="eros"`).
EXAMPLE = "eros"
_OPERATION = "image.generate"


def bare(model: str) -> str:
    """Return a model's name without its backend: the key that imgen's clients use."""
    return model.partition("/")[2]


def offered(catalogue: Catalogue, caller: Caller) -> dict[str, list[Model]]:
    """Return what makes pictures from words, by key: backends that can work and go first come first."""
    views = {view.name: view for view in catalogue.backends(caller)}

    def rank(model: Model) -> tuple[bool, int, bool]:
        view = views.get(model.backend)
        ready = view is not None and any(account.ready for account in view.accounts)
        return not ready, -(view.priority if view is not None else 0), not model.default

    found: dict[str, list[Model]] = {}
    able = [each for each in catalogue.models(caller) if _OPERATION in each.operations]
    for each in sorted(able, key=rank):
        found.setdefault(bare(each.id), []).append(each)
    for alias in catalogue.aliases():
        meant = [each for each in able if each.id in alias.models]
        if meant:
            found[alias.id] = meant
    return found


def resolve(catalogue: Catalogue, caller: Caller, name: str | None, *, lenient: bool) -> str:
    """Return what the contract calls a model; an unknown one is refused, or with `lenient` whichever fits.

    The seed's clients always send `eros`: where there is none it is nobody's choice, and the answer says who serves.
    """
    if name is None or name == AUTO:
        return AUTO
    known = offered(catalogue, caller)
    if any(alias.id == name for alias in catalogue.aliases()) and name in known:
        return name
    if name in known:
        return known[name][0].id
    if any(each.id == name for models in known.values() for each in models):
        return name
    if lenient or name == EXAMPLE:
        return AUTO
    raise Refused("Invalid model", f"must be one of {', '.join(known)}", code="request.model_unknown")


def listing(catalogue: Catalogue, caller: Caller) -> dict[str, Any]:
    """Return the answer to `models`: the first one is what is taken when none is named, if it can honour the rest."""
    known = offered(catalogue, caller)
    return {
        "characters": characters(known.values()),
        "models": {name: _shown(models[0]) for name, models in known.items()},
    }


def characters(models: Iterable[Sequence[Model]]) -> list[str]:
    """Return every character that some model knows, once."""
    capabilities = (each for several in models for model in several for each in _capabilities(model))
    return list(dict.fromkeys(name for each in capabilities for name in each.characters or ()))


def _capabilities(model: Model) -> list[Capability]:
    return [each.operations[_OPERATION] for each in model.capabilities if _OPERATION in each.operations]


def _shown(model: Model) -> Mapping[str, Any]:
    can = _capabilities(model)[0]
    return {
        "label": model.label or bare(model.id),
        "default_style": can.default_style,
        "styles": {name: {"label": name.replace("-", " ").replace("_", " ").title()} for name in can.styles or ()},
    }
