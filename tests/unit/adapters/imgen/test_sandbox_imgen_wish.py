from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.imgen.native import imgen

PAIRS = [(1024, 1024), (1344, 768), (768, 1344), (1216, 832), (832, 1216), (1152, 896), (896, 1152)]
DEFAULTS = {
    "model": "eros", "style": "professional", "width": 1344, "height": 768, "format": "jpeg", "quality": 95,
    "lossless": False, "optimized": False, "compliance_ruleset": "default", "precompliance": "", "character": "",
}  # fmt: skip
#: The seed's silent fallbacks (`cache_pick` is seen in the cache alone), then values of a type or range it leaves open.
FALLBACKS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"model": "zeus"}, {"model": "eros"}),
    ({"model": ""}, {"model": "eros"}),
    ({"style": "sketch"}, {"style": "professional"}),
    ({"style": ""}, {"style": "professional"}),
    ({"model": "atlas", "style": "cinematic"}, {"model": "atlas", "style": "photographic"}),
    ({"model": "terra"}, {"model": "terra", "style": "natural"}),
    ({"format": "gif"}, {"format": "jpeg"}),
    ({"width": 640, "height": 480}, {"width": 1344, "height": 768}),
    ({"width": 1024}, {"width": 1344, "height": 768}),
    ({"width": 768}, {"width": 1344, "height": 768}),
    ({"width": "1024", "height": [1024]}, {"width": 1344, "height": 768}),
    ({"compliance_ruleset": ""}, {"compliance_ruleset": "default"}),
    ({"compliance_ruleset": " \t"}, {"compliance_ruleset": "default"}),
    ({"precompliance": "x" * 2001}, {"precompliance": "x" * 2000}),
    ({"quality": 0}, {"quality": 1}),
    ({"quality": 1000}, {"quality": 100}),
    ({"quality": "high"}, {"quality": 95}),
    ({"lossless": "yes", "optimize": 1}, {"lossless": False, "optimized": False}),
]
HONOURED: list[dict[str, Any]] = [
    {"model": "atlas", "style": "watercolor"},
    {"format": "avif", "quality": 30, "lossless": True},
    {"compliance_ruleset": "house-rules", "precompliance": "x" * 2000},
    *({"width": width, "height": height} for width, height in PAIRS),
]
EROS = "worst quality, low quality, bad anatomy, extra fingers, watermark, text"
AYA = "a woman in her thirties with a short bob and a calm look"
#: Requests, and what is sent to the diffusion model for each.
CONSTRUCTIONS: list[tuple[dict[str, Any], str, str]] = [
    (
        {"prompt": "@aya black lingerie, on bed, warm lighting, -red dress, -ugly hands", "negative": "clutter"},
        f"aya_v3, {AYA}, black lingerie, on bed, warm lighting, professional photograph, sharp focus, high detail",
        f"{EROS}, amateur, overexposed, long hair, freckles, red dress, ugly hands, clutter",
    ),
    (
        {"prompt": "a lighthouse", "model": "terra"},
        "a lighthouse",
        "distorted, oversharpened, frame",
    ),
    (
        {"prompt": "a lighthouse, @chen", "style": "film"},
        "ohwx chen, a man in his forties with a trimmed beard, a lighthouse, vintage 35mm film, fine grain",
        EROS,
    ),
    (
        {"prompt": "a lighthouse", "model": "terra", "negative": " people "},
        "a lighthouse",
        "distorted, oversharpened, frame, people",
    ),
]
#: Prompts, with the text, the terms and the character that the server sees in them.
PROMPTS = [
    ("@aya -red dress, at the sea", "at the sea", "red dress", "aya"),
    ("at the sea with @bella and a dog", "at the sea with and a dog", "", "bella"),
    ("@chen @dario on a bench", "on a bench", "", "chen"),
    ("a well-known view, - , -", "a well-known view", "", ""),
    ("a view -without a crowd", "a view -without a crowd", "", ""),
    ("someone@example.org writes", "someone@example.org writes", "", ""),
    ("a view,-crowd,-cars", "a view", "crowd, cars", ""),
    ("@aya", "", "", "aya"),
    ("a view [[slow:1]], red [[noop]]", "a view, red", "", ""),
]


async def test_what_is_not_asked_for_has_the_default_of_the_table(tmp_path: Path) -> None:
    """A bare prompt gets the seed's default for every field."""
    async with imgen(tmp_path) as native:
        meta = await native.made("a lighthouse")
    assert {name: meta[name] for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize(("asked", "got"), FALLBACKS)
async def test_a_value_that_cannot_be_falls_back_in_silence(
    tmp_path: Path, asked: dict[str, Any], got: dict[str, Any]
) -> None:
    """Nothing is refused: the run says only in its `meta` what it used instead."""
    async with imgen(tmp_path) as native:
        run = await native.generate("a lighthouse", **asked)
        meta = (await native.finished(run))["meta"]
    assert {name: meta[name] for name in got} == got
    assert (run["model"], run["format"]) == (meta["model"], meta["format"])


@pytest.mark.parametrize("asked", HONOURED)
async def test_a_value_that_can_be_is_honoured(tmp_path: Path, asked: dict[str, Any]) -> None:
    """All seven pairs of sides, every style of a model, and any name of a ruleset come back as they were sent."""
    async with imgen(tmp_path) as native:
        meta = await native.made("a lighthouse", **asked)
    assert {name: meta[name] for name in asked} == asked


@pytest.mark.parametrize(("asked", "positive", "negative"), CONSTRUCTIONS)
async def test_both_prompts_are_built_to_the_letter(
    tmp_path: Path, asked: dict[str, Any], positive: str, negative: str
) -> None:
    """Each part stands in its place of the seed's two lines, and a part that is empty leaves no comma."""
    async with imgen(tmp_path) as native:
        meta = await native.made(**asked)
    assert meta["positive"] == positive
    assert meta["negative"] == negative


@pytest.mark.parametrize(("prompt", "text", "terms", "character"), PROMPTS)
async def test_a_prompt_is_taken_apart_as_the_seed_says(
    tmp_path: Path, prompt: str, text: str, terms: str, character: str
) -> None:
    """Names stand alone, terms begin a comma's segment, the rest is text, and forced outcomes are none of it."""
    plain = {"model": "terra", "style": "natural"}
    async with imgen(tmp_path) as native:
        meta = await native.made(prompt, **plain)
        alone = await native.made(f"@{character}" if character else "-x", **plain)
    assert meta["character"] == character
    assert meta["positive"] == ", ".join(part for part in (alone["positive"], text) if part)
    assert meta["negative"] == ", ".join(part for part in (alone["negative"].removesuffix(", x"), terms) if part)
    assert meta["prompt"] == prompt


async def test_an_unknown_name_is_refused_or_ignored_by_profile(tmp_path: Path) -> None:
    """The table of errors refuses it, the section on syntax ignores it: the second is the lenient profile."""
    async with imgen(tmp_path / "v2", profile="v2") as native:
        assert (await native.call("generate", prompt="@aya and @nobody")).json() == {"error": "Invalid character"}
        assert (await native.call("optimize", prompt="@nobody at sea")).json() == {"error": "Invalid character"}
        assert await native.runs() == []
    async with imgen(tmp_path / "lenient", profile="v2-lenient") as native:
        meta = await native.made("@nobody at the sea", model="terra")
    assert (meta["character"], meta["positive"]) == ("", "at the sea")
