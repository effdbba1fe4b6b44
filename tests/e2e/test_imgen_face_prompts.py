"""Prompts that somebody else writes: `optimize`, `random`, and the `optimize` of `generate`."""

import pytest

from tests.e2e.imgen_client import Clients
from tests.e2e.keyed import KeyedGateway
from tests.harness import SandboxProcess


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Clients:
    """Clients of the face, each of a team."""
    return Clients(keyed)


def test_an_enhanced_prompt_keeps_its_name_and_its_terms(client: Clients) -> None:
    """More words, the same orders, in the places where the seed's example shows them."""
    told = client("writers", "--backend", "imgen").ask(
        action="optimize", prompt="@aya a rope bridge, -fog, -rain", model="eros"
    )
    assert told.keys() == {"prompt"}
    assert told["prompt"].startswith("@aya a rope bridge, ")
    assert told["prompt"].endswith(", -fog, -rain")
    assert len(told["prompt"]) > len("@aya a rope bridge, -fog, -rain")


def test_a_prompt_that_nothing_can_be_added_to_comes_back_as_it_was(client: Clients) -> None:
    """To the last space: a no-op is part of the promise (seed)."""
    http = client("writers", "--backend", "imgen")
    for prompt in ("[[noop]]  a  barn , -hay", "@aya, -fog"):
        assert http.ask(action="optimize", prompt=prompt) == {"prompt": prompt}


def test_enhancing_fails_in_the_seeds_words(client: Clients) -> None:
    """Where the language model fails, and where no backend of the key has one; and what is no prompt at all."""
    imgen, studio = client("writers", "--backend", "imgen"), client("writers", "--backend", "studio")
    assert imgen.refused(action="optimize", prompt="[[enhancement_failed]] x") == (502, "Enhancement failed")
    assert studio.refused(action="optimize", prompt="a barn") == (502, "Enhancement failed")
    assert imgen.refused(action="optimize", prompt="") == (400, "Prompt is required")
    assert imgen.refused(action="optimize", prompt="@nobody x") == (400, "Invalid character")
    assert imgen.refused(action="optimize", prompt="x", model="nobody") == (400, "Invalid model")


def test_a_run_can_be_enhanced_first(client: Clients, sandboxes: dict[str, SandboxProcess]) -> None:
    """Its prompt is the enhanced one from the beginning; where that fails nothing is begun."""
    http = client("writers", "--backend", "imgen")
    run = http.begun("@aya a rope bridge, -fog", optimize=True)
    assert run["prompt"].startswith("@aya a rope bridge, ")
    assert run["prompt"].endswith(", -fog")
    assert run["prompt"] != "@aya a rope bridge, -fog"
    meta = http.polled(run)["meta"]
    assert (meta["optimized"], meta["prompt"]) == (True, run["prompt"])
    words = run["prompt"].removeprefix("@aya ").removesuffix(", -fog")
    assert words in meta["positive"]
    before = {dialect: len(each.submits()) for dialect, each in sandboxes.items()}
    failed = {"prompt": "[[enhancement_failed]] x", "optimize": True}
    assert http.refused(**failed) == (502, "Enhancement failed")
    studio = client("writers", "--backend", "studio")
    assert studio.refused(prompt="x", optimize=True) == (502, "Enhancement failed")
    assert {dialect: len(each.submits()) for dialect, each in sandboxes.items()} == before


def test_a_backend_that_rewrites_prompts_itself_is_told_to(client: Clients) -> None:
    """ima2 has no step of its own for it: it does so while it draws, and what it drew is shown."""
    http = client("writers", "--backend", "ima2")
    meta = http.made("a rope bridge", optimize=True)
    assert meta["optimized"] is True
    assert http.made("a rope bridge")["optimized"] is False


def test_a_random_prompt_has_the_character_that_is_asked_for(client: Clients) -> None:
    """One, none, or one of somebody's choice; an unknown one is as good as none named (seed)."""
    http = client("writers", "--backend", "imgen")
    assert http.ask(action="random", character="bella")["prompt"].startswith("@bella ")
    assert "@" not in http.ask(action="random", character="")["prompt"]
    for body in ({}, {"character": "nobody"}, {"character": 7}):
        assert http.ask(action="random", **body)["prompt"].startswith("@")


def test_without_a_writer_a_random_prompt_is_drawn_from_a_list_and_says_so(client: Clients) -> None:
    """No character where none is configured; and the same prompt is not drawn every time."""
    http = client("writers", "--backend", "studio")
    drawn = [http.ask(action="random") for _ in range(8)]
    assert {each["source"] for each in drawn} == {"word list of the gateway"}
    assert len({each["prompt"] for each in drawn}) > 1
    assert not any(each["prompt"].startswith("@") for each in drawn)
