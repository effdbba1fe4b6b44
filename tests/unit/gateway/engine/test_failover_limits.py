import pytest
from msgspec import UNSET, structs

from contracts.catalog import CatalogError
from contracts.spec import Route
from gateway.settings import Settings
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import BLOCKING, FakeAdapter

FAILED = CatalogError("backend.failed", "no")
TWO = {"north": {"priority": 10}, "south": {"priority": 5}}


async def test_another_backend_takes_over_at_once(engine: OpenBench) -> None:
    """Failover waits for nothing, is counted, and the job says who served it in the end and who did not."""
    north, south = FakeAdapter("north"), FakeAdapter("south")
    north.always("submit", FAILED)
    bench = await engine(north, south, backends=TWO)
    job = await bench.accept()
    record = bench.job(job)
    assert (record.state, record.backend, record.error) == ("succeeded", "south", None)
    assert [(each.backend, each.how, each.outcome) for each in bench.attempts(job)] == [
        ("north", "failed", "finished_no_result"),
        ("south", "done", None),
    ]
    assert bench.counted("failovers", from_backend="north", to_backend="south") == 1
    assert bench.history(job) == ["queued", "running", "queued", "running", "output", "succeeded"]
    bench.assert_at_rest()


async def test_another_backend_comes_before_another_model_of_the_one_that_failed(engine: OpenBench) -> None:
    """What failed at one place is tried elsewhere first: its other models would often fail for the same reason."""
    north, south = FakeAdapter("north", models=("m", "n", "o", "p")), FakeAdapter("south")
    north.always("submit", FAILED)
    bench = await engine(north, south, backends=TWO)
    job = await bench.accept()
    assert [each.backend for each in bench.attempts(job)] == ["north", "south"]
    assert bench.job(job).state == "succeeded"


@pytest.mark.parametrize(
    ("spec", "goes"),
    [
        ({}, True),
        ({"model": "fast"}, True),
        ({"model": "north/m"}, False),
        ({"route": Route(failover=False)}, False),
        ({"model": "fast", "route": Route(failover=False)}, False),
        ({"route": Route(backends=("north",))}, False),
        ({"route": Route(exclude=("south",))}, False),
        ({"route": Route(backends=("north", "south"))}, True),
    ],
)
async def test_another_backend_takes_over_only_if_the_caller_lets_it(
    engine: OpenBench,
    spec: dict[str, object],
    goes: bool,  # noqa: FBT001 - from the table
) -> None:
    """`auto` and aliases may go elsewhere, a model named in full and `failover: false` never do."""
    north, south = FakeAdapter("north"), FakeAdapter("south")
    north.always("submit", CatalogError("backend.misconfigured", "no"))
    settings = Settings(aliases={"fast": ("north/m", "south/m")})
    bench = await engine(north, south, backends=TWO, settings=settings)
    job = await bench.accept(**spec)
    await bench.advance(100)
    assert (bench.job(job).state, south.count("submit")) == (("succeeded", 1) if goes else ("failed", 0))
    bench.assert_at_rest()


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_named_model_does_not_even_go_to_another_account(engine: OpenBench, restarts: bool) -> None:  # noqa: FBT001 - from the table
    """Its next try goes to the account that failed, also if the process died in between."""
    north = FakeAdapter(accounts=("a", "b"))
    north.will("submit", FAILED)
    bench = await engine(north, slots=2)
    job = await bench.accept(model="north/m")
    assert bench.attempts(job)[0].account == "a"
    if restarts:
        await bench.restart()
    # The other account is less busy: it would be chosen first.
    bench.backends["north"].take("a")
    await bench.advance(10)
    assert [each.account for each in bench.attempts(job)] == ["a", "a"]
    assert bench.job(job).state == "succeeded"
    bench.backends["north"].release("a")
    bench.assert_at_rest()


async def test_a_local_backends_job_never_leaves(engine: OpenBench) -> None:
    """What could be done here is not sent outside because it failed here."""
    north, south = FakeAdapter("north"), FakeAdapter("south")
    north.always("submit", FAILED)
    backends = {"north": {"trust": "local"}, "south": {"trust": "external", "priority": 10}}
    bench = await engine(north, south, backends=backends)
    job = await bench.accept()
    await bench.advance(100)
    assert (bench.job(job).state, north.count("submit"), south.count("submit")) == ("failed", 3, 0)
    bench.assert_at_rest()


async def test_an_alias_that_names_both_lets_a_job_leave(engine: OpenBench) -> None:
    """The operator said so by naming an external model beside the local one."""
    north, south = FakeAdapter("north"), FakeAdapter("south")
    north.always("submit", FAILED)
    backends = {"north": {"trust": "local", "priority": 10}, "south": {"trust": "external"}}
    bench = await engine(north, south, backends=backends, settings=Settings(aliases={"any": ("north/m", "south/m")}))
    job = await bench.accept(model="any")
    assert (bench.job(job).state, bench.job(job).backend) == ("succeeded", "south")
    bench.assert_at_rest()


@pytest.mark.parametrize("code", ["policy.refused", "policy.output_blocked"])
async def test_a_refusal_by_policy_is_never_taken_elsewhere(engine: OpenBench, code: str) -> None:
    """Whatever outcome it claims, no laxer backend is tried."""
    north, south = FakeAdapter("north"), FakeAdapter("south")
    bench = await engine(north, south, backends=TWO)
    for outcome in ("not_started", "finished_no_result", "finished_blocked", "unknown"):
        north.always("submit", CatalogError(code, "no", outcome=outcome))  # type: ignore[arg-type]
        await bench.accept()
        await bench.advance(100)
    assert (north.count("submit"), south.count("submit")) == (4, 0)
    bench.assert_at_rest()


async def test_a_candidate_that_cannot_do_it_is_no_way_out(engine: OpenBench) -> None:
    """Failover goes to who fits: a backend without a seed does not get a job with one."""
    north = FakeAdapter("north", structs.replace(BLOCKING, seed_max=100))
    south = FakeAdapter("south")
    north.always("submit", FAILED)
    bench = await engine(north, south, backends=TWO)
    job = await bench.accept(seed=7)
    await bench.advance(100)
    assert (bench.job(job).state, north.count("submit"), south.count("submit")) == ("failed", 3, 0)
    assert bench.job(job).spec.seed is not UNSET
    bench.assert_at_rest()
