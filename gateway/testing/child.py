"""What the plugin's child processes run: `python -m gateway.testing.child gateway|sandboxes DESCRIPTOR`.

The descriptor is one end of a pair of sockets. Its first line says what to run, as JSON; later lines are orders, each
answered by one line. No one else can reach it, and when its other end closes the child ends: a test run that is
killed leaves nothing behind.
"""

import asyncio
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec

from gateway.testing.orders import obey


async def _sandboxes(line: socket.socket, first: dict[str, Any]) -> None:
    """Serve the emulators that are named, each on a port of its own; the one order asks for the ports."""
    from gateway import sandboxes  # noqa: PLC0415
    from gateway.dialects import dialects, load_sandbox  # noqa: PLC0415

    known, runners, ports = dialects(), [], {}
    for name, profile in first["profiles"].items():
        folder = Path(first["dir"]) / name
        app = load_sandbox(known[name])(data_dir=str(folder), profile=profile, speed=first["speed"], scenario=None)
        runner, ports[name] = await sandboxes.run(app, 0)
        runners.append(runner)

    async def answer_ports(_order: dict[str, Any]) -> dict[str, int]:
        return ports

    await obey(line, answer_ports)
    for runner in runners:
        await runner.cleanup()


def main() -> None:
    """Read what to run, and run it."""
    kind, descriptor = sys.argv[1:]
    # A test run that is interrupted ends its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = socket.socket(fileno=int(descriptor))
    if kind == "gateway":
        from gateway.testing import rigged  # noqa: PLC0415

        rigged.run(line, _first(line))
    else:
        asyncio.run(_sandboxes(line, _first(line)))


def _first(line: socket.socket) -> dict[str, Any]:
    """Return the first line; exactly that is read, for the rest belongs to the loop."""
    text = b""
    while not text.endswith(b"\n"):
        piece = line.recv(1)
        if not piece:
            sys.exit(1)
        text += piece
    first: dict[str, Any] = msgspec.json.decode(text)
    return first


if __name__ == "__main__":
    main()
