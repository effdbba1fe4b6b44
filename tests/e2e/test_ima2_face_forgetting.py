"""`DELETE /api/history/:filename/permanent`: what is deleted so is gone at once and for good, also over a crash."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from contracts.desk import Content
from gateway.app import Gateway
from gateway.engine import sweep
from gateway.settings import Settings
from tests.e2e.drawn import picture
from tests.harness import GatewayProcess, SandboxProcess, backend


@pytest.fixture
def running(sandboxes: dict[str, SandboxProcess], tmp_path: Path) -> Iterator[list[GatewayProcess]]:
    """A gateway of the test's own, in a list that takes up the one after it."""
    found = [GatewayProcess(tmp_path, {"ima2": backend(sandboxes["ima2"])})]
    yield found
    found[-1].stop()


def _client(gateway: GatewayProcess) -> httpx.Client:
    assert gateway.http is not None
    return gateway.http


def test_what_is_deleted_for_good_stays_away_over_a_kill(running: list[GatewayProcess]) -> None:
    """Gone from history, address and asset; no restore brings it back, neither this face's nor the contract's."""
    http = _client(running[-1])
    made = http.post("/ima2/api/generate", json={"prompt": "two hills", "n": 2, "requestId": "r.8"}).json()
    kept, gone = (each["filename"] for each in made["images"])
    outputs = http.get("/v1/jobs").json()["jobs"][0]["outputs"]
    asset = outputs[1]["asset_id"]

    done = http.delete(f"/ima2/api/history/{gone}/permanent")
    assert done.json() == {"ok": True, "filename": gone, "sessionsTouched": 0, "nodesTouched": 0}
    running[-1].kill()
    running.append(running[-1].restarted())

    http = _client(running[-1])
    assert [row["filename"] for row in http.get("/ima2/api/history").json()["items"]] == [kept]
    assert http.get(f"/ima2/generated/{kept}").status_code == 200
    assert http.get(f"/ima2/generated/{gone}").status_code == 404
    trash = {"trashId": f"1_{gone}"}
    assert http.post(f"/ima2/api/history/{gone}/restore", json=trash).json()["code"] == "ASSET_NOT_FOUND"
    assert http.post(f"/v1/assets/{asset}/restore").status_code == 404
    again = http.delete(f"/ima2/api/history/{gone}/permanent")
    assert (again.status_code, again.json()["code"]) == (404, "ASSET_NOT_FOUND")


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("1700000000000_" + "0" * 32 + "_0.png", 404, "ASSET_NOT_FOUND"), ("a..b", 400, "INVALID_FILENAME")],
)
def test_only_a_file_of_ours_is_deleted_for_good(gateway: GatewayProcess, name: str, status: int, code: str) -> None:
    """The same words as for a deletion that can be undone."""
    for path in (f"/ima2/api/history/{name}/permanent", f"/ima2/api/history/{name}"):
        answer = _client(gateway).delete(path)
        assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_nothing_of_it_is_left_on_the_disk(tmp_path: Path) -> None:
    """The sweep takes its bytes and the smaller versions that were made of them."""

    async def chunks() -> AsyncIterator[bytes]:
        yield picture("PNG", 300, 300)

    here = Gateway(Settings(data_dir=str(tmp_path)))
    caller = await here.desk.access.caller(None, "localhost", None)
    asset = await here.desk.assets.upload(caller, chunks())
    whole, small = [await here.desk.assets.content(asset, thumbnail=side) for side in (None, 128)]
    assert _is_there(whole)
    assert _is_there(small)
    for content in (whole, small):
        os.utime(content.path, (0, 0))
    await here.desk.assets.delete(caller, asset.id, for_good=True)
    await sweep.sweep(here.carrier._ctx)
    assert [content for content in (whole, small) if _is_there(content)] == []
    await here.stop()


def _is_there(content: Content) -> bool:
    return Path(content.path).is_file()
