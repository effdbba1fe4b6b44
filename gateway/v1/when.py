"""Times at the door: RFC 3339 in, UTC seconds inside."""

from datetime import datetime

import msgspec

from contracts.catalog import Fault
from contracts.decode import invalid


def to_seconds(text: str | None, pointer: str) -> float | None:
    """Return UTC seconds; raise `request.field_invalid` when the text is no RFC 3339 time with an offset."""
    if text is None:
        return None
    try:
        # A `+` in a query that was not encoded arrives as a space.
        moment = msgspec.convert(text.replace(" ", "+"), datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise invalid((Fault(pointer=pointer, reason="format", detail="must be an RFC 3339 time with an offset"),))
    return moment.timestamp()
