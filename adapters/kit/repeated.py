"""`Idempotency-Key`, which every face honours: a request that is sent twice under one makes one job.

The key is the client's own; it counts within its team and route. What a replay looks like is the dialect's affair, but
for one header that says that it is one.
"""

import re

from contracts.catalog import CatalogError, Fault
from contracts.desk import Created
from contracts.face import Call

HEADER = "idempotency-key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[!-~]{1,255}")


def is_key(value: object) -> bool:
    """Say whether it is 1 to 255 visible ASCII characters."""
    return isinstance(value, str) and _KEY.fullmatch(value) is not None


def key_of(call: Call) -> str | None:
    """Return the key of a request; raise `request.field_invalid` when it is none."""
    key = call.headers.get(HEADER)
    if key is not None and not is_key(key):
        fault = Fault(
            pointer="/headers/Idempotency-Key", reason="format", detail="must be 1 to 255 visible ASCII characters"
        )
        raise CatalogError("request.field_invalid", f"Idempotency-Key {fault.detail}.", errors=(fault,))
    return key


def replayed(created: Created) -> dict[str, str]:
    """Return the header of an answer that an earlier request's job gives."""
    return {REPLAYED: "true"} if created.replayed else {}
