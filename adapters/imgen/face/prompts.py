"""`optimize` and `random`, and the `optimize` of `generate`: prompts by whichever backend writes them.

Without one `optimize` fails, as the seed's does when its language model is away. `random` then has a word list of its
own, and says so (`source`): a drawn lot is no enhancement, but a prompt like any other.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, structs

from adapters.imgen.face import model
from adapters.imgen.face.asked import SYNTAX, Ask, Fields
from adapters.imgen.face.front import Front, Settled
from adapters.imgen.face.said import Refused, refused
from adapters.imgen.face.wish import chosen
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Call
from contracts.prompts import OptimizeAsk, PromptMade, RandomAsk
from contracts.tags import Tagged, read, written

_SUBJECTS = (
    "a lighthouse on a cliff", "a fox in fresh snow", "an old bicycle against a wall", "a market at closing",
    "a mountain hut", "a sailing boat at anchor", "a greenhouse full of ferns", "a tram in the rain",
)  # fmt: skip
_LIGHTS = ("at dawn", "under an overcast sky", "in warm side light", "at blue hour", "in dappled shade")
_MANNERS = ("wide composition", "close up", "seen from above", "shallow depth of field", "muted colours")
WORD_LIST = "word list of the gateway"


async def optimize(front: Front, _call: Call, caller: Caller, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a richer prompt, with its character and its terms in their places; the same one if nothing changed."""
    fields = Fields(body, lenient=front.lenient)
    prompt = fields.prompt()
    tagged = read(prompt, SYNTAX)
    if not tagged.text.strip():
        # Names and terms alone: there is nothing to enhance.
        return {"prompt": prompt}
    _check_names(front, caller, tagged)
    meant = model.resolve(front.desk.catalogue, caller, fields.name("model"), lenient=front.lenient)
    made = await _rewritten(front, caller, tagged, meant)
    if made is None:
        raise _failed("no backend that this key may use enhances prompts for this model")
    return {"prompt": prompt if made == tagged else written(made, SYNTAX)}


async def enhanced(front: Front, caller: Caller, ask: Ask, found: Settled) -> tuple[Ask, Settled]:
    """Have a prompt rewritten before its run begins (seed: `optimize`), by whoever makes the picture.

    A backend that rewrites prompts itself while it draws is told to; where neither is, it fails as `optimize` does.
    """
    try:
        made = await _rewritten(front, caller, ask.tagged, found.model)
    except CatalogError as error:
        raise refused(error, "optimize") from None
    if made is not None:
        spec = structs.replace(found.spec, prompt=made.text)
        return structs.replace(ask, tagged=made), structs.replace(found, spec=spec)
    spec = structs.replace(found.spec, optimize_prompt=True)
    if chosen(await front.desk.jobs.explain(caller, spec)) is None:
        raise _failed("this model enhances no prompts")
    return ask, structs.replace(found, spec=spec)


async def _rewritten(front: Front, caller: Caller, tagged: Tagged, meant: str) -> Tagged | None:
    """Return the prompt with other words; None where nobody writes."""
    character = tagged.characters[0] if tagged.characters else UNSET
    try:
        made = await front.desk.prompts.optimize(
            caller, OptimizeAsk(prompt=tagged.text, model=meant, character=character)
        )
    except CatalogError as error:
        if error.code == "request.option_unsupported" and _points_at(error, "/model"):
            return None
        raise
    # What came is only words here: the names and the terms stay the client's own.
    text = read(made.prompt, SYNTAX).text.strip()
    return structs.replace(tagged, text=text) if made.changed and text else tagged


async def random(front: Front, _call: Call, caller: Caller, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a prompt of somebody's making. An unknown character is as good as none named (seed, "action: random")."""
    known = model.characters(model.offered(front.desk.catalogue, caller).values())
    given = body.get("character")
    if given != "" and given not in known:
        given = None
    try:
        made = await front.desk.prompts.random(caller, RandomAsk(character=UNSET if given is None else given))
    except CatalogError as error:
        if error.code != "request.option_unsupported":
            raise
        return {"prompt": _drawn(front, known if given is None else [given]), "source": WORD_LIST}
    return {"prompt": _put_together(made)}


def _put_together(made: PromptMade) -> str:
    tagged = read(made.prompt, SYNTAX)
    names = tagged.characters or (() if made.character is None else (made.character,))
    unwanted = (made.negative_prompt or "").split(",")
    terms = (*tagged.terms, *(each.strip() for each in unwanted if each.strip()))
    return written(Tagged(text=tagged.text, characters=names[:1], terms=tuple(dict.fromkeys(terms))), SYNTAX)


def _drawn(front: Front, characters: list[str]) -> str:
    def one(choices: tuple[str, ...]) -> str:
        return choices[int(front.settings.token(8), 16) % len(choices)]

    names = (one(tuple(characters)),) if any(characters) else ()
    text = ", ".join(one(choices) for choices in (_SUBJECTS, _LIGHTS, _MANNERS))
    return written(Tagged(text=text, characters=names), SYNTAX)


def _check_names(front: Front, caller: Caller, tagged: Tagged) -> None:
    if front.lenient or not tagged.characters:
        return
    known = model.characters(model.offered(front.desk.catalogue, caller).values())
    if len(tagged.characters) > 1 or tagged.characters[0] not in known:
        raise Refused("Invalid character")


def _points_at(error: CatalogError, pointer: str) -> bool:
    return any(fault.pointer == pointer for fault in error.errors)


def _failed(detail: str) -> Refused:
    return Refused("Enhancement failed", detail, status=502, code="request.option_unsupported")
