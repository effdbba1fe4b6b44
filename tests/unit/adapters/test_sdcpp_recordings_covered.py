"""No recorded exchange of a real sd.cpp Studio lies unused: adapter and face meet each, or it is said why not."""

import re
from pathlib import Path
from typing import Any

import pytest

from adapters.sdcpp.face import SdcppFace
from adapters.sdcpp.relay import SHAPES
from contracts.face import FaceSettings
from tests.e2e import studio_replay as face
from tests.unit.adapters import test_sdcpp_routes_replayed as adapter
from tests.unit.adapters.recording import load

TESTS = Path(__file__).parents[2]
RECORDINGS = dict(load("sdcpp"))
#: Recordings of which the face is not asked exchange by exchange, and where it is looked at what they show.
ELSEWHERE = {
    "logs": "one Studio's own business, passed on without keys and paths: test_sdcpp_relay",
    "model_loading_visible": "a moment that only a server of models has; who loads can be cancelled here: "
    "test_sdcpp_queue, test_sdcpp_face_inverse",
    "queue_upstream_failures": "a gateway tries again and says it in its own words: test_sdcpp_face_inverse",
    "restart": "a gateway takes its jobs up again after a restart: test_kill_sdcpp, test_sdcpp_chain",
    "sdapi_txt2img_crash": "what killed the recorded server: test_sdcpp_face_recordings sends it on its own",
    "sync_cancelled": "clients that wait beside somebody who cancels: test_sdcpp_face_sync",
    "sync_client_disconnect": "a client that hangs up: test_sdcpp_face_sync",
    "upstream_timeout_60s": "limits of its upstream; how long clients wait here: test_sdcpp_face_waiting",
    "upstream_timeout_300s_resend": "the same: test_sdcpp_face_waiting",
    "upstream_timeout_edit_300s": "the same: test_sdcpp_face_waiting",
    "websocket": "no exchange, but messages: test_sdcpp_face_socket, and test_sdcpp_routes_replayed for the adapter",
}


def _templates() -> list[tuple[str, re.Pattern[str]]]:
    settings: Any = FaceSettings(
        profile="head", base_url="", port=0, version="0", pid=1, started_at=0, sandbox=False, restorable_s=1,
        clock=lambda: 0.0, token=lambda digits: "0" * digits,
    )  # fmt: skip
    desk: Any = None
    routes = SdcppFace(desk, settings).routes
    return [(each.method, re.compile(re.sub(r"{[^}]*}", "[^/]+", each.template))) for each in routes]


PASSED_ON = {(route.method, re.sub(r"{[^}]*}", "[^/]+", route.template)) for route in SHAPES}
#: What the face answers itself.
OWN = [(method, pattern) for method, pattern in _templates() if (method, pattern.pattern) not in PASSED_ON]
#: What of it no recording can be held against, and why.
NEVER_RECORDED = {
    "GET /sdapi/v1/upscalers": "the measured server had others; what it lists is used by test_sdcpp_chain",
    "GET /static/input/[^/]+": "recorded nowhere: test_sdcpp_face_making",
    "WEBSOCKET /ws": "messages, and no exchange: test_sdcpp_face_socket",
}


def own(request: dict[str, Any]) -> str | None:
    """Return the route of the face that answers a request, unless that is passed on or nobody's."""
    path = request["path"].partition("?")[0]
    found = (f"{method} {each.pattern}" for method, each in OWN if request["method"] == method and each.fullmatch(path))
    return next(found, None)


def test_every_recording_is_asked_of_the_face_or_looked_at_elsewhere() -> None:
    """By its name; each once, and no name that is none."""
    assert sorted([*face.TAKEN, *ELSEWHERE]) == sorted(RECORDINGS)


@pytest.mark.parametrize("name", RECORDINGS)
def test_every_exchange_of_a_recording_is_met(name: str) -> None:
    """By the adapter, as its route says; by the face where it answers the route, or it is said why not."""
    skipped = face.left_out(name)
    for at, each in enumerate(face.exchanges(name)):
        request = each["request"]
        route = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", ":id", request["path"].partition("?")[0])
        met = [*adapter.ASKED, *adapter.NOT_ASKED]
        assert any(re.match(pattern, f"{request['method']} {route}") for pattern in met), f"#{at}"
        why = skipped.get(at) or ELSEWHERE.get(name)
        assert name in face.TAKEN or why, f"#{at} {route} is left out without a word"


def test_nothing_is_left_out_as_another_servers_business_that_the_face_answers_itself() -> None:
    """Whose route is called not served is not served; whose is called a Studio's own is passed on, or not there."""
    for name in face.TAKEN:
        for each in face.exchanges(name):
            request = each["request"]
            found = [why for route, why in face.ELSEWHERE.items() if re.search(route, request["path"])]
            if not found:
                continue
            assert own(request) is None, f"{name}: {request['method']} {request['path']} is served"


def test_every_route_that_the_face_answers_is_compared_and_most_exchanges_are() -> None:
    """The reasons stay what they are: exceptions."""
    served = {
        (name, at): route
        for name in face.TAKEN
        for at, each in enumerate(face.exchanges(name))
        if (route := own(each["request"])) is not None
    }
    compared = {place: route for place, route in served.items() if place[1] not in face.left_out(place[0])}
    assert len(compared) / len(served) > 0.85, f"{len(compared)} of {len(served)}"
    every = {f"{method} {pattern.pattern}" for method, pattern in OWN}
    assert every - set(compared.values()) == set(NEVER_RECORDED)


def test_a_reason_names_tests_that_exist_and_exchanges_that_were_recorded() -> None:
    """None of them outlives what it is for."""
    reasons = [*ELSEWHERE.values(), *face.ELSEWHERE.values(), *NEVER_RECORDED.values(), face.FAILED]
    for named in re.findall(r"test_\w+", " ".join(reasons)):
        assert list(TESTS.rglob(f"{named}.py")), named
    for name, exceptions in (*face.UNREPEATABLE.items(), *face.DIFFERENT.items()):
        assert set(exceptions) <= set(range(len(face.exchanges(name)))), name
        assert name in face.TAKEN
    both = {name: set(face.UNREPEATABLE.get(name, {})) & set(changed) for name, changed in face.DIFFERENT.items()}
    assert not any(both.values()), "compared, and not"
    paths = [each["request"]["path"] for name in face.TAKEN for each in face.exchanges(name)]
    assert all(any(re.search(route, path) for path in paths) for route in face.ELSEWHERE)
