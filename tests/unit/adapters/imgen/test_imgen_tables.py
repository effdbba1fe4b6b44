"""The tables in the dialect's README: everything that the document names, once, and each cell is true."""

import json
import re
from pathlib import Path

import pytest
from msgspec import Struct

from adapters.imgen.errors import explain
from adapters.imgen.sandbox.outcome import ANSWERS, TOKENS
from tests.e2e.test_imgen_fallbacks import FALLBACKS
from tests.unit.adapters.imgen.imgen_runs import META, without
from tests.unit.adapters.imgen.test_imgen_requests import OUTSIDE, UNSAYABLE, WRITTEN

ROOT = Path(__file__).parents[4]
HERE = ROOT / "adapters" / "imgen"
README = (HERE / "README.md").read_text()
#: What the document names, and nothing else.
GENERATE = """
action prompt @name -term model negative optimize use_cache cache_only cache_force cache_pick width height style format
quality lossless compliance_ruleset precompliance wm_image wm_position wm_scale wm_transparency wm_rotation wm_padding_x
wm_padding_y cs_author cs_title cs_description cs_organization cs_vendor
"""
OTHERS = ["status: id", "status: prompt", "status: model", "optimize: prompt", "optimize: model", "random: character"]
ANSWERED = {
    "models": "characters models",
    "generate": "id prompt model format gen_id cache",
    "status": "status meta cache compliance error filter_categories unsafe_url",
    "meta": """id gen_id time prompt positive negative character model style width height format quality lossless
        optimized compliance compliance_codes compliance_ruleset precompliance fingerprint images""",
    "optimize": "prompt",
    "random": "prompt",
}
#: Each state with an answer that bears it.
STATES: dict[str, dict[str, object]] = {
    "IN_QUEUE": {"status": "IN_QUEUE"},
    "IN_PROGRESS": {"status": "IN_PROGRESS"},
    "COMPLETED safe": {"status": "COMPLETED", "meta": META},
    "COMPLETED unsafe": {"status": "COMPLETED", "compliance": "unsafe", "error": "Content blocked"},
    "COMPLETED cache": {"status": "COMPLETED", "meta": META, "cache": True},
    "COMPLETED no word": {"status": "COMPLETED", "meta": without("compliance")},
    "COMPLETED another word": {"status": "COMPLETED", "meta": {**META, "compliance": "pending"}},
    "FAILED": {"status": "FAILED", "error": "Generation failed"},
    "TIMED_OUT": {"status": "TIMED_OUT", "error": "Generation failed"},
    "CANCELLED": {"status": "CANCELLED", "error": "Generation failed"},
    "another state": {"status": "PAUSED"},
}
ERRORS = {
    "400": ["Missing action", "Prompt is required", "Invalid character", "Bad ID"],
    "401": ["Unauthorized", "Invalid API key", "API key is disabled"],
    "404": ["No cached result found", "Cached result not found or expired"],
    "502": ["Generation failed", "Generation failed", "Enhancement failed"],
}
FALLS = ["model", "style", "format", "dimensions", "compliance_ruleset", "cache_pick", "precompliance"]


class Row(Struct, frozen=True):
    """One row of a table."""

    name: str
    cells: tuple[str, ...]
    proof: str

    @property
    def bare(self) -> str:
        """The field without its action."""
        return self.name.rpartition(": ")[2]


def rows(heading: str) -> list[Row]:
    """Return a table of the README."""
    section = README.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    cut = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
    return [Row(cells[0].strip(" `"), tuple(cells[1:-1]), cells[-1].strip(" `")) for cells in cut]


FIELDS, OTHER_FIELDS = rows("Every field of `generate`"), rows("Every field of the other actions")
ANSWER_FIELDS, STATE_ROWS = rows("Every field of the answers"), rows("Every state")
ERROR_ROWS, FALL_ROWS = rows("Every error"), rows("Every silent fallback")


def test_the_tables_have_every_row_once() -> None:
    """Nothing of the document is missing, nothing is invented."""
    assert [row.name for row in FIELDS] == GENERATE.split()
    assert [row.name for row in OTHER_FIELDS] == OTHERS
    assert sorted(row.name for row in ANSWER_FIELDS) == sorted(
        f"{action}: {name}" for action, names in ANSWERED.items() for name in names.split()
    )
    assert [row.name for row in STATE_ROWS] == list(STATES)
    assert [row.name.replace("`", "") for row in ERROR_ROWS] == [
        f"{status} {text}" for status, texts in ERRORS.items() for text in texts
    ]
    assert [row.name for row in FALL_ROWS] == FALLS
    assert set(WRITTEN) == set(GENERATE.split()) - {"action"}
    assert set(ANSWERED["meta"].split()) == set(META)


@pytest.mark.parametrize("row", [*FIELDS, *OTHER_FIELDS, *ANSWER_FIELDS], ids=lambda row: row.name)
def test_a_field_is_handled_where_its_row_says(row: Row) -> None:
    """The file that is named speaks of it: by its name, or, of credentials, by their common beginning."""
    file = row.cells[-1].partition("(")[2].rstrip(")")
    assert re.search(rf"(?<![\w-]){re.escape(row.bare)}(?!\w)", (HERE / file).read_text()), file


@pytest.mark.parametrize("row", STATE_ROWS, ids=lambda row: row.name)
def test_a_state_means_what_its_row_says(row: Row) -> None:
    """By the error table itself; and it can be forced."""
    _, code, token = (cell.strip("`") for cell in row.cells)
    verdict = explain("status", 200, json.dumps(STATES[row.name]).encode(), "application/json")
    assert code == ("safe" if verdict is None else verdict.code)
    assert token in TOKENS


@pytest.mark.parametrize("row", ERROR_ROWS, ids=lambda row: f"{row.name} {row.cells[0]}")
def test_an_error_means_what_its_row_says(row: Row) -> None:
    """By its text and its status on its action; the sandbox says it in the same words."""
    status, _, text = row.name.replace("`", "").partition(" ")
    action, code, outcome, token = (cell.strip("`") for cell in row.cells)
    verdict = explain(action, int(status), json.dumps({"error": text}).encode(), "application/json")
    assert verdict is not None
    assert (verdict.code, verdict.outcome, verdict.unmapped) == (code, outcome, False)
    assert any((answer.status, answer.error) == (int(status), text) for answer in ANSWERS.values())
    assert token in TOKENS


@pytest.mark.parametrize("row", FALL_ROWS, ids=lambda row: row.name)
def test_a_fallback_is_refused_before_and_found_after(row: Row) -> None:
    """The case that refuses it and the token that forces it are those of the tests that prove it."""
    case, seen, token = row.cells
    assert case in {*OUTSIDE, *UNSAYABLE, "an unknown model"}
    if row.name == "cache_pick":
        assert (seen, token) == ("nothing tells it", "nothing")
        return
    assert token.strip("`") in {*FALLBACKS, "fallback_ruleset"}
    assert all(key in META for key in re.findall(r"`(\w+)`", seen))


@pytest.mark.parametrize(
    "row", [*FIELDS, *OTHER_FIELDS, *ANSWER_FIELDS, *STATE_ROWS, *ERROR_ROWS, *FALL_ROWS], ids=lambda row: row.name
)
def test_the_proof_of_a_row_is_there_and_speaks_of_it(row: Row) -> None:
    """Its test is one file that names the field, the token or the case."""
    files = list((ROOT / "tests").rglob(f"{row.proof}.py"))
    assert len(files) == 1, row.proof
    text = files[0].read_text()
    if row in FALL_ROWS:
        wanted = row.cells[0]
    elif row in STATE_ROWS or row in ERROR_ROWS:
        wanted = row.cells[-1].strip("`")
    else:
        wanted = row.bare
    assert wanted in text, f"{row.proof} says nothing of {wanted}"
