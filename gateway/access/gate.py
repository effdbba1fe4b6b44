"""The gate: who a token belongs to. Open mode exists only on loopback, and only while no key was ever made."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from contracts.catalog import CatalogError
from contracts.desk import SCOPES, Caller
from gateway.access.key import DEFAULT_SCOPES, digest
from gateway.access.signing import Signer
from gateway.clock import Clock
from gateway.settings import Settings
from gateway.store.query import asset, keys
from gateway.store.record import KeyRecord
from gateway.store.store import Store

#: Keys made or revoked by another process are known here within this time.
FRESH_S = 2.0
LOCAL_TEAM = "local"
LOCAL = Caller(team=LOCAL_TEAM, key_id=None, scopes=frozenset(SCOPES))
#: Who comes without a key through a listener that is bound to a team may do what a plain key may.
GUEST_SCOPES = frozenset(DEFAULT_SCOPES)


class Gate:
    """Keeps the keys in memory, and reads them again every other second."""

    def __init__(self, store: Store, settings: Settings, clock: Clock, signer: Signer) -> None:
        """Take where keys are kept."""
        self._store = store
        self._settings = settings
        self._clock = clock
        self._signer = signer
        self._by_hash: dict[str, KeyRecord] = {}
        self._callers: dict[str, Caller] = {}
        self._read_at = float("-inf")
        self._bound = {face.team for face in settings.faces.values() if face.team is not None}

    @property
    def is_open(self) -> bool:
        """Whether requests without a key are let in."""
        return self._settings.loopback and not self._by_hash

    async def refresh(self) -> None:
        """Read the keys."""
        self._take(await self._store.read(keys))

    def _take(self, records: list[KeyRecord]) -> None:
        self._by_hash = {record.hash: record for record in records}
        self._callers = {record.id: _caller(record) for record in records}
        self._read_at = self._clock.now()

    async def _freshen(self) -> None:
        if self._clock.now() - self._read_at > FRESH_S:
            await self.refresh()

    async def caller(self, token: str | None, host: str | None, origin: str | None = None) -> Caller:
        """Return who a token belongs to; raise `auth.unauthenticated` with the reason."""
        await self._freshen()
        if token is None:
            if self.is_open:
                self._check_neighbours(host, origin)
                return LOCAL
            raise _stranger("missing", "Send a key: Authorization: Bearer <key>.")
        hashed = digest(token)
        record = self._by_hash.get(hashed)
        if record is None:
            await self.refresh()
            record = self._by_hash.get(hashed)
        if record is None:
            raise _stranger("unknown", "This key is not known here.")
        return self._valid(record)

    async def still_valid(self, caller: Caller) -> bool:
        """Say whether a caller whose stream is open may go on listening; what is known of keys is read anew for it."""
        await self._freshen()
        if caller.key_id is None:
            is_guest = caller.scopes == GUEST_SCOPES and caller.team in self._bound
            return is_guest or (caller.team == LOCAL_TEAM and self.is_open)
        record = next((each for each in self._by_hash.values() if each.id == caller.key_id), None)
        return record is not None and record.revoked_at is None and not self._expired(record)

    def holder(self, key_id: str | None) -> Caller | None:
        """Return who a key that was good once belongs to: its jobs stay bound to what it may use."""
        return self._callers.get(key_id or "")

    async def guest(self, team: str, host: str | None, origin: str | None, *, everywhere: bool) -> Caller:
        """Return whom a listener lets in without a key; pages of other sites are kept out wherever it listens."""
        if not everywhere:
            self._check_neighbours(host, origin)
        elif origin is not None and urlsplit(origin).netloc != host:
            raise _stranger("origin", "Without keys this listener does not answer pages of other sites.")
        return Caller(team=team, key_id=None, scopes=GUEST_SCOPES)

    async def signed(self, asset_id: str, expires: str, signature: str, variant: str) -> Caller:
        """Return the caller that a signed URL stands for: its asset's team, allowed to read assets and no more.

        What a reviewer withholds is opened by nothing but a URL that was signed for it as such.
        """
        record = await self._store.read(lambda connection: asset(connection, asset_id))
        withheld = record is not None and record.withheld
        self._signer.check(asset_id, expires, signature, variant, now=self._clock.now(), withheld=withheld)
        if record is None:
            raise CatalogError("resource.not_found", "There is no such asset.")
        scopes = {"assets:read", "policy:review"} if withheld else {"assets:read"}
        return Caller(team=record.team, key_id=None, scopes=frozenset(scopes))

    def _valid(self, record: KeyRecord) -> Caller:
        if record.revoked_at is not None:
            raise _stranger("revoked", "This key was revoked.")
        if self._expired(record):
            raise _stranger("expired", "This key has expired.")
        return self._callers[record.id]

    def _expired(self, record: KeyRecord) -> bool:
        return record.expires_at is not None and record.expires_at <= self._clock.now()

    def _check_neighbours(self, host: str | None, origin: str | None) -> None:
        """Without keys, no page of another site may reach us: neither under a name of its own, nor from its origin."""
        if not _is_loopback(f"//{host or ''}"):
            raise _stranger("host", "Without keys the gateway answers only under a loopback name.")
        if origin is not None and not _is_loopback(origin):
            raise _stranger("origin", "Without keys the gateway does not answer pages of other sites.")


def _is_loopback(url: str) -> bool:
    """Say whether a URL names this machine; what only looks like one of its addresses is a name like any other."""
    try:
        name = urlsplit(url).hostname
        return name == "localhost" or (name is not None and ip_address(name).is_loopback)
    except ValueError:
        return False


def _caller(record: KeyRecord) -> Caller:
    allow = record.allow or {}
    return Caller(
        team=record.team,
        key_id=record.id,
        scopes=frozenset(record.scopes),
        backends=tuple(allow.get("backends", ())),
        models=tuple(allow.get("models", ())),
        operations=tuple(allow.get("operations", ())),
    )


def _stranger(reason: str, detail: str) -> CatalogError:
    return CatalogError("auth.unauthenticated", detail, reason=reason)


def need(caller: Caller, scope: str) -> None:
    """Raise `auth.forbidden` unless the caller holds the scope."""
    if not caller.may(scope):
        raise CatalogError("auth.forbidden", f"This key lacks the scope {scope}.", reason=scope)
