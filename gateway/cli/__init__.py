"""The program `triptych`: serve, sandboxes, a client, and the operator's tools. A command loads only what it needs."""

import importlib
import sys
from typing import Any, ClassVar

import click


class Lazy(click.Group):
    """A group whose commands are imported when they are asked for."""

    COMMANDS: ClassVar[dict[str, tuple[str, str | None]]] = {
        "serve": ("gateway.cli.serve", "Run the gateway"),
        "sandbox": ("gateway.cli.sandbox", "Run one backend's emulator alone"),
        "generate": ("gateway.cli.generate", "Make a picture, with a progress bar"),
        "jobs": ("gateway.cli.jobs", "List, show, watch and cancel jobs"),
        "backends": ("gateway.cli.backends", "Show backends: health, accounts, models"),
        "verify": ("gateway.cli.verify", "Hold a live server to its dialect's contract"),
        "errors": ("gateway.cli.errors", "The error catalogue, and what a native answer means"),
        "keys": ("gateway.cli.keys", "Create, list and revoke keys"),
        "migrate": ("gateway.cli.admin", "Bring the database up to date"),
        "openapi": ("gateway.cli.contract", "Print the OpenAPI document, or compare it with another"),
        "asyncapi": ("gateway.cli.contract", "Print the AsyncAPI document"),
        "capability-schema": ("gateway.cli.contract", "Print the JSON Schema of capability documents"),
        "config": ("gateway.cli.admin", "Check settings"),
        "sandbox-host": ("gateway.cli.sandbox", None),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands that are shown."""
        del ctx
        return [name for name, (_, text) in self.COMMANDS.items() if text is not None]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        del ctx
        if cmd_name not in self.COMMANDS:
            return None
        module = importlib.import_module(self.COMMANDS[cmd_name][0])
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; one that is interrupted ends as shells expect it, after it has cleaned up."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(130)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self.COMMANDS.items() if text is not None])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="triptych")
def main() -> None:
    """One contract in front of three unlike image APIs, and nothing lost in between.

    Start with:  triptych serve   and then   triptych generate "a shiba in space" -o shiba.png

    Exit codes: 0 done; 1 refused, failed, or nobody answers; 2 the command or the settings are wrong; 130 interrupted.
    """
