"""What Express does around every handler: headers, parsers, ETags, pages of HTML, and 404 for what it does not know.

The order matters and is the real one: parsers, then forced endings, then the route with its key check (wire §2, §3).
"""

import base64
import html
from hashlib import sha1
from http import HTTPStatus

from aiohttp import web

from adapters.kit.emulator import Handler, cut, json_response
from adapters.sdcpp.sandbox import tokens
from adapters.sdcpp.sandbox.auth import SETTINGS, check, demanded_key
from adapters.sdcpp.sandbox.body import BODY, parsed
from adapters.sdcpp.sandbox.fault import CrashError, ForcedError, HandlerError, PageError, RefusalError
from adapters.sdcpp.sandbox.life import Life
from adapters.sdcpp.sandbox.outcome import FORCED, MARK, entering, leaving
from adapters.sdcpp.sandbox.studio import Studio

HTML_HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Content-Type": "text/html; charset=utf-8",
}
NO_FRONTEND = "Error: ENOENT: no such file or directory, stat '/srv/app/frontend/dist/index.html'"
METHODS = "GET,HEAD,PUT,PATCH,POST,DELETE"
#: Routes whose handlers ask for forced outcomes themselves, because they know a prompt.
SUBMITS = frozenset(
    (
        *(f"/api/queue/{kind}" for kind in ("generate", "edit", "variation", "upscale")),
        *(f"/api/{kind}" for kind in ("generate", "edit", "variation")),
        *(f"/api/v1/images/{kind}" for kind in ("generations", "edits", "variations")),
        "/sdapi/v1/txt2img",
    )
)


class Express:
    """The middleware around all routes but the sandbox's own."""

    def __init__(self, studio: Studio, life: Life) -> None:
        """Take the server."""
        self._studio = studio
        self._life = life

    @web.middleware
    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve one request."""
        if request.path.startswith("/_sandbox"):
            return await handler(request)
        if self._life.is_down:
            return cut(request)
        with self._life.during(request):
            try:
                return await leaving(request, await self._answer(request, handler))
            except CrashError:
                self._life.crash()
                return cut(request)

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "OPTIONS":
            return web.Response(status=204, headers={"Access-Control-Allow-Methods": METHODS})
        if request.headers.get("Upgrade", "").lower() == "websocket" and request.path != "/ws":
            return cut(request)
        request[SETTINGS] = self._studio.emulator.forced(request, "", among=tokens.SETTINGS)
        try:
            request[BODY] = await parsed(request, empty_body=self._studio.profile.empty_body)
            self._log(request)
            if not (request.method == "POST" and request.path in SUBMITS):
                await entering(self._studio, request)
            response = await handler(request)
        except ForcedError as error:
            return error.response
        except RefusalError as error:
            response = json_response(error.body(), status=error.status)
        except HandlerError as error:
            response = json_response({"error": error.text}, status=500)
        except PageError as error:
            return self._page(request, error)
        except web.HTTPException:
            return self._unknown(request)
        return _tagged(request, response)

    def _log(self, request: web.Request) -> None:
        path = request.path
        quiet = path.startswith("/api/images/") or path == "/api/health" or path.endswith("/image")
        if path.startswith(("/api", "/sdapi")) and not quiet:
            self._studio.logbook.http(request, request[BODY])

    def _page(self, request: web.Request, error: PageError) -> web.Response:
        forced = request[SETTINGS].keys() | request.get(FORCED, {}).keys()
        if self._studio.production or error.production or "production" in forced:
            # Node's older name for 413.
            text = "Payload Too Large" if error.status == 413 else HTTPStatus(error.status).phrase
        else:
            text = "\n".join((error.error, *(f"    {line}" for line in error.stack)))
        return html_page(error.status, text)

    def _unknown(self, request: web.Request) -> web.StreamResponse:
        if request.path.startswith(("/api", "/sdapi", "/ws")):
            return _tagged(request, json_response({"error": "Not found"}, status=404))
        if request.path.startswith("/static"):
            return _tagged(request, json_response({"error": "File not found"}, status=404))
        return self._page(request, PageError(404, NO_FRONTEND))

    def guarded(self, handler: Handler) -> Handler:
        """Return a handler that asks for the key first, if one is demanded."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            check(request, demanded_key(request, self._studio.api_key))
            return await handler(request)

        return guarded


def html_page(status: int, text: str) -> web.Response:
    """Return Express's error page, its spaces and escapes included."""
    shown = html.escape(text).replace("&#x27;", "&#39;").replace("\n", "<br>").replace("  ", " &nbsp;")
    page = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n'
        f"<body>\n<pre>{shown}</pre>\n</body>\n</html>\n"
    )
    return web.Response(status=status, body=page.encode(), headers=HTML_HEADERS)


def _tagged(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Give JSON the weak ETag that Express gives it, and a client that has it already a 304."""
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes) or "ETag" in response.headers:
        return response
    digest = base64.b64encode(sha1(response.body, usedforsecurity=False).digest())[:27].decode()
    tag = f'W/"{len(response.body):x}-{digest}"'
    if response.status < 300 and is_known(request, tag):
        return web.Response(status=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return response


def is_known(request: web.Request, tag: str) -> bool:
    """Say whether a reading client already has what the tag stands for."""
    known = [each.strip().removeprefix("W/") for each in request.headers.get("If-None-Match", "").split(",")]
    return request.method in ("GET", "HEAD") and (tag.removeprefix("W/") in known or "*" in known)


async def dress(request: web.Request, response: web.StreamResponse) -> None:
    """Put on the headers that every answer of the server wears; a proxy's page wears its own."""
    if request.path.startswith("/_sandbox") or response.headers.get("Server") == MARK:
        return
    response.headers.popall("Server", None)
    if isinstance(response, web.WebSocketResponse):
        return
    response.headers["X-Powered-By"] = "Express"
    response.headers["Access-Control-Allow-Origin"] = "*"
    if response.keep_alive:
        response.headers["Connection"] = "keep-alive"
        response.headers["Keep-Alive"] = "timeout=5"
