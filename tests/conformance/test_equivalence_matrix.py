"""Every operation at every server in every situation: the same canonical job, and a page that says so."""

import asyncio

import pytest

from contracts.codes import CATALOG
from contracts.spec import OPERATIONS
from tests.conformance.matrix.cells import CELLS, COLUMNS, UNDONE
from tests.conformance.matrix.law import breaches
from tests.conformance.matrix.page import PAGE, page
from tests.conformance.matrix.run import Run, run

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Carry every cell through every situation, once."""
    return asyncio.run(run(tmp_path_factory.mktemp("matrix")))


def test_whoever_can_come_to_a_situation_tells_of_it_alike(seen: Run) -> None:
    """States, events, code, outcome, answer and shape are the row's own, or differ as an explanation says."""
    assert breaches(seen.seen) == []


def test_nothing_stood_in_the_way_of_another_cell(seen: Run) -> None:
    """No circuit opened on the way: every cell was really heard from its own server."""
    assert seen.open_circuits == ()


def test_a_difference_that_nobody_explains_is_found(seen: Run) -> None:
    """What one cell would tell in another one's place is against the law: the comparison is no formality."""
    for changed, by in ((("failed", CELLS[4]), "at its limit"), (("succeeded", CELLS[0]), "cancelled while waiting")):
        forged = seen.seen | {changed: seen.seen[by, changed[1]]}
        wrong = breaches(forged)
        assert any(each.startswith(f"{changed[0]}, {changed[1]}: ") for each in wrong), wrong


def test_every_operation_stands_at_every_server(seen: Run) -> None:
    """Each is carried or refused everywhere, and the page has a word on every code of the catalogue."""
    assert {*CELLS, *UNDONE} == {cell for _, cell in seen.seen}
    assert len(CELLS) + len(UNDONE) == len(OPERATIONS) * len(COLUMNS)
    text = PAGE.read_text()
    assert [code for code in CATALOG if f"`{code}`" not in text] == []


def test_the_page_says_what_the_run_says(seen: Run) -> None:
    """`docs/matrix.md` is as `make matrix` writes it now."""
    assert PAGE.read_text() == page(seen.seen), "run: make matrix"
