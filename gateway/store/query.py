"""Every question that is asked of the store, as functions of a connection."""

import base64
import sqlite3
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import and_, bindparam, func, or_, select
from sqlalchemy.sql import ColumnElement

from contracts.capability import Discovery
from contracts.catalog import Fault
from contracts.decode import invalid
from gateway.store.line import Line
from gateway.store.record import AssetRecord, AttemptRecord, JobRecord, KeyRecord, from_row
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
)

Connection = sqlite3.Connection

_JOB = Statement(select(JOB).where(JOB.c.id == bindparam("id")))
_ATTEMPTS = Statement(select(ATTEMPT).where(ATTEMPT.c.job_id == bindparam("job_id")).order_by(ATTEMPT.c.n))
_OPEN_JOBS = Statement(
    select(JOB).where(one_of(JOB.c.state, ("queued", "running"))).order_by(JOB.c.created_at, JOB.c.id)
)
_OPEN_ATTEMPTS = Statement(select(ATTEMPT).where(ATTEMPT.c.is_open.is_(True)))
_ASSET = Statement(select(ASSET).where(ASSET.c.id == bindparam("id")))
_JOB_ASSETS = Statement(select(ASSET).where(ASSET.c.job_id == bindparam("job_id")))
_RECENT_ASSETS = Statement(select(ASSET).where(ASSET.c.created_at >= bindparam("since")))
_INPUTS = Statement(select(JOB_INPUT.c.asset_id).where(JOB_INPUT.c.job_id == bindparam("job_id")))
_GONE = Statement(select(GONE).where(and_(GONE.c.id == bindparam("id"), GONE.c.until > bindparam("now"))))
_REPLAYED = Statement(
    select(IDEMPOTENCY.c.job_id, IDEMPOTENCY.c.fingerprint).where(
        and_(
            IDEMPOTENCY.c.team == bindparam("team"),
            IDEMPOTENCY.c.route == bindparam("route"),
            IDEMPOTENCY.c.key == bindparam("key"),
            IDEMPOTENCY.c.expires_at > bindparam("now"),
        )
    )
)
_KEYS = Statement(select(API_KEY).order_by(API_KEY.c.created_at))
_BACKENDS = Statement(select(BACKEND))
_EVENTS_OF_JOB = Statement(
    select(EVENT)
    .where(and_(EVENT.c.job_id == bindparam("job_id"), EVENT.c.id > bindparam("after")))
    .order_by(EVENT.c.id)
    .limit(bindparam("limit"))
)
_EARLIER_OF_JOB = Statement(
    select(EVENT)
    .where(and_(EVENT.c.job_id == bindparam("job_id"), EVENT.c.id < bindparam("before")))
    .order_by(EVENT.c.id)
)
_EVENTS_OF_TEAM = Statement(
    select(EVENT)
    .where(and_(EVENT.c.team == bindparam("team"), EVENT.c.id > bindparam("after")))
    .order_by(EVENT.c.id)
    .limit(bindparam("limit"))
)
_LAST_EVENT = Statement(select(func.max(EVENT.c.id)))
_OLDEST_EVENT = Statement(select(func.min(EVENT.c.id)))


def job(connection: Connection, job_id: str) -> JobRecord | None:
    """Return a job."""
    row = _JOB.run(connection, {"id": job_id}).fetchone()
    return None if row is None else from_row(JobRecord, row)


def attempts(connection: Connection, job_id: str) -> list[AttemptRecord]:
    """Return a job's attempts in order."""
    return [from_row(AttemptRecord, row) for row in _ATTEMPTS.run(connection, {"job_id": job_id})]


def open_jobs(connection: Connection) -> list[JobRecord]:
    """Return all jobs that have not ended, oldest first."""
    return [from_row(JobRecord, row) for row in _OPEN_JOBS.run(connection)]


def open_attempts(connection: Connection) -> list[AttemptRecord]:
    """Return all attempts that must be carried, whatever their jobs' states."""
    return [from_row(AttemptRecord, row) for row in _OPEN_ATTEMPTS.run(connection)]


def asset(connection: Connection, asset_id: str) -> AssetRecord | None:
    """Return an asset, deleted or not."""
    row = _ASSET.run(connection, {"id": asset_id}).fetchone()
    return None if row is None else from_row(AssetRecord, row)


def job_assets(connection: Connection, job_id: str) -> list[AssetRecord]:
    """Return the assets that a job made."""
    return [from_row(AssetRecord, row) for row in _JOB_ASSETS.run(connection, {"job_id": job_id})]


def recent_assets(connection: Connection, since: float) -> list[AssetRecord]:
    """Return the assets made since a moment."""
    return [from_row(AssetRecord, row) for row in _RECENT_ASSETS.run(connection, {"since": since})]


def is_gone(connection: Connection, thing_id: str, team: str, now: float) -> bool:
    """Say whether a team's thing is past its retention (410), and not merely unknown (404)."""
    row = _GONE.run(connection, {"id": thing_id, "now": now}).fetchone()
    return row is not None and row["team"] == team


def keys(connection: Connection) -> list[KeyRecord]:
    """Return all keys, revoked ones included."""
    return [from_row(KeyRecord, row) for row in _KEYS.run(connection)]


def discoveries(connection: Connection) -> dict[str, tuple[Discovery, float]]:
    """Return what each backend last said of itself, and when."""
    return {
        row["name"]: (msgspec.json.decode(row["discovery"], type=Discovery), row["at"])
        for row in _BACKENDS.run(connection)
    }


def job_lines(connection: Connection, job_id: str, after: int, limit: int = 500) -> list[Line]:
    """Return a job's events after one, in order."""
    return [_line(row) for row in _EVENTS_OF_JOB.run(connection, {"job_id": job_id, "after": after, "limit": limit})]


def earlier_lines(connection: Connection, job_id: str, before: int) -> list[Line]:
    """Return a job's events before one, in order."""
    return [_line(row) for row in _EARLIER_OF_JOB.run(connection, {"job_id": job_id, "before": before})]


def team_lines(connection: Connection, team: str, after: int, limit: int = 500) -> list[Line]:
    """Return a team's events after one, in order."""
    return [_line(row) for row in _EVENTS_OF_TEAM.run(connection, {"team": team, "after": after, "limit": limit})]


def _line(row: sqlite3.Row) -> Line:
    return Line(row["id"], row["team"], row["job_id"], row["type"], row["data"].encode())


def replayed(connection: Connection, *, team: str, route: str, key: str, now: float) -> tuple[str, str] | None:
    """Return the job that an idempotency key has made already, and the fingerprint of its request."""
    values = {"team": team, "route": route, "key": key, "now": now}
    row = _REPLAYED.run(connection, values).fetchone()
    return None if row is None else (row["job_id"], row["fingerprint"])


def last_event_id(connection: Connection) -> int:
    """Return the newest event's id; 0 when there is none."""
    return int(_LAST_EVENT.run(connection).fetchone()[0] or 0)


def oldest_event_id(connection: Connection) -> int:
    """Return the oldest kept event's id; 0 when there is none."""
    return int(_OLDEST_EVENT.run(connection).fetchone()[0] or 0)


class Filter(Struct, frozen=True, kw_only=True):
    """Which rows of a list are wanted."""

    team: str
    state: str | None = None
    backend: str | None = None
    operation: str | None = None
    tag: tuple[str, str] | None = None
    source: str | None = None
    withheld: bool = False
    created_after: float | None = None
    created_before: float | None = None
    limit: int = 50
    after: tuple[float, str] | None = None
    states: tuple[str, ...] = ()
    operations: tuple[str, ...] = ()
    unless_named: tuple[str, str] | None = None
    offset: int = 0


def jobs_page(connection: Connection, wanted: Filter) -> list[JobRecord]:
    """Return a page of jobs, newest first; one more than asked tells that there is a next one."""
    page = select(JOB).where(and_(*_job_conditions(wanted))).order_by(JOB.c.created_at.desc(), JOB.c.id.desc())
    query = Statement(page.limit(wanted.limit + 1).offset(wanted.offset))
    return [from_row(JobRecord, row) for row in query.run(connection)]


def job_counts(connection: Connection, wanted: Filter) -> dict[str, int]:
    """Return how many jobs are in each state, whatever page is wanted."""
    query = select(JOB.c.state, func.count()).where(and_(*_job_conditions(wanted))).group_by(JOB.c.state)
    return {row[0]: int(row[1]) for row in Statement(query).run(connection)}


def _job_conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    where = _conditions(JOB, wanted)
    if wanted.state is not None:
        where.append(JOB.c.state == wanted.state)
    if wanted.backend is not None:
        where.append(JOB.c.backend == wanted.backend)
    if wanted.operation is not None:
        where.append(JOB.c.operation == wanted.operation)
    if wanted.tag is not None:
        key, value = wanted.tag
        where.append(JOB.c.id.in_(select(JOB_TAG.c.job_id).where(and_(JOB_TAG.c.key == key, JOB_TAG.c.value == value))))
    if wanted.states:
        where.append(one_of(JOB.c.state, wanted.states))
    if wanted.operations:
        where.append(one_of(JOB.c.operation, wanted.operations))
    if wanted.unless_named is not None:
        face, kind = wanted.unless_named
        named = and_(ALIAS.c.team == wanted.team, ALIAS.c.face == face, ALIAS.c.kind == kind)
        where.append(JOB.c.id.not_in(select(ALIAS.c.job_id).where(named)))
    return where


def assets_page(connection: Connection, wanted: Filter) -> list[AssetRecord]:
    """Return a page of assets, newest first: those that are withheld, or all others; deleted ones are not shown."""
    where = [*_conditions(ASSET, wanted), ASSET.c.deleted_at.is_(None), ASSET.c.withheld.is_(wanted.withheld)]
    if wanted.source is not None:
        where.append(ASSET.c.source == wanted.source)
    query = (
        select(ASSET).where(and_(*where)).order_by(ASSET.c.created_at.desc(), ASSET.c.id.desc()).limit(wanted.limit + 1)
    )
    return [from_row(AssetRecord, row) for row in Statement(query).run(connection)]


def _conditions(table: Any, wanted: Filter) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [table.c.team == wanted.team]
    if wanted.created_after is not None:
        where.append(table.c.created_at > wanted.created_after)
    if wanted.created_before is not None:
        where.append(table.c.created_at < wanted.created_before)
    if wanted.after is not None:
        at, last = wanted.after
        where.append(or_(table.c.created_at < at, and_(table.c.created_at == at, table.c.id < last)))
    return where


def page_token(at: float, last_id: str) -> str:
    """Return the opaque token of the row where a page ends."""
    return base64.urlsafe_b64encode(msgspec.json.encode((at, last_id))).decode().rstrip("=")


def read_page_token(token: str) -> tuple[float, str]:
    """Return what a token says; raise `request.field_invalid` when it is none of ours."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return msgspec.json.decode(raw, type=tuple[float, str])
    except (msgspec.DecodeError, ValueError):
        raise invalid(
            (Fault(pointer="/query/page_token", reason="format", detail="is no token of this list"),)
        ) from None


def input_ids(connection: Connection, job_id: str) -> list[str]:
    """Return the ids of a job's input assets."""
    return [row[0] for row in _INPUTS.run(connection, {"job_id": job_id})]
