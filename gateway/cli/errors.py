"""`triptych errors`: the catalogue, and what a backend's answer means, from the very tables that the gateway uses."""

import sys
from typing import BinaryIO

import click

from contracts.artefact import catalogue_document
from contracts.codes import CATALOG, Row

#: Set as it stands here: click folds no paragraph that begins with this sign.
EXAMPLES = """\b
A limit of ima2's own account, from a pipe:
  echo '{"error":"slow","code":"INVALID_REQUEST"}' | triptych errors explain --dialect ima2 --status 429
A job of Studio that failed:
  echo '{"status":"failed","error":"Model not found: x"}' | triptych errors explain --dialect sdcpp --status 200
What a proxy in front of imgen answered while a picture was asked for:
  triptych errors explain --dialect imgen --status 502 --route generate page.html
"""


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


@errors.command("explain", epilog=EXAMPLES)
@click.argument("body", required=False, type=click.File("rb"), default="-")
@click.option("--dialect", required=True, help="Who said it: ima2, sdcpp or imgen.")
@click.option("--status", type=click.IntRange(100, 599), help="The HTTP status; a frame of a stream needs none.")
@click.option("--route", help="What was asked, such as 'POST /api/edit' (imgen: the action).")
@click.option("--media-type", help="The answer's content type.")
@click.option("--profile", help="Which build said it, as `triptych backends` names it (ima2: tag, head or new).")
@click.option("--routes", "list_routes", is_flag=True, help="List the routes that make a difference to the dialect.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as it is into a pipe.")
def explain(
    body: BinaryIO,
    dialect: str,
    status: int | None,
    route: str | None,
    media_type: str | None,
    profile: str | None,
    *,
    list_routes: bool,
    as_json: bool,
) -> None:
    """Read a native answer from the file BODY (or standard input) and say which code it is, and why.

    Example:  triptych errors explain --dialect ima2 --status 422 --route 'POST /api/edit' body.json

    BODY is the body of an answer, whatever it is: JSON, a page, nothing at all; or frames of a stream of events, of
    which the error is read.

    Into a terminal it writes sentences, into a pipe JSON with at least code, status, retry, blame and outcome. It asks
    nobody: no gateway need run.
    """
    from gateway.cli import explaining  # noqa: PLC0415
    from gateway.dialects import dialects  # noqa: PLC0415

    found = explaining.known_dialect(dialect, dialects())
    assert found.explain is not None  # noqa: S101 - such a dialect was not let through
    if list_routes:
        for each in explaining.routes(found):
            click.echo(each)
        return
    explaining.check(found, route, profile)
    if body.isatty():
        click.echo("Reading the body from the keyboard: end it with Ctrl-D.", err=True)
    content = body.read()
    frame = explaining.frame_of(content)
    if frame is not None:
        content = frame.data
        if status is None or (status < 400 and frame.event == "error"):
            status = explaining.STATUS_OF_A_FRAME
    if status is None:
        raise click.UsageError("Missing option '--status'.")
    verdict = found.explain(route, status, content, media_type, profile=profile)
    if as_json or not sys.stdout.isatty():
        click.echo(explaining.as_json(verdict, status))
    else:
        explaining.tell(verdict, status, dialect)
