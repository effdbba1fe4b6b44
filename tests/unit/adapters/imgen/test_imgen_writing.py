"""`optimize` and `random` without a server: what is asked, and what becomes of the text that comes back."""

import msgspec
import pytest

from adapters.imgen.writing import to_request, to_written
from contracts.catalog import CatalogError
from contracts.prompts import PromptOrder, Written
from tests.unit.adapters.imgen.imgen_runs import MODELS


def optimize(prompt: str = "a sea", **fields: str) -> PromptOrder:
    """Return an order for a better prompt."""
    return PromptOrder(kind="optimize", prompt=prompt, **fields)


def random(character: str | None = None) -> PromptOrder:
    """Return an order for a prompt of the server's own."""
    return PromptOrder(kind="random", character=character)


@pytest.mark.parametrize(
    ("order", "body"),
    [
        (optimize(), {"action": "optimize", "prompt": "a sea", "model": "atlas"}),
        (optimize(model="eros"), {"action": "optimize", "prompt": "a sea", "model": "eros"}),
        (optimize(character="aya"), {"action": "optimize", "prompt": "@aya a sea", "model": "atlas"}),
        (random(), {"action": "random"}),
        (random(""), {"action": "random", "character": ""}),
        (random("aya"), {"action": "random", "character": "aya"}),
    ],
)
def test_the_question_is_the_seeds(order: PromptOrder, body: dict[str, str]) -> None:
    """The model is always named, a character stands in front of the words."""
    assert msgspec.to_builtins(to_request(order, MODELS)) == body


@pytest.mark.parametrize(
    ("order", "code", "pointer", "reason"),
    [
        (random("nobody"), "request.field_invalid", "/character", "enum"),
        (optimize(character="nobody"), "request.field_invalid", "/character", "enum"),
        (optimize("@aya at sea"), "request.option_unsupported", "/prompt", "prompt_syntax"),
        (optimize("a sea, -fog"), "request.option_unsupported", "/prompt", "prompt_syntax"),
    ],
)
def test_what_would_be_ignored_or_obeyed_is_refused(order: PromptOrder, code: str, pointer: str, reason: str) -> None:
    """An unknown character is ignored there, and an order among the words is no word."""
    with pytest.raises(CatalogError) as caught:
        to_request(order, MODELS)
    assert caught.value.code == code
    assert [(each.pointer, each.reason) for each in caught.value.errors] == [(pointer, reason)]


@pytest.mark.parametrize(
    ("order", "said", "written"),
    [
        (optimize(), "a sea", Written(prompt="a sea")),
        (optimize(), " a sea\n", Written(prompt="a sea")),
        (optimize(character="aya"), "@aya a sea", Written(prompt="a sea", character="aya")),
        (optimize(), "a wide sea, at dawn", Written(prompt="a wide sea, at dawn")),
        (
            optimize(character="aya"),
            "@aya a wide sea, -fog, -rain",
            Written(prompt="a wide sea", character="aya", negative_prompt="fog, rain"),
        ),
        (
            random(),
            "@bella in a park, -crowd",
            Written(prompt="in a park", character="bella", negative_prompt="crowd"),
        ),
        (random(), "in a park", Written(prompt="in a park")),
        (random(""), "in a park", Written(prompt="in a park")),
    ],
)
def test_the_answer_comes_apart_into_fields(order: PromptOrder, said: str, written: Written) -> None:
    """Words, a character and negatives, ready to be those of a request; a no-op is the prompt as it was."""
    assert to_written(order, to_request(order, MODELS), said, "imgen") == written


@pytest.mark.parametrize(
    ("order", "said"),
    [
        (optimize(), "@bella a sea"),
        (optimize(character="aya"), "a wide sea"),
        (optimize(character="aya"), "@bella a sea"),
        (random("aya"), "@bella in a park"),
        (random("aya"), "in a park"),
        (random(""), "@bella in a park"),
        (random(), "@aya @bella in a park"),
        (random(), "-fog"),
        (random(), "  "),
    ],
)
def test_an_answer_about_somebody_else_is_none(order: PromptOrder, said: str) -> None:
    """The character that was asked for was ignored in silence: that is told, not handed on."""
    with pytest.raises(CatalogError) as caught:
        to_written(order, to_request(order, MODELS), said, "imgen")
    assert (caught.value.code, caught.value.phase) == ("backend.bad_response", "optimize")
