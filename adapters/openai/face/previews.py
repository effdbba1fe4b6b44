"""`partial_images`: a job is asked for previews where somebody sends any, and made without them where nobody does.

OpenAI's promise is that the picture may come before as many previews as were wished, so none is a legal number. What a
dialect's servers must be told for previews its capability says (`Capability.preview_options`): nothing here names one.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from adapters.openai.face.asked import Ask
from adapters.openai.face.front import Front, SpecT
from adapters.openai.face.model import AUTO
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.codes import ErrorCode
from contracts.desk import Catalogue, Created
from contracts.face import Call
from contracts.spec import SpecBase, operation_of

_REFUSED: frozenset[ErrorCode] = frozenset(
    {"request.option_unsupported", "request.field_invalid", "routing.no_candidate"}
)


async def begin(
    front: Front, call: Call, caller: Caller, spec: SpecT, ask: Ask, *, meant: SpecBase | None = None
) -> Created:
    """Make the job of a stream, with previews if they are wished and somebody who can make it sends them."""
    meant = spec if meant is None else meant
    if ask.partials:
        for dialect, options in senders(front.desk.catalogue, caller, spec).items():
            try:
                told = structs.replace(spec, options={dialect: dict(options)})
                return await front.begin(call, caller, told, meant=meant)
            except CatalogError as refusal:
                if refusal.code not in _REFUSED:
                    raise
    return await front.begin(call, caller, spec, meant=meant)


def senders(catalogue: Catalogue, caller: Caller, spec: SpecBase) -> Mapping[str, Mapping[str, Any]]:
    """Return, by dialect, what those are told who could be meant and send previews when they are told."""
    aliases = {each.id: each.models for each in catalogue.aliases()}
    meant = None if spec.model == AUTO else aliases.get(spec.model, (spec.model,))
    operation = operation_of(spec)
    return {
        model.dialect: able.preview_options
        for model in catalogue.models(caller)
        if meant is None or model.id in meant
        for info in model.capabilities
        if (able := info.operations.get(operation)) is not None and able.previews and able.preview_options
    }
