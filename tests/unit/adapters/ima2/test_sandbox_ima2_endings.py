"""Rude endings and spoiled pictures: the tokens that mean the same in every sandbox."""

import io
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from PIL import Image

from contracts.sniff import sniff
from tests.unit.adapters.ima2.native import Client, Serve


def size(data: bytes) -> tuple[int, int]:
    """Return the size of a picture."""
    return Image.open(io.BytesIO(data)).size


async def stored(client: Client, request_id: str) -> bytes:
    """Return the stored file of a request, as soon as it is there."""

    async def row() -> Any:
        rows = (await client.history())["items"]
        return next((row for row in rows if row["requestId"] == request_id), None)

    return (await client.ask("GET", (await client.until(row))["url"])).body


async def slow(client: Client) -> None:
    """The work takes so many seconds, divided by the speed (200)."""
    began = time.monotonic()
    await client.generate("a fox [[slow:100]]")
    assert 0.5 <= time.monotonic() - began < 3


async def hang(client: Client) -> None:
    """Nothing comes, then the end; the picture is made."""
    began = time.monotonic()
    with pytest.raises(aiohttp.ClientError):
        await client.generate("a fox [[hang:0.3]]", requestId="h")
    assert time.monotonic() - began >= 0.3
    assert await stored(client, "h")


async def cut(client: Client) -> None:
    """The connection ends at once, the work goes on, in JSON and in frames."""
    with pytest.raises(aiohttp.ClientError):
        await client.generate("a fox [[cut]] [[slow:20]]", requestId="c")
    assert [job["requestId"] for job in (await client.inflight())["jobs"]] == ["c"]
    with pytest.raises(aiohttp.ClientError):
        await client.node("a fox [[cut]]", sse=True, requestId="c2")
    assert await stored(client, "c")
    assert await stored(client, "c2")


async def cut_early(client: Client) -> None:
    """Nothing was accepted: no row, no end, no call."""
    with pytest.raises(aiohttp.ClientError):
        await client.generate("a fox [[cut_early]]")
    assert await client.inflight() == {"jobs": [], "terminalJobs": []}
    assert await client.upstream() == []


async def cut_body(client: Client) -> None:
    """Half of the answer comes; a stream's last frame is torn."""
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.generate("a fox [[cut_body]]", requestId="b")
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.node("a fox [[cut_body]]", sse=True)
    assert await stored(client, "b")


async def html(client: Client) -> None:
    """A proxy's page, with none of Express's headers, and nothing started."""
    reply = await client.generate("a fox [[html:504]]")
    assert (reply.status, reply.headers["Content-Type"], reply.headers.get("X-Powered-By")) == (504, "text/html", None)
    assert (await client.generate("a fox [[html]]")).status == 502
    assert await client.upstream() == []


async def garbage(client: Client) -> None:
    """200, and no JSON; the picture was made."""
    reply = await client.generate("a fox [[garbage]]", requestId="g")
    with pytest.raises(ValueError, match="Expecting value"):
        _ = reply.json
    assert reply.status == 200
    framed = await client.multimode("a fox [[garbage]]")
    assert framed.body.count(b"event: done") == 1
    with pytest.raises(ValueError, match="Expecting value"):
        _ = framed.frames
    assert await stored(client, "g")


async def huge(client: Client) -> None:
    """A true answer, padded to its size."""
    reply = await client.generate("a fox [[huge:2]]")
    assert len(reply.body) >= 2 * 1024 * 1024
    assert reply.json["image"].startswith("data:")


async def fewer(client: Client) -> None:
    """One picture is missing, and only the number tells."""
    body = (await client.generate("a fox [[fewer]]", n=3)).json
    assert (body["count"], len(body["images"]), "error" in body) == (2, 2, False)
    done = (await client.multimode("a fox [[fewer:2]]", maxImages=3)).frames[-1][1]
    assert (done["requested"], done["returned"], done["status"]) == (3, 1, "partial")
    assert (await client.generate("a fox [[fewer]]")).json["code"] == "EMPTY_RESPONSE"


async def none(client: Client) -> None:
    """No picture, in the words of each route."""
    assert (await client.generate("a fox [[none]]")).json["code"] == "EMPTY_RESPONSE"
    assert (await client.node("a fox [[none]]")).status == 422
    assert (await client.multimode("a fox [[none]]")).frames[-1][1]["status"] == "empty"


async def wrong_size(client: Client) -> None:
    """Inline and stored pictures have another size."""
    assert size((await client.generate("a fox [[wrong_size]]", size="64x32")).picture) == (32, 16)
    await client.generate("a fox [[wrong_size:48x40]]", requestId="w")
    assert size(await stored(client, "w")) == (48, 40)


async def wrong_format(client: Client) -> None:
    """Inline and stored bytes are of another format, whatever the names say."""
    reply = await client.generate("a fox [[wrong_format]]", requestId="w")
    media = sniff(reply.picture)
    assert media is not None
    assert media.format == "webp"
    assert await stored(client, "w") == reply.picture
    gif = await client.generate("a fox [[wrong_format:gif]]")
    assert Image.open(io.BytesIO(gif.picture)).format == "GIF"


async def not_an_image(client: Client) -> None:
    """Junk, inline and stored."""
    reply = await client.generate("a fox [[not_an_image]]", requestId="w")
    assert sniff(reply.picture) is None
    assert await stored(client, "w") == reply.picture


async def truncated(client: Client) -> None:
    """The begin of a picture, inline and stored."""
    reply = await client.generate("a fox [[truncated]]", requestId="w")
    media = sniff(reply.picture)
    assert media is not None
    assert not media.complete
    assert await stored(client, "w") == reply.picture


CHECKS: dict[str, Callable[[Client], Awaitable[None]]] = {
    check.__name__: check
    for check in (slow, hang, cut, cut_early, cut_body, html, garbage, huge, fewer, none, wrong_size, wrong_format,
                  not_an_image, truncated)
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
async def test_a_token_does_what_its_sentence_says(serve: Serve, name: str) -> None:
    """Each common outcome can be provoked."""
    async with serve() as client:
        await CHECKS[name](client)


async def test_rules_cut_and_spoil_routes_without_a_prompt(serve: Serve) -> None:
    """Status, list and download routes can be cut, torn and replaced by rules."""
    async with serve() as client:
        await client.rules(
            {"outcome": "html", "argument": "503", "route": "GET /api/health"},
            {"outcome": "garbage", "route": "GET /api/inflight"},
            {"outcome": "cut", "route": "GET /api/providers"},
            {"outcome": "cut_body", "route": "GET /api/history"},
            {"outcome": "slow", "argument": "3", "route": "GET /api/oauth/status"},
        )
        assert (await client.ask("GET", "/api/health")).status == 503
        assert (await client.ask("GET", "/api/inflight")).body[:1] != b"{"
        for path in ("/api/providers", "/api/history"):
            with pytest.raises(aiohttp.ClientError):
                await client.ask("GET", path)
        assert (await client.ask("GET", "/api/oauth/status")).json["status"] == "offline"
