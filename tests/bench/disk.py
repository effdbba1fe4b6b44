"""What the disk alone allows: pictures stored durably by as many threads as callers, and no gateway.

As durable storing must: a temporary file, synced, renamed, its directory synced.
"""

import os
import resource
import threading
import time
from pathlib import Path

from tests.bench.load import Measured, at_share


def store(folder: Path, *, length: int, threads: int, seconds: float, core: int) -> Measured:
    """Store pictures of so many bytes for a while, on one core."""
    folder.mkdir()
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    noise = os.urandom(length)
    taken: list[float] = []
    began = time.monotonic()
    until = began + seconds

    def work(number: int) -> None:
        os.sched_setaffinity(0, {core})
        count = 0
        while (at := time.monotonic()) < until:
            count += 1
            _put(folder / f"{number}-{count}", noise)
            os.fsync(directory)
            taken.append(time.monotonic() - at)

    before = _cpu_s()
    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    used, lasted = _cpu_s() - before, time.monotonic() - began
    os.close(directory)
    taken.sort()
    return Measured(
        callers=threads,
        per_s=round(len(taken) / lasted, 1),
        p50_ms=at_share(taken, 0.5),
        p99_ms=at_share(taken, 0.99),
        answers=len(taken),
        cpu_ms=round(used / len(taken) * 1000, 3) if taken else None,
    )


def _put(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary.rename(path)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
