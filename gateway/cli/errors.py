"""`triptych errors`: the catalogue, and what a backend's answer means, from the very tables that the gateway uses."""

import json
import sys

import click

from contracts.artefact import catalogue_document
from contracts.codes import CATALOG, Row


class Codes(click.Group):
    """A group in which every code of the catalogue is a command of its own."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return `explain`, or the command that shows a code."""
        row = next((row for row in CATALOG.values() if row.code == cmd_name), None)
        if row is None:
            command = super().get_command(ctx, cmd_name)
            if command is None:
                ctx.fail(f"There is no code {cmd_name!r}; 'triptych errors' lists them.")
            return command
        return click.Command(cmd_name, callback=lambda: _show(row))


@click.group(cls=Codes, invoke_without_command=True)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the catalogue with every row of every error table as JSON."
)
@click.pass_context
def errors(ctx: click.Context, *, as_json: bool) -> None:
    """Show the catalogue, one code of it, or explain a native answer.

    Example:  triptych errors backend.timeout
    """
    if as_json:
        from gateway.dialects import dialects  # noqa: PLC0415

        sys.stdout.buffer.write(catalogue_document(dialects()))
    elif ctx.invoked_subcommand is None:
        for row in CATALOG.values():
            click.echo(f"{row.status}  {click.style(row.code, bold=True):40}  {row.title}")


def _show(row: Row) -> None:
    click.echo(f"{click.style(row.code, bold=True)}: {row.title}. HTTP {row.status}.")
    click.echo(row.action)
    click.echo(f"retry: {', '.join(row.retry)}; blame: {row.blame}; outcome: {row.outcome}")


@errors.command("explain")
@click.option("--dialect", required=True, help="Who said it: ima2, sdcpp or imgen.")
@click.option("--status", type=click.IntRange(100, 599), required=True, help="The HTTP status.")
@click.option("--route", help="What was asked, such as 'POST /api/edit' (imgen: the action).")
@click.option("--media-type", help="The answer's content type.")
@click.option("--profile", help="Which build said it, as `triptych backends` names it (ima2: tag, head or new).")
def explain(dialect: str, status: int, route: str | None, media_type: str | None, profile: str | None) -> None:
    """Read an answer's body (or the data of an SSE error frame) and print which catalogue code it is.

    Example:  triptych errors explain --dialect ima2 --status 422 --route 'POST /api/edit' < body.json
    """
    from gateway.dialects import dialects  # noqa: PLC0415

    known = dialects()
    found = known.get(dialect)
    if found is None or found.explain is None:
        click.echo(f"no dialect {dialect!r}; there are {', '.join(sorted(known))}", err=True)
        sys.exit(2)
    body = sys.stdin.buffer.read()
    verdict = found.explain(route, status, body, media_type, profile=profile)
    if verdict is None:
        click.echo(json.dumps({"code": None, "detail": "this answer is no error"}))
        return
    row = CATALOG[verdict.code]
    said = {
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
    click.echo(json.dumps(said, indent=2))
