"""`options.ima2` through the front door: reasoning, search, sequences in one call, and nodes that are continued."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from contracts.sniff import sniff
from tests.e2e.asked import made, pointers, post, problem, spec
from tests.e2e.listening_in import Listener
from tests.harness import GatewayProcess, SandboxProcess, backend

SPEED = 60
SMALL = {"size": {"width": 64, "height": 64}}
SEQUENCE, NODE = "/api/generate/multimode", "/api/node/generate"


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A server of the newest build."""
    running = SandboxProcess("ima2", tmp_path_factory.mktemp("newest"), speed=SPEED, profile="new")
    yield running
    running.stop(5)


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A server of the oldest build."""
    running = SandboxProcess("ima2", tmp_path_factory.mktemp("oldest"), speed=SPEED, profile="tag")
    yield running
    running.stop(5)


@pytest.fixture(scope="module")
def both(
    newest: SandboxProcess, oldest: SandboxProcess, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway in front of the two."""
    running = GatewayProcess(
        tmp_path_factory.mktemp("both"), {"newest": backend(newest), "oldest": backend(oldest, priority=5)}
    )
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def nothing_counted(newest: SandboxProcess, oldest: SandboxProcess) -> None:
    """Forget the calls of the test before."""
    for sandbox in (newest, oldest):
        assert sandbox.http is not None
        sandbox.http.delete("/_sandbox/calls")


def wish(on: str, prompt: str = "a red fox", *, account: str = "oauth", **options: Any) -> dict[str, Any]:
    """Return a request for small pictures with options of ima2, on one build."""
    found = spec(prompt, on, options={"ima2": options}, **SMALL)
    return {**found, "route": {"backends": [on], "accounts": [account]}}


def sent(sandbox: SandboxProcess, path: str) -> list[dict[str, Any]]:
    """Return the bodies that reached a route."""
    return [call["body"] for call in sandbox.calls("POST", path) if call["path"] == path]


def test_reasoning_and_search_reach_the_server_under_its_own_names(
    both: GatewayProcess, newest: SandboxProcess
) -> None:
    """And what the server says that it used is compared: nothing is owed here."""
    assert both.http is not None
    job = made(both.http, wish("newest", reasoning_effort="high", web_search=False))
    assert job["state"] == "succeeded"
    assert [each for each in job["adjustments"] if each["by"] == "backend"] == []
    [body] = sent(newest, "/api/generate")
    assert (body["reasoningEffort"], body["webSearchEnabled"]) == ("high", False)
    assert job["effective"]["options"] == {"reasoning_effort": "high", "web_search": False}


@pytest.mark.parametrize(
    ("on", "account", "options", "code", "pointer"),
    [
        ("oldest", "oauth", {"reasoning_effort": "low"}, "request.option_unsupported", "reasoning_effort"),
        ("newest", "grok", {"web_search": False}, "request.option_unsupported", "web_search"),
        ("newest", "grok", {"multimode": True}, "request.option_unsupported", "multimode"),
        ("newest", "oauth", {"reasoning_effort": "extreme"}, "request.field_invalid", "reasoning_effort"),
        ("newest", "oauth", {"temperature": 1}, "request.field_invalid", "temperature"),
    ],
)
def test_an_option_is_refused_where_the_build_or_account_does_not_honour_it(
    both: GatewayProcess, on: str, account: str, options: dict[str, Any], code: str, pointer: str
) -> None:
    """Before a job exists, by its pointer."""
    assert both.http is not None
    wanted = wish(on, account=account, **options)
    if account == "grok":
        del wanted["size"]
    assert pointers(problem(post(both.http, wanted), code)) == [f"/options/ima2/{pointer}"]


def test_two_ways_at_once_and_a_node_of_several_pictures_are_refused(both: GatewayProcess) -> None:
    """A node is one picture; it is no sequence."""
    assert both.http is not None
    problem(post(both.http, wish("newest", multimode=True, node=True)), "request.field_invalid")
    several = {**wish("newest", node=True), "n": 2}
    assert pointers(problem(post(both.http, several), "request.field_invalid")) == ["/n"]


@pytest.mark.parametrize("build", ["oldest", "newest"])
def test_a_sequence_is_one_call_with_all_its_pictures(
    both: GatewayProcess, newest: SandboxProcess, oldest: SandboxProcess, build: str
) -> None:
    """Three pictures, each told as it comes, none of them twice."""
    assert both.http is not None
    job = post(both.http, {**wish(build, "a fox [[slow:60]] [[partials:1]]", multimode=True), "n": 3}).json()
    listener = Listener(both.http, f"/v1/jobs/{job['id']}/events")
    listener.until_ended()
    listener.close()
    ended = both.job(job["id"])
    assert (ended["state"], [each["index"] for each in ended["outputs"]]) == ("succeeded", [0, 1, 2])
    assert len({each["sha256"] for each in ended["outputs"]}) == 3
    shown = [each for each in listener.data if each["type"] == "job.partial_image"]
    # One preview of the sequence, then its three pictures.
    assert [each["index"] for each in shown] == [0, 0, 1, 2]
    for each in shown:
        media = sniff(base64.b64decode(each["data"]))
        assert media is not None
        assert media.media_type == each["media_type"]
    [body] = sent({"oldest": oldest, "newest": newest}[build], SEQUENCE)
    assert (body["maxImages"], "n" in body) == (3, False)


def test_a_sequence_that_comes_short_says_so(both: GatewayProcess) -> None:
    """Two of three: a success with a receipt for the third, or a failure for those who want all or nothing."""
    assert both.http is not None
    wanted = {**wish("oldest", "a fox [[fewer:1]]", multimode=True), "n": 3}
    job = made(both.http, wanted)
    assert (job["state"], len(job["outputs"])) == ("succeeded", 2)
    [count] = [each for each in job["adjustments"] if each["pointer"] == "/n"]
    assert (count["requested"], count["applied"]) == (3, 2)
    refused = made(both.http, {**wanted, "partial": "reject"})
    assert (refused["state"], refused["outputs"]) == ("failed", [])


def test_a_sequence_without_a_picture_is_no_success(both: GatewayProcess) -> None:
    """The server calls it done (wire §6)."""
    assert both.http is not None
    job = made(both.http, {**wish("oldest", "a fox [[none]]", multimode=True), "n": 2})
    assert (job["state"], job["error"]["code"]) == ("failed", "backend.bad_response")


@pytest.mark.parametrize("build", ["oldest", "newest"])
@pytest.mark.parametrize("token", ["cut", "cut_body"])
@pytest.mark.parametrize("option", ["multimode", "node"])
def test_a_stream_that_was_lost_is_found_and_not_paid_twice(
    both: GatewayProcess, newest: SandboxProcess, oldest: SandboxProcess, build: str, token: str, option: str
) -> None:
    """All pictures of it, in their order, by the request id."""
    assert both.http is not None
    count = 2 if option == "multimode" else 1
    chosen: dict[str, Any] = {option: True}
    job = made(both.http, {**wish(build, f"a fox [[{token}]]", **chosen), "n": count})
    assert job["state"] == "succeeded", job["error"]
    assert [each["index"] for each in job["outputs"]] == list(range(count))
    assert len(sent({"oldest": oldest, "newest": newest}[build], SEQUENCE if option == "multimode" else NODE)) == 1
    if option == "node":
        assert job["effective"]["options"]["node_id"]


@pytest.mark.parametrize("build", ["oldest", "newest"])
def test_an_edit_of_a_node_continues_it_at_the_server(
    both: GatewayProcess, newest: SandboxProcess, oldest: SandboxProcess, build: str
) -> None:
    """A picture of ours that was made as a node is named to the server, not sent; its child is a node again."""
    assert both.http is not None
    sandbox = {"oldest": oldest, "newest": newest}[build]
    root = made(both.http, wish(build, node=True))
    parent = root["effective"]["options"]["node_id"]
    for _ in range(2):
        change = {
            "operation": "image.edit",
            "prompt": "at night",
            "inputs": [{"role": "source", "asset_id": root["outputs"][0]["asset_id"]}],
            "route": {"backends": [build], "accounts": ["oauth"]},
            **SMALL,
        }
        root = made(both.http, change)
        assert root["state"] == "succeeded", root["error"]
        body = sent(sandbox, NODE)[-1]
        assert (body["parentNodeId"], "image" in body) == (parent, False)
        parent = root["effective"]["options"]["node_id"]
    assert sent(sandbox, "/api/edit") == []


def test_a_node_that_is_gone_is_replaced_by_its_picture(both: GatewayProcess, newest: SandboxProcess) -> None:
    """Somebody deleted it at the server: the second attempt sends the picture itself."""
    assert both.http is not None
    assert newest.http is not None
    root = made(both.http, wish("newest", node=True))
    node = root["effective"]["options"]["node_id"]
    newest.http.delete(f"/api/history/{node}.png/permanent").raise_for_status()
    change = {
        "operation": "image.edit",
        "prompt": "at night",
        "inputs": [{"role": "source", "asset_id": root["outputs"][0]["asset_id"]}],
        "route": {"backends": ["newest"], "accounts": ["oauth"]},
        **SMALL,
    }
    job = made(both.http, change)
    assert job["state"] == "succeeded", job["error"]
    assert [attempt["error"]["code"] for attempt in job["attempts"] if attempt["error"]] == ["backend.job_lost"]
    assert len(sent(newest, "/api/edit")) == 1


def test_a_dry_run_shows_the_route_that_an_option_leads_to(both: GatewayProcess) -> None:
    """Each with its own body."""
    assert both.http is not None
    routes: dict[str, dict[str, Any]] = {NODE: {"node": True}, SEQUENCE: {"multimode": True}, "/api/generate": {}}
    for path, options in routes.items():
        answer = both.http.post("/v1/jobs?dry_run=true", json=wish("newest", **options)).raise_for_status()
        assert answer.json()["request"]["path"] == path
