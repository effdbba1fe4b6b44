"""How JavaScript reads what a client sends: ima2 runs on Node, and its quirks are its language's coercions."""

import math
import re
from typing import Any

_LEADING = re.compile(r"\s*([+-]?\d+)")
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]+\Z")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def truthy(value: Any) -> bool:
    """Say what `if (value)` says: an empty list or object is true."""
    if isinstance(value, dict | list):
        return True
    return bool(value) and value == value  # noqa: PLR0124 - NaN is false


def to_text(value: Any) -> str:
    """Return `String(value)`: an object as a prompt becomes `[object Object]` (wire §3)."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return str(tidy(value))
        case dict():
            return "[object Object]"
        case list():
            return ",".join("" if each is None else to_text(each) for each in value)
        case _:
            return str(value)


def parse_int(value: Any) -> int | None:
    """Return `parseInt(value)`, None for NaN: `"2"` and `"2x"` are 2 (wire §3)."""
    found = _LEADING.match(to_text(value))
    return int(found.group(1)) if found else None


def to_number(text: str) -> float | None:
    """Return `Number(text)`, None for what is not finite: `0x2` and an empty text are numbers (wire §9)."""
    stripped = text.strip()
    if not stripped:
        return 0.0
    if _HEXADECIMAL.match(stripped):
        return float(int(stripped, 16))
    if _DECIMAL.match(stripped):
        number = float(stripped)
        return number if math.isfinite(number) else None
    return None


def tidy(number: float) -> float:
    """Return a number as JSON.stringify writes it: without a fraction that is nought."""
    return int(number) if float(number).is_integer() else number


def fixed(seconds: float) -> str:
    """Return `seconds.toFixed(1)`."""
    return f"{seconds:.1f}"


def base36(number: int) -> str:
    """Return `number.toString(36)`."""
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits or "0"
