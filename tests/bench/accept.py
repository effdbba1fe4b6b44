"""(a) Jobs accepted: 202 only after a commit that survives power loss, and every acknowledged job is there."""

import asyncio
import os
import signal
import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

import uvloop
from msgspec import to_builtins

from tests.bench.contender import Cell, Command, Triptych, job, ready, running, serve
from tests.bench.load import Measured, Request, load
from tests.bench.setting import Setting, say
from tests.bench.stub import prefix
from tests.bench.table import aim, middle, table

CALLERS = (1, 16, 64)
#: The backend takes one job, and takes an hour: everything else waits.
HOUR_MS = 3_600_000
MANY = 10_000_000
FLOOR = "an empty route"


class Accepting(Triptych):
    """Our gateway, with a backend that is busy."""

    def command(self, port: int, upstream: int, folder: Path, cells: list[Cell]) -> Command:
        """Allow as many waiting jobs as come."""
        del cells
        backend = {
            "dialect": "ima2",
            "base_url": f"http://127.0.0.1:{upstream}/{prefix(200_000, HOUR_MS)}",
            "max_concurrency": 1,
        }
        limits = {"queued_per_team": MANY, "queued_total": MANY}
        return serve(port, folder, {"backends": {"busy": backend}, "limits": limits, "shutdown": {"drain_s": 0}})


def measure(setting: Setting) -> tuple[dict[str, Any], str]:
    """Return everything that was measured, and the table."""
    found: dict[str, list[Measured]] = defaultdict(list)
    lost = []
    with setting.upstream() as upstream:
        for number in range(setting.rounds):
            say(f"(a) round {number + 1} of {setting.rounds}")
            lost.append(_round(setting, upstream, found))
        say("(a) killed in the middle")
        killed = _killed(setting, upstream)
    raw = {name: to_builtins(rounds) for name, rounds in found.items()}
    return {"rounds": raw, "acknowledged_and_missing": lost, "killed": killed}, _table(found, lost, killed)


def _round(setting: Setting, upstream: int, found: dict[str, list[Measured]]) -> int:
    """Measure one round; return how many acknowledged jobs are missing."""
    acknowledged: set[str] = set()
    with setting.scratch("accepting") as folder:
        with running(Accepting(), upstream, folder, [], setting.cores) as server:
            ready(server)
            request = job(server.port, "busy/gpt-5.4", 256, wait=False)
            for callers in CALLERS:
                found[str(callers)].append(
                    uvloop.run(
                        load(
                            request,
                            callers=callers,
                            seconds=setting.seconds,
                            locations=acknowledged,
                            cpu=server.child.cpu_s,
                        )
                    )
                )
            empty = Request(f"http://127.0.0.1:{server.port}/livez")
            found[FLOOR].append(
                uvloop.run(load(empty, callers=64, seconds=setting.seconds / 2, cpu=server.child.cpu_s))
            )
        return len(acknowledged - _stored(folder))


def _killed(setting: Setting, upstream: int) -> dict[str, Any]:
    """Kill the gateway while 64 callers are at it, and look for what it had acknowledged."""
    acknowledged: set[str] = set()
    with setting.scratch("killed") as folder:
        with running(Accepting(), upstream, folder, [], setting.cores) as server:
            ready(server)
            request = job(server.port, "busy/gpt-5.4", 256, wait=False)

            async def killed_midway() -> None:
                loop = asyncio.get_running_loop()
                loop.call_later(0.3 + setting.seconds / 2, os.kill, server.child.pid, signal.SIGKILL)
                await load(request, callers=64, seconds=setting.seconds, warmup=0, locations=acknowledged)

            uvloop.run(killed_midway())
        stored = _stored(folder)
        with running(Accepting(), upstream, folder, [], setting.cores, fresh=False) as server:
            after = server.ready_s
        return {
            "acknowledged": len(acknowledged),
            "stored": len(stored),
            "missing": len(acknowledged - stored),
            "start_after_s": round(after, 2),
        }


def _stored(folder: Path) -> set[str]:
    """Return where the jobs are that the database has."""
    connection = sqlite3.connect(folder / "data" / "triptych.db")
    try:
        return {f"/v1/jobs/{row[0]}" for row in connection.execute("SELECT id FROM job")}
    finally:
        connection.close()


def _table(found: dict[str, list[Measured]], lost: list[int], killed: dict[str, Any]) -> str:
    rows = [
        [
            name if name == FLOOR else f"{name} caller{'s' if name != '1' else ''}",
            middle(each.per_s for each in rounds),
            min(each.per_s for each in rounds),
            max(each.per_s for each in rounds),
            middle(each.p50_ms for each in rounds),
            middle(each.p99_ms for each in rounds),
            middle(each.cpu_ms for each in rounds),
            sum(sum(each.wrong.values()) for each in rounds),
        ]
        for name, rounds in found.items()
    ]
    head = ["(a) jobs accepted", "per s", "least", "most", "p50 ms", "p99 ms", "CPU ms", "wrong answers"]
    busiest = found[str(CALLERS[-1])]
    end = (
        f"killed (SIGKILL) under 64 callers: {killed['acknowledged']:,} acknowledged, {killed['missing']} of them "
        f"missing; started again with them in {killed['start_after_s']} s"
    )
    return "\n".join(
        (
            table("(a) POST /v1/jobs, 202 after the commit (synchronous=FULL): medians over rounds", head, rows),
            f"acknowledged and not in the database: {sum(lost)}",
            end,
            aim("jobs/s at 64 callers", middle(each.per_s for each in busiest), 3000, at_least=True),
            aim("p99 at 64 callers", middle(each.p99_ms for each in busiest), 60, at_least=False, unit=" ms"),
        )
    )
