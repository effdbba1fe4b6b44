"""kill -9 of the gateway during each operation on Studio: whatever had been sent is found again, and asked for once."""

import base64
import io
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.harness import GatewayProcess, SandboxProcess, backend

ROUTES = {"image.edit": "edit", "image.variation": "variation", "image.upscale": "upscale"}
#: Commits of a job between which nobody has written down whether the submit left: what is found later is polled by id.
MOMENTS = [(1, "after"), (2, "before")]


def source(shade: int) -> bytes:
    """Return a picture that no other test sends."""
    out = io.BytesIO()
    Image.new("RGB", (40, 24), (shade, 120, 200)).save(out, "PNG")
    return out.getvalue()


def ends_of(gateway: GatewayProcess, job_id: str) -> list[str]:
    """Return the events of a job that end it."""
    kinds = [event["type"] for event in gateway.events(job_id)]
    return [kind for kind in kinds if kind in ("job.succeeded", "job.failed", "job.blocked", "job.cancelled")]


@pytest.mark.parametrize("operation", ROUTES)
@pytest.mark.parametrize(("count", "moment"), MOMENTS, ids=[f"{moment}-commit-{count}" for count, moment in MOMENTS])
def test_an_operation_survives_a_kill_and_is_asked_once(
    operation: str, count: int, moment: str, tmp_path: Path, sdcpp: SandboxProcess
) -> None:
    """An edit is found by its name, a variation by its seed, an upscale by its picture; the result is the picture."""
    assert sdcpp.http is not None
    path = f"/api/queue/{ROUTES[operation]}"
    before = len(sdcpp.calls("POST", path))
    program = ("-m", "tests.crash.dying", str(count), moment)
    dying = GatewayProcess(tmp_path, {"only": backend(sdcpp)}, program=program)
    shade = 10 + 7 * MOMENTS.index((count, moment)) + list(ROUTES).index(operation)
    body: dict[str, Any] = {
        "operation": operation,
        "inputs": [{"role": "source", "data": base64.b64encode(source(shade)).decode()}],
        **({"prompt": f"at night, {count} {moment}"} if operation != "image.upscale" else {}),
    }
    headers = {"Idempotency-Key": "the-one"}
    with pytest.raises(httpx.HTTPError):
        _follow(dying, body, headers)
    dying.gone()
    gateway = dying.restarted()
    try:
        assert gateway.http is not None
        job = gateway.http.post("/v1/jobs", json=body, headers=headers).raise_for_status().json()
        job = gateway.job(job["id"], wait=60)
        assert job["state"] == "succeeded", job["error"]
        assert len(sdcpp.calls("POST", path)) - before == 1
        assert len(job["attempts"]) == 1
        [output] = job["outputs"]
        wanted = (160, 96) if operation == "image.upscale" else (40, 24)
        assert (output["width"], output["height"]) == wanted
        content = gateway.http.get(output["url"]).content
        with Image.open(io.BytesIO(content)) as opened:
            assert opened.size == wanted
        assert ends_of(gateway, job["id"]) == ["job.succeeded"]
        assert sdcpp.calls("DELETE", "/api/generations") == []
    finally:
        gateway.stop()


def _follow(gateway: GatewayProcess, body: dict[str, Any], headers: dict[str, str]) -> None:
    """Create a job and wait for it until the gateway dies under the caller's hands."""
    assert gateway.http is not None
    job = gateway.http.post("/v1/jobs", json=body, headers=headers).raise_for_status().json()
    while True:
        gateway.http.get(f"/v1/jobs/{job['id']}", params={"wait": 5}).raise_for_status()
        if not gateway.alive:
            raise httpx.ConnectError("dead")
