"""Requests that may be sent again: which job each made, and whether anybody was told what became of it.

A client that heard nothing sends its request once more. The row that was committed with the job says that it was
there already: the second request joins the job instead of paying for another one.
"""

import sqlite3
from collections.abc import Container, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import and_, bindparam, insert, select, update

from contracts.catalog import Problem, should_retry
from gateway.store.query import Connection
from gateway.store.record import params
from gateway.store.statement import Statement
from gateway.store.tables import JOB, SENT
from gateway.store.writer import Transaction

#: How long after its last sign of life a request is known again, in seconds.
KNOWN_S = 900.0
_INSERT = Statement(insert(SENT))
_FIND = Statement(
    select(SENT.c.job_id, SENT.c.answered, SENT.c.seen_at, JOB.c.error)
    .join(JOB, JOB.c.id == SENT.c.job_id)
    .where(
        and_(
            SENT.c.fingerprint == bindparam("fingerprint"),
            SENT.c.team == bindparam("team"),
            SENT.c.key_id == bindparam("key_id"),
            SENT.c.route == bindparam("route"),
            SENT.c.seen_at >= bindparam("since"),
        )
    )
    .order_by(JOB.c.created_at.desc(), JOB.c.id.desc())
)
_SEE = Statement(update(SENT).where(SENT.c.job_id == bindparam("of_job")).values(seen_at=bindparam("at")))
_SEE_ANSWERED = Statement(
    update(SENT).where(SENT.c.job_id == bindparam("of_job")).values(seen_at=bindparam("at"), answered=True)
)
_ERRORS: msgspec.json.Decoder[Problem] = msgspec.json.Decoder(Problem)


class SentRecord(Struct, frozen=True, kw_only=True):
    """A request that made a job: whose it is, what it was, when it was last heard of (UTC seconds)."""

    job_id: str
    team: str
    #: Empty where nobody needs a key.
    key_id: str
    route: str
    fingerprint: str
    seen_at: float
    #: Somebody was told what became of it. What is not is lost as soon as nobody waits any more.
    answered: bool = False

    @property
    def request(self) -> tuple[str, str, str, str]:
        """What makes two requests equal."""
        return (self.team, self.key_id, self.route, self.fingerprint)


class Resent(Struct, frozen=True, kw_only=True):
    """A request that joins the job of an equal one that was sent before, or becomes known for the next."""

    record: SentRecord
    #: The client says that it has sent it before: it joins though an answer was written, or somebody still waits.
    again: bool
    #: Jobs whose first client still waits, in this process.
    awaited: Container[str]
    #: When an equal request was last told to come again later, and made no job (UTC seconds).
    turned_away_at: float | None = None

    def find(self, connection: Connection) -> str | None:
        """Return the job that it joins."""
        record = self.record
        values = {**params(record), "since": record.seen_at - KNOWN_S}
        return self._chosen(_FIND.run(connection, values).fetchall())

    def _chosen(self, rows: Sequence[sqlite3.Row]) -> str | None:
        """Return the newest whose client was lost, else the newest for one that comes again.

        What ended so that its answer asks to send it again is joined by nobody: another job is right then.
        """
        lost = (row for row in rows if not row["answered"] and row["job_id"] not in self.awaited)
        chosen = next((row for row in lost if not _invites(row)), None)
        if chosen is None and self._is_sent_before(rows) and not _invites(rows[0]):
            chosen = rows[0]
        return None if chosen is None else str(chosen["job_id"])

    def _is_sent_before(self, rows: Sequence[sqlite3.Row]) -> bool:
        """Say whether the newest job is that of an earlier try, and not of an equal request before a refused one."""
        if not self.again or not rows:
            return False
        return self.turned_away_at is None or rows[0]["seen_at"] > self.turned_away_at

    def join(self, tx: Transaction) -> str | None:
        """Join the job that is found, and be heard of."""
        found = self.find(tx.connection)
        if found is not None:
            tx.run(_SEE, {"of_job": found, "at": self.record.seen_at})
        return found

    def become_known(self, tx: Transaction) -> None:
        """Put the row of a request that made its own job."""
        tx.run(_INSERT, params(self.record))


class Join(Struct, frozen=True):
    """Join an earlier job, or none: no other is made."""

    resent: Resent

    def apply(self, tx: Transaction) -> str | None:
        """Return the job that is joined."""
        return self.resent.join(tx)


class See(Struct, frozen=True, kw_only=True):
    """Note that a request was heard of: its client left, or its answer was written."""

    job_id: str
    at: float
    answered: bool

    def apply(self, tx: Transaction) -> None:
        """Change the row; an answer is never taken back."""
        tx.run(_SEE_ANSWERED if self.answered else _SEE, {"of_job": self.job_id, "at": self.at})


def _invites(row: Any) -> bool:
    """Say whether a job ended so that its answer asks to send it again (`X-Should-Retry: true`)."""
    if row["error"] is None:
        return False
    error = _ERRORS.decode(row["error"])
    return should_retry(error.retry, error.outcome)
