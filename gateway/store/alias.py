"""What faces call jobs: names taken in the accepting transaction, and every question that is asked by them."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Integer, and_, bindparam, cast, func, insert, or_, select
from sqlalchemy.sql import ColumnElement

from contracts.catalog import CatalogError
from contracts.names import FileQuery
from gateway.store.query import Connection
from gateway.store.record import AliasRecord, from_row, params
from gateway.store.statement import Statement, one_of
from gateway.store.tables import ALIAS, ASSET, JOB
from gateway.store.writer import Transaction

_MINE = (ALIAS.c.face == bindparam("face"), ALIAS.c.team == bindparam("team"), ALIAS.c.kind == bindparam("kind"))
_OPEN = one_of(JOB.c.state, ("queued", "running"))
_FIND = Statement(select(ALIAS).where(and_(*_MINE, ALIAS.c.native_id == bindparam("native_id"))))
_OF_JOB = Statement(select(ALIAS).where(and_(*_MINE, ALIAS.c.job_id == bindparam("job_id"))))
_TAKEN = Statement(
    select(JOB.c.id)
    .join(ALIAS, ALIAS.c.job_id == JOB.c.id)
    .where(and_(*_MINE, ALIAS.c.native_id == bindparam("native_id"), _OPEN))
)
_TAKE = Statement(insert(ALIAS).prefix_with("OR REPLACE", dialect="sqlite"))
_OPEN_ONES = Statement(
    select(ALIAS)
    .join(JOB, ALIAS.c.job_id == JOB.c.id)
    .where(and_(*_MINE, or_(_OPEN, JOB.c.finished_at >= bindparam("ended_since"))))
    .order_by(JOB.c.created_at, JOB.c.id)
)
#: When a file was stored, in whole milliseconds: what native cursors count in.
_stored_ms: ColumnElement[int] = cast(ASSET.c.created_at * 1000, Integer)
_FOREVER = float("inf")
#: How many jobs one question names: SQLite takes so many parameters in all its builds.
_AT_ONCE = 500


class TakeName(Struct, frozen=True):
    """Give a job a name; an exclusive one only when no open job has it."""

    alias: AliasRecord
    exclusive: bool = False

    def apply(self, tx: Transaction) -> None:
        """Put the row."""
        values = params(self.alias)
        taken = tx.one(_TAKEN, values) if self.exclusive else None
        if taken is not None:
            raise CatalogError(
                "resource.state_conflict",
                "A job of this id is under way already.",
                reason="id_in_use",
                job_id=taken["id"],
            )
        tx.run(_TAKE, values)


class FileRow(Struct, frozen=True, kw_only=True):
    """One file by the name of its job."""

    alias: AliasRecord
    asset_id: str
    position: int
    created_ms: int


def find(connection: Connection, *, team: str, face: str, kind: str, native_id: str) -> AliasRecord | None:
    """Return whom a name belongs to."""
    values = {"team": team, "face": face, "kind": kind, "native_id": native_id}
    row = _FIND.run(connection, values).fetchone()
    return None if row is None else from_row(AliasRecord, row)


def of_job(connection: Connection, *, team: str, face: str, kind: str, job_id: str) -> AliasRecord | None:
    """Return a job's name of a kind."""
    values = {"team": team, "face": face, "kind": kind, "job_id": job_id}
    row = _OF_JOB.run(connection, values).fetchone()
    return None if row is None else from_row(AliasRecord, row)


def of_jobs(connection: Connection, *, team: str, face: str, kind: str, job_ids: Sequence[str]) -> list[AliasRecord]:
    """Return the names of a kind that any of these jobs have."""
    found: list[AliasRecord] = []
    for start in range(0, len(job_ids), _AT_ONCE):
        some: list[Any] = [
            bindparam(f"job_{at}", job_id) for at, job_id in enumerate(job_ids[start : start + _AT_ONCE])
        ]
        query = Statement(select(ALIAS).where(and_(*_MINE, ALIAS.c.job_id.in_(some))))
        found += [
            from_row(AliasRecord, row) for row in query.run(connection, {"team": team, "face": face, "kind": kind})
        ]
    return found


def open_ones(
    connection: Connection, *, team: str, face: str, kind: str, ended_since: float | None
) -> list[AliasRecord]:
    """Return the names of open jobs, and of those that ended since a moment."""
    since = _FOREVER if ended_since is None else ended_since
    values = {"team": team, "face": face, "kind": kind, "ended_since": since}
    return [from_row(AliasRecord, row) for row in _OPEN_ONES.run(connection, values)]


def files(
    connection: Connection, *, team: str, face: str, kind: str, wanted: FileQuery
) -> tuple[list[FileRow], int, bool]:
    """Return a page of files, how many there are in all, and whether more follow."""
    shown = [
        ALIAS.c.face == face,
        ALIAS.c.team == team,
        ALIAS.c.kind == kind,
        ASSET.c.team == team,
        ASSET.c.job_id == ALIAS.c.job_id,
        ASSET.c.source == "output",
        ASSET.c.role != "thumbnail",
        ASSET.c.deleted_at.is_(None),
        ASSET.c.withheld.is_(False),
    ]
    rows = (
        select(ALIAS, ASSET.c.id.label("asset_id"), ASSET.c.position, _stored_ms.label("created_ms"))
        .where(and_(*shown, *_conditions(wanted)))
        .order_by(_stored_ms.desc(), ALIAS.c.native_id.desc(), ASSET.c.position.desc())
        .limit(wanted.limit + 1)
    )
    found = [
        FileRow(
            alias=from_row(AliasRecord, row),
            asset_id=row["asset_id"],
            position=row["position"],
            created_ms=row["created_ms"],
        )
        for row in Statement(rows).run(connection)
    ]
    count = Statement(select(func.count()).select_from(ALIAS, ASSET).where(and_(*shown)))
    total = int(count.run(connection).fetchone()[0])
    return found[: wanted.limit], total, len(found) > wanted.limit


def _conditions(wanted: FileQuery) -> list[Any]:
    """Return what a cursor means: older, or of the same millisecond and earlier in the order of names."""
    where: list[Any] = []
    if wanted.collection is not None:
        where.append(ALIAS.c.collection == wanted.collection)
    if wanted.since_ms is not None:
        where.append(_stored_ms > wanted.since_ms)
    if wanted.before_ms is not None:
        older: list[Any] = [_stored_ms < wanted.before_ms]
        if wanted.before_id is not None:
            same = and_(ALIAS.c.native_id == wanted.before_id, ASSET.c.position < wanted.before_position)
            older.append(and_(_stored_ms == wanted.before_ms, or_(ALIAS.c.native_id < wanted.before_id, same)))
        where.append(or_(*older))
    return where
