"""Jobs and files by the ids that faces gave them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from contracts.desk import Caller
from contracts.names import FilePage, FileQuery, Named, NamedFile, NewName
from gateway.access.gate import need
from gateway.jobs.reading import JobReader
from gateway.store import alias
from gateway.store.alias import TakeName
from gateway.store.query import Connection
from gateway.store.record import AliasRecord
from gateway.store.store import Store

T = TypeVar("T")


def taken(names: Sequence[NewName], team: str, job_id: str) -> tuple[TakeName, ...]:
    """Return the names of a new job as what its acceptance writes."""
    return tuple(
        TakeName(
            AliasRecord(
                face=name.face,
                team=team,
                kind=name.kind,
                native_id=name.native_id or job_id,
                job_id=job_id,
                collection=name.collection,
                note=dict(name.note) or None,
            ),
            name.exclusive,
        )
        for name in names
    )


class NameService:
    """See contracts.desk.Names."""

    def __init__(self, store: Store, reader: JobReader) -> None:
        """Take where names are, and who shows jobs."""
        self._store = store
        self._reader = reader

    async def find(self, caller: Caller, face: str, kind: str, native_id: str) -> Named | None:
        """Return the job that a native id stands for."""
        need(caller, "jobs:read")
        record = await self._ask(
            lambda each: alias.find(each, team=caller.team, face=face, kind=kind, native_id=native_id)
        )
        return None if record is None else await self._named(caller, record)

    async def add(self, caller: Caller, job_id: str, name: NewName) -> None:
        """Give a job of the team one more name."""
        need(caller, "jobs:read")
        await self._reader.mine(caller, job_id)
        for each in taken((name,), caller.team, job_id):
            await self._store.write(each)

    async def of_job(self, caller: Caller, face: str, kind: str, job_id: str) -> Named | None:
        """Return a job by the native id of a kind that it was given."""
        record = await self._ask(lambda each: alias.of_job(each, team=caller.team, face=face, kind=kind, job_id=job_id))
        return None if record is None else await self._named(caller, record)

    async def notes(
        self, caller: Caller, face: str, kind: str, job_ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return by job what a face remembers of those that it gave a name of a kind."""
        need(caller, "jobs:read")
        records = await self._ask(
            lambda each: alias.of_jobs(each, team=caller.team, face=face, kind=kind, job_ids=job_ids)
        )
        return {record.job_id: record.note or {} for record in records}

    async def give(self, caller: Caller, job_id: str, name: NewName) -> None:
        """Give a job that is there already one more name."""
        need(caller, "jobs:write")
        await self._reader.mine(caller, job_id)
        for each in taken((name,), caller.team, job_id):
            await self._store.write(each)

    async def open(self, caller: Caller, face: str, kind: str, *, ended_since: float | None = None) -> Sequence[Named]:
        """Return the jobs of a kind that have not ended, oldest first, and those that have since a moment."""
        need(caller, "jobs:read")
        records = await self._ask(
            lambda each: alias.open_ones(each, team=caller.team, face=face, kind=kind, ended_since=ended_since)
        )
        return [await self._named(caller, record) for record in records]

    async def files(self, caller: Caller, face: str, kind: str, query: FileQuery) -> FilePage:
        """Return the files that jobs of a kind made."""
        need(caller, "jobs:read")
        rows, total, more = await self._ask(
            lambda each: alias.files(each, team=caller.team, face=face, kind=kind, wanted=query)
        )
        known: dict[str, Named] = {}
        for row in rows:
            if row.alias.job_id not in known:
                known[row.alias.job_id] = await self._named(caller, row.alias)
        found = tuple(
            NamedFile(
                named=known[row.alias.job_id],
                asset_id=row.asset_id,
                position=row.position,
                created_ms=row.created_ms,
            )
            for row in rows
        )
        return FilePage(files=found, total=total, more=more)

    async def _named(self, caller: Caller, record: AliasRecord) -> Named:
        shown = await self._reader.mine(caller, record.job_id)
        note: Mapping[str, object] = record.note or {}
        return Named(native_id=record.native_id, collection=record.collection, note=note, job=shown.job)

    async def _ask(self, question: Callable[[Connection], T]) -> T:
        return await self._store.read(question)
