"""Streams of events: in order, with one end, and taken up again without loss or repetition."""

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.asked import begun, made, pointers, problem, shown, spec, wait_for
from tests.e2e.listening_in import Listener, check_history, ids, told
from tests.harness import GatewayProcess


@pytest.mark.parametrize(
    ("name", "prompt"),
    [
        ("ima2", "a fox"),
        ("ima2", "[[SAFETY_REFUSAL]] a fox"),
        ("studio", "a fox"),
        ("studio", "[[upstream_400]] a fox"),
    ],
)
def test_a_history_is_whole_and_the_same_for_whoever_listens_when(
    gateway: GatewayProcess, name: str, prompt: str
) -> None:
    """Who listens from the beginning, from the middle or after the end hears the same lines."""
    job = begun(gateway.http, spec(prompt, on=name))
    live = told(gateway.http, job["links"]["events"])
    check_history(live, job["id"])
    later = told(gateway.http, job["links"]["events"])
    assert later == live
    assert live[-1].event == f"job.{shown(gateway.http, job['id'])['state']}"
    assert shown(gateway.http, job["id"])["error"] == live[-1].json().get("error")


def test_a_history_goes_through_every_phase_of_a_queue(gateway: GatewayProcess) -> None:
    """Studio's job is told as queued, running, its phases, each output, and the end, with what each carries."""
    job = begun(gateway.http, spec("[[loading:300]] [[slow:50]] a fox", on="studio", n=2))
    history = told(gateway.http, job["links"]["events"])
    kinds = [event.event for event in history]
    assert kinds[:2] == ["job.queued", "job.running"]
    assert kinds[-3:] == ["job.output", "job.output", "job.succeeded"]
    running = history[1].json()
    assert (running["backend"], running["model"], running["attempt"], running["part"]) == (
        *("studio", "studio/z-image-turbo"),
        *(1, 1),
    )
    phases = [event.json()["phase"] for event in history if event.event == "job.phase"]
    assert phases[0] == "queued_at_backend"
    assert "model_load" in phases
    assert len(phases) == len(set(phases))
    assert history[-1].json()["outputs"] == shown(gateway.http, job["id"])["outputs"]


def test_a_stream_goes_on_after_any_event(gateway: GatewayProcess) -> None:
    """From each id on exactly what followed it comes, and after the last one there is nothing to come again for."""
    job = made(gateway.http, spec("a fox", on="studio"))
    history = told(gateway.http, job["links"]["events"])
    for at, event in enumerate(history[:-1]):
        assert told(gateway.http, job["links"]["events"], after=int(event.id)) == history[at + 1 :]
    last = {"Last-Event-ID": history[-1].id}
    response = gateway.http.get(job["links"]["events"], headers=last)
    assert (response.status_code, response.content) == (204, b"")


def test_a_reader_that_is_cut_off_again_and_again_misses_nothing(gateway: GatewayProcess) -> None:
    """However often the line breaks under way, the pieces are the whole history."""
    chance = random.Random(7)  # noqa: S311 - moments, not secrets
    job = begun(gateway.http, spec("[[loading:120]] [[slow:50]] a fox", on="studio"))
    pieces: list[dict[str, Any]] = []
    while not pieces or pieces[-1]["type"] != "job.succeeded":
        after = pieces[-1]["id"] if pieces else None
        listener = Listener(gateway.http, job["links"]["events"], after=after)
        wanted = chance.randint(1, 2)
        wait_for(lambda reader=listener, least=wanted: len(reader.data) >= least or reader.ended, "some events")
        listener.close()
        pieces += listener.data
    assert pieces == [event.json() for event in told(gateway.http, job["links"]["events"])]


def test_the_team_hears_of_all_its_jobs(gateway: GatewayProcess) -> None:
    """`/v1/events` tells from now on, in one order, and every job's lines are its own history."""
    before = made(gateway.http, spec())
    listener = Listener(gateway.http, "/v1/events")
    with ThreadPoolExecutor(4) as pool:
        jobs = list(pool.map(lambda _: made(gateway.http, spec()), range(6)))
    last = {told(gateway.http, job["links"]["events"])[-1].id for job in jobs}
    wait_for(lambda: last <= {str(each["id"]) for each in listener.data}, "all ends")
    heard = listener.data
    numbers = [each["id"] for each in heard]
    assert numbers == sorted(set(numbers))
    assert before["id"] not in {each["job_id"] for each in heard}
    for job in jobs:
        mine = [each for each in heard if each["job_id"] == job["id"]]
        assert mine == [event.json() for event in told(gateway.http, job["links"]["events"])]
    listener.close()


def test_the_teams_stream_is_taken_up_where_it_was_left(gateway: GatewayProcess) -> None:
    """With Last-Event-ID everything since comes first, then what happens; nothing twice, nothing left out."""
    first = made(gateway.http, spec())
    start = int(told(gateway.http, first["links"]["events"])[-1].id)
    missed = [made(gateway.http, spec()) for _ in range(2)]
    listener = Listener(gateway.http, "/v1/events", after=start)
    wait_for(lambda: {job["id"] for job in missed} <= {each["job_id"] for each in listener.data}, "what was missed")
    live = made(gateway.http, spec())
    wait_for(lambda: ("job.succeeded", live["id"]) in {(e["type"], e["job_id"]) for e in listener.data}, "the present")
    numbers = [each["id"] for each in listener.data]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > start
    for job in (*missed, live):
        mine = [each["id"] for each in listener.data if each["job_id"] == job["id"]]
        assert mine == ids(told(gateway.http, job["links"]["events"]))
    listener.close()


@pytest.mark.parametrize("value", ["first", "-1", "1.5", "9" * 19, "0x10"])
def test_what_is_no_events_id_is_refused(gateway: GatewayProcess, value: str) -> None:
    """A Last-Event-ID that is no number is a fault, on both streams, before the first byte."""
    job = begun(gateway.http, spec())
    for path in (job["links"]["events"], "/v1/events"):
        response = gateway.http.get(path, headers={"Last-Event-ID": value})
        assert pointers(problem(response, "request.field_invalid")) == ["/headers/Last-Event-ID"]


def test_a_stream_is_not_kept_by_anybody_on_its_way(gateway: GatewayProcess) -> None:
    """No cache stores it, no proxy collects it, and it says what it is."""
    job = begun(gateway.http, spec())
    with gateway.http.stream("GET", job["links"]["events"]) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["x-request-id"]


def test_a_thousand_events_reach_a_slow_reader(gateway: GatewayProcess) -> None:
    """A reader that lags far behind reads on from the table, and hears everything in order."""
    with gateway.http.stream("GET", "/v1/events") as response:
        with ThreadPoolExecutor(16) as pool:
            # Refused by the backend at once: four events each, and no picture to draw.
            jobs = list(pool.map(lambda _: made(gateway.http, spec("[[INVALID_MODERATION]] a fox")), range(120)))
        wanted = {job["id"] for job in jobs}
        heard: list[int] = []
        ends: set[str] = set()
        kind = number = ""
        for line in response.iter_lines():
            if line.startswith("id: "):
                number = line[4:]
                heard.append(int(number))
            elif line.startswith("event: "):
                kind = line[7:]
            elif line.startswith("data: ") and kind == "job.failed":
                ends.add(httpx.Response(200, content=line[6:]).json()["job_id"])
            if wanted <= ends:
                break
    assert heard == sorted(set(heard))
