"""Bytes into values, with *every* thing that is wrong named at once, each by its JSON pointer.

msgspec stops at the first error. Its decoder is the fast path; only a body that fails is walked again here, along
the very types that refused it, so that the two can never disagree about what is legal.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from contracts.catalog import CatalogError, Fault, Reason

T = TypeVar("T")

#: Words that other APIs use for what this contract names otherwise.
HINTS = {
    "quality": "use effort (low, medium, high, auto) or output.compression (1-100): "
    "the bare word means one thing in one API and the other in another",
    "width": "use size.width",
    "height": "use size.height",
    "format": "use output.format",
    "negative": "use negative_prompt",
    "response_format": "use output.delivery",
    "references": "use inputs with role reference",
    "image": "use inputs with role source",
    "mask": "use inputs with role mask",
    "provider": "use route.accounts",
    "moderation": "use policy.strictness",
    "compliance_ruleset": "use policy.ruleset",
    "optimize": "use optimize_prompt",
}


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def decode(body: bytes, kind: type[T] | Any) -> T:
    """Return `body` as `kind`; raise `request.malformed`, or `request.field_invalid` with all its faults."""
    try:
        value: T = _decoder(kind).decode(body)  # type: ignore[arg-type]
    except msgspec.ValidationError as error:
        try:
            raw = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise CatalogError("request.malformed", "The body is not JSON.") from None
        raise invalid(faults(raw, kind) or (_unplaced(str(error)),)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        detail = "The body is empty; send JSON." if not body.strip() else "The body is not JSON."
        raise CatalogError("request.malformed", detail) from None
    return value


def convert(raw: object, kind: type[T], pointer: str = "") -> T:
    """Return already parsed `raw` as `kind`; the faults' pointers begin with `pointer`."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise invalid(faults(raw, kind, pointer) or (_unplaced(str(error)),)) from None


def invalid(found: tuple[Fault, ...]) -> CatalogError:
    """Return the error for one or more faults of fields."""
    first = found[0]
    detail = f"{first.pointer or 'The body'}: {first.detail}"
    if len(found) > 1:
        detail += f" (and {len(found) - 1} more)"
    return CatalogError("request.field_invalid", detail, errors=found)


def faults(raw: object, kind: Any, pointer: str = "") -> tuple[Fault, ...]:
    """Return everything that keeps `raw` from being a `kind`, in the order of the document."""
    return tuple(_walk(raw, inspect.type_info(kind), pointer))


def _unplaced(message: str) -> Fault:
    """Place what msgspec alone could see: the first of two members of one name is gone when the body is walked."""
    text, _, path = message.partition(" - at `")
    steps = re.findall(r"[^.\[\]`]+", path.partition("$")[2].partition("[...]")[0])
    return Fault(pointer="".join(f"/{step}" for step in steps), reason="format", detail=text)


def _join(pointer: str, name: object) -> str:
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def _type(pointer: str, wanted: str, value: object) -> Fault:
    return Fault(pointer=pointer, reason="type", detail=f"must be {wanted}, not {_name(value)}")


def _name(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a fraction" if isinstance(value, float) else "a number")


def _walk(value: object, info: inspect.Type, pointer: str) -> Iterator[Fault]:
    walker = _WALKERS.get(type(info))
    if walker is not None:
        yield from walker(value, info, pointer)


def _union(value: object, info: Any, pointer: str) -> Iterator[Fault]:
    members = info.types
    structs = [member for member in members if isinstance(member, inspect.StructType) and member.tag is not None]
    if structs and isinstance(value, dict):
        yield from _tagged(value, structs, pointer)
        return
    found = [list(_walk(value, member, pointer)) for member in members]
    if all(found):
        fitting = [faults for faults in found if any(f.pointer != pointer or f.reason != "type" for f in faults)]
        if len(members) == 1 or len(fitting) == 1:
            yield from (fitting or found)[0]
        else:
            wanted = " or ".join(dict.fromkeys(_wanted(member) for member in members))
            yield Fault(pointer=pointer, reason="type", detail=f"must be {wanted}")


def _wanted(info: inspect.Type) -> str:
    if isinstance(info, inspect.LiteralType):
        return " or ".join(repr(value) for value in info.values)
    names = {
        inspect.StructType: "an object",
        inspect.DictType: "an object",
        inspect.StrType: "a string",
        inspect.IntType: "an integer",
        inspect.FloatType: "a number",
        inspect.BoolType: "a boolean",
        inspect.NoneType: "null",
    }
    return names.get(type(info), "an array")


def _tagged(value: dict[str, object], structs: list[inspect.StructType], pointer: str) -> Iterator[Fault]:
    field = structs[0].tag_field or "type"
    tags = tuple(struct.tag for struct in structs)
    at = _join(pointer, field)
    if field not in value:
        yield Fault(pointer=at, reason="missing", detail=f"{field} is required", allowed=tags)
        return
    for struct in structs:
        if struct.tag == value[field]:
            yield from _struct(value, struct, pointer)
            return
    yield Fault(pointer=at, reason="enum", detail=f"must be one of {', '.join(map(str, tags))}", allowed=tags)


def _struct(value: object, info: Any, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _type(pointer, "an object", value)
        return
    known = {field.encode_name: field for field in info.fields}
    clean = True
    for name, item in value.items():
        if name in known:
            for fault in _walk(item, known[name].type, _join(pointer, name)):
                clean = False
                yield fault
        elif info.forbid_unknown_fields and name != info.tag_field:
            clean = False
            hint = HINTS.get(name)
            detail = f"there is no field {name!r} here" + (f": {hint}" if hint else "")
            yield Fault(
                pointer=_join(pointer, name), reason="unknown_field", detail=detail, allowed=tuple(sorted(known))
            )
    for name, field in known.items():
        if field.required and name not in value:
            clean = False
            yield Fault(pointer=_join(pointer, name), reason="missing", detail=f"{name} is required")
    if clean:
        try:
            msgspec.convert(value, info.cls)
        except msgspec.ValidationError as error:
            text = str(error).partition(" - at `")[0]
            yield Fault(pointer=pointer, reason="contradiction", detail=text)


def _collection(value: object, info: Any, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield _type(pointer, "an array", value)
        return
    yield from _length(len(value), info, pointer, "items")
    for index, item in enumerate(value):
        yield from _walk(item, info.item_type, _join(pointer, index))


def _mapping(value: object, info: Any, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _type(pointer, "an object", value)
        return
    yield from _length(len(value), info, pointer, "entries")
    for name, item in value.items():
        yield from _walk(name, info.key_type, _join(pointer, name))
        yield from _walk(item, info.value_type, _join(pointer, name))


def _string(value: object, info: Any, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, str):
        yield _type(pointer, "a string", value)
        return
    yield from _length(len(value), info, pointer, "characters")
    if info.pattern is not None and not re.search(info.pattern, value):
        what = "must not be blank" if info.pattern == r"\S" else f"must match {info.pattern}"
        yield Fault(pointer=pointer, reason="format", detail=what)


def _length(length: int, info: Any, pointer: str, unit: str) -> Iterator[Fault]:
    if info.max_length is not None and length > info.max_length:
        detail = f"must have at most {info.max_length} {unit}, has {length}"
        yield Fault(pointer=pointer, reason="too_long", detail=detail, limit=info.max_length)
    if info.min_length is not None and length < info.min_length:
        detail = f"must have at least {info.min_length} {unit}"
        yield Fault(pointer=pointer, reason="empty", detail=detail, limit=info.min_length)


def _number(value: object, info: Any, pointer: str) -> Iterator[Fault]:
    whole = isinstance(info, inspect.IntType)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        yield _type(pointer, "a whole number" if whole else "a number", value)
        return
    checks: tuple[tuple[str, str, Callable[[Any, Any], bool]], ...] = (
        ("ge", "at least", lambda number, bound: number >= bound),
        ("gt", "greater than", lambda number, bound: number > bound),
        ("le", "at most", lambda number, bound: number <= bound),
        ("lt", "less than", lambda number, bound: number < bound),
    )
    for name, words, holds in checks:
        bound = getattr(info, name)
        if bound is not None and not holds(value, bound):
            yield Fault(pointer=pointer, reason="range", detail=f"must be {words} {bound}", limit=bound)


def _boolean(value: object, _info: Any, pointer: str) -> Iterator[Fault]:
    if not isinstance(value, bool):
        yield _type(pointer, "a boolean", value)


def _literal(value: object, info: Any, pointer: str) -> Iterator[Fault]:
    if value not in info.values or isinstance(value, bool):
        reason: Reason = "enum" if isinstance(value, str) else "type"
        detail = f"must be one of {', '.join(map(str, info.values))}"
        yield Fault(pointer=pointer, reason=reason, detail=detail, allowed=tuple(info.values))


def _null(value: object, _info: Any, pointer: str) -> Iterator[Fault]:
    if value is not None:
        yield _type(pointer, "null", value)


def _metadata(value: object, info: Any, pointer: str) -> Iterator[Fault]:
    yield from _walk(value, info.type, pointer)


_WALKERS: dict[type[inspect.Type], Callable[[object, Any, str], Iterator[Fault]]] = {
    inspect.Metadata: _metadata,
    inspect.UnionType: _union,
    inspect.StructType: _struct,
    inspect.ListType: _collection,
    inspect.VarTupleType: _collection,
    inspect.DictType: _mapping,
    inspect.StrType: _string,
    inspect.IntType: _number,
    inspect.FloatType: _number,
    inspect.BoolType: _boolean,
    inspect.LiteralType: _literal,
    inspect.NoneType: _null,
}
