"""The sandboxes that survive the gateway's deaths."""

from collections.abc import Iterator

import pytest

from tests.harness import SandboxProcess

#: Fast enough for tests, slow enough that a job takes a few hundred milliseconds.
SPEED = 12


@pytest.fixture(scope="session")
def ima2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A blocking ima2 (HEAD)."""
    running = SandboxProcess("ima2", tmp_path_factory.mktemp("ima2"), speed=SPEED)
    yield running
    running.stop(5)


@pytest.fixture(scope="session")
def ima2_new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """An ima2 of the newest build, asked asynchronously."""
    running = SandboxProcess("ima2", tmp_path_factory.mktemp("ima2-new"), speed=SPEED, profile="new")
    yield running
    running.stop(5)


@pytest.fixture(scope="session")
def sdcpp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """A Studio."""
    running = SandboxProcess("sdcpp", tmp_path_factory.mktemp("sdcpp"), speed=SPEED)
    yield running
    running.stop(5)


@pytest.fixture(scope="session")
def imgen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """An imgen."""
    running = SandboxProcess("imgen", tmp_path_factory.mktemp("imgen"), speed=SPEED)
    yield running
    running.stop(5)
