"""What it means that neither the registry nor the history knows of a request: that depends on route, build and time."""

from typing import Any

import pytest

from adapters.ima2 import errors
from adapters.ima2.asking import PATHS
from adapters.ima2.stream import Streams
from adapters.ima2.tracing import Trace
from adapters.ima2.translate import Note, Route
from contracts.catalog import CatalogError
from contracts.port import Absent, BackendSettings, CannotTell, Done, Moments, Pending, Recovered
from tests.unit.adapters.replay_server import replaying

SUBMITTED = 1_000_000.0
SETTLE_S = 840.0
ROW = {"createdAt": 1, "requestId": "job_1.1", "provider": "oauth"}


def answers(**bodies: Any) -> dict[str, Any]:
    """Return a server that knows of nothing but what is named."""
    known = {
        "health": {"startedAt": (SUBMITTED - 50) * 1000},
        "inflight": {"jobs": [], "terminalJobs": []},
        "history": {"items": [], "nextCursor": None},
        **bodies,
    }
    return {
        f"/api/{name}": {"status": 200, "headers": {"content-type": "application/json"}, "body": body}
        for name, body in known.items()
    }


async def recovered(known: dict[str, Any], route: Route, waited: float, *, is_new: bool = False) -> Recovered:
    """Look as often as the server is only being looked through, and return the first answer that says more."""
    note = Note(request_id="job_1.1", account="oauth", count=2, route=route, is_new=is_new)
    moments = Moments(submitted_at=SUBMITTED, now=SUBMITTED + waited, settle_s=SETTLE_S)
    async with replaying(lambda _method, path: known[path]) as url:
        settings = BackendSettings(name="ima2", base_url=url)
        exchanges = Streams(settings, read=errors.read, classify=errors.classify, key_header=lambda _key: {})
        trace = Trace(exchanges, "ima2")
        try:
            while True:
                found = await trace.recover(note, moments)
                if not isinstance(found, Pending) or found.poll_after_s > 0 or found.handle is None:
                    return found
                from adapters.ima2.translate import to_note  # noqa: PLC0415

                note = to_note(found.handle)
        finally:
            await exchanges.close()


@pytest.mark.parametrize(
    ("route", "is_new", "waited", "expected"),
    [
        ("generate", False, 2, "looks"),
        ("generate", False, 30, "absent"),
        ("generate", False, 300, "looks"),
        ("generate", False, 900, "cannot tell"),
        ("generate", True, 900, "absent"),
        ("edit", False, 2, "looks"),
        ("edit", False, 30, "absent"),
        ("edit", False, 300, "cannot tell"),
        ("edit", True, 300, "cannot tell"),
        ("multimode", True, 30, "absent"),
        ("multimode", True, 300, "looks"),
        ("multimode", True, 900, "lost"),
        ("video", True, 900, "lost"),
    ],
)
async def test_a_request_without_a_trace(route: Route, waited: float, expected: str, *, is_new: bool) -> None:
    """Young: it never arrived. Older: nobody can tell, and what is not idempotent is not sent again."""
    found = await recovered(answers(), route, waited, is_new=is_new)
    kinds: dict[str, type] = {"looks": Pending, "absent": Absent, "cannot tell": CannotTell, "lost": CatalogError}
    assert isinstance(found, kinds[expected]), found
    if isinstance(found, CatalogError):
        assert (found.code, found.outcome) == ("backend.job_lost", "unknown")


@pytest.mark.parametrize(("route", "code"), [("generate", "backend.job_lost"), ("edit", None)])
async def test_a_server_that_restarted_meanwhile(route: Route, code: str | None) -> None:
    """Its history decides, but for edits, whose rows nobody can tell from others."""
    known = answers(
        health={"startedAt": (SUBMITTED + 5) * 1000},
        inflight={"jobs": [{"requestId": "job_1.1", "phase": "streaming", "startedAt": 1}]},
    )
    found = await recovered(known, route, 30)
    assert getattr(found, "code", None) == code
    assert isinstance(found, CatalogError if code else CannotTell)


@pytest.mark.parametrize(("route", "code"), [("generate", "backend.job_lost"), ("edit", None)])
async def test_a_server_that_restarts_between_two_looks(route: Route, code: str | None) -> None:
    """Its new process has forgotten the request: that it knows nothing of it does not mean that it never arrived."""
    known = answers()
    old, new = ({"startedAt": (SUBMITTED + moved) * 1000} for moved in (-50, 5))
    healths = iter((old, new))

    class Restarting(dict[str, Any]):
        def __getitem__(self, path: str) -> Any:
            found = dict(super().__getitem__(path))
            return {**found, "body": next(healths, new)} if path == "/api/health" else found

    found = await recovered(Restarting(known), route, 30)
    assert getattr(found, "code", None) == code
    assert isinstance(found, CatalogError if code else CannotTell)


async def test_a_picture_that_was_stored_before_the_restart_is_found() -> None:
    """The history is read once more when the process turns out to be another one."""
    rows = [{**ROW, "filename": "a.png"}]
    moments = iter(((SUBMITTED - 50) * 1000, (SUBMITTED + 5) * 1000))
    pages = iter(([], rows))

    class Restarting(dict[str, Any]):
        def __getitem__(self, path: str) -> Any:
            found = dict(super().__getitem__(path))
            if path == "/api/health":
                found["body"] = {"startedAt": next(moments)}
            if path == "/api/history":
                found["body"] = {"items": next(pages), "nextCursor": None}
            return found

    found = await recovered(Restarting(answers()), "generate", 30)
    assert isinstance(found, Done)
    assert [each.reference for each in found.outputs] == ["/generated/a.png"]


async def test_the_pictures_of_a_sequence_come_in_their_order() -> None:
    """Their names are no order: the history says which is which."""
    rows = [{**ROW, "filename": name, "sequenceIndex": place} for name, place in (("a.png", 2), ("b.png", 1))]
    found = await recovered(answers(history={"items": rows, "nextCursor": None}), "multimode", 30)
    assert isinstance(found, Done)
    assert [each.reference for each in found.outputs] == ["/generated/b.png", "/generated/a.png"]


async def test_a_sequence_that_ended_without_a_picture_is_a_failure() -> None:
    """The registry calls it completed."""
    ended = {"requestId": "job_1.1", "status": "completed", "meta": {"status": "empty", "imageCount": 0}}
    found = await recovered(answers(inflight={"jobs": [], "terminalJobs": [ended]}), "multimode", 30)
    assert isinstance(found, CatalogError)
    assert (found.code, found.outcome) == ("backend.bad_response", "finished_no_result")


@pytest.mark.parametrize("is_new", [False, True])
async def test_work_that_ended_and_left_nothing_is_not_made_again(*, is_new: bool) -> None:
    """The registry calls it completed, and somebody deleted its files: it did arrive, and was paid for."""
    ended = {"requestId": "job_1.1", "status": "completed", "meta": {"sequenceId": "seq_1"}}
    for route in PATHS:
        known = answers(inflight={"jobs": [], "terminalJobs": [ended]})
        found = await recovered(known, route, 30, is_new=is_new)
        assert isinstance(found, CatalogError), route
        assert (found.code, found.outcome) == ("backend.job_lost", "unknown")


async def test_a_found_film_is_a_film() -> None:
    """By its row of the history."""
    found = await recovered(answers(history={"items": [{**ROW, "filename": "f.mp4"}]}), "video", 30, is_new=True)
    assert isinstance(found, Done)
    assert [(each.role, each.reference) for each in found.outputs] == [("video", "/generated/f.mp4")]
