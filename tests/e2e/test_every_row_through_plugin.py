"""The plugin's fixtures in our own run: every row of the catalogue befalls a work, and what was sent is shown."""

import base64
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from contracts.catalog import Problem
from contracts.job import TERMINAL
from gateway.testing.calls import REMOVED, Calls
from gateway.testing.faults import Faults
from gateway.testing.live import LiveGateway, Sandbox
from gateway.testing.process import ChildError
from gateway.testing.rows import ROWS, ArmedRow, FaultError
from tests.e2e.asked import post, problem, spec, whole
from tests.e2e.drawn import png

#: One worker runs all of it: each would start a gateway of its own.


@pytest.fixture
def http(triptych_gateway: LiveGateway) -> httpx.Client:
    """Return a client of the plugin's gateway."""
    return triptych_gateway.client()


def work(http: httpx.Client, on: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return what became of a work: the job as it ended, or the problem that kept it from being one."""
    answer = post(http, spec(on=on, **fields), wait=60)
    found: dict[str, Any] = answer.json()
    return found if "code" in found else {"code": None, **found}


def edit(http: httpx.Client, on: str | None = None) -> dict[str, Any]:
    """Return what became of an edit."""
    picture = {"role": "source", "data": base64.b64encode(png(64, 64)).decode()}
    return work(http, on=on, operation="image.edit", inputs=[picture])


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_befalls_a_work_as_its_place_says(row: ArmedRow, http: httpx.Client, triptych_fault: Faults) -> None:
    """At the door the answer is the row's own; at a backend the job ends with it, as a whole problem."""
    fault = triptych_fault(row.code)
    assert triptych_fault.met(fault) == 0
    answer = post(http, spec(on=None), wait=60)
    if row.place == "door":
        problem(answer, row.code)
    else:
        job = answer.json()
        assert job["state"] in TERMINAL
        whole(msgspec.convert(job["error"], Problem))
        assert job["error"]["code"] == row.code
        # Whose hands it went through: those alone at which the fault waits.
        assert {attempt["backend"] for attempt in job["attempts"]} <= set(fault.at_backends)
    assert triptych_fault.met(fault) >= 1


def test_a_fault_befalls_so_many_works_and_no_more(http: httpx.Client, triptych_fault: Faults) -> None:
    """Two are refused with the facts that the test gave; the third is a picture."""
    fault = triptych_fault("rate_limited", times=2, retry_after_s=7, limit_name="requests")
    found = [work(http) for _ in range(3)]
    assert [each["code"] for each in found] == ["quota.rate_limited", "quota.rate_limited", None]
    assert (found[0]["retry_after_s"], found[0]["limit_name"]) == (7, "requests")
    assert found[2]["state"] == "succeeded"
    assert triptych_fault.met(fault) == 2


@pytest.mark.parametrize("backend", ["studio", "ima2"])
def test_a_fault_of_one_operation_leaves_the_others_alone(
    backend: str, http: httpx.Client, triptych_fault: Faults, triptych_calls: Calls
) -> None:
    """An edit fails and a picture is made, at the same backend at the same time; a form is known by its moment."""
    triptych_fault("backend.bad_response", backend=backend, operation="image.edit")
    assert edit(http, on=backend)["error"]["code"] == "backend.bad_response"
    assert work(http, on=backend)["state"] == "succeeded"
    calls = triptych_calls.to(backend)
    assert {call.operation for call in calls} == {"image.edit", "image.generate"}
    assert all(len(call.natives) == 1 and call.native.method == "POST" for call in calls)


def test_several_faults_take_their_turns(http: httpx.Client, triptych_fault: Faults) -> None:
    """What was armed first is met first, and the next when it is used up."""
    triptych_fault("policy.refused", dialect="ima2", times=1)
    triptych_fault("backend.job_lost", dialect="ima2", times=1)
    found = [(work(http, on="ima2")["error"] or {}).get("code") for _ in range(3)]
    assert found == ["policy.refused", "backend.job_lost", None]


def test_circuits_that_a_fault_opened_are_closed_when_it_is_undone(http: httpx.Client, triptych_fault: Faults) -> None:
    """The next test finds every backend as if nothing had been: ready, chosen in its turn, and without a fault."""
    triptych_fault("backend.quota_exhausted", backend="ima2")
    route = {"backends": ["ima2"], "failover": False}
    # It opens at the fifth failure.
    found = [work(http, route=route)["error"]["code"] for _ in range(5)]
    assert found == ["backend.quota_exhausted"] * 5
    assert "open" in [each["circuit"] for each in _accounts(http, "ima2")]
    triptych_fault.undo()
    assert {each["circuit"] for each in _accounts(http, "ima2")} == {"closed"}
    assert work(http)["backend"] == "studio"
    assert work(http, on="ima2")["state"] == "succeeded"


def _accounts(http: httpx.Client, name: str) -> list[dict[str, Any]]:
    found = http.get("/v1/backends").raise_for_status().json()["backends"]
    return [account for each in found if each["name"] == name for account in each["accounts"]]


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        (lambda fault: fault("resource.not_found"), "no work ends so: ask for an id"),
        (lambda fault: fault("overloaded"), "backend.overloaded or gateway.overloaded"),
        (lambda fault: fault("backend.rate_limited"), "no code 'backend.rate_limited'"),
        (lambda fault: fault("policy.output_blocked", backend="studio"), "never met at studio: it is met at imgen"),
        (lambda fault: fault("backend.failed", backend="nobody"), "no backend is nobody"),
        (lambda fault: fault("backend.failed", operation="image.paint"), "no operation 'image.paint'"),
        (lambda fault: fault("backend.failed", dialect="imgen", operation="image.edit"), "imgen in image.edit"),
        (lambda fault: fault("backend.failed", at="door", dialect="imgen"), "has no backend yet"),
        (lambda fault: fault("backend.failed", retry_after_s=3), "at the door alone"),
        (lambda fault: fault("rate_limited", colour="red"), "colour"),
        (lambda fault: fault("rate_limited", limit="many"), "limit"),
        (lambda fault: fault("rate_limited", times=0), "1 or more"),
        (lambda fault: fault("gateway.internal", at="backend"), "never met at .*nothing leads there but a bug"),
    ],
)  # fmt: skip
def test_a_fault_that_cannot_be_is_refused_with_its_reason(
    arm: Callable[[Faults], object], said: str, triptych_fault: Faults
) -> None:
    """Each says what is wrong, and where there is one the way that leads there; nothing is armed then."""
    with pytest.raises(FaultError, match=said):
        arm(triptych_fault)
    assert triptych_fault.never_met() == []


def test_calls_are_shown_canonical_and_native_and_without_secrets(
    http: httpx.Client, triptych_gateway: LiveGateway, triptych_calls: Calls
) -> None:
    """Each backend's own request stands beside what was asked of the gateway, whosever job it was."""
    teams = {"studio": http, "ima2": triptych_gateway.new_team().client(), "imgen": http}
    jobs = {name: work(client, on=name, tags={"for": name}) for name, client in teams.items()}
    assert [call.backend for call in triptych_calls.all()] == list(teams)
    for name, job in jobs.items():
        call = triptych_calls.one(name)
        assert (call.job_id, call.attempt, call.dialect) == (job["id"], 1, job["dialect"])
        assert call.canonical == job["spec"]
        assert call.effective["prompt"] == call.native.body["prompt"] == "a red fox"
    paths = {name: triptych_calls.one(name).native.path for name in teams}
    assert paths == {"studio": "/api/queue/generate", "ima2": "/api/generate", "imgen": "/api/v2"}
    imgen = triptych_calls.natives("imgen")
    assert {each.headers.get("authorization") for each in imgen} == {REMOVED}
    signed = [each.path for each in imgen if each.path.startswith("/signed/")]
    assert signed
    assert all(path.endswith(f"sig={REMOVED}") for path in signed)
    assert "imgen-sandbox-key" not in str(imgen)


def test_calls_of_an_earlier_test_are_forgotten(http: httpx.Client, triptych_calls: Calls) -> None:
    """A test sees its own; helpers that are wrong say what came instead."""
    triptych_calls.assert_none()
    with pytest.raises(AssertionError, match="0 works reached ima2, not one"):
        triptych_calls.one("ima2")
    job = work(http, on="studio")
    with pytest.raises(AssertionError, match=f"image.generate to studio \\({job['id']}, attempt 1\\)"):
        triptych_calls.assert_none()
    with pytest.raises(ValueError, match="there are"):
        triptych_calls.to("nobody")


def test_a_sandbox_alone_has_its_own_port_profile_and_faults(triptych_sandbox: Callable[..., Sandbox]) -> None:
    """Two builds of one dialect run side by side, and what there is not is refused by name."""
    strict, lenient = triptych_sandbox("imgen"), triptych_sandbox("imgen", profile="v2-lenient")
    assert strict.url != lenient.url
    with pytest.raises(ValueError, match=r"no outcome of this sandbox is policy\.refused"):
        strict.fault("policy.refused")
    with pytest.raises(ValueError, match="has no profile 'v9'"):
        triptych_sandbox("imgen", profile="v9")
    with pytest.raises(ValueError, match="there is no sandbox of 'nobody'"):
        triptych_sandbox("nobody")


def test_an_order_that_a_child_cannot_carry_out_is_an_error_of_the_test(triptych_gateway: LiveGateway) -> None:
    """It says what the child raised, and the line goes on working."""
    with pytest.raises(ChildError, match="no such scope: everything"):
        triptych_gateway.new_team(scopes=["everything"])
    late = triptych_gateway.new_team(days=0.0000001).client()
    assert problem(late.get("/v1/jobs"), "auth.unauthenticated")["reason"] == "expired"
