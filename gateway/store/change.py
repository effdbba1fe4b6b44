"""The two commands that move jobs: `Accept` makes one, `Advance` carries it on.

Every change of state is guarded by the states it may come from, and every change of an attempt by its epoch: whoever
commits first wins, and the other is told so.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import and_, bindparam, insert, select, update

from contracts.catalog import CatalogError
from contracts.event import JobEvent
from contracts.job import ENTERED_FROM, JobState
from gateway.store.alias import TakeName
from gateway.store.line import Line
from gateway.store.record import AssetRecord, AttemptRecord, JobRecord, column, encode_json, params
from gateway.store.sent import Resent
from gateway.store.statement import Statement, one_of
from gateway.store.tables import ASSET, ATTEMPT, EVENT, IDEMPOTENCY, JOB, JOB_INPUT, JOB_TAG
from gateway.store.writer import Transaction

INSERT_JOB = Statement(insert(JOB))
INSERT_TAG = Statement(insert(JOB_TAG))
INSERT_INPUT = Statement(insert(JOB_INPUT))
INSERT_ATTEMPT = Statement(insert(ATTEMPT))
INSERT_EVENT = Statement(
    insert(EVENT).values({name: bindparam(name) for name in ("job_id", "team", "type", "at", "data")})
)
INSERT_ASSET = Statement(insert(ASSET))
INSERT_IDEMPOTENCY = Statement(insert(IDEMPOTENCY))
SET_LAST_EVENT = Statement(
    update(JOB).where(JOB.c.id == bindparam("job_id")).values(last_event_id=bindparam("last_event_id"))
)
FIND_IDEMPOTENCY = Statement(
    select(IDEMPOTENCY).where(
        and_(
            IDEMPOTENCY.c.team == bindparam("team"),
            IDEMPOTENCY.c.route == bindparam("route"),
            IDEMPOTENCY.c.key == bindparam("key"),
        )
    )
)
REPLACE_IDEMPOTENCY = Statement(insert(IDEMPOTENCY).prefix_with("OR REPLACE", dialect="sqlite"))
HOLD_ASSET = Statement(
    select(ASSET.c.id).where(
        and_(ASSET.c.id == bindparam("id"), ASSET.c.team == bindparam("team"), ASSET.c.deleted_at.is_(None))
    )
)
DROP_ASSET = Statement(update(ASSET).where(ASSET.c.id == bindparam("asset_id")).values(deleted_at=bindparam("at")))

Changed = Literal["done", "late", "fenced"]


class Idempotency(Struct, frozen=True, kw_only=True):
    """A team's key for one route, and the fingerprint of what it was sent with."""

    team: str
    route: str
    key: str
    fingerprint: str
    job_id: str
    expires_at: float


class Accepted(Struct, frozen=True):
    """The job that a request made, or the one that an equal request made before."""

    job_id: str
    #: It made no job: its idempotency key did before, or an equal request whose job it joins.
    replayed: bool
    last_event_id: int = 0
    joined: bool = False


class Accept(Struct, frozen=True, kw_only=True):
    """Make a job, with everything that must be there when its acceptance is acknowledged."""

    job: JobRecord
    events: tuple[JobEvent, ...]
    attempt: AttemptRecord | None = None
    tags: Mapping[str, str] = {}
    assets: tuple[AssetRecord, ...] = ()
    holds: tuple[str, ...] = ()
    idempotency: Idempotency | None = None
    names: tuple[TakeName, ...] = ()
    resent: Resent | None = None

    def apply(self, tx: Transaction) -> Accepted:
        """Insert the job, or find the one that its idempotency key or an equal lost request already made."""
        job, earlier = self.job, self._earlier(tx)
        if earlier is not None:
            return earlier
        for name in self.names:
            name.apply(tx)
        for asset in self.assets:
            tx.run(INSERT_ASSET, params(asset))
        for asset_id in self.holds:
            if tx.one(HOLD_ASSET, {"id": asset_id, "team": job.team}) is None:
                raise CatalogError("request.reference_invalid", "An input asset was deleted meanwhile.")
            tx.run(INSERT_INPUT, {"job_id": job.id, "asset_id": asset_id})
        last = tell(tx, job.team, self.events)
        values = params(job)
        values["last_event_id"] = last
        tx.run(INSERT_JOB, values)
        for key, value in self.tags.items():
            tx.run(INSERT_TAG, {"job_id": job.id, "key": key, "value": value})
        if self.attempt is not None:
            tx.run(INSERT_ATTEMPT, params(self.attempt))
        return Accepted(job.id, replayed=False, last_event_id=last)

    def _earlier(self, tx: Transaction) -> Accepted | None:
        """Return the job that was made for an equal request; else have this one known from now on."""
        if self.idempotency is not None:
            found = tx.one(FIND_IDEMPOTENCY, params(self.idempotency))
            if found is not None and found["expires_at"] > self.job.created_at:
                if found["fingerprint"] != self.idempotency.fingerprint:
                    raise CatalogError(
                        "idempotency.conflict",
                        "This Idempotency-Key was sent before with another body.",
                        job_id=found["job_id"],
                    )
                return Accepted(found["job_id"], replayed=True)
            tx.run(REPLACE_IDEMPOTENCY, params(self.idempotency))
        if self.resent is not None:
            joined = self.resent.join(tx)
            if joined is not None:
                return Accepted(joined, replayed=True, joined=True)
            self.resent.become_known(tx)
        return None


class Advance(Struct, frozen=True, kw_only=True):
    """Carry a job on: its own columns, one attempt's, the files and the events, whole or not at all.

    `to` guards the job by the states it may come from; without it the job must be running. `late` is what becomes of
    the attempt when the job is no longer in such a state: a result that comes too late changes nothing else.
    """

    job_id: str
    team: str
    to: JobState | None = None
    #: A narrower guard than the state table's.
    only_from: frozenset[JobState] | None = None
    job: Mapping[str, Any] | None = None
    n: int | None = None
    epoch: int = 0
    attempt: Mapping[str, Any] = {}
    late: Mapping[str, Any] = {}
    claim: AttemptRecord | None = None
    assets: tuple[AssetRecord, ...] = ()
    #: Assets of earlier attempts that the job does not keep, and since when.
    dropped: Mapping[str, float] = {}
    events: tuple[JobEvent, ...] = ()

    def apply(self, tx: Transaction) -> Changed:
        """Return `done`; `late` when the job had moved on; `fenced` when another carrier holds the attempt."""
        if self.n is not None and not self._set_attempt(tx, self.attempt):
            return "fenced"
        if (self.job is not None or self.to is not None) and not self._set_job(tx):
            if self.n is not None and self.late:
                # It may have been closed a line above; nobody else has touched it since.
                self._set_attempt(tx, self.late, closed_too=True)
            return "late"
        if self.claim is not None:
            tx.run(INSERT_ATTEMPT, params(self.claim))
        for asset in self.assets:
            tx.run(INSERT_ASSET, params(asset))
        for asset_id, at in self.dropped.items():
            tx.run(DROP_ASSET, {"asset_id": asset_id, "at": at})
        if self.events:
            last = tell(tx, self.team, self.events)
            tx.run(SET_LAST_EVENT, {"job_id": self.job_id, "last_event_id": last})
        return "done"

    def _came_from(self) -> frozenset[JobState]:
        if self.only_from is not None:
            return self.only_from
        if self.to is None:
            return frozenset({"running"})
        # A further part of a job that is under way is claimed without leaving `running`.
        return ENTERED_FROM[self.to] | ({"running"} if self.claim is not None else set())

    def _set_job(self, tx: Transaction) -> bool:
        changes = dict(self.job or {})
        if self.to is not None:
            changes["state"] = self.to
        values = {f"set_{name}": column(name, value) for name, value in changes.items()}
        values["id"] = self.job_id
        return tx.run(_update_job(tuple(changes), tuple(sorted(self._came_from()))), values) == 1

    def _set_attempt(self, tx: Transaction, changes: Mapping[str, Any], *, closed_too: bool = False) -> bool:
        values = {f"set_{name}": column(name, value) for name, value in changes.items()}
        values |= {"job_id": self.job_id, "n": self.n, "epoch": self.epoch}
        return tx.run(_update_attempt(tuple(changes), closed_too=closed_too), values) == 1


def tell(tx: Transaction, team: str, events: tuple[JobEvent, ...]) -> int:
    """Write events into the log in order; return the id of the last one."""
    last = 0
    for event in events:
        data = encode_json(event)
        kind = str(event.__struct_config__.tag)
        row = {"job_id": event.job_id, "team": team, "type": kind, "at": event.at.timestamp(), "data": data.decode()}
        last = tx.insert(INSERT_EVENT, row)
        tx.tell(Line(last, team, event.job_id, kind, data))
    return last


@cache
def _update_job(columns: tuple[str, ...], came_from: tuple[JobState, ...]) -> Statement:
    guard = one_of(JOB.c.state, came_from)
    values: dict[str, Any] = {name: bindparam(f"set_{name}") for name in columns} or {"id": JOB.c.id}
    return Statement(update(JOB).where(and_(JOB.c.id == bindparam("id"), guard)).values(values))


@cache
def _update_attempt(columns: tuple[str, ...], *, closed_too: bool) -> Statement:
    values: dict[str, Any] = {name: bindparam(f"set_{name}") for name in columns} or {"epoch": ATTEMPT.c.epoch}
    mine = and_(
        ATTEMPT.c.job_id == bindparam("job_id"),
        ATTEMPT.c.n == bindparam("n"),
        ATTEMPT.c.epoch == bindparam("epoch"),
    )
    if not closed_too:
        mine = and_(mine, ATTEMPT.c.is_open.is_(True))
    return Statement(update(ATTEMPT).where(mine).values(values))
