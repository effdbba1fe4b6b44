"""The sd.cpp Studio adapter over every recorded row and answer that it can meet."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.sdcpp.adapter import Sdcpp
from adapters.sdcpp.translate import Note, digest, to_handle, to_note
from contracts.catalog import CatalogError
from contracts.port import Absent, BackendSettings, CannotTell, Done, Moments, Pending
from tests.unit.adapters.recording import load
from tests.unit.adapters.replay_server import replaying

GOLDEN = json.loads((Path(__file__).parent / "golden" / "sdcpp_codes.json").read_text())
RECORDINGS = dict(load("sdcpp"))
Response = Mapping[str, Any]


def rows() -> Iterator[tuple[str, dict[str, Any], Response]]:
    """Yield every recorded answer that is one row of the queue."""
    for name, recording in RECORDINGS.items():
        for at, exchange in enumerate(recording.get("exchanges", ())):
            response = exchange.get("response") or {}
            row = response.get("json")
            if exchange["request"]["path"].startswith("/api/queue/") and isinstance(row, dict) and "progress" in row:
                yield f"{name}#{at}", row, response


ROWS = {name: (row, response) for name, row, response in rows()}


def exchange(name: str, method: str, path: str) -> Response:
    """Return the first recorded answer of a route."""
    for each in RECORDINGS[name]["exchanges"]:
        if (each["request"]["method"], each["request"]["path"]) == (method, path):
            return each["response"]  # type: ignore[no-any-return]
    raise LookupError(path)


@asynccontextmanager
async def studio(choose: Callable[[str, str], Response | None]) -> AsyncIterator[Sdcpp]:
    """Drive a server that answers with recordings."""
    async with replaying(choose) as url:
        adapter = Sdcpp(BackendSettings(name="studio", base_url=url))
        try:
            yield adapter
        finally:
            await adapter.close()


def note_of(row: Mapping[str, Any]) -> Note:
    """Return the note of a handle that wrote this row."""
    prompt = row["prompt"] or ""
    return Note(seed=row["seed"], prompt_sha256=digest(prompt), size=row["size"] or "", job_id=row["id"])


def test_rows_of_every_state_were_recorded() -> None:
    """The walk below is worth something: no state is missing from it."""
    states = {row["status"] for row, _ in ROWS.values()}
    assert states == {"pending", "processing", "model_loading", "completed", "failed", "cancelled"}


@pytest.mark.parametrize("name", ROWS)
async def test_a_recorded_row_says_what_it_says(name: str) -> None:
    """Pictures where there are any, waiting where it goes on, and a code of the catalogue where it ended badly."""
    row, response = ROWS[name]
    async with studio(lambda _method, _path: response) as adapter:
        handle = to_handle(note_of(row), "job_1.1")
        polled = (await adapter.poll([handle]))[handle.id]
    revived = row["status"] == "cancelled" and row["started_at"] is not None
    if row["status"] == "completed" and row["images"]:
        assert isinstance(polled, Done)
        assert [each.reference for each in polled.outputs] == [f"/api/images/{each['id']}" for each in row["images"]]
        assert polled.usage is not None
        assert polled.usage.generation_s == row["generation_time_ms"] / 1000
        assert polled.adjustments == ()
    elif revived or row["status"] in ("pending", "processing", "model_loading"):
        assert isinstance(polled, Pending)
        phases = {"pending": "queued_at_backend", "model_loading": "model_load"}
        assert polled.phase == phases.get(row["status"], "image")
    else:
        assert isinstance(polled, CatalogError)
        assert f"{polled.code} {polled.outcome}" == GOLDEN[f"{name}.0"]


@pytest.mark.parametrize("key", ["poll_sequence", "sequence", "sequence_after_cancel"])
async def test_recorded_sequences_never_end_before_they_end(key: str) -> None:
    """Each look of a recorded poll sequence is waited out, but for the last that has an end."""
    sequences = [recording[key] for recording in RECORDINGS.values() if recording.get(key)]
    assert sequences
    for sequence in sequences:
        for at, look in enumerate(sequence):
            if look.get("http") != 200:
                continue
            body = {"id": "x", "images": [{"id": str(n)} for n in range(look["image_count"])], **look}
            response = {"status": 200, "headers": {"content-type": "application/json"}, "json": body}
            async with studio(lambda _method, _path, said=response: said) as adapter:
                handle = to_handle(Note(seed="1", prompt_sha256="", size="8x8", job_id="x"), "job_1.1")
                polled = (await adapter.poll([handle]))[handle.id]
            if at < len(sequence) - 1:
                assert isinstance(polled, Pending), look


async def test_a_row_that_was_changed_on_its_way_is_told() -> None:
    """Seed and size of the row are held against what was sent."""
    row, response = next(each for each in ROWS.values() if each[0]["status"] == "completed" and each[0]["images"])
    note = Note(seed="7", prompt_sha256="", size="9x9", job_id=row["id"])
    async with studio(lambda _method, _path: response) as adapter:
        handle = to_handle(note, "job_1.1")
        done = (await adapter.poll([handle]))[handle.id]
    assert isinstance(done, Done)
    told = [(each.pointer, each.requested, each.applied) for each in done.adjustments]
    assert told == [("/seed", "7", row["seed"]), ("/size", "9x9", row["size"])]


async def test_a_lost_submit_is_found_by_its_fingerprint_in_the_recorded_queue() -> None:
    """Ours is found; a stranger's is not ours; of two that look alike we cannot tell."""
    queue = exchange("queue_generate_lifecycle", "GET", "/api/queue")
    jobs = queue["json"]["jobs"][:1]
    queue = {**queue, "json": {**queue["json"], "jobs": jobs}}
    twice = {**queue, "json": {**queue["json"], "jobs": [jobs[0], {**jobs[0], "id": "another"}]}}
    submitted = jobs[0]["created_at"] / 1000
    ours = Note(seed=jobs[0]["seed"], prompt_sha256=digest(jobs[0]["prompt"]), size=jobs[0]["size"])
    stranger = Note(seed="1", prompt_sha256=digest("never asked"), size="8x8")
    moments = Moments(submitted_at=submitted, now=submitted + 60, settle_s=0)
    early = Moments(submitted_at=submitted, now=submitted + 0.5, settle_s=0)

    async with studio(lambda _method, _path: queue) as adapter:
        found = await adapter.recover(to_handle(ours, "job_1.1"), moments)
        absent = await adapter.recover(to_handle(stranger, "job_2.1"), moments)
        soon = await adapter.recover(to_handle(stranger, "job_2.1"), early)
    assert isinstance(found, Pending)
    assert found.handle is not None
    assert to_note(found.handle).job_id == jobs[0]["id"]
    assert isinstance(absent, Absent)
    assert isinstance(soon, Pending)
    assert not soon.found
    async with studio(lambda _method, _path: twice) as adapter:
        assert isinstance(await adapter.recover(to_handle(ours, "job_1.1"), moments), CannotTell)


async def test_only_a_cancel_before_the_start_stops_anything() -> None:
    """What had started goes on, whatever the answer calls it (wire §5)."""
    answers = {
        "cancel_pending": "stopped",
        "cancel_processing_then_fail": "forgotten",
        "model_loading_visible": "forgotten",
    }
    for name, expected in answers.items():
        deletes = [each for each in RECORDINGS[name]["exchanges"] if each["request"]["method"] == "DELETE"]
        response = deletes[0]["response"]
        async with studio(lambda _method, _path, said=response: said) as adapter:
            handle = to_handle(Note(seed="1", prompt_sha256="", size="8x8", job_id="x"), "job_1.1")
            assert (await adapter.cancel(handle)).answer == expected, name


async def test_models_and_keys_are_discovered_from_the_recorded_lists() -> None:
    """The models come with what they take and give; a key that is wrong is told without a side effect."""
    models = exchange("openai_v1", "GET", "/api/v1/models")
    config = exchange("health_config", "GET", "/api/config")
    answers = {"/api/v1/models": models, "/api/config": config}
    async with studio(lambda _method, path: answers.get(path)) as adapter:
        discovery = await adapter.discover()
        health = await adapter.health()
    assert {model.id for model in discovery.models} <= {each["id"] for each in models["json"]["data"]}
    assert "fake-api" in {model.id for model in discovery.models}
    assert health.up
    assert health.accounts[0].ready

    wrong = RECORDINGS["auth"]["exchanges"][27]["response"]
    async with studio(lambda _method, _path: wrong) as adapter:
        health = await adapter.health()
    assert not health.accounts[0].ready
    assert health.accounts[0].code == "backend.credentials_rejected"
