"""(c) What thousands of jobs in flight cost: a queue backend is asked after every one of them, within its budget."""

import json
import time
from pathlib import Path
from typing import Any

import uvloop
from msgspec import Struct, to_builtins

from tests.bench.child import ChildError, get
from tests.bench.contender import Cell, Command, Server, Triptych, job, ready, running, serve
from tests.bench.load import load
from tests.bench.setting import Setting, say
from tests.bench.studio import MODEL
from tests.bench.table import table

POLLS_PER_S = 1000
SETTLE_S = 60.0
#: How often a caller looks at a job meanwhile.
LOOK_S = 0.05


class Polling(Triptych):
    """Our gateway, with a Studio behind it that never ends anything."""

    def command(self, port: int, upstream: int, folder: Path, cells: list[Cell]) -> Command:
        """Let as many jobs fly as there are."""
        del cells
        backend = {
            "dialect": "sdcpp",
            "base_url": f"http://127.0.0.1:{upstream}/studio",
            "max_concurrency": 10_000,
            "polls_per_s": POLLS_PER_S,
            "timeouts": {"submit_interval_s": 0.00001},
        }
        limits = {"queued_per_team": 20_000, "queued_total": 20_000}
        return serve(port, folder, {"backends": {"studio": backend}, "limits": limits, "shutdown": {"drain_s": 0}})


class Polled(Struct, kw_only=True):
    """What so many jobs in flight cost."""

    jobs: int
    #: How long it took until the backend had them all.
    submitted_in_s: float
    cpu_share: float
    polls_per_s: float
    cpu_ms_per_poll: float | None
    #: What a second costs, shared by the jobs: it falls as they grow, because one list tells of all that wait.
    cpu_ms_per_job: float | None
    #: How long ago the backend was asked, half of the jobs and the one that waited longest.
    median_age_s: float
    oldest_s: float
    look_p50_ms: float
    look_p99_ms: float
    rss_mb: float


def measure(setting: Setting) -> tuple[dict[str, Any], str]:
    """Return everything that was measured, and the table."""
    found = []
    for jobs in (100, 5000) if setting.quick else (0, 10, 100, 1000, 5000):
        say(f"(c) {jobs} jobs in flight")
        with (
            setting.upstream() as upstream,
            setting.scratch("polling") as folder,
            running(Polling(), upstream, folder, [], setting.cores) as server,
        ):
            ready(server)
            found.append(_with(setting, server, upstream, jobs))
    rows = [
        [
            f"{each.jobs:,} jobs",
            each.submitted_in_s,
            each.cpu_share * 100,
            each.polls_per_s,
            each.cpu_ms_per_poll,
            each.cpu_ms_per_job,
            each.median_age_s,
            each.oldest_s,
            each.look_p50_ms,
            each.look_p99_ms,
            each.rss_mb,
        ]
        for each in found
    ]
    head = ["in flight", "submitted in s", "CPU %", "polls/s", "CPU ms/poll", "CPU ms/job/s"]
    head += ["median age s", "oldest s", "look p50 ms"]
    title = f"(c) asking after jobs in flight, a budget of {POLLS_PER_S:,} polls a second, each job due every second"
    return {"polled": to_builtins(found)}, table(title, [*head, "look p99 ms", "MB"], rows)


def _with(setting: Setting, server: Server, upstream: int, jobs: int) -> Polled:
    began = time.monotonic()
    shown = "/livez"
    if jobs:
        made: set[str] = set()
        request = job(server.port, f"studio/{MODEL}", 64, wait=False)
        uvloop.run(load(request, callers=16, seconds=SETTLE_S, warmup=0, count=jobs, locations=made))
        shown = next(iter(made))
        while _count(upstream)["jobs"] < jobs:
            if time.monotonic() - began > SETTLE_S:
                msg = f"the backend has only {_count(upstream)['jobs']} of {jobs} jobs after {SETTLE_S} s"
                raise ChildError(msg)
            time.sleep(0.02)
    submitted_in_s = time.monotonic() - began
    # Every job is asked after once before anything is counted: its first answer is news, and is written down.
    time.sleep(1 + 2 * jobs / POLLS_PER_S)
    before, cpu, at = _count(upstream), server.child.cpu_s(), time.monotonic()
    looks = _look(server.port, shown, setting.seconds * 2)
    after, used, lasted = _count(upstream), server.child.cpu_s() - cpu, time.monotonic() - at
    polls = after["polls"] - before["polls"]
    return Polled(
        jobs=jobs,
        submitted_in_s=round(submitted_in_s, 2),
        cpu_share=round(used / lasted, 4),
        polls_per_s=round(polls / lasted, 1),
        cpu_ms_per_poll=round(used / polls * 1000, 3) if polls else None,
        cpu_ms_per_job=round(used / lasted / jobs * 1000, 4) if jobs else None,
        median_age_s=round(after["median_age_s"], 2),
        oldest_s=round(after["oldest_s"], 2),
        look_p50_ms=round(looks[len(looks) // 2] * 1000, 2),
        look_p99_ms=round(looks[int(len(looks) * 0.99)] * 1000, 2),
        rss_mb=server.child.rss_mb(),
    )


def _look(port: int, path: str, seconds: float) -> list[float]:
    """Look at something again and again; return how long each look took, the shortest first."""
    taken = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        get(port, path)
        taken.append(time.monotonic() - began)
        time.sleep(LOOK_S)
    return sorted(taken)


def _count(upstream: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(get(upstream, "/studio/_count")[1])
    return found
