"""Model names: aliases and `<backend>/<id>`, as far as a key may use them for pictures or films."""

from collections.abc import Mapping
from typing import Any

from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Catalogue, Model
from contracts.spec import Operation

AUTO = "auto"
_MAKES: frozenset[Operation] = frozenset({"image.generate", "image.edit", "image.variation", "video.generate"})
#: Who owns an alias: it is a name of the gateway's own.
_GATEWAY = "triptych"
_LONGEST = 300


def meant(name: str | None) -> str:
    """Return what the contract calls a model; one that nobody named is the gateway's choice."""
    if name is None:
        return AUTO
    if not name or len(name) > _LONGEST:
        raise unknown(name[:_LONGEST])
    return name


def unknown(name: str) -> CatalogError:
    """Return the refusal of a name that stands for no model."""
    return CatalogError("request.model_unknown", f"The model {name!r} does not exist, or this key may not use it.")


def offered(catalogue: Catalogue, caller: Caller) -> Mapping[str, dict[str, Any]]:
    """Return what `GET /v1/models` shows, by name: aliases first.

    `created` is when the gateway last asked the backend (UTC, seconds): when a model was made nobody says.
    """
    usable = {each.id: _shown(each) for each in catalogue.models(caller) if _makes(each, caller)}
    aliases: dict[str, dict[str, Any]] = {}
    for alias in catalogue.aliases():
        created = [usable[name]["created"] for name in alias.models if name in usable]
        if created:
            aliases[alias.id] = {"id": alias.id, "object": "model", "created": max(created), "owned_by": _GATEWAY}
    return {**aliases, **usable}


def _makes(model: Model, caller: Caller) -> bool:
    allowed = _MAKES & set(caller.operations) if caller.operations else _MAKES
    return not allowed.isdisjoint(model.operations)


def _shown(model: Model) -> dict[str, Any]:
    created = 0 if model.discovered_at is None else int(model.discovered_at.timestamp())
    return {"id": model.id, "object": "model", "created": created, "owned_by": model.backend}
