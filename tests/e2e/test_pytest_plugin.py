"""The pytest plugin as another project has it: test runs of their own, in processes of their own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.testing import plugin
from tests.e2e.asked import wait_for

pytest_plugins = "pytester"
#: What a project of another team has: warnings are errors there, too.
INI = """
[pytest]
filterwarnings = error
asyncio_default_fixture_loop_scope = function
triptych_speed = 100
addopts = -p no:schemathesis
"""
MAKE = """
import os
from pathlib import Path
import pytest

def work(gateway, prompt="an unspeakable fox"):
    body = {"operation": "image.generate", "prompt": prompt}
    return gateway.client().post("/v1/jobs", json=body, headers={"Prefer": "wait=30"})
"""
#: A row of the process table; zombies are over.
DEAD = "ZX"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """Return an empty project of another team."""
    pytester.makefile(".ini", pytest=INI)
    return pytester


def is_running(pid: int) -> bool:
    """Say whether a process lives."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in DEAD


def pids_told(project: pytest.Pytester) -> list[int]:
    """Return the processes that tests wrote down."""
    return [int(pid) for file in project.path.glob("*.pids") for pid in file.read_text().split()]


TELL = """
def tell(gateway, name):
    pids = f"{gateway.child.pid} {gateway._sandboxes.child.pid}"
    Path(f"{name}.pids").write_text(pids)
"""


def test_a_run_has_one_gateway_undone_faults_and_a_report(project: pytest.Pytester) -> None:
    """Two files share a gateway; a fault ends with its test; an unmet one fails it; a failure shows a clean log."""
    project.makepyfile(
        test_one=MAKE
        + TELL
        + """
def test_it_is_refused_by_a_backend(triptych_gateway, triptych_fault):
    tell(triptych_gateway, "first")
    triptych_fault("policy.refused")
    assert work(triptych_gateway).json()["error"]["code"] == "policy.refused"

def test_that_is_undone(triptych_gateway):
    assert work(triptych_gateway).json()["state"] == "succeeded"

def test_an_unmet_fault_fails(triptych_fault):
    triptych_fault("backend.failed", backend="ima2")

def test_an_unmet_fault_may_be_meant(triptych_fault):
    triptych_fault("backend.failed", backend="ima2", optional=True)

def test_a_failure_is_told_before_what_was_not_met(triptych_fault):
    triptych_fault("backend.timeout")
    assert "the first thing that is wrong" == ""
""",
        test_two=MAKE
        + TELL
        + """
def test_the_gateway_is_the_same(triptych_gateway):
    tell(triptych_gateway, "second")
    assert Path("first.pids").read_text() == Path("second.pids").read_text()

def test_it_fails(triptych_gateway, triptych_fault):
    triptych_fault("gateway.overloaded")
    assert work(triptych_gateway).status_code == 200
""",
    )
    result = project.runpytest_subprocess()
    result.assert_outcomes(passed=4, failed=3)
    result.stdout.fnmatch_lines_random([
        "never met: <fault backend.failed at ima2>. No work came that way*",
        "*the first thing that is wrong*",
        "*- Triptych gateway log -*",
        '*"code":"gateway.overloaded"*"event":"http.answered"*',
    ])  # fmt: skip
    log = result.stdout.str().partition("test_it_fails")[2].partition("Triptych gateway log")[2]
    # Only what was logged during that test, and nothing that anybody wrote.
    assert log.count("http.answered") == 1
    assert "unspeakable" not in log
    assert "<fault backend.timeout" not in result.stdout.str()
    assert [pid for pid in pids_told(project) if is_running(pid)] == []


def test_each_worker_of_xdist_has_a_gateway_of_its_own(project: pytest.Pytester) -> None:
    """Two workers at once do not share one, and leave none behind."""
    project.makepyfile(
        MAKE
        + TELL
        + """
@pytest.mark.parametrize("number", range(2))
def test_it_works(number, triptych_gateway, triptych_fault, worker_id):
    tell(triptych_gateway, worker_id)
    triptych_fault("rate_limited", times=1)
    assert [work(triptych_gateway).status_code for _ in range(2)] == [429, 200]
"""
    )
    project.runpytest_subprocess("-n", "2", "--dist=each").assert_outcomes(passed=4)
    pids = pids_told(project)
    assert len(set(pids)) == 4
    assert [pid for pid in pids if is_running(pid)] == []


def test_a_run_that_is_killed_leaves_nothing_behind(project: pytest.Pytester) -> None:
    """Neither the gateway nor the sandboxes outlive a test run that had no time to end them."""
    project.makepyfile(
        MAKE
        + TELL
        + """
def test_it_is_killed(triptych_gateway):
    tell(triptych_gateway, "killed")
    os.kill(os.getpid(), 9)
"""
    )
    done = subprocess.run([sys.executable, "-m", "pytest"], cwd=project.path, capture_output=True, timeout=110)
    assert done.returncode == -signal.SIGKILL
    pids = pids_told(project)
    assert len(pids) == 2
    wait_for(lambda: not any(is_running(pid) for pid in pids), "the end of the children")


def test_settings_are_used_and_a_gateway_that_dies_says_so(project: pytest.Pytester) -> None:
    """A file is used, but for its backends; whoever asks a dead gateway is told the end of its log."""
    project.makefile(
        ".toml",
        narrow="""
[server]
max_json_bytes = 1000
[backends.real]
dialect = "ima2"
base_url = "https://ima2.example"
""",
    )
    project.makepyfile(
        MAKE
        + """
from gateway.testing.process import ChildError

def test_it_is_narrow(triptych_gateway):
    assert work(triptych_gateway, "x" * 2000).json()["code"] == "request.too_large"
    names = [each["name"] for each in triptych_gateway.client().get("/v1/backends").json()["backends"]]
    assert sorted(names) == ["ima2", "imgen", "studio"]

def test_it_dies(triptych_gateway):
    os.kill(triptych_gateway.child.pid, 9)
    with pytest.raises(ChildError, match="no answer to 'key'(?s:.*)gateway.started"):
        triptych_gateway.new_team()
"""
    )
    project.runpytest_subprocess("--triptych-config=narrow.toml").assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--triptych-speed=-1", "triptych_speed is a number above 0, not -1.0"),
        ("--override-ini=triptych_speed=fast", "triptych_speed is a number above 0, not 'fast'"),
        ("--triptych-config=gone.toml", r"settings for triptych_gateway are not there: .*gone\.toml"),
        ("--override-ini=triptych_config=gone.toml", r"settings for triptych_gateway are not there: .*gone\.toml"),
    ],
)
def test_an_option_that_is_wrong_is_named(
    option: str, said: str, project: pytest.Pytester, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing is started then."""
    config = project.parseconfig(option)
    with pytest.raises(pytest.UsageError, match=said):
        plugin.started(config, tmp_path_factory)


def test_the_plugin_costs_other_test_runs_nothing() -> None:
    """It is found by its entry point, and brings in nothing beside pytest but itself."""
    code = (
        "import sys, pytest; from importlib.metadata import entry_points; before = set(sys.modules);"
        "entry_points(group='pytest11', name='triptych')['triptych'].load();"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.split() == ["gateway", "gateway.testing", "gateway.testing.plugin"]
