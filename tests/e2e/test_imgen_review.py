"""imgen's reviewer: what it passes, what it blocks, and who may ever see a picture that is withheld."""

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from gateway.access.signing import Signer
from tests.e2e.asked import begun, post, problem, shown, wait_for
from tests.e2e.drawn import media_of
from tests.e2e.imgen_world import before_it, ended, imgen_sandbox, wish
from tests.e2e.keyed import KeyedGateway
from tests.e2e.listening_in import told
from tests.e2e.scraped import Scrape, want
from tests.harness import GatewayProcess, SandboxProcess

REVIEWER = ("--scope", "jobs:read", "--scope", "assets:read", "--scope", "assets:write", "--scope", "policy:review")


@pytest.fixture(scope="module")
def imgen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    """An imgen that nobody else talks to."""
    with imgen_sandbox(tmp_path_factory.mktemp("imgen")) as running:
        yield running


@pytest.fixture(scope="module")
def keeping(imgen: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedGateway]:
    """A gateway that keeps what is withheld."""
    with before_it(tmp_path_factory.mktemp("keeping"), imgen, keyed=True, keep_withheld=True) as running:
        yield running


@pytest.fixture(scope="module")
def blocked(keeping: KeyedGateway) -> dict[str, Any]:
    """A job of the team `design` that was blocked there."""
    design = keeping.client("design")
    wished = wish("a canary portrait [[unsafe:nudity,hate]]", policy={"ruleset": "strict"})
    return ended(design, {"": wished})[""]


@pytest.fixture(scope="module")
def withheld(keeping: KeyedGateway, blocked: dict[str, Any]) -> dict[str, Any]:
    """What is withheld of it, as a reviewer of its team is shown it."""
    page = keeping.client("design", *REVIEWER).get("/v1/assets", params={"withheld": "true"}).json()
    assert [each["job_id"] for each in page["assets"]] == [blocked["id"]]
    found: dict[str, Any] = page["assets"][0]
    return found


def test_a_safe_picture_is_passed_by_the_rules_that_were_asked_for(keeping: KeyedGateway) -> None:
    """With its thumbnail, and both prompts as the server built them."""
    job = ended(keeping.client("design"), {"": wish("a calm sea", policy={"ruleset": "strict"})})[""]
    assert job["state"] == "succeeded", job["error"]
    assert job["review"] == {"verdict": "passed", "ruleset": "strict", "categories": [], "cached": False}
    assert [(each["role"], each["review"]) for each in job["outputs"]] == [("image", "passed"), ("thumbnail", "passed")]
    assert job["effective"]["prompt"].startswith("a calm sea, professional")
    assert job["effective"]["negative_prompt"].startswith("worst quality")
    assert job["effective"]["cache_hit"] is False


def test_a_blocked_job_says_why_and_shows_nothing(keeping: KeyedGateway, blocked: dict[str, Any]) -> None:
    """Neither the job, its events nor any list bears a trace of the picture or of where it lay."""
    assert blocked["state"] == "blocked"
    assert blocked["error"]["code"] == "policy.output_blocked"
    assert blocked["error"]["categories"] == ["nudity", "hate"]
    assert blocked["review"] == {
        "verdict": "blocked", "ruleset": "strict", "categories": ["nudity", "hate"], "cached": False,
    }  # fmt: skip
    assert blocked["outputs"] == []
    design = keeping.client("design")
    events = told(design, f"/v1/jobs/{blocked['id']}/events")
    assert events[-1].event == "job.blocked"
    inline = design.get(f"/v1/jobs/{blocked['id']}", params={"inline": "true"}).json()
    for text in (
        *(event.data for event in events),
        str(blocked),
        str(inline),
        design.get("/v1/jobs", params={"state": "blocked"}).text,
    ):
        assert "ast_" not in text
        assert "/signed/" not in text
    assert blocked["id"] not in design.get("/v1/assets").text


def test_a_reviewer_of_the_team_sees_what_is_withheld(
    keeping: KeyedGateway, blocked: dict[str, Any], withheld: dict[str, Any]
) -> None:
    """In a list of its own, as a file, as a thumbnail; it never joins the gallery."""
    reviewer = keeping.client("design", *REVIEWER)
    assert withheld["withheld"] is True
    picture = media_of(reviewer.get(withheld["url"]).raise_for_status().content)
    assert (picture.format, picture.width, picture.height) == ("png", 1024, 1024)
    small = media_of(reviewer.get(withheld["url"], params={"thumbnail": "128"}).raise_for_status().content)
    assert small.width == 128
    assert reviewer.get(f"/v1/assets/{withheld['id']}").json()["job_id"] == blocked["id"]
    assert withheld["id"] not in reviewer.get("/v1/assets").text


def doors(http: httpx.Client, asset_id: str) -> dict[str, httpx.Response]:
    """Return what every route says of an asset."""
    at = f"/v1/assets/{asset_id}"
    return {
        "show": http.get(at),
        "content": http.get(f"{at}/content"),
        "head": http.head(f"{at}/content"),
        "range": http.get(f"{at}/content", headers={"Range": "bytes=0-9"}),
        "thumbnail": http.get(f"{at}/content", params={"thumbnail": "256"}),
        "delete": http.delete(at),
        "restore": http.post(f"{at}/restore"),
    }


@pytest.mark.parametrize("whose", [("design",), ("other", *REVIEWER), ("other", "--scope", "admin")])
def test_nobody_else_learns_that_it_is_there(
    keeping: KeyedGateway, withheld: dict[str, Any], whose: tuple[str, ...]
) -> None:
    """Not its own team without the scope, and no other team with it: on every route it is not found."""
    http = keeping.client(*whose)
    unknown = "ast_" + "0" * 26
    for (name, found), missing in zip(doors(http, withheld["id"]).items(), doors(http, unknown).values(), strict=True):
        assert (found.status_code, missing.status_code) == (404, 404), name
        if name != "head":
            assert found.json()["detail"] == missing.json()["detail"], name
    answer = http.get("/v1/assets", params={"withheld": "true"})
    if whose == ("design",):
        problem(answer, "auth.forbidden", 403)
    else:
        assert answer.json()["assets"] == []
    body = wish("again", inputs=[{"role": "watermark", "asset_id": withheld["id"]}])
    if whose != ("other", *REVIEWER):
        problem(post(http, body), "request.reference_invalid", 400)


def test_it_cannot_become_an_input_of_a_reviewer_either(keeping: KeyedGateway, withheld: dict[str, Any]) -> None:
    """What is withheld goes into no other picture."""
    http = keeping.client("design", *REVIEWER, "--scope", "jobs:write")
    body = wish("again", inputs=[{"role": "watermark", "asset_id": withheld["id"]}])
    problem(post(http, body), "request.reference_invalid", 400)


def test_only_an_address_that_was_signed_for_it_opens_it(keeping: KeyedGateway, withheld: dict[str, Any]) -> None:
    """An address as it is signed for every other file opens nothing that is withheld."""
    signer = Signer((keeping.data_dir / "secret").read_bytes())
    nobody = httpx.Client(base_url=keeping.url, trust_env=False)
    plain = nobody.get(signer.path(withheld["id"], now=time.time()))
    problem(plain, "auth.unauthenticated", 401)
    signed = nobody.get(signer.path(withheld["id"], now=time.time(), withheld=True))
    assert media_of(signed.content).width == 1024
    nobody.close()


def test_nothing_of_it_is_logged(keeping: KeyedGateway, withheld: dict[str, Any]) -> None:
    """Neither where it lay, nor its digest, nor the words it was made from."""
    log = keeping.log.read_text()
    for secret in ("/signed/", "unsafe_url", withheld["sha256"], "canary"):
        assert secret not in log


def test_it_is_not_even_fetched_unless_it_is_kept(imgen: SandboxProcess, gateway_without: GatewayProcess) -> None:
    """By default a blocked picture stays where it is."""
    before = len(imgen.calls("GET", "/signed/"))
    job = ended(gateway_without.http, {"": wish("a portrait [[unsafe]]")})[""]
    assert (job["state"], job["error"]["outcome"]) == ("blocked", "finished_blocked")
    assert job["review"]["verdict"] == "blocked"
    assert len(imgen.calls("GET", "/signed/")) == before
    assert gateway_without.http.get("/v1/assets", params={"withheld": "true"}).json()["assets"] == []


@pytest.fixture(scope="module")
def gateway_without(imgen: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway with the settings it comes with."""
    with before_it(tmp_path_factory.mktemp("without"), imgen) as running:
        yield running


def test_a_run_is_reviewed_although_its_caller_is_gone(imgen: SandboxProcess, gateway_without: GatewayProcess) -> None:
    """Cancelled with us it goes on there, is asked after to its end, and counts as a late result; nothing is kept."""
    http = gateway_without.http
    jobs = {word: begun(http, wish(f"a {word} end [[slow:200]] {token}"))["id"] for word, token in LATE.items()}
    wait_for(lambda: all(_run(imgen, word) for word in LATE), "all runs")
    for job_id in jobs.values():
        answer = http.post(f"/v1/jobs/{job_id}/cancel").json()
        assert answer["state"] == "cancelled"
        assert answer["cancel"]["answer"] == "cannot"
        assert "may cost" in answer["cancel"]["detail"]
    wait_for(lambda: all(_run(imgen, word).get("flagged") is not None for word in LATE), "both reviews")
    wait_for(
        lambda: all(Scrape(http).value(want("late_results", result=each)) for each in ("succeeded", "blocked")),
        "both late results",
    )
    for job_id in jobs.values():
        job = shown(http, job_id)
        assert (job["state"], job["outputs"]) == ("cancelled", [])


LATE = {"good": "", "bad": "[[unsafe]]"}


def _run(imgen: SandboxProcess, word: str) -> dict[str, Any]:
    runs = imgen.http.get("/_sandbox/runs").json()["runs"]
    return next((run for run in runs if f"a {word} end" in run["prompt"]), {})
