"""The list of decisions: what was decided, when, and whether it still holds."""

import re
from collections.abc import Mapping
from pathlib import Path

from docs.site.shapes import intro
from docs.site.staging import ROOT, headings

#: The line below a decision's title: the day, and what became of it where something did.
_STATUS = re.compile(r"(?m)^(\d{4}-\d\d-\d\d)(?:, (accepted|superseded by .+))?$")


class DecisionError(Exception):
    """A decision without its day or its title."""


def index(root: Path = ROOT) -> Mapping[str, str]:
    """Return the page that lists all decisions, newest first."""
    rows = []
    for path in sorted((root / "docs/decisions").glob("*.md"), reverse=True):
        if path.name != "index.md":
            text = path.read_text()
            title, found = next(headings(text), None), _STATUS.search(text)
            if title is None or found is None:
                msg = f"{path.name}: a decision begins with its title, and below it its day (and status)"
                raise DecisionError(msg)
            rows.append(f"| {found[1]} | [{title}]({path.name}) | {found[2] or 'accepted'} |")
    lines = [
        *intro("decisions"),
        "| day | decision | status |",
        "|---|---|---|",
        *rows,
    ]
    return {"decisions/index.md": "\n".join(lines) + "\n"}
