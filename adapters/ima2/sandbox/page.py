"""The answers of Express and of its default error handler: JSON with a weak ETag, HTML pages without one (wire §1)."""

import hashlib
from base64 import b64encode
from html import escape
from typing import Any

import msgspec
from aiohttp import web

HTML = "text/html; charset=utf-8"
#: finalhandler sends these with every error page.
_ERROR_HEADERS = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Content-Type": HTML,
}
_PAGE = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n<body>\n'
    "<pre>{}</pre>\n</body>\n</html>\n"
)
_ROUTER = (
    "Layer.handleRequest (/srv/app/node_modules/router/lib/layer.js:152:17)",
    "trimPrefix (/srv/app/node_modules/router/index.js:342:13)",
    "/srv/app/node_modules/router/index.js:297:9",
    "processParams (/srv/app/node_modules/router/index.js:582:12)",
    "next (/srv/app/node_modules/router/index.js:291:5)",
    "requestLogger (file:///srv/app/lib/requestLogger.js:40:9)",
    "Layer.handleRequest (/srv/app/node_modules/router/lib/layer.js:152:17)",
    "trimPrefix (/srv/app/node_modules/router/index.js:342:13)",
)
_READ = ("read (/srv/app/node_modules/body-parser/lib/read.js:{}:12)",)
_PARSER = ("jsonParser (/srv/app/node_modules/body-parser/lib/types/json.js:88:5)", *_ROUTER)
_DECODE = (
    "decodeURIComponent (<anonymous>)",
    "decodeParam (/srv/app/node_modules/router/lib/layer.js:225:12)",
    "Array.match (/srv/app/node_modules/path-to-regexp/dist/index.js:244:32)",
    "Layer.match (/srv/app/node_modules/router/lib/layer.js:192:31)",
    "matchLayer (/srv/app/node_modules/router/index.js:519:18)",
    "next (/srv/app/node_modules/router/index.js:237:15)",
    "serveStatic (/srv/app/node_modules/serve-static/index.js:74:16)",
    "Layer.handleRequest (/srv/app/node_modules/router/lib/layer.js:152:17)",
    "trimPrefix (/srv/app/node_modules/router/index.js:342:13)",
    "/srv/app/node_modules/router/index.js:297:9",
)


def etag(body: bytes) -> str:
    """Return the weak ETag that Express makes of a body: its length and the begin of its SHA-1."""
    digest = b64encode(hashlib.sha1(body, usedforsecurity=False).digest())[:27].decode()
    return f'W/"{len(body):x}-{digest}"'


def json_answer(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Return what `res.json` sends."""
    data = msgspec.json.encode(body)
    fields = {"Content-Type": "application/json; charset=utf-8", "ETag": etag(data), **(headers or {})}
    return web.Response(body=data, status=status, headers=fields)


def error_page(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return an error page; a text of several lines is a stack trace, which a development server shows."""
    shown = escape(text, quote=False).replace('"', "&quot;").replace("'", "&#39;")
    shown = shown.replace("\n", "<br>").replace("  ", " &nbsp;")
    return web.Response(body=_PAGE.format(shown).encode(), status=status, headers={**_ERROR_HEADERS, **(headers or {})})


def not_found(method: str, path: str) -> web.Response:
    """Return the page for an unknown path or a method that a path has not: there is no 405 (wire §1)."""
    return error_page(404, f"Cannot {method} {path}")


def unsupported_charset(charset: str) -> web.Response:
    """Return the page for a charset that the body parser does not know (recorded: bad_charset)."""
    return error_page(415, _trace(f'UnsupportedMediaTypeError: unsupported charset "{charset.upper()}"', 73))


def too_large() -> web.Response:
    """Return the page for a body over the limit."""
    return error_page(413, _trace("PayloadTooLargeError: request entity too large", 100))


def malformed(complaint: str) -> web.Response:
    """Return the page for a body that is no JSON object or list; production servers only say `Bad Request`."""
    return error_page(400, _trace(f"SyntaxError: {complaint}", 100))


def undecodable(segment: str) -> web.Response:
    """Return the page for a bad %-escape in a path (recorded: history_delete_badpct)."""
    lines = [f"URIError: Failed to decode param '{segment}'", *(f"    at {place}" for place in _DECODE)]
    return error_page(400, "\n".join(lines))


def proxy_page(status: int) -> web.Response:
    """Return the page of a proxy that stands in front of the server: none of Express's manners."""
    phrase = {
        400: "Bad Request",
        403: "Forbidden",
        413: "Request Entity Too Large",
        429: "Too Many Requests",
        500: "Internal Server Error",
        502: "Bad Gateway",
        503: "Service Temporarily Unavailable",
        504: "Gateway Time-out",
    }.get(status, "Error")
    title = f"{status} {phrase}"
    body = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(body=body.encode(), status=status, headers={"Content-Type": "text/html", "Server": "nginx"})


def _trace(headline: str, line: int) -> str:
    places = (_READ[0].format(line), *_PARSER)
    return "\n".join([headline, *(f"    at {place}" for place in places)])
