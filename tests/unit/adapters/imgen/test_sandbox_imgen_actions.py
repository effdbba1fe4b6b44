from pathlib import Path
from typing import Any

import pytest

from adapters.imgen.sandbox import PROFILES, sandbox
from tests.unit.adapters.imgen.native import PENDING, imgen

#: The seed's answer of `status` for a safe run; `images` has entries of this shape.
META: dict[str, Any] = {
    "id": str, "gen_id": str, "time": str, "prompt": str, "positive": str, "negative": str, "character": str,
    "model": str, "style": str, "width": int, "height": int, "format": str, "quality": int, "lossless": bool,
    "optimized": bool, "compliance": str, "compliance_codes": list, "compliance_ruleset": str, "precompliance": str,
    "fingerprint": str, "images": list,
}  # fmt: skip
#: The rows of the seed's table of errors that a request can cause by itself.
ERRORS = [
    ({}, 400, "Missing action"),
    ({"action": "generate"}, 400, "Prompt is required"),
    ({"action": "generate", "prompt": "  "}, 400, "Prompt is required"),
    ({"action": "optimize", "prompt": ""}, 400, "Prompt is required"),
    ({"action": "generate", "prompt": "@nobody on a beach"}, 400, "Invalid character"),
    ({"action": "status", "id": "job 7", "prompt": "a", "model": "eros"}, 400, "Bad ID"),
    ({"action": "status", "prompt": "a", "model": "eros"}, 400, "Bad ID"),
    ({"action": "status", "id": "run_0123456789ab", "model": "eros"}, 400, "Prompt is required"),
    ({"action": "generate", "prompt": "a", "use_cache": True, "cache_only": True}, 404, "No cached result found"),
    (
        {"action": "status", "id": "cache_0123456789ab", "prompt": "a", "model": "eros"},
        404,
        "Cached result not found or expired",
    ),
]
KEYS = [
    (None, "Unauthorized"),
    ("", "Unauthorized"),
    ("Basic aW1nZW4=", "Unauthorized"),
    ("Bearer", "Unauthorized"),
    ("Bearer another", "Invalid API key"),
    ("Bearer disabled-key", "API key is disabled"),
]


async def test_models_lists_characters_and_models_with_their_styles(tmp_path: Path) -> None:
    """The answer has the seed's shape: characters by name, models by key, each with label, default style and styles."""
    async with imgen(tmp_path) as native:
        listed = await native.ask("models")
    assert listed["characters"] == ["aya", "bella", "chen", "dario"]
    assert list(listed["models"]) == ["eros", "atlas", "terra"]
    eros = listed["models"]["eros"]
    assert (eros["label"], eros["default_style"]) == ("Eros", "professional")
    assert list(eros["styles"]) == ["professional", "cinematic", "film", "anime"]
    assert eros["styles"]["professional"] == {"label": "Professional"}
    for model in listed["models"].values():
        assert set(model) == {"label", "default_style", "styles"}
        assert model["default_style"] in model["styles"]


async def test_generate_answers_an_id_to_poll_with(tmp_path: Path) -> None:
    """The answer has exactly the five keys of the seed."""
    async with imgen(tmp_path) as native:
        answer = await native.call("generate", prompt="@aya at the sea, -crowd", format="png")
    run = answer.json()
    assert answer.headers["content-type"].startswith("application/json")
    assert set(run) == {"id", "prompt", "model", "format", "gen_id"}
    assert run["id"].startswith("run_")
    assert len(run["id"]) == 16
    assert len(run["gen_id"]) == 20
    assert (run["prompt"], run["model"], run["format"]) == ("@aya at the sea, -crowd", "eros", "png")


async def test_a_run_waits_works_and_completes_in_that_order(tmp_path: Path) -> None:
    """The states come in the order of the seed, each pending answer being nothing but its status."""
    seen: list[str] = []
    async with imgen(tmp_path, speed=10) as native:
        run = await native.generate("a lighthouse")
        while not seen or seen[-1] in PENDING:
            answer = (await native.status(run)).json()
            seen += [answer["status"]] if answer["status"] not in seen else []
            assert answer["status"] not in PENDING or set(answer) == {"status"}
    assert seen == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]


async def test_a_safe_run_ends_with_the_whole_meta(tmp_path: Path) -> None:
    """Every key of the seed's example is there with its type, and some that it does not name."""
    async with imgen(tmp_path) as native:
        run = await native.generate("@aya at the sea", quality=80)
        answer = await native.finished(run)
    assert set(answer) == {"status", "meta"}
    meta = answer["meta"]
    assert {name: type(meta[name]) for name in META} == META
    assert set(meta) > set(META)
    assert (meta["id"], meta["gen_id"], meta["prompt"]) == (run["id"], run["gen_id"], run["prompt"])
    assert (meta["compliance"], meta["compliance_codes"], meta["character"]) == ("safe", [], "aya")
    assert meta["time"].endswith("Z")
    assert [image["type"] for image in meta["images"]] == ["signed", "thumbnail"]
    assert all(set(image) == {"url", "filename", "type"} for image in meta["images"])


@pytest.mark.parametrize(("body", "status", "error"), ERRORS)
async def test_each_complaint_has_the_status_and_text_of_the_table(
    tmp_path: Path, body: dict[str, Any], status: int, error: str
) -> None:
    """A complaint is `{"error": ...}` with the status of the seed's table, and nothing else."""
    async with imgen(tmp_path) as native:
        answer = await native.call(None, **body)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


@pytest.mark.parametrize(("header", "error"), KEYS)
async def test_each_trouble_with_a_key_has_its_own_text(tmp_path: Path, header: str | None, error: str) -> None:
    """A missing, a wrong and a disabled key are three texts of one status, whatever is asked."""
    headers = {} if header is None else {"Authorization": header}
    async with imgen(tmp_path) as native:
        answer = await native.http.post(f"{native.origin}/api/v2", json={"action": "nonsense"}, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"error": error})


async def test_without_a_configured_key_any_key_will_do(tmp_path: Path) -> None:
    """`api_key=None` takes every key but the disabled one."""
    async with imgen(tmp_path, api_key=None) as native:
        native.key = "anybody"
        assert (await native.call("models")).status_code == 200
        native.key = "disabled-key"
        assert (await native.call("models")).json() == {"error": "API key is disabled"}


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"action": "dance"}', b'{"action": ["generate"]}'])
async def test_what_is_no_action_is_a_missing_action(tmp_path: Path, content: bytes) -> None:
    """The seed has one text for a body without a usable action."""
    async with imgen(tmp_path) as native:
        headers = {"Authorization": f"Bearer {native.key}", "Content-Type": "application/json"}
        answer = await native.http.post(f"{native.origin}/api/v2", content=content, headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"error": "Missing action"})


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v2"), ("PUT", "/api/v2"), ("POST", "/api/v1"), ("GET", "/"), ("POST", "/signed/a")],
)
async def test_every_other_route_is_an_edge_page(tmp_path: Path, method: str, path: str) -> None:
    """There is one endpoint; the rest is a 404 in HTML, before any key is looked at."""
    async with imgen(tmp_path) as native:
        answer = await native.http.request(method, f"{native.origin}{path}")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "404 Not Found" in answer.text
    assert "aiohttp" not in answer.headers["server"].lower()


async def test_a_status_without_its_model_is_refused(tmp_path: Path) -> None:
    """The seed says to pass id, prompt and model: the model is looked for too."""
    async with imgen(tmp_path) as native:
        run = await native.generate("a lighthouse")
        answer = await native.call("status", id=run["id"], prompt=run["prompt"])
    assert answer.status_code == 400


async def test_a_run_that_nobody_knows_is_not_found(tmp_path: Path) -> None:
    """A well-formed id that was never given out is a 404; the seed's own example is well-formed."""
    async with imgen(tmp_path) as native:
        answer = await native.call("status", id="run_abc123", prompt="a", model="eros")
    assert (answer.status_code, set(answer.json())) == (404, {"error"})


async def test_optimize_enriches_a_prompt_and_keeps_its_commands(tmp_path: Path) -> None:
    """The character stays in front and the terms behind, and the same prompt is always enriched in the same way."""
    async with imgen(tmp_path) as native:
        one = await native.ask("optimize", prompt="@aya black lingerie, on bed, -red dress", model="eros")
        other = await native.ask("optimize", prompt="@aya black lingerie, on bed, -red dress")
    assert set(one) == {"prompt"}
    assert one == other
    assert one["prompt"].startswith("@aya black lingerie, on bed, ")
    assert one["prompt"].endswith(", -red dress")


async def test_optimize_returns_a_long_prompt_untouched(tmp_path: Path) -> None:
    """A no-op enhancement returns the original, to the letter."""
    prompt = "@aya  " + "a quiet harbour at night,, " * 10 + "-crowd"
    async with imgen(tmp_path) as native:
        assert await native.ask("optimize", prompt=prompt) == {"prompt": prompt}


async def test_generate_with_optimize_returns_the_prompt_to_poll_with(tmp_path: Path) -> None:
    """The answer's prompt is the enhanced one, `meta` says so, and the picture is made from it."""
    async with imgen(tmp_path) as native:
        run = await native.generate("@aya at the sea, -red dress", optimize=True)
        meta = (await native.finished(run))["meta"]
    assert run["prompt"].startswith("@aya at the sea, ")
    assert run["prompt"].endswith(", -red dress")
    assert run["prompt"] == meta["prompt"] != "@aya at the sea, -red dress"
    assert meta["optimized"] is True
    assert run["prompt"].removeprefix("@aya ").removesuffix(", -red dress") in meta["positive"]


async def test_random_invents_a_prompt_with_the_character_that_is_wished(tmp_path: Path) -> None:
    """A known character is used, an empty one means none, and an unknown one counts as not named."""
    async with imgen(tmp_path) as native:
        aya, none, unknown, free = [
            (await native.ask("random", **wish))["prompt"]
            for wish in ({"character": "aya"}, {"character": ""}, {"character": "nobody"}, {})
        ]
    assert aya.startswith("@aya ")
    assert "@" not in none
    assert unknown.startswith("@")
    assert "nobody" not in unknown
    assert free.startswith("@")
    assert len({aya, none, unknown, free}) == 4


async def test_random_is_the_same_series_in_every_process(tmp_path: Path) -> None:
    """The n-th prompt of a process depends on n alone."""
    series = []
    for each in ("one", "other"):
        async with imgen(tmp_path / each) as native:
            series.append([await native.ask("random") for _ in range(3)])
    assert series[0] == series[1]


def test_there_are_two_profiles_and_no_third(tmp_path: Path) -> None:
    """A profile that does not exist is refused by name."""
    assert PROFILES == ("v2", "v2-lenient")
    with pytest.raises(ValueError, match="v3"):
        sandbox(data_dir=str(tmp_path), profile="v3")
