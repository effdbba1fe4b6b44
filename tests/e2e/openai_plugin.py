"""The gateway that OpenAI's clients are pointed at: one for all tests of a worker that name this as a plugin."""

from collections.abc import Iterator

import pytest

from tests.e2e.openai_world import SPEED, OpenAIWorld
from tests.harness import SandboxProcess


@pytest.fixture(scope="session")
def openai_world(
    sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OpenAIWorld]:
    """The gateway, with a server of films among its backends."""
    grok = SandboxProcess("ima2", tmp_path_factory.mktemp("grok"), speed=SPEED, profile="new")
    try:
        world = OpenAIWorld(tmp_path_factory.mktemp("openai"), sandboxes, grok)
        yield world
        world.stop()
    finally:
        grok.stop(5)
