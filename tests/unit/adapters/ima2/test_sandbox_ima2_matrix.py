"""The failure matrix of wire §10.1: every misbehaviour of the upstream, on every route and build, with its calls."""

import re
from typing import Any, Literal

import pytest

from adapters.ima2.sandbox.cause import CAUSES
from adapters.ima2.sandbox.code import CODES
from adapters.ima2.sandbox.failure import Route
from adapters.ima2.sandbox.matrix import MATRIX
from tests.unit.adapters.ima2.native import Client, Reply, Serve

ROUTES: tuple[Route, ...] = ("generate", "edit", "node", "multimode")


async def ask(client: Client, route: str, prompt: str, image: str, **fields: Any) -> Reply:
    """Send a prompt to a route."""
    match route:
        case "edit":
            return await client.edit(prompt, image, **fields)
        case "node":
            return await client.node(prompt, **fields)
        case "multimode":
            return await client.multimode(prompt, **fields)
        case _:
            return await client.generate(prompt, **fields)


def ending(reply: Reply) -> tuple[int | None, str | None]:
    """Return status and code of an answer; None and None: done without a picture."""
    if reply.headers["Content-Type"].startswith("text/event-stream"):
        event, data = reply.frames[-1]
        return (None, None) if event == "done" else (data["status"], data["code"])
    body = reply.json
    return reply.status, body["error"]["code"] if isinstance(body["error"], dict) else body.get("code")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("build", ["tag", "head"])
async def test_every_misbehaviour_of_the_upstream_ends_as_measured(
    serve: Serve, build: Literal["tag", "head"], route: Route
) -> None:
    """Status, code and number of upstream calls are those of the matrix."""
    async with serve(build, speed=1000) as client:
        image = (await client.generate("a fox")).json["image"]
        for name in CAUSES:
            cell = MATRIX[build][route][name]
            token = f"{name}:5" if name == "timeout" else name
            reply = await ask(client, route, f"a fox [[{token}]]", image, requestId=name)
            assert ending(reply) == (cell.status, cell.code), name
            assert len(await client.upstream(name)) == cell.calls, name
            end = next(end for end in (await client.inflight())["terminalJobs"] if end["requestId"] == name)
            assert end.get("errorCode") == cell.code, name


async def test_every_picture_of_a_refused_request_costs_two_calls(serve: Serve) -> None:
    """Two refused pictures are four upstream calls (wire §3)."""
    async with serve() as client:
        assert (await client.generate("a fox [[mod_stream]]", n=2, requestId="r")).status == 422
        assert [call["outcome"] for call in await client.upstream("r")] == ["SAFETY_REFUSAL"] * 4


async def test_a_first_failure_that_is_made_good_costs_one_more_call(serve: Serve) -> None:
    """The server's own retry hides a failure of the first call."""
    async with serve() as client:
        assert (await client.generate("a fox [[retry:503]]", requestId="r")).status == 200
        assert [call["outcome"] for call in await client.upstream("r")] == ["503", "ok"]


async def test_new_does_not_retry_a_node_that_has_an_input(serve: Serve) -> None:
    """A child's refusal is one call on NEW, two on HEAD (wire §11)."""
    for profile, calls in (("new", 1), ("head", 2)):
        async with serve(profile, where=profile) as client:
            root = (await client.node("a fox")).json["nodeId"]
            await client.node("a fox [[mod400]]", parentNodeId=root, requestId="child")
            assert len(await client.upstream("child")) == calls


async def test_new_has_its_own_status_for_a_stream_error(serve: Serve) -> None:
    """RESPONSES_STREAM_ERROR is 502 there, and 500 on HEAD (wire §11)."""
    for profile, status in (("new", 502), ("head", 500)):
        async with serve(profile, where=profile) as client:
            assert ending(await client.multimode("a fox [[err_stream_flat]]"))[0] == status


@pytest.mark.parametrize("route", [*ROUTES, "video"])
async def test_every_native_code_is_answered_by_its_name(serve: Serve, route: str) -> None:
    """A token with the name of a code gives its status and the envelope of the route, on any account."""
    bare = {"INVALID_MODERATION", "INVALID_EDIT_INPUT", "PROMPT_REQUIRED"} if route in ("generate", "edit") else set()
    async with serve("new", speed=1000) as client:
        image = (await client.generate("a fox")).json["image"]
        for name, code in CODES.items():
            prompt = f"a fox [[{name}]]"
            reply = await client.video(prompt) if route == "video" else await ask(client, route, prompt, image)
            status, said = ending(reply)
            assert said == (None if name in bare else name), name
            other = {"RESPONSES_STREAM_ERROR": 502}
            if route in ("edit", "multimode"):
                other["EMPTY_RESPONSE"] = 500
            assert status == other.get(name, code.status), name


async def test_a_code_takes_another_status_as_its_argument(serve: Serve) -> None:
    """`[[AUTH_API_KEY_INVALID:429]]` is an exhausted quota, `[[UNKNOWN:504]]` a timeout (wire §10.2)."""
    async with serve() as client:
        for token, status in (("AUTH_API_KEY_INVALID:429", 429), ("UNKNOWN:504", 504), ("INVALID_REQUEST:403", 403)):
            reply = await client.generate(f"a fox [[{token}]]")
            assert (reply.status, reply.json["code"]) == (status, token.split(":")[0])


@pytest.mark.parametrize(
    ("route", "code", "envelope"),
    [
        ("GET /api/sessions", "DB_ERROR", {"error": {"code": "DB_ERROR", "message": "database is locked"}}),
        ("GET /api/node/", "NODE_FETCH_FAILED", {"error": {"code": "NODE_FETCH_FAILED", "message": "..."}}),
        ("DELETE /api/history/", "SYSTEM_TRASH_FAILED", {"error": "...", "code": "SYSTEM_TRASH_FAILED"}),
        ("GET /api/events", "SSE_CAPACITY", {"error": {"code": "SSE_CAPACITY", "message": "..."}}),
        ("GET /api/agent/", "AGENT_SESSION_NOT_FOUND", {"error": {"code": "...", "message": "..."}, "code": "..."}),
        ("GET /api/inflight", "LAN_TOKEN_REQUIRED", {"error": "...", "code": "LAN_TOKEN_REQUIRED"}),
    ],
)
async def test_a_rule_forces_a_code_on_any_route(serve: Serve, route: str, code: str, envelope: dict[str, Any]) -> None:
    """Routes without a prompt are forced by rules, and answer in their own envelope (wire §1)."""
    method, path = route.split()
    async with serve("new") as client:
        await client.rules({"outcome": code, "route": route, "times": 1})
        where = path + ("sessions" if path.endswith("agent/") else "x" if path.endswith("/") else "")
        reply = await client.ask(method, where)
        assert reply.status == CODES[code].status
        assert reply.json.keys() == envelope.keys()
        assert code in reply.body.decode()
        if path != "/api/events":
            assert (await client.ask(method, where)).status != reply.status


async def test_storage_says_not_ok(serve: Serve) -> None:
    """The folder is never opened: the answer is that of a machine without a desktop (recorded: storage_open)."""
    async with serve() as client:
        reply = await client.ask("POST", "/api/storage/open-generated-dir")
    assert re.fullmatch(r"xdg-open exited with code \d", reply.json["error"]["message"])
    assert reply.json["ok"] is False
