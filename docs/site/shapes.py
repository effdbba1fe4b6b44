"""JSON Schemas as tables for people: each field with its type, what holds of it, and what it means.

Types come from the schemas that the program itself enforces. Meanings come from `words.toml`, from the schema, or from
the `#:` comment above the field; a field without any fails the build.
"""

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

WORDS = Path(__file__).with_name("words.toml")
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "maxProperties": "at most {}",
    "pattern": "matches `{}`",
}
_NOT_EMPTY = {("minLength", 1), ("minItems", 1), ("pattern", r"\S")}


class WordsError(Exception):
    """A field that nobody explains, or an explanation of a field that is not there."""


class Shapes:
    """The schemas of one document, with the words for their fields."""

    def __init__(self, schemas: Mapping[str, Any], area: str, modules: tuple[str, ...]) -> None:
        """Take the schemas by name, the area of their words, and the modules whose comments explain them."""
        self.schemas = schemas
        self.words: dict[str, dict[str, str]] = tomllib.loads(WORDS.read_text())[area]
        self.comments = {name: fields for module in modules for name, fields in _comments(module)}

    def table(self, name: str, *, only: Mapping[str, Any] | None = None, defaults: bool = True) -> str:
        """Return the table of a shape, or of some of its fields; one that is required says so."""
        shape = self.schemas[name]
        required = shape.get("required", [])
        rows = ["| field | type | meaning |", "|---|---|---|"]
        for field, schema in (only or shape["properties"]).items():
            kind = self.kind(schema)
            about = [*self.bounds(schema), *(["**required**"] if field in required else [])]
            if defaults and schema.get("default") not in (None, {}, [], ()) and "$ref" not in schema:
                about.append(f"default `{plain(schema['default'])}`")
            told = "; ".join([self.meaning(name, field, schema), *about])
            rows.append(f"| `{field}` | {kind} | {cell(told)} |")
        return "\n".join(rows) + "\n"

    def meaning(self, name: str, field: str, schema: Mapping[str, Any]) -> str:
        """Return what a field means, from whoever says it."""
        said = self.words.get(name, {}).get(field) or _described(schema) or self.comments.get(name, {}).get(field)
        if said is None:
            msg = f"{WORDS.name}: nobody says what {name}.{field} means"
            raise WordsError(msg)
        return said

    def kind(self, schema: Mapping[str, Any]) -> str:
        """Return a schema's type in a few words; another shape becomes a link to its table on the same page."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return f"[{name}](#{name.lower()})" if name in self.linked else name
        if "enum" in schema:
            return " ".join(f"`{plain(each)}`" for each in schema["enum"] if each is not None)
        if "anyOf" in schema:
            return " or ".join(dict.fromkeys(self.kind(each) for each in schema["anyOf"] if each != {"type": "null"}))
        if schema.get("type") == "array":
            inner = self.kind(schema["items"]) if "items" in schema else "anything"
            return f"list of {inner}"
        if schema.get("type") == "object":
            values = schema.get("additionalProperties")
            return f"table of {self.kind(values)}" if isinstance(values, dict) else "table"
        return "time" if schema.get("format") == "date-time" else str(schema.get("type", "anything"))

    #: Shapes that have a table on the page that is being written.
    linked: frozenset[str] = frozenset()

    def bounds(self, schema: Mapping[str, Any]) -> Iterator[str]:
        """Yield what holds of a value beyond its type."""
        for each in (schema, *schema.get("anyOf", ())):
            for name, text in _BOUNDS.items():
                if (name, each.get(name)) in _NOT_EMPTY:
                    yield "not empty"
                elif name in each:
                    yield text.format(f"{each[name]:,}" if isinstance(each[name], int) else each[name])

    def check(self) -> None:
        """Refuse words about what is not there."""
        for name, fields in self.words.items():
            there = self.schemas.get(name, {}).get("properties", {})
            gone = [field for field in fields if field not in there]
            if gone:
                msg = f"{WORDS.name}: {name} has no {', '.join(gone)}"
                raise WordsError(msg)

    def about(self, name: str) -> str:
        """Return what a shape says of itself."""
        return str(self.schemas[name].get("description", "")).strip().replace("\n", " ")


def intro(name: str) -> list[str]:
    """Return the lines with which a page of the reference begins."""
    words: dict[str, str] = tomllib.loads(WORDS.read_text())["intro"][name]
    return [f"# {words['title']}", "", words["text"].strip(), ""]


def plain(value: Any) -> str:
    """Return a value as it is written in JSON, words without quotes."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def cell(text: str) -> str:
    """Return text that stays within its cell of a table; within code a bar needs no escape."""
    parts = re.split(r"(`[^`]*`)", text.replace("\n", " "))
    return "".join(part if part.startswith("`") else part.replace("|", "\\|") for part in parts)


def _described(schema: Mapping[str, Any]) -> str | None:
    for each in (schema, *schema.get("anyOf", ())):
        if "description" in each and "$ref" not in each:
            return str(each["description"])
    return None


def _comments(module: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the `#:` comments of a module's classes, by field; one comment counts for the field below it."""
    path = Path(*module.split(".")).with_suffix(".py")
    path = Path(__file__).parents[2] / path
    lines = path.read_text().splitlines()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            fields = [each for each in node.body if isinstance(each, ast.AnnAssign)]
            yield node.name, {ast.unparse(each.target): said for each in fields if (said := _above(lines, each.lineno))}


def _above(lines: list[str], number: int) -> str:
    said: list[str] = []
    for line in reversed(lines[: number - 1]):
        if not line.strip().startswith("#:"):
            break
        said.insert(0, line.strip().removeprefix("#:").strip())
    return " ".join(said)
