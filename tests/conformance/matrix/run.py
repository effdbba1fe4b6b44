"""The whole run: everything started, every cell carried and refused, everything ended."""

import asyncio
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.conformance.matrix.carrying import carry, prepared
from tests.conformance.matrix.cells import COLUMNS, Cell, request
from tests.conformance.matrix.doors import House, ask_all
from tests.conformance.matrix.following import followed
from tests.conformance.matrix.seen import Seen
from tests.conformance.matrix.servers import Keyed, Sandboxes, keyed_gateway, open_gateway


class Run(Struct, frozen=True):
    """What was seen, by situation and cell, and the circuits that are open at its end."""

    seen: dict[tuple[str, Cell], Seen]
    open_circuits: tuple[str, ...]


async def run(folder: Path) -> Run:
    """Do it all, in a folder of its own."""
    sandboxes = Sandboxes(folder)
    try:
        cases = await prepared(sandboxes)
        doors = {f"{name}-0": sandboxes.backends[f"{name}-0"] for name in COLUMNS}
        async with (
            open_gateway(folder / "open", sandboxes.backends) as http,
            keyed_gateway(folder / "keyed", {**doors, "full": {**doors["ima2-head-0"], "max_concurrency": 1}}) as keyed,
        ):
            await asyncio.gather(_filled(keyed), *(sandboxes.gone[name].stop() for name in COLUMNS))
            carried = await carry(http, cases)
            data_dir = folder / "open" / "data"
            refused = await ask_all(House(http=http, keyed=keyed, data_dir=data_dir, made=carried.made))
            circuits = _open_circuits((await http.get("/v1/backends")).raise_for_status().json()["backends"])
    finally:
        await sandboxes.stop()
    return Run(carried.seen | refused, circuits)


async def _filled(keyed: Keyed) -> None:
    """Let one job run and one wait: there is no room for another."""
    body = request(Cell("image.generate", "ima2-head"), "full", "[[slow:20000]]")
    first = (await keyed.full.post("/v1/jobs", json=body)).raise_for_status().json()
    async with followed(keyed.full) as jobs:
        await jobs.until_begun(first["id"])
    (await keyed.full.post("/v1/jobs", json=body)).raise_for_status()


def _open_circuits(backends: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        each["name"]
        for each in backends
        if each["up"] and any(account["circuit"] != "closed" for account in each["accounts"])
    )
