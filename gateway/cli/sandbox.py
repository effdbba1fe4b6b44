"""`triptych sandbox`: one emulator alone, for other teams' CI; and the host of all three behind `serve`."""

import asyncio
import sys
from pathlib import Path

import click

from gateway.dialects import dialects, load_sandbox


@click.command()
@click.argument("dialect")
@click.option("--port", type=int, default=None, help="Port to listen on; 0 takes any.  [default: the real server's]")
@click.option("--profile", help="Which build of the real server it emulates.")
@click.option("--speed", type=float, default=1.0, show_default=True, help="How much faster than life it runs.")
@click.option("--scenario", type=click.Path(exists=True, dir_okay=False), help="Forced outcomes (TOML or JSON).")
@click.option("--data-dir", type=click.Path(file_okay=False), default="./triptych-sandbox", show_default=True)
@click.option("--tokens", is_flag=True, help="List the tokens that force outcomes, and end.")
def sandbox(
    dialect: str,
    port: int | None,
    profile: str | None,
    speed: float,
    scenario: str | None,
    data_dir: str,
    tokens: bool,  # noqa: FBT001 - a flag of the command line
) -> None:
    """Run the emulator of one DIALECT (ima2, sdcpp, imgen) on loopback.

    A token in a prompt, such as [[slow:5]] or [[SAFETY_REFUSAL]], forces an outcome.

    Example:  triptych sandbox ima2 --port 3333 --speed 20
    """
    known = dialects()
    if dialect not in known or known[dialect].sandbox is None:
        able = ", ".join(sorted(name for name, each in known.items() if each.sandbox is not None))
        click.echo(f"no sandbox for {dialect!r}; there are {able}", err=True)
        sys.exit(2)
    found = known[dialect]
    if profile is not None and profile not in found.sandbox_profiles:
        click.echo(f"no profile {profile!r}; there are {', '.join(found.sandbox_profiles)}", err=True)
        sys.exit(2)
    if tokens:
        import importlib  # noqa: PLC0415

        module = importlib.import_module((found.sandbox or "").partition(":")[0])
        for name, meaning in sorted(module.TOKENS.items()):
            click.echo(f"[[{name}]]  {meaning}")
        return
    app = load_sandbox(found)(data_dir=str(Path(data_dir) / dialect), profile=profile, speed=speed, scenario=scenario)
    asyncio.run(_forever(app, found.default_port if port is None else port, dialect))


async def _forever(app: object, port: int, dialect: str) -> None:
    from gateway.sandboxes import HOST, run  # noqa: PLC0415

    runner, bound = await run(app, port)
    click.echo(f"The {dialect} sandbox listens on http://{HOST}:{bound}")
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


@click.command(hidden=True)
@click.option("--dir", "folder", type=click.Path(file_okay=False), required=True)
@click.option("--speed", type=float, default=1.0)
@click.option("--scenario", type=click.Path(dir_okay=False))
@click.option("--keep-port", multiple=True)
def sandbox_host(folder: str, speed: float, scenario: str | None, keep_port: tuple[str, ...]) -> None:
    """Run all sandboxes for a gateway."""
    from gateway.sandboxes import host  # noqa: PLC0415

    ports = {name: int(port) for name, _, port in (each.partition("=") for each in keep_port)}
    asyncio.run(host(Path(folder), speed=speed, ports=ports, scenario=scenario))
