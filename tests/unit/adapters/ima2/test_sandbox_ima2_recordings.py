"""The sandbox answers as the running servers were recorded to answer: status, headers, keys, types, constant values."""

import asyncio

import pytest

from tests.unit.adapters.ima2.native import Serve
from tests.unit.adapters.ima2.recorded import RECORDINGS, Recording

#: Their request needs something that was there before: they are replayed in their own tests.
_IN_ORDER = (
    "sessions_", "graph_", "style_", "history_", "inflight_", "file_", "node_file", "node_get_", "node_child_",
    "node_external_filename", "dup_", "restart_", "storage_status_ok", "health_a", "tag_history_", "advertise_server",
)  # fmt: skip
#: The cause is a setting of the recorded server that the sandbox has not (its limits, its mode), or a client that left.
_ELSEWHERE = {
    "body_too_large", "generate_refs_toolarge", "malformed_json_prod", "edit_notype_html", "node_client_disconnect",
    "multimode_client_disconnect",
}  # fmt: skip
#: The state of the recorded server, on routes without a prompt.
_STATES = {
    "oauth_status_auth_required": "auth_required", "oauth_status_failed": "failed", "oauth_status_starting": "starting",
    "oauth_status_offline_cut": "offline", "oauth_status_offline_refused": "offline",
    "oauth_status_offline_timeout": "slow", "providers_B": "api_key", "providers_oauth_failed": "failed",
    "health_oauth_starting": "starting", "billing_key": "api_key",
}  # fmt: skip
_ALONE = sorted(
    path.stem
    for path in RECORDINGS.glob("*.json")
    if not path.stem.startswith(_IN_ORDER) and path.stem not in _ELSEWHERE
)


@pytest.mark.parametrize("name", _ALONE)
async def test_a_recorded_exchange_ends_as_recorded(serve: Serve, name: str) -> None:
    """A request that needs nothing before it gets the recorded answer."""
    recording = Recording(name)
    method, path, how = recording.translated()
    async with serve(recording.profile, speed=400) as client:
        if name in _STATES:
            await client.rules({"outcome": _STATES[name], "route": f"{method} {path}$"})
        reply = await client.ask(method, path, **how)
    assert recording.differences(reply.status, reply.headers, reply.body) == []


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b'{"prompt": ', 400, "SyntaxError: Unexpected end of JSON input<br> &nbsp; &nbsp;at "),
        (b'"hi"', 400, "SyntaxError: Unexpected token '&quot;'"),
        (b"{oops}", 400, "SyntaxError: "),
    ],
)
async def test_a_body_that_is_no_json_object_gets_a_page(serve: Serve, body: bytes, status: int, says: str) -> None:
    """A development server answers HTML with a stack trace, on any path, and keeps the request id (wire §1)."""
    for path in ("/api/generate", "/api/nowhere"):
        async with serve(where=path[5:]) as client:
            reply = await client.ask("POST", path, data=body, headers={"Content-Type": "application/json"})
        assert (reply.status, reply.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert says.replace("'", "&#39;") in reply.body.decode()
        assert reply.headers["X-Request-Id"].startswith("req_")


async def test_a_body_over_the_limit_gets_a_page(serve: Serve) -> None:
    """More than 50 MB are refused by their announced length (wire §1)."""
    async with serve() as client:
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        head = (
            "POST /api/generate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 52428801\r\n"
        )
        writer.write(head.encode() + b"\r\n{")
        answer = await reader.readuntil(b"</html>\n")
        writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"content-type: text/html" in answer.lower()
