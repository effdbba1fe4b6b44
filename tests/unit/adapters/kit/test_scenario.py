"""Forced outcomes: by a token in the prompt, or by rules that fit, wait, and are used up."""

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.kit.scenario import Forced, Rule, Scenario, without_tokens

ROUTE = "POST /api/generate"


def names(scenario: Scenario, route: str = ROUTE, prompt: str = "a shiba", among: set[str] | None = None) -> list[str]:
    """Return the names of what is forced."""
    return list(scenario.forced(route, prompt, among=among))


@pytest.mark.parametrize(
    ("prompt", "found"),
    [
        ("a shiba", {}),
        ("[[SAFETY_REFUSAL]] a shiba", {"SAFETY_REFUSAL": None}),
        ("a [[slow:5]] shiba [[cut]]", {"slow": "5", "cut": None}),
        ("[[slow:]]", {"slow": None}),
        ("[[fail:with words: and more]]", {"fail": "with words: and more"}),
        ("[[a.b-c_1]]", {"a.b-c_1": None}),
        ("[[two words]] [single] [[]] [[:5]] [[ x]]", {}),
        ("[[x:1]] [[x:2]]", {"x": "2"}),
    ],
)
def test_tokens_are_read_from_the_prompt(prompt: str, found: dict[str, str | None]) -> None:
    """A token is a name, perhaps with an argument; several may stand in one prompt."""
    forced = Scenario().forced(ROUTE, prompt)
    assert {name: each.argument for name, each in forced.items()} == found
    assert all(name == each.name for name, each in forced.items())


@pytest.mark.parametrize(
    ("argument", "number"), [(None, 3.0), ("", 3.0), ("5", 5.0), ("0.25", 0.25), ("-1", -1.0), ("soon", 3.0)]
)
def test_an_argument_is_a_number_or_the_default(argument: str | None, number: float) -> None:
    """What is no number is as if it were not there."""
    assert Forced("slow", argument).number(3.0) == number


@settings(max_examples=100, deadline=None)
@given(words=st.lists(st.sampled_from(["a", "shiba", "[[slow:5]]", "[[X]]", "[[a:b c]]", "[x]"]), max_size=8))
def test_tokens_never_reach_a_picture(words: list[str]) -> None:
    """What is painted is the prompt without its tokens and without the gaps that they leave."""
    painted = without_tokens(" ".join(words))
    assert painted == " ".join(word for word in words if not word.startswith("[["))
    assert not Scenario().forced(ROUTE, painted)


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (Rule(outcome="x"), True),
        (Rule(outcome="x", route="POST"), True),
        (Rule(outcome="x", route="POST /api/gen"), True),
        (Rule(outcome="x", route="POST /api/generate$"), True),
        (Rule(outcome="x", route="POST /api/gen$"), False),
        (Rule(outcome="x", route="GET"), False),
        (Rule(outcome="x", contains="shiba"), True),
        (Rule(outcome="x", contains="tabby"), False),
        (Rule(outcome="x", route="GET", contains="shiba"), False),
    ],
)
def test_a_rule_fits_by_route_and_words(rule: Rule, fits: bool) -> None:  # noqa: FBT001
    """A route is a beginning, or the whole of it when it ends with `$`; both conditions must hold."""
    assert names(Scenario([rule])) == (["x"] if fits else [])


def test_a_rule_is_used_up() -> None:
    """It forces as often as it says, and then no more."""
    scenario = Scenario([Rule(outcome="x", times=2)])
    assert [names(scenario) for _ in range(4)] == [["x"], ["x"], [], []]


def test_a_rule_waits_for_its_turn() -> None:
    """`after` lets requests that fit pass first; those that do not fit are not counted."""
    scenario = Scenario([Rule(outcome="x", after=2, times=1, contains="shiba")])
    prompts = ["tabby", "shiba", "tabby", "shiba", "shiba", "shiba"]
    assert [names(scenario, prompt=prompt) for prompt in prompts] == [[], [], [], [], ["x"], []]


def test_a_rule_for_what_a_request_cannot_have_is_passed_over_and_not_used_up() -> None:
    """A rule whose outcome does not exist on a route waits for a request where it does."""
    scenario = Scenario([Rule(outcome="x", times=1)])
    assert names(scenario, among={"y"}) == []
    assert names(scenario, among={"x", "y"}) == ["x"]
    assert names(scenario, among={"x"}) == []


def test_the_prompt_has_the_first_word() -> None:
    """A token's argument wins over a rule for the same outcome; the first of two rules wins over the second."""
    rules = [Rule(outcome="slow", argument="1"), Rule(outcome="slow", argument="2"), Rule(outcome="cut")]
    assert Scenario(rules).forced(ROUTE, "[[slow:9]]") == {"slow": Forced("slow", "9"), "cut": Forced("cut")}
    assert Scenario(rules).forced(ROUTE, "")["slow"].argument == "1"


def test_a_scenario_is_read_from_a_file(tmp_path: Path) -> None:
    """TOML and JSON say the same; no file is no scenario."""
    toml, plain = tmp_path / "s.toml", tmp_path / "s.json"
    toml.write_text('[[rules]]\noutcome = "cut"\nroute = "POST"\ntimes = 1\n')
    plain.write_text(json.dumps({"rules": [{"outcome": "cut", "route": "POST", "times": 1}]}))
    for path in (toml, plain):
        scenario = Scenario.load(str(path))
        assert [names(scenario), names(scenario)] == [["cut"], []]
    assert names(Scenario.load(None)) == []


@pytest.mark.parametrize("text", ['{"rules": [{}]}', '{"rules": [{"outcome": "x", "when": 1}]}', '{"rule": []}', "[]"])
def test_a_file_that_is_no_scenario_is_refused(tmp_path: Path, text: str) -> None:
    """A misspelt key would force nothing in silence: it is an error instead."""
    path = tmp_path / "s.json"
    path.write_text(text)
    with pytest.raises(msgspec.ValidationError):
        Scenario.load(str(path))
