"""A child process of the test run, and the line on which it takes orders (see `gateway.testing.child`)."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec

#: How long an order may take, a start included.
ANSWER_S = 60.0
END_S = 15.0


class ChildError(RuntimeError):
    """A child that is gone, or an order that it could not carry out."""


class Child:
    """See the module's docstring."""

    def __init__(self, kind: str, log: Path) -> None:
        """Start it: it waits to be told what to run. Its log goes to a file."""
        self.log = log
        self._line, theirs = socket.socketpair()
        self._line.settimeout(ANSWER_S)
        self._answers = self._line.makefile("rb")
        self._turn = threading.Lock()
        command = [sys.executable, "-P", "-m", "gateway.testing.child", kind, str(theirs.fileno())]
        with theirs, log.open("ab") as file:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"},
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def tell(self, **first: Any) -> None:
        """Tell it what to run."""
        self._say(first)

    def _say(self, words: dict[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._line.sendall(msgspec.json.encode(words) + b"\n")

    def ask(self, do: str, **order: Any) -> Any:
        """Give an order and return its answer; raise `ChildError` with the log's end where there is none."""
        with self._turn:
            self._say({"do": do, **order})
            try:
                text = self._answers.readline()
            except (TimeoutError, ConnectionResetError):
                text = b""
        if not text:
            tail = self.log.read_text(errors="replace")[-3000:]
            raise ChildError(f"no answer to {do!r}; the end of {self.log}:\n{tail}")
        answer: dict[str, Any] = msgspec.json.decode(text)
        if "error" in answer:
            raise ChildError(answer["error"])
        return answer["answer"]

    def stop(self) -> None:
        """End it: in good order when the line closes, or by force."""
        self._answers.close()
        self._line.close()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
