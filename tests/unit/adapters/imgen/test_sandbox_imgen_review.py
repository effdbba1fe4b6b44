import asyncio
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from contracts.sniff import sniff
from tests.unit.adapters.imgen.native import imgen


async def test_a_blocked_run_has_the_answer_of_the_seed(tmp_path: Path) -> None:
    """The five keys, no `meta`, categories by id, and names in the text."""
    async with imgen(tmp_path) as native:
        answer = await native.finished(await native.generate("a portrait [[unsafe:nudity,self_harm]]"))
    assert set(answer) == {"status", "compliance", "error", "filter_categories", "unsafe_url"}
    assert (answer["status"], answer["compliance"]) == ("COMPLETED", "unsafe")
    assert answer["error"] == "Content blocked — flagged for: Nudity, Self harm"
    assert answer["filter_categories"] == ["nudity", "self_harm"]


async def test_the_blocked_picture_lies_behind_its_wrapped_url(tmp_path: Path) -> None:
    """`unsafe_url` is base64 of a signed URL that works: it discourages, it does not protect."""
    async with imgen(tmp_path) as native:
        answer = await native.finished(await native.generate("a portrait [[unsafe]]"))
        url = b64decode(answer["unsafe_url"], validate=True).decode()
        picture = await native.http.get(url)
    assert url.startswith(f"{native.origin}/signed/")
    found = sniff(picture.content)
    assert found is not None
    assert (found.format, found.width, found.height) == ("jpeg", 1344, 768)


@pytest.mark.parametrize(
    ("prompt", "fields", "flagged"),
    [
        ("a handgun on a table", {}, []),
        ("a handgun on a table", {"compliance_ruleset": "strict"}, ["weapons"]),
        ("a handgun on a table", {"compliance_ruleset": "nobody-knows-it"}, []),
        ("gore, a swastika", {}, ["violence", "hate"]),
        ("gore, a swastika", {"compliance_ruleset": "minimal"}, ["hate"]),
        ("gore", {"compliance_ruleset": "  "}, ["violence"]),
        ("gore", {"precompliance": "ban-word-service: no banned tokens matched (v3.2)"}, ["violence"]),
        ("a calm sea", {"precompliance": "ban-word-service: matched gore"}, []),
        ("a calm sea, -gore", {"negative": "swastika"}, []),
    ],
)
async def test_the_ruleset_decides_and_the_upstream_signal_does_not(
    tmp_path: Path, prompt: str, fields: dict[str, Any], flagged: list[str]
) -> None:
    """What is flagged depends on the positive prompt and the ruleset alone."""
    async with imgen(tmp_path) as native:
        answer = await native.finished(await native.generate(prompt, **fields))
    assert answer.get("filter_categories", []) == flagged
    assert ("meta" in answer) is not bool(flagged)


async def test_a_verdict_is_reached_once_and_stays(tmp_path: Path) -> None:
    """Every later poll repeats what the first one after the end found."""
    async with imgen(tmp_path) as native:
        await native.force({"outcome": "unsafe", "argument": "hate", "route": "POST /api/v2#generate", "times": 1})
        run = await native.generate("a portrait")
        first = await native.finished(run)
        second = (await native.status(run)).json()
        later = await native.finished(await native.generate("a portrait"))
    assert first["filter_categories"] == second["filter_categories"] == ["hate"]
    assert later["meta"]["compliance"] == "safe"


async def test_the_review_happens_in_the_poll_that_sees_the_end(tmp_path: Path) -> None:
    """A run that is through but was not asked after has no verdict; the poll that finds it so takes longer."""
    async with imgen(tmp_path, speed=5) as native:
        run = await native.generate("a portrait [[slow:0.2]]")
        await asyncio.sleep(0.3)
        assert (await native.runs())[0]["flagged"] is None
        clock = asyncio.get_running_loop().time
        start = clock()
        await native.status(run)
        middle = clock()
        await native.status(run)
        assert middle - start > 0.1 > clock() - middle
        assert (await native.runs())[0]["flagged"] == []
