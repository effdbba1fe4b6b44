"""The engine's decisions, purely: whether to try again and where, and how a job of several parts ends."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from msgspec import Struct, UnsetType

from contracts.capability import Capability
from contracts.catalog import CatalogError, Outcome, Problem
from contracts.codes import CATALOG
from contracts.job import TERMINAL, Effective, JobState, Review
from contracts.spec import SpecBase

MAX_ATTEMPTS = 3
FIRST_DELAY_S = 1.0
MAX_DELAY_S = 60.0
#: After these outcomes nothing is running and nothing was delivered: only then may the work be given out again.
SAFE_OUTCOMES: frozenset[Outcome] = frozenset({"not_started", "finished_no_result"})


class Again(Struct, frozen=True):
    """Another attempt: after a delay, and whether the candidate that failed may have it."""

    delay_s: float
    same: bool
    other: bool


def next_attempt(error: CatalogError, tries: int, capability: Capability, *, may_fail_over: bool) -> Again | None:
    """Decide whether a failed attempt is followed by another (durability.md §5); None: the failure stands.

    A policy refusal never goes elsewhere, and an unknown outcome goes nowhere: it may still run, and be billed.
    """
    if tries >= MAX_ATTEMPTS or error.outcome not in SAFE_OUTCOMES or error.code.startswith("policy."):
        return None
    retry = error.row.retry
    # A server that has already tried again by itself, and ended without a picture, is not asked a second time.
    used_up = capability.retries_itself and error.outcome == "finished_no_result"
    same = "same" in retry and not used_up
    other = "other" in retry and may_fail_over
    if not same and not other:
        return None
    delay = error.retry_after_s if error.retry_after_s is not None else FIRST_DELAY_S * 4 ** (tries - 1)
    return Again(min(delay, MAX_DELAY_S), same=same, other=other)


def may_fail_over(spec: SpecBase, aliases: Iterable[str]) -> bool:
    """Say whether the caller lets another model take over: yes by default, but for a model named in full."""
    route = spec.route
    wished = route.failover if not isinstance(route, UnsetType) else None
    if isinstance(wished, bool):
        return wished
    return spec.model == "auto" or spec.model in aliases


class Slice(Protocol):
    """What is known of one part of a job."""

    @property
    def count(self) -> int:
        """How many pictures it is for."""

    @property
    def delivered(self) -> int:
        """How many it brought."""

    @property
    def state(self) -> JobState:
        """How far it is."""

    @property
    def error(self) -> Problem | None:
        """Why it brought none."""

    @property
    def review(self) -> Review | None:
        """What the reviewer said of it."""


class Conclusion(Struct, frozen=True):
    """How a job ends, and whether what was delivered is kept."""

    state: JobState
    error: Problem | None = None
    review: Review | None = None
    keeps_outputs: bool = True


def conclude(parts: Sequence[Slice], spec: SpecBase) -> Conclusion | None:
    """Say how a job ends once its parts have; None while some part may still deliver (durability.md §1)."""
    delivered = sum(part.delivered for part in parts)
    wanted = sum(part.count for part in parts)
    failed = [part for part in parts if part.state in TERMINAL and part.delivered < part.count]
    over = all(part.state in TERMINAL for part in parts)
    # Where nothing was delivered nothing is taken back: it ends as any other job does.
    if spec.partial == "reject" and failed and (delivered or not over):
        return Conclusion("failed", _gravest(parts) or _too_few(delivered, wanted), keeps_outputs=False)
    if not over:
        return None
    review = worst_review(part.review for part in parts)
    if delivered:
        return Conclusion("succeeded", review=review)
    error = _gravest(parts) or _too_few(delivered, wanted)
    if all(part.state == "blocked" for part in parts):
        return Conclusion("blocked", error, review)
    if all(part.state == "cancelled" for part in parts):
        return Conclusion("cancelled", error, review)
    return Conclusion("failed", error, review)


def _gravest(parts: Sequence[Slice]) -> Problem | None:
    """Return the error that matters most: an unknown outcome first, then whose fault it is, then the later row."""
    errors = [part.error for part in parts if part.error is not None]
    blames = ("caller", "backend", "operator", "gateway")
    return max(
        errors,
        key=lambda error: (error.outcome == "unknown", blames.index(error.blame), CATALOG[error.code].number),
        default=None,
    )


def _too_few(delivered: int, wanted: int) -> Problem:
    return CatalogError(
        "backend.bad_response",
        f"{delivered} of {wanted} pictures were delivered, and the request does not accept fewer.",
        outcome="finished_no_result",
    ).problem()


def worst_review(reviews: Iterable[Review | None]) -> Review | None:
    """Return the review that counts for the whole job: blocked before not reviewed before passed."""
    order = {"passed": 0, "not_reviewed": 1, "blocked": 2}
    return max(
        (review for review in reviews if review is not None), key=lambda review: order[review.verdict], default=None
    )


def blocked_review(error: Problem | None, effective: Effective | None) -> Review:
    """Return what a reviewer said of a picture that it blocks: by the rules that were asked for, and why."""
    asked = effective.ruleset if effective is not None else None
    ruleset = asked if isinstance(asked, str) else None
    return Review(verdict="blocked", ruleset=ruleset, categories=error.categories if error is not None else ())


def refine(error: CatalogError, *, cancel_asked: bool) -> CatalogError:
    """Apply the two refinements of an error table that change its answer (errors.md §1.9)."""
    if "we_asked_to_cancel" in error.refinements and cancel_asked:
        return error.turned("job.cancelled", "The backend stopped the work because you cancelled.")
    if "ours_by_id" in error.refinements and error.code == "resource.not_found":
        return error.turned("backend.job_lost", "The backend no longer knows a job that it had accepted.")
    return error
