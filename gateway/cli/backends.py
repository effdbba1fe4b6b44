"""`triptych backends`: how each backend is."""

from typing import Any

import click

from gateway.cli.client import URL, client, fetch


@click.command()
@URL
def backends(url: str | None) -> None:
    """Show backends: health, profile, accounts, circuit, models.

    Example:  triptych backends --url http://127.0.0.1:8080
    """
    with client(url) as http:
        found = fetch(http, "GET", "/v1/backends")["backends"]
    if not found:
        click.echo("No backend is configured.")
    for backend in found:
        _show(backend)


def _show(backend: dict[str, Any]) -> None:
    up = click.style("up", fg="green") if backend["up"] else click.style("down", fg="red")
    notes = [backend["dialect"], backend["profile"] or "not reached yet", *(["sandbox"] if backend["sandbox"] else [])]
    click.echo(f"{click.style(backend['name'], bold=True)}  {up}  {', '.join(notes)}")
    click.echo(f"  {backend['in_flight']} in flight (at most {backend['max_concurrency']} an account)")
    for account in backend["accounts"]:
        state = "ready" if account["ready"] and account["circuit"] == "closed" else account["code"] or "not ready"
        click.echo(f"  account {account['name']}: {state}, circuit {account['circuit']}")
    contract = backend.get("contract")
    if contract is not None:
        names = ", ".join(each["check"] for each in contract["drift"])
        kept = click.style(f"drift: {names}", fg="red") if names else "kept"
        click.echo(f"  contract: {kept} ({contract['checks']} checks at {contract['checked_at']})")
    if backend["models"]:
        click.echo(f"  models: {', '.join(backend['models'])}")
