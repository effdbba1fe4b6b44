"""(f) The ima2 face: what it adds to an ima2 server that it stands in front of, and what a client that waits costs."""

import asyncio
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import uvloop
from msgspec import Struct, to_builtins

from tests.bench.accept import HOUR_MS
from tests.bench.child import Child, get
from tests.bench.contender import PROMPT, ROOT, Cell, Command, Triptych, ready, running, serve
from tests.bench.load import Measured, Request, load
from tests.bench.setting import Setting, say
from tests.bench.stub import prefix
from tests.bench.table import middle, table
from tests.harness import free_port

CALLERS = (1, 16)
SIDE = 256
WAITING = 500
#: Simulated seconds pass at once: what is left is the emulator's own work.
SPEED = 100_000
SETTLE_S = 2.0
ITSELF, FACE = "the sandbox itself", "the face over it"


class Fronting(Triptych):
    """Our gateway in front of one ima2 server, asked in ima2's words."""

    def __init__(self, base_url: str) -> None:
        """Take where that server is."""
        self._base_url = base_url

    def command(self, port: int, upstream: int, folder: Path, cells: list[Cell]) -> Command:
        """Let as many jobs run as come."""
        del upstream, cells
        backend = {"dialect": "ima2", "base_url": self._base_url, "max_concurrency": 1000}
        limits = {"blocking_submits": 1000}
        return serve(port, folder, {"backends": {"easel": backend}, "limits": limits, "shutdown": {"drain_s": 0}})


class Waited(Struct, kw_only=True):
    """What clients that wait cost."""

    clients: int
    running: int
    rss_mb_before: float
    rss_mb: float
    kb_each: float


def measure(setting: Setting) -> tuple[dict[str, Any], str]:
    """Return everything that was measured, and the table."""
    found: dict[str, list[Measured]] = defaultdict(list)
    for number in range(setting.rounds):
        say(f"(f) round {number + 1} of {setting.rounds}")
        _round(setting, found)
    say(f"(f) {WAITING} clients wait")
    waited = _waiting(setting)
    rows = [
        [
            name,
            middle(each.per_s for each in rounds),
            middle(each.p50_ms for each in rounds),
            middle(each.p99_ms for each in rounds),
            middle(each.p50_ms - bare.p50_ms for each, bare in zip(rounds, _beside(found, name), strict=True)),
            sum(sum(each.wrong.values()) for each in rounds),
        ]
        for name, rounds in found.items()
    ]
    head = ["(f) POST /api/generate", "req/s", "p50 ms", "p99 ms", "added ms", "wrong answers"]
    more = waited.rss_mb - waited.rss_mb_before
    text = f"{waited.clients} clients wait for {waited.running} jobs: {more:.1f} MB more, {waited.kb_each:.0f} KB each"
    raw = {name: to_builtins(rounds) for name, rounds in found.items()}
    drawn = table(f"(f) the ima2 face over the ima2 sandbox, {SIDE}x{SIDE}: medians over rounds", head, rows)
    return {"rounds": raw, "waiting": to_builtins(waited)}, f"{drawn}\n{text}"


def _beside(found: dict[str, list[Measured]], name: str) -> list[Measured]:
    return found[f"{ITSELF}, {name.rpartition(' ')[2]}"]


def _round(setting: Setting, found: dict[str, list[Measured]]) -> None:
    port = free_port()
    with setting.scratch("fronting") as folder:
        command = [
            *(sys.executable, "-m", "gateway", "sandbox", "ima2", "--port", str(port), "--speed", str(SPEED)),
            *("--data-dir", str(folder / "sandbox")),
        ]
        folder.mkdir(parents=True)
        with Child(command, core=setting.cores.around, log=folder / "sandbox.log", cwd=ROOT) as sandbox:
            sandbox.until(lambda: get(port, "/api/health")[0] == 200, "the sandbox")
            base = f"http://127.0.0.1:{port}"
            for callers in CALLERS:
                found[f"{ITSELF}, {callers}"].append(_measured(setting, base, callers))
            with running(Fronting(base), port, folder / "gateway", [], setting.cores) as server:
                ready(server)
                for callers in CALLERS:
                    face = f"http://127.0.0.1:{server.port}/ima2"
                    found[f"{FACE}, {callers}"].append(_measured(setting, face, callers, server.child))


def _measured(setting: Setting, base: str, callers: int, child: Child | None = None) -> Measured:
    cpu = None if child is None else child.cpu_s
    return uvloop.run(load(_request(base), callers=callers, seconds=setting.seconds, cpu=cpu))


def _request(base: str) -> Request:
    body = {"prompt": PROMPT, "provider": "oauth", "model": "gpt-5.4", "size": f"{SIDE}x{SIDE}", "quality": "low"}
    return Request(f"{base}/api/generate", {}, json.dumps(body).encode(), least_bytes=1000)


def _waiting(setting: Setting) -> Waited:
    """Hold so many requests open whose pictures take an hour."""
    with setting.upstream() as upstream, setting.scratch("waiting") as folder:
        slow = f"http://127.0.0.1:{upstream}/{prefix(200_000, HOUR_MS)}"
        with running(Fronting(slow), upstream, folder, [], setting.cores) as server:
            ready(server)
            return uvloop.run(_held(server.child, server.port))


async def _held(child: Child, port: int) -> Waited:
    await asyncio.sleep(SETTLE_S)
    before = child.rss_mb()
    request = _request(f"http://127.0.0.1:{port}/ima2")
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(WAITING)]
    for _, writer in opened:
        writer.write(request.wire())
    jobs = 0
    for _ in range(100):
        await asyncio.sleep(0.2)
        _, body = await asyncio.to_thread(get, port, "/v1/backends")
        jobs = sum(each["in_flight"] for each in json.loads(body)["backends"])
        if jobs == WAITING:
            break
    await asyncio.sleep(SETTLE_S)
    full = child.rss_mb()
    for _, writer in opened:
        writer.transport.abort()
    each = (full - before) * 1000 / WAITING
    return Waited(clients=WAITING, running=jobs, rss_mb_before=before, rss_mb=full, kb_each=round(each, 1))
