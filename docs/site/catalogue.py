"""The error catalogue and every native complaint that leads to it, as pages."""

from collections.abc import Mapping
from typing import Any

from contracts.codes import CATALOG
from contracts.port import Dialect
from docs.site.shapes import Shapes, cell, intro

SHAPES = ("Problem", "Fault", "Native", "Rejection")
OUTCOMES = {
    "not_started": "nothing was made, nothing is billed",
    "unknown": "it may have been made, and may still be billed: nobody can tell",
    "finished_no_result": "the work ended, and left nothing that could be used",
    "finished_blocked": "a result exists, and is withheld",
    "not_applicable": "no work was meant",
}
RETRIES = {
    "same": "the same request again, after a wait",
    "other": "another backend",
    "edit": "a changed request",
    "never": "nothing helps",
}
RETRYING = """\
`X-Should-Retry: true` means: `same` is among the retries, and the outcome is `not_started` or `finished_no_result`. An
unknown outcome never invites anybody to pay again."""
#: What a row asks of an answer; everything else in it says what the answer means.
_CONDITIONS = ("route", "profile", "state", "status", "shape", "code", "upstream", "param", "error_class", "text")


def errors(shapes: Shapes) -> str:
    """Return the catalogue: all codes, then each with what its caller does."""
    shapes.linked = frozenset(SHAPES)
    lines = [
        *intro("errors"),
        "| code | HTTP | blame | retry | outcome |",
        "|---|---|---|---|---|",
    ]
    for row in CATALOG.values():
        anchor = row.code.replace(".", "")
        lines.append(
            f"| [`{row.code}`](#{anchor}) | {row.status} | {row.blame} | {' '.join(row.retry)} | `{row.outcome}` |"
        )
    lines += ["", "## What the words mean", "", "| outcome | what an error leaves behind |", "|---|---|"]
    lines += [f"| `{name}` | {text} |" for name, text in OUTCOMES.items()]
    lines += [
        "",
        "| retry | what can help |",
        "|---|---|",
        *(f"| `{name}` | {text} |" for name, text in RETRIES.items()),
    ]
    lines += ["", RETRYING, "", "## Each code", ""]
    for row in CATALOG.values():
        others = f" (also {', '.join(map(str, row.other_statuses))})" if row.other_statuses else ""
        lines += [f"### `{row.code}`", "", f"{row.title}. HTTP {row.status}{others}. {row.action}", ""]
    for name in SHAPES:
        lines += [f"## {name}", "", shapes.about(name), "", shapes.table(name, defaults=False)]
    return "\n".join(lines)


def native(dialects: Mapping[str, Dialect]) -> str:
    """Return every row of the dialects' error tables, in the order in which they are asked."""
    lines = [*intro("native-errors")]
    for name, dialect in sorted(dialects.items()):
        rows = [] if dialect.error_rows is None else list(dialect.error_rows())
        if rows:
            lines += [f"## {name}", "", "| code | outcome | when |", "|---|---|---|", *map(_row, rows), ""]
    return "\n".join(lines)


def _row(row: Mapping[str, Any]) -> str:
    when = [f"{name} {_shown(row[name])}" for name in _CONDITIONS if row.get(name)]
    rest = sorted(set(row) - {*_CONDITIONS, "to", "outcome", "refinements"})
    facts = [f"{name} {_shown(row[name])}" for name in rest]
    code = f"`{row['to']}`" + (f" ({', '.join(facts)})" if facts else "")
    outcome = row.get("outcome") or CATALOG[row["to"]].outcome
    return f"| {cell(code)} | `{outcome}` | {cell(', '.join(when) or 'anything else')} |"


def _shown(value: Any) -> str:
    if isinstance(value, (tuple, list)):
        numbers = [each for each in value if isinstance(each, int)]
        if len(numbers) == 100 and len(numbers) == len(value):
            return f"{numbers[0] // 100}xx"
        return " ".join(f"`{each}`" for each in value)
    return f"`{value}`"
