"""The fields of a request, from JSON or from a form, read one by one and checked; what nobody reads is refused.

In JSON `null` is as good as not sent: the SDKs' types allow it. A form has only texts, which are read as what the
field must be (`"2"`, `"true"`).
"""

import re
from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec

from adapters.openai.face.said import invalid, missing, unknown, unsupported
from contracts.catalog import CatalogError
from contracts.face import Call

Word = TypeVar("Word", bound=str)
LONGEST_TEXT = 100_000
_NUMBER = re.compile(r"-?[0-9]{1,18}")


class Fields:
    """A body, read field by field; `done` refuses what is left."""

    def __init__(self, values: Mapping[str, Any], *, texts: bool = False) -> None:
        """Take what was sent; `texts`: everything is a text, as forms have it."""
        self._left = {name: value for name, value in values.items() if value is not None}
        self._texts = texts

    def take(self, name: str) -> Any:
        """Return a value as it was sent; None: it was not."""
        return self._left.pop(name, None)

    def text(self, name: str, *, longest: int = LONGEST_TEXT) -> str | None:
        """Return a text."""
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise invalid(name, "must be a string", reason="type")
        if len(value) > longest:
            raise invalid(name, f"may have at most {longest} characters", reason="too_long")
        return value

    def needed(self, name: str) -> str:
        """Return a text that must be there, and not blank."""
        value = self.text(name)
        if value is None:
            raise missing(name)
        if not value.strip():
            raise invalid(name, "is blank", reason="empty")
        return value

    def word(self, name: str, known: tuple[Word, ...]) -> Word | None:
        """Return one of the words that a field may be."""
        value = self.take(name)
        if value is None:
            return None
        found = next((each for each in known if each == value), None)
        if found is None:
            raise invalid(name, f"must be one of {', '.join(known)}", allowed=known)
        return found

    def whole(self, name: str, least: int, most: int) -> int | None:
        """Return a whole number within its range."""
        value = self.take(name)
        if self._texts and isinstance(value, str) and _NUMBER.fullmatch(value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            raise invalid(name, "must be a whole number", reason="type")
        if not least <= value <= most:
            raise invalid(name, f"must be from {least} to {most}", reason="range")
        return value

    def flag(self, name: str) -> bool:
        """Return a yes or no; not sent is no."""
        value = self.take(name)
        if self._texts and isinstance(value, str):
            value = {"true": True, "false": False}.get(value.lower(), value)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise invalid(name, "must be true or false", reason="type")
        return value

    def never(self, names: Collection[str]) -> None:
        """Refuse what OpenAI knows and nobody here can promise."""
        for name in self._left:
            root = name.partition("[")[0]
            if root in names:
                raise unsupported(root, "is not served here")

    def done(self) -> None:
        """Refuse what nobody has read, all of it."""
        if self._left:
            raise unknown(sorted(self._left))


def json_fields(call: Call) -> Fields:
    """Return the fields of a JSON body; raise for one that is none, or is not labelled so."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise CatalogError("request.malformed", "The body must be application/json.", status=415)
    try:
        body = msgspec.json.decode(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CatalogError("request.malformed", "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise CatalogError("request.malformed", "The body must be a JSON object.")
    return Fields(body)
