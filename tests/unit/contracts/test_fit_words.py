"""Fitting prompt, negative prompt, character and style, and the commands that could hide in them."""

import pytest
from msgspec import UNSET

from contracts.capability import Capability, Limits
from contracts.fit import fit
from contracts.fit.words import HARMLESS
from contracts.spec import ImageVariation
from tests.unit.contracts.requests import REAL, fitted, receipts, refusals, spec

#: Brings a prompt to its limit, and knows neither negative prompts nor commands.
SHORT = Capability(limits=Limits(prompt_chars=20))


@pytest.mark.parametrize("candidate", list(REAL))
def test_a_plain_prompt_goes_as_it_is(candidate: str) -> None:
    """Words that no dialect reads as a command are sent unchanged, to everybody."""
    result = fitted(candidate, prompt="a well-known shiba, 3 < 4, mail a@b - and so on")
    assert result.effective.prompt == "a well-known shiba, 3 < 4, mail a@b - and so on"
    assert not result.mismatches
    assert not result.adjustments


@pytest.mark.parametrize("text", ["-blur", "a cat, -blur", "a cat -blur now", "@shiba", "a\t@shiba", "x,@y", "--"])
@pytest.mark.parametrize("mode", ["reject", "adapt", "drop"])
def test_imgens_commands_are_refused_whatever_is_allowed(text: str, mode: str) -> None:
    """A token that begins with `-` or `@` has no harmless form: it is refused even under `adapt` and `drop`."""
    result = fitted("imgen", prompt=text, on_unsupported=mode)
    assert refusals(result) == [("/prompt", "request.option_unsupported", "prompt_syntax")]
    assert str(result.mismatches[0].fault.token) in text
    assert result.mismatches[0].fault.token[0] in "-@"  # type: ignore[index]


@pytest.mark.parametrize(
    "text", ["<sd_cpp_extra_args>x", "a < / Negative_Prompt", "</NEGATIVE_PROMPT>", "<\nsd_cpp_extra_args"]
)
def test_studios_tags_are_refused(text: str) -> None:
    """Either tag, opened or closed, in any case and with any spaces, stands against Studio."""
    assert refusals(fitted("sdcpp", prompt=text)) == [("/prompt", "request.option_unsupported", "prompt_syntax")]
    assert not fitted("imgen", prompt=text.replace("\n", "")).mismatches


def test_studios_tags_are_disarmed_where_that_is_allowed() -> None:
    """Under `adapt` every `<` that begins a tag becomes harmless, other ones stay, and one receipt tells it."""
    result = fitted("sdcpp", prompt="3 < 4 <sd_cpp_extra_args> a </negative_prompt> b", on_unsupported="adapt")
    assert result.effective.prompt == f"3 < 4 {HARMLESS}sd_cpp_extra_args> a {HARMLESS}/negative_prompt> b"
    assert receipts(result) == {"/prompt": (result.effective.prompt, "snapped")}
    assert not result.mismatches


def test_commands_are_never_dropped() -> None:
    """`drop` leaves options out, and a command in the prompt is no option."""
    result = fitted("sdcpp", prompt="<sd_cpp_extra_args>x", on_unsupported="drop")
    assert refusals(result) == [("/prompt", "request.option_unsupported", "prompt_syntax")]


def test_commands_can_be_sent_knowingly_to_their_own_dialect_alone() -> None:
    """`raw_prompt` of a dialect lets its commands through, and means nothing for another's."""
    assert not fitted("sdcpp", prompt="<sd_cpp_extra_args>x", options={"sdcpp": {"raw_prompt": True}}).mismatches
    told = fitted("sdcpp", prompt="<sd_cpp_extra_args>x", options={"sdcpp": {"raw_prompt": False}})
    assert refusals(told) == [("/prompt", "request.option_unsupported", "prompt_syntax")]
    other = fitted("imgen", prompt="-blur", options={"sdcpp": {"raw_prompt": True}}, on_unsupported="drop")
    assert ("/prompt", "request.option_unsupported", "prompt_syntax") in refusals(other)


@pytest.mark.parametrize("candidate", ["sdcpp", "imgen"])
def test_a_negative_prompt_is_passed_on_and_looked_through_too(candidate: str) -> None:
    """Where there is one, it goes as it is; commands in it are refused as in the prompt."""
    assert fitted(candidate, negative_prompt="fog, rain").effective.negative_prompt == "fog, rain"
    bad = {"sdcpp": "x <negative_prompt>", "imgen": "fog, -rain"}[candidate]
    result = fitted(candidate, negative_prompt=bad)
    assert refusals(result) == [("/negative_prompt", "request.option_unsupported", "prompt_syntax")]


def test_a_negative_prompt_that_nobody_takes_is_refused_adapted_or_dropped() -> None:
    """ima2 has none: refused by default, put into words under `adapt`, left out under `drop`, each with its receipt."""
    asked = {"prompt": "a shiba", "negative_prompt": "fog"}
    assert refusals(fitted("ima2 new oauth", **asked)) == [
        ("/negative_prompt", "request.option_unsupported", "unsupported")
    ]
    adapted = fitted("ima2 new oauth", **asked, on_unsupported="adapt")
    assert adapted.effective.prompt == "a shiba, avoid: fog"
    assert adapted.effective.negative_prompt is UNSET
    assert [each.pointer for each in adapted.adjustments] == ["/negative_prompt"]
    dropped = fitted("ima2 new oauth", **asked, on_unsupported="drop")
    assert dropped.effective.prompt == "a shiba"
    assert receipts(dropped) == {"/negative_prompt": (None, "dropped")}


def test_a_negative_prompt_put_into_words_obeys_what_the_prompt_obeys() -> None:
    """Appended to the prompt it may neither hold a command nor make the prompt too long."""
    armed = Capability(active_syntax=REAL["imgen"][1].active_syntax)
    result = fit(spec(negative_prompt="fog, -rain", on_unsupported="adapt"), armed, "imgen")
    assert refusals(result) == [("/negative_prompt", "request.option_unsupported", "prompt_syntax")]
    tight = fit(spec(prompt="a" * 15, negative_prompt="fog", on_unsupported="adapt"), SHORT, "ima2")
    assert refusals(tight) == [("/negative_prompt", "request.field_invalid", "too_long")]
    assert not fit(spec(prompt="a" * 8, negative_prompt="fog", on_unsupported="adapt"), SHORT, "ima2").mismatches


def test_a_prompt_beyond_a_candidates_limit_is_refused_whatever_is_allowed() -> None:
    """NEW takes 32,000 characters, its limit included; nothing is ever cut off."""
    assert not fitted("ima2 new oauth", prompt="a" * 32_000).mismatches
    for mode in ("reject", "adapt", "drop"):
        result = fitted("ima2 new oauth", prompt="a" * 32_001, on_unsupported=mode)
        assert refusals(result) == [("/prompt", "request.field_invalid", "too_long")]
        assert result.mismatches[0].fault.limit == 32_000
    assert not fitted("ima2 head api", prompt="a" * 32_001).mismatches


def test_a_character_is_one_that_the_backend_knows() -> None:
    """A name that imgen does not know it would ignore: here it is refused, with those that it knows."""
    assert fitted("imgen", character="shiba").effective.character == "shiba"
    result = fitted("imgen", character="nobody")
    assert refusals(result) == [("/character", "request.field_invalid", "enum")]
    assert result.mismatches[0].fault.allowed == ("shiba", "tabby")
    for candidate in ("ima2 tag oauth", "ima2 new grok", "sdcpp"):
        result = fitted(candidate, character="shiba")
        assert refusals(result) == [("/character", "request.option_unsupported", "unsupported")]


def test_a_style_is_one_of_the_models_own_list() -> None:
    """An unknown style falls back in silence natively: here it is refused; unset, the model's own default is sent."""
    assert fitted("imgen", style="oil").effective.style == "oil"
    assert fitted("imgen").effective.style == "photo"
    assert fitted("sdcpp", style="vivid").effective.style == "vivid"
    assert fitted("sdcpp").effective.style is UNSET
    assert refusals(fitted("imgen", style="vivid")) == [("/style", "request.field_invalid", "enum")]
    assert refusals(fitted("ima2 new oauth", style="vivid")) == [
        ("/style", "request.option_unsupported", "unsupported")
    ]
    dropped = fitted("imgen", style="vivid", on_unsupported="drop")
    assert dropped.effective.style == "photo"
    assert receipts(dropped) == {"/style": (None, "dropped")}


def test_work_without_words_has_no_prompt_to_send() -> None:
    """A variation needs no prompt: none is made up, and a negative one cannot be appended to nothing."""
    result = fit(ImageVariation(), Capability(), "ima2")
    assert result.effective.prompt is UNSET
    asked = ImageVariation(negative_prompt="fog", on_unsupported="adapt")
    assert refusals(fit(asked, Capability(), "ima2")) == [
        ("/negative_prompt", "request.option_unsupported", "unsupported")
    ]
