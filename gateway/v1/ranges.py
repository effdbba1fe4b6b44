"""One byte range (RFC 9110 §14): honoured, ignored where the RFC says so, or refused with 416."""

import re

from msgspec import Struct

from contracts.catalog import CatalogError
from gateway.v1.answer import AnyRequest

_RANGE = re.compile(r"^bytes=(\d{0,18})-(\d{0,18})$")


class Range(Struct, frozen=True):
    """From `start` up to, not including, `end`."""

    start: int
    end: int


def requested_range(request: AnyRequest, length: int, etag: str) -> Range | None:
    """Return the range to serve; None for the whole file. Several ranges, and other units, are ignored."""
    header = request.headers.get("range")
    if header is None:
        return None
    condition = request.headers.get("if-range")
    if condition is not None and condition.strip() != etag:
        return None
    match = _RANGE.match(header.replace(" ", ""))
    if match is None:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        start, end = max(length - int(last), 0), length
        satisfiable = int(last) > 0
    else:
        start = int(first)
        end = min(int(last) + 1, length) if last else length
        if last and int(last) < start:
            return None
        satisfiable = start < length
    if not satisfiable:
        raise CatalogError("request.malformed", f"The file has {length} bytes.", status=416, limit=length)
    return Range(start, end)
