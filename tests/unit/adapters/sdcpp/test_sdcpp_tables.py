"""The tables in the dialect's README: every route, state and message, and each cell is true."""

import re
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from adapters.sdcpp.errors import STATES
from adapters.sdcpp.face import SdcppFace
from adapters.sdcpp.face.feed import Feed
from adapters.sdcpp.relay import SHAPES
from contracts.face import FaceRoute, FaceSettings
from tests.e2e import studio_replay
from tests.unit.adapters import test_sdcpp_recordings_covered as covered
from tests.unit.adapters import test_sdcpp_routes_replayed as replayed

ROOT = Path(__file__).parents[4]
HERE = ROOT / "adapters" / "sdcpp"
README = (HERE / "README.md").read_text()
#: What seed 002 names, and nothing else.
SEED_ROUTES = """
GET /api/health · GET /api/config · POST /api/generate · POST /api/edit · POST /api/variation · POST /api/queue/generate
POST /api/queue/edit · POST /api/queue/variation · GET /api/queue · GET /api/queue/:id · DELETE /api/queue/:id
GET /api/queue/stats · GET /api/generations · GET /api/generations/:id · GET /api/images/:imageId
GET /api/generations/:id/image · GET /api/generations/:id/images · DELETE /api/generations/:id
"""
SEED_STATES = {"pending", "processing", "completed", "failed", "cancelled"}
SEED_STATUSES = {"400", "404", "500"}
#: Asked by the adapter, and in no recording that could be replayed to it.
ASKED_UNRECORDED = {"GET /static/input/{}", "WEBSOCKET /ws"}


class Row(Struct, frozen=True):
    """One row of either table."""

    name: str
    document: str
    adapter: str
    face: str
    proof: str

    @property
    def address(self) -> str:
        """Its method and path, parameters without their names."""
        return _address(self.name)


def _address(name: str) -> str:
    return re.sub(r":\w+|{[^}]*}", "{}", name)


def _rows(heading: str) -> list[Row]:
    section = README.partition(heading)[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    cut = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table]
    return [Row(cells[0].strip("`"), cells[1], cells[2], cells[3], cells[4].strip("`")) for cells in cut]


ROUTES, WORDS = _rows("## Every route"), _rows("## Every state, message and status")


def _served() -> dict[str, FaceRoute]:
    found: dict[str, FaceRoute] = {}
    for profile in ("head", "seed"):
        settings: Any = FaceSettings(
            profile=profile, base_url="", port=0, version="0", pid=1, started_at=0, sandbox=False, restorable_s=1,
            clock=lambda: 0.0, token=lambda digits: "0" * digits,
        )  # fmt: skip
        desk: Any = None
        found |= {_address(f"{each.method} {each.template}"): each for each in SdcppFace(desk, settings).routes}
    return found


SERVED = _served()
PASSED_ON = {_address(f"{route.method} {route.template}") for route in SHAPES}


def test_a_table_has_every_row_once_and_says_who_names_it() -> None:
    """Nothing of the document is missing, nothing that the face serves is untold, and nothing is invented."""
    addresses = [row.address for row in ROUTES]
    seed = {_address(each.strip()) for each in re.split(r"[\n·]", SEED_ROUTES) if each.strip()}
    assert len(seed) == 18
    assert sorted(addresses) == sorted(seed | SERVED.keys())
    assert {row.address for row in ROUTES if row.document == "002"} == seed
    names = [row.name for row in WORDS]
    assert len(names) == len(set(names))
    assert {row.name for row in WORDS if row.document == "002"} == SEED_STATES | SEED_STATUSES
    assert set(names) >= STATES
    said = re.findall(r'"((?:job|generation)_\w+|connected|subscribed|pong)"', Path(_file_of(Feed)).read_text())
    assert {row.name for row in WORDS if row.document == "measured"} == {*said, "model_loading"}


def _file_of(part: type) -> str:
    return str(ROOT / (part.__module__.replace(".", "/") + ".py"))


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
def test_a_route_is_served_where_its_row_says(row: Row) -> None:
    """As a job, as something of our own, or passed on."""
    route = SERVED[row.address]
    kind = "a job" if route.makes_jobs else "passed on" if row.address in PASSED_ON else "our own"
    assert row.face == kind


@pytest.mark.parametrize("row", ROUTES, ids=lambda row: row.name)
def test_a_route_is_asked_or_has_a_reason_not_to_be(row: Row) -> None:
    """As the replayed recordings say; and what is asked stands in the adapter's own words."""
    address = re.sub("{}", ":id", row.address)
    asked = row.address in ASKED_UNRECORDED or any(re.match(pattern, address) for pattern in replayed.ASKED)
    reason = re.fullmatch(r"\N{EN DASH}: \S.*", row.adapter)
    assert asked == (reason is None), row.adapter
    if asked:
        fixed = row.name.partition(" ")[2].partition(":")[0]
        kinds = re.sub(r"/(generate|edit|variation|upscale)$", "/{kind}", fixed)
        code = "".join(path.read_text() for path in HERE.glob("*.py") if path.stem != "relay")
        assert f'"{kinds}' in code, f"nothing in the adapter asks {fixed}"


@pytest.mark.parametrize("row", [*ROUTES, *WORDS], ids=lambda row: row.name)
def test_the_proof_of_a_row_is_there_and_speaks_of_it(row: Row) -> None:
    """Its test names the word or the fixed parts of the address, or replays a recording of that very route."""
    [file] = (ROOT / "tests").rglob(f"{row.proof}.py")
    if row.proof == "test_sdcpp_face_recordings":
        assert _is_compared(row), f"no recording of {row.name} is compared with the face"
        return
    text = file.read_text()
    wanted = row.name.partition(" ")[2] or row.name
    for part in re.split(r":\w+", re.sub(r"^/api/queue/(edit|variation|upscale)$", "/api/queue/", wanted)):
        assert part.strip("/") in text, f"{row.proof} says nothing of {part}"


def _is_compared(row: Row) -> bool:
    for name in studio_replay.TAKEN:
        skipped = studio_replay.left_out(name)
        for at, each in enumerate(studio_replay.exchanges(name)):
            if at in skipped:
                continue
            if row.name.isdigit():
                found = str(each["response"]["status"]) == row.name
            else:
                found = _address((covered.own(each["request"]) or "").replace("[^/]+", "{}")) == row.address
            if found:
                return True
    return False
