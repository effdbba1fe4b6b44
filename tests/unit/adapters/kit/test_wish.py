"""What may be left out of a request: only what was no demand, and only as much as one candidate needs."""

from typing import Any

import pytest
from msgspec import UNSET

from adapters.kit.wish import Wish, left_out, without
from contracts.catalog import CatalogError, Fault, Rejection
from contracts.media import Size
from contracts.spec import ImageGenerate, OutputWish, Policy, Route

SPEC = ImageGenerate(
    prompt="x",
    size=Size(width=64, height=64),
    effort="medium",
    seed=7,
    output=OutputWish(format="png", delivery="inline"),
    policy=Policy(strictness="relaxed"),
    route=Route(accounts=("oauth",), require_healthy=True),
    options={"ours": {"a": 1, "b": 2}},
)
SOFT = frozenset({"/size", "/effort", "/output/format", "/policy/strictness", "/route/accounts", "/options/ours/a"})


def refusal(*candidates: tuple[str, ...]) -> CatalogError:
    """Return the error of a request that each candidate refuses for what stands at some pointers."""
    rejections = tuple(
        Rejection(
            backend="b",
            model="m",
            code="request.option_unsupported",
            reasons=tuple(Fault(pointer=pointer, reason="unsupported", detail="no") for pointer in pointers),
        )
        for pointers in candidates
    )
    return CatalogError("request.option_unsupported", "no", candidates=rejections)


@pytest.mark.parametrize(
    ("candidates", "left"),
    [
        ((("/size",),), {"/size"}),
        ((("/size", "/effort"), ("/effort",)), {"/effort"}),
        ((("/size", "/seed"),), set()),
        ((("/seed",), ("/size",)), {"/size"}),
        ((("/route",),), {"/route/accounts"}),
        ((("/options/ours",),), set()),
        ((("/options/ours/a",),), {"/options/ours/a"}),
    ],
)
def test_only_wishes_are_left_out_and_the_fewest(candidates: tuple[tuple[str, ...], ...], left: set[str]) -> None:
    """A candidate that is refused for a demand stays refused, whatever else was only wished of it."""
    assert left_out(refusal(*candidates), Wish(SPEC, SOFT, "ours")) == left


def test_another_failure_leaves_nothing_out() -> None:
    """A limit or a key that may not is no matter of wishes."""
    for error in (CatalogError("quota.rate_limited", "x"), CatalogError("auth.forbidden", "x", reason="scope")):
        assert left_out(error, Wish(SPEC, SOFT, "ours")) == frozenset()


@pytest.mark.parametrize(
    ("pointer", "field", "left"),
    [
        ("/size", "size", UNSET),
        ("/output/format", "output", OutputWish(delivery="inline")),
        ("/policy/strictness", "policy", UNSET),
        ("/route/accounts", "route", Route(require_healthy=True)),
        ("/options/ours/a", "options", {"ours": {"b": 2}}),
    ],
)
def test_a_wish_goes_alone(pointer: str, field: str, left: Any) -> None:
    """What stands beside it stays, and a part of which nothing is left goes with it."""
    found = without(Wish(SPEC, SOFT, "ours"), frozenset({pointer}))
    assert getattr(found.spec, field) == left
    assert found.soft == SOFT - {pointer}
    untouched = [name for name in ("prompt", "seed", "size", "output", "policy", "route", "options") if name != field]
    assert all(getattr(found.spec, name) == getattr(SPEC, name) for name in untouched)


def test_the_last_option_takes_its_dialect_along() -> None:
    """No empty part is left to be refused."""
    found = without(Wish(SPEC, SOFT, "ours"), frozenset({"/options/ours/a", "/options/ours/b"}))
    assert found.spec.options is UNSET
