"""Every constraint of a type, broken one at a time: read off the type itself, so that none can be forgotten."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import inspect

from contracts.media import Input, Size

#: What a struct needs beyond its required fields to be one whole thing.
WHOLE: dict[type, dict[str, Any]] = {Size: {"width": 64, "height": 64}, Input: {"asset_id": "ast_1"}}
#: Text that no pattern of the contract takes, but for the one that only wants something to be there.
STRANGE = "!"


class Violation(NamedTuple):
    """A value with one thing wrong in it, where that is, and the reasons that must be told."""

    value: Any
    pointer: str
    reasons: tuple[str, ...]


def sample(info: inspect.Type) -> Any:
    """Return a legal value of a type."""
    match info:
        case inspect.Metadata():
            return sample(info.type)
        case inspect.UnionType():
            return sample(info.types[0])
        case inspect.StructType():
            needed = {field.encode_name: sample(field.type) for field in info.fields if field.required}
            tag = {info.tag_field: info.tag} if info.tag_field else {}
            return {**tag, **needed, **WHOLE.get(info.cls, {})}
        case inspect.LiteralType():
            return info.values[0]
        case inspect.StrType():
            return {"^https://": "https://a", r"^[A-Za-z0-9._-]+$": "a"}.get(
                info.pattern or "", "a" * (info.min_length or 1)
            )
        case inspect.IntType() | inspect.FloatType():
            return max(info.ge or 0, 0) or 1
        case inspect.BoolType():
            return True
        case inspect.VarTupleType():
            return [sample(info.item_type)] * (info.min_length or 0)
        case inspect.DictType():
            return {}
    raise AssertionError(info)


def violations(info: inspect.Type, pointer: str = "") -> Iterator[Violation]:
    """Break each constraint of a type, and of everything in it, one at a time."""
    match info:
        case inspect.Metadata():
            yield from violations(info.type, pointer)
        case inspect.UnionType():
            yield Violation(5, pointer, ("type",))
            yield Violation([], pointer, ("type",))
            yield Violation("?", pointer, ("enum",))
            yield from (each for each in violations(info.types[0], pointer) if each.pointer != pointer)
        case inspect.StructType():
            yield from _of_struct(info, pointer)
        case inspect.LiteralType():
            yield Violation("?", pointer, ("enum",))
            yield Violation(5, pointer, ("type",))
            yield Violation(None, pointer, ("type",))
        case inspect.StrType():
            yield from _of_text(info, pointer)
        case inspect.IntType() | inspect.FloatType():
            yield from _of_number(info, pointer)
        case inspect.BoolType():
            yield from (Violation(each, pointer, ("type",)) for each in (1, "true", None))
        case inspect.VarTupleType():
            yield from _of_list(info, pointer)
        case inspect.DictType():
            yield from _of_mapping(info, pointer)


def _of_struct(info: inspect.StructType, pointer: str) -> Iterator[Violation]:
    whole = sample(info)
    if pointer:
        yield from (Violation(each, pointer, ("type",)) for each in ("x", [], None))
    yield Violation({**whole, "surplus": 1}, f"{pointer}/surplus", ("unknown_field",))
    for field in info.fields:
        name = field.encode_name
        if field.required:
            yield Violation({k: v for k, v in whole.items() if k != name}, f"{pointer}/{name}", ("missing",))
        for value, at, reasons in violations(field.type, f"{pointer}/{name}"):
            yield Violation({**whole, name: value}, at, reasons)


def _of_text(info: inspect.StrType, pointer: str) -> Iterator[Violation]:
    yield from (Violation(each, pointer, ("type",)) for each in (5, True, None, ["a"], {}))
    if info.max_length is not None:
        yield Violation(str(sample(info)).ljust(info.max_length + 1, "a"), pointer, ("too_long",))
    if info.min_length:
        fits_pattern = info.pattern is None
        yield Violation("", pointer, ("empty",) if fits_pattern else ("empty", "format"))
    if info.pattern is not None:
        yield Violation(" " if info.pattern == r"\S" else STRANGE, pointer, ("format",))


def _of_number(info: inspect.IntType | inspect.FloatType, pointer: str) -> Iterator[Violation]:
    yield from (Violation(each, pointer, ("type",)) for each in ("1", True, None, []))
    if isinstance(info, inspect.IntType):
        yield from (Violation(each, pointer, ("type",)) for each in (1.5, 1.0))
    for bound, beyond in ((info.ge, -1), (info.gt, 0), (info.le, 1), (info.lt, 0)):
        if bound is not None:
            yield Violation(int(bound) + beyond, pointer, ("range",))


def _of_list(info: inspect.VarTupleType, pointer: str) -> Iterator[Violation]:
    yield from (Violation(each, pointer, ("type",)) for each in ("x", {}, None))
    item = sample(info.item_type)
    if info.min_length:
        yield Violation([], pointer, ("empty",))
    if info.max_length is not None:
        yield Violation([item] * (info.max_length + 1), pointer, ("too_long",))
    for value, at, reasons in violations(info.item_type, f"{pointer}/1"):
        yield Violation([item, value], at, reasons)


def _of_mapping(info: inspect.DictType, pointer: str) -> Iterator[Violation]:
    yield from (Violation(each, pointer, ("type",)) for each in ("x", [], None))
    if isinstance(info.value_type, inspect.AnyType):
        return
    item = sample(info.value_type)
    if info.max_length is not None:
        yield Violation({f"k{at}": item for at in range(info.max_length + 1)}, pointer, ("too_long",))
    for value, at, reasons in violations(info.key_type):
        if isinstance(value, str):
            yield Violation({value: item}, f"{pointer}/{value}{at}", reasons)
    for value, at, reasons in violations(info.value_type, f"{pointer}/k"):
        yield Violation({"k": value}, at, reasons)
