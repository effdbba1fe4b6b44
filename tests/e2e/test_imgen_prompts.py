"""Words with orders in them, and prompts that imgen writes."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.asked import pointers, post, problem
from tests.e2e.imgen_world import before_it, ended, generated, imgen_sandbox, wish
from tests.harness import GatewayProcess, SandboxProcess

RAW = {"options": {"imgen": {"raw_prompt": True}}}


@pytest.fixture(scope="module")
def imgen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """An imgen that nobody else talks to."""
    with imgen_sandbox(tmp_path_factory.mktemp("imgen")) as running:
        yield running


@pytest.fixture(scope="module")
def front(imgen: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway before it."""
    with before_it(tmp_path_factory.mktemp("front"), imgen) as running:
        yield running


def optimized(http: httpx.Client | None, **body: Any) -> httpx.Response:
    """Ask for a better prompt."""
    assert http is not None
    return http.post("/v1/prompts/optimize", json={"prompt": "a red fox", "model": "imgen/atlas", **body})


def random(http: httpx.Client | None, **body: Any) -> httpx.Response:
    """Ask for a prompt."""
    assert http is not None
    return http.post("/v1/prompts/random", json=body)


def test_a_prompt_sent_knowingly_becomes_fields(front: GatewayProcess, imgen: SandboxProcess) -> None:
    """`@name` is the character, `-term`s are negatives: sent as such, and shown as the server built both prompts."""
    prompt = "@aya in a red boat, -fog, -rain"
    fields = wish("in a red boat", character="aya", negative_prompt="fog, rain")
    jobs = ended(front.http, {"raw": wish(prompt, **RAW), "fields": fields})
    for job in jobs.values():
        assert job["state"] == "succeeded", job["error"]
        assert job["effective"]["character"] == "aya"
        assert job["effective"]["prompt"].startswith("aya_v3, a woman in her thirties")
        assert "in a red boat, professional photograph" in job["effective"]["prompt"]
        assert job["effective"]["negative_prompt"].endswith("long hair, freckles, fog, rain")
    one, other = generated(imgen, "in a red boat")
    assert one == other
    assert (one["prompt"], one["negative"]) == ("@aya in a red boat", "fog, rain")


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"prompt": "@aya at sea"}, "request.option_unsupported", "/prompt"),
        ({"prompt": "a sea, -fog"}, "request.option_unsupported", "/prompt"),
        ({"prompt": "@nobody at sea", **RAW}, "request.field_invalid", "/prompt"),
        ({"prompt": "@aya and @bella", **RAW}, "request.field_invalid", "/prompt"),
        ({"prompt": "at sea", "character": "nobody"}, "request.field_invalid", "/character"),
    ],
)
def test_an_order_that_was_not_meant_or_cannot_be_obeyed_is_refused(
    front: GatewayProcess, imgen: SandboxProcess, body: dict[str, Any], code: str, pointer: str
) -> None:
    """Before anything is sent, at its place."""
    before = len(imgen.submits())
    assert pointers(problem(post(front.http, wish(**body)), code, 400)) == [pointer]
    assert len(imgen.submits()) == before


def test_a_prompt_is_enhanced_about_its_character(front: GatewayProcess) -> None:
    """The words come back richer, the character as the field it is."""
    made = optimized(front.http, character="aya").raise_for_status().json()
    assert made["prompt"].startswith("a red fox, ")
    assert (made["character"], made["negative_prompt"]) == ("aya", None)
    assert (made["backend"], made["dialect"], made["changed"]) == ("imgen", "imgen", True)


def test_a_no_op_is_visible(front: GatewayProcess) -> None:
    """The prompt as it was, to the last space, and `changed` is false."""
    long = "a very long  description of a fox, " * 8 + "at dawn"
    for prompt in ("a red fox [[noop]]", long):
        made = optimized(front.http, prompt=prompt, character="aya").raise_for_status().json()
        assert (made["prompt"], made["changed"], made["character"]) == (prompt, False, "aya")


def test_a_made_up_prompt_comes_apart_into_fields(front: GatewayProcess) -> None:
    """About anybody, about a named character, about none; and it can be sent as it came."""
    anybody = random(front.http).raise_for_status().json()
    assert anybody["character"] in ("aya", "bella", "chen", "dario")
    assert anybody["negative_prompt"]
    assert random(front.http, character="bella").json()["character"] == "bella"
    assert random(front.http, character="").json()["character"] is None
    again = {name: anybody[name] for name in ("prompt", "character", "negative_prompt")}
    told = front.http.post("/v1/jobs", params={"dry_run": "true"}, json=wish(**again)).raise_for_status().json()
    assert told["request"]["body"]["prompt"] == f"@{anybody['character']} {anybody['prompt']}"
    assert anybody["changed"] is True


def test_what_cannot_be_written_is_refused(front: GatewayProcess, imgen: SandboxProcess) -> None:
    """Unknown characters, which the server would ignore, and orders among the words: nothing is asked."""
    before = len(imgen.calls("POST"))
    assert pointers(problem(random(front.http, character="nobody"), "request.field_invalid", 400)) == ["/character"]
    for body, code, pointer in (
        ({"character": "nobody"}, "request.field_invalid", "/character"),
        ({"prompt": "@aya at sea"}, "request.option_unsupported", "/prompt"),
        ({"model": "imgen/nothing"}, "request.option_unsupported", "/model"),
    ):
        assert pointers(problem(optimized(front.http, **body), code, 400)) == [pointer]
    assert len(imgen.calls("POST")) == before


def test_a_writer_in_trouble_is_a_problem_of_the_catalogue(front: GatewayProcess, imgen: SandboxProcess) -> None:
    """Each by the code that tells who can mend it; the seed's own is 502 `Enhancement failed`."""
    try:
        for token, code in (
            ("enhancement_failed", "backend.failed"),
            ("disabled_key", "backend.credentials_rejected"),
            ("rate_limited", "backend.overloaded"),
            ("edge_503", "backend.unavailable"),
            ("garbage", "backend.bad_response"),
        ):
            imgen.force({"route": "POST /api/v2#optimize", "outcome": token})
            found = problem(optimized(front.http), code)
            assert token != "enhancement_failed" or found["phase"] == "optimize"
    finally:
        imgen.force()
