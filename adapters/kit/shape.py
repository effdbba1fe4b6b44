"""Shapes of JSON as data, and where a value is not of one. Pure; names nothing that a server wrote.

A shape is a word for a kind (`text`, `number`, `bool`, `object`, `list`, `null`, `any`; several with `|`), a mapping of
keys to shapes (`name?` may be missing, further keys are welcome), a list of one shape, or one of the classes here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct


class One(Struct, frozen=True):
    """One of some values."""

    values: tuple[Any, ...]

    def faults(self, value: Any, at: str) -> Iterator[str]:
        """Yield where a value is none of them; true is not 1 here."""
        if not any(type(each) is type(value) and each == value for each in self.values):
            yield f"{_here(at)} is none of the promised values"


class Like(Struct, frozen=True):
    """A text that a pattern describes from its beginning to its end."""

    pattern: str

    def faults(self, value: Any, at: str) -> Iterator[str]:
        """Yield where a value is no such text."""
        if not isinstance(value, str) or re.fullmatch(self.pattern, value) is None:
            yield f"{_here(at)} is not the promised text"


class Each(Struct, frozen=True):
    """An object whose keys are anybody's, and whose values are all of one shape."""

    shape: Any

    def faults(self, value: Any, at: str) -> Iterator[str]:
        """Yield where a value of it is of another shape."""
        if isinstance(value, dict):
            yield from _once(value.values(), self.shape, f"{at}{{}}")
        else:
            yield f"{_here(at)} is {kind(value)}, promised object"


class Either(Struct, frozen=True):
    """Any of some shapes."""

    shapes: tuple[Any, ...]

    def faults(self, value: Any, at: str) -> Iterator[str]:
        """Yield the faults by the shape that comes nearest, where it is none of them."""
        tried = [tuple(unlike(value, each, at)) for each in self.shapes]
        yield from min(tried, key=len)


def one(*values: Any) -> One:
    """Return the shape of one of some values."""
    return One(values)


def either(*shapes: Any) -> Either:
    """Return the shape of any of some shapes."""
    return Either(shapes)


def unlike(value: Any, shape: Any, at: str = "") -> Iterator[str]:
    """Yield where a value is not of a shape, naming only what the shape names."""
    if isinstance(shape, str):
        if shape != "any" and kind(value) not in shape.split("|"):
            yield f"{_here(at)} is {kind(value)}, promised {shape.replace('|', ' or ')}"
    elif isinstance(shape, One | Like | Each | Either):
        yield from shape.faults(value, at)
    elif isinstance(shape, Mapping):
        yield from _unlike_object(value, shape, at)
    else:
        yield from _unlike_list(value, shape, at)


def _unlike_list(value: Any, shape: Sequence[Any], at: str) -> Iterator[str]:
    if isinstance(value, list):
        yield from _once(value, shape[0], f"{at}[]")
    else:
        yield f"{_here(at)} is {kind(value)}, promised list"


def _once(values: Any, shape: Any, at: str) -> Iterator[str]:
    """Yield the faults of many values, each fault once."""
    yield from dict.fromkeys(fault for value in values for fault in unlike(value, shape, at))


def _unlike_object(value: Any, shape: Mapping[str, Any], at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{_here(at)} is {kind(value)}, promised object"
        return
    missing = []
    for name, inner in shape.items():
        key = name.removesuffix("?")
        where = f"{at}.{key}" if at else key
        if key in value:
            yield from unlike(value[key], inner, where)
        elif key == name:
            missing.append(where)
    if missing:
        strange = len(value.keys() - {name.removesuffix("?") for name in shape})
        hint = f" (there are {strange} that nobody promised)" if strange else ""
        yield f"missing: {', '.join(f'`{each}`' for each in missing)}{hint}"


def _here(at: str) -> str:
    return f"`{at}`" if at else "the answer"


def kind(value: Any) -> str:
    """Return the word for a value's kind."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int() | float():
            return "number"
        case str():
            return "text"
        case list():
            return "list"
        case _:
            return "object"
