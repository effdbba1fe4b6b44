"""The two minimal clients of imgen's document run unchanged but for address and key, on each of the three backends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.drawn import media_of
from tests.e2e.imgen_client import PATH, fetched
from tests.e2e.imgen_programs import Program
from tests.e2e.keyed import KeyedGateway, make_key
from tests.harness import SandboxProcess, backend

LANGUAGES = ("python", "javascript")
BACKENDS = ("imgen", "ima2", "studio")


@pytest.fixture(scope="module")
def lenient(sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedGateway]:
    """A gateway with keys that falls back as the seed does."""
    backends = {
        "studio": backend(sandboxes["sdcpp"]),
        "ima2": backend(sandboxes["ima2"]),
        "imgen": backend(sandboxes["imgen"]),
    }
    settings = {"faces": {"imgen": {"silent_fallbacks": True}}}
    running = KeyedGateway(tmp_path_factory.mktemp("lenient"), backends, settings=settings)
    yield running
    running.stop()


def key_of(gateway: KeyedGateway, team: str, name: str) -> str:
    """Return a key that may use one backend."""
    return make_key(gateway.data_dir, team, "--backend", name)[1]


def test_both_clients_make_a_picture_on_every_backend(
    lenient: KeyedGateway, keyed: KeyedGateway, tmp_path: Path
) -> None:
    """To the letter: on imgen as it is; elsewhere a character and a style that nobody has fall back (seed)."""
    running = {}
    for name in BACKENDS:
        gateway = keyed if name == "imgen" else lenient
        for language in LANGUAGES:
            key = key_of(gateway, f"{language}-{name}", name)
            address = f"{gateway.url}{PATH}"
            running[language, name] = Program(language, tmp_path / f"{language}-{name}", address, key)
    for which, program in running.items():
        code, out, complaint = program.ended()
        assert code == 0, (which, complaint)
        url, _, how = out.partition(" ")
        assert how == "(generated)", which
        media = media_of(fetched(url))
        assert (media.format, media.width, media.height) == ("jpeg", 1344, 768), which


def test_both_clients_need_no_fallback_where_they_ask_for_nothing_special(keyed: KeyedGateway, tmp_path: Path) -> None:
    """Their `eros` is nobody's choice, their note is for a reviewer: a plain prompt is served by Studio as it is.

    A character that the key's backends have not is an error, and a picture that is withheld is one too.
    """
    plain, named, blocked = {}, {}, {}
    address = f"{keyed.url}{PATH}"
    for language in LANGUAGES:
        studio, imgen = (key_of(keyed, f"strict-{language}-{name}", name) for name in ("studio", "imgen"))
        plain[language] = Program(language, tmp_path / f"{language}-1", address, studio, prompt="a lamp, -moths")
        named[language] = Program(language, tmp_path / f"{language}-2", address, studio)
        prompt = "[[unsafe:violence]] a duel"
        blocked[language] = Program(language, tmp_path / f"{language}-3", address, imgen, prompt=prompt)
    for language in LANGUAGES:
        code, out, complaint = plain[language].ended()
        assert code == 0, complaint
        assert media_of(fetched(out.partition(" ")[0])).format == "jpeg"
        code, _, complaint = named[language].ended()
        assert code == 1
        assert "Invalid style" in complaint or "Invalid character" in complaint
        code, _, complaint = blocked[language].ended()
        assert code == 1
        assert "Content blocked — flagged for: Violence" in complaint
