"""SIGTERM: who listens or waits is told, nothing new is taken in, and what was begun is found again after the start."""

import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from contracts.catalog import Problem
from contracts.job import TERMINAL
from gateway.app import Gateway
from gateway.settings import Settings
from gateway.store.database import DataDir, migrate
from tests.e2e.asked import begun, post, shown, spec, wait_for
from tests.e2e.listening_in import Listener
from tests.harness import GatewayProcess, SandboxProcess

#: What lets work outlive the process that began it: seconds, divided by the sandboxes' speed.
LONG = {"studio": "[[loading:400]]", "ima2": "[[slow:500]]", "imgen": "[[slow:500]]"}
#: Before these are over, nobody can say that a backend has the work; ima2 says nothing until it is done.
BEFORE: dict[str, set[str | None]] = {"studio": {None, "submit"}, "ima2": {None}, "imgen": {None, "submit"}}


class Waiter:
    """A caller that waits for a job's end, on a thread."""

    def __init__(self, url: str, body: dict[str, Any]) -> None:
        """Send the request."""
        self.response: httpx.Response | None = None
        self._thread = threading.Thread(target=self._wait, args=(url, body), daemon=True)
        self._thread.start()

    def _wait(self, url: str, body: dict[str, Any]) -> None:
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as http:
            self.response = post(http, body, wait=50)

    def answer(self) -> httpx.Response:
        """Return what it was told."""
        self._thread.join(20)
        assert self.response is not None
        return self.response


class HalfSent:
    """A request for a job whose body has not come to its end yet."""

    def __init__(self, gateway: GatewayProcess) -> None:
        """Send all but the last byte."""
        body = msgspec.json.encode(spec("too late"))
        self._rest = body[-1:]
        self._line = socket.create_connection(("127.0.0.1", gateway.port), timeout=20)
        fields = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self._line.sendall(f"POST /v1/jobs HTTP/1.1\r\n{fields}\r\n\r\n".encode() + body[:-1])

    def finish(self) -> tuple[str, Problem]:
        """Send the rest; return the head of the answer and its problem."""
        with closing(self._line):
            self._line.sendall(self._rest)
            answer = b"".join(iter(lambda: self._line.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode().lower(), msgspec.json.decode(body, type=Problem)


@pytest.fixture
def stoppable(backends: dict[str, dict[str, Any]], tmp_path: Path) -> Iterator[list[GatewayProcess]]:
    """A gateway of the test's own, in a list that takes up the ones after it."""
    running = [GatewayProcess(tmp_path, backends)]
    yield running
    running[-1].stop()


def _is_at_work(http: httpx.Client, job_id: str, on: str) -> bool:
    return shown(http, job_id)["phase"] not in BEFORE[on]


def test_a_stop_lets_go_of_nothing(
    stoppable: list[GatewayProcess], sandboxes: dict[str, SandboxProcess], tmp_path: Path
) -> None:
    """Listeners end, waiting callers get 202, a late request 503; after the restart every job ends, sent once."""
    gateway = stoppable[0]
    http = gateway.http
    assert http is not None
    jobs = {
        on: [begun(http, spec(f"{tmp_path.name} {on} {n} {LONG[on]}", on=on))["id"] for n in range(2)] for on in LONG
    }
    waiter = Waiter(gateway.url, spec(f"{tmp_path.name} w {LONG['ima2']}"))
    for on, ids in jobs.items():
        for job_id in ids:
            wait_for(partial(_is_at_work, http, job_id, on), f"work at {on}")
    wait_for(
        lambda: len(http.get("/v1/jobs", params={"state": "running"}).json()["jobs"]) == 7, "the waiting caller's job"
    )
    of_a_job, of_all = Listener(http, f"/v1/jobs/{jobs['studio'][0]}/events"), Listener(http, "/v1/events")
    of_a_job.until("job.queued")
    half = HalfSent(gateway)
    assert http.get("/readyz").status_code == 200

    gateway.child.send_signal(signal.SIGTERM)

    for listener in (of_a_job, of_all):
        listener.until_ended()
        listener.close()
        assert listener.lines[-2:] == [": draining", ""]
    head, refused = half.finish()
    assert head.startswith("http/1.1 503")
    assert "retry-after: 5" in head
    assert refused.code == "gateway.overloaded"
    told = waiter.answer()
    assert told.status_code == 202
    assert told.json()["state"] == "running"
    assert gateway.stop() == 0

    again = gateway.restarted()
    stoppable.append(again)
    http = again.http
    assert http is not None
    accepted = [job_id for ids in jobs.values() for job_id in ids] + [told.json()["id"]]
    ended = [shown(http, job_id, wait=60) for job_id in accepted]
    assert [(job["state"], job["error"]) for job in ended] == [("succeeded", None)] * 7
    listed = http.get("/v1/jobs").json()["jobs"]
    assert {job["id"] for job in listed} == set(accepted)
    sent = Counter(
        call["body"]["prompt"]
        for sandbox in sandboxes.values()
        for call in sandbox.submits()
        if tmp_path.name in str(call["body"].get("prompt"))
    )
    assert sorted(sent.values()) == [1] * 7
    resumed = Listener(http, f"/v1/jobs/{accepted[0]}/events", after=of_a_job.data[-1]["id"])
    resumed.until_ended()
    resumed.close()
    assert resumed.types[-1] == "job.succeeded"
    assert all(event["id"] > of_a_job.data[-1]["id"] for event in resumed.data)


def test_jobs_that_wait_are_still_there_after_a_stop(
    backends: dict[str, dict[str, Any]], tmp_path: Path, sandboxes: dict[str, SandboxProcess]
) -> None:
    """What no backend had yet is given out by the next process, in the order in which it came."""
    one = {"studio": {**backends["studio"], "max_concurrency": 1}}
    gateway = GatewayProcess(tmp_path, one)
    assert gateway.http is not None
    ids = [begun(gateway.http, spec(f"{tmp_path.name} {n} [[slow:9]]", on="studio"))["id"] for n in range(3)]
    assert gateway.stop() == 0
    again = gateway.restarted()
    try:
        assert again.http is not None
        ended = [shown(again.http, job_id, wait=60) for job_id in ids]
    finally:
        again.stop()
    assert {job["state"] for job in ended} <= TERMINAL
    assert {job["state"] for job in ended} == {"succeeded"}
    sent = [call["body"]["prompt"] for call in sandboxes["sdcpp"].submits()]
    assert [int(prompt.split()[1]) for prompt in sent if tmp_path.name in prompt] == [0, 1, 2]


async def test_a_gateway_that_stops_says_so(tmp_path: Path) -> None:
    """From the signal on it is not ready, but alive, and what is there can still be read."""
    folder = DataDir(tmp_path / "data")
    folder.make()
    migrate(folder.database)
    gateway = Gateway(Settings(data_dir=str(folder.path)))
    transport = httpx.ASGITransport(gateway.application())
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.get("/readyz")).json()["status"] == "ready"
        gateway.begin_stop()
        response = await http.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (503, "stopping")
        assert (await http.get("/livez")).status_code == 200
        assert (await http.get("/v1/jobs")).json()["jobs"] == []
    await gateway.stop()
