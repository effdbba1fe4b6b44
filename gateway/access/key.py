"""Keys: shown once, kept as a hash. A key is 256 random bits, so a plain digest is enough to keep it by."""

import hashlib
import secrets

from contracts.desk import SCOPES
from gateway.clock import new_id
from gateway.store.record import KeyRecord

PREFIX = "trp_"
#: What a key may do when nothing else is said: work, and see its own team's work.
DEFAULT_SCOPES = ("jobs:write", "jobs:read", "assets:read", "assets:write")


def digest(token: str) -> str:
    """Return what a token is kept as."""
    return hashlib.sha256(token.encode()).hexdigest()


def make(
    team: str,
    *,
    now: float,
    scopes: tuple[str, ...] = DEFAULT_SCOPES,
    name: str | None = None,
    allow: dict[str, tuple[str, ...]] | None = None,
    expires_at: float | None = None,
) -> tuple[str, KeyRecord]:
    """Return a fresh token, to be shown once, and its row; raise ValueError for a scope that is none."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown:
        msg = f"no such scope: {', '.join(unknown)}; there are {', '.join(SCOPES)}"
        raise ValueError(msg)
    token = PREFIX + secrets.token_urlsafe(32)
    record = KeyRecord(
        id=new_id("key"),
        team=team,
        name=name,
        hash=digest(token),
        scopes=scopes,
        allow=allow,
        created_at=now,
        expires_at=expires_at,
    )
    return token, record
