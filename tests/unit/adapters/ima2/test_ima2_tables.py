"""The tables in the dialect's README: every route and every code of both documents, and each cell is true."""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from adapters.ima2 import DIALECT
from adapters.ima2.face import Ima2Face
from adapters.ima2.relay import SHAPES
from adapters.ima2.sandbox.code import CODES
from contracts.face import FaceSettings

ROOT = Path(__file__).parents[4]
HERE = ROOT / "adapters" / "ima2"
README = (HERE / "README.md").read_text()
#: What the newer document (000) and the older one (001) name, and nothing else.
NEWER_ROUTES = """
POST /api/generate · POST /api/edit · POST /api/generate/multimode · POST /api/node/generate · GET /api/node/:nodeId
POST /api/video/generate · GET /api/history · DELETE /api/history/:filename · POST /api/history/:filename/restore
GET /api/sessions · POST /api/sessions · GET /api/sessions/:id · PATCH /api/sessions/:id · DELETE /api/sessions/:id
PUT /api/sessions/:id/graph · GET /api/capabilities · GET /api/agent/sessions · POST /api/agent/sessions
GET /api/agent/sessions/:id · PATCH /api/agent/sessions/:id · DELETE /api/agent/sessions/:id
POST /api/agent/sessions/:id/turns · GET /api/agent/sessions/:id/queue · POST /api/agent/sessions/:id/queue
POST /api/agent/queue/:itemId/cancel · POST /api/agent/queue/:itemId/retry · POST /api/prompt-builder/chat
GET /api/health · GET /api/providers · GET /api/oauth/status · GET /api/grok/status · GET /api/storage/status
POST /api/storage/open-generated-dir · GET /api/inflight · DELETE /api/inflight/:id
"""
OLDER_ROUTES = """
GET /api/health · GET /api/providers · GET /api/oauth/status · GET /api/billing · GET /api/storage/status
POST /api/storage/open-generated-dir · GET /api/inflight · DELETE /api/inflight/:id · POST /api/generate
POST /api/edit · POST /api/node/generate · GET /api/node/:nodeId · GET /api/history · DELETE /api/history/:filename
POST /api/history/:filename/restore · GET /api/sessions · POST /api/sessions · GET /api/sessions/:id
PATCH /api/sessions/:id · DELETE /api/sessions/:id · PUT /api/sessions/:id/graph · GET /api/sessions/:id/style-sheet
PUT /api/sessions/:id/style-sheet · PATCH /api/sessions/:id/style-sheet/enabled
POST /api/sessions/:id/style-sheet/extract
"""
NEWER_CODES = """
API_KEY_REQUIRED INVALID_IMAGE_MODEL IMAGE_MODEL_UNSUPPORTED SAFETY_REFUSAL MODERATION_REFUSED AUTH_CHATGPT_EXPIRED
AUTH_API_KEY_INVALID NETWORK_FAILED OAUTH_UNAVAILABLE GRAPH_VERSION_CONFLICT NODE_NOT_FOUND GROK_REF_TOO_MANY
GROK_MASK_UNSUPPORTED INVALID_GROK_IMAGE_MODEL GROK_RATE_LIMITED GROK_AUTH_FAILED GROK_SEARCH_TIMEOUT
GROK_PLANNER_TIMEOUT GROK_IMAGE_TIMEOUT
"""
OLDER_CODES = """
APIKEY_DISABLED INVALID_IMAGE_MODEL IMAGE_MODEL_UNSUPPORTED INVALID_REQUEST INVALID_MODERATION SAFETY_REFUSAL
MODERATION_REFUSED AUTH_CHATGPT_EXPIRED AUTH_API_KEY_INVALID NETWORK_FAILED OAUTH_UNAVAILABLE
OPEN_GENERATED_DIR_FAILED GRAPH_VERSION_REQUIRED GRAPH_VERSION_CONFLICT GRAPH_TOO_LARGE NODE_NOT_FOUND REF_NOT_ARRAY
REF_TOO_MANY REF_NOT_STRING REF_EMPTY REF_TOO_LARGE REF_NOT_BASE64
"""


class Row(Struct, frozen=True):
    """One row of either table."""

    name: str
    documents: str
    cells: tuple[str, ...]
    proof: str


def _named(text: str, by: str | None) -> set[str]:
    return {each.strip() for each in re.split(rf"[\n{by}]" if by else r"\s+", text) if each.strip()}


def _rows(heading: str) -> list[Row]:
    section = README.partition(heading)[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    cut = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
    return [Row(cells[0].strip(" `"), cells[1], tuple(cells[2:-1]), cells[-1].strip(" `")) for cells in cut]


ROUTES, WORDS = _rows("## Every route of both documents"), _rows("## Every code of both documents")


def _documents(name: str, newer: set[str], older: set[str]) -> str:
    return {(True, True): "both", (True, False): "newer", (False, True): "older"}[name in newer, name in older]


@pytest.mark.parametrize(
    ("rows", "newer", "older"),
    [
        (ROUTES, _named(NEWER_ROUTES, "·"), _named(OLDER_ROUTES, "·")),
        (WORDS, _named(NEWER_CODES, None), _named(OLDER_CODES, None)),
    ],
    ids=["routes", "codes"],
)
def test_a_table_has_every_row_once_and_says_who_names_it(rows: list[Row], newer: set[str], older: set[str]) -> None:
    """Nothing of the documents is missing, nothing is invented."""
    assert sorted(row.name for row in rows) == sorted(newer | older)
    for row in rows:
        assert row.documents == _documents(row.name, newer, older), row.name


def _templates(profile: str) -> set[str]:
    settings: Any = FaceSettings(
        profile=profile, base_url="", port=0, version="0", pid=1, started_at=0, sandbox=False, restorable_s=1,
        clock=lambda: 0.0, token=lambda digits: "0" * digits,
    )  # fmt: skip
    desk: Any = None
    return {f"{each.method} {re.sub(r'{[^}]*}', '{}', each.template)}" for each in Ima2Face(desk, settings).routes}


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
def test_a_route_is_served_where_its_row_says(row: Row) -> None:
    """As a job, as something of our own, passed on, or refused; and the adapter asks it, or has a reason not to."""
    adapter, face = row.cells
    address = re.sub(r":\w+", "{}", row.name)
    passed = {re.sub(r"{[^}]*}", "{}", route.name) for route in SHAPES}
    assert (address in passed) == (face == "passed on")
    assert address in _templates("new")
    fixed = row.name.partition(" ")[2].partition(":")[0].rstrip("/")
    asked = any(f'"{fixed}' in path.read_text() for path in HERE.glob("*.py") if path.stem != "relay")
    # A dash and why not; the fixed part of an address may be another route's as well.
    assert asked or adapter.startswith("\N{EN DASH}"), f"nothing in the adapter asks {fixed}"


@pytest.mark.parametrize("row", WORDS, ids=lambda row: row.name)
def test_a_code_is_read_forced_and_said_as_its_row_says(row: Row) -> None:
    """Its codes of the catalogue are those of the error table's rows that know it; the sandbox can force it."""
    mapped, face = row.cells
    assert DIALECT.error_rows is not None
    known = {str(rule["to"]) for rule in DIALECT.error_rows() if row.name in rule.get("code", ())}
    assert set(re.findall(r"`([a-z_.]+)`", mapped)) == known
    assert row.name in CODES
    said = any(row.name in path.read_text() for path in (HERE / "face").glob("*.py"))
    assert said == (face != "passed on"), f"{row.name} in the face: {said}"


@pytest.mark.parametrize("row", [*ROUTES, *WORDS], ids=lambda row: row.name)
def test_the_proof_of_a_row_is_there_and_speaks_of_it(row: Row) -> None:
    """Its test is a file that names the code, or the fixed part of the address."""
    files = list((ROOT / "tests").rglob(f"{row.proof}.py"))
    assert len(files) == 1, row.proof
    wanted = row.name.partition(" ")[2].partition(":")[0].rstrip("/").removeprefix("/api/") or row.name
    assert wanted in files[0].read_text(), f"{row.proof} says nothing of {wanted}"
