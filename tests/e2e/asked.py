"""What all end-to-end tests ask of answers: that a problem is a whole problem, and that a job has ended."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import msgspec

from contracts.catalog import CATALOG, Problem, should_retry
from contracts.job import TERMINAL

HERE = {"route": {"backends": ["ima2"]}}
PATIENCE_S = 30.0


def spec(prompt: str = "a red fox", on: str | None = "ima2", **fields: Any) -> dict[str, Any]:
    """Return a request for a picture, on one backend unless told otherwise."""
    route = {"route": {"backends": [on]}} if on is not None else {}
    return {"operation": "image.generate", "prompt": prompt, **route, **fields}


def post(http: httpx.Client, body: Mapping[str, Any], *, wait: int | None = None, **headers: str) -> httpx.Response:
    """Create a job; header names are written with underscores."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if wait is not None:
        sent["Prefer"] = f"wait={wait}"
    return http.post("/v1/jobs", json=body, headers=sent)


def made(http: httpx.Client, body: Mapping[str, Any], **headers: str) -> dict[str, Any]:
    """Create a job and return it as it ended."""
    response = post(http, body, wait=60, **headers)
    assert response.status_code == 200, response.text
    job: dict[str, Any] = response.json()
    assert job["state"] in TERMINAL
    return job


def begun(http: httpx.Client, body: Mapping[str, Any], **headers: str) -> dict[str, Any]:
    """Create a job and return it as it was accepted."""
    response = post(http, body, **headers)
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


def shown(http: httpx.Client, job_id: str, *, wait: int = 0) -> dict[str, Any]:
    """Return a job, after its end if a wait is wished."""
    job: dict[str, Any] = http.get(f"/v1/jobs/{job_id}", params={"wait": wait}).raise_for_status().json()
    return job


def problem(response: httpx.Response, code: str, status: int | None = None) -> dict[str, Any]:
    """Return a refusal's body, after checking everything that every problem owes its reader (errors.md §1)."""
    assert response.headers["content-type"] == "application/problem+json", response.text[:300]
    found = msgspec.json.decode(response.content, type=Problem)
    assert found.code == code, response.text
    whole(found)
    assert response.status_code == found.status
    assert found.status == (status or CATALOG[found.code].status)
    assert response.headers["x-request-id"] == found.instance
    expected = should_retry(found.retry, found.outcome)
    assert response.headers["x-should-retry"] == ("true" if expected else "false")
    if found.retry_after_s is not None or found.status in (429, 503):
        assert int(response.headers["retry-after"]) >= (found.retry_after_s or 0)
    body: dict[str, Any] = response.json()
    return body


def whole(found: Problem) -> None:
    """Check that a problem, wherever it stands, says what its row of the catalogue says."""
    row = CATALOG[found.code]
    assert (found.title, found.retry, found.blame, found.group) == (row.title, row.retry, row.blame, row.group)
    assert found.status in (row.status, *row.other_statuses)
    assert found.type == f"/v1/errors/{found.code}"
    assert found.detail


def pointers(body: Mapping[str, Any]) -> list[str]:
    """Return where the faults of a problem are."""
    return [fault["pointer"] for fault in body.get("errors", [])]


def wait_for(check: Callable[[], Any], what: str, timeout_s: float = PATIENCE_S) -> Any:
    """Return the first true answer of a question that is asked again and again."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    msg = f"it never came to {what}"
    raise AssertionError(msg)
