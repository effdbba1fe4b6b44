"""The examples of docs/ci-contract-tests.md, run as they stand there."""

import re
from pathlib import Path

import pytest

from gateway.testing.rows import ROWS

pytest_plugins = "pytester"
PAGE = Path(__file__).parents[2] / "docs/ci-contract-tests.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\S+\.\w+)\n")


def examples() -> dict[str, str]:
    """Return the page's files by their names, which stand in their first lines."""
    found = {}
    for language, text in BLOCK.findall(PAGE.read_text()):
        named = FILE.match(text)
        assert (named is None) is (language == "shell"), f"a block of {language} without a file's name: {text[:80]}"
        if named is not None:
            assert named[1] not in found, f"two blocks are {named[1]}"
            found[named[1]] = text
    return found


@pytest.mark.timeout(300)  # it is a whole test run, on a machine that may have others to do
def test_every_example_of_the_page_passes(pytester: pytest.Pytester) -> None:
    """All blocks, each a file as the page says, are one green test run with the page's own settings."""
    files = examples()
    for name, text in files.items():
        (pytester.path / name).write_text(text)
    tests = sum(text.count("\ndef test_") for text in files.values())
    assert tests >= 12
    # The parametrised one counts for every row.
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=tests - 1 + len(ROWS))
