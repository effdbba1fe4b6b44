"""What JavaScript and SQLite make of a value between a request and a row (wire §4, §7.2).

Numbers are bound as floating point, so a text column shows 42 as `42.0`; numeric texts become numbers in numeric
columns; what cannot be bound is an error whose words a client sees as a 500.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from adapters.sdcpp.sandbox.fault import HandlerError

CANNOT_BIND = "SQLite3 can only bind numbers, strings, bigints, buffers, and null"
TOO_FEW = "Too few parameter values were provided"
TOO_MANY = "Too many parameter values were provided"
_WHOLE = re.compile(r"\s*([+-]?\d+)")
_DECIMAL = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")


def is_truthy(value: Any) -> bool:
    """Say whether JavaScript takes a value for true: an empty list or object is."""
    if isinstance(value, list | dict):
        return True
    return bool(value) and value is not UNSET and not (isinstance(value, float) and math.isnan(value))


def either(value: Any, otherwise: Any) -> Any:
    """Return `value || otherwise`."""
    return value if is_truthy(value) else otherwise


def given(*values: Any) -> Any:
    """Return the first value that is neither null nor undefined, else null: `a ?? b ?? null`."""
    return next((value for value in values if value is not None and value is not UNSET), None)


def bound(values: Sequence[Any]) -> list[Any]:
    """Return the values as they reach SQLite; raise `HandlerError` with the words of better-sqlite3.

    A list spreads over the columns and an object counts as named parameters, hence the errors about their number.
    """
    spread: list[Any] = []
    for value in values:
        if isinstance(value, dict):
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, bool | list | dict):
                raise HandlerError(CANNOT_BIND)
            spread.append(float(each) if isinstance(each, int) else each)
    if len(spread) != len(values):
        raise HandlerError(TOO_FEW if len(spread) < len(values) else TOO_MANY)
    return spread


def text(value: Any) -> str | None:
    """Return a bound value as a text column keeps it: 42 is `42.0`, 1e22 is `1.0e+22`."""
    if not isinstance(value, float):
        return None if value is None else str(value)
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa}{'' if '.' in mantissa else '.0'}{exponent}{power}"


def number(value: Any) -> Any:
    """Return a bound value as a numeric column keeps it and JavaScript shows it: `abc` stays a text."""
    if isinstance(value, str) and (found := _DECIMAL.fullmatch(value.rstrip())):
        value = float(found.group(1))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def parse_int(value: Any) -> int | None:
    """Return what `parseInt` reads at the beginning of a text, None for NaN."""
    found = _WHOLE.match(value if isinstance(value, str) else text(value) or "")
    return int(found.group(1)) if found else None


def parse_float(value: Any) -> float | None:
    """Return what `parseFloat` reads at the beginning of a text, None for NaN."""
    found = _DECIMAL.match(value if isinstance(value, str) else text(value) or "")
    return float(found.group(1)) if found else None
