"""The multiplex of an ima2 face of the newest build: every job's frames in one stream that can be taken up again."""

import base64
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from adapters.ima2.face import Ima2Face
from adapters.ima2.face.multiplex import _Reader
from contracts.face import Call, FaceSettings
from gateway.app import Gateway
from gateway.jobs import listening
from gateway.settings import Settings
from gateway.store.database import DataDir, migrate
from tests.e2e.asked import made, spec, wait_for
from tests.e2e.drawn import png
from tests.e2e.ima2_client import before_the_newest, frames
from tests.e2e.keyed import KeyedGateway
from tests.e2e.listening_in import Listener, Told
from tests.harness import GatewayProcess

EVENTS = "/ima2/api/events"
ENDS = ("done", "error")
#: What the multiplex adds to a frame of a route's own stream.
ADDED = {"jobId", "jobSeq", "envelope"}


def told_by(listener: Listener) -> list[Told]:
    """Return the whole frames that a listener has heard until now."""
    found, fields = [], dict[str, str]()
    for line in list(listener.lines):
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            found.append(Told(fields.get("id", ""), fields["event"], fields["data"]))
            fields = {}
        else:
            fields = {}
    return found


def of_job(listener: Listener, name: str) -> list[Told]:
    """Return a job's frames, after its last one came."""
    return wait_for(lambda: _whole(told_by(listener), name), f"the end of {name}")


def _whole(told: list[Told], name: str) -> list[Told]:
    mine = [each for each in told if each.json().get("jobId") == name]
    return mine if any(each.event in ENDS for each in mine) else []


def without_added(told: list[Told]) -> list[tuple[str, dict[str, Any]]]:
    """Return frames as the route's own stream has them; previews are told to whoever is there in time."""
    return [
        (each.event, {key: value for key, value in each.json().items() if key not in ADDED})
        for each in told
        if each.event != "partial"
    ]


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """A gateway before one server of the newest build."""
    with before_the_newest(tmp_path_factory.mktemp("multiplex")) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def http(new: GatewayProcess) -> Iterator[httpx.Client]:
    """A client of its face."""
    with httpx.Client(base_url=f"{new.url}/ima2", timeout=60, trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body", "kinds"),
    [
        ("node/generate", {"prompt": "[[partials]] a root"}, ["phase", "partial", "partial", "done"]),
        ("node/generate", {"prompt": "[[SAFETY_REFUSAL]] a root"}, ["phase", "error"]),
        (
            "generate/multimode",
            {"prompt": "[[partials:1]] two", "maxImages": 2},
            ["phase", "partial", "partial", "partial", "image", "image", "done"],
        ),
        ("generate/multimode", {"prompt": "[[mod400]] two", "maxImages": 2}, ["phase", "error"]),
        ("video/generate", {"prompt": "waves"}, ["planning", "submitted", "done"]),
        ("video/generate", {"prompt": "[[GROK_VIDEO_MODERATION_BLOCKED]] waves"}, ["planning", "error"]),
    ],
)
def test_the_multiplex_tells_what_the_routes_own_stream_tells(
    new: GatewayProcess, http: httpx.Client, path: str, body: dict[str, Any], kinds: list[str]
) -> None:
    """The same frames, each with whose it is; numbered, but for previews, and the last one in an envelope."""
    assert new.http is not None
    listener = Listener(new.http, EVENTS)
    answer = http.post(f"/api/{path}", json={**body, "requestId": "r.1"}, headers={"Accept": "text/event-stream"})
    told = of_job(listener, "r.1")
    listener.close()
    assert [each.event for each in told if each.event != "progress"] == kinds
    assert without_added(told) == [each for each in frames(answer) if each[0] != "partial"]
    stored = [each.json() for each in told if each.event != "partial"]
    assert [each["jobSeq"] for each in stored] == list(range(1, len(stored) + 1))
    number = len(stored)
    whose = {"version": 1, "jobId": "r.1", "requestId": "r.1", "sequence": number, "event": told[-1].event}
    assert stored[-1]["envelope"] == whose
    numbers = [int(each.id) for each in told if each.id]
    assert numbers == sorted(set(numbers))
    assert told[-1].id


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("generate", {"prompt": "a fox", "n": 2}),
        ("generate", {"prompt": "[[SAFETY_REFUSAL]] a fox"}),
        ("edit", {"prompt": "make it red", "image": base64.b64encode(png(64, 64)).decode()}),
    ],
)
def test_a_route_without_a_stream_tells_its_answer(
    new: GatewayProcess, http: httpx.Client, path: str, body: dict[str, Any]
) -> None:
    """Generate and edit: `phase`, and what they answered in JSON; of a failure with its status."""
    assert new.http is not None
    listener = Listener(new.http, EVENTS)
    answer = http.post(f"/api/{path}", json={**body, "requestId": "r.2"})
    told = of_job(listener, "r.2")
    listener.close()
    assert told[0].json() == {"requestId": "r.2", "phase": "streaming", "jobId": "r.2", "jobSeq": 1}
    name, said = without_added(told)[-1]
    assert name == ("done" if answer.is_success else "error")
    failed = {} if answer.is_success else {"status": answer.status_code, "requestId": "r.2"}
    assert said == {**answer.json(), **failed}


def test_a_stream_is_taken_up_after_any_frame(new: GatewayProcess, http: httpx.Client) -> None:
    """By header or query: exactly what followed, as often as one likes, its pictures left out and that said."""
    assert new.http is not None
    listener = Listener(new.http, EVENTS)
    http.post("/api/generate/multimode", json={"prompt": "two", "maxImages": 2, "requestId": "r.3"})
    http.post("/api/video/generate", json={"prompt": "waves", "requestId": "r.4"})
    heard = [each for each in [*of_job(listener, "r.3"), *of_job(listener, "r.4")] if each.event != "partial"]
    listener.close()
    for place, (ahead, each) in enumerate(pairwise(heard)):
        if not ahead.id:
            continue
        again = Listener(new.http, f"{EVENTS}?lastEventId={ahead.id}", after=int(ahead.id) if place % 2 else None)
        told = of_job(again, "r.4")
        told = told if each.json()["jobId"] == "r.4" else [*of_job(again, "r.3"), *told]
        again.close()
        expected = heard[place + 1 :]
        assert [(one.id, one.event) for one in told] == [(one.id, one.event) for one in expected]
        assert [one.json()["jobSeq"] for one in told] == [one.json()["jobSeq"] for one in expected]
        shown = [picture for one in told for picture in [one.json(), *one.json().get("images", ())]]
        assert not any("image" in each for each in shown)
        assert all(one.json()["_imageOmitted"] for one in told if one.event == "image")


@pytest.mark.parametrize("path", [EVENTS, "/v1/events"])
def test_who_comes_with_an_id_of_another_log_is_told_of_a_gap(
    new: GatewayProcess, http: httpx.Client, path: str
) -> None:
    """Nothing of this log was heard: all that is kept comes again, and the stream goes on with the present."""
    assert new.http is not None
    http.post("/api/generate", json={"prompt": "before"})
    listener = Listener(new.http, path, after=10**12)
    wait_for(lambda: listener.data, "a gap")
    gap = {"lastEventId": 10**12, "oldestAvailableId": 1} if path == EVENTS else {"oldest": 1}
    assert (listener.types[0], listener.data[0]) == ("replay-gap" if path == EVENTS else "stream.gap", gap)
    wait_for(lambda: any(line == "id: 1" for line in listener.lines), "the first event")
    http.post("/api/generate", json={"prompt": "after", "requestId": "r.5"})
    ended = new.http.get("/v1/jobs").json()["jobs"][0]["id"]
    wait_for(lambda: any("r.5" in line or ended in line for line in listener.lines), "the present")
    listener.close()


def test_a_listener_hears_its_own_team_and_this_face_alone(keyed: KeyedGateway) -> None:
    """Neither what another team makes, nor what its own team makes elsewhere."""
    red, blue = keyed.client("hears-red"), keyed.client("hears-blue")
    listener = Listener(red, EVENTS)
    made(red, spec("by the contract"))
    assert blue.post("/ima2/api/generate", json={"prompt": "theirs", "requestId": "r.6"}).is_success
    assert red.post("/ima2/api/generate", json={"prompt": "ours", "requestId": "r.7"}).is_success
    of_job(listener, "r.7")
    assert {each.json()["jobId"] for each in told_by(listener)} == {"r.7"}
    listener.close()
    deaf = keyed.client("hears-red", "--scope", "jobs:read")
    assert deaf.get(EVENTS).status_code == 403


def test_a_listener_too_many_is_refused_in_ima2s_words(backends: dict[str, dict[str, object]], tmp_path: Path) -> None:
    """503 SSE_CAPACITY; who does not want to listen may work all the same, and is found by whoever listens."""
    running = KeyedGateway(tmp_path, backends, settings={"limits": {"streams_per_team": 1}})
    try:
        red, blue = running.client("red"), running.client("blue")
        listener = Listener(red, EVENTS)
        refused = red.get(EVENTS)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "SSE_CAPACITY")
        assert "Retry-After" in refused.headers
        for number, path in enumerate(("node/generate", "generate/multimode")):
            body = {"prompt": "x", "async": True, "requestId": f"r.{number}"}
            assert red.post(f"/ima2/api/{path}", json=body, headers={"Accept": "text/event-stream"}).status_code == 202
            assert of_job(listener, f"r.{number}")[-1].event == "done"
        Listener(blue, EVENTS).close()
        listener.close()
        wait_for(lambda: _may_listen(red), "room for another listener")
    finally:
        running.stop()


def _may_listen(http: httpx.Client) -> bool:
    with http.stream("GET", EVENTS) as response:
        return response.status_code == 200


@pytest.fixture
def gateway_here(tmp_path: Path) -> Gateway:
    """A gateway in this process, with nothing behind it."""
    folder = DataDir(tmp_path / "data")
    folder.make()
    migrate(folder.database)
    return Gateway(Settings(data_dir=str(folder.path)))


def _face(gateway: Gateway, profile: str, clock: Callable[[], float]) -> Ima2Face:
    settings = FaceSettings(
        profile=profile,
        base_url="",
        port=0,
        version="",
        pid=1,
        started_at=0,
        sandbox=False,
        restorable_s=0,
        clock=clock,
        token=lambda digits: "0" * digits,
    )
    return Ima2Face(gateway.desk, settings)


async def test_a_quiet_stream_is_kept_open(gateway_here: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment every now and then; also when the team has much to tell of which nothing is for here."""
    monkeypatch.setattr(listening, "LOOK_S", 0.01)
    monkeypatch.setattr(listening, "PING_S", 0.0)
    caller = await gateway_here.desk.access.caller(None, "localhost", None)
    call = Call(method="GET", path="/api/events", request_id="r", headers={})
    route = next(each for each in _face(gateway_here, "new", lambda: 0.0).routes if each.template == "/api/events")
    answer = await route.answer(call, caller)
    assert answer.frames is not None
    async with aclosing(answer.frames) as told:  # type: ignore[type-var]
        assert await anext(told) == b": ping\n\n"
    seconds = iter(range(0, 100, 8))

    async def busy() -> AsyncIterator[bytes]:
        for number in range(1, 5):
            yield b'id: %d\nevent: job.running\ndata: {"type":"job.running","job_id":"job_0","at":' % number + (
                b'"2026-01-01T00:00:00Z","attempt":1,"part":1,"backend":"x","model":"y"}\n\n'
            )

    front = _face(gateway_here, "new", lambda: float(next(seconds)))._front
    assert [each async for each in _Reader(front, caller, None).frames(busy())] == [b": ping\n\n"] * 2
    await gateway_here.stop()


@pytest.mark.parametrize("profile", ["head", "tag"])
async def test_the_older_builds_have_no_multiplex(gateway_here: Gateway, profile: str) -> None:
    """There it is no route at all, as on the real servers."""
    templates = {each.template for each in _face(gateway_here, profile, lambda: 0.0).routes}
    assert "/api/events" not in templates
    assert "/api/generate" in templates
    await gateway_here.stop()
