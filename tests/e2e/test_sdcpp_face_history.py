"""Queue and history are one list of the team's pictures, whichever door they came in by."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from ulid import ULID

from tests.e2e.asked import spec, wait_for
from tests.e2e.keyed import KeyedGateway
from tests.e2e.studio_client import Studios, ended, made, queued, row
from tests.harness import GatewayProcess, SandboxProcess, backend

#: A job that lasts, at a backend whose cancel really stops it.
SLOW = {"prompt": "[[slow:600]] for ever", "size": "64x64", "model": "gpt-5.4"}


@pytest.fixture(scope="module")
def client(keyed: KeyedGateway) -> Iterator[Studios]:
    """Clients of the face, each of a team."""
    found = Studios(keyed)
    yield found
    found.close()


def test_a_job_is_its_own_generation_under_the_bits_of_our_id(client: Studios, keyed: KeyedGateway) -> None:
    """One uuid in the queue, in the history and on every picture; the contract's id is the same 128 bits."""
    http = client("bits")
    found = made(http, n=2)
    assert http.get(f"/api/generations/{found['id']}").json() == found
    job = keyed.client("bits").get(f"/v1/jobs/job_{ULID.from_uuid(UUID(found['id']))}").json()
    assert job["state"] == "succeeded"
    assert [each["asset_id"] for each in job["outputs"]] == [
        f"ast_{ULID.from_uuid(UUID(each['id']))}" for each in found["images"]
    ]
    assert {each["generation_id"] for each in found["images"]} == {found["id"]}


def test_the_list_shows_all_of_the_teams_pictures_and_counts_them(client: Studios, keyed: KeyedGateway) -> None:
    """What came through the contract's own door too; each row says where its first picture is."""
    http = client("lists")
    mine = made(http)
    assert keyed.client("lists").post("/v1/jobs", json=spec(), headers={"Prefer": "wait=60"}).status_code == 200
    listed = http.get("/api/queue").json()
    assert [each["type"] for each in listed["jobs"]] == ["generate", "generate"]
    assert listed["stats"] == {"pending": 0, "processing": 0, "completed": 2, "failed": 0}
    assert http.get("/api/queue/stats").json() == listed["stats"]
    last = listed["jobs"][-1]
    assert (last["id"], last["first_image_id"]) == (mine["id"], mine["images"][0]["id"])
    assert "images" not in last
    assert http.get(last["first_image_url"]).content == http.get(f"/api/generations/{mine['id']}/image").content


def test_the_filter_knows_every_state(client: Studios) -> None:
    """Each job is under its own state and under no other; an unknown word is an empty list (wire §7.2)."""
    http = client("states")
    done = made(http)["id"]
    failed = ended(http, queued(http, {"prompt": "[[upstream_400]] x", "size": "64x64", "model": "qwen-image"}))["id"]
    running = queued(http, SLOW)
    gone = queued(http, SLOW)
    assert http.delete(f"/api/queue/{gone}").json()["job"]["status"] == "cancelled"
    wait_for(lambda: row(http, running)["status"] == "processing", "a start")
    found = {
        state: [each["id"] for each in http.get("/api/queue", params={"status": state}).json()["jobs"]]
        for state in ("pending", "processing", "model_loading", "completed", "failed", "cancelled", "bogus")
    }
    assert found == {
        "pending": [], "processing": [running], "model_loading": [], "completed": [done], "failed": [failed],
        "cancelled": [gone], "bogus": [],
    }  # fmt: skip
    stats = {"pending": 0, "processing": 1, "completed": 1, "failed": 1}
    assert http.get("/api/queue?status=bogus").json()["stats"] == stats
    assert http.post("/api/queue/cancel-all").json() == {"success": True, "cancelled": 1}
    assert ended(http, running)["status"] == "cancelled"


def test_a_cancel_is_final_and_only_what_is_open_can_be_cancelled(client: Studios) -> None:
    """One text for what is unknown, finished or cancelled; a cancelled row says that it will not come back.

    Only the answer to the cancel says that the work had begun, and that its backend goes on with it.
    """
    http = client("cancels")
    running = queued(http, SLOW)
    wait_for(lambda: row(http, running)["status"] == "processing", "a start")
    cancelled = http.delete(f"/api/queue/{running}").json()
    assert (cancelled["success"], cancelled["job"]["status"]) == (True, "cancelled")
    assert cancelled["job"]["started_at"] >= cancelled["job"]["created_at"]
    assert row(http, running)["started_at"] is None
    done = made(http)["id"]
    for job_id in (running, done, "00000000-0000-4000-8000-000000000000", "no-uuid"):
        answer = http.delete(f"/api/queue/{job_id}")
        assert (answer.status_code, answer.json()) == (404, {"error": "Job not found or cannot be cancelled"})
    assert row(http, running)["status"] == "cancelled"


def test_the_history_is_paged_by_counting(client: Studios) -> None:
    """`limit` and `offset` lead through all of it once, newest first."""
    http = client("pages")
    ids = [made(http, prompt=f"hill {number}")["id"] for number in range(3)][::-1]
    whole = http.get("/api/generations").json()
    assert [each["id"] for each in whole["generations"]] == ids
    assert whole["pagination"] == {"total": 3, "limit": 3, "offset": 0, "hasMore": False}
    first = http.get("/api/generations?limit=2").json()
    assert [each["id"] for each in first["generations"]] == ids[:2]
    assert first["pagination"] == {"total": 3, "limit": 2, "offset": 0, "hasMore": True}
    rest = http.get("/api/generations?limit=2&offset=2").json()
    assert [each["id"] for each in rest["generations"]] == ids[2:]
    assert rest["pagination"]["hasMore"] is False
    assert len(http.get("/api/generations?limit=abc").json()["generations"]) == 3


def test_a_deleted_generation_is_gone_with_its_pictures(client: Studios) -> None:
    """From lists, counters, rows and files; deleting what is not there is a success, as measured."""
    http = client("deletes")
    found, kept = made(http), made(http)
    image = found["images"][0]["id"]
    for _ in range(2):
        assert http.delete(f"/api/generations/{found['id']}").json() == {"success": True}
    assert http.get(f"/api/generations/{found['id']}").json() == {"error": "Generation not found"}
    assert http.get(f"/api/queue/{found['id']}").json() == {"error": "Job not found"}
    for path in (f"/api/images/{image}", f"/static/images/{image}.png", f"/api/generations/{found['id']}/image"):
        answer = http.get(path)
        what = "File" if path.startswith("/static/") else "Image"
        assert (answer.status_code, answer.json()) == (404, {"error": f"{what} not found"})
    assert http.get(f"/api/generations/{found['id']}/images").json() == []
    assert [each["id"] for each in http.get("/api/queue").json()["jobs"]] == [kept["id"]]
    assert http.get("/api/generations").json()["pagination"]["total"] == 1
    assert http.get("/api/queue/stats").json()["completed"] == 1


def test_deleting_what_is_still_running_cancels_it_and_crashes_nobody(
    client: Studios, sandboxes: dict[str, SandboxProcess]
) -> None:
    """The real server dies of it when its upstream answers (wire §5)."""
    http = client("deleter")
    running = queued(http, {**SLOW, "prompt": "[[slow:90]] and then gone", "model": "qwen-image"})
    wait_for(lambda: row(http, running)["status"] == "processing", "a start")
    assert http.delete(f"/api/generations/{running}").json() == {"success": True}
    assert http.get(f"/api/queue/{running}").status_code == 404
    assert http.get("/api/queue").json()["jobs"] == []
    assert sandboxes["sdcpp"].alive
    assert sandboxes["sdcpp"].calls("DELETE", "/api/generations") == []


def test_a_picture_is_served_in_ranges_and_not_twice(client: Studios) -> None:
    """206 for a part, 304 for who has it, 416 outside, HEAD; as what it is, and to no shared cache."""
    http = client("files")
    path = f"/api/images/{made(http)['images'][0]['id']}"
    whole = http.get(path)
    part = http.get(path, headers={"Range": "bytes=0-99"})
    assert (part.status_code, part.content) == (206, whole.content[:100])
    assert http.get(path, headers={"If-None-Match": whole.headers["etag"]}).status_code == 304
    assert http.get(path, headers={"Range": "bytes=99999999-"}).status_code == 416
    assert (whole.headers["content-type"], "private" in whole.headers["cache-control"]) == ("image/png", True)
    head = http.head(path)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(whole.content)))


def test_the_seeds_profile_is_what_seed_002_promises(
    sandboxes: dict[str, SandboxProcess], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A bare list of completed ones with `generation_id`, two fields of configuration, and seeds without a point."""
    settings = {"faces": {"sdcpp": {"profile": "seed"}}}
    folder = tmp_path_factory.mktemp("seed")
    gateway = GatewayProcess(folder, {"studio": backend(sandboxes["sdcpp"])}, settings=settings)
    try:
        http = gateway.http
        http.base_url = f"{gateway.url}/sdcpp"
        found = made(http, seed=42)
        cancelled = queued(http, {**SLOW, "prompt": "[[slow:90]] and never", "model": "qwen-image"})
        http.delete(f"/api/queue/{cancelled}")
        listed = http.get("/api/generations").json()
        assert [each["id"] for each in listed] == [found["id"]]
        assert (found["seed"], found["generation_id"]) == ("42", found["id"])
        assert http.get("/api/config").json().keys() == {"sdApiEndpoint", "model"}
    finally:
        gateway.stop()
