import itertools

import pytest
from msgspec import structs

from contracts.catalog import CatalogError
from contracts.job import JobState, Review, Usage
from contracts.port import Done, Pending
from contracts.spec import Partial
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import BLOCKING, QUEUE, FakeAdapter, done, offered

#: How a part may end, what the backend answers then, and the state that the part has afterwards.
ENDS: dict[str, tuple[Done | CatalogError, JobState]] = {
    "ok": (done("p"), "succeeded"),
    "failed": (CatalogError("backend.bad_response", "no", outcome="unknown"), "failed"),
    "blocked": (CatalogError("policy.output_blocked", "no"), "blocked"),
    "refused": (CatalogError("policy.refused", "no"), "failed"),
}


def receipt(bench: Bench, job: str) -> tuple[object, object] | None:
    """Return the receipt for pictures that did not come."""
    found = [a for a in bench.job(job).adjustments if a.pointer == "/n" and a.why == "not_honoured"]
    assert len(found) < 2
    return (found[0].requested, found[0].applied) if found else None


def expected(ends: tuple[str, ...], partial: Partial) -> JobState:
    """Return how a job ends whose parts end so: the rule of durability.md §1, said once more."""
    if partial == "reject" and any(end != "ok" for end in ends):
        return "failed"
    if "ok" in ends:
        return "succeeded"
    return "blocked" if set(ends) == {"blocked"} else "failed"


@pytest.mark.parametrize("partial", ["accept", "reject"])
@pytest.mark.parametrize("slots", [1, 3])
async def test_every_mixture_of_ends_makes_the_end_that_the_rules_say(
    engine: OpenBench, partial: Partial, slots: int
) -> None:
    """Three parts, four ways to end each, one after the other or at once: state, outputs, files, receipts, events."""
    north = FakeAdapter()
    bench = await engine(north, slots=slots)
    for ends in itertools.product(ENDS, repeat=3):
        north.calls.clear()
        held = [north.hold("submit") for _ in ends]
        job = await bench.accept(n=3, on_unsupported="adapt", partial=partial)
        for submit, end in zip(held, ends, strict=True):
            submit.answer(ENDS[end][0])
            await bench.settle()
        record, good = bench.job(job), ends.count("ok")
        assert record.state == expected(ends, partial), ends
        keeps = record.state == "succeeded"
        assert len(record.outputs) == (good if keeps else 0)
        # Nothing that the job does not show is left in the gallery, however early it was delivered.
        shown = {output.asset_id for output in record.outputs}
        assert {asset.id for asset in bench.assets(job) if asset.deleted_at is None} == shown
        assert receipt(bench, job) == ((3, good) if keeps and good < 3 else None)
        assert (record.error is None) == keeps
        history = bench.history(job)
        assert history[-1] == record.state
        assert not set(history[:-1]) & {"succeeded", "failed", "blocked", "cancelled"}
        # A part that may not be sent any more is not sent: at most three submits, never a fourth.
        assert north.count("submit") <= 3
        if partial == "accept":
            assert [part.state for part in record.parts] == [ENDS[end][1] for end in ends]
        for submit in held:
            submit.answer(done("late"))
        north._line["submit"].clear()
        await bench.settle()
        bench.assert_at_rest()


@pytest.mark.parametrize("slots", [1, 2, 5])
async def test_each_picture_is_made_once_whatever_slots_there_are(engine: OpenBench, slots: int) -> None:
    """Parts that are given out at the same moment get numbers, attempts and slots of their own."""
    north = FakeAdapter()
    bench = await engine(north, slots=slots)
    job = await bench.accept(n=5, on_unsupported="adapt")
    assert [call.handles for call in north.calls if call.verb == "submit"] == [(f"{job}.{n}",) for n in range(1, 6)]
    record = bench.job(job)
    assert [output.index for output in record.outputs] == [0, 1, 2, 3, 4]
    assert {part.state for part in record.parts} == {"succeeded"}
    bench.assert_at_rest()


async def test_parts_are_as_large_as_the_model_can_make_them(engine: OpenBench) -> None:
    """Seven pictures of a model that makes three at once are three native jobs: 3, 3 and 1."""
    north = FakeAdapter(capability=structs.replace(BLOCKING, max_n=3))
    bench = await engine(north, slots=3)
    job = await bench.accept(n=7, on_unsupported="adapt")
    record = bench.job(job)
    assert [(part.count, part.delivered) for part in record.parts] == [(3, 3), (3, 3), (1, 1)]
    assert len({output.sha256 for output in record.outputs}) == 7
    assert {order.effective.n for order in north.orders.values()} == {7}
    bench.assert_at_rest()


async def test_what_was_asked_to_be_dropped_is_not_made(engine: OpenBench) -> None:
    """`on_unsupported: drop` clamps the number, with a receipt: one native job, no second bill."""
    north = FakeAdapter()
    bench = await engine(north, slots=4)
    job = await bench.accept(n=4, on_unsupported="drop")
    record = bench.job(job)
    assert (record.state, north.count("submit"), len(record.outputs)) == ("succeeded", 1, 1)
    assert [(a.pointer, a.requested, a.applied, a.why) for a in record.adjustments] == [("/n", 4, 1, "clamped")]
    bench.assert_at_rest()


async def test_a_part_is_tried_again_while_its_sisters_go_on(engine: OpenBench) -> None:
    """Its next try waits on its own; the job stays running and gets every picture."""
    north = FakeAdapter()
    bench = await engine(north, slots=2)
    first, second = north.hold("submit"), north.hold("submit")
    job = await bench.accept(n=2, on_unsupported="adapt")
    first.answer(CatalogError("backend.overloaded", "later", retry_after_s=5))
    await bench.settle()
    assert bench.job(job).state == "running"
    second.answer(done("b"))
    await bench.advance(6)
    assert bench.job(job).state == "succeeded"
    assert [(each.part, each.n) for each in bench.attempts(job)] == [(1, 1), (2, 2), (1, 3)]
    bench.assert_at_rest()


async def test_a_part_with_unknown_outcome_is_never_refilled(engine: OpenBench) -> None:
    """It may still be made and billed: the job takes what the others bring."""
    north = FakeAdapter()
    bench = await engine(north)
    north.will("submit", CatalogError("backend.timeout", "no", outcome="unknown", phase="image"))
    job = await bench.accept(n=2, on_unsupported="adapt")
    await bench.advance(100)
    assert (bench.job(job).state, north.count("submit"), len(bench.job(job).outputs)) == ("succeeded", 2, 1)
    assert receipt(bench, job) == (2, 1)
    bench.assert_at_rest()


@pytest.mark.parametrize("partial", ["accept", "reject"])
async def test_a_part_that_runs_out_of_time_ends_like_any_other(engine: OpenBench, partial: Partial) -> None:
    """Given up after its time, it counts as failed at once: with a receipt, or with all that came deleted."""
    north = FakeAdapter(capability=QUEUE)
    north.will("submit", done("a"))
    north.always("submit", Pending(1.0))
    bench = await engine(north, slots=2)
    job = await bench.accept(n=2, on_unsupported="adapt", partial=partial)
    await bench.advance(601)
    record = bench.job(job)
    if partial == "accept":
        assert (record.state, len(record.outputs), receipt(bench, job)) == ("succeeded", 1, (2, 1))
    else:
        assert (record.state, record.outputs) == ("failed", ())
        assert [asset.deleted_at is None for asset in bench.assets(job)] == [False]
        assert bench.counted("discarded_outputs", backend="north") == 1
    # The attempt itself is followed on: the backend may still be at it.
    assert bench.backends["north"].in_flight == 1
    await bench.advance(400)
    bench.assert_at_rest()


@pytest.mark.parametrize("partial", ["accept", "reject"])
async def test_a_backend_that_brings_too_few_is_held_to_its_word(engine: OpenBench, partial: Partial) -> None:
    """One of two promised pictures is broken: it is taken with a receipt, or the job fails and keeps nothing."""
    north = FakeAdapter(capability=structs.replace(BLOCKING, max_n=2))
    north.will("submit", offered("good", "bad"))
    north.will("fetch", None, b"no picture")
    bench = await engine(north)
    job = await bench.accept(n=2, partial=partial)
    record = bench.job(job)
    assert record.state == ("succeeded" if partial == "accept" else "failed")
    assert len(bench.assets(job)) == len(record.outputs) == (1 if partial == "accept" else 0)
    assert receipt(bench, job) == ((2, 1) if partial == "accept" else None)
    bench.assert_at_rest()


@pytest.mark.parametrize("restarts", [False, True])
async def test_the_review_of_a_job_is_the_worst_of_its_parts(engine: OpenBench, restarts: bool) -> None:  # noqa: FBT001 - from the table
    """A part that nobody reviewed makes the whole job `not_reviewed`, also when the process died in between."""
    north = FakeAdapter()
    bench = await engine(north)
    unreviewed, reviewed = (
        Done(outputs=(structs.replace(done(name).outputs[0], review=review),), review=review)
        for name, review in (("a", Review(verdict="not_reviewed")), ("b", Review(verdict="passed")))
    )
    north.will("submit", unreviewed)
    second = north.hold("submit")
    job = await bench.accept(n=2, on_unsupported="adapt")
    if restarts:
        north.will("recover", reviewed)
        await bench.restart()
    else:
        second.answer(reviewed)
        await bench.settle()
    record = bench.job(job)
    assert (record.state, [output.review for output in record.outputs]) == ("succeeded", ["not_reviewed", "passed"])
    assert record.review is not None
    assert record.review.verdict == "not_reviewed"
    bench.assert_at_rest()


@pytest.mark.parametrize("restarts", [False, True])
async def test_each_part_shows_how_far_it_is_and_what_it_cost(engine: OpenBench, restarts: bool) -> None:  # noqa: FBT001 - from the table
    """The job's progress is that of all its pictures and never falls; its usage is the sum, also after a restart."""
    north = FakeAdapter(capability=structs.replace(QUEUE, max_n=2))
    first = Done(outputs=done("a", "b").outputs, usage=Usage(output_tokens=10, generation_s=1.5))
    second = Done(outputs=done("c").outputs, usage=Usage(output_tokens=5))
    # Far enough from one another that no jitter lets the second be asked after first.
    north.will("submit", Pending(1.0), Pending(2.0))
    north.will("poll", Pending(5.0, progress=0.3, phase="image"), Pending(50.0, progress=0.6, phase="planner"), first)
    bench = await engine(north, slots=2)
    job = await bench.accept(n=3, on_unsupported="adapt")
    await bench.advance(3)
    live = bench.carried(job).record
    assert [(part.phase, part.progress) for part in live.parts] == [("image", 0.3), ("planner", 0.6)]
    assert live.progress == pytest.approx((2 * 0.3 + 0.6) / 3)
    await bench.advance(6)
    record = bench.job(job)
    assert [(part.state, part.phase, part.progress) for part in record.parts] == [
        ("succeeded", None, 1.0),
        ("running", "planner", 0.6),
    ]
    assert (record.progress, record.usage) == (pytest.approx(2.6 / 3), first.usage)
    if restarts:
        await bench.restart()
    north.will("poll", second)
    await bench.advance(60)
    record = bench.job(job)
    assert [part.usage for part in record.parts] == [first.usage, second.usage]
    assert record.usage == Usage(output_tokens=15, generation_s=1.5)
    told = [event["progress"] for event in bench.events(job) if event.get("progress") is not None]
    assert told
    assert told == sorted(told)
    bench.assert_at_rest()
