"""The ima2 adapter over every recorded answer of its other routes: edits, nodes, sequences, in JSON and in frames."""

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET

from adapters.ima2.adapter import Ima2
from adapters.ima2.asking import PATHS
from adapters.ima2.capability import Profile, edit, film, generate
from adapters.ima2.translate import Note, to_handle
from contracts.capability import Candidate, Capability
from contracts.catalog import CatalogError
from contracts.fit import fit
from contracts.media import Input
from contracts.port import (
    BackendSettings,
    Done,
    InputBytes,
    Order,
    Origin,
    PartialImage,
    Pending,
    PhaseNote,
)
from contracts.spec import ImageEdit, ImageGenerate, SpecBase, VideoGenerate
from tests.unit.adapters.known import KnownIma2, profile_of
from tests.unit.adapters.recording import load
from tests.unit.adapters.replay_server import replaying
from tests.unit.pictures import encoded

GOLDEN = json.loads((Path(__file__).parent / "golden" / "ima2_codes.json").read_text())
RECORDED = {
    name: recording
    for name, recording in load("ima2")
    if recording.get("request", {}).get("method") == "POST" and "status" in recording.get("response", {})
}
SOURCE, MASK = encoded("png", "RGB", (8, 8)), encoded("png", "RGBA", (8, 8))
ROUTES = ("edit", "node", "multimode")
#: The client hung up in the middle of these: no answer that a server ever gave.
BROKEN_OFF = {"node_client_disconnect", "multimode_client_disconnect"}


def of_route(route: str) -> list[str]:
    """Return the recordings of a route that can be replayed."""
    return [
        name
        for name, each in RECORDED.items()
        if each["request"]["path"] == PATHS[route] and name not in BROKEN_OFF  # type: ignore[index]
    ]


def end_of(name: str) -> tuple[str, dict[str, Any] | None]:
    """Return the golden key of a recording's end, and its pictures' document if it ended well."""
    response = RECORDED[name]["response"]
    if "sse" not in response:
        return name, response.get("body") if response["status"] == 200 else None
    at, last = len(response["sse"]) - 1, response["sse"][-1]
    is_good = last["event"] == "done" and last["data"].get("status") != "empty"
    return f"{name}#{at}", last["data"] if is_good else None


def replayable(name: str) -> dict[str, Any]:
    """Return a recorded answer with its frames as text."""
    response = dict(RECORDED[name]["response"])
    if "sse" in response:
        frames = [f"event: {each['event']}\ndata: {json.dumps(each['data'])}\n\n" for each in response["sse"]]
        response["text"] = "".join(frames)
    return response


def order(route: str, *, profile: Profile = "head", count: int = 1, n: int = 1) -> Order:
    """Return an order that takes a route."""
    options = {"ima2": {route: True}} if route in ("node", "multimode") else UNSET
    source = (Input(role="source", asset_id="ast_1"),)
    spec: SpecBase = ImageGenerate(prompt="a shiba in space", n=count, options=options)
    capability: Capability = generate(profile, "oauth", {}, {"submit_s": 5.0})
    if route == "edit":
        spec, capability = ImageEdit(prompt="at night", inputs=source), edit(profile, "oauth", {}, {"submit_s": 5.0})
    if route == "video":
        spec, capability = VideoGenerate(prompt="waves"), film(("text", "image", "reference"), {}, {})
    fitted = fit(spec, capability, "ima2")
    assert not fitted.mismatches
    return Order(
        job_id="job_1",
        n=n,
        part=1,
        spec=spec,
        effective=fitted.effective,
        candidate=Candidate("ima2", "grok" if route == "video" else "oauth", "gpt-5.4-mini"),
        capability=capability,
        count=count,
    )


async def submitted(
    asked: Order, response: dict[str, Any], inputs: tuple[InputBytes, ...] = (), profile: str = "head"
) -> tuple[Done | Pending, list[PhaseNote | PartialImage]]:
    """Submit an order to a server that answers with a recording; return what came, and what was told meanwhile."""
    told: list[PhaseNote | PartialImage] = []
    async with replaying(lambda _method, _path: response) as url:
        adapter = KnownIma2(BackendSettings(name="ima2", base_url=url), profile)
        try:
            done = await adapter.submit(adapter.prepare(asked).handle, asked, inputs, told.append)
        finally:
            await adapter.close()
    return done, told


CASES = [(route, name) for route in ROUTES for name in of_route(route)]
PICTURE = (InputBytes("source", "image/png", SOURCE),)


@pytest.mark.parametrize(("route", "name"), [case for case in CASES if end_of(case[1])[1] is None])
async def test_a_recorded_failure_of_a_route_comes_out_as_its_code(route: str, name: str) -> None:
    """Whether it stands in a status, in a frame, or in a sequence without pictures."""
    with pytest.raises(CatalogError) as caught:
        await submitted(order(route), replayable(name), PICTURE if route == "edit" else (), profile_of(name))
    assert f"{caught.value.code} {caught.value.outcome}" == GOLDEN[end_of(name)[0]]


@pytest.mark.parametrize(("route", "name"), [case for case in CASES if end_of(case[1])[1] is not None])
async def test_a_recorded_success_of_a_route_yields_its_pictures(route: str, name: str) -> None:
    """All of them once, in order; previews and pictures of a sequence are told as they come."""
    if route == "node" and "sse" not in RECORDED[name]["response"]:
        # Asked for in JSON when it was recorded: its only frame would have been the same document.
        said = f"event: done\ndata: {json.dumps(RECORDED[name]['response']['body'])}\n\n"
        response = {"status": 200, "headers": {"content-type": "text/event-stream"}, "text": said}
    else:
        response = replayable(name)
    done, told = await submitted(order(route), response, PICTURE if route == "edit" else ())
    body = end_of(name)[1]
    assert body is not None
    assert isinstance(done, Done)
    pictures = body.get("images", [body])
    assert [each.revised_prompt for each in done.outputs] == [each.get("revisedPrompt") for each in pictures]
    assert [each.index for each in done.outputs] == list(range(len(pictures)))
    if route == "node":
        assert done.effective is not None
        assert done.effective.options == {"node_id": body["nodeId"]}
    shown = [each["event"] for each in RECORDED[name]["response"].get("sse", ()) if each["event"] in PREVIEWS]
    assert len([note for note in told if isinstance(note, PartialImage)]) == len(shown)


PREVIEWS = ("partial", "image")


async def test_a_stream_that_breaks_off_is_a_lost_answer() -> None:
    """The frames until then are no end, and the work may go on."""
    for name in ("node_client_disconnect", "multimode_client_disconnect"):
        with pytest.raises(CatalogError) as caught:
            await submitted(order(name.partition("_")[0]), replayable(name))
        assert (caught.value.outcome, caught.value.facts["reason"]) == ("unknown", "answer_lost")


@pytest.mark.parametrize(
    ("origin", "n", "profile", "mask", "route"),
    [
        (Origin("ima2", {"node_id": "n_1"}), 1, "head", False, "node"),
        (Origin("ima2", {"node_id": "n_1"}), 2, "head", False, "edit"),
        (Origin("ima2", {"node_id": "n_1"}), 1, "head", True, "edit"),
        (Origin("other", {"node_id": "n_1"}), 1, "head", False, "edit"),
        (Origin("ima2", {}), 1, "tag", False, "edit"),
        (None, 1, "new", False, "edit"),
    ],
)
def test_a_source_is_continued_as_a_node_where_it_is_one_there(
    origin: Origin | None, n: int, profile: Profile, *, mask: bool, route: str
) -> None:
    """Of this very backend, without a mask, and in the first attempt: else the picture itself is sent."""
    from adapters.ima2.asking import ask  # noqa: PLC0415

    inputs = [InputBytes("source", "image/png", SOURCE, origin)]
    if mask:
        inputs.append(InputBytes("mask", "image/png", MASK))
    sent = ask(order("edit", profile=profile, n=n), inputs)
    assert sent.route == route
    assert (getattr(sent.body, "parent_node_id", None) == "n_1") == (route == "node")


@pytest.mark.parametrize(
    ("source", "mask", "pointer", "reason"),
    [
        (("image/png", SOURCE), ("image/png", SOURCE), "/inputs/1", "no_alpha"),
        (("image/png", SOURCE), ("image/png", encoded("png", "RGBA", (9, 8))), "/inputs/1", "dimensions"),
        (("image/jpeg", b""), ("image/png", MASK), "/inputs/0", "media_type"),
        (("image/png", SOURCE), ("image/webp", b""), "/inputs/1", "media_type"),
        (("image/avif", b""), None, "/inputs/0", "media_type"),
        (("video/mp4", b""), None, "/inputs/0", "media_type"),
    ],
)
async def test_a_picture_that_cannot_be_used_is_refused_before_anything_is_sent(
    source: tuple[str, bytes], mask: tuple[str, bytes] | None, pointer: str, reason: str
) -> None:
    """The server lets some of these pass, and answers others with an error of its own."""
    inputs = [InputBytes("source", *source)]
    if mask is not None:
        inputs.append(InputBytes("mask", *mask))
    asked: list[str] = []
    async with replaying(lambda _method, path: asked.append(path)) as url:
        adapter = Ima2(BackendSettings(name="ima2", base_url=url))
        with pytest.raises(CatalogError) as caught:
            await adapter.submit(adapter.prepare(order("edit")).handle, order("edit"), inputs, lambda _note: None)
        await adapter.close()
    assert (caught.value.code, caught.value.outcome) == ("request.reference_invalid", "not_started")
    assert [(fault.pointer, fault.reason) for fault in caught.value.errors] == [(pointer, reason)]
    assert asked == []


async def test_a_finished_edit_is_found_by_the_file_that_the_registry_names() -> None:
    """Its row of the history bears no request id; where the history lists nothing, the file is still there."""
    registry = {
        "jobs": [],
        "terminalJobs": [
            {"requestId": "job_1.1", "status": "completed", "startedAt": 5, "meta": {"filename": "e.png"}}
        ],
    }
    row = {"filename": "e.png", "createdAt": 6, "requestId": None, "provider": "oauth", "revisedPrompt": "dark"}
    for items, revised in (([row], "dark"), ([], None)):
        answers = {"/api/inflight": registry, "/api/history": {"items": items, "nextCursor": None}}
        handle = to_handle(Note(request_id="job_1.1", account="oauth", count=1, route="edit"))
        async with replaying(lambda _method, path, known=answers: _json(known[path])) as url:  # type: ignore[misc]
            adapter = Ima2(BackendSettings(name="ima2", base_url=url))
            found = (await adapter.poll([handle]))["job_1.1"]
            assert isinstance(found, Pending)
            assert found.handle is not None
            done = (await adapter.poll([found.handle]))["job_1.1"]
            await adapter.close()
        assert isinstance(done, Done)
        assert [(each.reference, each.revised_prompt) for each in done.outputs] == [("/generated/e.png", revised)]


def _json(body: Any) -> dict[str, Any]:
    return {"status": 200, "headers": {"content-type": "application/json"}, "body": body}
