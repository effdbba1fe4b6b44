"""Every adapter in front of every build of its sandbox, for one suite."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.dialects import dialects
from tests.conformance.driving import Subject, begin

CASES = [
    pytest.param((name, profile), id=f"{name}-{profile}")
    for name, dialect in sorted(dialects().items())
    for profile in dialect.sandbox_profiles
]


@pytest.fixture(params=CASES)
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """One adapter that has just discovered its backend."""
    dialect, profile = request.param
    runner, started = await begin(dialect, profile, tmp_path)
    yield started
    await started.adapter.close()
    await runner.cleanup()
