"""`triptych verify` against live servers: what keeps its contract passes, and every drift is found and named."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from gateway.cli.verify import verify
from gateway.sandboxes import KEY
from tests.e2e.drifting_server import Passing, drifting
from tests.e2e.sandbox_threads import Build, Sandbox, sandboxes_of
from tests.e2e.verified import verified
from tests.harness import free_port

CANARY = "canary-7f3a91"
BUILDS = (
    ("ima2", "tag"),
    ("ima2", "head"),
    ("ima2", "new"),
    ("sdcpp", "head"),
    ("sdcpp", "seed"),
    ("imgen", "v2"),
    ("imgen", "v2-lenient"),
)


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Build, Sandbox]]:
    """One sandbox of every build."""
    with sandboxes_of(BUILDS, tmp_path_factory.mktemp("builds")) as running:
        yield running


def key_of(dialect: str) -> str | None:
    """Return the key that a sandbox asks for."""
    return KEY if dialect == "imgen" else None


@pytest.mark.parametrize("build", BUILDS, ids="-".join)
def test_every_build_keeps_its_contract_in_full(builds: dict[Build, Sandbox], tmp_path: Path, build: Build) -> None:
    """Everything passes or was not there to be looked at, and the build is named; nothing of anybody's is deleted."""
    sandbox = builds[build]
    dialect, profile = build
    found = verified(tmp_path, sandbox.address(), "--dialect", dialect, "--full", key=key_of(dialect))
    unseen = {each.check: each.observed for each in found.report.results if each.verdict != "pass"}
    assert (
        unseen
        == {
            "ima2": {"file": "the history is empty"},
            "sdcpp": {"keys": "this server asks nobody for a key"},
            "imgen": {},
        }[dialect]
    ), found.output
    assert (found.report.profile, found.code) == (profile, 0)
    assert f"profile {profile}" in found.output
    assert all(re.match(r"/api/(queue|inflight)/", path) for path in sandbox.calls("DELETE"))
    assert found.junit.get("tests") == str(len(found.report.results))
    assert (found.junit.get("failures"), found.junit.get("errors")) == ("0", "0")


@pytest.mark.parametrize("build", BUILDS, ids="-".join)
def test_looking_changes_nothing(builds: dict[Build, Sandbox], tmp_path: Path, build: Build) -> None:
    """Without options no work is begun, whatever the server would make of it, and one small picture with --generate."""
    sandbox = builds[build]
    before = len(sandbox.made())
    assert verified(tmp_path, sandbox.address(), key=key_of(build[0])).code == 0
    assert len(sandbox.made()) == before
    found = verified(tmp_path, sandbox.address(), "--dialect", build[0], "--generate", key=key_of(build[0]))
    assert found.result("picture").verdict == "pass", found.output
    assert len(sandbox.made()) == before + 1


class Drift(NamedTuple):
    """What a later release changed, and what is found of it."""

    build: Build
    path: str
    change: Callable[[Passing], None]
    found: set[str]
    says: str
    profile: str | None = None


def _unlike_a_page(passing: Passing) -> None:
    passing.say({"error": "not found"})


def _cut(passing: Passing) -> None:
    passing.is_cut = True


def _status(code: int) -> Callable[[Passing], None]:
    def change(passing: Passing) -> None:
        passing.status = code

    return change


def _renamed(name: str, to: str) -> Callable[[Passing], None]:
    def change(passing: Passing) -> None:
        if f'"{name}"'.encode() in passing.body:
            passing.body = passing.body.replace(f'"{name}"'.encode(), f'"{to}"'.encode())

    return change


HEAD, STUDIO, IMGEN = ("ima2", "head"), ("sdcpp", "head"), ("imgen", "v2")
DRIFTS = {
    "a field is missing": Drift(
        HEAD, "/api/health", lambda passing: passing.change(startedAt=...), {"health"}, "missing: `startedAt`"
    ),
    "a key has another name": Drift(
        HEAD, "/api/inflight", _renamed("jobs", "tasks"), {"inflight"}, "missing: `jobs` (there are 1 that nobody"
    ),
    "a value is of another kind": Drift(
        HEAD, "/api/health", lambda passing: passing.change(uptimeSec="long"), {"health"}, "`uptimeSec` is text"
    ),
    "a word that is none": Drift(
        HEAD, "/api/oauth/status", lambda passing: passing.change(status="warm"), {"oauth-status"}, "`status` is none"
    ),
    "another status": Drift(STUDIO, "/api/queue/0", _status(410), {"unknown-job"}, "status 410, promised 404"),
    "JSON in a page's place": Drift(HEAD, "/api/nope", _unlike_a_page, {"unknown-route"}, "JSON, promised page"),
    "an answer of another build": Drift(
        HEAD,
        "/api/providers",
        lambda passing: passing.change(apiKeyDisabled=True, apiKeySource=...),
        {"profile"},
        "answers as profile tag, assumed head",
        "head",
    ),
    "one answer of another release": Drift(
        STUDIO,
        "/api/config",
        lambda passing: passing.say({"sdApiEndpoint": "x", "model": "y"}),
        {"config"},
        "answers as profile seed, not head",
    ),
    "a list of another release": Drift(
        STUDIO,
        "/api/generations?",
        lambda passing: passing.say([]),
        {"profile"},
        "answers as profile seed, assumed head",
        "head",
    ),
    "no build that is known": Drift(
        STUDIO,
        "/api/generations?",
        lambda passing: passing.say({"items": []}),
        {"profile", "generations"},
        "answers as no known profile",
    ),
    "another text": Drift(
        IMGEN, "", _renamed("Bad ID", "Malformed ID"), {"bad-id"}, "`error` is none of the promised values"
    ),
    "no JSON": Drift(
        STUDIO, "/sdapi/v1/samplers", lambda passing: setattr(passing, "body", b"{"), {"samplers"}, "no JSON"
    ),
}


@pytest.mark.parametrize("name", DRIFTS)
def test_a_drift_is_found_and_named(builds: dict[Build, Sandbox], tmp_path: Path, name: str) -> None:
    """Whatever a release changes on the wire is found by the check whose promise it was: exit 1, and no other check."""
    drift = DRIFTS[name]
    sandbox = builds[drift.build]

    def change(passing: Passing) -> None:
        if passing.path.startswith(drift.path):
            drift.change(passing)

    options = ("--profile", drift.profile) if drift.profile is not None else ()
    with drifting(sandbox.url, change) as server:
        found = verified(
            tmp_path, sandbox.address(server), "--dialect", sandbox.dialect, *options, key=key_of(sandbox.dialect)
        )
    assert found.drift == drift.found, found.output
    assert any(drift.says in fault for each in found.report.drift for fault in each.faults), found.report.drift
    assert found.code == 1
    assert {
        each.get("name") for each in found.junit.iter("testcase") if each.find("failure") is not None
    } == drift.found


def test_a_forced_outcome_is_drift(builds: dict[Build, Sandbox], tmp_path: Path) -> None:
    """A run whose delivery is not what was asked for keeps no promise, whatever its statuses say."""
    sandbox = builds["imgen", "v2"]
    sandbox.force({"outcome": "wrong_size"})
    found = verified(tmp_path, sandbox.address(), "--dialect", "imgen", "--generate", key=KEY)
    sandbox.force()
    assert (found.drift, found.code) == ({"picture"}, 1)
    assert "asked for 1024x1024" in found.result("picture").observed


def test_a_line_that_breaks_is_no_answer(builds: dict[Build, Sandbox], tmp_path: Path) -> None:
    """A route that cuts the line is told apart from one that answers otherwise, and fails all the same."""

    def change(passing: Passing) -> None:
        passing.is_cut = passing.path == "/api/storage/status"

    with drifting(builds[HEAD].url, change) as server:
        found = verified(tmp_path, server, "--dialect", "ima2")
    assert found.result("storage").verdict == "no_answer"
    assert (found.drift, found.code, found.junit.get("errors")) == (set(), 1, "1")


def test_nothing_that_a_server_says_is_reported(builds: dict[Build, Sandbox], tmp_path: Path) -> None:
    """Bodies, headers, keys of objects and media types stay out of table, JSON and JUnit; so does the key."""

    def change(passing: Passing) -> None:
        passing.headers |= {"x-powered-by": CANARY, "content-type": f"text/{CANARY}"}
        if passing.path.startswith("/api/queue"):
            passing.headers["content-type"] = "application/json"
            passing.body = f'{{"{CANARY}": "{CANARY}", "error": "{CANARY}"}}'.encode()

    for dialect in ("ima2", "sdcpp", "imgen"):
        sandbox = builds[dialect, "v2" if dialect == "imgen" else "head"]
        with drifting(sandbox.url, change) as server:
            found = verified(tmp_path, sandbox.address(server), "--dialect", dialect, "--full", key=f"{CANARY}-key")
        assert found.code == 1
        assert len(found.drift) > 3
        assert CANARY not in found.written


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("http://user:secret@127.0.0.1:1",), "no credentials in addresses"),
        (("ftp://127.0.0.1",), "no address of a server"),
        (("nobody",), "no backend 'nobody'"),
        (("http://127.0.0.1:1", "--dialect", "telnet"), "no dialect 'telnet'"),
        (("http://127.0.0.1:1", "--key-env", "NO_SUCH_VARIABLE"), "there is no key"),
        (("http://127.0.0.1:1", "--dialect", "ima2", "--profile", "v9"), "no profile 'v9'"),
        ((f"http://127.0.0.1:{free_port()}",), "nobody there"),
        ((f"http://127.0.0.1:{free_port()}", "--dialect", "ima2"), "Nobody answers"),
    ],
)
def test_wrong_usage_and_nobody_there_are_2(arguments: tuple[str, ...], says: str) -> None:
    """CI can tell a contract that was broken from one that was not looked at."""
    done = CliRunner().invoke(verify, list(arguments))
    assert done.exit_code == 2
    assert says in done.stderr
    assert "secret" not in done.output


def test_a_backend_of_the_settings_is_known_by_its_name(
    builds: dict[Build, Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Address, dialect and key come from the settings; a dialect that contradicts them is refused."""
    monkeypatch.setenv("IMGEN_KEY", KEY)
    sandbox = builds["imgen", "v2"]
    config = tmp_path / "triptych.toml"
    config.write_text(
        f'[backends.hosted]\ndialect = "imgen"\nbase_url = "{sandbox.address()}"\napi_key.env = "IMGEN_KEY"\n'
    )
    found = verified(tmp_path, "hosted", "--config", str(config))
    assert (found.report.dialect, found.code) == ("imgen", 0)
    assert "hosted" in found.output
    done = CliRunner().invoke(verify, ["hosted", "--config", str(config), "--dialect", "ima2"])
    assert (done.exit_code, "speaks imgen, not ima2" in done.stderr) == (2, True)
