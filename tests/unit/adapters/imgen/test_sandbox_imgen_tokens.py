import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.imgen.sandbox import TOKENS
from contracts.sniff import sniff
from tests.unit.adapters.imgen.native import Native, imgen

#: Tokens that end `generate`: status, the error or a piece of the page, and how many runs were started.
REFUSED: dict[str, tuple[int, str, int]] = {
    "missing_action": (400, "Missing action", 0),
    "prompt_required": (400, "Prompt is required", 0),
    "invalid_character": (400, "Invalid character", 0),
    "unauthorized": (401, "Unauthorized", 0),
    "invalid_key": (401, "Invalid API key", 0),
    "disabled_key": (401, "API key is disabled", 0),
    "no_cached": (404, "No cached result found", 0),
    "rate_limited": (429, "Too many requests", 0),
    "generation_failed": (502, "Generation failed", 0),
    "generation_failed_started": (502, "Generation failed", 1),
    "enhancement_failed": (502, "Enhancement failed", 0),
    "html": (502, "<h1>502 Bad Gateway</h1>", 0),
    "html:500": (500, "<h1>500 Internal Server Error</h1>", 0),
    "too_large": (413, "<h1>413 ", 0),
    "edge_502": (502, "<h1>502 Bad Gateway</h1>", 0),
    "edge_503": (503, "<h1>503 Service Unavailable</h1>", 0),
    "edge_504": (504, "<h1>504 Gateway Timeout</h1>", 1),
    "garbage": (200, "upstream", 1),
}
#: Tokens that break the connection, with how many runs were started.
BROKEN = {"cut": 1, "cut_early": 0, "cut_body": 1, "hang:0.05": 1}
#: Tokens that end a run, with the answer of `status`.
ENDED: dict[str, dict[str, Any]] = {
    "failed": {"status": "FAILED", "error": "Generation failed"},
    "timed_out": {"status": "TIMED_OUT", "error": "Generation failed"},
    "cancelled": {"status": "CANCELLED", "error": "Generation failed"},
    "odd_state": {"status": "PAUSED"},
    "odd_state:ON_FIRE": {"status": "ON_FIRE"},
    "no_meta": {"status": "COMPLETED"},
}
#: Tokens that end `status`, with its answer.
NOT_TOLD = {
    "bad_id": (400, "Bad ID"),
    "lost": (404, "Not found"),
    "cached_expired": (404, "Cached result not found or expired"),
}
#: Tokens with which a value that could be honoured falls back, with what was asked and what `meta` says.
FALLEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "fallback_model": ({"model": "atlas", "style": "sketch"}, {"model": "eros", "style": "professional"}),
    "fallback_style": ({"style": "anime"}, {"model": "eros", "style": "professional"}),
    "fallback_format": ({"format": "png"}, {"format": "jpeg"}),
    "fallback_size": ({"width": 1024, "height": 1024}, {"width": 1344, "height": 768}),
    "fallback_precompliance": ({"precompliance": "nothing found"}, {"precompliance": "nothin"}),
    "fallback_ruleset": ({"compliance_ruleset": "strict"}, {"compliance_ruleset": "default"}),
}
#: Tokens that change what a finished run shows, with what must hold of its `meta`.
SHOWN: dict[str, Callable[[dict[str, Any]], bool]] = {
    "compliance": lambda meta: meta["compliance"] == "pending",
    "compliance:borderline": lambda meta: meta["compliance"] == "borderline",
    "no_compliance": lambda meta: "compliance" not in meta,
    "no_signed": lambda meta: [image["type"] for image in meta["images"]] == ["thumbnail"],
    "none": lambda meta: meta["images"] == [],
    "fewer:1": lambda meta: meta["images"] == [],
    "result_host": lambda meta: meta["images"][0]["url"].startswith("http://elsewhere.invalid/signed/"),
    "result_host:cdn.example": lambda meta: meta["images"][0]["url"].startswith("http://cdn.example/signed/"),
}
#: Tokens that spoil a picture of 1024x1024 in png, with what its bytes read as.
SPOILT = {
    "wrong_size": ("png", 512, 512, True),
    "wrong_size:640x480": ("png", 640, 480, True),
    "wrong_format": ("webp", 1024, 1024, True),
    "wrong_format:jpeg": ("jpeg", 1024, 1024, True),
    "truncated": ("png", 1024, 1024, False),
    "not_an_image": None,
}
SINGLE = {
    "slow", "huge", "status_502", "in_queue_forever", "unsafe", "expired_url", "cache_hit", "noop",
    "enhancement_skipped",
}  # fmt: skip


def test_every_token_is_exercised_here() -> None:
    """No token is promised that no test holds to its sentence, and each has a sentence."""
    tables = (REFUSED, BROKEN, ENDED, NOT_TOLD, FALLEN, SHOWN, SPOILT)
    assert {token.partition(":")[0] for table in tables for token in table} | SINGLE == set(TOKENS)
    assert all(meaning.endswith(".") for meaning in TOKENS.values())


async def test_the_sandbox_tells_its_tokens(tmp_path: Path) -> None:
    """Everything that can be forced is listed with its sentence."""
    async with imgen(tmp_path) as native:
        listed = (await native.http.get(f"{native.origin}/_sandbox/tokens")).json()
    assert listed == {f"[[{name}]]": meaning for name, meaning in TOKENS.items()}


@pytest.mark.parametrize("token", REFUSED)
async def test_a_token_refuses_a_run(tmp_path: Path, token: str) -> None:
    """The answer is the one of its sentence, and a run was started only where that says so."""
    status, text, started = REFUSED[token]
    async with imgen(tmp_path) as native:
        answer = await native.call("generate", prompt=f"a lighthouse [[{token}]]", optimize=True)
        runs = await native.runs()
    assert (answer.status_code, len(runs)) == (status, started)
    if "<" in text or token == "garbage":
        assert text in answer.text
        assert answer.headers["content-type"].startswith("application/json" if token == "garbage" else "text/html")
    else:
        assert answer.json() == {"error": text}
    assert ("retry-after" in answer.headers) is (token == "rate_limited")


@pytest.mark.parametrize("token", BROKEN)
async def test_a_token_breaks_the_connection(tmp_path: Path, token: str) -> None:
    """No whole answer comes, and a run was started only where the sentence says so."""
    async with imgen(tmp_path) as native:
        with pytest.raises(httpx.TransportError):
            await native.call("generate", prompt=f"a lighthouse [[{token}]]")
        assert len(await native.runs()) == BROKEN[token]


@pytest.mark.parametrize("token", ENDED)
async def test_a_token_ends_a_run(tmp_path: Path, token: str) -> None:
    """The run ends in the state of its sentence, every time it is asked after."""
    async with imgen(tmp_path) as native:
        run = await native.generate(f"a lighthouse [[{token}]]")
        assert await native.finished(run) == ENDED[token]
        assert (await native.status(run)).json() == ENDED[token]


@pytest.mark.parametrize("token", NOT_TOLD)
async def test_a_token_ends_asking_after_a_run(tmp_path: Path, token: str) -> None:
    """The run is started, and every `status` of it is the complaint of the sentence."""
    async with imgen(tmp_path) as native:
        run = await native.generate(f"a lighthouse [[{token}]]")
        answers = [await native.status(run) for _ in range(2)]
    assert run.get("cache", False) is (token == "cached_expired")
    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [NOT_TOLD[token]] * 2


@pytest.mark.parametrize("token", FALLEN)
async def test_a_token_makes_a_good_value_fall_back(tmp_path: Path, token: str) -> None:
    """What could have been honoured is not, and only `meta` tells."""
    asked, got = FALLEN[token]
    async with imgen(tmp_path) as native:
        meta = await native.made(f"a lighthouse [[{token}]]", **asked)
    assert {name: meta[name] for name in got} == got


@pytest.mark.parametrize("token", SHOWN)
async def test_a_token_changes_what_a_finished_run_shows(tmp_path: Path, token: str) -> None:
    """The run completes, and its `meta` is as the sentence says."""
    async with imgen(tmp_path) as native:
        assert SHOWN[token](await native.made(f"a lighthouse [[{token}]]"))


@pytest.mark.parametrize("token", SPOILT)
async def test_a_token_spoils_a_picture(tmp_path: Path, token: str) -> None:
    """The bytes are other than `meta` promises, in an answer that is complete; the thumbnail is as ever."""
    async with imgen(tmp_path) as native:
        meta = await native.made(f"a lighthouse [[{token}]]", format="png", width=1024, height=1024)
        data = (await native.fetch(meta)).content
        thumbnail = sniff((await native.fetch(meta, "thumbnail")).content)
    found = sniff(data)
    assert (meta["format"], meta["width"], meta["height"]) == ("png", 1024, 1024)
    assert SPOILT[token] == (found and (found.format, found.width, found.height, found.complete))
    assert thumbnail is not None


async def test_slow_makes_the_work_last(tmp_path: Path) -> None:
    """`slow` replaces the time of the work, divided by the speed; to an enhancement it is added."""
    async with imgen(tmp_path, speed=200) as native:
        start = time.monotonic()
        await native.made("a lighthouse [[slow:60]]")
        assert 0.3 < time.monotonic() - start < 2
        start = time.monotonic()
        await native.ask("optimize", prompt="a lighthouse [[slow:60]]")
        assert 0.3 < time.monotonic() - start < 2


async def test_huge_pads_an_answer(tmp_path: Path) -> None:
    """The answer is as many megabytes as asked for, and still what it was."""
    async with imgen(tmp_path) as native:
        answer = await native.call("generate", prompt="a lighthouse [[huge:3]]")
    assert len(answer.content) == 3 * 1024 * 1024
    assert answer.json()["id"].startswith("run_")


async def test_status_502_passes(tmp_path: Path) -> None:
    """So many polls fail, and the run is none the worse for it."""
    async with imgen(tmp_path) as native:
        run = await native.generate("a lighthouse [[status_502:3]]")
        answers = [await native.status(run) for _ in range(4)]
        assert (await native.finished(run))["meta"]["compliance"] == "safe"
        once = await native.generate("a lighthouse [[status_502]]")
        assert [(await native.status(once)).status_code for _ in range(2)] == [502, 200]
    assert [answer.status_code for answer in answers] == [502, 502, 502, 200]
    assert answers[0].json() == {"error": "Generation failed"}


async def test_a_run_may_wait_for_ever(tmp_path: Path) -> None:
    """`in_queue_forever` holds long after the run should be through."""
    async with imgen(tmp_path, speed=5000) as native:
        run = await native.generate("a lighthouse [[in_queue_forever]]")
        await asyncio.sleep(0.02)
        assert (await native.status(run)).json() == {"status": "IN_QUEUE"}


async def test_unsafe_blocks_for_the_named_categories(tmp_path: Path) -> None:
    """Without an argument it is nudity."""
    async with imgen(tmp_path) as native:
        plain = await native.finished(await native.generate("a portrait [[unsafe]]"))
        named = await native.finished(await native.generate("a portrait [[unsafe:hate, drugs]]"))
    assert (plain["filter_categories"], named["filter_categories"]) == (["nudity"], ["hate", "drugs"])


async def test_an_expired_url_never_worked(tmp_path: Path) -> None:
    """The run completes with URLs that are past their time, and polling again does not help."""
    async with imgen(tmp_path) as native:
        run = await native.generate("a lighthouse [[expired_url]]")
        for _ in range(2):
            answer = await native.fetch((await native.finished(run))["meta"])
            assert (answer.status_code, "Request has expired" in answer.text) == (403, True)


async def test_a_cache_hit_can_be_forced_in_an_empty_cache(tmp_path: Path) -> None:
    """The answer is a hit that nobody asked for, with a picture that can be fetched."""
    async with imgen(tmp_path) as native:
        hit = await native.generate("a lighthouse [[cache_hit]]")
        answer = (await native.status(hit)).json()
        picture = await native.fetch(answer["meta"])
    assert (hit["cache"], answer["cache"], picture.status_code) == (True, True, 200)


@pytest.mark.parametrize("token", ["noop", "enhancement_skipped"])
async def test_an_enhancement_may_change_nothing(tmp_path: Path, token: str) -> None:
    """The prompt comes back as it went, and `meta` says that it was not optimized."""
    prompt = f"@aya at the sea [[{token}]]"
    async with imgen(tmp_path) as native:
        run = await native.generate(prompt, optimize=True)
        meta = (await native.finished(run))["meta"]
        if token == "noop":
            assert await native.ask("optimize", prompt=prompt) == {"prompt": prompt}
    assert (run["prompt"], meta["optimized"]) == (prompt, False)


RULES: list[tuple[str, str, Callable[[Native], Awaitable[httpx.Response]]]] = [
    ("POST /api/v2#models", "rate_limited", lambda native: native.call("models")),
    ("POST /api/v2#random", "html", lambda native: native.call("random")),
    ("POST /api/v2#optimize", "enhancement_failed", lambda native: native.call("optimize", prompt="a")),
    ("POST /api/v2", "invalid_key", lambda native: native.call("models")),
]


@pytest.mark.parametrize(("route", "outcome", "call"), RULES)
async def test_a_rule_forces_what_no_prompt_can(
    tmp_path: Path, route: str, outcome: str, call: Callable[[Native], Awaitable[httpx.Response]]
) -> None:
    """Rules match by `POST /api/v2#<action>`, hold as often as they say, and pass other actions by."""
    async with imgen(tmp_path) as native:
        await native.force({"outcome": outcome, "route": route, "times": 1})
        assert (await call(native)).status_code >= 400
        assert (await call(native)).status_code == 200


async def test_rules_reach_polls_and_pictures_of_runs_without_tokens(tmp_path: Path) -> None:
    """On `status` and on a signed URL a rule does what a token would, and leaves the run as it was."""
    async with imgen(tmp_path) as native:
        run = await native.generate("a lighthouse")
        meta = (await native.finished(run))["meta"]
        await native.force(
            {"outcome": "failed", "route": "POST /api/v2#status", "contains": "light", "times": 1},
            {"outcome": "not_an_image", "route": "GET /signed/", "times": 1},
            {"outcome": "html", "argument": "503", "route": "GET /signed/", "after": 1, "times": 1},
        )
        assert (await native.status(run)).json()["status"] == "FAILED"
        assert (await native.status(run)).json()["status"] == "COMPLETED"
        assert sniff((await native.fetch(meta)).content) is None
        assert (await native.fetch(meta)).status_code == 503
        assert sniff((await native.fetch(meta)).content) is not None


async def test_a_rule_waits_for_a_request_that_it_can_befall(tmp_path: Path) -> None:
    """A rule without a route is not used up by actions on which its outcome has no meaning."""
    async with imgen(tmp_path) as native:
        await native.force({"outcome": "unsafe", "times": 1})
        await native.ask("models")
        assert (await native.finished(await native.generate("a portrait")))["compliance"] == "unsafe"
        assert "meta" in await native.finished(await native.generate("a portrait"))
