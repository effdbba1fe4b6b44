"""Every metric is moved by something that really happens: a table of situations, and of the samples that each moves."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from gateway.ops.metrics import Metrics
from tests.e2e.asked import post, wait_for
from tests.e2e.drawn import png
from tests.e2e.happening import PROMPT, Situation, World, cancelled, crowded, failed_over, forced, replayed, sent_again
from tests.e2e.keyed import KeyedGateway
from tests.e2e.listening_in import Listener
from tests.e2e.scraped import Scrape, Want, finished, phases, want
from tests.harness import SandboxProcess, backend, free_port

#: The name of a team is never told, as its prompts are not.
TEAM = "chartreuse"
#: The team that has an ima2 server of its own.
OWNER = "indigo"
LABELS = {
    *("route", "method", "status", "backend", "operation", "state", "code", "phase", "outcome", "from_backend"),
    *("to_backend", "result", "answer", "field", "dialect", "verb", "account", "source", "le", "kind", "spends"),
    "face",
}
AN_ID = re.compile(r"(job|ast|key|req)_[0-9A-Z]{26}")
#: Moved by what is past its retention, at the first sweep: half a minute after a start; and by looks at contracts,
#: which are switched off here and have a test of their own.
UNMOVED = frozenset({"swept", "contract_drift"})


#: Whether an account can work, and whether jobs are kept away from it.
OF_AN_ACCOUNT = [want(f"backend_{each}", backend="ima2", account="oauth") for each in ("account_ready", "circuit_open")]
SITUATIONS: dict[str, Situation] = {
    "a picture of Studio": Situation(
        lambda world: world.ended(on="studio"),
        (
            want("jobs_accepted", operation="image.generate"),
            finished("studio", "succeeded", "none"),
            *phases("studio", "queued", "submit", "download", "store"),
            want("polls", backend="studio", result="answered"),
            want("exchange_seconds", backend="studio", verb="submit", result="ok"),
            want("exchange_seconds", backend="studio", verb="poll", result="ok"),
            want("attempts", backend="studio", outcome="succeeded"),
            want("stored_bytes", source="output"),
            want("commit_group_size"),
            want("http_requests", route="/v1/jobs", method="POST", status="200"),
            want("http_request_seconds", route="/v1/jobs", method="POST"),
        ),
    ),
    "a picture of ima2": Situation(
        lambda world: world.ended(), (finished("ima2", "succeeded", "none"), *phases("ima2", "queued", "store"))
    ),
    "a picture of imgen": Situation(
        lambda world: world.ended(on="imgen"),
        (finished("imgen", "succeeded", "none"), want("polls", backend="imgen", result="answered")),
    ),
    "a film of nobody": Situation(
        lambda world: post(world.http, {"operation": "video.generate", "prompt": PROMPT}),
        (
            want("jobs_refused", code="request.option_unsupported"),
            want("http_requests", route="/v1/jobs", status="400"),
        ),
    ),
    "no JSON": Situation(
        lambda world: world.http.post("/v1/jobs", content=b"{", headers={"Content-Type": "application/json"}),
        (want("jobs_refused", code="request.malformed"),),
    ),
    "an address where nothing is": Situation(
        lambda world: world.http.get("/nothing"),
        (want("http_requests", route="unmatched", method="GET", status="404"),),
    ),
    "the same key twice": Situation(replayed, (want("idempotent_replays"),)),
    "a retry of an SDK": Situation(sent_again, (want("joined_retries", face="openai"),)),
    "an upload": Situation(
        lambda world: world.http.post("/v1/assets", content=png(), headers={"Content-Type": "image/png"}),
        (want("stored_bytes", source="upload"),),
    ),
    "a refusal of the prompt": Situation(
        lambda world: world.ended("[[SAFETY_REFUSAL]]"),
        (finished("ima2", "failed", "policy.refused"), want("attempts", backend="ima2", outcome="not_started")),
    ),
    "a picture that is withheld": Situation(
        lambda world: world.ended("[[unsafe]]", on="imgen"), (finished("imgen", "blocked", "policy.output_blocked"),)
    ),
    "a picture of another size": Situation(
        lambda world: world.ended("[[wrong_size:64x64]]", on="studio", size={"width": 512, "height": 512}),
        (want("contract_breaches", backend="studio", field="size"),),
    ),
    "a picture of another format": Situation(
        lambda world: world.ended("[[wrong_format:webp]]", output={"format": "png"}),
        (want("contract_breaches", backend="ima2", field="format"),),
    ),
    "a refusal of what we had checked": Situation(
        forced("studio", "", outcome="bad_request"),
        (
            want("contract_refusals", backend="studio", code="backend.rejected_request"),
            finished("studio", "failed", "backend.rejected_request"),
        ),
    ),
    "a backend that is something else": Situation(lambda _: None, (want("unmapped_native_errors", dialect="ima2"),)),
    "a failure that passes": Situation(
        forced("studio", "", outcome="storage_error", times=1),
        (want("retries", backend="studio"), finished("studio", "succeeded", "none")),
    ),
    "a failure with another backend beside it": Situation(
        failed_over, (want("failovers", from_backend="studio", to_backend="ima2"),)
    ),
    "a question that breaks off": Situation(
        forced("studio", "[[slow:60]]", outcome="cut_early", route="GET /api/queue", contains="", times=1),
        (want("polls", backend="studio", result="failed"),),
    ),
    "an answer that is lost": Situation(
        lambda world: world.ended("[[cut]]", on="studio"), (want("recoveries", backend="studio"),)
    ),
    "a cancel at Studio": Situation(
        cancelled("studio", 90),
        (
            want("cancels", backend="studio"),
            want("jobs_finished", state="cancelled", backend="studio"),
        ),
    ),
    "a cancel at imgen": Situation(
        cancelled("imgen", 300),
        (want("cancels", backend="imgen", answer="cannot"), want("jobs_draining", backend="imgen")),
    ),
    "a result that comes too late": Situation(cancelled("imgen", 30), (want("late_results", backend="imgen"),)),
    "pictures that are not kept": Situation(
        lambda world: world.ended("[[n2_one_fails]]", n=2, partial="reject"),
        (want("discarded_outputs", backend="ima2"),),
    ),
    "more work than slots": Situation(
        crowded,
        (
            want("jobs_in_flight", 2, backend="ima2"),
            want("jobs_queued", 1, backend="ima2"),
            want("oldest_job_seconds", backend="ima2"),
        ),
    ),
    "a prompt that a backend writes": Situation(
        lambda world: world.gateway.client(OWNER).post(
            "/v1/prompts/optimize", json={"prompt": PROMPT, "model": "easel/gpt-5.4"}
        ),
        (want("prompts_written", backend="easel", kind="optimize", result="ok"),),
    ),
    "a request that is passed on": Situation(
        lambda world: world.gateway.client(OWNER).get("/ima2/api/sessions"),
        (want("relayed_requests", backend="easel", route="GET /api/sessions", spends="false", status="200"),),
    ),
    "a listener": Situation(
        lambda world: world.held.callback(Listener(world.http, "/v1/events").close), (want("event_streams_open", 1),)
    ),
    "a scrape": Situation(lambda _: None, (want("http_requests_open", 1), want("free_disk_bytes"))),
    "a backend that answers, one that does not": Situation(
        lambda _: None, (want("backend_up", 1, backend="studio"), want("backend_up", 0, backend="absent"))
    ),
    "a loop and models that grow old": Situation(
        lambda _: None, (want("event_loop_lag_seconds"), want("backend_discovery_age_seconds", backend="studio"))
    ),
}


class Unready(KeyedGateway):
    """A gateway that is not waited for until its backends are ready."""

    def _ready(self) -> bool:
        assert self.http is not None
        return self.http.get("/livez").is_success


@pytest.fixture(scope="module")
def watched(
    backends: dict[str, dict[str, Any]], sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[KeyedGateway, Scrape]]:
    """A gateway with two slots at each backend, two at wrong addresses, and an account that must sign in at first."""
    few = {name: {**each, "max_concurrency": 2} for name, each in backends.items()}
    absent = {**few["studio"], "base_url": f"http://127.0.0.1:{free_port()}", "priority": -10}
    sandboxes["ima2"].force({"outcome": "auth_required", "route": "GET /api/oauth/status"})
    astray = {**few["ima2"], "base_url": few["studio"]["base_url"]}
    newest = SandboxProcess("ima2", tmp_path_factory.mktemp("easel"), speed=60, profile="new")
    odd = {"absent": absent, "astray": astray, "easel": backend(newest, exclusive_team=OWNER)}
    aliases = {"either": ["studio/z-image-turbo", "ima2/gpt-5.4"]}
    running = Unready(tmp_path_factory.mktemp("watched"), {**few, **odd}, settings={"aliases": aliases})
    http, (ready, circuit) = running.client(TEAM, "--scope", "admin"), OF_AN_ACCOUNT
    wait_for(lambda: Scrape(http).value(circuit) == 1, "an open circuit")
    first = Scrape(http)
    sandboxes["ima2"].force()
    wait_for(lambda: Scrape(http).value(ready) == 1, "an account that has signed in")
    yield running, first
    running.stop()
    newest.stop()


@pytest.fixture
def world(watched: tuple[KeyedGateway, Scrape], sandboxes: dict[str, SandboxProcess]) -> Iterator[World]:
    """The gateway, a team's client, and the sandboxes; what a situation holds is let go."""
    with ExitStack() as held:
        yield World(watched[0], watched[0].client(TEAM), sandboxes, held)


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_happens_is_seen(world: World, watched: tuple[KeyedGateway, Scrape], name: str) -> None:
    """Each situation moves the samples that tell of it, and tells nothing of who asked or for what."""
    operator = watched[0].http
    assert operator is not None
    before = Scrape(operator)
    SITUATIONS[name].act(world)
    missing: list[Want] = []

    def seen() -> bool:
        now = Scrape(operator)
        missing[:] = [each for each in SITUATIONS[name].moves if not now.shows(each, before)]
        return not missing

    try:
        wait_for(seen, "the samples", 15)
    except AssertionError:
        pytest.fail(f"not seen: {missing}")
    after = Scrape(operator)
    assert PROMPT not in after.text
    assert TEAM not in after.text
    assert not AN_ID.search(after.text)
    assert after.labels <= LABELS
    assert all(after.value(Want(family, {})) in (0, None) for family in UNMOVED)


def test_an_account_that_must_sign_in_is_seen_until_it_has(watched: tuple[KeyedGateway, Scrape]) -> None:
    """It is not ready and its circuit is open; once it has signed in, a probe closes the circuit."""
    gateway, first = watched
    assert gateway.http is not None
    assert [first.value(each) for each in OF_AN_ACCOUNT] == [0, 1]
    now = Scrape(gateway.http)
    assert [now.value(each) for each in OF_AN_ACCOUNT] == [1, 0]


def test_no_family_is_left_unmoved() -> None:
    """Every family that is declared is in the table above, or on the list of those that cannot be moved so."""
    names = {family.name for family in Metrics().registry.collect()}
    declared = {name.removeprefix("triptych_") for name in names if name.startswith("triptych_")}
    moved = {each.family for situation in SITUATIONS.values() for each in (*situation.moves, *OF_AN_ACCOUNT)}
    assert moved | UNMOVED == declared
    assert not moved & UNMOVED
