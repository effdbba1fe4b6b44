"""The number of Prometheus series does not grow with what callers write: ids, models, prompts, teams and headers."""

import asyncio
import json
import random
import string
from collections.abc import Callable, Iterator
from typing import Any, get_args

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from contracts.codes import CATALOG, Outcome
from contracts.job import Phase
from tests.e2e.asked import spec, wait_for
from tests.e2e.keyed import KeyedGateway, bearer, make_key

REQUESTS = 10_000
#: How many go over one connection before the next are sent, and over how many connections.
PIPELINED, LINES = 25, 8
TEAMS = 6
#: Every state, backend and code that these requests can come to is come to before: each line is sent this often first.
WARM = 3

#: What tells of exchanges with backends may meet a new mishap or phase among these words, however a request is worded.
AT_BACKENDS = tuple(
    f"triptych_{name}"
    for name in ("exchange_seconds", "job_phase_seconds", "recoveries", "polls", "attempts", "retries")
)
BOUNDED = {
    *CATALOG,
    *("ima2", "studio", "imgen", "image.generate", "ok", "failed", "answered", "pending", "done", "absent"),
    *("submit", "poll", "recover", "discover", "health"),
    *get_args(Phase),
    *get_args(Outcome),
}

Request = tuple[str, str, dict[str, str], bytes]
Make = Callable[["Chance"], Request]


class Chance(random.Random):
    """What callers make up."""

    def word(self, most: int = 20) -> str:
        """Return letters and signs that may stand in a path or a header."""
        return "".join(self.choices(string.ascii_letters + string.digits + "._-", k=self.randint(1, most)))

    def id(self, kind: str) -> str:
        """Return an id that may exist nowhere."""
        return f"{kind}_{''.join(self.choices('0123456789ABCDEFGHJKMNPQRSTVWXYZ', k=26))}"

    def job(self, **fields: Any) -> bytes:
        """Return a body with a prompt, tags and a reference that nobody sent before."""
        tags = {self.word(): self.word(60)}
        return json.dumps(spec(f"fox{self.word(200)}", tags=tags, client_ref=self.word(), **fields)).encode()


def _post(body: bytes, query: str = "", **headers: str) -> Request:
    return "POST", f"/v1/jobs{query}", {"Content-Type": "application/json", **headers}, body


#: One line for each thing that a request can come to; what varies inside a line must make no difference.
KINDS: dict[str, Make] = {
    "a job that is not there": lambda c: ("GET", f"/v1/jobs/{c.id('job')}", {"If-None-Match": c.word()}, b""),
    "events of a job that is not there": lambda c: ("GET", f"/v1/jobs/{c.id('job')}/events", {}, b""),
    "a cancel of a job that is not there": lambda c: ("POST", f"/v1/jobs/{c.id('job')}/cancel", {}, b""),
    "an asset that is not there": lambda c: ("GET", f"/v1/assets/{c.id('ast')}", {}, b""),
    "bytes that are not there": lambda c: ("GET", f"/v1/assets/{c.id('ast')}/content", {"Range": "bytes=0-9"}, b""),
    "a deletion of nothing": lambda c: ("DELETE", f"/v1/assets/{c.word()}", {}, b""),
    "a restoration of nothing": lambda c: ("POST", f"/v1/assets/{c.word()}/restore", {}, b""),
    "a model that is not there": lambda c: ("GET", f"/v1/models/{c.word()}/{c.word()}", {}, b""),
    "a backend that is not there": lambda c: ("GET", f"/v1/backends/{c.word()}", {}, b""),
    "a code that is not there": lambda c: ("GET", f"/v1/errors/{c.word()}", {}, b""),
    "an address where nothing is": lambda c: ("GET", f"/{c.word()}/{c.word()}", {}, b""),
    "an address below a version": lambda c: ("POST", f"/v1/{c.word()}/{c.word()}/{c.word()}", {}, b""),
    "a method that is not there": lambda c: ("PUT", f"/v1/jobs/{c.id('job')}", {}, b""),
    "a method of another protocol": lambda c: (c.choice(["PROPFIND", "MKCOL", "LOCK"]), "/v1/jobs", {}, b""),
    "an OPTIONS": lambda c: ("OPTIONS", f"/v1/assets/{c.word()}", {}, b""),
    "a list by tag": lambda c: ("GET", f"/v1/jobs?tag={c.word()}:{c.word()}&limit=1", {}, b""),
    "a list by backend": lambda c: ("GET", f"/v1/jobs?backend={c.word()}&limit=1", {}, b""),
    "an unknown parameter": lambda c: ("GET", f"/v1/assets?{c.word()}={c.word()}", {}, b""),
    "a stranger": lambda c: ("GET", "/v1/jobs", {"Authorization": f"Bearer {c.word(40)}"}, b""),
    "the version": lambda c: ("GET", "/version", {"X-Request-Id": c.word(), "User-Agent": c.word(60)}, b""),
    "a traced request": lambda c: ("GET", "/livez", {"traceparent": f"00-{c.getrandbits(128):032x}-{1:016x}-01"}, b""),
    "an unknown model": lambda c: _post(c.job(model=f"{c.word()}/{c.word()}")),
    "an unknown field": lambda c: _post(c.job(**{c.word(): c.word()})),
    "an unknown operation": lambda c: _post(json.dumps({"operation": c.word(), "prompt": c.word()}).encode()),
    "no JSON": lambda c: _post(c.word(100).encode()),
    "an explanation": lambda c: _post(c.job(), "?dry_run=true"),
    "a key that is none": lambda c: _post(c.job(), **{"Idempotency-Key": c.word() + " "  + c.word()}),
}  # fmt: skip
#: A job for real takes a sandbox's time: this many are among the others.
JOBS = 30


@pytest.fixture(scope="module")
def crowd(
    backends: dict[str, dict[str, object]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[KeyedGateway, list[str]]]:
    """A gateway of its own, which nobody else makes series in, and the keys of some teams."""
    folder = tmp_path_factory.mktemp("crowd")
    keys = [make_key(folder / "data", f"team-{number}")[1] for number in range(TEAMS)]
    running = KeyedGateway(folder, backends)
    yield running, keys
    running.stop()


def series(gateway: KeyedGateway) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
    """Return every series that a scrape tells."""
    assert gateway.http is not None
    text = gateway.http.get("/metrics").raise_for_status().text
    return {
        (sample.name, tuple(sorted(sample.labels.items())))
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def wire(request: Request, key: str) -> bytes:
    """Return a request as it goes over the wire."""
    method, path, headers, body = request
    sent = {"Host": "localhost", **bearer(key), "Content-Length": str(len(body)), **headers}
    return b"%s %s HTTP/1.1\r\n%s\r\n\r\n%s" % (
        method.encode(),
        path.encode(),
        "\r\n".join(f"{name}: {value}" for name, value in sent.items()).encode(),
        body,
    )


async def answered(reader: asyncio.StreamReader) -> int:
    """Read one answer to its end and return its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head.split(" ", 2)[1])
    length = head.partition("content-length: ")[2].partition("\r\n")[0]
    if length:
        await reader.readexactly(int(length))
    return status


async def send_all(port: int, requests: list[bytes]) -> list[int]:
    """Send requests over some connections, several at a time on each, and return the statuses."""
    shares = [requests[start::LINES] for start in range(LINES)]
    return [status for found in await asyncio.gather(*(_share(port, share) for share in shares)) for status in found]


async def _share(port: int, requests: list[bytes]) -> list[int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    statuses = []
    for start in range(0, len(requests), PIPELINED):
        batch = requests[start : start + PIPELINED]
        writer.write(b"".join(batch))
        statuses += [await answered(reader) for _ in batch]
    writer.close()
    await writer.wait_closed()
    return statuses


def a_job(chance: Chance) -> Request:
    """Return a request for a picture."""
    return _post(chance.job())


async def test_ten_thousand_requests_make_no_series(crowd: tuple[KeyedGateway, list[str]]) -> None:
    """Once every kind of request was seen, ten thousand others add no series, and none names what a caller wrote."""
    gateway, keys = crowd
    assert gateway.http is not None
    chance = Chance(7)
    warm = [wire(make(chance), key) for make in (*KINDS.values(), a_job) for key in keys[:WARM]]
    await send_all(gateway.port, warm)
    wait_for(lambda: _in_flight(gateway.http) == 0, "the end of the first jobs")
    before = series(gateway)
    mixed = [wire(make(chance), chance.choice(keys)) for make in chance.choices([*KINDS.values()], k=REQUESTS - JOBS)]
    mixed += [wire(a_job(chance), chance.choice(keys)) for _ in range(JOBS)]
    chance.shuffle(mixed)
    statuses = await send_all(gateway.port, mixed)
    assert len(statuses) == REQUESTS
    assert statuses.count(202) == JOBS
    assert max(statuses) < 500
    wait_for(lambda: _in_flight(gateway.http) == 0, "the end of all jobs")
    fresh = series(gateway) - before
    assert {name for name, _ in fresh if not name.startswith(AT_BACKENDS)} == set()
    assert {value for _, labels in fresh for label, value in labels if label != "le"} <= BOUNDED


def _in_flight(http: httpx.Client | None) -> float:
    assert http is not None
    text = http.get("/metrics").text
    names = ("triptych_jobs_in_flight{", "triptych_jobs_queued{")
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(names))
