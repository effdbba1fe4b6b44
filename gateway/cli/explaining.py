"""What `triptych errors explain` reads and says: one native answer, in the catalogue's words."""

import json
import re
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import click

from contracts.codes import CATALOG
from contracts.port import Dialect, Verdict
from gateway.v1.words import LEFT, REFINED, RETRIES, WHO

#: What an error that comes inside of a stream counts as, as the adapters read it: its answer had begun with 200.
STATUS_OF_A_FRAME = 500
#: `METHOD /path`, behind which imgen's action may stand; or the action alone.
_ROUTE = re.compile(r"^([A-Z]+ /\S*([ #]\w+)?|\w+)$")
_FIELD = re.compile(rb"^(event|data|id|retry)?:")


class Frame(NamedTuple):
    """One frame of a stream of events: its kind, and its data."""

    event: str
    data: bytes


def frame_of(body: bytes) -> Frame | None:
    """Return the frame that tells of an error, or else the last one, if a body is a stream of events; else None."""
    if not _FIELD.match(body.lstrip()):
        return None
    frames = list(_frames(body))
    errors = [frame for frame in frames if frame.event == "error"]
    return next(iter([*errors[-1:], *frames[-1:]]), None)


def _frames(body: bytes) -> Iterator[Frame]:
    for block in re.split(rb"\r?\n\r?\n", body.strip()):
        fields: dict[bytes, list[bytes]] = {}
        for line in block.splitlines():
            name, _, value = line.partition(b":")
            fields.setdefault(name.strip(), []).append(value.removeprefix(b" "))
        if b"data" in fields:
            event = fields.get(b"event", [b"message"])[-1].decode(errors="replace")
            yield Frame(event, b"\n".join(fields[b"data"]))


def known_dialect(name: str, dialects: dict[str, Dialect]) -> Dialect:
    """Return a dialect that has a table of errors; end the program when there is none of this name."""
    found = dialects.get(name)
    if found is None or found.explain is None:
        able = ", ".join(sorted(each for each, dialect in dialects.items() if dialect.explain is not None))
        what = "no dialect" if found is None else "no table of errors for"
        refuse(f"{what} {name!r}; there are {able}")
    return found


def check(dialect: Dialect, route: str | None, profile: str | None) -> None:
    """End the program when a route or a build would be passed over in silence."""
    if profile is not None and profile not in dialect.sandbox_profiles:
        refuse(f"{dialect.name} has no build {profile!r}; there are {', '.join(dialect.sandbox_profiles)}")
    if route is not None and not _ROUTE.match(route):
        refuse(f"{route!r} is no route; write it like 'POST /api/edit' (imgen: the action alone, like 'generate')")


def refuse(text: str) -> NoReturn:
    """End the program because the question is none."""
    click.echo(text, err=True)
    sys.exit(2)


def routes(dialect: Dialect) -> Iterator[str]:
    """Yield the routes that make a difference to a dialect's table: the regular expressions of its rows, each once."""
    rows = dialect.error_rows() if dialect.error_rows is not None else ()
    yield from dict.fromkeys(str(row["route"]) for row in rows if "route" in row)


def as_json(verdict: Verdict | None, status: int) -> str:
    """Return a verdict for programs."""
    if verdict is None:
        return json.dumps({"code": None, "detail": "this answer is no error"})
    row = CATALOG[verdict.code]
    said: dict[str, Any] = {
        "code": verdict.code,
        "status": row.status,
        "retry": list(row.retry),
        "blame": row.blame,
        "outcome": verdict.outcome,
        "phase": verdict.phase,
        "reason": verdict.reason,
        "pointer": verdict.pointer,
        "stage": verdict.stage,
        "categories": list(verdict.categories),
        "native": {"http_status": status, "code": verdict.native.code if verdict.native is not None else None},
        "mapped": not verdict.unmapped,
        "refinements": list(verdict.refinements),
        "title": row.title,
    }
    return json.dumps(said, indent=2)


def tell(verdict: Verdict | None, status: int, dialect: str) -> None:
    """Print a verdict for a person."""
    if verdict is None:
        click.echo(f"This answer of {dialect} is no error.")
        return
    row = CATALOG[verdict.code]
    click.echo(f"{click.style(verdict.code, bold=True)}: {row.title}. HTTP {row.status}.")
    click.echo(f"{row.action}\n")
    code = verdict.native.code if verdict.native is not None else None
    noted = ("phase", "reason", "pointer", "stage")
    facts = {
        "who acts": WHO[row.blame],
        "retry": "; ".join(f"{each}: {RETRIES[each]}" for each in row.retry),
        "outcome": f"{verdict.outcome}: {LEFT[verdict.outcome]}",
        "native": f"HTTP {status}{f', {code}' if code else ''}, said by {dialect}",
        "noted": ", ".join(f"{name} {getattr(verdict, name)}" for name in noted if getattr(verdict, name)),
        "categories": ", ".join(verdict.categories),
        "in the gateway": "; ".join(REFINED[each] for each in verdict.refinements),
    }
    for name, text in facts.items():
        if text:
            click.echo(f"  {name:14}  {text}")
    if verdict.unmapped:
        click.echo(
            f"\nNo row of {dialect}'s table knows this answer: its status alone decided. Tell the gateway's makers."
        )
