"""A gateway looks at its backends' contracts by itself: what drifts is told everywhere, and keeps no job away."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from gateway.cli.backends import backends as shown
from tests.e2e.asked import made, spec, wait_for
from tests.e2e.drifting_server import Passing, drifting
from tests.e2e.keyed import KeyedGateway
from tests.e2e.sandbox_threads import sandboxes_of

CANARY = "canary-5d20c7"
#: So often is looked: about once a second, the first time at once.
OFTEN = {"TRIPTYCH_VERIFY__EVERY_S": "1"}


class Release:
    """A backend that can be given another release."""

    def __init__(self) -> None:
        """Begin as the sandbox is."""
        self.is_new = threading.Event()

    def change(self, passing: Passing) -> None:
        """Answer health as the next release does, if it is there."""
        if self.is_new.is_set() and passing.path == "/api/health":
            passing.change(uptimeSec=CANARY, startedAt=..., **{CANARY: CANARY})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[KeyedGateway, Release]]:
    """A gateway that looks often, at an ima2 whose release can change."""
    folder, release = tmp_path_factory.mktemp("looked-at"), Release()
    with sandboxes_of((("ima2", "head"),), folder) as sandboxes:
        [sandbox] = sandboxes.values()
        with drifting(sandbox.url, release.change) as url:
            backend = {"dialect": "ima2", "base_url": url, "sandbox": True}
            running = KeyedGateway(folder / "gateway", {"here": backend}, env=OFTEN)
            yield running, release
            running.stop()


def series(http: httpx.Client) -> dict[str, float]:
    """Return what the gauge says of each check."""
    text = http.get("/metrics").raise_for_status().text
    found = {}
    for line in text.splitlines():
        if line.startswith("triptych_contract_drift{"):
            labels, _, value = line.removeprefix("triptych_contract_drift{").rpartition("} ")
            pairs = dict(each.split("=", 1) for each in labels.split(","))
            assert (pairs["dialect"], pairs["backend"]) == ('"ima2"', '"here"')
            found[pairs["check"].strip('"')] = float(value)
    return found


def contract(http: httpx.Client) -> Any:
    """Return what is shown of the backend's contract."""
    return http.get("/v1/backends/here").raise_for_status().json().get("contract")


def test_a_drift_is_told_and_forgotten_when_it_is_over(world: tuple[KeyedGateway, Release]) -> None:
    """Metric, backend view, command line and log name the check and nothing of the answer; jobs go on all the while."""
    gateway, release = world
    http = gateway.http
    assert http is not None
    wait_for(lambda: series(http), "a first look")
    assert set(series(http).values()) == {0.0}
    assert contract(http)["drift"] == []
    assert contract(http)["profile"] == "head"

    release.is_new.set()
    wait_for(lambda: series(http)["health"] == 1.0, "a drift")
    assert {name for name, value in series(http).items() if value} == {"health"}
    [told] = contract(http)["drift"]
    assert (told["check"], told["route"]) == ("health", "GET /api/health")
    assert "missing: `startedAt` (there are 1 that nobody promised)" in told["faults"]
    done = CliRunner().invoke(shown, ["--url", gateway.url], env={"TRIPTYCH_API_KEY": gateway.token})
    assert "contract: drift: health" in done.output

    job = made(http, spec(on="here"))
    assert job["state"] == "succeeded"
    [account] = [each for each in http.get("/v1/backends/here").json()["accounts"] if each["name"] == "oauth"]
    assert (account["circuit"], account["ready"]) == ("closed", True)

    release.is_new.clear()
    wait_for(lambda: series(http)["health"] == 0.0, "the end of the drift")
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]
    said = [(line["event"], line.get("checks")) for line in lines if line["event"].startswith("backend.contract")]
    assert said == [("backend.contract_drift", ["health"]), ("backend.contract_kept", None)]
    assert CANARY not in gateway.log.read_text()
    assert CANARY not in http.get("/metrics").text


def test_only_operators_see_contracts(world: tuple[KeyedGateway, Release]) -> None:
    """What a backend promises and keeps is a detail, as its address is: scope ops:read."""
    gateway, _ = world
    assert gateway.http is not None
    wait_for(lambda: contract(gateway.http), "a look")
    assert contract(gateway.client("readers", "--scope", "jobs:read")) is None
    assert contract(gateway.client("watchers", "--scope", "ops:read", "--scope", "jobs:read"))["checks"] > 10


def test_nobody_is_looked_at_where_it_is_switched_off(keyed: KeyedGateway) -> None:
    """`verify.every_s = 0`: no series, and nothing beside the backends."""
    assert keyed.http is not None
    assert series(keyed.http) == {}
    assert all(each.get("contract") is None for each in keyed.http.get("/v1/backends").json()["backends"])
