"""Runs the blocks of one page as a reader would: in one folder, in one shell, with the servers that the page starts.

Documented ports become free ones, so that two pages can be read at the same moment, and sandboxes are faster than life.
Nothing else is changed.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import httpx

from tests.e2e.docs_page import Block
from tests.harness import Process, free_port, until

SPEED = 20
#: Where a gateway listens when a page names no other port.
USUAL = "8080"
_ADDRESS = re.compile(r"(?<=127\.0\.0\.1:)\d+|(?<=localhost:)\d+|(?<=--port )\d+")
#: Keeps what a shell knows (every variable is exported) and where it is, for the next block.
_SHELL = """\
cd "$(cat "$READER/cwd")"; set -a; . "$READER/state"; set -e
trap 'code=$?; export -p > "$READER/state"; pwd > "$READER/cwd"; exit $code' EXIT
"""


class Reader:
    """Reads one page: a folder, a shell, and the servers that were started."""

    def __init__(self, folder: Path, gateway: str | None = None) -> None:
        """Begin in a fresh folder, with the program where a clone has it; `gateway` runs already, somewhere."""
        folder.mkdir(parents=True)
        self.folder = folder
        self.own = folder / ".reader"
        self.own.mkdir()
        (self.own / "state").touch()
        (self.own / "cwd").write_text(str(folder))
        (folder / ".venv").symlink_to(sys.prefix)
        self.ports = {} if gateway is None else {USUAL: gateway.rpartition(":")[2]}
        self.servers: dict[str, Process] = {}
        self.started = 0
        (self.own / ".curlrc").write_text("fail-with-body\n")

    def close(self) -> None:
        """End every server that still runs."""
        for server in self.servers.values():
            server.stop()

    def here(self, text: str) -> str:
        """Return text with the documented ports replaced by those of this reading."""
        return _ADDRESS.sub(lambda found: self.ports.setdefault(found[0], str(free_port())), text)

    @property
    def url(self) -> str:
        """Where the gateway is that the page means."""
        return f"http://127.0.0.1:{self.ports.setdefault(USUAL, str(free_port()))}"

    @property
    def env(self) -> dict[str, str]:
        """What the reader's terminals have in common."""
        programs = f"{self.folder / '.venv/bin'}{os.pathsep}{os.environ['PATH']}"
        mine = {"PATH": programs, "READER": str(self.own), "TRIPTYCH_URL": self.url, "COLUMNS": "120"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRIPTYCH_", "OPENAI_"))}
        return {**kept, **mine}

    def run(self, block: Block, *, strictly: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the commands of a block, and start the server that it ends with."""
        text, server = self.here(block.text), block.server
        if server is not None:
            text = text.rstrip().rpartition("\n")[0]
        if block.language == "python":
            (self.own / "block.py").write_text(text)
            text = '"$READER/../.venv/bin/python" "$READER/block.py"\n'
        # Where the page shows what comes, that is compared; where it shows nothing, no request may be refused.
        home = self.own if block.output is None and strictly else self.own / "usual"
        script = self.own / "block.sh"
        script.write_text(f"{_SHELL}CURL_HOME={home} TRIPTYCH_URL={self.url}\n{text}")
        done = subprocess.run(
            ["/bin/sh", str(script)],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        if server is not None and done.returncode == 0:
            done.stdout += self._serve(self.here(server))
        return done

    def _serve(self, command: str) -> str:
        """Start what goes on, as the block says; a gateway takes the place of the one before. Return what it said."""
        command = command.replace("make run", ".venv/bin/triptych serve")
        words = shlex.split(command)
        variables = dict(word.split("=", 1) for word in words if "=" in word and not word.startswith("-"))
        words = [word for word in words if word not in {f"{name}={value}" for name, value in variables.items()}]
        gateway = words[1] == "serve"
        if gateway and "gateway" not in self.servers:
            # Another one may be at the usual port, as long as this page had none of its own.
            self.ports[USUAL] = str(free_port())
        port = words[words.index("--port") + 1] if "--port" in words else self.ports[USUAL]
        name = "gateway" if gateway else port
        if name in self.servers:
            self.servers[name].stop()
        if gateway and not {"--config", "--no-sandbox"} & set(words):
            words += ["--sandbox-speed", str(SPEED)]
        elif not gateway:
            words += ["--speed", str(SPEED)]
        self.started += 1
        log = self.own / f"server{self.started}.log"
        words[0] = str(Path(sys.executable).with_name("triptych"))
        env = {**self.env, "TRIPTYCH_SERVER__PORT": port, **variables}
        self.servers[name] = Process(["env", f"--chdir={self.folder}", *words], log=log, env=env)
        until(lambda: _listens(int(port), gateway=gateway), what=command, log=log, process=self.servers[name])
        return log.read_text()

    def file(self, block: Block) -> Path:
        """Write a block that is a file, and return where it is."""
        path = self.folder / (block.title or f"{block.line}.{block.language}")
        path.write_text(self.here(block.text))
        return path


def _listens(port: int, *, gateway: bool) -> bool:
    if not gateway:
        with socket.socket() as line:
            return line.connect_ex(("127.0.0.1", port)) == 0
    told = httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).json()
    return all(each["ready_accounts"] or not each["up"] for each in told["backends"].values())
