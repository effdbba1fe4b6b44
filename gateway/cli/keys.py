"""`triptych keys`: make, list and revoke. A running gateway knows of it within two seconds."""

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click

from contracts.desk import SCOPES
from gateway.access import key as keyring
from gateway.cli.serve import directory_of, settings_of
from gateway.store import keep, query
from gateway.store.database import connect, migrate
from gateway.store.writer import Transaction

_DATA_DIR = click.option("--data-dir", type=click.Path(file_okay=False), help="Where the gateway keeps everything.")
_CONFIG = click.option("--config", type=click.Path(dir_okay=False), help="Settings file (TOML).")


@contextmanager
def _database(config: str | None, data_dir: str | None) -> Iterator[sqlite3.Connection]:
    settings = settings_of(config, {"data_dir": data_dir})
    directory = directory_of(settings)
    migrate(directory.database)
    connection = connect(directory.database)
    try:
        yield connection
    finally:
        connection.close()


@click.group()
def keys() -> None:
    """Create, list and revoke keys. A key is shown once, and kept only as a hash.

    Example:  triptych keys create --team atlas
    """


@keys.command("create")
@click.option("--team", required=True, help="Whose key it is: a team sees its own work and nothing else.")
@click.option("--name", help="What the key is for.")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(SCOPES), help="What it may do; several times.")
@click.option("--backend", "backends", multiple=True, help="Only these backends.")
@click.option("--model", "models", multiple=True, help="Only these models (<backend>/<id>).")
@click.option("--operation", "operations", multiple=True, help="Only these operations.")
@click.option("--days", type=click.FloatRange(0, 100_000, min_open=True), help="How long it is good.")
@_DATA_DIR
@_CONFIG
def create(
    team: str,
    name: str | None,
    scopes: tuple[str, ...],
    backends: tuple[str, ...],
    models: tuple[str, ...],
    operations: tuple[str, ...],
    days: float | None,
    data_dir: str | None,
    config: str | None,
) -> None:
    """Make a key and print it: the key alone on standard output, what it is for beside it.

    Example:  triptych keys create --team atlas --scope jobs:write --scope jobs:read --days 90
    """
    if not team.strip():
        raise click.BadParameter("a team has a name", param_hint="--team")
    now = time.time()
    allow = {
        kind: names for kind, names in (("backends", backends), ("models", models), ("operations", operations)) if names
    }
    token, record = keyring.make(
        team,
        now=now,
        scopes=scopes or keyring.DEFAULT_SCOPES,
        name=name,
        allow=allow or None,
        expires_at=None if days is None else now + days * 86_400,
    )
    with _database(config, data_dir) as connection:
        keep.AddKey(record).apply(Transaction(connection))
    click.echo(f"{record.id} of team {team}, for {', '.join(record.scopes)}. It is shown this once:", err=True)
    click.echo(token)


@keys.command("ls")
@_DATA_DIR
@_CONFIG
def ls(data_dir: str | None, config: str | None) -> None:
    """List keys, without what they are.

    Example:  triptych keys ls --data-dir ./triptych-data
    """
    with _database(config, data_dir) as connection:
        for record in query.keys(connection):
            state = "revoked" if record.revoked_at else "expired" if _is_over(record.expires_at) else "valid"
            made = time.strftime("%Y-%m-%d", time.gmtime(record.created_at))
            click.echo(
                f"{record.id}  {state:8}  {record.team:16}  {made}  {','.join(record.scopes)}  {record.name or ''}"
            )


def _is_over(expires_at: float | None) -> bool:
    return expires_at is not None and expires_at <= time.time()


@keys.command("revoke")
@click.argument("key_id")
@_DATA_DIR
@_CONFIG
def revoke(key_id: str, data_dir: str | None, config: str | None) -> None:
    """Revoke a key for good; its open streams end within 15 seconds.

    Example:  triptych keys revoke key_01KA3V8M6Q9Z4T7X2B5N8C1D3F
    """
    with _database(config, data_dir) as connection:
        if not keep.RevokeKey(key_id, time.time()).apply(Transaction(connection)):
            click.echo(f"There is no valid key {key_id}.", err=True)
            sys.exit(1)
    click.echo(f"{key_id} is revoked.")
