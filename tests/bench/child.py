"""Child processes that stay on one core, whose CPU and memory are read from /proc, and that never outlive us."""

import ctypes
import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_PR_SET_PDEATHSIG = 1
_TICKS = os.sysconf("SC_CLK_TCK")
_LIBC = ctypes.CDLL(None)
START_S = 60.0


class Cores:
    """Who works where: what is measured has a core of its own, all that surrounds it has another."""

    def __init__(self) -> None:
        """Take the first two cores that we may use."""
        usable = sorted(os.sched_getaffinity(0))
        self.measured = usable[0]
        self.around = usable[1] if len(usable) > 1 else usable[0]

    @property
    def apart(self) -> bool:
        """Whether there are two."""
        return self.measured != self.around


class Child:
    """A process with its log in a file; leaving the context ends it, and all that it started."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        core: int,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start it on a core."""

        def pinned() -> None:
            os.sched_setaffinity(0, {core})
            # Whatever happens to us, even SIGKILL: nothing stays behind.
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

        self.log = log
        self.started = time.monotonic()
        with log.open("ab") as file:
            self._child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env={**os.environ, "NO_PROXY": "127.0.0.1", **(env or {})},
                cwd=cwd,
                start_new_session=True,
                preexec_fn=pinned,  # noqa: PLW1509 - we have one thread
            )
        self.pid = self._child.pid
        self._family: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._child.poll() is None

    def stop(self, timeout_s: float = 15) -> None:
        """Ask it to end, kill it when it does not, and kill what it leaves behind."""
        family = self.family() if self.alive else []
        if self.alive:
            self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.kill()
        finally:
            _kill(pid for pid in family if pid != self.pid and _session(pid) == self.pid)

    def kill(self) -> None:
        """Kill it without a word."""
        self._child.kill()
        self._child.wait()

    def family(self) -> list[int]:
        """Return the processes of its session, itself first."""
        others = (int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal())
        self._family = [self.pid, *(pid for pid in others if pid != self.pid and _session(pid) == self.pid)]
        return self._family

    def cpu_s(self) -> float:
        """Return the CPU seconds that it and its children have used."""
        return sum(_cpu_ticks(pid) for pid in self._family or self.family()) / _TICKS

    def rss_mb(self) -> float:
        """Return the memory that it and its children have in RAM, in MB (10^6 bytes)."""
        return round(sum(_rss_bytes(pid) for pid in self.family()) / 1e6, 1)

    def until(self, check: Callable[[], bool], what: str) -> float:
        """Wait until something holds; return how many seconds after the start that was."""
        while time.monotonic() - self.started < START_S:
            try:
                if check():
                    return time.monotonic() - self.started
            except (OSError, http.client.HTTPException):
                pass
            if not self.alive:
                break
            time.sleep(0.003)
        tail = self.log.read_text(errors="replace")[-2000:]
        msg = f"{what} did not come up\n{tail}"
        raise ChildError(msg)


class ChildError(Exception):
    """A process did not come up, or answers what it should not."""


def get(port: int, path: str, *, headers: Mapping[str, str] = {}, timeout_s: float = 5) -> tuple[int, bytes]:
    """Make one request on this machine."""
    return call(port, "GET", path, None, headers, timeout_s)


def call(
    port: int, method: str, path: str, body: bytes | None, headers: Mapping[str, str] = {}, timeout_s: float = 60
) -> tuple[int, bytes]:
    """Make one request on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third (the state) on; none when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return []


def _session(pid: int) -> int | None:
    fields = _stat(pid)
    return int(fields[3]) if fields else None


def _cpu_ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else 0


def _rss_bytes(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _kill(pids: object) -> None:
    for pid in pids:  # type: ignore[attr-defined]
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
