"""What `triptych generate --dry-run` says: who would make it, what would be sent and changed, and who could not."""

import json
from typing import Any

import click

from gateway.cli.client import fail


def tell(explanation: dict[str, Any]) -> None:
    """Print an explanation for a person; end the program as the request itself would end it, if it would be refused."""
    chosen, request = explanation["chosen"], explanation["request"]
    if chosen is not None:
        click.echo(f"{click.style(chosen, bold=True)} would make it. Nothing was sent.")
        click.echo(f"\n{request['method']} {request.get('host') or ''}{request['path']}".rstrip())
        click.echo(json.dumps(request["body"], indent=2, ensure_ascii=False))
    else:
        click.echo("Nobody would make it.")
    for each in explanation["adjustments"]:
        click.echo(f"\nadjusted {_change(each)}", nl=False)
    click.echo("\n" if explanation["adjustments"] else "")
    for warning in explanation["warnings"]:
        click.echo(f"warning: {warning}\n")
    width = max((len(each["model"]) for each in explanation["candidates"]), default=0)
    for each in explanation["candidates"]:
        click.echo(f"  {each['model']:{width}}  {each['account'] or '':8}  {_verdict(each, chosen)}")
        for reason in each["reasons"]:
            click.echo(f"  {'':{width}}  {'':8}    {reason['pointer']}: {reason['detail']}")
    if explanation["refusal"] is not None:
        click.echo()
        fail(explanation["refusal"])


def _change(adjustment: dict[str, Any]) -> str:
    before, after = (json.dumps(adjustment[name], ensure_ascii=False) for name in ("requested", "applied"))
    return f"{adjustment['pointer']}: {before} becomes {after} ({adjustment['why']}, by the {adjustment['by']})"


def _verdict(candidate: dict[str, Any], chosen: str | None) -> str:
    """Return in words what is said of a candidate."""
    if not candidate["fits"]:
        return click.style(candidate["code"], fg="yellow")
    words = ["fits"]
    if candidate["adjustments"]:
        pointers = ", ".join(each["pointer"] for each in candidate["adjustments"])
        words.append(f"with changes to {pointers}")
    if candidate["kept_local"]:
        words.append("but is external, and a local backend can do it")
    elif not candidate["ready"]:
        words.append("but is not ready")
    text = " ".join(words)
    return click.style(text, fg="green") if candidate["model"] == chosen else text
