"""One account of ima2 must sign in again: it alone is kept from work, it is told everywhere, and it comes back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.asked import begun, made, shown, wait_for
from tests.e2e.scraped import Scrape, want
from tests.harness import GatewayProcess, SandboxProcess, backend

ACCOUNTS = ("oauth", "api", "grok")
#: The next look on the timer may be a quarter of a minute away.
SOON_S = 5.0
RULES = Path(__file__).parents[2] / "deploy/prometheus/rules.yml"


class SignedOut(NamedTuple):
    """How a server says that an account must sign in again: in its status, and when it is asked for work."""

    account: str
    status: str
    code: str


CASES = [
    SignedOut("oauth", "GET /api/oauth/status", "AUTH_CHATGPT_EXPIRED"),
    SignedOut("grok", "GET /api/grok/status", "GROK_AUTH_REQUIRED"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A server with three accounts."""
    running = SandboxProcess("ima2", tmp_path_factory.mktemp("accounts"), speed=60, profile="new")
    yield running
    running.stop(5)


@pytest.fixture(scope="module")
def gateway(server: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway in front of it."""
    running = GatewayProcess(tmp_path_factory.mktemp("signing-in"), {"ima2": backend(server)})
    yield running
    running.stop()


def wish(account: str, prompt: str = "a red fox") -> dict[str, Any]:
    """Return a request for a picture that only one account may make."""
    return {
        "operation": "image.generate",
        "prompt": prompt,
        "route": {"backends": ["ima2"], "accounts": [account], "failover": False},
    }


def seen(gateway: GatewayProcess) -> dict[str, dict[str, Any]]:
    """Return the accounts as `/v1/backends` tells of them."""
    [view] = gateway.http.get("/v1/backends").raise_for_status().json()["backends"]
    return {account["name"]: account for account in view["accounts"]}


def gauges(gateway: GatewayProcess, family: str) -> dict[str, float | None]:
    """Return a gauge of each account."""
    scrape = Scrape(gateway.http)
    return {name: scrape.value(want(family, backend="ima2", account=name)) for name in ACCOUNTS}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_an_account_that_must_sign_in_again_is_closed_alone(
    gateway: GatewayProcess, server: SandboxProcess, case: SignedOut
) -> None:
    """One failed job is enough: the gateway asks at once how its accounts are, and the others go on working."""
    others = [name for name in ACCOUNTS if name != case.account]
    server.force({"route": case.status, "outcome": "auth_required"})
    failed = made(gateway.http, wish(case.account, f"[[{case.code}]] a red fox"))
    assert (failed["state"], failed["error"]["code"]) == ("failed", "backend.credentials_rejected")
    assert failed["error"]["native"]["code"] == case.code
    wait_for(lambda: not seen(gateway)[case.account]["ready"], "an account that is not ready", SOON_S)
    accounts = seen(gateway)
    closed = accounts[case.account]
    assert (closed["circuit"], closed["code"]) == ("open", "backend.credentials_rejected")
    assert {(accounts[name]["ready"], accounts[name]["circuit"], accounts[name].get("code")) for name in others} == {
        (True, "closed", None)
    }
    assert gauges(gateway, "backend_account_ready") == {case.account: 0, **dict.fromkeys(others, 1)}
    assert gauges(gateway, "backend_circuit_open") == {case.account: 1, **dict.fromkeys(others, 0)}
    assert Scrape(gateway.http).value(want("backend_up", backend="ima2")) == 1
    assert {made(gateway.http, wish(name))["state"] for name in others} == {"succeeded"}
    waiting = begun(gateway.http, wish(case.account))
    assert shown(gateway.http, waiting["id"])["phase"] == "waiting_for_backend"
    sent = len(server.submits())
    server.force()
    wait_for(lambda: seen(gateway)[case.account]["ready"], "an account that has signed in")
    assert shown(gateway.http, waiting["id"], wait=30)["state"] == "succeeded"
    assert len(server.submits()) == sent + 1
    assert gauges(gateway, "backend_account_ready") == dict.fromkeys(ACCOUNTS, 1)
    assert seen(gateway)[case.account].get("code") is None


def test_a_free_choice_of_account_goes_to_those_that_can_work(gateway: GatewayProcess, server: SandboxProcess) -> None:
    """Who names none is not made to wait for the one that must sign in."""
    server.force({"route": "GET /api/oauth/status", "outcome": "auth_required"})
    made(gateway.http, wish("oauth", "[[AUTH_CHATGPT_EXPIRED]] a red fox"))
    wait_for(lambda: not seen(gateway)["oauth"]["ready"], "an account that is not ready")
    job = made(gateway.http, {"operation": "image.generate", "prompt": "a red fox"})
    assert (job["state"], job["account"]) in [("succeeded", "api"), ("succeeded", "grok")]
    server.force()
    wait_for(lambda: seen(gateway)["oauth"]["ready"], "an account that has signed in")


def test_an_alert_is_there_for_it() -> None:
    """The deployed rules watch the very gauge, and name the account and the backend."""
    text = RULES.read_text(encoding="utf-8")
    [rule] = [each for each in text.split("- alert: ") if "triptych_backend_account_ready" in each]
    assert "expr: triptych_backend_account_ready == 0" in rule
    assert all(f"{{{{ $labels.{label} }}}}" in rule for label in ("account", "backend"))
