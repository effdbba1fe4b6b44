"""Several pictures where a run makes one: several runs under one job, each with an attempt and an end of its own."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.asked import pointers, post, problem
from tests.e2e.imgen_world import before_it, ended, generated, imgen_sandbox, receipts, wish
from tests.harness import GatewayProcess, SandboxProcess


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


@pytest.fixture(scope="module")
def jobs(front: GatewayProcess, imgen: SandboxProcess) -> dict[str, dict[str, Any]]:
    """Three pictures of each kind; of some, one run comes to a bad end."""
    imgen.force(
        {"route": "POST /api/v2#generate", "contains": "one withheld", "outcome": "unsafe", "times": 1},
        {"route": "POST /api/v2#generate", "contains": "one lost", "outcome": "generation_failed_started", "times": 1},
        {"route": "POST /api/v2#generate", "contains": "not fewer", "outcome": "unsafe", "times": 1},
    )
    three = {"n": 3, "on_unsupported": "adapt"}
    try:
        return ended(
            front.http,
            {
                "all well": wish("three foxes, all well", **three),
                "one withheld": wish("three foxes, one withheld", **three),
                "one lost": wish("three foxes, one lost", **three),
                "all withheld": wish("three foxes, all withheld [[unsafe:hate]]", **three),
                "not fewer": wish("three foxes, not fewer", partial="reject", **three),
            },
        )
    finally:
        imgen.force()


def pictures(job: dict[str, Any]) -> list[int]:
    """Return the places of a job's pictures."""
    return sorted(each["index"] for each in job["outputs"] if each["role"] == "image")


def test_one_run_is_sent_for_each_picture(jobs: dict[str, Any], imgen: SandboxProcess) -> None:
    """Each has its own part, attempt and thumbnail; that it costs three times is said."""
    job = jobs["all well"]
    assert job["state"] == "succeeded", job["error"]
    assert len(generated(imgen, "all well")) == 3
    assert pictures(job) == [0, 1, 2]
    assert sorted(each["index"] for each in job["outputs"] if each["role"] == "thumbnail") == [0, 1, 2]
    assert [(each["part"], each["state"], each["delivered"]) for each in job["parts"]] == [
        (1, "succeeded", 1), (2, "succeeded", 1), (3, "succeeded", 1),
    ]  # fmt: skip
    assert sorted(each["part"] for each in job["attempts"]) == [1, 2, 3]
    assert len({each["sha256"] for each in job["outputs"] if each["role"] == "image"}) == 3
    assert receipts(job, "gateway")["/n"] == (3, {"native_jobs": 3, "pictures_each": 1}, "snapped")
    assert "3 bills" in job["warnings"][0]
    assert job["review"]["verdict"] == "passed"


def test_one_withheld_picture_keeps_no_other_back(jobs: dict[str, Any]) -> None:
    """Two come, the receipt says so, and the review of the whole job is the worst."""
    job = jobs["one withheld"]
    assert (job["state"], len(pictures(job))) == ("succeeded", 2)
    assert sorted(each["state"] for each in job["parts"]) == ["blocked", "succeeded", "succeeded"]
    bad = next(each for each in job["parts"] if each["state"] == "blocked")
    assert bad["error"]["code"] == "policy.output_blocked"
    assert receipts(job)["/n"] == (3, 2, "not_honoured")
    assert (job["review"]["verdict"], job["review"]["categories"]) == ("blocked", ["nudity"])


def test_a_part_of_unknown_outcome_is_not_sent_again(jobs: dict[str, Any], imgen: SandboxProcess) -> None:
    """The server may have started it although it said that it failed: nobody pays for a fourth."""
    job = jobs["one lost"]
    assert (job["state"], len(pictures(job))) == ("succeeded", 2)
    assert len(generated(imgen, "one lost")) == 3
    bad = next(each for each in job["parts"] if each["state"] == "failed")
    assert (bad["error"]["code"], bad["error"]["outcome"]) == ("backend.failed", "unknown")


def test_a_job_of_nothing_but_withheld_pictures_is_blocked(jobs: dict[str, Any]) -> None:
    """With the categories, and without a picture."""
    job = jobs["all withheld"]
    assert (job["state"], job["outputs"]) == ("blocked", [])
    assert (job["review"]["verdict"], job["review"]["categories"]) == ("blocked", ["hate"])


def test_who_wants_all_or_nothing_gets_nothing(jobs: dict[str, Any]) -> None:
    """`partial: reject` ends as a failure, and what was delivered is not kept."""
    job = jobs["not fewer"]
    assert (job["state"], job["outputs"]) == ("failed", [])
    assert job["error"]["code"] == "policy.output_blocked"


def test_several_pictures_need_leave(front: GatewayProcess, imgen: SandboxProcess) -> None:
    """By default more than one is refused: each would be a run, a review and a bill of its own."""
    before = len(imgen.submits())
    found = problem(post(front.http, wish("two foxes", n=2)), "request.option_unsupported", 400)
    assert pointers(found) == ["/n"]
    assert len(imgen.submits()) == before
