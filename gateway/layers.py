"""Raw settings before they are typed: values of the environment, laid over those of a file."""

from typing import Any

import msgspec
from msgspec import inspect


def typed(value: Any, info: Any) -> Any:
    """Return a value with its texts turned into what the settings' types are, where `convert` would take them so."""
    match info:
        case inspect.Metadata():
            return typed(value, info.type)
        case inspect.StructType() if isinstance(value, dict):
            types = {field.encode_name: field.type for field in info.fields}
            return {name: typed(each, types.get(name)) for name, each in value.items()}
        case inspect.DictType() if isinstance(value, dict):
            return {name: typed(each, info.value_type) for name, each in value.items()}
        case inspect.IntType() | inspect.FloatType() | inspect.BoolType() if isinstance(value, str):
            kind = {inspect.IntType: int, inspect.FloatType: float}.get(type(info), bool)
            try:
                return msgspec.convert(value, kind, strict=False)
            except msgspec.ValidationError:
                return value
    return value


def put(raw: dict[str, Any], path: list[str], value: Any) -> None:
    """Lay a value into nested tables at its place; what is no table on the way stays for the types to refuse."""
    for name in path[:-1]:
        inner = raw.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        raw = inner
    raw[path[-1]] = value


def from_environment(value: str) -> Any:
    """Read lists and tables as JSON; everything else is text, turned into what the setting's type is."""
    if value[:1] in "[{":
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return value
