"""A request as a job of the contract, and what of it is no demand.

Clients of foreign APIs send values that nobody chose: their server's own defaults. Such a value is a wish: it is asked
for, and where nobody can honour it, it is left out. Every other value is a demand: honoured, or refused.
"""

from typing import Any

from msgspec import UNSET, Struct, structs

from contracts.catalog import CatalogError, Rejection
from contracts.spec import JobSpec


class Wish(Struct, frozen=True):
    """A job to be, the pointers of what may be left out of it, and the dialect whose options it may carry."""

    spec: JobSpec
    soft: frozenset[str]
    dialect: str


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
    own = f"/options/{wished.dialect}"
    meant = {"/route": {"/route/accounts"}, own: {f"{own}/{name}" for name in options.get(wished.dialect, {})}}
    found = frozenset(each for pointer in pointers for each in meant.get(pointer, {pointer}))
    return found if found <= wished.soft else frozenset()


def without(wished: Wish, pointers: frozenset[str]) -> Wish:
    """Return the job without some wishes; a part of which nothing is left goes with them."""
    spec = wished.spec
    for pointer in pointers:
        name, *deeper = pointer.strip("/").split("/")
        spec = structs.replace(spec, **{name: _less(getattr(spec, name), deeper)})
    return structs.replace(wished, spec=spec, soft=wished.soft - pointers)


def _less(part: Any, path: list[str]) -> Any:
    if not path or part is UNSET:
        return UNSET
    name, *deeper = path
    if isinstance(part, dict):
        kept = {each: value for each, value in part.items() if each != name}
        inner = _less(part.get(name, UNSET), deeper)
        left: Any = kept if inner is UNSET else {**kept, name: inner}
        return left or UNSET
    smaller = structs.replace(part, **{name: _less(getattr(part, name), deeper)})
    empty = all(getattr(smaller, field.name) is UNSET for field in structs.fields(smaller))
    return UNSET if empty else smaller
