"""A request that is sent again joins the job of the first one, if its client heard nothing of it, or says so itself."""

import sqlite3
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.drawn import png
from tests.e2e.hanging_up import AGAIN, GENERATIONS, Line, form, made_of, under_way
from tests.e2e.keyed import KeyedGateway
from tests.e2e.scraped import Scrape, want
from tests.harness import GatewayProcess, SandboxProcess

JOINED = want("joined_retries", face="openai")
MODEL = "ima2/gpt-5.4"


def fox(forced: str = "[[slow:60]]", **fields: Any) -> dict[str, Any]:
    """Return a request that nobody else sends; its picture takes a second unless something else is forced."""
    return {"prompt": f"{forced} a fox {uuid4()}", "model": MODEL, **fields}


def send(http: httpx.Client, body: Mapping[str, Any], headers: Mapping[str, str] = {}) -> httpx.Response:
    """Send a request and read its answer."""
    return http.post(GENERATIONS, json=body, headers=headers)


def job_of(response: httpx.Response) -> str:
    """Return which job a request was answered with."""
    return response.headers["x-triptych-job"]


def joined(http: httpx.Client) -> float:
    """Return how many requests joined a job until now."""
    return Scrape(http).value(JOINED) or 0


@pytest.mark.parametrize("how", [{}, AGAIN, {"x-stainless-retry-count": "2"}])
def test_a_client_that_hung_up_finds_its_job_again(
    gateway: GatewayProcess, sandboxes: dict[str, SandboxProcess], how: dict[str, str]
) -> None:
    """Whoever hung up and asks again, whether or not it says so, gets the one picture that was paid for."""
    body, before = fox(), joined(gateway.http)
    line = Line(gateway.http, GENERATIONS, body)
    job = under_way(gateway.http, body["prompt"])
    line.hang_up()
    answer = send(gateway.http, body, how)
    assert (answer.status_code, job_of(answer)) == (200, job["id"])
    assert answer.json()["data"][0]["b64_json"]
    assert "idempotency-replayed" not in answer.headers
    assert joined(gateway.http) == before + 1
    submits = [call for call in sandboxes["ima2"].submits() if body["prompt"] in str(call["body"])]
    assert len(submits) == 1


def test_hanging_up_ends_the_wait_and_never_the_job(gateway: GatewayProcess) -> None:
    """The request is over as soon as nobody listens; its job goes on to its picture, uncancelled."""
    body = fox("[[slow:120]]")
    line = Line(gateway.http, GENERATIONS, body)
    job = under_way(gateway.http, body["prompt"])
    line.hang_up()
    assert made_of(gateway.http, body["prompt"])[0]["state"] == "running"
    ended = gateway.job(job["id"], wait=30)
    assert (ended["state"], ended["cancel"]) == ("succeeded", None)


def test_two_deliberate_requests_are_two_jobs_whether_answered_or_waiting(gateway: GatewayProcess) -> None:
    """Who was answered, or still waits, is not who asks now: an equal request is another wish."""
    body = fox()
    with ThreadPoolExecutor(2) as pool:
        both = [job_of(each) for each in pool.map(lambda _: send(gateway.http, body), range(2))]
    third = job_of(send(gateway.http, body))
    assert len({*both, third}) == 3


def test_a_retry_that_says_so_joins_the_newest_job_though_it_was_answered(gateway: GatewayProcess) -> None:
    """An SDK retries by itself what broke on the way: what was written for it is fetched, not made again."""
    body = fox("")
    jobs = [job_of(send(gateway.http, body)) for _ in range(2)]
    assert job_of(send(gateway.http, body, AGAIN)) == jobs[-1]
    zero = send(gateway.http, body, {"x-stainless-retry-count": "0"})
    assert job_of(zero) not in jobs


def test_a_retry_that_says_so_joins_a_job_whose_first_client_seems_to_wait(gateway: GatewayProcess) -> None:
    """A proxy that keeps the line tells nobody that its client has left: the retry itself does."""
    body = fox()
    kept = Line(gateway.http, GENERATIONS, body)
    job = under_way(gateway.http, body["prompt"])
    assert job_of(send(gateway.http, body, AGAIN)) == job["id"]
    kept.hear(b"b64_json")
    kept.socket.close()


def test_two_retries_at_once_share_one_job(gateway: GatewayProcess) -> None:
    """However many of them come at the same moment, lost or not, there is one job."""
    body = fox()
    line = Line(gateway.http, GENERATIONS, body)
    job = under_way(gateway.http, body["prompt"])
    line.hang_up()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda at: send(gateway.http, body, AGAIN if at % 2 else {}), range(6)))
    assert {job_of(each) for each in answers} == {job["id"]}
    unknown = fox()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: send(gateway.http, unknown, AGAIN), range(6)))
    assert len({job_of(each) for each in answers}) == 1


def test_a_failure_that_asks_for_another_try_gets_one_and_another_failure_does_not(gateway: GatewayProcess) -> None:
    """`X-Should-Retry: true` means another job; a refusal is told again as it was, for nothing."""
    failing, refused = fox("[[500]]"), fox("[[SAFETY_REFUSAL]]")
    first = send(gateway.http, failing)
    assert (first.status_code, first.headers["x-should-retry"]) == (502, "true")
    again = send(gateway.http, failing, AGAIN)
    assert job_of(again) != job_of(first)
    first = send(gateway.http, refused)
    assert first.headers["x-should-retry"] == "false"
    again = send(gateway.http, refused, AGAIN)
    assert (job_of(again), again.status_code) == (job_of(first), first.status_code)


def test_only_the_same_wish_of_the_same_key_joins(keyed: KeyedGateway) -> None:
    """Another body, another key of the team and another team make jobs of their own."""
    red, body = keyed.client("red"), fox()
    line = Line(red, GENERATIONS, body)
    job = under_way(red, body["prompt"])
    line.hang_up(keyed.http)
    others = (
        (red, {**body, "quality": "high"}),
        (red, {**body, "response_format": "url"}),
        (keyed.client("red", "--name", "colleague"), body),
        (keyed.client("blue"), body),
    )
    made = [job_of(send(http, each, AGAIN)) for http, each in others]
    assert job["id"] not in made
    assert len(set(made)) == len(others)
    assert job_of(send(red, body)) == job["id"]


def test_a_form_is_known_by_what_it_says_and_by_the_bytes_of_its_pictures(gateway: GatewayProcess) -> None:
    """Each try writes its boundaries anew: texts and pictures count, and another picture is another wish."""
    path, fields = "/openai/v1/images/edits", {"prompt": f"[[slow:60]] a fox {uuid4()}", "model": MODEL}

    def edited(picture: bytes) -> str:
        body, kind = form(fields, picture)
        return job_of(gateway.http.post(path, content=body, headers={"Content-Type": kind}))

    body, kind = form(fields, png())
    line = Line(gateway.http, path, body, kind=kind)
    job = under_way(gateway.http, fields["prompt"])
    line.hang_up()
    assert edited(png(33, 33)) != job["id"]
    assert edited(png()) == job["id"]


def test_a_stream_that_was_cut_is_told_again_from_its_beginning(gateway: GatewayProcess) -> None:
    """Whoever hung up in the middle of a stream joins it; whoever has heard its end does not."""
    body = fox("[[slow:90]]", stream=True)
    line = Line(gateway.http, GENERATIONS, body)
    line.hear(b"text/event-stream")
    job = under_way(gateway.http, body["prompt"])
    line.hang_up()
    again = send(gateway.http, body)
    assert job_of(again) == job["id"]
    assert again.text.count("event: image_generation.completed") == 1
    assert job_of(send(gateway.http, body)) != job["id"]


def test_a_retry_finds_its_job_though_the_gateway_was_killed(
    tmp_path: Path, backends: dict[str, dict[str, object]]
) -> None:
    """Nothing had to be written when it died; a quarter of an hour later the request is a new one."""
    running = GatewayProcess(tmp_path, {"ima2": backends["ima2"]})
    body = fox("[[slow:90]]")
    line = Line(running.http, GENERATIONS, body)
    job = under_way(running.http, body["prompt"])
    running.kill()
    line.socket.close()
    running = running.restarted()
    try:
        assert [job_of(send(running.http, body)), joined(running.http)] == [job["id"], 1]
        with closing(sqlite3.connect(running.data_dir / "triptych.db")) as database, database:
            database.execute("UPDATE sent SET seen_at = seen_at - 960, answered = 0")
        assert job_of(send(running.http, body, AGAIN)) != job["id"]
    finally:
        running.stop()
