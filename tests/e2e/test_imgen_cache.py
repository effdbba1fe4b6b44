"""imgen's cache, which everybody shares who has the key: what a hit is, what it cannot be, and who may ask for one."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.asked import pointers, post, problem
from tests.e2e.imgen_world import QUICK, before_it, ended, generated, imgen_sandbox, receipts, wish
from tests.harness import GatewayProcess, SandboxProcess, backend

PREFER = {"mode": "prefer"}
KNOWN = "a lighthouse above a calm bay"


@pytest.fixture(scope="module")
def imgen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """An imgen that nobody else talks to."""
    with imgen_sandbox(tmp_path_factory.mktemp("imgen")) as running:
        yield running


@pytest.fixture(scope="module")
def doubting(imgen: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A gateway with the settings it comes with; the cache has one entry."""
    with before_it(tmp_path_factory.mktemp("doubting"), imgen) as running:
        assert ended(running.http, {"": wish(KNOWN)})[""]["state"] == "succeeded"
        yield running.http


@pytest.fixture(scope="module")
def hits(doubting: httpx.Client) -> dict[str, dict[str, Any]]:
    """What came of wishes for a cached picture."""
    small = {"width": 832, "height": 1216}
    return ended(
        doubting,
        {
            "a hit": wish(KNOWN, cache=PREFER),
            "only a hit": wish(KNOWN, cache={"mode": "only", "pool": 1}),
            "a hit of another size": wish(KNOWN, cache=PREFER, size=small, output={"format": "jpeg"}),
            "a hit with a title": wish(KNOWN, cache=PREFER, provenance={"title": "Bay"}, negative_prompt="fog"),
            "unlike anything": wish("a herd of elephants crossing", cache=PREFER),
            "anything at all": wish("a herd of zebras", cache={"mode": "prefer", "min_similarity": "any"}),
            "nothing to be found": wish("a flight of cranes", cache={"mode": "only"}),
            "too late": wish("a raft of otters [[cached_expired]]", cache=PREFER),
            "by rules": wish(KNOWN, cache=PREFER, policy={"ruleset": "strict"}),
            "unasked": wish("a murder of crows [[cache_hit]]", cache={"mode": "off"}),
        },
    )


@pytest.mark.parametrize("name", ["a hit", "only a hit", "anything at all"])
def test_a_hit_says_that_it_is_one_and_that_nobody_reviewed_it(hits: dict[str, Any], name: str) -> None:
    """Cached jobs skip the review (seed): absence of a review is never shown as safe."""
    job = hits[name]
    assert job["state"] == "succeeded", job["error"]
    assert job["effective"]["cache_hit"] is True
    assert (job["review"]["verdict"], job["review"]["cached"]) == ("not_reviewed", True)
    assert {each["review"] for each in job["outputs"]} == {"not_reviewed"}
    assert job["adjustments"] == []


def test_what_a_hit_is_not_is_told(hits: dict[str, Any]) -> None:
    """It is an earlier picture: of its own size and format, without the title and the negatives of this request."""
    other = receipts(hits["a hit of another size"])
    assert other["/size"][1] == {"width": 1024, "height": 1024}
    assert other["/output/format"] == ("jpeg", "png", "not_honoured")
    titled = receipts(hits["a hit with a title"])
    assert set(titled) == {"/provenance", "/negative_prompt"}


def test_a_miss_is_generated_and_reviewed_or_told(hits: dict[str, Any]) -> None:
    """`prefer` goes on, `only` ends as a miss that costs nothing."""
    job = hits["unlike anything"]
    assert (job["state"], job["effective"]["cache_hit"]) == ("succeeded", False)
    assert job["review"]["verdict"] == "passed"
    missed = hits["nothing to be found"]
    assert (missed["state"], missed["error"]["code"]) == ("failed", "resource.cache_miss")
    assert missed["error"]["outcome"] == "not_started"


def test_a_hit_that_is_too_old_when_it_is_asked_after_is_expired(hits: dict[str, Any]) -> None:
    """Ids of hits live an hour."""
    assert (hits["too late"]["state"], hits["too late"]["error"]["code"]) == ("failed", "resource.expired")


def test_rules_of_review_are_worth_more_than_a_hint(hits: dict[str, Any], imgen: SandboxProcess) -> None:
    """Who names rules gets a new picture, reviewed by them; together with `only` they contradict each other."""
    job = hits["by rules"]
    assert (job["effective"]["cache_hit"], job["review"]["ruleset"]) == (False, "strict")
    assert receipts(job, "gateway")["/cache/mode"] == ("prefer", "off", "dropped")
    sent = [body for body in generated(imgen, KNOWN) if body.get("compliance_ruleset") == "strict"]
    assert len(sent) == 1
    assert "use_cache" not in sent[0]


def test_rules_and_only_hits_contradict_each_other(doubting: httpx.Client) -> None:
    """Refused before anything is sent."""
    body = wish(KNOWN, cache={"mode": "only"}, policy={"ruleset": "strict"})
    assert pointers(problem(post(doubting, body), "request.field_invalid", 400)) == ["/cache/mode"]


def test_a_hit_that_nobody_let_in_is_told(hits: dict[str, Any]) -> None:
    """The picture of somebody else: a receipt, and a warning."""
    job = hits["unasked"]
    assert job["effective"]["cache_hit"] is True
    assert receipts(job)["/cache/mode"] == ("off", "a picture from the cache", "not_honoured")
    assert "cache" in job["warnings"][0]


def test_an_operator_may_trust_the_cache(imgen: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> None:
    """`review.trust_cache` believes the seed's "always safe": passed, and still said to be cached."""
    with before_it(tmp_path_factory.mktemp("trusting"), imgen, trust_cache=True) as trusting:
        words = "a harbour in the rain"
        assert ended(trusting.http, {"": wish(words)})[""]["review"]["cached"] is False
        job = ended(trusting.http, {"": wish(words, cache=PREFER)})[""]
    assert (job["review"]["verdict"], job["review"]["cached"]) == ("passed", True)
    assert job["effective"]["cache_hit"] is True


def test_a_cache_that_is_not_cleared_for_sharing_is_not_asked(
    imgen: SandboxProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Without `shared_cache_ok`, `prefer` is not followed and `only` is refused."""
    behind = {"imgen": backend(imgen, shared_cache_ok=False, timeouts=QUICK)}
    running = GatewayProcess(tmp_path_factory.mktemp("private"), behind)
    try:
        only = post(running.http, wish(KNOWN, cache={"mode": "only"}))
        assert pointers(problem(only, "request.option_unsupported", 400)) == ["/cache/mode"]
        told = running.http.post("/v1/jobs", params={"dry_run": "true"}, json=wish(KNOWN, cache=PREFER)).json()
        assert "use_cache" not in told["request"]["body"]
        assert [each["pointer"] for each in told["adjustments"]] == ["/cache/mode"]
    finally:
        running.stop()
