"""Model names: what clients call models, and which of the gateway's is meant."""

from collections.abc import Sequence

from adapters.ima2.face.failure import check
from adapters.ima2.face.profile import GROK_MODELS, MODELS, VIDEO_MODELS
from contracts.caller import Caller
from contracts.desk import Catalogue, Model
from contracts.spec import Operation

AUTO = "auto"
#: ima2 clients send these although nobody chose them: their default is one of them.
KNOWN = frozenset((*MODELS, *GROK_MODELS, *VIDEO_MODELS))


def bare(model: str) -> str:
    """Return a model's name without its backend: the name that ima2 clients use."""
    return model.partition("/")[2]


def resolve(catalogue: Catalogue, caller: Caller, name: str | None, operation: Operation) -> str:
    """Return what the contract calls a model; `auto` for ima2's own names where no ima2 stands behind the gateway."""
    if name is None or name == AUTO:
        return AUTO
    offered = catalogue.models(caller)
    if any(alias.id == name for alias in catalogue.aliases()) or any(model.id == name for model in offered):
        return name
    named = [model for model in offered if bare(model.id) == name]
    able = [model for model in named if operation in model.operations]
    if able:
        return _best(catalogue, caller, able).id
    if name in KNOWN and not named:
        return AUTO
    if named:
        text = f"model {name} does not support {operation} here"
        raise check("IMAGE_MODEL_UNSUPPORTED", text, catalogue="request.model_incapable")
    known = dict.fromkeys(bare(model.id) for model in offered if operation in model.operations)
    code = "INVALID_GROK_VIDEO_MODEL" if operation == "video.generate" else "INVALID_IMAGE_MODEL"
    raise check(code, f"model must be one of: {', '.join(known)}", catalogue="request.model_unknown")


def _best(catalogue: Catalogue, caller: Caller, able: Sequence[Model]) -> Model:
    """Return the one of several backends' that can work now, and goes first."""
    views = {view.name: view for view in catalogue.backends(caller)}

    def rank(model: Model) -> tuple[bool, int]:
        view = views.get(model.backend)
        return (view is not None and any(account.ready for account in view.accounts), view.priority if view else 0)

    return max(able, key=rank)
