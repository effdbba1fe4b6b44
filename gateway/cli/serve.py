"""`triptych serve`: the API with the embedded dispatcher, and the sandboxes when nobody meant production."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import click
from msgspec import structs

from contracts.catalog import CatalogError
from gateway.settings import LOOPBACK, Settings, SettingsError, load, remarks


def settings_of(config: str | None, overrides: dict[str, Any] | None = None) -> Settings:
    """Read the settings, or end the program with every fault named."""
    path = config or os.environ.get("TRIPTYCH_CONFIG")
    try:
        return load(Path(path) if path else None, os.environ, overrides)
    except SettingsError as error:
        click.echo(f"The settings cannot be used ({path or 'the environment'}):", err=True)
        for fault in error.faults:
            allowed = f" (allowed: {', '.join(map(str, fault.allowed))})" if fault.allowed else ""
            click.echo(
                f"{fault.pointer.lstrip('/').replace('/', '.') or 'settings'}: {fault.detail}{allowed}", err=True
            )
        sys.exit(2)


def directory_of(settings: Settings) -> Any:
    """Return the data directory, made if it was not there, or end the program because it cannot be."""
    from gateway.store.database import DataDir  # noqa: PLC0415

    directory = DataDir(Path(settings.data_dir))
    try:
        directory.make()
    except OSError as error:
        click.echo(f"The data directory {settings.data_dir} cannot be used: {error.strerror}", err=True)
        sys.exit(1)
    return directory


@click.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on; 0 takes any.  [default: 8080]")
@click.option("--config", type=click.Path(dir_okay=False), help="Settings file (TOML).")
@click.option(
    "--data-dir", type=click.Path(file_okay=False), help="Where everything is kept.  [default: ./triptych-data]"
)
@click.option("--sandbox/--no-sandbox", default=None, help="Put the three sandboxes behind the gateway.")
@click.option("--sandbox-speed", type=float, default=1.0, show_default=True, help="How much faster than life they run.")
@click.option("--log-format", type=click.Choice(["json", "console"]), help="How the log looks.")
def serve(
    host: str | None,
    port: int | None,
    config: str | None,
    data_dir: str | None,
    sandbox: bool | None,  # noqa: FBT001 - a flag of the command line
    sandbox_speed: float,
    log_format: str | None,
) -> None:
    """Run the gateway.

    Without settings, on loopback and before any key was made, the three sandboxes stand behind it.

    Example:  triptych serve --config triptych.toml --data-dir /var/lib/triptych
    """
    from gateway.ops import log  # noqa: PLC0415

    overrides = {"server.host": host, "server.port": port, "data_dir": data_dir, "log.format": log_format}
    settings = settings_of(config, overrides)
    log.configure(settings.log.level, settings.log.format)
    _check(settings, config or os.environ.get("TRIPTYCH_CONFIG"))
    try:
        _run(settings, config=config, sandbox=sandbox, speed=sandbox_speed)
    except CatalogError as error:
        click.echo(error.detail, err=True)
        sys.exit(1)


def _check(settings: Settings, path: str | None) -> None:
    from gateway.dialects import advertising, dialects, without_adapter  # noqa: PLC0415

    known = dialects()
    found = remarks(settings, frozenset(known), advertising(known), without_adapter(known))
    for kind, text in found:
        click.echo(f"{kind}: {text}", err=True)
    if any(kind == "error" for kind, _ in found):
        click.echo(f"The settings cannot be used ({path or 'the environment'}).", err=True)
        sys.exit(2)


def _run(settings: Settings, *, config: str | None, sandbox: bool | None, speed: float) -> None:
    from gateway import sandboxes  # noqa: PLC0415
    from gateway.store.database import migrate  # noqa: PLC0415

    data_dir = directory_of(settings)
    data_dir.hold()
    migrate(data_dir.database)
    has_keys = _has_keys(data_dir)
    if settings.server.host not in LOOPBACK and not has_keys:
        raise CatalogError(
            "gateway.internal",
            f"Refusing to listen on {settings.server.host} without keys: make one with 'triptych keys create'.",
        )
    for name, face in settings.faces.items():
        if face.enabled and face.host not in (None, *LOOPBACK) and face.team is None and not has_keys:
            raise CatalogError(
                "gateway.internal",
                f"Refusing to let faces.{name} listen on {face.listen} without keys: use 'triptych keys create'.",
            )
    folder = data_dir.path / "sandbox"
    certain = settings.loopback and config is None and not has_keys and not settings.backends
    wanted = certain if sandbox is None else sandbox
    if wanted:
        state = sandboxes.ensure(folder.resolve(), speed=speed)
        settings = structs.replace(
            settings, backends={**settings.backends, **sandboxes.backends(folder.resolve(), state)}
        )
    try:
        _serve(settings)
    finally:
        if wanted:
            sandboxes.stop(folder)
        data_dir.release()


def _has_keys(data_dir: Any) -> bool:
    from gateway.store import query  # noqa: PLC0415
    from gateway.store.database import connect  # noqa: PLC0415

    connection = connect(data_dir.database, readonly=True)
    try:
        return bool(query.keys(connection))
    finally:
        connection.close()


def _serve(settings: Settings) -> None:
    from gateway.app import Gateway  # noqa: PLC0415
    from gateway.ops import memory  # noqa: PLC0415

    memory.tune_allocator()
    listen(settings, Gateway(settings))


def listen(settings: Settings, gateway: Any) -> None:
    """Serve a gateway until it is told to stop, or end the program because nothing can listen there."""
    import uvicorn  # noqa: PLC0415

    from gateway.faces.socket import SERVED  # noqa: PLC0415
    from gateway.ops import memory  # noqa: PLC0415

    class Server(uvicorn.Server):
        """Ends open streams before the server waits for them."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            gateway.begin_stop()
            super().handle_exit(sig, frame)
            # A stop that was asked for is no failure. Raised anew, SIGTERM would end us before we have cleaned up;
            # SIGINT is an exception then, and becomes the exit code of every interrupted command.
            if sig == signal.SIGTERM:
                self._captured_signals.clear()

        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            memory.settle()
            if self.started and self.servers:
                port = self.servers[0].sockets[0].getsockname()[1]
                _greet(settings, gateway, port)

    server = Server(
        uvicorn.Config(
            gateway.application(),
            host=settings.server.host,
            port=settings.server.port,
            loop="uvloop",
            http="httptools",
            **SERVED,
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            backlog=2048,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=max(1, int(settings.shutdown.drain_s) - 1),
            proxy_headers=bool(settings.server.trusted_proxies),
            forwarded_allow_ips=list(settings.server.trusted_proxies) or None,
        )
    )
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        server.run()
    except SystemExit:
        if server.started:
            raise
    if not server.started:
        where = f"{settings.server.host}:{settings.server.port}"
        click.echo(f"The gateway cannot listen on {where}: something else may be there (choose with --port).", err=True)
        sys.exit(1)


def _greet(settings: Settings, gateway: Any, port: int) -> None:
    """Say where it is, once it is there; programs read the file, people the line."""
    url = f"http://{settings.server.host}:{port}"
    (Path(settings.data_dir) / "address").write_text(url)
    behind = ", ".join(
        f"{backend.name} ({backend.dialect_name}{', sandbox' if backend.sandbox else ''})"
        for backend in gateway.backends.values()
    )
    click.echo(f"Triptych listens on {url}  -  docs: {url}/docs", err=True)
    click.echo(f"Behind it: {behind or 'no backend yet: name some in the settings, or use --sandbox'}", err=True)
