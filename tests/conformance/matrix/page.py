"""The matrix as a page for people: `docs/matrix.md`, the same to the letter whenever the same was seen."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from contracts.codes import ErrorCode
from contracts.spec import OPERATIONS, Operation
from tests.conformance.matrix.cells import CELLS, COLUMNS, OPERATIONS_OF, Cell
from tests.conformance.matrix.doors import REFUSALS
from tests.conformance.matrix.explained import ABSENT, DIFFERENCES, HOLES, difference, hole
from tests.conformance.matrix.law import UNDONE_ROW, Found, refusal
from tests.conformance.matrix.seen import OF_THE_DIALECT, Seen
from tests.conformance.matrix.situations import SITUATIONS

PAGE = Path(__file__).parents[3] / "docs" / "matrix.md"
_NUMBERS = {each.why: number for number, each in enumerate((*HOLES, *DIFFERENCES), start=1)}

_INTRODUCTION = """\
# The equivalence matrix

One request, sent to each server, in every situation that the error catalogue knows: the same canonical job comes of it.
The same states in the same order, the same events in the same order, the same code, the same outcome and the same
document, whatever the server's own words are. This page is written by a run that does all of it (`make matrix`), and a
test fails when a run says anything else than this page.

A tick is a cell that was carried and is as the row says. A dash cannot be had there. What differs says how. Dashes and
differences carry the number of a reason at the end; a test fails where a reason is missing, or is needed no longer.
"""
_SERVERS = """\
`ima2-tag`, `ima2-head` and `ima2-new` are the three builds of ima2 in the name of its OpenAI account, `ima2-grok` is
the newest one in the name of Grok's. Between `job.running` and the end a job tells of phases, progress and previews as
far as they last: they are in the order of the contract, and no part of what is compared.
"""


def page(found: Found) -> str:
    """Write what was seen."""
    parts = [_INTRODUCTION, _SERVERS, *_summary(found)]
    for operation in OPERATIONS:
        parts += _operation(found, operation)
    return "\n".join([*parts, *_reasons()])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _summary(found: Found) -> Iterator[str]:
    dialects = tuple(OPERATIONS_OF)
    rows = []
    for operation in OPERATIONS:
        row = [f"`{operation}`"]
        for dialect in dialects:
            columns = [column for column in COLUMNS.values() if column.dialect == dialect]
            able = [column.name for column in columns if operation in column.does]
            codes = {
                found[UNDONE_ROW, Cell(operation, column.name)].code for column in columns if column.name not in able
            }
            said = [", ".join(able) if able != [dialect] else "done"] if able else []
            said += [f"{'others ' if able else ''}refused with `{code}`" for code in sorted(filter(None, codes))]
            row.append("; ".join(said))
        rows.append(row)
    yield "## Who does what\n"
    yield _table(["operation", *dialects], rows)


def _operation(found: Found, operation: Operation) -> Iterator[str]:
    cells = [cell for cell in CELLS if cell.operation == operation]
    names = [cell.column for cell in cells]
    yield f"## {operation}\n"
    yield "Refused at the door: no job is made.\n"
    yield _table(
        ["what is asked", "code", "status", *names],
        [
            [row.says, f"`{row.code}`", str(refusal(row).status), *(_cell(found, row.name, cell) for cell in cells)]
            for row in REFUSALS
        ],
    )
    yield "Accepted with 202: what becomes of the job.\n"
    yield _table(
        ["what happens", "code", "outcome", "states", *names],
        [
            [
                f"**{row.name}**: {row.says}",
                _code(row.code),
                row.leaves or "",
                _path(row.path),
                *(_cell(found, row.name, cell) for cell in cells),
            ]
            for row in SITUATIONS
        ],
    )


def _cell(found: Found, row: str, cell: Cell) -> str:
    seen = found.get((row, cell))
    if seen is None:
        reason = hole(row, cell)
        return "-" if reason is None else f"- [{_NUMBERS[reason.why]}]"
    differs = difference(row, cell)
    return "✓" if differs is None else f"{_told(row, seen)} [{_NUMBERS[differs.why]}]"


def _told(row: str, seen: Seen) -> str:
    """Say how a cell differs from the canonical job of its row, and nothing else."""
    situation = next(each for each in SITUATIONS if each.name == row)
    said = []
    if seen.code != situation.code:
        said.append(_code(seen.code))
    if seen.outcome != situation.leaves:
        said.append(str(seen.outcome))
    if seen.answer != situation.answer:
        said.append(f"answer `{seen.answer}`")
    if seen.path != situation.path:
        said.append(_path(seen.path))
    return ", ".join(said)


def _code(code: ErrorCode | None) -> str:
    return "" if code is None else f"`{code}`"


def _path(path: Sequence[str]) -> str:
    """Write the states, what comes again and again but once."""
    times = path.count("running")
    if times > 2:
        return f"{times} times (queued → running) → {path[-1]}"
    return " → ".join(path)


def _reasons() -> Iterator[str]:
    yield "## Reasons\n"
    for each in (*HOLES, *DIFFERENCES):
        yield f"{_NUMBERS[each.why]}. {each.why}"
    yield "\n## Rows of the catalogue that nothing here leads to\n"
    yield _table(["code", "why"], [[f"`{code}`", why] for code, why in ABSENT.items()])
    yield "## Members of the document that may differ\n"
    yield "All others are there for everybody, and of one kind.\n"
    yield _table(["member", "what it is"], [[f"`{name}`", why] for name, why in OF_THE_DIALECT.items()])
