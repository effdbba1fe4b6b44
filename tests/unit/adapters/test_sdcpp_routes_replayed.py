"""The sd.cpp Studio adapter over every other recorded answer: submits, cancels, lists, pictures and the socket.

The rows of single jobs are walked in `test_sdcpp_replayed`. Whatever is replayed in neither is named here, with why.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from msgspec import UNSET

from adapters.sdcpp.adapter import Sdcpp
from adapters.sdcpp.capability import edit, generate, upscale, variation
from adapters.sdcpp.translate import Kind, Note, digest, to_handle
from contracts.capability import Candidate, Capability
from contracts.catalog import CatalogError
from contracts.fit import fit
from contracts.media import Input
from contracts.port import BackendSettings, Handle, Hint, InputBytes, Moments, Order, Output, Pending, Stopped
from contracts.spec import ImageEdit, ImageGenerate, ImageUpscale, ImageVariation, SpecBase
from tests.unit.adapters.recording import load
from tests.unit.adapters.replay_server import Response, replaying
from tests.unit.pictures import encoded

GOLDEN = json.loads((Path(__file__).parent / "golden" / "sdcpp_codes.json").read_text())
RECORDINGS = dict(load("sdcpp"))
SPECS: dict[Kind, tuple[type[SpecBase], Capability]] = {
    "generate": (ImageGenerate, generate({})),
    "edit": (ImageEdit, edit({})),
    "variation": (ImageVariation, variation({})),
    "upscale": (ImageUpscale, upscale({})),
}
SOURCE = encoded("png", "RGB", (8, 8))
JOB = r"/api/queue/(:id|does-not-exist)$"
#: Routes that the adapter asks, each with the test that replays their answers.
ASKED = {
    r"POST /api/queue/(generate|edit|variation|upscale)$": "test_a_recorded_submit_says_what_it_says",
    rf"DELETE {JOB}": "test_a_recorded_cancel_never_claims_more_than_was_done",
    rf"GET {JOB}": "test_sdcpp_replayed, and test_a_job_that_vanished_is_lost",
    r"GET /api/queue$": "test_a_recorded_list_is_read_for_ours_alone",
    r"GET /api/images/": "test_a_recorded_picture_comes_or_is_said_to_be_gone",
    r"GET /(api/config|api/models|api/v1/models|sdapi/v1/upscalers)$": "test_models_are_discovered_from_recorded_lists",
}
NOT_ASKED = {
    r"\w+ /api/generations": "the queue's rows under another name; deleting one may kill the server",
    r"POST /api/(generate|edit|variation)$": "the sync routes never tell the id of what they wait for",
    r"POST /api/v1/images/": "sync routes as well",
    r"\w+ /sdapi/v1/(?!upscalers$)": "a layer of its own over the same rows, partly sync",
    r"\w+ /api/models/": "operations, for people",
    r"GET /api/(settings|gpu-info|memory/|logs|terminal/)": "operations, for people; some answers hold secrets",
    r"GET /api/health$": "says nothing about worker, models or upstream; /api/config does, and about the key",
    r"GET /api/queue/stats$": "counts strangers' jobs too, and not those that load",
    r"POST /api/queue/cancel-all$": "would cancel strangers' jobs",
    r"GET /static/": "pictures without a key: /api/images is asked; /static/input is recorded nowhere",
    r"GET (/api/nope|/nope|/v1/models)$": "no routes at all",
    r"(HEAD|OPTIONS|PUT) ": "for browsers, or no method of the route",
}
#: What stands in recordings beside exchanges, and is looked at elsewhere or is no answer.
BESIDE = {
    "sequence", "sequence_after_cancel", "poll_sequence", "processing_job_after_cancel_all", "outcomes",
    "job_afterwards", "server", "note", "name", "upstream_request", "upstream_calls_on_reset", "upstream_calls_at_s",
    "upstream", "process_alive", "backend_log_tail", "took_s", "restart_took_s", "file_still_on_disk", "paging",
    "strength_cases", "exchange", "client", "results", "log", "jobs",
}  # fmt: skip


def exchanges() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each recorded exchange with its name and route, ids written `:id`."""
    for name, recording in RECORDINGS.items():
        for at, each in enumerate(recording.get("exchanges", ())):
            path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", ":id", each["request"]["path"].partition("?")[0])
            yield f"{name}#{at}", f"{each['request']['method']} {path}", each


def of_route(pattern: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the answered exchanges of a route."""
    return {
        name: (route, each)
        for name, route, each in exchanges()
        if re.match(pattern, route) and "status" in (each.get("response") or {})
    }


def is_404(found: tuple[str, dict[str, Any]]) -> bool:
    """Say whether an exchange ended with a 404."""
    return bool(found[1]["response"]["status"] == 404)


@asynccontextmanager
async def studio(response: Response, *, key: str | None = None) -> AsyncIterator[Sdcpp]:
    """Drive a server that answers with one recording, whatever it is asked."""
    async with replaying(lambda _method, _path: response) as url:
        adapter = Sdcpp(BackendSettings(name="studio", base_url=url, api_key=key))
        try:
            yield adapter
        finally:
            await adapter.close()


def order(kind: Kind, **fields: Any) -> Order:
    """Return an order of a kind that fits."""
    made, capability = SPECS[kind]
    if kind != "generate":
        fields["inputs"] = (Input(role="source", asset_id="ast_1"),)
    spec = made(prompt=UNSET if kind == "upscale" else "a shiba", **fields)
    fitted = fit(spec, capability, "sdcpp")
    assert not fitted.mismatches, fitted.mismatches
    return Order(
        job_id="job_1",
        n=1,
        part=1,
        spec=spec,
        effective=fitted.effective,
        candidate=Candidate("studio", "default", "fake-api"),
        capability=capability,
        count=fitted.count,
    )


def handle_of(job_id: str | None = "x", **fields: Any) -> Handle:
    """Return the handle of a job."""
    return to_handle(Note(**{"seed": "1", "prompt_sha256": "", "size": "8x8", "job_id": job_id, **fields}), "job_1.1")


def test_every_recorded_exchange_is_replayed_or_has_a_reason() -> None:
    """Nothing that was recorded is overlooked, and no reason outlives what it is for."""
    seen = set()
    for name, route, _ in exchanges():
        fitting = [pattern for pattern in (*ASKED, *NOT_ASKED) if re.match(pattern, route)]
        assert len(fitting) == 1, (name, route, fitting)
        seen.add(fitting[0])
    assert seen == ASKED.keys() | NOT_ASKED.keys()
    beside = {key for recording in RECORDINGS.values() for key in recording} - {"exchanges"}
    assert beside <= BESIDE, beside - BESIDE
    for test in ASKED.values():
        assert test.startswith("test_sdcpp_replayed") or test in globals()


@pytest.mark.parametrize("name", SUBMITS := of_route(next(iter(ASKED))))
async def test_a_recorded_submit_says_what_it_says(name: str) -> None:
    """Queued with the id of the row, or a code of the catalogue, in JSON and in HTML."""
    route, each = SUBMITS[name]
    kind: Kind = route.rpartition("/")[2]  # type: ignore[assignment]
    asked, response = order(kind), each["response"]
    async with studio(response) as adapter:
        before = adapter.prepare(asked).handle
        picture = () if kind == "generate" else (InputBytes("source", "image/png", SOURCE),)
        submitting = adapter.submit(before, asked, picture, lambda _note: None)
        if response["status"] == 200:
            answer = await submitting
            assert isinstance(answer, Pending)
            assert answer.handle is not None
            assert json.loads(bytes(answer.handle.note))["job_id"] == response["json"]["job_id"]
            assert answer.handle.id == before.id == "job_1.1"
        else:
            with pytest.raises(CatalogError) as caught:
                await submitting
            assert f"{caught.value.code} {caught.value.outcome}" == GOLDEN[name]


@pytest.mark.parametrize("name", CANCELS := of_route(rf"DELETE {JOB}"))
async def test_a_recorded_cancel_never_claims_more_than_was_done(name: str) -> None:
    """Stopped is only what had not begun; what the server calls not cancellable goes on, or is over."""
    response = CANCELS[name][1]["response"]
    row = (response.get("json") or {}).get("job") or {}
    async with studio(response) as adapter:
        said = await adapter.cancel(handle_of())
    assert isinstance(said, Stopped)
    assert said.answer == ("stopped" if row and row["started_at"] is None else "forgotten")


@pytest.mark.parametrize(
    "name", MISSING := {name: each for name, each in of_route(rf"GET {JOB}").items() if is_404(each)}
)
async def test_a_job_that_vanished_is_lost(name: str) -> None:
    """A row that somebody deleted: nobody knows what became of it, and it is not made again unasked."""
    async with studio(MISSING[name][1]["response"]) as adapter:
        polled = (await adapter.poll([handle_of()]))["job_1.1"]
    assert isinstance(polled, CatalogError)
    assert (polled.code, polled.outcome) == ("backend.job_lost", "unknown")


@pytest.mark.parametrize("name", LISTS := of_route(r"GET /api/queue$"))
async def test_a_recorded_list_is_read_for_ours_alone(name: str) -> None:
    """Who is in it waits; who is not is asked after alone; each row is found by what it is known by."""
    response = LISTS[name][1]["response"]
    async with studio(response) as adapter:
        if response["status"] != 200:
            with pytest.raises(CatalogError) as caught:
                await adapter.poll([handle_of("x"), handle_of("y")])
            assert f"{caught.value.code} {caught.value.outcome}" == GOLDEN[name]
            return
        rows = response["json"]["jobs"]
        handles = [to_handle(Note(seed="1", prompt_sha256="", size="", job_id=row["id"]), row["id"]) for row in rows]
        polled = await adapter.poll([*handles, handle_of("elsewhere"), handle_of("elsewhere")])
        for row in rows:
            assert polled[row["id"]] == Pending(1.0, phase="queued_at_backend", progress=0.0)
        assert polled["job_1.1"] == Pending(0, alone=True)
        for row in rows:
            fingerprint = {"seed": row["seed"], "prompt_sha256": digest(row["prompt"] or ""), "kind": row["type"]}
            moment = row["created_at"] / 1000
            moments = Moments(submitted_at=moment, now=moment + 9, settle_s=0)
            found = await adapter.recover(handle_of(None, **fingerprint), moments)
            alike = [each for each in rows if (each["seed"], each["prompt"]) == (row["seed"], row["prompt"])]
            if row["type"] == "generate" and len(alike) == 1:
                assert isinstance(found, Pending), row


@pytest.mark.parametrize("name", PICTURES := of_route(r"GET /api/images/"))
async def test_a_recorded_picture_comes_or_is_said_to_be_gone(name: str) -> None:
    """Whatever it is labelled: JSON called image/png is no picture."""
    response = PICTURES[name][1]["response"]
    async with studio(response) as adapter:
        fetching = adapter.fetch(Output(index=0, reference="/api/images/one"))
        if response["status"] == 200:
            assert b"".join([chunk async for chunk in fetching]) is not None
            return
        with pytest.raises(CatalogError) as caught:
            [chunk async for chunk in fetching]
        assert caught.value.code == ("resource.expired" if response["status"] == 404 else "backend.bad_response")


async def test_models_are_discovered_from_recorded_lists() -> None:
    """Who edits, who varies, and who enlarges; keys of upstreams are left where they are."""
    first = {route: each["response"] for route, each in of_route("GET /").values() if each["response"]["status"] == 200}

    def answer(method: str, path: str) -> Response | None:
        return first.get(f"{method} {path}")

    async with replaying(answer) as url:
        adapter = Sdcpp(BackendSettings(name="studio", base_url=url))
        found = await adapter.discover()
        await adapter.close()
    operations = {model.id: set(model.operations) for model in found.models}
    assert operations["fake-api"] == {"image.generate", "image.edit", "image.variation"}
    assert operations["fake-edit"] == {"image.edit", "image.variation"}
    assert operations["fake-server"] == {"image.generate"}
    # The measured server had no upscaler that its queue could use.
    assert not any("image.upscale" in each for each in operations.values())
    assert "upstream-secret" not in repr(found)


async def test_the_recorded_socket_wakes_for_our_jobs_alone() -> None:
    """A new subscription asks after all; then each event of a job of ours is a hint, and nothing else is one."""
    log = [each["msg"] for each in RECORDINGS["websocket"]["log"] if each.get("dir") == "server->client"]
    ours = next(job_id for job_id, what in RECORDINGS["websocket"]["jobs"].items() if what == "ok")

    async def speak(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert (await socket.receive_json()) == {"type": "subscribe", "channel": "queue"}
        assert request.headers["Authorization"] == "Bearer secret"
        await socket.send_str("not json")
        for each in log:
            if each["type"] != "subscribed" or each["channel"] == "queue":
                await socket.send_json(each)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/ws", speak)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    adapter = Sdcpp(
        BackendSettings(name="studio", base_url=f"http://127.0.0.1:{runner.addresses[0][1]}", api_key="secret")
    )
    adapter._know(ours, "job_1.1")
    watching = adapter.watch()
    assert watching is not None
    hints = [hint async for hint in watching]
    await adapter.close()
    await runner.cleanup()
    told = [each for each in log if each.get("channel") == "queue" and each.get("data", {}).get("id") == ours]
    assert hints == [Hint(None), *[Hint("job_1.1")] * len(told)]
    assert len(told) == 3


async def test_a_server_without_a_socket_is_not_asked_for_one_again() -> None:
    """Until it is discovered anew: it may have become another release."""
    async with studio(
        {"status": 404, "headers": {"content-type": "application/json"}, "json": {"error": "x"}}
    ) as adapter:
        watching = adapter.watch()
        assert watching is not None
        with pytest.raises(CatalogError):
            await anext(watching)
        assert adapter.watch() is None
