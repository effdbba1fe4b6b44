from importlib import import_module
from typing import Any

import msgspec
import pytest

from adapters.kit.fault import Provocations, Provoke, UnprovokableError, Wish, armed
from adapters.kit.scenario import Forced, Rule, Scenario
from contracts.codes import CATALOG
from contracts.spec import OPERATIONS

CAN = Provocations(
    codes={"backend.failed": Provoke("failed"), "backend.timeout": Provoke("slow", lasts_s=2)},
    works={"image.generate": ("POST /make$",), "image.edit": ("POST /edit",)},
)
DIALECTS = ("ima2", "sdcpp", "imgen")


def arm(**wish: Any) -> Scenario:
    """Return a scenario with one fault."""
    scenario = Scenario()
    scenario.faults.append(armed(Wish(**wish), CAN, speed=10))
    return scenario


def test_a_fault_befalls_the_works_it_is_for_and_counts_them() -> None:
    """Neither another route nor another operation uses it up; when it is used up, nothing is forced."""
    scenario = arm(code="backend.failed", times=2, operation="image.edit")
    assert scenario.forced("POST /make", "a fox") == {}
    assert scenario.forced("GET /edit", "a fox") == {}
    assert scenario.forced("POST /edit/1", "a fox") == {"failed": Forced("failed")}
    assert scenario.forced("POST /edit", "another") == {"failed": Forced("failed")}
    assert scenario.forced("POST /edit", "a third") == {}
    assert [(fault.met, fault.times) for fault in scenario.faults] == [(2, 0)]


def test_a_fault_without_bounds_befalls_every_work() -> None:
    """It stays until it is put down, and its time is as long on a fast sandbox as on a slow one."""
    scenario = arm(code="backend.timeout")
    for route in ("POST /make", "POST /edit", "POST /make"):
        assert scenario.forced(route, "a fox") == {"slow": Forced("slow", "20")}
    assert scenario.forced("POST /makeup", "a fox") == {}
    assert scenario.faults[0].met == 3


def test_one_request_meets_one_fault_beside_its_rules_and_tokens() -> None:
    """The first that bears on it; what it cannot have is passed over and kept."""
    scenario = arm(code="backend.failed", times=1)
    scenario.rules.append(Rule(outcome="revised"))
    scenario.faults.append(armed(Wish(code="backend.timeout"), CAN, speed=10))
    assert scenario.forced("POST /make", "[[none]]", among={"none", "slow"}) == {
        "none": Forced("none"),
        "slow": Forced("slow", "20"),
    }
    assert set(scenario.forced("POST /make", "a fox")) == {"revised", "failed"}
    assert set(scenario.forced("POST /make", "a fox")) == {"revised", "slow"}


def test_what_a_sandbox_cannot_do_is_refused_by_name() -> None:
    """A code without an outcome, an operation without a route, a count of nothing."""
    with pytest.raises(UnprovokableError, match=r"no outcome of this sandbox is policy\.refused"):
        armed(Wish(code="policy.refused"), CAN, speed=1)
    with pytest.raises(UnprovokableError, match=r"video\.generate is no work of this sandbox"):
        armed(Wish(code="backend.failed", operation="video.generate"), CAN, speed=1)
    for wrong in (
        b'{"code":"backend.failed","times":0}',
        b'{"code":"nobody.knows"}',
        b'{"code":"backend.failed","n":1}',
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=Wish)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_sandboxs_table_names_outcomes_that_it_has(dialect: str) -> None:
    """Every outcome is one of its tokens, every code one of the catalogue, every work an operation."""
    sandbox = import_module(f"adapters.{dialect}.sandbox")
    can: Provocations = import_module(f"adapters.{dialect}.sandbox.provoking").PROVOCATIONS
    assert {provoke.outcome for provoke in can.codes.values()} <= set(sandbox.TOKENS)
    assert set(can.codes) <= set(CATALOG)
    assert set(can.works) <= set(OPERATIONS)
    assert len(can.codes) >= 15
