"""A request as a job of the contract, and what of it is no demand.

The job says `adapt`, so that the gateway does itself what a backend cannot: another format, another compression, a
watermark, negative terms in words. A size that would only be met nearly is none of that: it is refused here.

A wish is left out where nobody can honour it: a size that the client did not name, and the note for a reviewer where
nobody reviews, which the answer says (`compliance: not_reviewed`). With `silent_fallbacks` style and character are
wishes too. Everything else is a demand: honoured, or refused.
"""

from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from adapters.imgen.face.asked import DEFAULT_QUALITY, Ask
from contracts.catalog import CatalogError, Fault
from contracts.desk import Explanation, Verdict
from contracts.media import Input, Size
from contracts.spec import ImageGenerate, OutputWish, Policy, Provenance, Route

#: Changes by the gateway that keep what was asked for; the pointers of the others are refused.
_KEPT = ("/output/", "/watermark", "/negative_prompt", "/prompt")
SIZE, NOTE, STYLE, CHARACTER = "/size", "/policy/prescreen_note", "/style", "/character"


class Wish(Struct, frozen=True):
    """A job to be, and the pointers of what may be left out of it."""

    spec: ImageGenerate
    soft: frozenset[str]


def wish(ask: Ask, model: str, run: str, *, lenient: bool) -> Wish:
    """Write the job."""
    mark = ask.mark
    spec = ImageGenerate(
        prompt=ask.tagged.text,
        negative_prompt=ask.negatives or UNSET,
        character=ask.character or UNSET,
        style=ask.style or UNSET,
        model=model,
        size=Size(width=ask.size.width, height=ask.size.height),
        output=_output(ask),
        inputs=(Input(role="watermark", data=mark),) if mark is not None else UNSET,
        watermark=ask.watermark if mark is not None else UNSET,
        policy=_policy(ask),
        provenance=Provenance(**ask.provenance) if ask.provenance else UNSET,
        on_unsupported="adapt",
        client_ref=run,
    )
    soft = {NOTE, *(() if ask.is_sized else (SIZE,)), *((STYLE, CHARACTER) if lenient else ())}
    return Wish(spec, frozenset(soft))


def _output(ask: Ask) -> OutputWish:
    # What a lossless encoder does with a quality is its own affair: only one that was chosen is sent.
    usual = UNSET if ask.format == "png" or ask.lossless else DEFAULT_QUALITY
    compression = usual if ask.quality is None else ask.quality
    return OutputWish(format=ask.format, compression=compression, lossless=True if ask.lossless else UNSET)


def _policy(ask: Ask) -> Policy | UnsetType:
    if ask.ruleset is None and ask.note is None:
        return UNSET
    return Policy(ruleset=ask.ruleset or UNSET, prescreen_note=ask.note or UNSET)


def chosen(told: Explanation) -> Verdict | None:
    """Return the first candidate that honours all of it."""
    able = (each for each in told.candidates if each.fits and not each.kept_local)
    return next((each for each in able if not _changed(each)), None)


def _changed(verdict: Verdict) -> set[str]:
    return {each.pointer for each in verdict.adjustments if not each.pointer.startswith(_KEPT)}


def left_out(told: Explanation, wished: Wish) -> frozenset[str]:
    """Return the wishes without which some candidate honours the rest; none: it is refused for what is a demand."""
    found = []
    for each in told.candidates:
        pointers = {_whole(fault.pointer) for fault in each.reasons} | _changed(each)
        if pointers and pointers <= wished.soft and not each.kept_local:
            found.append(frozenset(pointers))
    return min(found, key=len, default=frozenset())


def _whole(pointer: str) -> str:
    return SIZE if pointer.startswith(SIZE) else pointer


def without(wished: Wish, pointers: frozenset[str]) -> Wish:
    """Return the job without some wishes."""
    changes: dict[str, Any] = {}
    if SIZE in pointers:
        changes["size"] = UNSET
    if STYLE in pointers:
        changes["style"] = UNSET
    if CHARACTER in pointers:
        changes["character"] = UNSET
    policy = wished.spec.policy
    if NOTE in pointers and not isinstance(policy, UnsetType):
        ruleset = policy.ruleset
        changes["policy"] = UNSET if isinstance(ruleset, UnsetType) else Policy(ruleset=ruleset)
    return Wish(structs.replace(wished.spec, **changes), wished.soft - pointers)


def settled(spec: ImageGenerate, verdict: Verdict, ask: Ask) -> ImageGenerate:
    """Return the job for one candidate; a quality that nobody chose is no reason to encode its file anew."""
    output, again = spec.output, {each.pointer for each in verdict.adjustments}
    if ask.quality is None and "/output/compression" in again and "/output/format" not in again:
        output = OutputWish(format=ask.format, lossless=True if ask.lossless else UNSET)
    account = UNSET if verdict.account is None else (verdict.account,)
    return structs.replace(spec, model=verdict.model, route=Route(accounts=account), output=output)


def refusal(told: Explanation) -> CatalogError:
    """Return why the candidate that comes first cannot honour it."""
    first = told.candidates[0]
    if first.reasons:
        fault: Fault = first.reasons[0]
    else:
        pointer = min(_changed(first), default="/model")
        fault = Fault(pointer=pointer, reason="unsupported", detail="cannot be made as asked by this model")
    return CatalogError(first.code or "request.option_unsupported", fault.detail, errors=(fault,))
