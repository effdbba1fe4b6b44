"""Our ima2 adapter in front of our ima2 face, in front of every sandbox: two gateways that speak as ima2 does."""

import base64
import io
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.e2e.asked import begun, made, shown, wait_for
from tests.e2e.drawn import media_of, png
from tests.e2e.keyed import KeyedGateway
from tests.harness import GatewayProcess, SandboxProcess, backend

SPEED = 60
ROUTE: dict[str, Any] = {"accounts": ["oauth"], "failover": False}
#: Who stands at the far end, and the dialect of it.
FAR = {"studio": "sdcpp", "imgen": "imgen", "tag": "ima2", "head": "ima2", "new": "ima2"}


class Chain:
    """Two gateways, and what stands behind the second; each far end is a backend of the first, with its own key."""

    def __init__(self, outer: GatewayProcess, inner: KeyedGateway, far: dict[str, SandboxProcess]) -> None:
        """Take them."""
        self.outer = outer
        self.inner = inner
        self.far = far
        self.successor: GatewayProcess | None = None

    def stop(self) -> None:
        """End everything."""
        self.outer.stop()
        (self.successor or self.inner).stop()
        for each in self.far.values():
            each.stop(5)

    def behind(self, name: str) -> httpx.Client:
        """Return a client of the inner gateway whose jobs are those of one far end."""
        return self.inner.client(f"far-{name}", "--backend", name)

    def jobs(self, name: str) -> list[dict[str, Any]]:
        """Return the inner gateway's jobs for a far end, newest first."""
        found: list[dict[str, Any]] = self.behind(name).get("/v1/jobs", params={"limit": 100}).json()["jobs"]
        return found

    def asked(self, name: str) -> int:
        """Return how often a far end was asked to begin work."""
        paths = {"/api/generate", "/api/generate/multimode", "/api/edit", "/api/node/generate", "/api/queue/generate"}
        return sum(call["path"] in paths for call in self.far[name].calls("POST"))

    def kill_inner(self) -> None:
        """Kill the inner gateway, and start it anew on what it left: keys are in its directory."""
        self.inner.kill()
        self.successor = self.inner.restarted()

    def newest(self, name: str) -> dict[str, Any]:
        """Return the last job that the inner gateway made for a far end."""
        return self.jobs(name)[0]


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    """The whole of it."""
    folder = tmp_path_factory.mktemp("chain")
    far = {
        name: SandboxProcess(dialect, folder / name, speed=SPEED, profile=name if dialect == "ima2" else None)
        for name, dialect in FAR.items()
    }
    inner = KeyedGateway(folder / "inner", {name: backend(each, max_concurrency=16) for name, each in far.items()})
    keys = {
        f"FAR_{name.upper()}": inner.client(f"far-{name}", "--backend", name).headers["authorization"].split()[1]
        for name in FAR
    }
    outer = GatewayProcess(
        folder / "outer",
        {
            name: {"dialect": "ima2", "base_url": f"{inner.url}/ima2", "api_key": {"env": f"FAR_{name.upper()}"}}
            for name in FAR
        },
        env=keys,
    )
    found = Chain(outer, inner, far)
    yield found
    found.stop()


def wish(on: str, prompt: str = "a red fox", **fields: Any) -> dict[str, Any]:
    """Return a request for a small picture, by one far end."""
    return {"operation": "image.generate", "prompt": prompt, "route": ROUTE | {"backends": [on]}, **fields}


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


#: Who makes one picture a job, and says so.
ONE_A_JOB = ("imgen",)


@pytest.mark.parametrize("name", FAR)
@pytest.mark.parametrize("count", [1, 2])
def test_pictures_come_through_both_gateways(chain: Chain, name: str, count: int) -> None:
    """As many as were asked for, each a real picture, and one inner job; where only one is made a job, that is told."""
    job = made(chain.outer.http, wish(name, f"{count} hills", n=count))
    if count > 1 and name in ONE_A_JOB:
        assert job["error"]["code"] == "request.field_invalid"
        assert [fault["pointer"] for fault in job["error"]["errors"]] == ["/n"]
        return
    assert job["state"] == "succeeded", job["error"]
    assert [output["index"] for output in job["outputs"]] == list(range(count))
    inside = chain.newest(name)
    pictures = [output for output in inside["outputs"] if output["role"] == "image"]
    assert (inside["state"], inside["backend"], len(pictures)) == ("succeeded", name, count)
    for output, original in zip(job["outputs"], pictures, strict=True):
        media = media_of(chain.outer.http.get(output["url"]).content)
        assert (media.width, media.height) == (original["width"], original["height"])


#: Who edits, and who takes a mask with it.
EDITS, MASKS = ("tag", "head", "new"), ("head", "new")


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", FAR)
def test_an_edit_goes_through_or_is_refused_as_what_it_is(chain: Chain, name: str, *, masked: bool) -> None:
    """Where nobody edits, or takes a mask, no work is begun and nothing is to be had by trying again."""
    inputs = [data("source", png(64, 64)), *([data("mask", mask())] if masked else [])]
    before = len(chain.far[name].calls("POST"))
    job = made(chain.outer.http, {**wish(name, "at night"), "operation": "image.edit", "inputs": inputs})
    begun_there = len(chain.far[name].calls("POST")) - before
    if name in (MASKS if masked else EDITS):
        assert job["state"] == "succeeded", job["error"]
        assert media_of(chain.outer.http.get(job["outputs"][0]["url"]).content).format == "png"
        assert begun_there == 1
    else:
        assert job["error"]["code"] in ("request.model_incapable", "request.option_unsupported")
        assert (job["error"]["outcome"], begun_there, len(job["attempts"])) == ("not_started", 0, 1)


#: Forced at the far end, one of every class that a dialect has, the outcome included where it says who pays.
FORCED = {
    "studio": "upstream_429 no_images startup_failed no_default_model upstream_400 timeout cli_failed model_not_found",
    "imgen": "unsafe failed timed_out no_compliance unauthorized rate_limited missing_action",
    "tag": "SAFETY_REFUSAL 429 401_expired 429_quota empty 400_size 500 refused cut_mid",
    "head": "SAFETY_REFUSAL 429 401_expired 429_quota empty 400_size 500 refused cut_mid IMAGE_MODEL_UNSUPPORTED",
    "new": "SAFETY_REFUSAL 429 401_expired 429_quota empty 500 refused cut_mid JOB_TRACKING_TIMEOUT GENERATION_TIMEOUT",
}
#: What ima2 has no word for, or its in-flight list no room, and what the gateway in front understands in its place.
EQUIVALENT = {
    "policy.output_blocked": {"policy.refused"},
    # Of a failed job the list keeps a status and a code: whose field it was, and what was odd, is not among them.
    "request.field_invalid": {"request.field_invalid", "backend.rejected_request"},
    "backend.bad_response": {"backend.bad_response", "backend.failed"},
}
CASES = [(name, token) for name, tokens in FORCED.items() for token in tokens.split()]


def first_error(chain: Chain, job_id: str) -> dict[str, Any] | None:
    """Return how the first attempt of a job failed; it need not be made again."""
    job = shown(chain.outer.http, job_id)
    assert job["state"] != "succeeded", job["spec"]
    error: dict[str, Any] | None = job["attempts"][0]["error"] if job["attempts"] else None
    if error is not None and job["state"] in ("queued", "running"):
        chain.outer.http.post(job["links"]["cancel"])
    return error


def test_what_goes_wrong_at_the_far_end_is_the_same_in_front(chain: Chain) -> None:
    """For every class of failure the code is the same at both gateways; what may have been paid for stays unknown."""
    jobs = {case: begun(chain.outer.http, wish(case[0], f"[[{case[1]}]] a red fox"))["id"] for case in CASES}
    seen = set()
    for (name, token), job_id in jobs.items():
        here = wait_for(partial(first_error, chain, job_id), f"an end of {name} {token}")
        inside = [each for each in chain.jobs(name) if f"[[{token}]]" in each["spec"]["prompt"]][-1]
        assert inside["state"] in ("failed", "blocked"), (name, token)
        there = inside["error"]
        assert here["code"] in EQUIVALENT.get(there["code"], {there["code"]}), (name, token, there["code"])
        if there["outcome"] == "unknown":
            job = shown(chain.outer.http, job_id, wait=60)
            assert (here["outcome"], len(job["attempts"])) == ("unknown", 1), (name, token)
        seen.add(there["code"])
    assert len(seen) >= 12


@pytest.mark.parametrize(("name", "answer"), [("head", "forgotten"), ("new", "stopped")])
def test_a_cancel_goes_through_to_the_far_end(chain: Chain, name: str, answer: str) -> None:
    """The inner job ends with the outer one, and says what the far end did; in front that is what the face did."""
    job = begun(chain.outer.http, wish(name, "[[slow:900]] a slow fox"))
    inside = wait_for(lambda: [each for each in chain.jobs(name) if each["state"] == "running"], "the inner job")[0]
    wait_for(chain.far[name].submits, "the far end")
    chain.outer.http.post(job["links"]["cancel"]).raise_for_status()
    assert shown(chain.outer.http, job["id"], wait=30)["state"] == "cancelled"
    ended = shown(chain.behind(name), inside["id"], wait=30)
    assert (ended["state"], ended["cancel"]["answer"]) == ("cancelled", answer)


def test_the_outer_jobs_end_well_though_the_inner_gateway_was_killed(chain: Chain) -> None:
    """Pictures, edits, nodes and sequences under way on two far ends: each is found again, and asked for once there."""
    options = {"node": {"ima2": {"node": True}}, "multimode": {"ima2": {"multimode": True}}}
    source = [data("source", png(64, 64))]
    wishes = {
        "studio": wish("studio", "[[loading:60]] after the kill"),
        "generate": wish("head", "[[slow:120]] after the kill"),
        "edit": {**wish("head", "[[slow:120]] after the kill"), "operation": "image.edit", "inputs": source},
        "node": wish("head", "[[slow:120]] after the kill", options=options["node"]),
        "multimode": wish("head", "[[slow:120]] after the kill", n=2, options=options["multimode"]),
    }
    before = {name: chain.asked(name) for name in ("head", "studio")}
    jobs = {name: begun(chain.outer.http, body)["id"] for name, body in wishes.items()}
    wanted = {"head": before["head"] + 4, "studio": before["studio"] + 1}
    wait_for(lambda: {name: chain.asked(name) for name in wanted} == wanted, "work at the far ends")
    chain.kill_inner()
    for name, job_id in jobs.items():
        job = shown(chain.outer.http, job_id, wait=60)
        assert job["state"] == "succeeded", (name, job["error"])
        assert len(job["attempts"]) == 1
        for output in job["outputs"]:
            assert len(chain.outer.http.get(output["url"]).content) == output["bytes"]
    assert {name: chain.asked(name) for name in wanted} == wanted
