"""The program's help, its settings and its metrics, as pages."""

from collections.abc import Iterator, Mapping
from typing import Any

import click
import msgspec

from docs.site.shapes import Shapes, cell, intro
from gateway.cli import main
from gateway.ops.metrics import Metrics
from gateway.settings import Settings


def command_line() -> str:
    """Return the help of every command."""
    lines = [*intro("command-line")]
    for path, command in _commands(click.Context(main, info_name="triptych")):
        lines += [f"## {path.command_path}", "", "```text", command.get_help(path).strip(), "```", ""]
    return "\n".join(lines)


def _commands(context: click.Context) -> Iterator[tuple[click.Context, click.Command]]:
    command = context.command
    yield context, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None and not inner.hidden:
                # The width of help is that of the page, not of the terminal in which it is built.
                yield from _commands(click.Context(inner, parent=context, info_name=name, max_content_width=100))


def settings() -> str:
    """Return every setting with its default, section by section."""
    schemas: dict[str, Any] = msgspec.json.schema(Settings)["$defs"]
    shapes = Shapes(schemas, "settings", ("gateway.settings",))
    shapes.check()
    shapes.linked = frozenset({"SecretRef"})
    top = schemas["Settings"]["properties"]
    lines = [*intro("settings")]
    sections = {name: _section(schema) for name, schema in top.items()}
    alone = {name: schema for name, schema in top.items() if sections[name] is None}
    lines += ["## At the top", "", shapes.table("Settings", only=alone)]
    for name, section in sections.items():
        if section is not None:
            inner = name if "$ref" in top[name] or "allOf" in top[name] else f"{name}.NAME"
            lines += [f"## `[{inner}]`", "", shapes.about(section), "", shapes.table(section)]
    lines += ["## SecretRef", "", shapes.about("SecretRef"), "", shapes.table("SecretRef")]
    return "\n".join(lines)


def _section(schema: Mapping[str, Any]) -> str | None:
    """Return the shape that a top-level setting is made of: one table, or tables by name."""
    for each in (schema, schema.get("additionalProperties"), *schema.get("allOf", ()), *schema.get("anyOf", ())):
        if isinstance(each, dict) and "$ref" in each:
            return str(each["$ref"]).rpartition("/")[2]
    return None


def metrics() -> str:
    """Return every series that the gateway exports of itself."""
    lines = [
        *intro("metrics"),
        "| metric | type | labels | meaning |",
        "|---|---|---|---|",
    ]
    declared = Metrics()
    for value in vars(declared).values():
        if hasattr(value, "describe"):
            (family,) = value.describe()
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = " ".join(f"`{each}`" for each in value._labelnames) or "-"  # noqa: SLF001 - no other way
            lines.append(f"| `{name}` | {family.type} | {labels} | {cell(family.documentation)} |")
    return "\n".join(lines) + "\n"
