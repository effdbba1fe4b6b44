"""`triptych openapi`, `asyncapi` and `capability-schema`: the contract's documents, and what a change of it breaks."""

import sys
from typing import Any, BinaryIO, NoReturn

import click
import msgspec

from contracts.compare import Comparison, compare, needs_release

_COLOURS = {"breaking": "red", "additive": "green"}


@click.command()
@click.option(
    "--check-against",
    "older",
    type=click.File("rb"),
    metavar="FILE",
    help="Compare with this older OpenAPI document (- reads standard input) instead of printing.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def openapi(older: BinaryIO | None, *, as_json: bool) -> None:
    """Print the OpenAPI document as it is served and committed, or say what it changes against an older one.

    Example:  triptych openapi --check-against contracts/released/openapi-0.1.0.json

    Every change is named with its place (a JSON pointer) and its side: request or response. What counts as breaking is
    written in contracts/CHANGES.md.

    Exit codes: 0 nothing changed, or only additions; 1 something breaks; 2 FILE is no OpenAPI document.
    """
    from gateway.dialects import dialects  # noqa: PLC0415
    from gateway.v1.artefacts import openapi as document  # noqa: PLC0415

    present = document(dialects())
    if older is None:
        if as_json:
            raise click.UsageError("--json goes with --check-against: the document is JSON already.")
        sys.stdout.buffer.write(present)
        return
    before, now = _document(older), msgspec.json.decode(present)
    try:
        found = compare(before, now)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        _no_document(older, f"it cannot be followed ({type(error).__name__}: {error})")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        _tell(found, older.name, str(before["info"]["version"]), str(now["info"]["version"]))
    sys.exit(found.verdict == "breaking")


@click.command()
def asyncapi() -> None:
    """Print the AsyncAPI document: the streams of events, as it is served and committed.

    Example:  triptych asyncapi > asyncapi.json
    """
    from gateway.v1.artefacts import asyncapi as document  # noqa: PLC0415

    sys.stdout.buffer.write(document())


@click.command("capability-schema")
def capability_schema() -> None:
    """Print the JSON Schema (draft 2020-12) of what /v1/capabilities answers.

    Example:  triptych capability-schema > capabilities.schema.json
    """
    from gateway.v1.artefacts import capabilities_schema  # noqa: PLC0415

    sys.stdout.buffer.write(capabilities_schema())


def _document(file: BinaryIO) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(file.read())
    except (msgspec.DecodeError, RecursionError):
        _no_document(file, "it is not JSON")
    try:
        numbers = [int(number) for number in found["info"]["version"].split(".")]
        is_one = found["openapi"].startswith("3.") and isinstance(found["paths"], dict) and len(numbers) == 3
    except (AttributeError, KeyError, TypeError, ValueError):
        is_one = False
    if not is_one:
        _no_document(file, "it needs openapi 3, paths, and a version of three numbers in info")
    document: dict[str, Any] = found
    return document


def _no_document(file: BinaryIO, why: str) -> NoReturn:
    click.echo(f"{file.name} is no OpenAPI document: {why}.", err=True)
    sys.exit(2)


def _tell(found: Comparison, name: str, before: str, now: str) -> None:
    breaking = sum(change.kind == "breaking" for change in found.changes)
    counts = {"breaking": breaking, "additive": len(found.changes) - breaking}
    what = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count) or "no change"
    verdict = click.style(found.verdict, fg=_COLOURS.get(found.verdict), bold=True)
    click.echo(f"{verdict}: {what} since {before} ({name})")
    for change in found.changes:
        click.echo(f"{click.style(change.kind, fg=_COLOURS[change.kind])}  {change.pointer}\n          {change.words}")
    needed = needs_release(found.verdict, before, now)
    if needed is not None:
        click.echo(needed, err=True)
