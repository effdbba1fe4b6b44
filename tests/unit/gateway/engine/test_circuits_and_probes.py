import pytest
from msgspec import structs

from contracts.capability import AccountInfo
from contracts.catalog import CATALOG, CatalogError
from contracts.codes import ErrorCode
from contracts.port import AccountHealth, Health, Pending
from gateway.engine.probing import HEALTHY_S, TROUBLED_S
from gateway.store import query
from tests.unit.gateway.engine.bench_of_engine import Bench
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import QUEUE, Broken, FakeAdapter, Held, done

DOWN = CatalogError("backend.unavailable", "down")
OPENING = ("backend.unavailable", "backend.credentials_rejected", "backend.quota_exhausted")
NOT_READY = Health(up=True, accounts=(AccountHealth(name="main", ready=False, code="backend.quota_exhausted"),))


def is_open(bench: Bench, account: str = "main") -> bool:
    """Say whether jobs are kept away from an account."""
    return bench.backends["north"].account(account).breaker.is_open


async def fail_once(bench: Bench, code: ErrorCode) -> None:
    """Let one attempt at the named model fail."""
    bench.adapters["north"].will("submit", CatalogError(code, "no", outcome="unknown"))
    await bench.accept(model="north/m")


@pytest.mark.parametrize("code", [code for code in CATALOG if code.startswith(("backend.", "policy.", "request."))])
async def test_five_failures_in_a_row_that_say_that_nothing_can_be_had_open_the_circuit(
    engine: OpenBench, code: ErrorCode
) -> None:
    """Only unavailable, rejected and out of credit count; policy, time and odd answers never keep jobs away."""
    bench = await engine(FakeAdapter())
    for _ in range(4):
        await fail_once(bench, code)
    assert not is_open(bench)
    await fail_once(bench, code)
    assert is_open(bench) == (code in OPENING)
    bench.assert_at_rest()


async def test_a_success_in_between_starts_the_count_anew(engine: OpenBench) -> None:
    """Only failures in a row count."""
    bench = await engine(FakeAdapter())
    for _ in range(4):
        for _ in range(4):
            await fail_once(bench, "backend.unavailable")
        await bench.accept()
    assert not is_open(bench)
    bench.assert_at_rest()


async def test_an_open_circuit_is_closed_by_a_probe_and_never_by_a_paid_job(engine: OpenBench) -> None:
    """Jobs wait; one that was on its way and succeeds closes nothing; the next good probe lets them go."""
    north = FakeAdapter()
    bench = await engine(north, slots=2)
    under_way = north.hold("submit")
    await bench.accept()
    for _ in range(5):
        await fail_once(bench, "backend.unavailable")
    waiting = await bench.accept()
    under_way.answer(done("a"))
    await bench.settle()
    assert is_open(bench)
    assert bench.job(waiting).state == "queued"
    asked = north.count("health")
    await bench.advance(HEALTHY_S)
    assert north.count("health") == asked + 1
    assert not is_open(bench)
    assert bench.job(waiting).state == "succeeded"
    bench.assert_at_rest()


async def test_a_probe_that_finds_the_account_useless_keeps_jobs_away_at_once(engine: OpenBench) -> None:
    """Out of credit is no guess: the circuit opens without any failed job, and is looked at more often."""
    north = FakeAdapter()
    north.always("health", NOT_READY)
    bench = await engine(north)
    waiting = await bench.accept()
    assert is_open(bench)
    assert (bench.job(waiting).state, north.count("submit")) == ("queued", 0)
    asked = north.count("health")
    await bench.advance(TROUBLED_S * 5)
    assert north.count("health") == asked + 5
    north.always("health", Health(up=True, accounts=(AccountHealth(name="main", ready=True),)))
    await bench.advance(TROUBLED_S)
    assert bench.job(waiting).state == "succeeded"
    bench.assert_at_rest()


async def test_the_circuit_is_the_accounts_not_the_backends(engine: OpenBench) -> None:
    """One account out of credit keeps no job from the other."""
    north = FakeAdapter(accounts=("a", "b"))
    health = (AccountHealth(name="a", ready=False, code="backend.quota_exhausted"), AccountHealth(name="b", ready=True))
    north.always("health", Health(up=True, accounts=health))
    bench = await engine(north)
    job = await bench.accept(model="north/m")
    assert (bench.job(job).state, bench.job(job).account) == ("succeeded", "b")
    assert (is_open(bench, "a"), is_open(bench, "b")) == (True, False)
    bench.assert_at_rest()


async def test_probes_of_one_backend_come_one_at_a_time(engine: OpenBench) -> None:
    """A probe that hangs is not joined by others, however long it takes."""
    north = FakeAdapter()
    probe = Held()
    north.will("health", probe)
    bench = await engine(north)
    await bench.advance(100)
    assert north.count("health") == 1
    north.always("health", NOT_READY)
    probe.answer(NOT_READY)
    await bench.advance(TROUBLED_S * 3)
    assert north.count("health") == 4
    bench.assert_at_rest()


async def test_a_backend_that_does_not_answer_is_down_until_it_answers(engine: OpenBench) -> None:
    """Jobs wait meanwhile, their phase says for what; when it is back it is asked anew what it can do."""
    north = FakeAdapter()
    north.always("health", DOWN)
    bench = await engine(north)
    job = await bench.accept()
    assert not bench.backends["north"].up
    assert (bench.job(job).state, bench.job(job).phase) == ("queued", "waiting_for_backend")
    north.always("health", Health(up=True, accounts=(AccountHealth(name="main", ready=True),)))
    await bench.advance(TROUBLED_S)
    assert north.count("discover") >= 1
    assert bench.job(job).state == "succeeded"
    bench.assert_at_rest()


async def test_what_a_backend_says_of_itself_outlives_the_process(engine: OpenBench) -> None:
    """A new discovery is written down once, and not again while it stays the same."""
    north = FakeAdapter()
    bench = await engine(north)
    found = north.discovery()
    assert found is not None
    north.will("discover", structs.replace(found, version="2"))
    await bench.advance(320)
    stored = bench.store.reader.read_now(query.discoveries)
    assert stored["north"][0].version == "2"
    first = stored["north"][1]
    north.always("discover", structs.replace(found, version="2"))
    await bench.advance(650)
    assert bench.store.reader.read_now(query.discoveries)["north"][1] == first


@pytest.mark.parametrize("verb", ["discover", "health"])
async def test_an_adapter_that_crashes_when_probed_is_probed_again(engine: OpenBench, verb: str) -> None:
    """A bug in one probe does not end all probing: the backend is found again."""
    north = FakeAdapter()
    bench = await engine(north)
    bench.may_crash = True
    north.will(verb, Broken(ZeroDivisionError()))
    await bench.advance(400)
    asked = north.count("health")
    await bench.advance(HEALTHY_S)
    assert north.count("health") == asked + 1


async def test_a_store_that_fails_says_nothing_about_the_backend(engine: OpenBench) -> None:
    """What it said of itself cannot be written for now: the backend is up all the same, and it is written later."""
    north = FakeAdapter()
    bench = await engine(north)
    found = north.discovery()
    assert found is not None
    changed = structs.replace(found, version="2", accounts=(AccountInfo(name="main", ready=True, detail="new"),))
    north.always("discover", changed)
    bench.store.failing = 2
    await bench.advance(316)
    assert bench.backends["north"].up
    await bench.advance(10)
    assert bench.store.reader.read_now(query.discoveries)["north"][0] == changed


async def test_work_under_way_is_asked_after_although_the_circuit_is_open(engine: OpenBench) -> None:
    """Keeping new jobs away does not lose those that are there."""
    north = FakeAdapter(capability=QUEUE)
    north.will("submit", Pending(1.0))
    bench = await engine(north)
    job = await bench.accept()
    bench.backends["north"].account("main").breaker.open_now("backend.unavailable", bench.clock.now())
    north.will("poll", done("a"))
    await bench.advance(2)
    assert bench.job(job).state == "succeeded"
    assert is_open(bench)
    bench.assert_at_rest()
