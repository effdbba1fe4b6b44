"""A gateway whose power is cut when so many jobs stand at one step of imgen's: the steps of `tests.crash.holding`."""

import sys
from typing import Any

from adapters.imgen.adapter import Imgen
from contracts.port import Done
from gateway.cli import main
from gateway.engine.deliver import Deliverer
from tests.crash.holding import Arrive, after, before, gate, while_fetching


def when_reviewed(arrive: Arrive) -> None:
    """Hold whoever has just been told that a run is through: the server reviewed it in that very exchange."""
    original = Imgen.poll

    async def held(self: Imgen, handles: Any) -> Any:
        found = await original(self, handles)
        if any(isinstance(each, Done | Exception) for each in found.values()):
            await arrive()
        return found

    Imgen.poll = held  # type: ignore[method-assign]


#: What is told of the jobs afterwards is in the test.
STEPS = {
    "accepted": lambda arrive: before(Imgen, "submit", arrive),
    "answered": lambda arrive: after(Imgen, "submit", arrive),
    "polled": lambda arrive: after(Imgen, "poll", arrive),
    "reviewed": when_reviewed,
    "fetching": while_fetching,
    "withheld": lambda arrive: after(Deliverer, "withhold", arrive),
    "stored": lambda arrive: after(Deliverer, "deliver", arrive),
}


if __name__ == "__main__":
    STEPS[sys.argv[1]](gate(int(sys.argv[2])))
    sys.argv = ["triptych", *sys.argv[3:]]
    main()
