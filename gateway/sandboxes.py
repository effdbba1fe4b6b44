"""The sandboxes behind `serve`: one child process with its own state, which outlives a kill of the gateway.

They are started only when it is certain that nobody meant production (architecture.md §8), and every result that comes
through them says so.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import msgspec
from aiohttp import web
from msgspec import Struct

from gateway.dialects import dialects, load_sandbox
from gateway.settings import Backend, SecretRef

STATE = "state.json"
START_S = 20.0
#: A host whose gateway is gone and whom nobody asks any more ends by itself after this.
IDLE_S = 900.0
HOST = "127.0.0.1"
#: What each sandbox is called as a backend, and how willingly it is chosen: the one that shows progress first.
NAMES = {"sdcpp": ("studio", 10), "ima2": ("ima2", 5), "imgen": ("imgen", 0)}
KEY = "imgen-sandbox-key"


class State(Struct, frozen=True, kw_only=True):
    """What a running host says of itself."""

    pid: int
    ports: dict[str, int]
    speed: float = 1.0


def read_state(folder: Path) -> State | None:
    """Return the state file's content."""
    try:
        return msgspec.json.decode((folder / STATE).read_bytes(), type=State)
    except (OSError, msgspec.DecodeError):
        return None


def is_running(state: State) -> bool:
    """Say whether every sandbox of a host answers."""
    try:
        for port in state.ports.values():
            with urlopen(f"http://{HOST}:{port}/_sandbox/tokens", timeout=2) as answer:
                answer.read(1)
    except (URLError, OSError):
        return False
    return True


def ensure(folder: Path, *, speed: float = 1.0) -> State:
    """Return the host that belongs to a data directory, started if it does not run."""
    state = read_state(folder)
    if state is not None and is_running(state):
        return state
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / STATE).unlink(missing_ok=True)
    ports = state.ports if state is not None else {}
    command = [sys.executable, "-m", "gateway", "sandbox-host", "--dir", str(folder), "--speed", str(speed)]
    for name, port in ports.items():
        command += ["--keep-port", f"{name}={port}"]
    with (folder / "host.log").open("ab") as log:
        subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        state = read_state(folder)
        if state is not None and is_running(state):
            return state
        time.sleep(0.03)
    msg = f"the sandboxes did not start; see {folder / 'host.log'}"
    raise RuntimeError(msg)


def stop(folder: Path) -> None:
    """End the host that belongs to a data directory."""
    state = read_state(folder)
    if state is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(state.pid, signal.SIGTERM)


def backends(folder: Path, state: State) -> dict[str, Backend]:
    """Return the settings of the sandboxes as backends."""
    key = folder / "imgen.key"
    key.write_text(KEY)
    key.chmod(0o600)
    found: dict[str, Backend] = {}
    for dialect, port in state.ports.items():
        name, priority = NAMES.get(dialect, (dialect, 0))
        imgen = dialect == "imgen"
        found[name] = Backend(
            dialect=dialect,
            base_url=f"http://{HOST}:{port}" + ("/api/v2" if imgen else ""),
            api_key=SecretRef(file=str(key)) if imgen else None,
            priority=priority,
            trust="local",
            sandbox=True,
            shared_cache_ok=True,
            timeouts={"submit_interval_s": 1.0 / state.speed} if dialect == "sdcpp" else {},
        )
    return found


async def host(folder: Path, *, speed: float, ports: dict[str, int], scenario: str | None) -> None:
    """Run all sandboxes in this process until it is told to end, or until nobody needs them."""
    known = dialects()
    runners: list[web.AppRunner] = []
    bound: dict[str, int] = {}
    for name, dialect in sorted(known.items()):
        if dialect.sandbox is None:
            continue
        app = load_sandbox(dialect)(data_dir=str(folder / name), profile=None, speed=speed, scenario=scenario)
        runner, port = await run(app, ports.get(name, 0))
        runners.append(runner)
        bound[name] = port
    state = State(pid=os.getpid(), ports=bound, speed=speed)
    temporary = folder / f"{STATE}.new"
    temporary.write_bytes(msgspec.json.encode(state))
    temporary.rename(folder / STATE)
    parent = os.getppid()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), timeout=IDLE_S)
            break
        if os.getppid() != parent and _is_abandoned(folder):
            break
    for runner in runners:
        await runner.cleanup()


def _is_abandoned(folder: Path) -> bool:
    """Say whether no gateway holds the data directory that these sandboxes belong to."""
    import fcntl  # noqa: PLC0415

    lock = folder.parent / "lock"
    if not lock.exists():
        return True
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


async def run(app: Any, port: int, host_name: str = HOST) -> tuple[web.AppRunner, int]:
    """Serve an application; return its runner and the port it got."""
    runner = web.AppRunner(app, access_log=None, keepalive_timeout=5.0, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host_name, port)
        await site.start()
    except OSError:
        if port == 0:
            raise
        # The old port is taken by somebody else: any other will do, the settings are written anew.
        site = web.TCPSite(runner, host_name, 0)
        await site.start()
    return runner, int(runner.addresses[0][1])
