import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.unit.adapters.imgen.native import Native, imgen

WORDS = "one two three four five six seven eight nine ten eleven twelve"
#: Prompts against WORDS: 12 of 12, 12 of 13 (0.92), and 20 of 21 (0.952) against the same words and eight more.
LONG = f"{WORDS} red green blue black white brown pink grey"


async def test_a_finished_safe_run_is_found_again(tmp_path: Path) -> None:
    """A hit has the seed's keys, another id, and the picture of the earlier run, at once."""
    async with imgen(tmp_path) as native:
        first = await native.made(WORDS)
        hit = await native.generate(WORDS.replace(" ", ", "), use_cache=True)
        answer = (await native.status(hit)).json()
        again = await native.generate(WORDS, use_cache=True)
    assert set(hit) == {"id", "prompt", "model", "format", "gen_id", "cache"}
    assert hit["id"].startswith("cache_")
    assert hit["cache"] is True
    assert set(answer) == {"status", "meta", "cache"}
    assert (answer["status"], answer["cache"], answer["meta"]["compliance"]) == ("COMPLETED", True, "safe")
    assert set(answer["meta"]) == set(first)
    assert answer["meta"]["id"] == hit["id"] != again["id"]
    same = ("gen_id", "positive", "negative", "fingerprint", "time", "width", "height", "format")
    assert {name: answer["meta"][name] for name in same} == {name: first[name] for name in same}
    assert [image["filename"] for image in answer["meta"]["images"]] == [each["filename"] for each in first["images"]]


@pytest.mark.parametrize(
    ("entry", "asked", "found"),
    [
        (WORDS, f"{WORDS} thirteen", False),
        (LONG, f"{LONG} orange", True),
        (f"@aya {WORDS}", f"@aya {WORDS}", True),
        (WORDS, f"@aya {WORDS}", False),
        (WORDS, f"{WORDS}, -thirteen, -fourteen", True),
        (WORDS, WORDS.upper(), True),
    ],
)
async def test_likeness_is_measured_on_the_words_of_the_positive_prompt(
    tmp_path: Path,
    entry: str,
    asked: str,
    found: bool,  # noqa: FBT001
) -> None:
    """More than 0.95 of all words must be shared, terms do not count, and the character must be equal."""
    async with imgen(tmp_path) as native:
        await native.made(entry)
        run = await native.generate(asked, use_cache=True)
    assert run.get("cache", False) is found


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"model": "atlas"}, False),
        ({"style": "anime"}, False),
        ({"style": "professional", "model": "eros"}, True),
        ({"width": 1024, "height": 1024, "format": "png", "quality": 10}, True),
        ({"compliance_ruleset": "strict"}, True),
    ],
)
async def test_model_and_style_must_be_equal_and_nothing_else(
    tmp_path: Path,
    fields: dict[str, Any],
    found: bool,  # noqa: FBT001
) -> None:
    """A hit may differ in size, format and ruleset from what was asked: it is the earlier picture as it is."""
    async with imgen(tmp_path) as native:
        await native.made(WORDS)
        run = await native.generate(WORDS, use_cache=True, **fields)
        meta = (await native.finished(run))["meta"]
    assert run.get("cache", False) is found
    assert not found or (meta["width"], meta["format"], run["format"], meta["compliance_ruleset"]) == (
        1344, "jpeg", "jpeg", "default",
    )  # fmt: skip


async def test_the_cache_is_only_asked_when_that_is_wished(tmp_path: Path) -> None:
    """Without `use_cache` an equal prompt is made anew, even with `cache_only`."""
    async with imgen(tmp_path) as native:
        await native.made(WORDS)
        assert "cache" not in await native.generate(WORDS)
        assert "cache" not in await native.generate(WORDS, cache_only=True, cache_force=True)


async def test_a_miss_falls_through_or_is_the_answer(tmp_path: Path) -> None:
    """A miss starts a run, or with `cache_only` is a 404 that starts none."""
    async with imgen(tmp_path) as native:
        assert "cache" not in await native.generate(WORDS, use_cache=True)
        before = len(await native.runs())
        answer = await native.call("generate", prompt="else", use_cache=True, cache_only=True)
        assert (answer.status_code, answer.json()) == (404, {"error": "No cached result found"})
        assert len(await native.runs()) == before


async def test_cache_force_takes_the_likest_whatever_the_floor(tmp_path: Path) -> None:
    """With a pool of one the most alike entry is taken, however far it is."""
    async with imgen(tmp_path) as native:
        near = await native.made(f"{WORDS} red green blue")
        await native.made("a lighthouse in a storm")
        hit = await native.generate(WORDS, use_cache=True, cache_force=True, cache_pick=1)
    assert (hit["cache"], hit["gen_id"]) == (True, near["gen_id"])


async def picks(native: Native, pool: int) -> set[str]:
    """Return what many different requests get out of a pool."""
    asked = [native.generate(WORDS, use_cache=True, cache_pick=pool, quality=number) for number in range(1, 61)]
    return {hit["gen_id"] for hit in await asyncio.gather(*asked)}


async def test_one_of_the_best_is_picked_and_the_pool_is_clamped(tmp_path: Path) -> None:
    """`cache_pick` bounds the pool between one and ten; equal requests get the same pick."""
    async with imgen(tmp_path) as native:
        made = await asyncio.gather(*(native.made(WORDS) for _ in range(12)))
        assert {len(await picks(native, pool)) for pool in (-3, 0, 1)} == {1}
        assert len(await picks(native, 3)) == 3
        assert len(await picks(native, 99)) == 10
        same = [await native.generate(WORDS, use_cache=True) for _ in range(5)]
    assert len({hit["gen_id"] for hit in same}) == 1
    assert {hit["gen_id"] for hit in same} <= {meta["gen_id"] for meta in made}


async def test_a_hit_passes_enhancement_and_review_by(tmp_path: Path) -> None:
    """A hit is `safe` although the ruleset of the request would block it, and its prompt is not enhanced."""
    async with imgen(tmp_path) as native:
        await native.made("a handgun on a table")
        asked = {"use_cache": True, "optimize": True, "compliance_ruleset": "strict"}
        hit = await native.generate("a handgun on a table", **asked)
        answer = await native.finished(hit)
        anew = await native.finished(await native.generate("a handgun on a table", compliance_ruleset="strict"))
    assert (hit["prompt"], hit["cache"]) == ("a handgun on a table", True)
    assert answer["meta"]["compliance"] == "safe"
    assert answer["meta"]["optimized"] is False
    assert anew["compliance"] == "unsafe"


async def test_what_was_not_polled_to_its_end_is_no_entry(tmp_path: Path) -> None:
    """The review happens inside `status`: a run that nobody asked after is never reviewed, and so never found."""
    async with imgen(tmp_path) as native:
        await native.generate(WORDS)
        await asyncio.sleep(0.05)
        assert [(run["state"], run["flagged"]) for run in await native.runs()] == [("COMPLETED", None)]
        answer = await native.call("generate", prompt=WORDS, use_cache=True, cache_only=True)
    assert answer.json() == {"error": "No cached result found"}


async def test_blocked_and_forced_runs_are_no_entries(tmp_path: Path) -> None:
    """What was blocked, and what a token spoiled, is not served to the next one."""
    async with imgen(tmp_path) as native:
        for prompt in ("a handgun", f"{WORDS} [[truncated]]", f"{WORDS} [[failed]]", f"{WORDS} [[compliance:odd]]"):
            await native.finished(await native.generate(prompt, compliance_ruleset="strict"))
        for prompt in ("a handgun", WORDS):
            answer = await native.call("generate", prompt=prompt, use_cache=True, cache_only=True)
            assert answer.status_code == 404


async def test_each_key_has_its_own_cache(tmp_path: Path) -> None:
    """An entry is found with the key that made it, and with no other."""
    async with imgen(tmp_path, api_key=None) as native:
        await native.made(WORDS)
        native.key = "another"
        assert "cache" not in await native.generate(WORDS, use_cache=True)


async def test_a_hit_expires_after_an_hour(tmp_path: Path) -> None:
    """An hour of the sandbox's time after `generate`, the hit is gone, and its id with it."""
    async with imgen(tmp_path, speed=18_000) as native:
        await native.made(WORDS)
        hit = await native.generate(WORDS, use_cache=True)
        assert (await native.status(hit)).status_code == 200
        await asyncio.sleep(0.25)
        answer = await native.status(hit)
    assert (answer.status_code, answer.json()) == (404, {"error": "Cached result not found or expired"})
