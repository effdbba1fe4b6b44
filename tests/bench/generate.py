"""(b) A picture through the whole path, synchronously, side by side: ours, the peers, and what stands around them.

Beside the contenders stand the bare stub (no gateway at all) and storing alone (only what must reach the disk). A
round takes all one after another, each fresh, each at all cells; the next round begins with another contender. Ratios
are of the same round.
"""

from collections import defaultdict
from typing import Any

import uvloop
from msgspec import to_builtins

from tests.bench import disk
from tests.bench.child import ChildError
from tests.bench.contender import Cell, Contender, Triptych, check, openai, ready, running
from tests.bench.load import Measured, load
from tests.bench.setting import Setting, say
from tests.bench.stub import prefix
from tests.bench.table import aim, middle, ratio, table, times

SMALL, LARGE, SLOW_MS = 200_000, 2_000_000, 50
CELLS = [
    Cell(SMALL, 0, 1),
    Cell(SMALL, 0, 16),
    Cell(LARGE, 0, 1),
    Cell(LARGE, 0, 16),
    Cell(SMALL, SLOW_MS, 1),
    Cell(SMALL, SLOW_MS, 16),
    Cell(SMALL, SLOW_MS, 64),
    Cell(LARGE, SLOW_MS, 16),
]
QUICK_CELLS = [CELLS[1], CELLS[3], CELLS[5], CELLS[6]]
OURS, STUB, DISK = "triptych", "(bare stub)", "(storing alone)"

Found = dict[tuple[str, Cell], list[Measured]]


def measure(setting: Setting, contenders: list[Contender]) -> tuple[dict[str, Any], str]:
    """Return everything that was measured, and the tables."""
    cells = QUICK_CELLS if setting.quick else CELLS
    found: Found = defaultdict(list)
    memory: dict[str, list[float]] = defaultdict(list)
    with setting.upstream() as upstream:
        for number in range(setting.rounds):
            _around(setting, upstream, cells, found)
            turn = number % len(contenders)
            for contender in contenders[turn:] + contenders[:turn]:
                say(f"(b) round {number + 1} of {setting.rounds}: {contender.name}")
                memory[contender.name].append(_one(setting, contender, upstream, cells, found))
    raw = [
        {"contender": name, **to_builtins(cell), "rounds": to_builtins(rounds)}
        for (name, cell), rounds in found.items()
    ]
    return {"cells": raw, "rss_after_load_mb": dict(memory)}, _tables(
        found, memory, cells, [c.name for c in contenders]
    )


def _around(setting: Setting, upstream: int, cells: list[Cell], found: Found) -> None:
    """Measure the stub without a gateway, and the disk without either."""
    for cell in cells:
        if not cell.delay_ms:
            with setting.scratch("disk") as folder:
                found[DISK, cell].append(
                    disk.store(
                        folder,
                        length=cell.bytes,
                        threads=cell.callers,
                        seconds=setting.seconds / 2,
                        core=setting.cores.measured,
                    )
                )
        request = openai(f"http://127.0.0.1:{upstream}/{prefix(cell.bytes, cell.delay_ms)}", cell)
        measured = uvloop.run(load(request, callers=cell.callers, seconds=setting.seconds / 2, warmup=0.2))
        found[STUB, cell].append(measured)


def _one(setting: Setting, contender: Contender, upstream: int, cells: list[Cell], found: Found) -> float:
    """Measure one contender in one round; return its memory afterwards."""
    with (
        setting.scratch(contender.name) as folder,
        running(contender, upstream, folder, cells, setting.cores) as server,
    ):
        if isinstance(contender, Triptych):
            ready(server)
        for cell in cells:
            try:
                check(server, upstream, cell)
            except ChildError as error:
                say(f"!!! {error}")
                found[contender.name, cell].append(_nothing(cell))
                continue
            request = contender.request(server.port, upstream, cell)
            measured = uvloop.run(load(request, callers=cell.callers, seconds=setting.seconds, cpu=server.child.cpu_s))
            if measured.wrong:
                say(f"!!! {contender.name}, {cell.name}: answers that were none: {measured.wrong}")
            found[contender.name, cell].append(measured)
        return server.child.rss_mb()


def _nothing(cell: Cell) -> Measured:
    nan = float("nan")
    return Measured(callers=cell.callers, per_s=nan, p50_ms=nan, p99_ms=nan, answers=0)


def _tables(found: Found, memory: dict[str, list[float]], cells: list[Cell], names: list[str]) -> str:
    parts = []
    for cell in cells:
        head = [
            "contender",
            "req/s",
            "least",
            "most",
            "p50 ms",
            "p99 ms",
            "added ms",
            "CPU ms",
            "ours is",
            "to its best",
        ]
        rows = [_row(found, cell, name) for name in [*names, STUB, DISK] if (name, cell) in found]
        title = f"(b) {cell.name} caller{'s' if cell.callers > 1 else ''}: medians over rounds"
        parts.append(table(title, head, rows))
    rows = [[name, middle(memory[name])] for name in names]
    parts.append(table("(b) memory after that load", ["contender", "MB"], rows))
    return "\n".join([*parts, "", *_aims(found)])


def _row(found: Found, cell: Cell, name: str) -> list[object]:
    rounds = found[name, cell]
    rates = [each.per_s for each in rounds]
    ours = [each.per_s for each in found.get((OURS, cell), [])]
    compared = name not in (OURS, STUB, DISK) and bool(ours)
    return [
        name,
        middle(rates),
        min(rates),
        max(rates),
        middle(each.p50_ms for each in rounds),
        middle(each.p99_ms for each in rounds),
        None if name in (STUB, DISK) else _added(found, name, cell),
        middle(each.cpu_ms for each in rounds),
        times(ratio(ours, rates)) if compared else "",
        times(_to_best(ours, rates)) if compared else "",
    ]


def _to_best(ours: list[float], theirs: list[float]) -> float | None:
    median = middle(ours)
    return median / max(theirs) if median is not None and theirs and max(theirs) else None


def _added(found: Found, name: str, cell: Cell) -> float | None:
    """Return by how much its median is above the bare stub's."""
    pairs = zip(found.get((name, cell), []), found.get((STUB, cell), []), strict=False)
    return middle(one.p50_ms - bare.p50_ms for one, bare in pairs)


def _aims(found: Found) -> list[str]:
    def over(peer: str, cell: Cell) -> float | None:
        ours, theirs = found.get((OURS, cell), []), found.get((peer, cell), [])
        return ratio([each.per_s for each in ours], [each.per_s for each in theirs])

    small, large = CELLS[1], CELLS[3]
    lines = [
        aim(f"{cell.name}: over {peer}", over(peer, cell), wanted, at_least=True, unit=" x")
        for cell, peer, wanted in (
            (small, "litellm", 5),
            (small, "portkey", 3.5),
            (small, "openai-forward", 1),
            (large, "litellm", 2.5),
            (large, "portkey", 4),
        )
    ]
    most = {CELLS[0]: 5, CELLS[4]: 5, CELLS[5]: 5, CELLS[6]: 15}
    lines += [
        aim(f"{cell.name}: added median", _added(found, OURS, cell), wanted, at_least=False, unit=" ms")
        for cell, wanted in most.items()
        if (OURS, cell) in found
    ]
    return lines
