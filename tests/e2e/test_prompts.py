"""Prompts that backends write: who writes, what comes back, and what is refused."""

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.asked import problem
from tests.harness import GatewayProcess, SandboxProcess, backend


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """An ima2 server of the newest build: the one that has a prompt builder."""
    running = SandboxProcess("ima2", tmp_path_factory.mktemp("builder"), speed=60, profile="new")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def writing(
    server: SandboxProcess, sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway with a backend that writes, and one that does not."""
    behind = {"ima2": backend(server), "studio": backend(sandboxes["sdcpp"])}
    running = GatewayProcess(tmp_path_factory.mktemp("writing"), behind)
    yield running
    running.stop()


def optimize(http: httpx.Client | None, **body: object) -> httpx.Response:
    """Ask for a better prompt."""
    assert http is not None
    return http.post("/v1/prompts/optimize", json={"prompt": "a red fox", **body})


def test_a_prompt_comes_back_enhanced_and_says_by_whom(writing: GatewayProcess) -> None:
    """The builder's sections are read: the prompt alone is the answer."""
    answer = optimize(writing.http, model="ima2/gpt-5.4")
    assert answer.status_code == 200, answer.text
    made = answer.json()
    assert made["prompt"].startswith("a red fox, with a clear subject")
    assert "Notes" not in made["prompt"]
    assert (made["backend"], made["dialect"], made["changed"], made["sandbox"]) == ("ima2", "ima2", True, True)


def test_an_unknown_field_or_an_empty_prompt_is_refused_at_its_place(writing: GatewayProcess) -> None:
    """With a pointer to each, and nothing sent."""
    found = problem(optimize(writing.http, prompt="", colour="red"), "request.field_invalid", 400)
    assert sorted(error["pointer"] for error in found["errors"]) == ["/colour", "/prompt"]


@pytest.mark.parametrize("model", ["studio/sd15", "nobody/x", "ima2/none"])
def test_a_model_whose_backend_writes_nothing_is_refused_with_those_that_do(
    writing: GatewayProcess, model: str
) -> None:
    """The refusal names who writes."""
    found = problem(optimize(writing.http, model=model), "request.option_unsupported", 400)
    assert found["errors"][0]["pointer"] == "/model"
    assert "ima2" in found["errors"][0]["allowed"]


def test_a_character_that_a_dialect_knows_nothing_of_is_refused(writing: GatewayProcess) -> None:
    """Before anything is sent."""
    found = problem(optimize(writing.http, model="ima2/gpt-5.4", character="mira"), "request.option_unsupported", 400)
    assert found["errors"][0]["pointer"] == "/character"


def test_a_builder_in_trouble_is_a_problem_of_the_catalogue(writing: GatewayProcess, server: SandboxProcess) -> None:
    """Each of its own failures by the code that tells who can mend it."""
    for token, code in (
        ("PROMPT_BUILDER_NO_BACKEND_READY", "backend.unavailable"),
        ("PROMPT_BUILDER_API_KEY_REQUIRED", "backend.misconfigured"),
        ("PROMPT_BUILDER_UPSTREAM_FAILED", "backend.failed"),
        ("PROMPT_BUILDER_TIMEOUT", "backend.timeout"),
        ("html", "backend.unavailable"),
        ("garbage", "backend.bad_response"),
    ):
        server.force({"route": "POST /api/prompt-builder/chat", "outcome": token})
        problem(optimize(writing.http, model="ima2/gpt-5.4"), code)
    server.force()


def test_an_older_server_writes_no_prompts(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Only the newest build has a builder, and discovery knows."""
    folder = tmp_path_factory.mktemp("older")
    sandbox = SandboxProcess("ima2", folder / "ima2", profile="head")
    running = GatewayProcess(folder / "gateway", {"easel": backend(sandbox)})
    try:
        found = problem(optimize(running.http), "request.option_unsupported", 400)
        assert found["errors"][0].get("allowed", []) == []
    finally:
        running.stop()
        sandbox.stop()
