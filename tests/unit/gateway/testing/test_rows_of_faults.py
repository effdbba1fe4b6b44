import pytest

from contracts.codes import CATALOG
from gateway.testing.rows import ALL, ROWS, FaultError, named


def test_every_row_of_the_catalogue_can_be_armed_or_says_why_not() -> None:
    """None is forgotten, each has a recipe, and the one that cannot be armed is the one that no work ends with."""
    assert list(ALL) == list(CATALOG)
    assert all(row.recipe for row in ALL.values())
    assert set(ALL.values()) - set(ROWS) == {ALL["resource.not_found"]}
    assert [str(row) for row in ROWS] == [code for code in CATALOG if code != "resource.not_found"]


@pytest.mark.parametrize("code", list(CATALOG))
def test_a_row_is_at_the_door_only_where_the_gateway_itself_refuses(code: str) -> None:
    """What a backend's answer leads to belongs to the backends; the rest never gets that far."""
    group = code.partition(".")[0]
    place = ALL[named(code).code].place
    assert (place == "door") is (group in {"request", "auth", "quota", "idempotency", "routing", "gateway"})


def test_a_short_name_stands_for_the_only_code_that_has_it() -> None:
    """Where two have it, or none, the name is refused, and what was probably meant is said."""
    assert named("rate_limited").code == "quota.rate_limited"
    assert named("quota_exhausted") is named("backend.quota_exhausted")
    with pytest.raises(FaultError, match=r"backend\.overloaded or gateway\.overloaded: say which"):
        named("overloaded")
    with pytest.raises(FaultError, match=r"no code 'backend\.time_out'; is it backend\.timeout"):
        named("backend.time_out")
    with pytest.raises(FaultError, match="no code ''"):
        named("")


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_knows_its_status(row: object) -> None:
    """It is the catalogue's."""
    code = str(row)
    assert named(code).status == CATALOG[named(code).code].status
