"""A backend's WebSocket as the texts that it says: one connection, nothing repeated, and any end of it is the end.

Refused: redirects, cookies, proxies. Whoever listens is told of nothing that was said before or in between.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence

import aiohttp

from contracts.catalog import CatalogError

#: Our own pings: a peer that answers none of them is gone.
HEARTBEAT_S = 20.0


async def spoken(
    url: str, *, backend: str, opening: Sequence[str], headers: Mapping[str, str], connect_s: float
) -> AsyncGenerator[str, None]:
    """Connect, say what opens the conversation, and yield each text as it comes.

    Raises `backend.bad_response` where there is no socket, and `backend.unavailable` where nobody answers or the line
    breaks.
    """
    trace = aiohttp.TraceConfig()
    trace.on_request_redirect.append(_refused)
    sent = {"User-Agent": "triptych", **headers}
    async with aiohttp.ClientSession(
        headers=sent, trust_env=False, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[trace]
    ) as session:
        try:
            async with asyncio.timeout(connect_s):
                socket = await session.ws_connect(url, heartbeat=HEARTBEAT_S)
        except aiohttp.WSServerHandshakeError:
            raise CatalogError(
                "backend.bad_response", "The backend has no socket there.", outcome="not_started", backend=backend
            ) from None
        except (aiohttp.ClientError, OSError):
            raise _broken(backend) from None
        async with socket:
            try:
                for text in opening:
                    await socket.send_str(text)
                async for message in socket:
                    if message.type is aiohttp.WSMsgType.TEXT:
                        yield message.data
            except (aiohttp.ClientError, OSError):
                raise _broken(backend) from None


async def _refused(*_what: object) -> None:
    raise aiohttp.ClientError("A redirect is not followed.")


def _broken(backend: str) -> CatalogError:
    return CatalogError("backend.unavailable", "The backend's socket broke.", outcome="unknown", backend=backend)
