"""Why cells are empty, and why some differ: a sentence for each, and none that is no longer needed."""

from collections.abc import Mapping

from msgspec import Struct

from contracts.codes import ErrorCode, Outcome
from contracts.job import CancelAnswer, JobState
from tests.conformance.matrix.cells import COLUMNS, OPERATIONS_OF, Cell


class Where(Struct, frozen=True, kw_only=True):
    """Rows and cells, and a sentence about them. A cell is named by column or dialect, with or without operation."""

    rows: tuple[str, ...]
    cells: tuple[str, ...]
    why: str

    def covers(self, row: str, cell: Cell) -> bool:
        """Say whether it is about a cell in a row."""
        names = (cell.column, COLUMNS[cell.column].dialect)
        return row in self.rows and any(
            each in self.cells for name in names for each in (name, f"{name} {cell.operation}")
        )


class Hole(Where, frozen=True, kw_only=True):
    """What cannot be had there."""


class Difference(Where, frozen=True, kw_only=True):
    """What is there, but not as it is canonical; what is not named is as canonical."""

    code: ErrorCode | None = None
    ends: JobState | None = None
    tries: int | None = None
    outcome: Outcome | None = None
    answer: CancelAnswer | None = None


_ASKS_ITSELF = ("ima2-tag image.generate", "ima2-head image.generate", "ima2-new image.generate")
_OPENAI = ("ima2-tag", "ima2-head", "ima2-new")
_VIDEO = "ima2-grok video.generate"

HOLES: tuple[Hole, ...] = (
    Hole(rows=("blocked",), cells=("ima2", "sdcpp"), why="Only imgen has a reviewer of results."),
    Hole(rows=("refused by policy",), cells=("sdcpp",), why="A Studio runs models, and refuses nothing."),
    Hole(
        rows=("refused by policy",), cells=("imgen",),
        why="imgen says no after the picture is made: that is the row `blocked`.",
    ),
    Hole(
        rows=("option refused",), cells=("sdcpp", "imgen"),
        why="It passes over what it does not know: the gateway refuses such options at the door.",
    ),
    Hole(
        rows=("model forgotten",), cells=("imgen",),
        why="It takes its first model instead; the job says so in its adjustments.",
    ),
    Hole(rows=("model forgotten",), cells=("sdcpp image.upscale",), why="Its queue is not told an upscaler."),
    Hole(
        rows=("model incapable",), cells=("ima2-grok", "sdcpp", "imgen"),
        why="It knows a model or does not: it tells no third case.",
    ),
    Hole(rows=("picture refused", "at the door: request.reference_invalid"), cells=("sdcpp image.generate",),
         why="It takes no picture."),
    Hole(
        rows=("picture refused",), cells=("imgen",),
        why="It takes a watermark alone, which the gateway has decoded before, and says nothing of one it cannot use.",
    ),
    Hole(
        rows=("pictures too many", "at the door: request.reference_too_many"),
        cells=("ima2-tag image.edit", "ima2-head image.edit", "ima2-new image.edit", "sdcpp", "imgen"),
        why="It takes no references at all: any is `request.option_unsupported` at the door.",
    ),
    Hole(
        rows=("expired there",), cells=("ima2-tag", "ima2-head", "ima2-new image.edit", "ima2-grok image.edit"),
        why="The picture is in the answer itself: nothing is fetched.",
    ),
    Hole(
        rows=("nothing in the cache",), cells=("ima2", "sdcpp"),
        why="It has no cache: the wish is `request.option_unsupported` at the door.",
    ),
    Hole(
        rows=("out of credit",), cells=("ima2-grok", "sdcpp", "imgen"),
        why="It has no word for an account without credit.",
    ),
    Hole(
        rows=("lost there",), cells=("ima2-tag", "ima2-head"),
        why="It works while the exchange lasts: what it forgets, it never answered. That is the row `found again`.",
    ),
    Hole(
        rows=("at the door: request.model_incapable",), cells=("ima2-tag", "ima2-head", "imgen"),
        why="Every model of this server does all that the server does.",
    ),
)  # fmt: skip

DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        rows=("found again",), cells=("imgen",), code="backend.unavailable", ends="failed", outcome="unknown",
        why="A run whose id never arrived cannot be asked after: the job fails, and says that a picture may be paid.",
    ),
    Difference(
        rows=("cancelled while running",), cells=("ima2-tag", "ima2-head", "sdcpp"), answer="forgotten",
        why="It only forgets whose work it is, and goes on with it.",
    ),
    Difference(
        rows=("cancelled while running",), cells=("imgen",), answer="cannot", why="It has no action that cancels.",
    ),
    Difference(
        rows=("cancelled by somebody else",), cells=_ASKS_ITSELF, code="backend.failed", ends="failed",
        outcome="finished_no_result",
        why="Only in a Studio's window somebody else cancels: elsewhere a cancel that nobody here asked for is a "
        "failure, and this route is not asked again, for it tries twice by itself.",
    ),
    Difference(
        rows=("cancelled by somebody else",),
        cells=(*(f"{name} image.edit" for name in _OPENAI), "ima2-grok", "imgen"),
        code="backend.failed", ends="failed", outcome="finished_no_result", tries=3,
        why="Only in a Studio's window somebody else cancels: elsewhere a cancel that nobody here asked for is a "
        "failure, and the work may be done again.",
    ),
    Difference(
        rows=("field refused", "model forgotten"),
        cells=("ima2-new image.generate", *(f"{name} image.edit" for name in _OPENAI)),
        code="backend.rejected_request",
        why="It tells that its upstream refused, and leaves out which parameter was meant.",
    ),
    Difference(
        rows=("not available",), cells=("ima2-tag",), tries=1, outcome="unknown",
        why="TAG says the same of an exchange that was cut when the picture was being made: it may be paid.",
    ),
    Difference(
        rows=("not available",), cells=("ima2-new image.generate",), tries=1, outcome="unknown",
        why="Its registry keeps the code and not the sentence that tells whether the upstream had begun.",
    ),
    Difference(
        rows=("not available",), cells=("ima2-grok",), tries=1, outcome="unknown",
        why="The line to xAI may have been cut at any moment, and the code does not tell at which.",
    ),
    Difference(
        rows=("not available",), cells=("imgen",), tries=1, outcome="unknown",
        why="It is an edge that says so, and it does not know whether the run was begun behind it.",
    ),
    Difference(
        rows=("not available", "at its limit"), cells=("sdcpp",), outcome="finished_no_result",
        why="The queue had taken the job when its model could not: it ended without a picture, and may be made again.",
    ),
    Difference(
        rows=("not set up",), cells=("imgen",), outcome="finished_no_result",
        why="That its pictures lie on a host which the settings do not allow shows when the picture is made.",
    ),
    Difference(
        rows=("timed out there",), cells=("ima2-tag",), code="backend.unavailable",
        why="TAG has one code for every exchange with its upstream that failed, time among them.",
    ),
    Difference(
        rows=("timed out there",), cells=("imgen",), outcome="finished_no_result", tries=3,
        why="Its state TIMED_OUT is final: nothing runs any more, and the work may be done again.",
    ),
    Difference(
        rows=("failed", "no picture", "no picture but junk"), cells=_ASKS_ITSELF, tries=1,
        why="This route tries twice by itself before it says so: it is not asked a second time.",
    ),
    Difference(
        rows=("no picture",), cells=("ima2-grok video.generate",), tries=1, outcome="unknown",
        why="xAI says that the film is done before ima2 finds nothing in its place: it may have been billed.",
    ),
)  # fmt: skip

#: Rows of the catalogue that nothing leads to from here.
ABSENT: Mapping[ErrorCode, str] = {
    "quota.budget_exhausted": "No budgets can be set yet.",
    "resource.precondition_failed": "Jobs have no versions: ima2's own sessions have, behind its face.",
    "gateway.internal": "A bug, or storage that fails: no backend can bring it about.",
}


def hole(row: str, cell: Cell) -> Hole | None:
    """Return why a cell is empty."""
    return next((each for each in HOLES if each.covers(row, cell)), None)


def difference(row: str, cell: Cell) -> Difference | None:
    """Return how and why a cell differs."""
    return next((each for each in DIFFERENCES if each.covers(row, cell)), None)


#: Named so that a typing error in a cell's name is found out.
NAMES = frozenset(
    name if not operation else f"{name} {operation}"
    for column in COLUMNS.values()
    for name in (column.name, column.dialect)
    for operation in ("", *OPERATIONS_OF[column.dialect])
)
