"""A stored file as a face serves it: whole, one range of it, or 304."""

import re
from collections.abc import AsyncGenerator
from datetime import UTC
from email.utils import format_datetime

from msgspec import Struct

from contracts.catalog import CatalogError
from contracts.desk import Assets, Content
from contracts.face import Headers

CHUNK = 256 * 1024
YEAR_S = 365 * 24 * 3600
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


class Served(Struct, frozen=True):
    """Status, headers, and which bytes follow."""

    status: int
    headers: dict[str, str]
    start: int = 0
    end: int = 0


def served(content: Content, headers: Headers) -> Served:
    """Return how a file is answered; raise 416 for a range that is outside of it."""
    etag = f'"{content.sha256}"'
    fixed = {
        "ETag": etag,
        "Last-Modified": format_datetime(content.created_at.astimezone(UTC), usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={YEAR_S}, immutable",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    known = headers.get("if-none-match")
    if known is not None and (known.strip() == "*" or etag in known):
        return Served(304, fixed)
    fixed |= {"Content-Type": content.media_type}
    wanted = _range(headers, content.length, etag)
    start, end = wanted or (0, content.length)
    fixed["Content-Length"] = str(end - start)
    if wanted is None:
        return Served(200, fixed, start, end)
    fixed["Content-Range"] = f"bytes {start}-{end - 1}/{content.length}"
    return Served(206, fixed, start, end)


def _range(headers: Headers, length: int, etag: str) -> tuple[int, int] | None:
    """Return the one range that is asked for; several, and what cannot be read, are the whole file."""
    found = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if found is None or found.groups() == ("", "") or headers.get("if-range", etag).strip() != etag:
        return None
    first, last = found.groups()
    start = int(first) if first else max(length - int(last), 0)
    end = min(int(last) + 1, length) if first and last else length
    if first and last and int(last) < start:
        return None
    if start >= length or (not first and int(last) == 0):
        raise CatalogError("request.malformed", f"The file has {length} bytes.", status=416, limit=length)
    return start, end


async def pieces(assets: Assets, content: Content, how: Served) -> AsyncGenerator[bytes]:
    """Yield the bytes, each piece read on a thread."""
    at = how.start
    while at < how.end:
        piece = await assets.read(content.path, at, min(CHUNK, how.end - at))
        if not piece:
            return
        at += len(piece)
        yield piece
