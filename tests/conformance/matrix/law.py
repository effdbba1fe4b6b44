"""The law of the matrix: in one situation all that can come to it agree, and what does not is explained.

What is found against it is told in sentences; a run that keeps the law has none.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from contracts.catalog import CATALOG, should_retry
from tests.conformance.matrix.cells import CELLS, UNDONE, Cell
from tests.conformance.matrix.doors import REFUSALS, Refusal
from tests.conformance.matrix.explained import ABSENT, DIFFERENCES, HOLES, NAMES, Difference, difference, hole
from tests.conformance.matrix.seen import OF_THE_DIALECT, Seen
from tests.conformance.matrix.situations import SITUATIONS, Situation, path_of

UNDONE_ROW = "not done here"
Found = dict[tuple[str, Cell], Seen]


def expected(situation: Situation, differs: Difference | None = None) -> Seen:
    """Return what must be seen of a situation: the canonical job, changed by what is explained."""
    code, outcome, ends = situation.code, situation.leaves, situation.ends
    tries, answer = situation.tries, situation.answer
    if differs is not None:
        code, outcome = differs.code or code, differs.outcome or outcome
        ends, answer = differs.ends or ends, differs.answer or answer
        tries = tries if differs.tries is None else differs.tries
    path = path_of(tries, ends)
    retry = () if code is None else CATALOG[code].retry
    events = [f"job.{state}" for state in path]
    if ends == "succeeded":
        events.insert(-1, "job.output")
    return Seen(
        status=202,
        code=code,
        path=path,
        events=tuple(events),
        outcome=outcome,
        retry=retry,
        should_retry=None if outcome is None else should_retry(retry, outcome),
        answer=answer,
    )


def refusal(row: Refusal) -> Seen:
    """Return what must be seen at every cell of a row of refusals."""
    entry = CATALOG[row.code]
    return Seen(
        status=entry.status,
        code=row.code,
        outcome=entry.outcome,
        retry=entry.retry,
        should_retry=should_retry(entry.retry, entry.outcome),
    )


def breaches(found: Found) -> list[str]:
    """Return everything that is against the law."""
    return [*_holes(), *_explanations(found), *_cells(found), *_shapes(found), *_specs(found), *_undone(found)]


def _holes() -> Iterator[str]:
    """Yield holes without a reason, and reasons without a hole."""
    missing = {(each.name, cell) for each in SITUATIONS for cell in CELLS if each.token(cell) is None}
    missing |= {(each.name, cell) for each in REFUSALS for cell in CELLS if not each.asked_at(cell)}
    for row, cell in sorted(missing):
        if hole(row, cell) is None:
            yield f"{row}, {cell}: nothing leads there, and nobody says why"
    for each in HOLES:
        if not any(each.covers(row, cell) for row, cell in missing):
            yield f"no hole needs it any more: {each.why}"
    reached = {each.code for each in SITUATIONS} | {each.code for each in REFUSALS}
    for code in CATALOG:
        if (code in reached) == (code in ABSENT):
            yield f"{code}: {'is reached, and said not to be' if code in reached else 'nothing leads to it'}"


def _explanations(found: Found) -> Iterator[str]:
    """Yield explanations of what is as canonical, of nothing at all, or of one thing twice."""
    for each in (*DIFFERENCES, *HOLES):
        yield from (f"there is no cell {name!r}" for name in each.cells if name not in NAMES)
    for each in DIFFERENCES:
        if not any(each.covers(row, cell) for row, cell in found):
            yield f"nothing differs so any more: {each.why}"
    for situation in SITUATIONS:
        for cell in CELLS:
            rivals = [each for each in DIFFERENCES if each.covers(situation.name, cell)]
            if len(rivals) > 1:
                yield f"{situation.name}, {cell}: explained twice"
            if rivals and _told(expected(situation, rivals[0])) == _told(expected(situation)):
                yield f"{situation.name}, {cell}: the explanation changes nothing"


def _told(seen: Seen) -> tuple[object, ...]:
    return (seen.status, seen.code, seen.path, seen.outcome, seen.retry, seen.should_retry, seen.answer)


def _cells(found: Found) -> Iterator[str]:
    """Yield cells that are not as they must be, and those that nobody looked at."""
    must = {
        (each.name, cell): expected(each, difference(each.name, cell))
        for each in SITUATIONS
        for cell in CELLS
        if each.token(cell) is not None
    }
    must |= {(row.name, cell): refusal(row) for row in REFUSALS for cell in CELLS if row.asked_at(cell)}
    for (row, cell), wanted in must.items():
        seen = found.get((row, cell))
        if seen is None:
            yield f"{row}, {cell}: was not carried"
            continue
        if _told(seen) != _told(wanted):
            yield f"{row}, {cell}: {_told(seen)} instead of {_told(wanted)}"
        # However many files a job brings, they come one after another.
        folded = tuple(event for event, _ in groupby(seen.events))
        if folded != wanted.events:
            yield f"{row}, {cell}: its events are {seen.events}"


def _shapes(found: Found) -> Iterator[str]:
    """Yield cells whose document has other members, or members of another kind, than the others of its row."""
    groups: dict[tuple[str, str | None], dict[Cell, Seen]] = {}
    for (row, cell), seen in found.items():
        ends = seen.path[-1] if seen.path else None
        groups.setdefault((row, ends), {})[cell] = seen
    for (row, _), cells in groups.items():
        shapes = {cell: tuple(sorted(seen.shape.items())) for cell, seen in cells.items()}
        [(usual, _)] = Counter(shapes.values()).most_common(1)
        for cell, shape in shapes.items():
            if shape != usual:
                yield f"{row}, {cell}: the document differs in {sorted(set(shape) ^ set(usual))}"
    differing: set[str] = set()
    for cells in groups.values():
        common = frozenset.intersection(*(seen.left_out for seen in cells.values()))
        differing |= {name for seen in cells.values() for name, _ in seen.left_out - common}
    yield from (f"{name!r} differs nowhere" for name in OF_THE_DIALECT if name not in differing)


def _specs(found: Found) -> Iterator[str]:
    """Yield cells whose job does not say of the request what the others of its operation say."""
    for situation in SITUATIONS:
        specs: dict[str, dict[Cell, object]] = {}
        for cell in CELLS:
            seen = found.get((situation.name, cell))
            if seen is not None:
                specs.setdefault(cell.operation, {})[cell] = seen.spec
        for cells in specs.values():
            first = next(iter(cells.values()))
            yield from (f"{situation.name}, {cell}: another spec" for cell, spec in cells.items() if spec != first)


def _undone(found: Found) -> Iterator[str]:
    """Yield cells that are refused in another way than all the others that cannot do an operation."""
    ways = {cell: _told(found[UNDONE_ROW, cell]) for cell in UNDONE}
    [(usual, _)] = Counter(ways.values()).most_common(1)
    for cell, way in ways.items():
        if way != usual:
            yield f"{cell} is not done, and refused as {way}, others as {usual}"
