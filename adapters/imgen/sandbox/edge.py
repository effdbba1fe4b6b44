"""What stands between a client and imgen: the edge with its HTML pages, and the rude endings that are forced."""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from adapters.imgen.sandbox.outcome import refused
from adapters.kit.emulator import cut, cut_after, hang
from adapters.kit.scenario import Forced

Work = Callable[[], Awaitable[web.StreamResponse]]
MEGABYTE = 1024 * 1024
PAGES = {"too_large": 413, "edge_502": 502, "edge_503": 503, "edge_504": 504}
#: Answers that are given instead of doing any work, whatever the request says.
INSTEAD = ("rate_limited", "unauthorized", "invalid_key", "disabled_key", "missing_action")


def page(status: int) -> web.Response:
    """Return an HTML page as a proxy writes it."""
    try:
        title = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        title = str(status)
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(status=status, text=body, content_type="text/html")


async def answered(request: web.Request, forced: Mapping[str, Forced], work: Work) -> web.StreamResponse:
    """Do the work and answer, unless something comes before the one, or in place of the other."""
    early = _before(request, forced)
    if early is not None:
        return early
    return await _spoiled(request, forced, await work())


def _before(request: web.Request, forced: Mapping[str, Forced]) -> web.StreamResponse | None:
    if "cut_early" in forced:
        return cut(request)
    if "html" in forced:
        return page(int(forced["html"].number(502)))
    for name in ("too_large", "edge_502", "edge_503"):
        if name in forced:
            return page(PAGES[name])
    return next((refused(name) for name in INSTEAD if name in forced), None)


async def _spoiled(
    request: web.Request, forced: Mapping[str, Forced], answer: web.StreamResponse
) -> web.StreamResponse:
    if "hang" in forced:
        await hang(forced["hang"].number(30))
        return cut(request)
    if "cut" in forced:
        return cut(request)
    if "edge_504" in forced:
        return page(PAGES["edge_504"])
    if "generation_failed_started" in forced:
        return refused("generation_failed")
    if "garbage" in forced:
        return web.Response(text="upstream said: [object Object]", content_type="application/json")
    if isinstance(answer, web.Response) and "huge" in forced:
        # Spaces behind JSON leave it JSON, and bytes behind a picture leave it a picture: only the size is wrong.
        answer.body = _bytes(answer).ljust(int(forced["huge"].number(100) * MEGABYTE))
    if isinstance(answer, web.Response) and "cut_body" in forced:
        return await cut_after(request, answer)
    return answer


def _bytes(answer: web.Response) -> bytes:
    return bytes(answer.body) if isinstance(answer.body, bytes | bytearray) else b""
