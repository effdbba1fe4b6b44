"""A request as a job of the contract, and what of it is no demand.

ima2 clients send every field, chosen or not. A value that is ima2's own default is a wish: it is asked for, and where
nobody can honour it, it is left out and told in `warnings`, as ima2 tells that it took another quality. Every other
value is a demand: honoured, or refused in ima2's words.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, structs

from adapters.ima2.face.asked import Terms
from contracts.catalog import CatalogError, Rejection
from contracts.media import Input
from contracts.spec import ImageEdit, ImageGenerate, JobSpec, OutputWish, Policy, Route, Video, VideoGenerate

_STRICTNESS: Mapping[str, Any] = {"auto": "default", "low": "relaxed"}
#: What is told of a wish that was left out; the others change nothing that could be seen.
TOLD = {
    "/effort": ("QUALITY_DEFAULTED", "quality"),
    "/policy/strictness": ("MODERATION_DEFAULTED", "moderation"),
    "/size": ("SIZE_DEFAULTED", "size"),
    "/output/format": ("FORMAT_DEFAULTED", "format"),
    "/route/accounts": ("PROVIDER_DEFAULTED", "provider"),
    "/model": ("MODEL_DEFAULTED", "model"),
}
_OPTIONS = "/options/ima2"


class Wish(Struct, frozen=True):
    """A job to be, and the pointers of what may be left out of it."""

    spec: JobSpec
    soft: frozenset[str]


def wish(
    kind: type[ImageGenerate | ImageEdit | VideoGenerate],
    terms: Terms,
    *,
    model: str,
    inputs: tuple[Input, ...] = (),
    n: int = 1,
    options: Mapping[str, Any] | None = None,
    video: Video | None = None,
    request_id: str = "",
) -> Wish:
    """Write the job, with ima2's defaults as wishes."""
    soft = {"/optimize_prompt", f"{_OPTIONS}/web_search", *(f"{_OPTIONS}/{name}" for name in options or {})}
    chosen = dict(options or {})
    if terms.effort is not None:
        chosen["reasoning_effort"] = terms.effort
    if not terms.web_search:
        chosen["web_search"] = False
    defaults = (
        ("/effort", terms.is_usual_quality),
        ("/policy/strictness", True),
        ("/size", terms.shown_size == "1024x1024"),
        ("/output/format", terms.format == "png"),
        ("/route/accounts", terms.provider == "oauth"),
        (f"{_OPTIONS}/reasoning_effort", terms.effort == "medium"),
    )
    soft |= {pointer for pointer, is_default in defaults if is_default}
    accounts = (terms.provider,) if terms.provider in ("oauth", "api", "grok") else UNSET
    spec = kind(
        prompt=terms.prompt,
        model=model,
        # A client that waits is told at once that nobody can work; nobody waits here for a login.
        route=Route(require_healthy=True, accounts=accounts),
        size=UNSET if terms.size is None else terms.size,  # type: ignore[arg-type]
        n=UNSET if n == 1 else n,
        effort=terms.quality or UNSET,  # type: ignore[arg-type]
        output=UNSET if video else OutputWish(format=terms.format or UNSET, delivery="inline"),  # type: ignore[arg-type]
        inputs=inputs or UNSET,
        policy=Policy(strictness=_STRICTNESS[terms.moderation]) if terms.moderation else UNSET,
        optimize_prompt=False if terms.direct else UNSET,
        options={"ima2": chosen} if chosen else UNSET,
        video=video or UNSET,
        client_ref=request_id[:200] or UNSET,
    )
    return Wish(spec, frozenset(soft))


def left_out(error: CatalogError, wished: Wish) -> frozenset[str]:
    """Return the wishes without which some candidate fits; none: it is refused for what is a demand."""
    if error.code == "auth.forbidden" and "/route/accounts" in wished.soft and error.facts.get("reason") is None:
        return frozenset({"/route/accounts"})
    if error.code not in ("request.option_unsupported", "request.field_invalid"):
        return frozenset()
    rejections: tuple[Rejection, ...] = error.facts.get("candidates", ())
    reasons = [{fault.pointer for fault in each.reasons} for each in rejections]
    reasons = reasons or [{fault.pointer for fault in error.errors}]
    found = [pointers for each in reasons if (pointers := _wishes(each, wished))]
    return min(found, key=len) if found else frozenset()


def _wishes(pointers: set[str], wished: Wish) -> frozenset[str]:
    """Return what is in the way if all of it is only wished."""
    options = wished.spec.options if isinstance(wished.spec.options, dict) else {}
    meant = {"/route": {"/route/accounts"}, _OPTIONS: {f"{_OPTIONS}/{name}" for name in options.get("ima2", {})}}
    found = frozenset(each for pointer in pointers for each in meant.get(pointer, {pointer}))
    return found if found <= wished.soft else frozenset()


def without(wished: Wish, pointers: frozenset[str]) -> Wish:
    """Return the job without some wishes."""
    spec = wished.spec
    changes: dict[str, Any] = {}
    for pointer, name in (("/effort", "effort"), ("/size", "size"), ("/optimize_prompt", "optimize_prompt"),
                          ("/policy/strictness", "policy")):  # fmt: skip
        if pointer in pointers:
            changes[name] = UNSET
    if "/output/format" in pointers:
        changes["output"] = OutputWish(delivery="inline")
    if "/route/accounts" in pointers:
        changes["route"] = Route(require_healthy=True)
    gone = {each.removeprefix(f"{_OPTIONS}/") for each in pointers if each.startswith(_OPTIONS)}
    if gone and isinstance(spec.options, dict):
        kept = {name: value for name, value in spec.options.get("ima2", {}).items() if name not in gone}
        changes["options"] = {"ima2": kept} if kept else UNSET
    return Wish(structs.replace(spec, **changes), wished.soft - pointers)
