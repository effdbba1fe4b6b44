"""Carrying every cell through every situation that it can be brought to, all of them side by side."""

import asyncio
from collections.abc import Awaitable, Mapping
from itertools import count
from typing import Any

import httpx
from msgspec import Struct

from adapters.kit.scenario import Rule
from tests.conformance.matrix import seen
from tests.conformance.matrix.cells import CELLS, COLUMNS, Cell, request
from tests.conformance.matrix.doors import key_of
from tests.conformance.matrix.following import LOOK_S, PATIENCE_S, Jobs, followed
from tests.conformance.matrix.seen import Seen
from tests.conformance.matrix.servers import DOORS, SLOW_SPEED, Sandboxes
from tests.conformance.matrix.situations import SITUATIONS, Situation


class Case(Struct, frozen=True):
    """One cell in one situation: through which door it goes, and the words that force it."""

    situation: Situation
    cell: Cell
    door: str
    words: str = ""


async def prepared(sandboxes: Sandboxes) -> list[Case]:
    """Start the servers and return what is to be done; the backends that it takes are in `sandboxes`."""
    shared = {name: await sandboxes.start(column) for name, column in COLUMNS.items()}
    rules: dict[str, list[Rule]] = {name: [] for name in COLUMNS}
    for name, sandbox in shared.items():
        for number in range(DOORS):
            sandboxes.door(f"{name}-{number}", sandbox)
        slow = await sandboxes.start(COLUMNS[name], speed=SLOW_SPEED)
        sandboxes.door(f"{name}-slow", slow)
        sandboxes.door(f"{name}-busy", slow, max_concurrency=1)
        sandboxes.gone[name] = await sandboxes.start(COLUMNS[name])
        sandboxes.door(f"{name}-gone", sandboxes.gone[name])
    numbers = {name: count() for name in COLUMNS}
    cases: list[Case] = []
    for situation in SITUATIONS:
        for cell in CELLS:
            token = situation.token(cell)
            if token is None:
                continue
            name, _, argument = token.partition(":")
            if situation.is_alone(cell):
                own = await sandboxes.start(
                    COLUMNS[cell.column], speed=SLOW_SPEED if situation.door == "slow" else None
                )
                door = sandboxes.door(f"alone-{len(cases)}", own)
                if token:
                    route = "POST /api/queue/" if cell.column == "sdcpp" else "POST "
                    rule = Rule(outcome=name, argument=argument or None, route=route, times=situation.times)
                    await sandboxes.force(own, rule)
                cases.append(Case(situation, cell, door))
                continue
            at = next(numbers[cell.column]) % DOORS
            door = f"{cell.column}-{situation.door or at}"
            words = f"[[{token}]]" if token else ""
            if situation.times is not None:
                words = f"case {len(cases)}:"
                rules[cell.column].append(Rule(outcome=name, contains=words, times=situation.times))
            cases.append(Case(situation, cell, door, words))
    for name, sandbox in shared.items():
        await sandboxes.force(sandbox, *rules[name])
    return cases


class Carried(Struct, frozen=True):
    """What came of everything, and the documents of the jobs that brought a picture without more ado."""

    seen: dict[tuple[str, Cell], Seen]
    made: dict[Cell, dict[str, Any]]


async def carry(http: httpx.AsyncClient, cases: list[Case]) -> Carried:
    """Do all of it at once."""
    made: dict[Cell, dict[str, Any]] = {}
    async with followed(http) as jobs:
        await asyncio.gather(*(_occupied(http, jobs, name) for name in COLUMNS))
        down = {f"{name}-gone": asyncio.create_task(_until_down(http, f"{name}-gone")) for name in COLUMNS}
        found = await asyncio.gather(*(_done(http, jobs, case, down, made) for case in cases))
    return Carried({(case.situation.name, case.cell): each for case, each in zip(cases, found, strict=True)}, made)


async def _occupied(http: httpx.AsyncClient, jobs: Jobs, column: str) -> None:
    """Take the one slot of a column's busy door, for good."""
    token = "stuck_loading" if column == "sdcpp" else "slow:20000"
    body = request(Cell("image.generate", column), f"{column}-busy", f"[[{token}]]")
    job = (await http.post("/v1/jobs", json=body)).raise_for_status().json()
    await jobs.until_begun(job["id"])


async def _until_down(http: httpx.AsyncClient, door: str) -> None:
    """Wait until the gateway knows that a backend is down."""
    for _ in range(int(PATIENCE_S / LOOK_S)):
        if not (await http.get(f"/v1/backends/{door}")).json()["up"]:
            return
        await asyncio.sleep(LOOK_S)
    raise AssertionError(f"{door} is still up")


async def _done(
    http: httpx.AsyncClient,
    jobs: Jobs,
    case: Case,
    down: Mapping[str, Awaitable[None]],
    made: dict[Cell, dict[str, Any]],
) -> Seen:
    if case.door in down:
        await down[case.door]
    situation = case.situation
    body = request(case.cell, case.door, case.words, **situation.fields)
    plain = situation is SITUATIONS[0]
    response = await http.post("/v1/jobs", json=body, headers={"Idempotency-Key": key_of(case.cell)} if plain else {})
    assert response.status_code == 202, (situation.name, str(case.cell), response.text)
    job = response.json()
    if situation.act == "cancel_running":
        # A Studio drops what waits in its queue; the others do the same whenever they are asked.
        await (jobs.until_at_work if case.cell.column == "sdcpp" else jobs.until_begun)(job["id"])
    if situation.act is not None:
        cancelled = await http.post(job["links"]["cancel"], headers={"Prefer": "wait=30"})
        assert cancelled.status_code == 200, (situation.name, str(case.cell), cancelled.text)
    shown = await jobs.until_ended(job["id"])
    history = (await http.get(job["links"]["events"])).raise_for_status()
    if plain:
        made[case.cell] = shown.json()
    try:
        return seen.carried(response.status_code, shown.content, history.text)
    except AssertionError as error:
        error.add_note(f"{situation.name}, {case.cell}")
        raise
