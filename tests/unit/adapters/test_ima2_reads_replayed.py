"""The ima2 adapter over every recorded answer that is only read: accounts, health, in-flight lists, history, files."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.ima2.adapter import Ima2
from adapters.ima2.translate import Note, Route, file_path, to_handle, to_note
from contracts.catalog import CatalogError
from contracts.port import Absent, BackendSettings, Done, Moments, Output, Pending
from tests.unit.adapters.recording import load
from tests.unit.adapters.replay_server import Response, replaying

ALL = dict(load("ima2"))
NO_PAGE = {"status": 404, "headers": {"content-type": "text/html"}, "text": "<html>Cannot GET</html>"}


def asked(method: str, prefix: str) -> dict[str, dict[str, Any]]:
    """Return the recordings of a method and the begin of a path that were answered."""
    return {
        name: each
        for name, each in ALL.items()
        if each.get("request", {}).get("method") == method
        and each["request"]["path"].startswith(prefix)
        and "status" in each["response"]
    }


OAUTH = asked("GET", "/api/oauth/status")
PROVIDERS = asked("GET", "/api/providers")
HEALTH = asked("GET", "/api/health")
INFLIGHT = asked("GET", "/api/inflight")
FORGOTTEN = asked("DELETE", "/api/inflight/")
HISTORY = asked("GET", "/api/history")
FILES = asked("GET", "/generated/") | asked("GET", "/assets/")
READ = {name for each in (OAUTH, PROVIDERS, HEALTH, INFLIGHT, FORGOTTEN, HISTORY, FILES) for name in each}


@asynccontextmanager
async def adapter(choose: Callable[[str, str], Response | None]) -> AsyncIterator[Ima2]:
    """Yield an adapter before a server that answers as recorded."""
    async with replaying(choose) as url:
        found = Ima2(BackendSettings(name="ima2", base_url=url))
        try:
            yield found
        finally:
            await found.close()


def server(**recorded: str) -> Callable[[str, str], Response | None]:
    """Return a whole server: these recordings by the last word of their path, and what else it takes."""
    words = {"status": "oauth_status_ready", "providers": "providers_A", "health": "health_A", **recorded}

    def choose(_method: str, path: str) -> Response | None:
        name = words.get(path.rpartition("/")[2])
        return NO_PAGE if name is None else ALL[name]["response"]

    return choose


@pytest.mark.parametrize("name", OAUTH)
async def test_an_account_is_what_its_status_says(name: str) -> None:
    """Ready, or out of order, or in need of somebody who signs in; nothing else is known of it then."""
    async with adapter(server(status=name)) as ima2:
        [account] = (await ima2.health()).accounts
        discovery = await ima2.discover()
    status = ALL[name]["response"]["body"]["status"]
    codes = {"ready": None, "auth_required": "backend.credentials_rejected"}
    assert (account.name, account.ready, account.detail) == ("oauth", status == "ready", status)
    assert account.code == codes.get(status, "backend.unavailable")
    assert [each.ready for each in discovery.accounts if each.name == "oauth"] == [status == "ready"]


@pytest.mark.parametrize("name", PROVIDERS)
async def test_the_build_and_its_key_are_what_the_providers_say(name: str) -> None:
    """TAG calls its key path disabled; HEAD says where its key comes from, if it has one."""
    async with adapter(server(providers=name)) as ima2:
        discovery = await ima2.discover()
        health = await ima2.health()
    body = ALL[name]["response"]["body"]
    assert discovery.profile == ("tag" if name.startswith("tag_") else "head")
    api = [each.ready for each in discovery.accounts if each.name == "api"]
    assert api == ([] if discovery.profile == "tag" else [body["apiKey"]])
    assert [each.ready for each in health.accounts if each.name == "api"] == api


@pytest.mark.parametrize("name", HEALTH)
async def test_a_health_tells_whether_the_process_is_the_one_that_was_asked(name: str) -> None:
    """By when it began: what was sent before that is looked for in the history alone."""
    began = ALL[name]["response"]["body"]["startedAt"] / 1000
    handle = to_handle(Note(request_id="job_1.1", account="oauth", count=1))
    async with adapter(server(health=name)) as ima2:
        for sent, stage in ((began - 1, "history"), (began + 1, "registry")):
            found = await ima2.recover(handle, Moments(submitted_at=sent, now=sent + 10, settle_s=840))
            assert isinstance(found, Pending)
            assert found.handle is not None
            note = to_note(found.handle)
            assert (note.stage, note.restarted, found.found) == (stage, stage == "history", False)


def route_of(row: dict[str, Any]) -> Route:
    """Return the route that a row of the registry is about."""
    if row["meta"].get("kind") == "edit":
        return "edit"
    routes: dict[str, Route] = {"classic": "generate", "node": "node", "multimode": "multimode"}
    return routes[row["kind"]]


#: What the ends of the recorded lists mean, by status and code: nothing else is kept of them. A line that broke may
#: have broken in the middle of a picture, so nobody may take it for free.
ENDS = {
    (None, None): "backend.failed finished_no_result",
    (400, "EDIT_MASK_DIMENSION_MISMATCH"): "request.reference_invalid not_started",
    (400, "EDIT_MASK_NO_ALPHA"): "request.reference_invalid not_started",
    (400, "INVALID_EDIT_IMAGE_BASE64"): "request.reference_invalid not_started",
    (400, "INVALID_EDIT_IMAGE_PNG"): "request.reference_invalid not_started",
    (400, "INVALID_EDIT_INPUT"): "request.field_invalid not_started",
    (400, "INVALID_EDIT_MASK"): "request.reference_invalid not_started",
    (400, "INVALID_EDIT_MASK_BASE64"): "request.reference_invalid not_started",
    (400, "INVALID_EDIT_MASK_PNG"): "request.reference_invalid not_started",
    (400, "INVALID_MODERATION"): "request.field_invalid not_started",
    (400, "INVALID_PROMPT"): "request.field_invalid not_started",
    (400, "INVALID_REQUEST"): "backend.rejected_request not_started",
    (400, "MODERATION_REFUSED"): "policy.refused not_started",
    (400, "REF_EMPTY"): "request.reference_invalid not_started",
    (400, "REF_NOT_ARRAY"): "request.field_invalid not_started",
    (400, "REF_NOT_BASE64"): "request.reference_invalid not_started",
    (400, "REF_NOT_STRING"): "request.reference_invalid not_started",
    (400, "REF_TOO_MANY"): "request.reference_too_many not_started",
    (401, "API_KEY_REQUIRED"): "backend.misconfigured not_started",
    (401, "AUTH_CHATGPT_EXPIRED"): "backend.credentials_rejected not_started",
    (401, "INVALID_REQUEST"): "backend.credentials_rejected not_started",
    (403, "INVALID_REQUEST"): "backend.credentials_rejected not_started",
    (404, "INVALID_REQUEST"): "backend.rejected_request not_started",
    (422, "EMPTY_RESPONSE"): "backend.bad_response finished_no_result",
    (422, "SAFETY_REFUSAL"): "policy.refused not_started",
    (429, "AUTH_API_KEY_INVALID"): "backend.quota_exhausted not_started",
    (429, "INVALID_REQUEST"): "backend.overloaded not_started",
    (429, "RESPONSES_IMAGE_ERROR"): "backend.overloaded not_started",
    (500, "EMPTY_RESPONSE"): "backend.bad_response finished_no_result",
    (500, "RESPONSES_IMAGE_ERROR"): "backend.failed finished_no_result",
    (500, "UNKNOWN"): "backend.failed unknown",
    (500, "UPSTREAM_5XX"): "backend.failed finished_no_result",
    (500, "moderation_blocked"): "policy.refused not_started",
    (500, "rate_limit_exceeded"): "backend.overloaded not_started",
    (502, "UPSTREAM_5XX"): "backend.failed finished_no_result",
    (503, "NETWORK_FAILED"): "backend.unavailable unknown",
    (503, "UPSTREAM_5XX"): "backend.failed finished_no_result",
}


@pytest.mark.parametrize("name", INFLIGHT)
async def test_every_row_of_an_in_flight_list_is_understood(name: str) -> None:
    """What runs is pending in its phase, what is done leads to its files, what failed is a code, the rest is absent."""
    body = ALL[name]["response"]["body"]
    rows = [*body["jobs"], *body.get("terminalJobs", [])]
    handles = [to_handle(Note(request_id=each["requestId"], account="oauth", count=1, route=route_of(each)))
               for each in rows]  # fmt: skip
    strange = to_handle(Note(request_id="never-seen", account="oauth", count=1))
    async with adapter(server(inflight=name)) as ima2:
        polled = await ima2.poll([*handles, strange])
    assert isinstance(polled["never-seen"], Absent)
    for row in rows:
        found = polled[row["requestId"]]
        if row.get("status") in ("error", "canceled"):
            assert isinstance(found, CatalogError)
            assert f"{found.code} {found.outcome}" == ENDS[row.get("httpStatus"), row.get("errorCode")]
            continue
        assert isinstance(found, Pending)
        if row.get("status") == "completed":
            assert found.handle is not None
            note = to_note(found.handle)
            named = row["meta"].get("filenames") or [row["meta"].get("filename")]
            assert (note.stage, list(note.filenames)) == ("history", [each for each in named if each])
        else:
            assert (found.handle, found.phase) == (None, "image")


@pytest.mark.parametrize("name", FORGOTTEN)
async def test_a_delete_is_never_taken_for_a_stop(name: str) -> None:
    """204 whatever became of it, known or not."""
    handle = to_handle(Note(request_id="job_1.1", account="oauth", count=1))
    async with adapter(lambda _method, _path: ALL[name]["response"]) as ima2:
        assert (await ima2.cancel(handle)).answer == "forgotten"


@pytest.mark.parametrize("name", HISTORY)
async def test_every_row_of_a_history_is_a_result(name: str) -> None:
    """By its request id, or by its name where it has none; as the stored file, with what was written beside it."""
    body = ALL[name]["response"]["body"]
    rows = body.get("items") or [row for group in body.get("sessions", ()) for row in group["items"]]
    page = {**ALL[name]["response"], "body": {"items": rows, "nextCursor": body["nextCursor"]}}
    async with adapter(lambda _method, _path: page) as ima2:
        for row in rows:
            asked_for, filename = row["requestId"] or "job_1.1", row["filename"]
            note = Note(request_id=asked_for, account=row["provider"], count=1, stage="history", filenames=(filename,))
            done = (await ima2.poll([to_handle(note)]))[asked_for]
            assert isinstance(done, Done)
            [mine] = [each for each in done.outputs if each.reference == file_path(filename)]
            assert mine.revised_prompt == row["revisedPrompt"]
            assert done.adjustments == ()
        gone = to_handle(Note(request_id="never-seen", account="oauth", count=1, stage="history"))
        assert isinstance((await ima2.poll([gone]))["never-seen"], Absent)


@pytest.mark.parametrize("name", FILES)
async def test_a_stored_file_comes_whole_or_not_at_all(name: str) -> None:
    """What is not there is expired; a part of a file, or none because it did not change, was never asked for."""
    response = ALL[name]["response"]
    async with adapter(lambda _method, _path: response) as ima2:
        output = Output(index=0, reference=ALL[name]["request"]["path"])
        if response["status"] == 200 and "body_b64" in response:
            data = b"".join([chunk async for chunk in ima2.fetch(output)])
            # The recorder kept the first bytes of a longer one.
            assert data == base64.b64decode(response["body_b64"])
        elif response["status"] != 200:
            with pytest.raises(CatalogError) as caught:
                _ = [chunk async for chunk in ima2.fetch(output)]
            expected = "resource.expired" if response["status"] == 404 else "backend.bad_response"
            assert (caught.value.code, caught.value.phase) == (expected, "download")
