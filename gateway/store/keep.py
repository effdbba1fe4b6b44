"""Commands for what is not a job: assets, keys, backends' discoveries, and the removal of what is past its time."""

import sqlite3
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from contracts.capability import Discovery
from contracts.job import TERMINAL
from gateway.store.record import AssetRecord, KeyRecord, column, params
from gateway.store.sent import KNOWN_S
from gateway.store.statement import Statement, one_of
from gateway.store.tables import (
    ALIAS,
    API_KEY,
    ASSET,
    ATTEMPT,
    BACKEND,
    EVENT,
    GONE,
    IDEMPOTENCY,
    JOB,
    JOB_INPUT,
    JOB_TAG,
    SENT,
)
from gateway.store.writer import Transaction

_INSERT_ASSET = Statement(insert(ASSET))
_INSERT_KEY = Statement(insert(API_KEY))
_REVOKE_KEY = Statement(
    update(API_KEY)
    .where(and_(API_KEY.c.id == bindparam("key_id"), API_KEY.c.revoked_at.is_(None)))
    .values(revoked_at=bindparam("at"))
)
_MARK_ASSET = Statement(
    update(ASSET)
    .where(and_(ASSET.c.id == bindparam("asset_id"), ASSET.c.team == bindparam("team")))
    .values(deleted_at=bindparam("at"))
)
#: What was deleted for good is past its time since then: that is told apart by the row itself.
_RESTORE_ASSET = Statement(
    update(ASSET)
    .where(
        and_(
            ASSET.c.id == bindparam("asset_id"),
            ASSET.c.team == bindparam("team"),
            ASSET.c.deleted_at.is_(None) | (ASSET.c.deleted_at < ASSET.c.expires_at),
        )
    )
    .values(deleted_at=None)
)
_PURGE_ASSET = Statement(
    update(ASSET)
    .where(and_(ASSET.c.id == bindparam("asset_id"), ASSET.c.team == bindparam("team")))
    .values(deleted_at=bindparam("at"), expires_at=bindparam("at"))
)
_PUT_DISCOVERY = Statement(insert(BACKEND).prefix_with("OR REPLACE", dialect="sqlite"))
_RAISE_EPOCHS = Statement(update(ATTEMPT).where(ATTEMPT.c.is_open.is_(True)).values(epoch=ATTEMPT.c.epoch + 1))


class AddAssets(Struct, frozen=True):
    """Add assets."""

    assets: tuple[AssetRecord, ...]

    def apply(self, tx: Transaction) -> None:
        """Insert the rows; the files are on disk already."""
        for asset in self.assets:
            tx.run(_INSERT_ASSET, params(asset))


class MarkAsset(Struct, frozen=True):
    """Delete an asset for now (`at`), or restore it (None) unless it was deleted for good."""

    asset_id: str
    team: str
    at: float | None

    def apply(self, tx: Transaction) -> bool:
        """Say whether there was such an asset."""
        whose = {"asset_id": self.asset_id, "team": self.team}
        if self.at is None:
            return tx.run(_RESTORE_ASSET, whose) == 1
        return tx.run(_MARK_ASSET, {**whose, "at": self.at}) == 1


class PurgeAsset(Struct, frozen=True):
    """Delete an asset for good: it is past its time, and the next sweep takes it with its file."""

    asset_id: str
    team: str
    at: float

    def apply(self, tx: Transaction) -> bool:
        """Say whether there was such an asset."""
        return tx.run(_PURGE_ASSET, {"asset_id": self.asset_id, "team": self.team, "at": self.at}) == 1


class AddKey(Struct, frozen=True):
    """Add a key."""

    key: KeyRecord

    def apply(self, tx: Transaction) -> None:
        """Insert the row."""
        tx.run(_INSERT_KEY, params(self.key))


class RevokeKey(Struct, frozen=True):
    """Revoke a key for good."""

    key_id: str
    at: float

    def apply(self, tx: Transaction) -> bool:
        """Say whether it was a valid key until now."""
        return tx.run(_REVOKE_KEY, {"key_id": self.key_id, "at": self.at}) == 1


class PutDiscovery(Struct, frozen=True):
    """Remember what a backend said of itself."""

    name: str
    discovery: Discovery
    at: float

    def apply(self, tx: Transaction) -> None:
        """Put the row."""
        tx.run(_PUT_DISCOVERY, {"name": self.name, "discovery": column("discovery", self.discovery), "at": self.at})


class RaiseEpochs(Struct, frozen=True):
    """Claim every open attempt for this process: whoever carried it before is fenced off."""

    def apply(self, tx: Transaction) -> int:
        """Return how many there were."""
        return tx.run(_RAISE_EPOCHS)


class Swept(Struct, frozen=True):
    """What a sweep removed; `files` are digests that no row speaks of any more; `more` asks for another sweep."""

    removed: int
    files: tuple[str, ...] = ()
    more: bool = False


class Sweep(Struct, frozen=True, kw_only=True):
    """Remove what is past its time, a bounded number of rows at once."""

    now: float
    jobs_before: float
    events_before: float
    tombstones_before: float
    gone_until: float
    batch: int = 500

    def apply(self, tx: Transaction) -> Swept:
        """Remove rows; what had an id that callers know leaves a note for its 410."""
        counts = [self._jobs(tx), self._events(tx), self._keys(tx)]
        assets, files = self._assets(tx)
        counts.append(assets)
        return Swept(sum(counts), files, more=any(count >= self.batch for count in counts))

    def _jobs(self, tx: Transaction) -> int:
        old = tx.all(_OLD_JOBS, {"before": self.jobs_before, "batch": self.batch})
        for row in old:
            tx.run(_INSERT_GONE, {"id": row["id"], "team": row["team"], "until": self.gone_until})
            for statement in _DELETE_JOB:
                tx.run(statement, {"job_id": row["id"]})
        return len(old)

    def _events(self, tx: Transaction) -> int:
        return tx.run(_DELETE_EVENTS, {"before": self.events_before, "batch": self.batch})

    def _keys(self, tx: Transaction) -> int:
        done = tx.run(_DELETE_IDEMPOTENCY, {"now": self.now}) + tx.run(_DELETE_GONE, {"now": self.now})
        return done + tx.run(_DELETE_SENT, {"before": self.now - KNOWN_S})

    def _assets(self, tx: Transaction) -> tuple[int, tuple[str, ...]]:
        old = tx.all(_OLD_ASSETS, {"now": self.now, "deleted_before": self.tombstones_before, "batch": self.batch})
        for row in old:
            tx.run(_INSERT_GONE, {"id": row["id"], "team": row["team"], "until": self.gone_until})
            tx.run(_DELETE_ASSET, {"asset_id": row["id"]})
        return len(old), unreferenced(tx.connection, {row["sha256"] for row in old})


def unreferenced(connection: sqlite3.Connection, digests: Sequence[str] | set[str]) -> tuple[str, ...]:
    """Return those digests that no asset refers to."""
    return tuple(digest for digest in digests if _COUNT_DIGEST.run(connection, {"sha256": digest}).fetchone()[0] == 0)


_AFTER_ALL = 2**63 - 1
_OPEN = select(JOB.c.id).where(one_of(JOB.c.state, ("queued", "running")))
_OLD_JOBS = Statement(
    select(JOB.c.id, JOB.c.team)
    .where(
        and_(
            one_of(JOB.c.state, sorted(TERMINAL)),
            JOB.c.finished_at < bindparam("before"),
            JOB.c.id.not_in(select(ATTEMPT.c.job_id).where(ATTEMPT.c.is_open.is_(True))),
        )
    )
    .limit(bindparam("batch"))
)
_DELETE_JOB = tuple(
    Statement(delete(each).where(where == bindparam("job_id")))
    for each, where in (
        (ALIAS, ALIAS.c.job_id),
        (JOB_TAG, JOB_TAG.c.job_id),
        (JOB_INPUT, JOB_INPUT.c.job_id),
        (ATTEMPT, ATTEMPT.c.job_id),
        (EVENT, EVENT.c.job_id),
        (SENT, SENT.c.job_id),
        (JOB, JOB.c.id),
    )
)
#: Ids are in the order of time: nothing behind the first event that is kept is looked at.
_FIRST_KEPT = (
    select(EVENT.c.id).where(EVENT.c.at >= bindparam("before")).order_by(EVENT.c.id).limit(1).scalar_subquery()
)
_DELETE_EVENTS = Statement(
    delete(EVENT).where(
        EVENT.c.id.in_(
            select(EVENT.c.id)
            .where(and_(EVENT.c.id < func.coalesce(_FIRST_KEPT, _AFTER_ALL), EVENT.c.job_id.not_in(_OPEN)))
            .limit(bindparam("batch"))
        )
    )
)
_DELETE_IDEMPOTENCY = Statement(delete(IDEMPOTENCY).where(IDEMPOTENCY.c.expires_at < bindparam("now")))
_DELETE_SENT = Statement(delete(SENT).where(SENT.c.seen_at < bindparam("before")))
_DELETE_GONE = Statement(delete(GONE).where(GONE.c.until < bindparam("now")))
_INSERT_GONE = Statement(insert(GONE).prefix_with("OR REPLACE", dialect="sqlite"))
#: An asset goes when its time is over, or some days after it was deleted, but never while an open job holds it.
_OLD_ASSETS = Statement(
    select(ASSET.c.id, ASSET.c.team, ASSET.c.sha256)
    .where(
        and_(
            (ASSET.c.expires_at < bindparam("now")) | (ASSET.c.deleted_at < bindparam("deleted_before")),
            ASSET.c.id.not_in(select(JOB_INPUT.c.asset_id).where(JOB_INPUT.c.job_id.in_(_OPEN))),
        )
    )
    .limit(bindparam("batch"))
)
_DELETE_ASSET = Statement(delete(ASSET).where(ASSET.c.id == bindparam("asset_id")))
_COUNT_DIGEST = Statement(select(func.count()).select_from(ASSET).where(ASSET.c.sha256 == bindparam("sha256")))
