"""The program as a person types it: in a pipe, in a terminal, and interrupted with Ctrl-C."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

PROGRAM = str(Path(sys.executable).with_name("triptych"))
#: Control characters that a line of text has no use for.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
PATIENCE_S = 30


class Said(Struct, frozen=True):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def plain(self) -> bool:
        """Whether nothing but text was written."""
        return not CONTROL.search(self.out + self.err)


def environment(url: str | None = None, key: str | None = None, **more: str) -> dict[str, str]:
    """Return the environment of a shell in which a gateway, and perhaps a key, is set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TRIPTYCH_", "FORCE_COLOR"))}
    named = {"TRIPTYCH_URL": url, "TRIPTYCH_API_KEY": key}
    return {**kept, **{name: value for name, value in named.items() if value is not None}, "TERM": "xterm", **more}


def typed(
    *words: str, env: Mapping[str, str], cwd: Path, given: bytes = b"", program: Sequence[str] = (PROGRAM,)
) -> Said:
    """Type a command whose output goes into pipes, and return what came of it."""
    done = subprocess.run(
        [*program, *words], input=given, capture_output=True, env=dict(env), cwd=cwd, timeout=PATIENCE_S
    )
    said = Said(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in said.err, said.err
    return said


class Terminal:
    """A command in a terminal of its own: everything it shows, and a keyboard with Ctrl-C."""

    def __init__(self, *words: str, env: Mapping[str, str], cwd: Path) -> None:
        """Type the command."""
        self.shown = ""
        self._screen, theirs = pty.openpty()
        self._child = subprocess.Popen(
            [PROGRAM, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
        os.close(theirs)

    def read_until(self, enough: Callable[[str], bool]) -> str:
        """Read the screen until it shows enough, or until nothing more can come."""
        deadline = time.monotonic() + PATIENCE_S
        while not enough(self.shown) and time.monotonic() < deadline:
            if not select.select([self._screen], [], [], 0.2)[0]:
                continue
            try:
                piece = os.read(self._screen, 65536)
            except OSError:
                break
            if not piece:
                break
            self.shown += piece.decode(errors="replace")
        return self.shown

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._child.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Read the rest, and return the exit code."""
        self.read_until(lambda _: False)
        with contextlib.suppress(OSError):
            os.close(self._screen)
        return self._child.wait(PATIENCE_S)
