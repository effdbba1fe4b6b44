"""How long clients of the OpenAI face wait, what they are told then, and what a stream does meanwhile."""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
import pytest

from adapters.openai.face import OpenaiFace
from contracts.caller import Caller
from contracts.catalog import CatalogError, Problem
from contracts.desk import Created, Desk, Shown
from contracts.event import JobPartialImage, JobSucceeded
from contracts.face import Answer, Call, FaceSettings
from contracts.job import Job, JobState, Links, moment
from contracts.spec import JobSpec

CALLER = Caller(team="red", key_id="key_1", scopes=frozenset({"admin"}))
NAME = "job_01M7ZATG1WGKTM2EEJM01CAR1Y"
GENERATE = "/v1/images/generations"
LIMIT = CatalogError("quota.rate_limited", "Your team listens to as many streams as it may.", retry_after_s=15)


class Jobs:
    """Accepts one job, and lets time pass while somebody waits for it."""

    def __init__(
        self,
        *,
        waited_s: float = 0,
        state: JobState = "running",
        error: Problem | None = None,
        told: Sequence[bytes | CatalogError] = (),
        limit: CatalogError | None = None,
    ) -> None:
        """Take how long it takes until whoever waits is answered, how the job is then, and what is told of it."""
        self.now = 1_700_000_000.0
        self._waited_s = waited_s
        self._state = state
        self._error = error
        self._told = told
        self._limit = limit
        self.asked: list[float] = []
        self._job: Job | None = None

    async def create(self, _caller: Caller, spec: JobSpec, *, wait_s: float, **_: Any) -> Created:
        """Note how long the wait may last, and let it pass."""
        self.asked.append(wait_s)
        self.now += self._waited_s
        self._job = Job(
            id=NAME, operation="image.generate", state=self._state, spec=spec, created_at=moment(self.now),
            links=Links(self="", events="", cancel=""), error=self._error,
        )  # fmt: skip
        return Created(job=self._job, tag="")

    async def get(self, _caller: Caller, _job_id: str) -> Shown | None:
        """Return the job as it is."""
        return None if self._job is None else Shown(job=self._job, tag="")

    def check_listening(self, _caller: Caller) -> None:
        """Refuse another stream where the team has as many as it may."""
        if self._limit is not None:
            raise self._limit

    async def events(self, _caller: Caller, _job_id: str, _after: None) -> AsyncIterator[bytes]:
        """Tell what is to be told."""
        for each in self._told:
            if isinstance(each, CatalogError):
                raise each
            yield each


class Catalogue:
    """Offers nothing by name."""

    def models(self, _caller: Caller) -> list[Any]:
        """Return no model."""
        return []

    def aliases(self) -> list[Any]:
        """Return no alias."""
        return []


async def answer(jobs: Jobs, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
    """Return what the face answers to a request for pictures."""
    nothing: Any = None
    desk: Any = Desk(
        jobs=jobs, assets=nothing, catalogue=Catalogue(), access=nothing, names=nothing, prompts=nothing, relay=nothing
    )  # type: ignore[arg-type]  # as much of a desk as these routes ask
    settings = FaceSettings(
        profile=None, base_url="http://here", port=1, version="1", pid=1, started_at=0, sandbox=False, restorable_s=1,
        clock=lambda: jobs.now, token=lambda digits: "0" * digits,
    )  # fmt: skip
    face = OpenaiFace(desk, settings)
    route = next(each for each in face.routes if each.template == GENERATE)
    body = msgspec.json.encode({"prompt": "a fox", **fields})
    sent = {"content-type": "application/json", **(headers or {})}
    call = Call(method="POST", path=GENERATE, request_id="r", headers=sent, body=body)
    try:
        return await route.answer(call, CALLER)
    except CatalogError as error:
        return face.refused(call, error)


async def told(jobs: Jobs, **fields: Any) -> list[str]:
    """Return the frames of a stream."""
    found = await answer(jobs, stream=True, **fields)
    assert found.frames is not None, found.body
    return [frame.decode() async for frame in found.frames]


@pytest.mark.parametrize(("headers", "retry"), [({}, "false"), ({"x-stainless-retry-count": "0"}, "true")])
async def test_after_ten_minutes_the_client_is_sent_away_and_the_job_lives(headers: dict[str, str], retry: str) -> None:
    """504 with the job's name; only an SDK is told to come again, because its retry joins the job."""
    jobs = Jobs(waited_s=600)
    found = await answer(jobs, headers)
    error = json.loads(found.body)["error"]
    assert jobs.asked == [600]
    assert (found.status, error["code"], error["type"]) == (504, "job.deadline_exceeded", "server_error")
    assert NAME in error["message"]
    assert (found.headers["X-Triptych-Job"], found.headers["X-Should-Retry"]) == (NAME, retry)


async def test_a_gateway_that_stops_says_so_and_the_job_lives() -> None:
    """503 before the ten minutes are over, with the job's name."""
    found = await answer(Jobs(waited_s=5))
    error = json.loads(found.body)["error"]
    assert (found.status, error["code"]) == (503, "gateway.overloaded")
    assert (found.headers["X-Triptych-Job"], found.headers["X-Should-Retry"]) == (NAME, "false")


async def test_a_cancelled_job_without_an_error_is_a_conflict() -> None:
    """Whoever waits is told that somebody cancelled."""
    found = await answer(Jobs(state="cancelled"))
    assert (found.status, json.loads(found.body)["error"]["code"]) == (409, "job.cancelled")


async def test_one_stream_too_many_is_refused_before_a_job_is_made() -> None:
    """In an answer, not in a stream."""
    jobs = Jobs(limit=LIMIT)
    found = await answer(jobs, stream=True)
    assert (found.status, json.loads(found.body)["error"]["type"], jobs.asked) == (429, "rate_limit_error", [])
    assert (found.headers["X-Should-Retry"], found.headers["Retry-After"]) == ("true", "15")


def event(of: JobPartialImage | JobSucceeded) -> bytes:
    """Return a frame of the desk."""
    kind = str(of.__struct_config__.tag)
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(of))


async def test_a_stream_tells_previews_and_that_it_is_alive() -> None:
    """The gateway's comments are passed on, as many previews as were wished, and nothing of other events."""
    previews = [
        JobPartialImage(job_id=NAME, at=moment(7), index=index, media_type="image/png", data="QUJD")
        for index in range(3)
    ]
    end = event(JobSucceeded(job_id=NAME, at=moment(8), outputs=()))
    several = [event(previews[0]) + event(previews[1]), b": ping\n\n", event(previews[2]), end]
    frames = await told(Jobs(state="succeeded", told=several), partial_images=2, output_format="jpeg")
    names = [frame.split("\n")[0] for frame in frames]
    assert names == ["event: image_generation.partial_image"] * 2 + [": ping"]
    assert json.loads(frames[1].split("\n")[1].removeprefix("data: ")) == {
        "type": "image_generation.partial_image", "b64_json": "QUJD", "partial_image_index": 1, "created_at": 7,
        "size": "auto", "quality": "auto", "background": "opaque", "output_format": "jpeg",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("jobs", "code"),
    [
        (Jobs(told=[LIMIT]), "quota.rate_limited"),
        (Jobs(told=[b": draining\n\n"]), "gateway.overloaded"),
        (Jobs(state="failed", error=CatalogError("backend.failed", "It failed.").problem()), "backend.failed"),
    ],
)
async def test_a_stream_always_ends_with_what_became_of_it(jobs: Jobs, code: str) -> None:
    """What breaks the telling, a gateway that stops, a job that failed: one `error` frame, the last one."""
    last = (await told(jobs))[-1]
    assert last.startswith("event: error\ndata: ")
    assert json.loads(last.split("\n")[1].removeprefix("data: "))["error"]["code"] == code
