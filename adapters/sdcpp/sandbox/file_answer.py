"""Answers with a file as Express's `sendFile` does: weak ETag from size and time, ranges, conditional requests."""

import re
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

from aiohttp import web

from adapters.sdcpp.sandbox.express import is_known

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def file_answer(request: web.Request, path: Path, *, cache_control: str) -> web.Response:
    """Return the file as `image/png`, whatever it is; raise `FileNotFoundError` where it is gone (wire §7.5)."""
    if not path.is_file():
        raise FileNotFoundError(path.name)
    written = path.stat().st_mtime
    data = path.read_bytes()
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": cache_control,
        "Last-Modified": formatdate(written, usegmt=True),
        "ETag": f'W/"{len(data):x}-{int(written * 1000):x}"',
    }
    if is_known(request, headers["ETag"]) or _is_unmodified(request, written):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = "image/png"
    found = _RANGE.fullmatch(request.headers.get("Range", ""))
    if found is None or found.group() == "bytes=-":
        return web.Response(body=data, headers=headers)
    begin, end = _span(found.group(1), found.group(2), len(data))
    if begin >= len(data) or begin >= end:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{len(data)}"})
    span = {"Content-Range": f"bytes {begin}-{end - 1}/{len(data)}"}
    return web.Response(status=206, body=data[begin:end], headers={**headers, **span})


def _span(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(size - int(last), 0), size
    return int(first), min(int(last) + 1, size) if last else size


def _is_unmodified(request: web.Request, written: float) -> bool:
    since = request.headers.get("If-Modified-Since")
    if since is None or "If-None-Match" in request.headers or request.method not in ("GET", "HEAD"):
        return False
    try:
        return int(written) <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        return False
