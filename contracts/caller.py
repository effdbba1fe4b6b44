"""Who asks: a key of a team, and what it may do."""

from typing import Protocol

from msgspec import Struct

Scope = str
SCOPES: tuple[Scope, ...] = (
    "jobs:write",
    "jobs:read",
    "assets:read",
    "assets:write",
    "policy:review",
    "ops:read",
    "admin",
)


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks: a key of a team, or anybody on this machine in open mode."""

    team: str
    key_id: str | None
    scopes: frozenset[Scope]
    backends: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()

    def may(self, scope: Scope) -> bool:
        """Say whether a scope is held; `admin` holds them all."""
        return scope in self.scopes or "admin" in self.scopes


class Access(Protocol):
    """Who is who."""

    async def caller(self, token: str | None, host: str | None, origin: str | None = None) -> Caller:
        """Return who a token belongs to; raise `auth.unauthenticated`."""

    async def guest(self, team: str, host: str | None, origin: str | None, *, everywhere: bool) -> Caller:
        """Return whom a listener lets in without a key, in a team's name; `everywhere`: under any host name."""

    async def signed(self, asset_id: str, expires: str, signature: str, variant: str) -> Caller:
        """Return the caller that a signed URL stands for."""
