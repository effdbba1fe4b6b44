"""A client that does not wait: 202 at once, and the result where ima2 clients look for it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.asked import wait_for
from tests.e2e.drawn import media_of
from tests.e2e.ima2_client import before_the_newest


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a face of the newest build, before a server of that build."""
    with before_the_newest(tmp_path_factory.mktemp("async")) as gateway:
        url = f"{gateway.url}/ima2"
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
            yield client


#: Each route that can be asked so, and what the registry and the history call its work.
ROUTES = [
    ("generate", {"n": 2}, "classic", "classic", 2, {"async": True}),
    ("node/generate", {}, "node", "generate", 1, {}),
    ("generate/multimode", {"maxImages": 2}, "multimode", "multimode-image", 2, {}),
    ("video/generate", {}, "video", "video", 1, {}),
]


@pytest.mark.parametrize(("path", "body", "kind", "stored", "count", "said"), ROUTES)
def test_who_does_not_wait_finds_the_result_by_its_id(
    http: httpx.Client,
    path: str,
    body: dict[str, Any],
    kind: str,
    stored: str,
    count: int,
    said: dict[str, bool],
) -> None:
    """In flight under its id, then among the ends with its files, then in the history; whatever Accept says."""
    name, headers = f"{kind}.later", {"Accept": "text/event-stream"}
    sent = {"prompt": "[[slow:60]] later", "requestId": name, "async": True, **body}
    answer = http.post(f"/api/{path}", json=sent, headers=headers)
    assert (answer.status_code, answer.json()) == (202, {"requestId": name, **said})
    jobs = http.get(f"/api/inflight?kind={kind}").json()["jobs"]
    assert [job["requestId"] for job in jobs] == [name]
    again = http.post(f"/api/{path}", json=sent, headers=headers)
    assert (again.status_code, "REQUEST_ID_IN_USE" in again.text) == (409, True)
    end = wait_for(lambda: _ends(http).get(name), "an end")
    assert (end["kind"], end["status"], end["httpStatus"]) == (kind, "completed", 200)
    files = end["meta"].get("filenames") or [end["meta"]["filename"]]
    rows = [row for row in http.get("/api/history").json()["items"] if row["requestId"] == name]
    assert {row["filename"] for row in rows} == set(files)
    assert ({row["kind"] for row in rows}, len(files)) == ({stored}, count)
    for file in files:
        content = http.get(f"/generated/{file}").content
        assert content[4:8] == b"ftyp" if kind == "video" else media_of(content)


@pytest.mark.parametrize(("path", "body", "kind"), [(path, body, kind) for path, body, kind, *_ in ROUTES])
def test_who_does_not_wait_and_cancels_is_told_so_among_the_ends(
    http: httpx.Client, path: str, body: dict[str, Any], kind: str
) -> None:
    """The work is stopped behind, and the end is `canceled` with 499, as of the real server (wire §11)."""
    name = f"{kind}.cancel"
    sent = {"prompt": "[[slow:900]] never", "requestId": name, "async": True, **body}
    assert http.post(f"/api/{path}", json=sent).status_code == 202
    wait_for(lambda: http.get("/api/inflight").json()["jobs"][0]["phase"] != "queued", "work")
    assert http.delete(f"/api/inflight/{name}").json() == {"requestId": name, "active": True, "aborted": True}
    end = _ends(http)[name]
    assert (end["status"], end["httpStatus"], end["errorCode"]) == ("canceled", 499, "GENERATION_CANCELED")
    assert not http.get("/api/inflight").json()["jobs"]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("generate", {"prompt": "x", "references": ["!"]}, "REF_NOT_BASE64"),
        ("node/generate", {"prompt": "x", "moderation": "off"}, "INVALID_MODERATION"),
        ("generate/multimode", {"prompt": "x", "moderation": "off"}, "INVALID_MODERATION"),
        ("video/generate", {"prompt": "x", "duration": 99}, "INVALID_VIDEO_DURATION"),
    ],
)
def test_what_is_refused_is_plain_json_with_its_status(
    http: httpx.Client, path: str, body: dict[str, Any], code: str
) -> None:
    """Who does not wait gets no frames, not of an error either."""
    answer = http.post(f"/api/{path}", json={**body, "async": True}, headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json; charset=utf-8")
    told = answer.json()
    assert (told["error"]["code"] if isinstance(told["error"], dict) else told["code"]) == code


def _ends(http: httpx.Client) -> dict[str, dict[str, Any]]:
    found = http.get("/api/inflight?includeTerminal=1").json()["terminalJobs"]
    return {each["requestId"]: each for each in found}
