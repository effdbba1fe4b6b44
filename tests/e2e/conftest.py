"""One gateway with one sandbox of each dialect behind it, for all end-to-end tests of a worker."""

import signal
from collections.abc import Iterator

import pytest

from tests.e2e.keyed import KeyedGateway
from tests.harness import GatewayProcess, SandboxProcess, backend, three_sandboxes

#: A picture of four seconds takes a fifteenth of one; what must last says so with [[slow:N]].
SPEED = 60


@pytest.fixture(scope="session", autouse=True)
def children_hear_ctrl_c() -> None:
    """Where tests run in the background of a script SIGINT comes in ignored, and children would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, SandboxProcess]]:
    """The three sandboxes, sixty times as fast as life."""
    with three_sandboxes(tmp_path_factory.mktemp("sandboxes"), speed=SPEED) as running:
        yield running


@pytest.fixture(scope="session")
def backends(sandboxes: dict[str, SandboxProcess]) -> dict[str, dict[str, object]]:
    """The sandboxes as backends: Studio is chosen first, then ima2, then imgen."""
    return {
        "studio": backend(sandboxes["sdcpp"], priority=10, max_concurrency=16),
        "ima2": backend(sandboxes["ima2"], priority=5, max_concurrency=16),
        "imgen": backend(sandboxes["imgen"], max_concurrency=16),
    }


@pytest.fixture(scope="session")
def gateway(
    backends: dict[str, dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway in open mode."""
    running = GatewayProcess(tmp_path_factory.mktemp("gateway"), backends)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def keyed(backends: dict[str, dict[str, object]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedGateway]:
    """A gateway that lets nobody in without a key."""
    running = KeyedGateway(tmp_path_factory.mktemp("keyed"), backends)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def nothing_forced(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test begins and ends with sandboxes that do as real servers do."""
    yield
    if "sandboxes" in request.fixturenames:
        for sandbox in request.getfixturevalue("sandboxes").values():
            sandbox.force()
