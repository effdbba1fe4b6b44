"""Rude endings of a request: broken connections, a proxy's page, answers without sense (see `tokens`).

At a submit they are forced by the prompt or by a rule. On later routes, which have no prompt, a rule forces them, or a
token that was given with the job: `poll.NAME` on the routes that show or cancel it, `image.NAME` on its pictures.
"""

from aiohttp import web

from adapters.kit.emulator import cut, cut_after, hang
from adapters.kit.scenario import Forced, without_tokens
from adapters.sdcpp.sandbox.auth import DEFAULT_KEY, check
from adapters.sdcpp.sandbox.fault import ForcedError
from adapters.sdcpp.sandbox.refusal import REFUSALS
from adapters.sdcpp.sandbox.studio import Studio
from adapters.sdcpp.sandbox.tokens import ENDINGS, SETTINGS, TOKENS

#: What is forced for a request.
FORCED: web.RequestKey[dict[str, Forced]] = web.RequestKey("forced", dict)
#: Refusals that belong to another moment than the submit.
LATER = ("cannot_cancel", "generation_timeout")
#: What rules can force at a submit, and on routes without a prompt; nothing else uses up a rule there.
AT_SUBMIT = frozenset(TOKENS) - set(SETTINGS)
ANYWHERE = frozenset((*ENDINGS, *REFUSALS))
LISTS = frozenset(("/api/queue", "/api/generations"))
HANG_S = 60.0
SLOW_LIST_S = 5.0
HUGE_MB = 64.0
MARK = "nginx"


def submitting(studio: Studio, request: web.Request, prompt: object) -> dict[str, Forced]:
    """Return what is forced for a submit, before anything is accepted; raise what ends it already here."""
    forced = studio.emulator.forced(request, prompt if isinstance(prompt, str) else "", among=AT_SUBMIT)
    request[FORCED] = forced
    if "auth" in forced:
        check(request, forced["auth"].argument or DEFAULT_KEY)
    _end_early(request, forced)
    for name in forced:
        if name in REFUSALS and name not in LATER:
            raise REFUSALS[name].fault()
    return forced


async def entering(studio: Studio, request: web.Request) -> None:
    """Take what is forced on a route without a prompt; raise what ends the request before its handler."""
    job_id, kind = _job_of(studio, request)
    entry = studio.table.get(job_id) if job_id else None
    prompt = without_tokens(str(entry.row["prompt"] or "")) if entry else ""
    among = ANYWHERE | {"slow_list"} if request.path in LISTS else ANYWHERE
    forced = studio.emulator.forced(request, prompt, among=among)
    for name, each in (entry.forced if entry else {}).items():
        if name.startswith(f"{kind}."):
            forced.setdefault(name.partition(".")[2], each)
    request[FORCED] = forced
    _end_early(request, forced)
    for name in forced:
        if name in REFUSALS:
            raise REFUSALS[name].fault()
    await _read_list_slowly(studio, request, forced)


def _job_of(studio: Studio, request: web.Request) -> tuple[str, str]:
    """Return the job that a request is about, and whether it shows the job or its picture."""
    found = request.match_info
    if "image" in found:
        image = studio.table.image(found["image"].removesuffix(".png"))
        return (image["generation_id"] if image else ""), "image"
    return found.get("job", ""), "image" if request.path.endswith("/image") else "poll"


async def _read_list_slowly(studio: Studio, request: web.Request, forced: dict[str, Forced]) -> None:
    if request.path not in LISTS or request.method not in ("GET", "HEAD"):
        return
    asked = [each for entry in studio.table.listed() if (each := entry.forced.get("slow_list"))]
    asked += [forced["slow_list"]] if "slow_list" in forced else []
    if asked:
        await studio.emulator.pause(max(each.number(SLOW_LIST_S) for each in asked))


def _end_early(request: web.Request, forced: dict[str, Forced]) -> None:
    if "cut_early" in forced:
        raise ForcedError(cut(request))
    if "html" in forced:
        raise ForcedError(proxy_page(int(forced["html"].number(502))))


def is_cut(forced: dict[str, Forced]) -> bool:
    """Say whether the client will get no answer, so that nobody need wait for one."""
    return "cut" in forced or "hang" in forced


async def leaving(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """End a request that was served: with its answer, or with what is forced instead."""
    forced = request.get(FORCED) or {}
    if "hang" in forced:
        await hang(forced["hang"].number(HANG_S))
        return cut(request)
    if "cut" in forced:
        return cut(request)
    if not isinstance(response, web.Response):
        return response
    if "cut_body" in forced:
        return await cut_after(request, response)
    if "garbage" in forced:
        return web.Response(body=b"this is not json", headers={"Content-Type": "application/json; charset=utf-8"})
    if "huge" in forced:
        response.body = _padded(response, int(forced["huge"].number(HUGE_MB) * 1024 * 1024))
    return response


def _padded(response: web.Response, size: int) -> bytes:
    """Make an answer long: JSON stays JSON, a picture gets a tail."""
    body = bytes(response.body) if isinstance(response.body, bytes | bytearray) else b""
    filler = b" " if body[:1] in (b"{", b"[") else b"\0"
    return body + filler * max(size - len(body), 0)


def proxy_page(status: int) -> web.Response:
    """Return the page of a proxy that stands in front."""
    reason = {502: "Bad Gateway", 503: "Service Temporarily Unavailable", 504: "Gateway Time-out"}.get(status, "Error")
    line = f"{status} {reason}"
    text = (
        f"<html>\r\n<head><title>{line}</title></head>\r\n<body>\r\n<center><h1>{line}</h1></center>\r\n"
        f"<hr><center>{MARK}</center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(status=status, body=text.encode(), headers={"Content-Type": "text/html", "Server": MARK})
