"""`triptych migrate` and `config check`: what an operator does before and beside serving."""

import sys

import click

from gateway.cli.serve import directory_of, settings_of


@click.command()
@click.option("--data-dir", type=click.Path(file_okay=False), help="Where the gateway keeps everything.")
@click.option("--config", type=click.Path(dir_okay=False), help="Settings file (TOML).")
def migrate(data_dir: str | None, config: str | None) -> None:
    """Bring the database up to date (serving does so too).

    Example:  triptych migrate --data-dir /var/lib/triptych
    """
    from gateway.store import database  # noqa: PLC0415

    settings = settings_of(config, {"data_dir": data_dir})
    directory = directory_of(settings)
    changed = database.migrate(directory.database)
    click.echo(f"The schema is at {database.HEAD}{'' if changed else ' already'}.")


@click.group()
def config() -> None:
    """Check settings.

    Example:  triptych config check triptych.toml
    """


@config.command("check")
@click.argument("path", required=False, type=click.Path(dir_okay=False))
def check(path: str | None) -> None:
    """Read the settings file at PATH and the environment; say what is wrong, what is doubtful, and what holds.

    Example:  triptych config check triptych.toml
    """
    from gateway.dialects import advertising, dialects, without_adapter  # noqa: PLC0415
    from gateway.settings import remarks  # noqa: PLC0415

    settings, known = settings_of(path), dialects()
    found = remarks(settings, frozenset(known), advertising(known), without_adapter(known))
    for kind, text in found:
        click.echo(f"{kind}: {text}")
    click.echo(f"listens on {settings.server.host}:{settings.server.port}, keeps everything in {settings.data_dir}")
    for name, backend in settings.backends.items():
        key = "a key" if backend.api_key is not None and backend.api_key.read() else "no key"
        where = f"where {backend.base_url} says" if backend.by_file else f"at {backend.base_url}"
        click.echo(f"backend {name}: {backend.dialect} {where}, {backend.trust}, {key}")
    if any(kind == "error" for kind, _ in found):
        sys.exit(2)
