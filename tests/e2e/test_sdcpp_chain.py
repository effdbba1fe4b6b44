"""Our adapter of sd.cpp Studio in front of our Studio face, in front of every sandbox: two gateways in a row."""

import base64
import io
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from PIL import Image

from tests.e2e.asked import begun, made, pointers, problem, shown, wait_for
from tests.e2e.drawn import media_of, png
from tests.e2e.studio_chain import FAR, Chain, chained, wish


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The whole of it."""
    found = chained(tmp_path_factory.mktemp("chain"))
    yield found
    found.stop()


def data(role: str, content: bytes) -> dict[str, str]:
    """Return a picture as an input."""
    return {"role": role, "data": base64.b64encode(content).decode()}


def mask() -> bytes:
    """Return a mask whose left half is to be edited."""
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 32, 64))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("count", [1, 2])
def test_pictures_come_through_both_gateways(chain: Chain, name: str, count: int) -> None:
    """As many as were asked for, each a real picture, and one inner job; who makes one a job begins no other."""
    before = chain.asked(name)
    job = made(chain.http, wish(name, f"{count} hills", n=count))
    if count > 1 and name == "imgen":
        assert (job["error"]["code"], chain.asked(name)) == ("backend.rejected_request", before)
        return
    assert job["state"] == "succeeded", job["error"]
    assert [output["index"] for output in job["outputs"]] == list(range(count))
    inside = chain.jobs(name)[0]
    pictures = [output for output in inside["outputs"] if output["role"] == "image"]
    assert (inside["state"], inside["backend"], len(pictures)) == ("succeeded", name, count)
    for output, original in zip(job["outputs"], pictures, strict=True):
        media = media_of(chain.http.get(output["url"]).content)
        assert (media.width, media.height) == (original["width"], original["height"])
    assert ("seed" in job["effective"]) == (FAR[name] == "sdcpp"), "a seed is told where one was used, and nowhere else"


@pytest.mark.parametrize("name", FAR)
def test_a_seed_goes_through_or_is_refused_before_anything_is_sent(chain: Chain, name: str) -> None:
    """What the far end honours is known in front, by the parameters that the face's list of models names."""
    body = wish(name, "a seeded fox", seed=4711, options={"sdcpp": {"sample_steps": 3}})
    if FAR[name] != "sdcpp":
        refused = problem(chain.http.post("/v1/jobs", json=body), "request.option_unsupported")
        assert set(pointers(refused)) == {"/seed", "/options/sdcpp/sample_steps"}
        return
    job = made(chain.http, body)
    assert (job["state"], job["effective"]["seed"]) == ("succeeded", 4711)
    [row] = [each for each in chain.rows(name) if each["prompt"] == "a seeded fox"]
    assert (row["seed"].partition(".")[0], row["sample_steps"]) == ("4711", 3)


#: Who does it; a mask goes with the edit.
ABLE = {
    "image.edit": {"head", "seed", "ima2", "new"},
    "masked": {"head", "seed", "ima2", "new"},
    "image.variation": {"head", "seed"},
    "image.upscale": {"head", "seed"},
}


@pytest.mark.parametrize("kind", ABLE)
@pytest.mark.parametrize("name", FAR)
def test_what_begins_with_a_picture_goes_through_or_is_refused_at_once(chain: Chain, name: str, kind: str) -> None:
    """One work at the far end, and its picture; or none at all, where nobody there can do it."""
    operation = "image.edit" if kind == "masked" else kind
    body = {**wish(name, "at night"), "operation": operation}
    body["inputs"] = [data("source", png(64, 64)), *([data("mask", mask())] if kind == "masked" else [])]
    body |= {"model": "auto"} if operation != "image.edit" else {}
    for field in ("size", *(("prompt",) if operation == "image.upscale" else ())):
        body.pop(field, None)
    before = chain.asked(name)
    if name not in ABLE[kind]:
        refused = chain.http.post("/v1/jobs", json=body)
        problem(refused, "request.field_invalid")
        assert pointers(refused.json()) == ["/route"], "nobody on this route can do it"
        assert chain.asked(name) == before
        return
    job = made(chain.http, body)
    assert job["state"] == "succeeded", job["error"]
    [output] = job["outputs"]
    media = media_of(chain.http.get(output["url"]).content)
    assert (media.width, media.height) == ((256, 256) if kind == "image.upscale" else (64, 64))
    assert chain.asked(name) == before + 1


#: Forced at the far end, one of every class that a dialect has, the outcome included where it says who pays.
FORCED = {
    "head": "upstream_429 no_images startup_failed no_default_model upstream_400 upstream_500 timeout cli_failed "
    "model_not_found upstream_401 lost odd_state none storage_error process_crashed",
    "seed": "upstream_422 no_images bad_request terminated lost",
    "ima2": "SAFETY_REFUSAL 429 401_expired 429_quota empty 400_size 500 refused cut_mid IMAGE_MODEL_UNSUPPORTED",
    "new": "SAFETY_REFUSAL 429_quota 500 cut_mid JOB_TRACKING_TIMEOUT GENERATION_TIMEOUT",
    "imgen": "unsafe failed timed_out no_compliance unauthorized rate_limited missing_action lost",
}
#: What Studio has no word for, and what the gateway in front understands in its place.
EQUIVALENT = {
    "policy.output_blocked": "policy.refused",
    "backend.quota_exhausted": "backend.credentials_rejected",
    "request.field_invalid": "backend.rejected_request",
    "request.option_unsupported": "backend.rejected_request",
    "request.model_incapable": "backend.rejected_request",
}
#: Whatever may still run, or was paid for, is a timeout in front: of that alone nobody knows what became.
UNSURE = "backend.timeout"
CASES = [(name, token) for name, tokens in FORCED.items() for token in tokens.split()]


def first_error(chain: Chain, job_id: str) -> dict[str, Any] | None:
    """Return how the first attempt of a job failed; it need not be made again."""
    job = shown(chain.http, job_id)
    assert job["state"] != "succeeded", job["spec"]
    error: dict[str, Any] | None = job["attempts"][0]["error"] if job["attempts"] else None
    if error is not None and job["state"] in ("queued", "running"):
        chain.http.post(job["links"]["cancel"])
    return error


def test_what_goes_wrong_at_the_far_end_is_the_same_in_front(chain: Chain) -> None:
    """For every class of failure the code is the same at both gateways; what may have been paid for stays unknown."""
    jobs = {case: begun(chain.http, wish(case[0], f"[[{case[1]}]] a red fox"))["id"] for case in CASES}
    seen = set()
    for (name, token), job_id in jobs.items():
        here = wait_for(partial(first_error, chain, job_id), f"an end of {name} {token}", 60)
        inside = [each for each in chain.jobs(name) if f"[[{token}]]" in each["spec"].get("prompt", "")][-1]
        assert inside["state"] in ("failed", "blocked"), (name, token)
        there = inside["error"]
        expected = UNSURE if there["outcome"] == "unknown" else EQUIVALENT.get(there["code"], there["code"])
        assert here["code"] == expected, (name, token, there["code"])
        if there["outcome"] == "unknown":
            job = shown(chain.http, job_id, wait=60)
            assert (here["outcome"], len(job["attempts"])) == ("unknown", 1), (name, token)
        seen.add(there["code"])
    assert len(seen) >= 12, seen


def running(chain: Chain, name: str, prompt: str) -> dict[str, Any]:
    """Return the inner job of a prompt once its far end has it."""

    def found() -> list[dict[str, Any]]:
        return [job for job in chain.jobs(name) if job["spec"].get("prompt") == prompt and job["phase"] in AT_WORK]

    job: dict[str, Any] = wait_for(found, "the inner job at work")[0]
    return job


def cancelled(chain: Chain, name: str, job: dict[str, Any], inside: dict[str, Any]) -> tuple[str, str]:
    """Cancel a job in front; return what is said of it there, and at the inner gateway."""
    answer = chain.http.post(job["links"]["cancel"], headers={"Prefer": "wait=10"}).raise_for_status().json()
    ended = shown(chain.behind(name), inside["id"], wait=30)
    assert (answer["state"], ended["state"]) == ("cancelled", "cancelled")
    return answer["cancel"]["answer"], ended["cancel"]["answer"]


#: Phases of a job that its far end has.
AT_WORK = ("queued_at_backend", "model_load", "planner", "image")


@pytest.mark.parametrize(
    ("name", "here", "there"),
    [("ima2", "forgotten", "forgotten"), ("new", "stopped", "stopped"), ("imgen", "forgotten", "cannot")],
)
def test_a_cancel_goes_through_to_the_far_end(chain: Chain, name: str, here: str, there: str) -> None:
    """The inner job ends with the outer one, and in front nothing is called stopped that goes on."""
    prompt = "[[slow:900]] a cancelled fox"
    job = begun(chain.http, wish(name, prompt))
    assert cancelled(chain, name, job, running(chain, name, prompt)) == (here, there)
    wait_for(lambda: chain.http.get(f"/v1/backends/{name}").json()["in_flight"] == 0, "a free slot in front")


def test_at_a_studio_behind_a_gateway_only_a_job_that_waits_is_stopped(chain: Chain) -> None:
    """Whose worker has it goes on, and that is told through both gateways; its slot in front is free at once."""
    first, second = "[[slow:300]] in its hands", "in its queue"
    jobs = [begun(chain.http, wish("head", first))]
    inside = [running(chain, "head", first)]
    wait_for(lambda: [row for row in chain.rows("head") if row["status"] == "processing"], "the worker at it")
    jobs.append(begun(chain.http, wish("head", second)))
    inside.append(running(chain, "head", second))
    assert cancelled(chain, "head", jobs[1], inside[1]) == ("stopped", "stopped")
    assert cancelled(chain, "head", jobs[0], inside[0]) == ("forgotten", "forgotten")
    wait_for(lambda: chain.http.get("/v1/backends/head").json()["in_flight"] == 0, "free slots in front")


@pytest.mark.parametrize("moment", ["at work", "at once"])
def test_the_outer_jobs_end_well_though_the_inner_gateway_was_killed(chain: Chain, moment: str) -> None:
    """Every operation under way on three far ends, or on its way there: found again, and asked for once there."""
    side = {"at work": 56, "at once": 48}[moment]
    source = {"inputs": [data("source", png(side, side))]}
    slow = f"[[slow:120]] killed {moment}"
    wishes = {
        "studio": wish("seed", slow),
        "edit": {**wish("head", slow), "operation": "image.edit", **source},
        "variation": {**wish("seed", slow, model="auto"), "operation": "image.variation", **source},
        "upscale": {"operation": "image.upscale", **source, "route": {"backends": ["head"]}},
        "ima2": wish("ima2", slow),
        "ima2 edit": {**wish("ima2", slow), "operation": "image.edit", **source},
        "new": wish("new", slow),
    }
    names = ("head", "seed", "ima2", "new")
    before = {name: chain.asked(name) for name in names}
    jobs = {what: begun(chain.http, body)["id"] for what, body in wishes.items()}
    wanted = {name: before[name] + added for name, added in zip(names, (2, 2, 2, 1), strict=True)}
    if moment == "at work":
        wait_for(lambda: {name: chain.asked(name) for name in names} == wanted, "work at the far ends")
    chain.kill_inner()
    for what, job_id in jobs.items():
        job = shown(chain.http, job_id, wait=60)
        assert job["state"] == "succeeded", (what, job["error"], job["attempts"])
        for output in job["outputs"]:
            assert len(chain.http.get(output["url"]).content) == output["bytes"]
    assert {name: chain.asked(name) for name in names} == wanted
