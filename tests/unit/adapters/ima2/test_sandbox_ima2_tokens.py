"""Every token of this dialect does what its sentence says, and every token is exercised somewhere."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.ima2 import sandbox
from adapters.ima2.sandbox import TOKENS
from adapters.ima2.sandbox.cause import CAUSES
from adapters.ima2.sandbox.code import CODES
from tests.unit.adapters.ima2.native import Client, Serve
from tests.unit.adapters.ima2.test_sandbox_ima2_endings import CHECKS as COMMON


async def n2_one_fails(client: Client) -> None:
    """Two asked, one came, three calls made, no word of it (recorded)."""
    body = (await client.generate("a fox [[n2_one_fails]]", n=2, requestId="n")).json
    assert (body["count"], len(body["images"])) == (1, 1)
    assert len(await client.upstream("n")) == 3


async def refs_dropped(client: Client) -> None:
    """The answer is that of a request without references; HEAD does not say so."""
    picture = (await client.generate("a bear", n=1)).json["image"]
    plain = await client.generate("a fox")
    reply = await client.generate("a fox [[refs_dropped]]", references=[picture], requestId="d")
    honoured = await client.generate("a fox", references=[picture])
    assert reply.picture == plain.picture != honoured.picture
    assert reply.json.keys() == honoured.json.keys()
    assert [call["outcome"] for call in await client.upstream("d")] == ["empty", "ok"]


async def quality_defaulted(client: Client) -> None:
    """Medium, with the warning."""
    body = (await client.generate("a fox [[quality_defaulted]]", quality="high")).json
    assert body["quality"] == "medium"
    assert [warning["code"] for warning in body["warnings"]] == ["QUALITY_DEFAULTED"]


async def phantom(client: Client) -> None:
    """The row stays, nothing runs."""
    with pytest.raises(aiohttp.ClientError):
        await client.generate("a fox [[phantom]]", requestId="p")
    await asyncio.sleep(0.1)
    assert [job["requestId"] for job in (await client.inflight())["jobs"]] == ["p"]
    assert await client.upstream() == []


async def lost(client: Client) -> None:
    """No trace."""
    with pytest.raises(aiohttp.ClientError):
        await client.generate("a fox [[lost]]", requestId="l")
    assert await client.inflight() == {"jobs": [], "terminalJobs": []}
    assert (await client.history())["total"] == 0


async def stale(client: Client) -> None:
    """On HEAD the row is gone while the work goes on to its end."""
    running = asyncio.ensure_future(client.generate("a fox [[stale]] [[slow:60]]", requestId="s"))
    await asyncio.sleep(0.15)
    assert await client.inflight() == {"jobs": [], "terminalJobs": []}
    assert (await running).status == 200
    assert (await client.inflight())["terminalJobs"] == []


async def upstream_json(client: Client) -> None:
    """A web search was made, and the prompt was revised in another way."""
    body, plain = (await client.generate("a fox [[upstream_json]]")).json, (await client.generate("a fox")).json
    assert (body["webSearchCalls"], plain["webSearchCalls"]) == (1, 0)
    assert body["revisedPrompt"] != plain["revisedPrompt"]


async def partials(client: Client) -> None:
    """Partial pictures on a root's stream, none on a child's, none without the token."""
    frames = (await client.node("a fox [[partials:3]]", sse=True)).frames
    assert [(event, data.get("index")) for event, data in frames] == [
        ("phase", None),
        ("partial", 0),
        ("partial", 1),
        ("partial", 2),
        ("done", None),
    ]
    child = await client.node("a fox [[partials]]", sse=True, parentNodeId=frames[-1][1]["nodeId"])
    plain = await client.node("a fox", sse=True)
    assert [event for event, _ in child.frames] == [event for event, _ in plain.frames] == ["phase", "done"]


async def retry(client: Client) -> None:
    """One failed call more, and success."""
    assert (await client.node("a fox [[retry:cut_mid]]", requestId="r")).status == 200
    assert [call["outcome"] for call in await client.upstream("r")] == ["cut_mid", "ok"]


async def extra(client: Client) -> None:
    """Counted, not sent."""
    done = (await client.multimode("a fox [[extra:2]]")).frames[-1][1]
    assert (done["extraIgnored"], done["returned"]) == (2, 1)


async def norevised(client: Client) -> None:
    """No revised prompt."""
    assert (await client.generate("a fox [[norevised]]")).json["revisedPrompt"] is None


async def searches(client: Client) -> None:
    """So many web searches."""
    assert (await client.generate("a fox [[searches:5]]")).json["webSearchCalls"] == 5


async def error_class(client: Client) -> None:
    """NEW's own class, and the code before it."""
    body = (await client.generate("a fox [[error_class:BILLING_REQUIRED]]")).json
    assert (body["errorClass"], body["rawCode"], body["code"]) == ("BILLING_REQUIRED", "UNKNOWN", "UNKNOWN")


async def file(client: Client) -> None:
    """Later downloads of that file fail, others do not."""
    for outcome, status in (("html", 502), ("gone", 404)):
        name = (await client.generate(f"a fox [[file:{outcome}]]")).json["filename"]
        assert (await client.ask("GET", f"/generated/{name}")).status == status
    for outcome in ("cut", "cut_body"):
        name = (await client.generate(f"a fox [[file:{outcome}]]")).json["filename"]
        with pytest.raises(aiohttp.ClientError):
            await client.ask("GET", f"/generated/{name}")
    good = (await client.generate("a fox")).json["filename"]
    assert (await client.ask("GET", f"/generated/{good}")).status == 200


async def api_key(client: Client) -> None:
    """A server with a key takes provider api, and says so where it is asked."""
    assert (await client.generate("a fox", provider="api")).json["code"] == "API_KEY_REQUIRED"
    assert (await client.generate("a fox [[api_key]]", provider="api")).json["provider"] == "api"
    await client.rules(*({"outcome": "api_key", "route": f"GET /api/{name}"} for name in ("providers", "billing")))
    providers = (await client.ask("GET", "/api/providers")).json
    assert (providers["apiKey"], providers["apiKeySource"]) == (True, "env")
    assert (await client.ask("GET", "/api/billing")).json["apiKeyValid"] is True


async def state(client: Client, outcome: str, path: str, **expected: Any) -> None:
    """Force a state on a status route and compare."""
    await client.rules({"outcome": outcome, "route": f"GET {path}$"})
    reply = await client.ask("GET", path)
    assert reply.status == 200
    assert {name: reply.json[name] for name in expected} == expected
    await client.rules()


async def auth_required(client: Client) -> None:
    """The account must sign in again."""
    await state(client, "auth_required", "/api/oauth/status", status="auth_required")
    await state(client, "auth_required", "/api/grok/status", status="offline", reason="login_required")


async def offline(client: Client) -> None:
    """The upstream cannot be reached; health says ok all the same (wire §2)."""
    await state(client, "offline", "/api/oauth/status", status="offline")
    await state(client, "offline", "/api/grok/status", status="offline")
    assert (await client.ask("GET", "/api/health")).json["ok"] is True


async def starting(client: Client) -> None:
    """The proxy is starting."""
    await state(client, "starting", "/api/oauth/status", status="starting")


async def failed(client: Client) -> None:
    """The proxy failed: offline, and told in the runtime (recorded: oauth_status_failed)."""
    await state(client, "failed", "/api/oauth/status", status="offline")
    await client.rules({"outcome": "failed", "route": "GET /api/providers"})
    assert (await client.ask("GET", "/api/providers")).json["runtime"]["oauth"]["status"] == "failed"
    await client.rules()


async def no_image_model(client: Client) -> None:
    """The account lists no model for pictures."""
    await state(client, "no_image_model", "/api/grok/status", status="no_image_model")


CHECKS: dict[str, Callable[[Client], Awaitable[None]]] = {
    check.__name__: check
    for check in (n2_one_fails, refs_dropped, quality_defaulted, phantom, lost, stale, upstream_json, partials, retry,
                  extra, norevised, searches, error_class, file, api_key, auth_required, offline, starting, failed,
                  no_image_model)
}  # fmt: skip
ON_NEW = {"error_class", "auth_required", "offline", "no_image_model"}


@pytest.mark.parametrize("name", CHECKS)
async def test_a_token_does_what_its_sentence_says(serve: Serve, name: str) -> None:
    """Each outcome of the documentation can be provoked."""
    async with serve("new" if name in ON_NEW else "head") as client:
        await CHECKS[name](client)


def test_every_token_is_exercised() -> None:
    """The checks here, the matrix and the codes cover all that is documented."""
    assert TOKENS.keys() == CHECKS.keys() | COMMON.keys() | CAUSES.keys() | CODES.keys()


def test_every_token_stands_in_the_documentation() -> None:
    """SANDBOX.md names each of them."""
    text = (Path(sandbox.__file__).parents[1] / "SANDBOX.md").read_text(encoding="utf-8")
    assert TOKENS.keys() <= set(re.findall(r"`(\w+)(?::[\w,]+)?`", text))


async def test_tokens_are_served_with_their_sentences(serve: Serve) -> None:
    """`GET /_sandbox/tokens` documents every token in one sentence."""
    async with serve() as client:
        served = (await client.ask("GET", "/_sandbox/tokens")).json
    assert served.keys() == {f"[[{name}]]" for name in TOKENS}
    assert all(len(sentence.split()) >= 4 for sentence in served.values())


async def test_a_rule_without_a_route_is_for_requests_with_a_prompt(serve: Serve) -> None:
    """A rule that forces an outcome once is not used up by a status route."""
    async with serve() as client:
        await client.rules({"outcome": "429", "times": 1})
        assert (await client.ask("GET", "/api/providers")).status == 200
        assert (await client.generate("a fox")).status == 429
        assert (await client.generate("a fox")).status == 200
