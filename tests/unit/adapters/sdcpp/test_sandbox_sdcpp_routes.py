"""What is particular to single routes: pictures, sync routes, the A1111 layer, rules, and the other profile."""

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

RECORDINGS = Path(__file__).parents[4] / "adapters/sdcpp/recordings"


def _png(side: int = 16) -> bytes:
    stored = io.BytesIO()
    Image.new("RGB", (side, side), (200, 90, 30)).save(stored, format="PNG")
    return stored.getvalue()


async def test_the_same_seed_paints_the_same_picture(studio: Callable[..., Any]) -> None:
    """A generate honours prompt, seed and index; tokens are not painted."""
    async with studio() as client:
        rows = [
            await client.run("a fox", seed=42, n=2),
            await client.run("a fox [[revised]]", seed="42", n=2),
            await client.run("a fox", seed=43),
            await client.run("a hare", seed=42),
        ]
        pictures = [await client.picture(row) for row in rows]
        assert pictures[0] == pictures[1]
        assert await client.picture(rows[0], 1) == await client.picture(rows[1], 1)
        assert len({*pictures, await client.picture(rows[0], 1)}) == 4


@pytest.mark.parametrize("kind", ["edit", "variation"])
async def test_an_edit_ignores_its_seed(studio: Callable[..., Any], kind: str) -> None:
    """Edits and variations with the same seed differ: the row's seed is not the one that was used (wire §6)."""
    async with studio() as client:
        fields = {"prompt": "make it blue", "seed": "7", "size": "16x16"}
        replies = [await client.transform(kind, fields, _png()) for _ in range(2)]
        rows = [await client.until(reply.json["job_id"]) for reply in replies]
        assert [row["seed"] for row in rows] == ["7", "7"]
        assert await client.picture(rows[0]) != await client.picture(rows[1])


async def test_an_upscale_makes_four_times_of_it_whatever_was_asked(studio: Callable[..., Any]) -> None:
    """None of the options is stored or read."""
    async with studio() as client:
        options = {"upscaler": "Lanczos", "upscale_factor": "2", "resize_mode": "1", "target_width": "5"}
        row = await client.until((await client.transform("upscale", options, _png())).json["job_id"])
        assert (row["model"], row["prompt"], row["status"]) == ("none", None, "completed")
        with Image.open(io.BytesIO(await client.picture(row))) as image:
            assert image.size == (64, 64)


async def test_pages_of_the_history_are_as_odd_as_recorded(studio: Callable[..., Any]) -> None:
    """What is no limit shows everything, `hasMore` follows JavaScript, and an offset alone is an error of SQL."""
    recorded = json.loads((RECORDINGS / "generation_delete.json").read_text())["paging"]
    async with studio() as client:
        for number in range(3):
            await client.run(f"job {number}")
        for page in recorded:
            reply = await client.ask("GET", f"/api/generations{page['query']}")
            assert reply.status == page["status"]
            if page["error"] is not None:
                assert reply.json == {"error": page["error"]}
                continue
            theirs, ours = page["pagination"], reply.json["pagination"]
            # 112 rows there, 3 here.
            assert {name: min(value, 3) for name, value in theirs.items() if name != "hasMore"} == {
                name: value for name, value in ours.items() if name != "hasMore"
            }
            assert ours["hasMore"] == (theirs["hasMore"] and ours["offset"] + int(_limit(page["query"])) < 3)
            assert len(reply.json["generations"]) == min(page["rows"], 3)


def _limit(query: str) -> str:
    return query.partition("limit=")[2].partition("&")[0]


async def test_deleting_everything_can_take_the_files_along(studio: Callable[..., Any]) -> None:
    """Rows go and files stay, unless the files are named too."""
    async with studio() as client:
        row = await client.run("a", n=2)
        await client.ask("DELETE", f"/api/generations/{row['id']}")
        assert (await client.ask("GET", f"/static/images/{row['images'][0]['id']}.png")).status == 200
        row = await client.run("b", n=2)
        reply = await client.ask("DELETE", "/api/generations?delete_files=true")
        assert reply.json == {"success": True, "count": 1, "filesDeleted": 2}
        assert (await client.ask("GET", f"/static/images/{row['images'][0]['id']}.png")).status == 404


async def test_a_mask_is_stored_beside_the_picture(studio: Callable[..., Any]) -> None:
    """The queue's edit takes a mask and shows both paths, which are the server's own."""
    async with studio() as client:
        row = await client.until((await client.transform("edit", {"size": "16x16"}, _png(), _png())).json["job_id"])
        assert row["input_image_path"].startswith("/srv/app/input/")
        assert row["mask_image_path"].endswith("_mask.png")
        name = row["input_image_path"].rpartition("/")[2]
        assert (await client.ask("GET", f"/static/input/{name}")).body == _png()


async def test_known_answers_are_not_sent_again(studio: Callable[..., Any]) -> None:
    """JSON and pictures carry weak ETags, and a client that has them gets a 304."""
    async with studio() as client:
        row = await client.run("a")
        for path in ("/api/queue/stats", f"/api/images/{row['images'][0]['id']}"):
            first = await client.ask("GET", path)
            assert first.headers["ETag"].startswith('W/"')
            again = await client.ask("GET", path, headers={"If-None-Match": first.headers["ETag"]})
            assert (again.status, again.body) == (304, b"")


async def test_what_is_too_much_is_refused_by_the_upstream(studio: Callable[..., Any]) -> None:
    """Sizes and counts that no machine can hold fail the job and not the sandbox; a folder is no file."""
    async with studio() as client:
        for asked in ({"size": "99999x99999"}, {"size": "0x8"}, {"n": 1e9}):
            assert (await client.run("a", **asked))["error"].startswith("API request failed: 400")
        assert (await client.ask("GET", "/static/images/%2E")).status == 404


async def test_the_own_limit_of_a_generate_follows_its_steps(studio: Callable[..., Any]) -> None:
    """One step is a minute: a slower upstream is given up with the recorded words."""
    recorded = json.loads((RECORDINGS / "upstream_timeout_60s.json").read_text())["sequence"][-1]
    async with studio(speed=1000) as client:
        row = await client.run("own timeout [[slow:75]]", sample_steps=1)
        assert {name: row[name] for name in ("status", "error", "progress")} == {
            name: recorded[name] for name in ("status", "error", "progress")
        }
        assert row["generation_time_ms"] >= 60


async def test_an_upstream_without_headers_is_tried_again_for_a_generate_only(studio: Callable[..., Any]) -> None:
    """After 300 s a generate is sent again, twice; an edit is not ([R:upstream_timeout_300s_resend])."""
    async with studio(speed=2000) as client:
        row = await client.run("long [[slow:600]]")
        assert row["error"].startswith("Fetch failed: fetch failed (URL: ")
        assert row["generation_time_ms"] >= 906 / 2
        reply = await client.transform("edit", {"prompt": "long [[slow:600]]", "size": "8x8"}, _png())
        edited = await client.until(reply.json["job_id"])
        assert edited["error"].endswith("/images/edits, Method: POST)")
        assert edited["generation_time_ms"] < 906 / 2


async def test_the_sync_routes_differ_in_how_they_take_a_cancel(studio: Callable[..., Any]) -> None:
    """`/api/generate` hangs; the OpenAI-style generation and txt2img notice ([R:sync_cancelled])."""
    recorded = json.loads((RECORDINGS / "sync_cancelled.json").read_text())["results"]
    async with studio(speed=40) as client:
        await client.until(await client.submit("blocker [[slow:100]]"), "processing")
        body = {"model": "qwen-image", "prompt": "to cancel", "size": "8x8"}
        paths = {"api/generate": "/api/generate", "openai": "/api/v1/images/generations", "sdapi": "/sdapi/v1/txt2img"}
        waiting = {name: asyncio.ensure_future(client.ask("POST", path, json=body)) for name, path in paths.items()}
        await asyncio.sleep(0.05)
        for row in (await client.ask("GET", "/api/queue?status=pending")).json["jobs"]:
            await client.ask("DELETE", f"/api/queue/{row['id']}")
        for name in ("openai", "sdapi"):
            reply = await waiting[name]
            assert (reply.status, reply.json) == (500, recorded[name]["response"]["json"])
        await asyncio.sleep(0.1)
        assert not waiting["api/generate"].done()
        waiting["api/generate"].cancel()


async def test_a_client_that_goes_away_does_not_stop_its_job(studio: Callable[..., Any]) -> None:
    """The job of a sync route runs to its end without anybody waiting ([R:sync_client_disconnect])."""
    async with studio(speed=40) as client:
        body = {"model": "qwen-image", "prompt": "disconnect me", "size": "8x8"}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.ask("POST", "/api/generate", json=body), 0.03)
        row = (await client.ask("GET", "/api/queue")).json["jobs"][0]
        assert (await client.until(row["id"]))["status"] == "completed"


async def test_an_interrupt_is_as_weak_as_a_cancel(studio: Callable[..., Any]) -> None:
    """The job shows as cancelled, nothing shows as going on, and it completes all the same ([R:sdapi])."""
    async with studio(speed=40) as client:
        job_id = await client.submit("progress")
        await client.until(job_id, "processing")
        progress = (await client.ask("GET", "/sdapi/v1/progress")).json
        assert (progress["progress"], progress["state"]) == (0.25, {"job_count": 0, "job_no": 1})
        assert (await client.ask("POST", "/sdapi/v1/interrupt")).json == {"success": True}
        assert (await client.job(job_id))["status"] == "cancelled"
        assert (await client.ask("GET", "/sdapi/v1/progress")).json["state"] == {"job_count": 0}
        assert (await client.until(job_id, "completed"))["image_count"] == 1


async def test_a_rule_forces_an_outcome_on_a_route_as_often_as_it_says(studio: Callable[..., Any]) -> None:
    """A rule for the list touches neither the status route nor a later call; others are not used up by it."""
    rules = [
        {"outcome": "html", "argument": "504", "route": "GET /api/queue$", "times": 1},
        {"outcome": "upstream_500", "times": 1},
    ]
    async with studio() as client:
        assert (await client.ask("PUT", "/_sandbox/scenario", json={"rules": rules})).json == {"rules": 2}
        assert (await client.ask("GET", "/api/queue/stats")).status == 200
        assert [(await client.ask("GET", "/api/queue")).status for _ in range(2)] == [504, 200]
        assert [(await client.run("a"))["status"] for _ in range(2)] == ["failed", "completed"]


async def test_a_rule_demands_a_key_where_it_says(studio: Callable[..., Any]) -> None:
    """The rule `auth` turns the key check on for the routes that it matches."""
    async with studio() as client:
        rules = [{"outcome": "auth", "argument": "s3cret", "route": "GET /api/queue"}]
        await client.ask("PUT", "/_sandbox/scenario", json={"rules": rules})
        assert (await client.ask("GET", "/api/queue")).status == 401
        assert (await client.ask("GET", "/api/queue", headers={"X-Api-Key": "wrong"})).status == 403
        assert (await client.ask("GET", "/api/queue", headers={"Authorization": "Bearer s3cret"})).status == 200
        assert (await client.ask("GET", "/api/generations")).status == 200


async def test_a_rule_lets_a_model_fail_to_start(studio: Callable[..., Any]) -> None:
    """Starting answers 500 with the process's fate, as recorded of a model that crashes."""
    async with studio() as client:
        rules = [{"outcome": "startup_failed", "route": "POST /api/models/flux-dev/start", "times": 1}]
        await client.ask("PUT", "/_sandbox/scenario", json={"rules": rules})
        reply = await client.ask("POST", "/api/models/flux-dev/start", json={})
        assert (reply.status, reply.json) == (500, {"error": "Process exited with code 3"})
        assert (await client.ask("POST", "/api/models/flux-dev/start", json={})).json["status"] == "starting"
        again = await client.ask("POST", "/api/v1/models/flux-dev/start", json={})
        assert (again.status, again.json["error"]) == (409, "Model is already running")
        assert (await client.ask("POST", "/api/v1/models/flux-dev/stop", json={})).json["status"] == "stopping"
        assert (await client.ask("POST", "/api/v1/models/flux-dev/stop", json={})).status == 409


async def test_the_seed_profile_keeps_the_promises_of_the_seed(studio: Callable[..., Any]) -> None:
    """Bare list, `generation_id`, two fields and `authRequired`, final cancels, checked fields (wire §10)."""
    async with studio(profile="seed", speed=40) as client:
        assert list((await client.ask("GET", "/api/config")).json) == ["sdApiEndpoint", "model", "authRequired"]
        for body, word in (({"model": "qwen-image"}, "prompt"), ({"prompt": "x"}, "model")):
            reply = await client.ask("POST", "/api/queue/generate", json=body)
            assert (reply.status, reply.json) == (400, {"error": f"Missing required field: {word}"})
        row = await client.run("a", seed=42, model="z-image-turbo")
        assert (row["generation_id"], row["seed"]) == (row["id"], "42")
        assert (row["images"][0]["width"], row["images"][0]["height"]) == (8, 8)
        job_id = await client.submit("b")
        await client.until(job_id, "processing")
        assert (await client.ask("DELETE", f"/api/queue/{job_id}")).json["job"]["generation_id"] is None
        await client.run("c")
        assert (await client.job(job_id))["status"] == "cancelled"
        listed = (await client.ask("GET", "/api/generations")).json
        assert [each["status"] for each in listed] == ["completed", "completed"]
        await client.ask("DELETE", f"/api/generations/{row['id']}")
        assert (await client.ask("GET", f"/static/images/{row['images'][0]['id']}.png")).status == 404


async def test_an_unknown_profile_is_refused(studio: Callable[..., Any]) -> None:
    """There are two profiles and no others."""
    with pytest.raises(KeyError):
        async with studio(profile="tomorrow"):
            pass
