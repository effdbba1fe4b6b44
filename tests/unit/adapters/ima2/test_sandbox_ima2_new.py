"""NEW (wire §11): capabilities, events, asynchronous work, keys, cancelling."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from tests.unit.adapters.ima2.native import SMALL, Client, Serve


class Events:
    """A reader of the multiplex."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        """Take the open answer."""
        self._response = response

    async def next(self) -> tuple[int | None, str, Any]:
        """Return the next event: its id, its name, its data; comments are passed over."""
        fields: dict[str, str] = {}
        while True:
            line = (await asyncio.wait_for(self._response.content.readline(), 5)).decode().rstrip("\n")
            if not line and fields:
                identity = fields.get("id")
                return int(identity) if identity else None, fields["event"], json.loads(fields["data"])
            if line and not line.startswith(":"):
                name, _, value = line.partition(": ")
                fields[name] = value

    async def until(self, *names: str) -> list[tuple[int | None, str, Any]]:
        """Return events up to the first of some name."""
        found = [await self.next()]
        while found[-1][1] not in names:
            found.append(await self.next())
        return found


def listen(client: Client, **how: Any) -> Any:
    """Open the multiplex."""
    return client.session.get(f"http://127.0.0.1:{client.port}/api/events", **how)


async def test_only_new_has_its_routes(serve: Serve) -> None:
    """TAG and HEAD answer 404 pages where NEW answers JSON, which is how a client tells them apart (wire §0)."""
    for path in ("/api/capabilities", "/api/grok/status", "/api/agent/sessions"):
        for profile, status in (("tag", 404), ("head", 404), ("new", 200)):
            async with serve(profile, where=profile) as client:
                assert (await client.ask("GET", path)).status == status


async def test_capabilities_name_what_can_be_used(serve: Serve) -> None:
    """Models, accounts, limits and valid values are there, and each listed image model works."""
    async with serve("new", speed=1000) as client:
        found = (await client.ask("GET", "/api/capabilities")).json
        assert found["ok"] is True
        assert {"oauth", "api", "grok"} <= set(found["valid"]["providers"])
        assert found["limits"]["maxParallel"] == {
            "value": 24,
            "enforced": True,
            "note": "server-side inflight capacity guard uses this runtime limit",
        }
        models = found["valid"]["imageModels"]
        for provider, names in (("oauth", models["supported"]), ("grok", models["grokSupported"])):
            for name in names:
                assert (await client.generate("a fox", provider=provider, model=name)).json["model"] == name
        assert (await client.generate("a fox", model=models["unsupported"][0])).json[
            "code"
        ] == "IMAGE_MODEL_UNSUPPORTED"


async def test_new_checks_more_and_clamps_nothing(serve: Serve) -> None:
    """Blank and long prompts and counts out of range are refused in the nested envelope, also on multimode."""
    async with serve("new") as client:
        for ask, count in ((client.generate, "n"), (client.multimode, "maxImages")):
            for prompt, fields, code in (
                (" ", {}, "INVALID_PROMPT"),
                ("x" * 32_001, {}, "PROMPT_TOO_LONG"),
                ("a fox", {count: 9}, "INVALID_COUNT"),
                ("a fox", {count: "2"}, "INVALID_COUNT"),
            ):
                reply = await ask(prompt, **fields)
                assert (reply.status, reply.json["error"]["code"]) == (400, code)
        bad = await client.generate("a fox", requestId="not a good id")
        assert bad.json["requestId"].startswith("req_")
        assert isinstance(bad.json["elapsed"], int | float)


async def test_asynchronous_work_is_told_on_the_multiplex(serve: Serve) -> None:
    """202 at once, then phase and done with the whole answer, with `jobId` and rising ids."""
    async with serve("new") as client, listen(client) as response:
        events = Events(response)
        reply = await client.generate("a fox", requestId="a1", **{"async": True})
        assert (reply.status, reply.json) == (202, {"requestId": "a1", "async": True})
        told = await events.until("done")
        assert [name for _, name, _ in told] == ["phase", "done"]
        assert told[-1][2]["image"].startswith("data:image/png")
        assert {data["jobId"] for _, _, data in told} == {"a1"}
        node = await client.ask("POST", "/api/node/generate", json={**SMALL, "prompt": "a fox", "async": True})
        assert list(node.json) == ["requestId"]
        assert [name for _, name, _ in await events.until("done")] == ["phase", "done"]
        many = await client.multimode("a fox", maxImages=2, **{"async": True})
        assert many.status == 202
        assert [name for _, name, _ in await events.until("done")] == ["phase", "image", "image", "done"]
        await client.generate("a fox [[429]]", **{"async": True})
        identity, name, data = (await events.until("error"))[-1]
        assert (name, data["status"], data["code"]) == ("error", 429, "INVALID_REQUEST")
        assert identity == 10


async def test_the_multiplex_is_resumed_without_pictures(serve: Serve) -> None:
    """Who comes back with the last id gets what was missed, pictures left out; without an id, only what comes."""
    async with serve("new") as client:
        await client.node("a fox", sse=True, requestId="one", size="64x64")
        async with listen(client, headers={"Last-Event-ID": "1"}) as response:
            identity, name, data = await Events(response).next()
            assert (identity, name, data["requestId"]) == (2, "done", "one")
            assert (data["_imageOmitted"], "image" in data) == (True, False)
        async with listen(client) as response:
            await client.node("a fox", sse=True, requestId="two")
            assert (await Events(response).next())[2]["requestId"] == "two"


async def test_a_gap_is_told(serve: Serve) -> None:
    """An id from before a restart, or one that fell out of the ring, begins with `replay-gap`."""
    async with serve("new") as client, listen(client, params={"lastEventId": "77"}) as response:
        _, name, data = await Events(response).next()
        assert (name, data) == ("replay-gap", {"lastEventId": 77, "oldestAvailableId": None})


async def test_the_multiplex_is_kept_alive(serve: Serve) -> None:
    """A comment comes every fifteen seconds, divided by the speed."""
    async with serve("new", speed=500) as client, listen(client) as response:
        assert await asyncio.wait_for(response.content.readline(), 5) == b": ping\n"


async def test_an_id_in_use_and_a_job_too_many_are_refused(serve: Serve) -> None:
    """409 REQUEST_ID_IN_USE; the twenty-fifth job is 429 TOO_MANY_JOBS with Retry-After: 5."""
    async with serve("new") as client:
        body = {"prompt": "a fox [[slow:2000]]", "async": True}
        for number in range(24):
            assert (await client.ask("POST", "/api/generate", json={**body, "requestId": f"r{number}"})).status == 202
        twin = await client.ask("POST", "/api/node/generate", json={**body, "requestId": "r3"})
        assert (twin.status, twin.json["error"]["code"]) == (409, "REQUEST_ID_IN_USE")
        one_more = await client.generate("a fox")
        assert (one_more.status, one_more.json["code"]) == (429, "TOO_MANY_JOBS")
        assert one_more.headers["Retry-After"] == "5"


async def test_a_key_starts_nothing_twice(serve: Serve) -> None:
    """The same key replays the answer or points at the job; another body is a conflict; a bad key is refused."""
    async with serve("new") as client:
        first = await client.generate("a fox", requestId="k", idempotencyKey="key-1")
        again = await client.generate("a fox", requestId="k", idempotencyKey="key-1")
        assert again.json == {**first.json, "idempotentReplay": True}
        assert len(await client.upstream("k")) == 1
        assert (await client.generate("a cat", idempotencyKey="key-1")).json["code"] == "IDEMPOTENCY_KEY_CONFLICT"
        assert (await client.generate("a cat", idempotencyKey="a b")).json["code"] == "IDEMPOTENCY_KEY_INVALID"
        slow = {"requestId": "s", "async": True, "idempotencyKey": "key-2"}
        assert (await client.generate("a fox [[slow:100]]", **slow)).status == 202
        running = await client.generate("a fox [[slow:100]]", **slow)
        assert (running.status, running.json) == (202, {"requestId": "s", "async": True, "idempotentReplay": True})


async def test_cancelling_stops_the_work(serve: Serve) -> None:
    """The waiting request ends as 499 GENERATION_CANCELED, no picture is made, and the answer says what was done."""
    async with serve("new", speed=20) as client:
        running = asyncio.ensure_future(client.generate("a fox", requestId="c"))
        await asyncio.sleep(0.05)
        reply = await client.ask("DELETE", "/api/inflight/c")
        assert (reply.status, reply.json) == (200, {"requestId": "c", "active": True, "aborted": True})
        ended = await running
        assert (ended.status, ended.json) == (
            499,
            {"error": "Generation canceled", "code": "GENERATION_CANCELED", "requestId": "c"},
        )
        unknown = await client.ask("DELETE", "/api/inflight/never")
        assert unknown.json == {"requestId": "never", "active": False, "aborted": False}
        ends = {end["requestId"]: (end["status"], end["kind"]) for end in (await client.inflight())["terminalJobs"]}
        assert ends == {"c": ("canceled", "classic"), "never": ("canceled", "unknown")}
        await asyncio.sleep(0.3)
        assert (await client.history())["total"] == 0


async def test_a_stale_job_ends_as_lost_sight_of(serve: Serve) -> None:
    """504 JOB_TRACKING_TIMEOUT for the waiting request, in the registry, and on the multiplex."""
    async with serve("new") as client, listen(client) as response:
        reply = await client.generate("a fox [[stale]]", requestId="s")
        assert (reply.status, reply.json["code"]) == (504, "JOB_TRACKING_TIMEOUT")
        assert (await Events(response).next())[2]["code"] == "JOB_TRACKING_TIMEOUT"
        assert (await client.inflight())["terminalJobs"][0]["errorCode"] == "JOB_TRACKING_TIMEOUT"


async def test_lost_and_phantom_work_is_accepted_when_nobody_waits(serve: Serve) -> None:
    """202 comes all the same; what was lost is nowhere, a phantom stays in the registry."""
    async with serve("new") as client:
        for token in ("lost", "phantom"):
            reply = await client.generate(f"a fox [[{token}]]", requestId=token, **{"async": True})
            assert reply.status == 202
        registry = await client.inflight()
        assert [job["requestId"] for job in registry["jobs"]] == ["phantom"]
        assert registry["terminalJobs"] == []


async def test_references_that_were_dropped_are_told_by_new(serve: Serve) -> None:
    """NEW adds the fields of its internal retry (wire §11)."""
    async with serve("new") as client:
        picture = (await client.generate("a fox")).json["image"]
        body = (await client.generate("a fox [[refs_dropped]]", references=[picture])).json
    assert (body["referencesDroppedOnRetry"], body["retryKind"]) == (True, "prompt_only")


async def test_grok_takes_three_inputs_and_no_mask(serve: Serve) -> None:
    """The fourth input is GROK_REF_TOO_MANY, the source counted in; a mask is GROK_MASK_UNSUPPORTED."""
    async with serve("new") as client:
        picture = (await client.generate("a fox")).json["image"]
        four = await client.generate("a fox", provider="grok", references=[picture] * 4)
        child = await client.edit("a fox", picture, provider="grok", references=[picture] * 3)
        masked = await client.edit("a fox", picture, provider="grok", mask=picture)
        model = await client.generate("a fox", provider="grok", model="gpt-5.4")
        keyless = await client.generate("a fox", provider="grok-api")
    assert [reply.json["code"] for reply in (four, child, masked, model, keyless)] == [
        "GROK_REF_TOO_MANY",
        "GROK_REF_TOO_MANY",
        "GROK_MASK_UNSUPPORTED",
        "INVALID_GROK_IMAGE_MODEL",
        "GROK_API_KEY_MISSING",
    ]


async def test_sidecars_are_private_on_new(serve: Serve) -> None:
    """What TAG and HEAD serve to anybody, NEW does not (wire §11)."""
    for profile, status in (("tag", 200), ("head", 200), ("new", 404)):
        async with serve(profile, where=profile) as client:
            name = (await client.generate("a fox")).json["filename"]
            assert (await client.ask("GET", f"/generated/{name}.json")).status == status


async def test_parents_may_have_any_format_on_new(serve: Serve) -> None:
    """A JPEG node is read back and continued on NEW only (wire §5, §11)."""
    for profile, status in (("head", 404), ("new", 200)):
        async with serve(profile, where=profile) as client:
            node = (await client.node("a fox", format="jpeg")).json["nodeId"]
            assert (await client.ask("GET", f"/api/node/{node}")).status == status
            assert (await client.node("a fox", parentNodeId=node)).status == status


def test_an_unknown_profile_is_refused(tmp_path: Any) -> None:
    """A name that is no build is an error at once."""
    from adapters.ima2.sandbox import sandbox  # noqa: PLC0415 - the only test that builds none

    with pytest.raises(ValueError, match="no such profile: old"):
        sandbox(data_dir=str(tmp_path), profile="old")
