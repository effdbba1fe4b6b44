"""How long clients of Studio wait, and what they are told then: five minutes, as both documents promise."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from adapters.sdcpp.face import SdcppFace
from contracts.caller import Caller
from contracts.desk import Created, Desk
from contracts.face import Answer, Call, FaceSettings
from contracts.job import Job, Links, moment
from contracts.names import NewName
from contracts.spec import JobSpec

CALLER = Caller(team="red", key_id="key_1", scopes=frozenset({"admin"}))
PATHS = {"/api/generate": {"model": "auto"}, "/sdapi/v1/txt2img": {}}


class Jobs:
    """Accepts one job, which has not ended when the wait is over."""

    def __init__(self, waited_s: float) -> None:
        """Take how long it takes until whoever waits is answered."""
        self.now = 1_700_000_000.0
        self._waited_s = waited_s
        self.asked: list[float] = []
        self.names: Sequence[NewName] = ()

    async def create(self, _caller: Caller, spec: JobSpec, *, wait_s: float, names: Sequence[NewName], **_: Any) -> Any:
        """Note how long the wait may last, and let it pass."""
        self.asked.append(wait_s)
        self.names = names
        self.now += self._waited_s
        links = Links(self="", events="", cancel="")
        job = Job(
            id="job_01M7ZATG1WGKTM2EEJM01CAR1Y", operation="image.generate", state="running", spec=spec,
            created_at=moment(self.now), links=links,
        )  # fmt: skip
        return Created(job=job, tag="")


class Catalogue:
    """Offers nothing by name."""

    def models(self, _caller: Caller) -> list[Any]:
        """Return nothing."""
        return []

    aliases = backends = models


async def answer(jobs: Jobs, path: str) -> Answer:
    """Return what a route that waits answers."""
    catalogue: Any = Catalogue()
    nobody: Any = None
    desk: Any = Desk(
        jobs=jobs, assets=nobody, catalogue=catalogue, access=nobody, names=nobody, prompts=nobody, relay=nobody
    )
    settings = FaceSettings(
        profile=None, base_url="http://here", port=1, version="1", pid=1, started_at=0, sandbox=False, restorable_s=1,
        clock=lambda: jobs.now, token=lambda digits: "0" * digits,
    )  # fmt: skip
    face = SdcppFace(desk, settings)
    route = next(each for each in face.routes if each.template == path and each.method == "POST")
    body = msgspec.json.encode({"prompt": "a fox", **PATHS[path]})
    headers = {"content-type": "application/json"}
    return await route.answer(Call(method="POST", path=path, request_id="r", headers=headers, body=body), CALLER)


@pytest.mark.parametrize("path", PATHS)
async def test_after_five_minutes_the_client_is_sent_away_and_the_job_lives(path: str) -> None:
    """500 `Generation timeout`, and nothing is asked of the job: neither a cancel nor a second wait."""
    jobs = Jobs(300)
    found = await answer(jobs, path)
    assert jobs.asked == [300]
    assert (found.status, msgspec.json.decode(found.body)) == (500, {"error": "Generation timeout"})


@pytest.mark.parametrize("path", PATHS)
async def test_a_gateway_that_stops_says_so_instead(path: str) -> None:
    """A wait that ended early without an end of the job is no timeout: 503, and the job goes on."""
    found = await answer(Jobs(2), path)
    assert (found.status, found.code) == (503, "gateway.overloaded")


async def test_what_was_sent_is_remembered_with_the_job() -> None:
    """Under the job's own id, in the transaction that accepts it: the row shows it as it was written."""
    jobs = Jobs(300)
    await answer(jobs, "/api/generate")
    (name,) = jobs.names
    assert (name.face, name.kind, name.native_id) == ("sdcpp", "sent", None)
    assert name.note == {"size": "1024x1024", "dropped": []}
