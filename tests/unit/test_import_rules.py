"""Each import rule of pyproject.toml is alive: a change that breaks it is caught by it, and by its name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Rule, file, and the line that breaks it.
MUTATIONS = {
    "walls": ("adapters/imgen/translate.py", "import gateway.clock"),
    "vocabulary": ("contracts/media.py", "import asyncio"),
    "dialects": ("adapters/ima2/wire.py", "import adapters.sdcpp.wire"),
    "kit": ("adapters/kit/shelf.py", "import adapters.imgen.wire"),
    "pure": ("adapters/sdcpp/translate.py", "import time"),
    "adapters": ("adapters/sdcpp/adapter.py", "import asyncio"),
    "rooms": ("gateway/store/view.py", "import gateway.engine.policy"),
    "faces": ("gateway/v1/answer.py", "import gateway.settings"),
    "tables": ("gateway/engine/policy.py", "import sqlalchemy"),
    "acyclic": ("gateway/engine/policy.py", "import gateway.engine.carrier"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the code that may be broken."""
    copy = tmp_path_factory.mktemp("tree")
    for package in ("contracts", "adapters", "gateway"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__", "recordings"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    return copy


def lint(tree: Path) -> str:
    """Return what the linter says about a tree."""
    found = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--cache-dir", str(tree / ".cache")],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": str(tree), "COLUMNS": "200"},
        capture_output=True,
        text=True,
    )
    return found.stdout + found.stderr


def names() -> dict[str, str]:
    """Return the rules' names by their ids."""
    import tomllib  # noqa: PLC0415

    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {rule["id"]: rule["name"] for rule in rules}


def test_every_rule_has_a_mutation() -> None:
    """A rule that nothing can break is none."""
    assert set(names()) == set(MUTATIONS)


def test_the_code_as_it_is_breaks_none(tree: Path) -> None:
    """Nor is one broken by accident: the mutations below break what was whole."""
    assert f"Contracts: {len(names())} kept, 0 broken." in lint(tree)


@pytest.mark.parametrize("rule", MUTATIONS)
def test_a_rule_catches_what_breaks_it(tree: Path, rule: str) -> None:
    """One line put into one file; the rule that is meant says so."""
    file, line = MUTATIONS[rule]
    path = tree / file
    before = path.read_text()
    path.write_text(before + f"\n{line}\n")
    try:
        said = lint(tree)
    finally:
        path.write_text(before)
    assert f"{names()[rule]} BROKEN" in said, said
