"""The pytest plugin `triptych`: a gateway with sandboxes for tests (docs/ci-contract-tests.md).

It is loaded into every test run of an environment that has Triptych installed. So it imports nothing but pytest:
what a fixture needs is imported when the fixture is used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gateway.testing.calls import Calls
    from gateway.testing.faults import Faults
    from gateway.testing.live import LiveGateway, Sandbox

_GATEWAY = pytest.StashKey["LiveGateway"]()
_FAULTS = pytest.StashKey["Faults"]()
_LOG_BEGAN = pytest.StashKey[int]()
#: So much of the gateway's log is shown with a test that failed, in bytes.
MAX_LOG = 20_000
DEFAULT_SPEED = 60.0


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two options, each with its line for the ini file."""
    group = parser.getgroup("triptych", "triptych: a gateway with sandboxes for tests")
    group.addoption(
        "--triptych-config",
        metavar="FILE",
        help="settings of the gateway that triptych_gateway starts (TOML, as for `triptych serve --config`); "
        "its backends are always the sandboxes studio, ima2 and imgen. Ini: triptych_config",
    )
    group.addoption(
        "--triptych-speed",
        metavar="N",
        type=float,
        help=f"how many times as fast as life the sandboxes run (default {DEFAULT_SPEED:g}: a picture of four "
        "seconds takes a fifteenth of one). Ini: triptych_speed",
    )
    parser.addini("triptych_config", "settings of the gateway that triptych_gateway starts", type="paths", default=[])
    parser.addini("triptych_speed", f"how many times as fast as life the sandboxes run (default {DEFAULT_SPEED:g})")


def started(config: pytest.Config, folders: pytest.TempPathFactory) -> LiveGateway:
    """Return a gateway as the options wish it; raise `pytest.UsageError` for one that is wrong."""
    speed, settings = _speed(config), _config_file(config)
    from gateway.testing.live import LiveGateway  # noqa: PLC0415

    return LiveGateway(folders.mktemp("triptych"), speed=speed, config=settings)


@pytest.fixture(scope="session")
def triptych_gateway(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[LiveGateway]:
    """A gateway on a free port with one sandbox of every dialect behind it, started once (a run of xdist: per worker).

    It has `url`, `key`, `admin_key`, `openai_url`, `ima2_url`, `sdcpp_url`, `imgen_url`, `client()` and `new_team()`.
    """
    running = started(pytestconfig, tmp_path_factory)
    pytestconfig.stash[_GATEWAY] = running
    yield running
    del pytestconfig.stash[_GATEWAY]
    running.stop()


@pytest.fixture
def triptych_fault(triptych_gateway: LiveGateway, request: pytest.FixtureRequest) -> Iterator[Faults]:
    """Bring rows of the catalogue about: `triptych_fault("rate_limited", times=2)`.

    The works of this test end with that code, all of them or so many. It is undone when the test is over, and the test
    fails if no work met it (unless `optional=True`).
    """
    from gateway.testing.faults import Faults  # noqa: PLC0415

    faults = request.node.stash[_FAULTS] = Faults(triptych_gateway)
    yield faults
    faults.undo()


@pytest.fixture
def triptych_calls(triptych_gateway: LiveGateway) -> Calls:
    """What reached each backend during this test, canonical and native: `.all()`, `.to("studio")`, `.one()`."""
    from gateway.testing.calls import Calls  # noqa: PLC0415

    return Calls(triptych_gateway)


@pytest.fixture
def triptych_sandbox(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Callable[..., Sandbox]]:
    """Start the emulator of one dialect alone on a free port: `triptych_sandbox("imgen", profile="v2-lenient")`.

    It has `url`, `base_url`, `key`, `fault()` and `calls()`, and ends with the test.
    """
    from gateway.testing.live import Sandboxes  # noqa: PLC0415

    started: list[Sandboxes] = []

    def start(dialect: str, *, profile: str | None = None, speed: float | None = None) -> Sandbox:
        folder = tmp_path_factory.mktemp(f"triptych-{dialect}")
        started.append(Sandboxes(folder, {dialect: profile}, speed=speed or _speed(pytestconfig)))
        started[-1].wait()
        return next(iter(started[-1].all.values()))

    yield start
    for each in started:
        each.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note where the gateway's log stands when a test begins."""
    running = item.config.stash.get(_GATEWAY, None)
    item.stash[_LOG_BEGAN] = running.log.stat().st_size if running is not None else 0
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test that armed a fault which nothing met: it did not test what it says."""
    result = yield
    faults = item.stash.get(_FAULTS, None)
    unmet = faults.never_met() if faults is not None else []
    if unmet:
        told = ", ".join(map(repr, unmet))
        pytest.fail(f"never met: {told}. No work came that way; if none need come, say optional=True.", pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Show what the gateway logged during a test that failed; its log holds no prompt, picture or key."""
    report = yield
    running = item.config.stash.get(_GATEWAY, None)
    if report.failed and running is not None and "triptych_gateway" in getattr(item, "fixturenames", ()):
        logged = _logged(running.log, item.stash.get(_LOG_BEGAN, 0))
        report.sections.append(("Triptych gateway log", logged or "(nothing was logged during this test)"))
    return report


def _logged(log: Path, began: int) -> str:
    """Return what was logged since a test began, only the newest of it where it is much."""
    with log.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(max(began, end - MAX_LOG))
        return file.read().decode(errors="replace")


def _speed(config: pytest.Config) -> float:
    said = config.getoption("--triptych-speed") or config.getini("triptych_speed") or DEFAULT_SPEED
    try:
        speed = float(said)
    except ValueError:
        speed = 0.0
    if speed <= 0:
        raise pytest.UsageError(f"triptych_speed is a number above 0, not {said!r}")
    return speed


def _config_file(config: pytest.Config) -> Path | None:
    said = config.getoption("--triptych-config")
    named = [config.invocation_params.dir / said] if said else config.getini("triptych_config")
    if not named:
        return None
    found = Path(named[0])
    if not found.is_file():
        raise pytest.UsageError(f"the settings for triptych_gateway are not there: {found}")
    return found
