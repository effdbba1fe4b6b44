"""NEW's video, agent mode and prompt builder (wire §11): documented, not measured."""

from contracts.sniff import sniff
from tests.unit.adapters.ima2.native import SMALL, Serve


async def test_a_video_is_planned_submitted_and_a_film(serve: Serve) -> None:
    """Frames in their order, progress that rises to one, and a file that is an MP4 of the asked length and shape."""
    async with serve("new") as client:
        frames = (await client.video("a fox runs", duration=2, aspectRatio="9:16", requestId="v")).frames
        names = [event for event, _ in frames]
        assert names == ["planning", "submitted", *["progress"] * (len(frames) - 3), "done"]
        progress = [data["progress"] for event, data in frames if event == "progress"]
        assert progress == sorted(progress)
        assert progress[-1] == 1
        done = frames[-1][1]
        media = sniff((await client.ask("GET", done["url"])).body)
        assert media is not None
        assert (media.format, media.width, media.height, media.duration_s) == ("mp4", 480, 854, 2.0)
        row = (await client.history())["items"][0]
        assert (row["mediaType"], row["requestId"]) == ("video", "v")
        assert done["xaiVideoRequestId"] if "xaiVideoRequestId" in done else done["video"]["xaiVideoRequestId"]


async def test_video_errors_are_frames(serve: Serve) -> None:
    """Every check is an `error` frame of HTTP 200, and plain JSON for asynchronous requests (wire §11)."""
    async with serve("new") as client:
        picture = (await client.generate("a fox")).json["image"]
        for fields, code in (
            ({"provider": "oauth"}, "VIDEO_PROVIDER_UNSUPPORTED"),
            ({"prompt": " "}, "PROMPT_REQUIRED"),
            ({"model": "x"}, "INVALID_GROK_VIDEO_MODEL"),
            ({"resolution": "8k"}, "INVALID_VIDEO_RESOLUTION"),
            ({"aspectRatio": "5:1"}, "INVALID_VIDEO_ASPECT_RATIO"),
            ({"duration": 16}, "INVALID_VIDEO_DURATION"),
            ({"referenceImages": [picture] * 8}, "GROK_VIDEO_REF_TOO_MANY"),
            ({"sourceFilename": "../x.png"}, "GROK_VIDEO_INVALID_MODE"),
        ):
            prompt = str(fields.pop("prompt", "a fox"))
            reply = await client.video(prompt, **fields)
            assert (reply.status, reply.frames[0][0], reply.frames[0][1]["code"]) == (200, "error", code)
            direct = await client.video(prompt, **fields, **{"async": True})
            assert (direct.status, direct.json["code"]) == (400, code)


async def test_a_video_begins_with_a_picture(serve: Serve) -> None:
    """One picture is where the video begins, two guide it; the mode is in the registry's row."""
    async with serve("new") as client:
        picture = (await client.generate("a fox")).json["image"]
        for count, mode in ((0, "text-to-video"), (1, "image-to-video"), (2, "reference-to-video")):
            await client.video("a fox", referenceImages=[picture] * count, requestId=mode)
            end = next(end for end in (await client.inflight())["terminalJobs"] if end["requestId"] == mode)
            assert end["meta"]["mode"] == mode


async def test_an_agent_session_has_turns_and_pictures(serve: Serve) -> None:
    """A turn answers when its picture is there; the workspace shows it; what is missing is told twice."""
    async with serve("new") as client:
        made = await client.ask("POST", "/api/agent/sessions", json={"title": "Poster"})
        assert made.status == 201
        one = f"/api/agent/sessions/{made.json['selectedSessionId']}"
        turn = await client.ask("POST", f"{one}/turns", json={**SMALL, "prompt": "a fox"})
        name = made.json["selectedSessionId"]
        assert [each["role"] for each in turn.json["turnsBySession"][name]] == ["user", "tool", "assistant"]
        image = turn.json["imagesById"][turn.json["currentImageId"]]
        assert (await client.ask("GET", image["url"])).status == 200
        failed = await client.ask("POST", f"{one}/turns", json={**SMALL, "prompt": "a fox [[SAFETY_REFUSAL]]"})
        assert (failed.status, failed.json["code"], failed.json["error"]["code"]) == (422, *["SAFETY_REFUSAL"] * 2)
        renamed = await client.ask("PATCH", one, json={"title": "Flyer", "webSearchEnabled": False})
        assert renamed.json["sessions"][0]["title"] == "Flyer"
        missing = await client.ask("PATCH", one, json={"currentImageId": "nope"})
        assert (missing.status, missing.json["code"]) == (404, "AGENT_IMAGE_NOT_FOUND")
        blank = await client.ask("POST", f"{one}/turns", json={"prompt": " "})
        assert (blank.status, blank.json["code"]) == (400, "AGENT_PROMPT_REQUIRED")
        assert (await client.ask("GET", one)).json["selectedSessionId"] == name
        assert (await client.ask("DELETE", one)).json["sessions"] == []
        assert (await client.ask("GET", one)).json["code"] == "AGENT_SESSION_NOT_FOUND"


async def test_agent_work_waits_in_a_queue(serve: Serve) -> None:
    """202 with the item; commands answer at once; work is cancelled and retried, or refused when it is over."""
    async with serve("new") as client:
        name = (await client.ask("POST", "/api/agent/sessions")).json["selectedSessionId"]
        queue = f"/api/agent/sessions/{name}/queue"
        helped = await client.ask("POST", queue, json={"prompt": "/help"})
        assert (helped.status, helped.json["queueItem"]) == (200, None)
        body = {**SMALL, "prompt": "a fox [[slow:100]]"}
        item = (await client.ask("POST", queue, json=body)).json["queueItem"]
        assert item["status"] == "queued"
        again = await client.ask("POST", f"/api/agent/queue/{item['id']}/retry")
        assert (again.status, again.json["code"]) == (409, "AGENT_QUEUE_RETRY_FAILED")
        assert (await client.ask("POST", f"/api/agent/queue/{item['id']}/cancel")).status == 200
        gone = await client.ask("POST", f"/api/agent/queue/{item['id']}/cancel")
        assert (gone.status, gone.json["code"]) == (409, "AGENT_QUEUE_CANCEL_FAILED")
        assert (await client.ask("POST", f"/api/agent/queue/{item['id']}/retry")).status == 200

        async def done() -> bool:
            items = (await client.ask("GET", queue)).json["queue"]
            return bool(items[0]["status"] == "succeeded")

        await client.until(done)
        assert (await client.ask("POST", "/api/agent/queue/x/cancel")).json["code"] == "AGENT_QUEUE_ITEM_NOT_FOUND"


async def test_the_prompt_builder_answers_by_the_backend_it_was_asked_for(serve: Serve) -> None:
    """It writes a prompt without tokens, names its backend, and refuses what is no conversation."""
    async with serve("new") as client:
        path = "/api/prompt-builder/chat"
        body = {"messages": [{"role": "user", "content": "a fox [[norevised]]"}]}
        said = (await client.ask("POST", path, json=body)).json
        assert (said["backend"], said["requestedBackend"]) == ("oauth", "auto")
        assert "\n\nFinal Prompt - English:\na fox, with" in said["message"]["content"]
        assert (await client.ask("POST", path, json={**body, "backend": "grok"})).json["provider"] == "grok"
        assert (await client.ask("POST", path, json={})).status == 400
        refused = {"messages": [{"role": "user", "content": "[[PROMPT_BUILDER_NO_BACKEND_READY]]"}]}
        assert (await client.ask("POST", path, json=refused)).status == 503
