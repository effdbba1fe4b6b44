"""(e) From the start of the process to the first 200, and the memory at rest, side by side."""

import time
from collections import defaultdict
from typing import Any

from tests.bench.contender import Cell, Contender, Triptych, running
from tests.bench.setting import Setting, say
from tests.bench.table import aim, middle, table

#: One upstream is enough to start.
CELLS = [Cell(200_000, 0, 1)]
OURS = "triptych"


def measure(setting: Setting, contenders: list[Contender]) -> tuple[dict[str, Any], str]:
    """Return everything that was measured, and the table."""
    starts: dict[str, list[float]] = defaultdict(list)
    memory: dict[str, list[float]] = defaultdict(list)
    rounds, rest_s = (1, 2.0) if setting.quick else (setting.rounds, 5.0)
    with setting.upstream() as upstream:
        for number in range(rounds):
            say(f"(e) round {number + 1} of {rounds}")
            for contender in contenders:
                with setting.scratch(contender.name) as folder:
                    with running(contender, upstream, folder, CELLS, setting.cores) as server:
                        starts[contender.name].append(server.ready_s)
                        time.sleep(rest_s)
                        memory[contender.name].append(server.child.rss_mb())
                    if isinstance(contender, Triptych):
                        with running(contender, upstream, folder, CELLS, setting.cores, fresh=False) as server:
                            starts[f"{contender.name}, second start"].append(server.ready_s)
    rows = [
        [name, middle(found), min(found), max(found), middle(memory.get(name, []))] for name, found in starts.items()
    ]
    return {"start_s": dict(starts), "rss_mb": dict(memory), "rest_s": rest_s}, "\n".join(
        (
            table("(e) start-up, and memory at rest", ["contender", "first 200, s", "least", "most", "MB"], rows),
            aim("start-up with an empty directory", middle(starts[OURS]), 1.5, at_least=False, unit=" s"),
            aim(f"memory {rest_s:g} s later", middle(memory[OURS]), 120, at_least=False, unit=" MB"),
        )
    )
