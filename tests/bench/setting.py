"""Where and how a benchmark runs: cores, folders, the upstream, and the facts of the machine that go with numbers."""

import contextlib
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.bench.child import Child, Cores, get
from tests.bench.contender import ROOT
from tests.harness import free_port

#: File systems that lose everything with the power: a commit costs nothing there, and means nothing.
_IN_MEMORY = {0x01021994: "tmpfs", 0x858458F6: "ramfs"}


class Setting(Struct, frozen=True):
    """What every question gets."""

    cores: Cores
    cache: Path
    folder: Path
    quick: bool
    rounds: int
    seconds: float

    @contextlib.contextmanager
    def upstream(self) -> Iterator[int]:
        """Run the stub; return its port."""
        port = free_port()
        command = [sys.executable, "-m", "tests.bench.stub", "--port", str(port)]
        log = self.folder / "stub.log"
        with Child(command, core=self.cores.around, log=log, cwd=ROOT) as stub:
            stub.until(lambda: get(port, "/api/providers")[0] == 200, "the stub")
            yield port

    @contextlib.contextmanager
    def scratch(self, name: str) -> Iterator[Path]:
        """Return a folder that does not exist yet; afterwards it is gone, and the disk is quiet."""
        folder = self.folder / name
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.sync()


def say(text: str) -> None:
    """Tell how far it is, apart from the tables."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def workplace(cache: Path) -> Iterator[Path]:
    """Return a folder on the disk of the cache, which is gone afterwards, as are those of runs that were killed."""
    cache.mkdir(parents=True, exist_ok=True)
    for left in cache.glob("run-*-*"):
        if not Path(f"/proc/{left.name.split('-')[1]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    prefix = f"run-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=cache, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def facts(cores: Cores, folder: Path) -> dict[str, Any]:
    """Return what the numbers depend on."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "revision": _revision(),
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "core_of_the_measured": cores.measured,
        "core_of_stub_and_load": cores.around,
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()),
        "load_average": [round(each, 2) for each in os.getloadavg()],
        "synced_write_ms": round(_synced_write_ms(folder), 3),
        "in_memory": _in_memory(folder),
    }


def _revision() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    try:
        return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _cpu_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(": ")[2]
    return platform.machine()


def _synced_write_ms(folder: Path) -> float:
    """Return the median time of appending 4 KB to a file, down to the disk."""
    path = folder / "sync-probe"
    taken = []
    with path.open("wb") as file:
        for _ in range(100):
            began = time.perf_counter()
            file.write(os.urandom(4096))
            file.flush()
            os.fdatasync(file.fileno())
            taken.append(time.perf_counter() - began)
    path.unlink()
    return statistics.median(taken) * 1000


def _in_memory(folder: Path) -> str | None:
    """Return the name of the file system when it is one without a disk."""
    try:
        done = subprocess.check_output(["/usr/bin/stat", "-f", "-c", "%t", str(folder)], text=True)
        return _IN_MEMORY.get(int(done, 16))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
