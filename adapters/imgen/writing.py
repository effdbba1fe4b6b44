"""Prompts that imgen writes: `optimize` enhances one, `random` makes one up. Orders in them become fields of their own.

The server takes and gives one text with `@name` and `-term`s in it; in the contract a prompt is words alone.
"""

import re

from msgspec import UNSET

from adapters.imgen.capability import ACTIVE_SYNTAX, TAGS, characters
from adapters.imgen.wire import Models, OptimizeRequest, RandomRequest
from contracts.catalog import CatalogError, Fault
from contracts.codes import ErrorCode
from contracts.prompts import PromptOrder, Written
from contracts.tags import Tagged, read, written

#: A language model writes: seconds.
WRITE_S = 60.0


def to_request(order: PromptOrder, models: Models) -> OptimizeRequest | RandomRequest:
    """Write the question; raise for an unknown character (it would be ignored) and for orders among the words."""
    character = order.character
    if character and character not in characters(models):
        raise _refusal(
            "request.field_invalid",
            Fault(pointer="/character", reason="enum", detail="no such character", allowed=characters(models)),
        )
    if order.kind == "random":
        return RandomRequest(character=UNSET if character is None else character)
    words = order.prompt or ""
    for pattern in ACTIVE_SYNTAX:
        found = re.search(pattern, words)
        if found is not None:
            token = found.group(found.lastindex or 0)
            detail = f"this backend reads {token!r} as a command, not as words; a character has its own field"
            raise _refusal(
                "request.option_unsupported",
                Fault(pointer="/prompt", reason="prompt_syntax", detail=detail, token=token),
            )
    model = order.model or next(iter(models.models), None)
    named = Tagged(text=words, characters=(character,) if character else ())
    return OptimizeRequest(prompt=written(named, TAGS), model=UNSET if model is None else model)


def _refusal(code: ErrorCode, fault: Fault) -> CatalogError:
    return CatalogError(code, fault.detail, errors=(fault,))


def to_written(order: PromptOrder, request: OptimizeRequest | RandomRequest, said: str, backend: str) -> Written:
    """Read the answer; raise `backend.bad_response` where it is not about the character that was asked for."""
    if isinstance(request, OptimizeRequest) and said.strip() == request.prompt.strip():
        return Written(prompt=order.prompt or "", character=order.character)
    tagged = read(said.strip(), TAGS)
    wanted = () if not order.character else (order.character,)
    open_choice = order.kind == "random" and order.character is None
    if not tagged.text or len(tagged.characters) > 1 or not (open_choice or tagged.characters == wanted):
        detail = "The backend wrote no prompt, or one about another character."
        raise CatalogError("backend.bad_response", detail, phase="optimize", backend=backend)
    return Written(
        prompt=tagged.text,
        character=next(iter(tagged.characters), None),
        negative_prompt=", ".join(tagged.terms) or None,
    )
