"""Looking for the job of an idempotency key before anything is done for its request.

Most requests need no such look: accepting them finds the job. It is for those whose way to a job already costs, such as
a prompt that is rewritten first.
"""

import hashlib

from msgspec import UnsetType, structs

from contracts.catalog import CatalogError
from contracts.desk import Caller, Created
from contracts.spec import SpecBase
from gateway.clock import Clock
from gateway.jobs import rules
from gateway.jobs.intake import Intake, Seen
from gateway.jobs.reading import JobReader
from gateway.store import query
from gateway.store.store import Store


class Replayer:
    """Finds earlier jobs by the keys that they were made with."""

    def __init__(self, store: Store, intake: Intake, reader: JobReader, clock: Clock) -> None:
        """Take where jobs and pictures are."""
        self._store = store
        self._intake = intake
        self._reader = reader
        self._clock = clock

    async def earlier(self, caller: Caller, spec: SpecBase, *, idempotency_key: str, route: str) -> Created | None:
        """Return the job that an equal request made; None: none did. Raise for a key of another request."""
        now = self._clock.now()
        found = await self._store.read(
            lambda each: query.replayed(each, team=caller.team, route=route, key=idempotency_key, now=now)
        )
        if found is None:
            return None
        job_id, fingerprint = found
        if fingerprint != await self._fingerprint(caller, spec):
            raise CatalogError(
                "idempotency.conflict", "This Idempotency-Key was sent before with another body.", job_id=job_id
            )
        shown = await self._reader.watch(caller, job_id)
        assert shown is not None  # noqa: S101 - only `seen` makes it None
        return Created(job=shown.job, tag=shown.tag, replayed=True)

    async def _fingerprint(self, caller: Caller, spec: SpecBase) -> str:
        seen = await self._intake.see(caller.team, spec)
        if isinstance(spec.inputs, UnsetType):
            return rules.fingerprint(spec)
        digests = [await self._digest(each) for each in seen]
        pictures = zip(spec.inputs, digests, strict=True)
        inputs = tuple(structs.replace(each, sha256=digest) for each, digest in pictures)
        return rules.fingerprint(structs.replace(spec, inputs=inputs))

    async def _digest(self, seen: Seen | None) -> str:
        assert seen is not None  # noqa: S101 - addresses are followed here
        if seen.record is not None:
            return seen.record.sha256
        return await self._store.read(lambda _connection: hashlib.sha256(seen.data).hexdigest())
