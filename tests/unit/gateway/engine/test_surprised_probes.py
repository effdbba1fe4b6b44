"""A backend that refuses a connection is asked at once how it is, instead of at the next turn of a timer."""

from contracts.catalog import CatalogError
from contracts.port import AccountHealth, Health
from gateway.engine.probing import HEALTHY_S, TROUBLED_S
from tests.unit.gateway.engine.conftest import OpenBench
from tests.unit.gateway.engine.fake_backend import Broken, FakeAdapter

REFUSED = CatalogError("backend.unavailable", "The backend cannot be reached.", outcome="not_started")
HEALTHY = Health(up=True, accounts=(AccountHealth(name="main", ready=True),))


async def test_a_refused_connection_is_followed_by_a_probe_and_the_job_waits_for_its_answer(engine: OpenBench) -> None:
    """The server is gone: the job uses up no more tries; it is made once the server is back, wherever that is."""
    north = FakeAdapter()
    bench = await engine(north)
    asked, discovered = north.count("health"), north.count("discover")
    north.will("submit", REFUSED)
    north.always("health", REFUSED)
    north.always("discover", Broken(REFUSED))
    job_id = await bench.accept()
    assert north.count("health") == asked + 1
    assert not bench.backends["north"].up
    await bench.advance(HEALTHY_S)
    assert (bench.job(job_id).state, len(bench.attempts(job_id))) == ("queued", 1)
    north.always("health", HEALTHY)
    north.always("discover", north.discovery())
    await bench.advance(TROUBLED_S)
    assert north.count("discover") > discovered
    assert (bench.job(job_id).state, len(bench.attempts(job_id))) == ("succeeded", 2)
    bench.assert_at_rest()


async def test_many_refusals_are_one_question_and_leave_one_timer(engine: OpenBench) -> None:
    """However many jobs meet it at once, and however often, the backend is asked by one chain of probes."""
    north = FakeAdapter()
    bench = await engine(north, slots=4)
    north.will("submit", *[REFUSED] * 4)
    held = north.hold("health")
    asked = north.count("health")
    for _ in range(4):
        await bench.accept()
    assert north.count("health") == asked + 1
    held.answer(HEALTHY)
    await bench.advance(HEALTHY_S - 1)
    before = north.count("health")
    await bench.advance(10 * HEALTHY_S)
    assert north.count("health") == before + 10


async def test_a_lost_answer_and_a_policy_are_no_surprise(engine: OpenBench) -> None:
    """Only a submit that certainly never arrived says that the server may be elsewhere."""
    north = FakeAdapter()
    bench = await engine(north)
    asked = north.count("health")
    for error in (
        CatalogError("backend.unavailable", "cut", outcome="unknown"),
        CatalogError("policy.refused", "no", outcome="not_started"),
        CatalogError("backend.failed", "no"),
    ):
        north.will("submit", error)
        await bench.accept()
    assert north.count("health") == asked
