"""A server that answers with what was recorded, byte for byte, whatever it is asked."""

import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Response = Mapping[str, Any]


def content(response: Response) -> bytes:
    """Return the body of a recorded response."""
    if response.get("body_b64") is not None:
        return base64.b64decode(response["body_b64"])
    for key in ("json", "body"):
        if response.get(key) is not None:
            return json.dumps(response[key]).encode()
    return str(response.get("text") or response.get("body_text") or "").encode()


@asynccontextmanager
async def replaying(choose: Callable[[str, str], Response | None]) -> AsyncIterator[str]:
    """Serve the recorded response that `choose` returns for a method and a path; yield the address."""

    async def answer(request: web.Request) -> web.Response:
        response = choose(request.method, request.path)
        if response is None:
            return web.Response(
                status=404, text="<html><body><pre>Cannot</pre></body></html>", content_type="text/html"
            )
        headers = {"Content-Type": response["headers"].get("content-type", "application/octet-stream")}
        return web.Response(status=response["status"], body=content(response), headers=headers)

    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
