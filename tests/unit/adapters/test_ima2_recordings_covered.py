"""No recording of a real ima2 server lies unused: each goes to the adapter or to the face, or it is said why not."""

from tests.e2e import test_ima2_face_memory as memory
from tests.e2e import test_ima2_face_recordings as face
from tests.unit.adapters import test_ima2_reads_replayed as reads
from tests.unit.adapters import test_ima2_replayed as pictures
from tests.unit.adapters import test_ima2_routes_replayed as routes
from tests.unit.adapters.recording import load

ADAPTER = {*pictures.GENERATIONS, *(name for _, name in routes.CASES), *routes.BROKEN_OFF, *reads.READ}
FACE = {*face.NAMES, *memory.SENT}
#: Begin of a name, and why neither the adapter nor the face has any use for it, and who has.
ELSEWHERE = {
    "advertise_server": "a file, no exchange: test_ima2_finding reads one, and test_ima2_face_teams writes one",
    "restart_inflight_victim": "an answer that never came: tests/crash kills servers and looks for what they had",
    "billing_key": "the bills of somebody's OpenAI key: the face has no key, and shows nobody the bills of another's",
    "sessions_": "state of one server, passed on untouched: sent again to the sandbox by test_sandbox_ima2_memory",
    "graph_": "state of one server, passed on untouched: sent again to the sandbox by test_sandbox_ima2_memory",
    "style_": "state of one server, passed on untouched: sent again to the sandbox by test_sandbox_ima2_memory",
}


def elsewhere(name: str) -> str | None:
    """Return why a recording is replayed neither to the adapter nor to the face."""
    return next((why for begin, why in ELSEWHERE.items() if name.startswith(begin)), None)


def test_every_recording_is_used() -> None:
    """By its name; and none that is used is called useless."""
    names = {name for name, _ in load("ima2")}
    unused = {name for name in names if elsewhere(name) is None}
    assert unused - ADAPTER - FACE == set()
    assert not {name for name in ADAPTER | FACE if elsewhere(name) is not None}
    assert names >= ADAPTER | FACE
    assert all(any(name.startswith(begin) for name in names) for begin in ELSEWHERE)


#: Of the routes that the face answers itself: what is not compared with it by sending it again, and why.
NOT_COMPARED = {
    "body_too_large": "another server's limit; the gateway's own is told in test_ima2_face_teams",
    "generate_refs_toolarge": "another server's limit",
    "dup_": "one id twice at once: the face refuses the second (test_ima2_face_making), as NEW does",
    "file_bmp": "no such format is made: generate_format_bmp is refused",
    "inflight_after_": "rows that outlived a server: a gateway takes its jobs up again (test_ima2_face_teams)",
    "inflight_bg_": "sent beside others to be in flight: their rows are compared in test_ima2_face_memory",
    "inflight_cancel_bg": "a delete ends the job for its client here (test_ima2_face_teams), as NEW does",
    "inflight_terminal_after_validation": "a request that is refused begins no job here, and leaves no end",
    "restart_inflight_victim": "an answer that never came",
}
SERVED = ("/api/generate", "/api/edit", "/api/node/", "/api/history", "/api/inflight", "/generated/", "/api/health",
          "/api/oauth/status", "/api/providers", "/api/storage/")  # fmt: skip
#: States that a recorded server was put into: the face tells of this gateway's accounts (test_ima2_face_films).
STATES = {"oauth_status_", "providers_B", "providers_oauth_failed", "health_oauth_starting"}


def test_what_the_face_serves_is_compared_with_it() -> None:
    """All recorded exchanges of routes that it answers itself, but those of an upstream or account that failed.

    How those are said is compared in test_face_inverse, and that they come through in test_ima2_chain.
    """
    missing = {
        name
        for name, each in load("ima2")
        if str(each.get("request", {}).get("path")).startswith(SERVED)
        and name not in FACE
        and not any(part in name for part in face._FAILURES)
        and not name.startswith((*NOT_COMPARED, *STATES))
    }
    assert missing == set()
    assert not [name for name in FACE if name in NOT_COMPARED]
