"""Every command of the documentation works: all blocks of all pages are run as a reader would run them."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from click.testing import CliRunner

from docs.site.staging import pages as staged_pages
from gateway.cli.admin import config
from tests.e2e.docs_page import ROOT, RUN, SHOWN, Block, blocks, pages
from tests.e2e.docs_session import Reader
from tests.e2e.docs_shape import json_in, same_json, same_text


class Aside(NamedTuple):
    """A block that is only read, and why nobody can run it here."""

    page: str
    #: How the block begins, or a line of it.
    like: str
    because: str


#: All blocks that are not run. Each is read by the shell all the same (`sh -n`), and each line here must be needed.
ASIDE: tuple[Aside, ...] = (
    Aside("README.md", "make test", "it would run this very test"),
    Aside("docs/ci-contract-tests.md", "pip install", "it fetches from a registry"),
    Aside("docs/how-to/run-it-on-a-server.md", "docker compose", "it needs Docker"),
    Aside("docs/how-to/run-it-on-a-server.md", "sudo systemctl", "it changes the machine"),
)
#: What a page means by an id that it does not know.
_SOME_JOB = "job_…"
_TALKS = re.compile(r"127\.0\.0\.1|localhost|triptych (generate|jobs|backends)")
#: Where a page's settings name none, they are meant for these.
_USUAL_BACKENDS = {
    name: {"dialect": dialect, "base_url": "http://127.0.0.1:9", "fetch_hosts": ["pictures.example"]}
    for name, dialect in (("studio", "sdcpp"), ("ima2", "ima2"), ("imgen", "imgen"))
}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The gateway that most pages expect: what `make run` starts, where it is."""
    reader = Reader(tmp_path_factory.mktemp("usual") / "clone")
    try:
        done = reader.run(Block("usual", 1, "sh", "make run\n"))
        assert done.returncode == 0, done.stdout
        yield reader.url
    finally:
        reader.close()


@pytest.mark.parametrize("page", [page for page in pages() if any(block.language in RUN for block in blocks(page))])
def test_every_command_of_a_page_does_what_the_page_shows(page: str, usual: str, tmp_path: Path) -> None:
    """In order, in one folder: none fails, and what is shown below a command is what it prints."""
    found = blocks(page)
    reader = Reader(tmp_path / "clone", None if starts_its_own(found) else usual)
    try:
        for block in found:
            if aside(block) is None:
                check(block, reader)
    finally:
        reader.close()


def starts_its_own(found: list[Block]) -> bool:
    """Say whether a page starts a gateway before it talks to one."""
    for block in found:
        if block.language in RUN and block.title is None and aside(block) is None:
            if block.server:
                return True
            if _TALKS.search(block.text):
                return False
    return False


def check(block: Block, reader: Reader) -> None:
    """Run, write or read one block, as what it is."""
    if block.title is not None:
        path = reader.file(block)
        if block.language == "toml":
            settings(path)
    elif block.language in RUN:
        compare(block, reader)
    elif block.language == "toml":
        settings(reader.file(block))
    elif block.language == "json":
        request(block, reader)
    elif block.language == "yaml":
        assert list(yaml.safe_load_all(block.text)), block.where


def compare(block: Block, reader: Reader) -> None:
    """Run a block, and hold what it printed against what its page shows."""
    known = _SOME_JOB not in block.text
    if not known:
        block = replace(block, text=block.text.replace(_SOME_JOB, newest(reader)))
    done = reader.run(block, strictly=known)
    assert done.returncode == 0, f"{block.where} ended with {done.returncode}:\n{block.text}\n{done.stdout}"
    if block.output is None:
        return
    shown = reader.here(block.output.text)
    if block.output.language == "json":
        printed = json_in(done.stdout)
        differs = "no JSON was printed" if printed is None else same_json(json.loads(shown), printed)
    elif block.server is not None:
        differs = next((f"it never said {line!r}" for line in shown.splitlines() if line not in done.stdout), None)
    else:
        differs = same_text(shown, done.stdout)
    assert differs is None, f"{block.output.where}: {differs}\n{done.stdout}"


def settings(path: Path) -> None:
    """Settings on a page are settings: nothing about them is wrong, at most a secret is not there."""
    own = "[backends." in path.read_text()
    env = {} if own else {"TRIPTYCH_BACKENDS": json.dumps(_USUAL_BACKENDS)}
    done = CliRunner().invoke(config, ["check", str(path)], env=env)
    assert done.exit_code == 0, f"{path}: {done.output}"
    doubts = [line for line in done.output.splitlines() if line.startswith("warning: ") and "api_key" not in line]
    assert doubts == []


def request(block: Block, reader: Reader) -> None:
    """A request on a page is one that the gateway takes."""
    shown = json.loads(block.text)
    if isinstance(shown, dict) and "operation" in shown and "state" not in shown:
        asked = httpx.post(f"{reader.url}/v1/jobs?dry_run=true", json=shown, trust_env=False)
        assert asked.status_code == 200, f"{block.where}: {asked.text}"
        assert asked.json()["chosen"], f"{block.where}: nobody could do it"


def newest(reader: Reader) -> str:
    """Return the newest job's id."""
    jobs = httpx.get(f"{reader.url}/v1/jobs?limit=1", trust_env=False).json()["jobs"]
    return str(jobs[0]["id"])


def aside(block: Block) -> Aside | None:
    """Return why a block is not run, if it is not."""
    return next((each for each in ASIDE if each.page == block.page and each.like in block.text), None)


def test_what_is_not_run_is_few_and_can_be_read_by_a_shell() -> None:
    """Each exception is needed by a block, and each such block is a script without mistakes of grammar."""
    needed: set[Aside] = set()
    for page in pages():
        for block in blocks(page):
            why = aside(block)
            if why is not None:
                needed.add(why)
                read = subprocess.run(["/bin/sh", "-n"], input=block.text, text=True, capture_output=True, timeout=10)
                assert read.returncode == 0, f"{block.where}: {read.stderr}"
    assert needed == set(ASIDE)


def test_make_run_is_what_the_reader_ran() -> None:
    """`make run` is replaced by what it executes: that is still the program with nothing else said."""
    recipe = re.search(r"(?m)^run: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text())
    assert recipe is not None
    assert recipe[1].strip() == "@exec $(BIN)/triptych serve"


@pytest.mark.parametrize("name", sorted({*staged_pages()} - {*pages()}))
def test_settings_beside_the_code_are_settings(name: str, tmp_path: Path) -> None:
    """The READMEs of faces and rooms are read too: every block of settings in them can be used."""
    for block in blocks(name):
        if block.language == "toml":
            path = tmp_path / f"{block.line}.toml"
            path.write_text(block.text)
            settings(path)


def test_every_block_says_what_it_is() -> None:
    """A block of another kind would be neither run nor read."""
    known = {*RUN, *SHOWN, "toml", "yaml", "ini"}
    others = [block.where for page in pages() for block in blocks(page) if block.language not in known]
    # The README's tree of folders is in no language.
    assert [where for where in others if not where.startswith("README.md")] == []
