"""The catalogue as tests use it: every row, where `triptych_fault` brings it about, and how a caller does so for real.

`ROWS` is for `pytest.mark.parametrize`: all rows that can be armed, each shown by its code.
"""

import difflib
from typing import Literal

from msgspec import Struct

from contracts.codes import CATALOG, ErrorCode

#: Where a row befalls a work: before it becomes a job, or in the job, by what a backend answers.
Place = Literal["door", "backend"]


class FaultError(ValueError):
    """A fault that cannot be armed, and why."""


class ArmedRow(Struct, frozen=True):
    """One row of the catalogue, for a test."""

    code: ErrorCode
    #: Where `triptych_fault` brings it about unless it is told otherwise; None: nowhere.
    place: Place | None
    #: How a caller meets it without any fault.
    recipe: str

    @property
    def status(self) -> int:
        """The HTTP status of a refusal with this code."""
        return CATALOG[self.code].status

    def __str__(self) -> str:
        """Return the code, which names a parametrised test."""
        return self.code


_AT_A_BACKEND = "only a backend can answer so"
_PLACES: dict[Place, dict[ErrorCode, str]] = {
    "door": {
        "request.malformed": "send a body that is no JSON",
        "request.field_invalid": "send a value out of its range, such as n=0",
        "request.option_unsupported": "ask for an option that no candidate has, and read supported_by",
        "request.model_unknown": "ask for a model that is not in GET /v1/models",
        "request.model_incapable": "ask a model for an operation that it does not list",
        "request.reference_invalid": "send an input that is no picture",
        "request.reference_too_many": "send six inputs",
        "request.too_large": "send more than 16 MiB of JSON",
        "auth.unauthenticated": "send no key, or one from triptych_gateway.new_team(days=0.0000001)",
        "auth.forbidden": "use a key from triptych_gateway.new_team(scopes=['jobs:read'])",
        "quota.rate_limited": "leave more jobs waiting than limits.queued_per_team of --triptych-config",
        "quota.budget_exhausted": "no gateway answers so yet: budgets are promised, and clients can be ready for them",
        "idempotency.conflict": "send another body with an Idempotency-Key that was used",
        "routing.no_candidate": "send route.require_healthy while no backend is up",
        "gateway.overloaded": "leave more jobs waiting than limits.queued_total of --triptych-config",
        "gateway.internal": "nothing leads there but a bug, or storage that fails",
    },
    "backend": {
        "policy.refused": "send a prompt that the backend's policy refuses",
        "policy.output_blocked": "send a prompt whose picture a reviewer withholds",
        "resource.expired": "ask for an asset that is past its retention",
        "resource.state_conflict": "cancel a job that has ended",
        "resource.precondition_failed": "send an If-Match that is stale",
        "resource.cache_miss": "send cache.mode=only for a prompt that was never made",
        "job.cancelled": "cancel a job that is at work",
        "job.deadline_exceeded": "send a deadline_s that is shorter than the work",
        "backend.unavailable": _AT_A_BACKEND,
        "backend.overloaded": _AT_A_BACKEND,
        "backend.credentials_rejected": _AT_A_BACKEND,
        "backend.quota_exhausted": _AT_A_BACKEND,
        "backend.misconfigured": _AT_A_BACKEND,
        "backend.rejected_request": _AT_A_BACKEND,
        "backend.timeout": _AT_A_BACKEND,
        "backend.failed": _AT_A_BACKEND,
        "backend.bad_response": _AT_A_BACKEND,
        "backend.job_lost": _AT_A_BACKEND,
    },
}
#: What no work can end with: a request about something else leads there.
_NO_FAULT: dict[ErrorCode, str] = {
    "resource.not_found": "no work ends so: ask for an id that nobody was given, or that is another team's "
    "(triptych_gateway.new_team())",
}

#: All rows of the catalogue by their codes, in its order.
ALL: dict[ErrorCode, ArmedRow] = {
    code: ArmedRow(code, place, recipe)
    for code in CATALOG
    for place, recipes in (*_PLACES.items(), (None, _NO_FAULT))
    for recipe in [recipes.get(code)]
    if recipe is not None
}
ROWS: tuple[ArmedRow, ...] = tuple(row for row in ALL.values() if row.place is not None)


def named(name: str) -> ArmedRow:
    """Return the row of a code, whole (`backend.failed`) or its last word where only one has it (`rate_limited`)."""
    for code, row in ALL.items():
        if code == name:
            return row
    short = [row for code, row in ALL.items() if code.partition(".")[2] == name]
    if len(short) == 1:
        return short[0]
    if short:
        raise FaultError(f"{name!r} may be {' or '.join(map(str, short))}: say which")
    words = [*ALL, *(code.partition(".")[2] for code in ALL)]
    near = difflib.get_close_matches(name, words, n=3, cutoff=0.5)
    hint = f"; is it {' or '.join(near)}?" if near else ""
    raise FaultError(f"the catalogue has no code {name!r}{hint} (gateway.testing.rows.ALL lists all)")
