"""What of a foreign answer goes on: fields that are listed, and nothing else (security.md §5)."""

from collections.abc import Mapping
from typing import Any, Literal

#: True: the value as it is. A mapping: an object with these fields and no others, or a list of such. `*`: any name.
Shape = Literal[True] | Mapping[str, "Shape"]


def sift(value: Any, shape: Shape) -> Any:
    """Return a value without the fields that its shape does not name; what is no object where one should be is null."""
    if shape is True:
        return value
    if isinstance(value, list):
        return [sift(each, shape) for each in value]
    if not isinstance(value, dict):
        return None
    known = {name: shape.get(name, shape.get("*")) for name in value}
    return {name: sift(value[name], inner) for name, inner in known.items() if inner is not None}
