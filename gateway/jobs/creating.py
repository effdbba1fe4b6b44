"""Accepting jobs: refused before they exist, or durable before anybody is told."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from msgspec import UnsetType, structs

from contracts.catalog import CatalogError
from contracts.desk import Caller, Created
from contracts.event import JobQueued
from contracts.fit import fit
from contracts.job import moment
from contracts.names import NewName
from contracts.port import Dialect, Origin
from contracts.sender import Sent
from contracts.spec import JobSpec, SpecBase, operation_of
from gateway.access.gate import need
from gateway.clock import Clock, new_id
from gateway.engine.carried import Finished
from gateway.engine.carrier import Carrier
from gateway.engine.inputs import origin_of
from gateway.jobs import naming, rules
from gateway.jobs.intake import Intake, TakenIn, described
from gateway.jobs.joining import Joining, unless_gone
from gateway.jobs.reading import MAX_INLINE_BYTES, JobReader, tag
from gateway.jobs.replaying import Replayer
from gateway.ops.metrics import Metrics
from gateway.routing import Choice, Router, allow_of
from gateway.settings import Settings
from gateway.store import query
from gateway.store.change import Accept, Idempotency
from gateway.store.record import JobRecord
from gateway.store.store import Store

HOUR_S = 3600.0
#: What refuses another job only for now.
_PASSING = frozenset({"routing.no_candidate", "quota.rate_limited", "gateway.overloaded"})
#: A request that nobody watches, and that joins nothing.
ALONE = Sent()
#: How often the room on the disk is looked at.
DISK_CHECK_S = 5.0


class Creator:
    """Makes jobs."""

    def __init__(
        self,
        *,
        carrier: Carrier,
        router: Router,
        intake: Intake,
        reader: JobReader,
        store: Store,
        dialects: dict[str, Dialect],
        settings: Settings,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """Take what new jobs need."""
        self._carrier = carrier
        self._router = router
        self._intake = intake
        self._reader = reader
        self._store = store
        self._dialects = dialects
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._disk_checked_at = float("-inf")
        self._disk_full = False
        #: Set when the process stops: nothing new is taken in.
        self.stopping = False
        # Whoever is sent away because the process stops has heard nothing of how its job ends.
        is_cut: Callable[[str], bool] = lambda job_id: self.stopping and carrier.carried(job_id) is not None  # noqa: E731
        self._joining = Joining(store, clock, is_cut=is_cut)
        self.replayer = Replayer(store, intake, reader, clock)

    async def create(
        self,
        caller: Caller,
        spec: JobSpec,
        *,
        idempotency_key: str | None,
        wait_s: float,
        route: str,
        names: Sequence[NewName] = (),
        sent: Sent = ALONE,
    ) -> Created:
        """Accept a job, durable with its names when this returns, and wait for its end as long as wished."""
        choices, refusal = await self._admitted(caller, spec, idempotency_key, route, sent)
        seen = await self._intake.see(caller.team, spec)
        if refusal is None:
            choices = _weighed(choices, described(spec, seen))
        taken = await self._intake.take_in(caller.team, spec, seen)
        accept = self._accept(caller, taken, idempotency_key, route, names, sent)
        waiter: asyncio.Future[Finished | None] | None = None
        if wait_s > 0:
            waiter = asyncio.get_running_loop().create_future()
        if accept.resent is None:
            accepted = await self._carrier.accept(accept, choices, waiter)
        elif refusal is None:
            accepted = await self._joining.entered(
                accept.resent, lambda: self._carrier.accept(accept, choices, waiter), sent.sender
            )
        else:
            accepted = await self._joining.only(accept.resent, refusal, sent.sender)
        if not accepted.replayed:
            return await unless_gone(self._created(accepted.job_id, waiter, wait_s), sent.sender)
        if accepted.joined:
            self._metrics.joined_retries.labels(route.strip("/").partition("/")[0]).inc()
        else:
            self._metrics.idempotent_replays.inc()
        shown = await unless_gone(self._reader.watch(caller, accepted.job_id, wait_s=wait_s), sent.sender)
        assert shown is not None  # noqa: S101 - only `seen` makes it None
        return Created(job=shown.job, tag=shown.tag, replayed=not accepted.joined, joined=accepted.joined)

    async def foresee(self, caller: Caller, spec: JobSpec) -> tuple[JobSpec, Origin | None]:
        """Return the spec with what its pictures are, and who made its source; refuse what would be refused."""
        if spec.priority > 0:
            need(caller, "admin")
        rules.check(spec, self._dialects)
        seen = await self._intake.see(caller.team, spec, follow=False)
        inputs = () if isinstance(spec.inputs, UnsetType) else spec.inputs
        source = next((found for each, found in zip(inputs, seen, strict=True) if each.role == "source"), None)
        record = None if source is None else source.record
        return described(spec, seen), None if record is None else await origin_of(self._store, record)

    async def _created(self, job_id: str, waiter: "asyncio.Future[Finished | None] | None", wait_s: float) -> Created:
        finished: Finished | None = None
        if waiter is not None:
            try:
                async with asyncio.timeout(wait_s):
                    finished = await waiter
            except TimeoutError:
                finished = None
            finally:
                carried = self._carrier.carried(job_id)
                if carried is not None and waiter in carried.waiters:
                    carried.waiters.remove(waiter)
        if finished is not None:
            return Created(job=finished.job, tag=tag(finished.last_event_id), data=_inline_fit(finished))
        shown = await self._reader.show(job_id)
        return Created(job=shown.job, tag=shown.tag)

    def _admit(self, caller: Caller, spec: JobSpec) -> list[Choice]:
        """Refuse what must be refused before anything is read or stored."""
        need(caller, "jobs:write")
        if spec.priority > 0:
            need(caller, "admin")
        rules.check(spec, self._dialects)
        return rules.healthy(spec, self._router.capable(spec, allow_of(caller)))

    async def _admitted(
        self, caller: Caller, spec: JobSpec, key: str | None, route: str, sent: Sent
    ) -> tuple[list[Choice], CatalogError | None]:
        """Return who could do it; raise what refuses it before anything is read or stored.

        Where only time stands in the way, a request that may join another's job is not refused yet: the refusal is
        returned, because whether there is such a job is known when the request's pictures are.
        """
        try:
            choices = self._admit(caller, spec)
            await self._check_room(caller, key, route)
        except CatalogError as refusal:
            if sent.joins is None or key is not None or refusal.code not in _PASSING:
                raise
            return [], refusal
        return choices, None

    async def _check_room(self, caller: Caller, key: str | None, route: str) -> None:
        """Raise where there is no room for another job; a request that made its job before needs none."""
        try:
            self._check_limits(caller)
        except CatalogError:
            if key is None:
                raise
            ask = partial(query.replayed, team=caller.team, route=route, key=key, now=self._clock.now())
            if await self._store.read(ask) is None:
                raise

    def _check_limits(self, caller: Caller) -> None:
        limits, now = self._settings.limits, self._clock.now()
        if self.stopping:
            raise CatalogError("gateway.overloaded", "The gateway is stopping.", retry_after_s=5)
        if self._carrier.queued(caller.team) >= limits.queued_per_team:
            raise CatalogError(
                "quota.rate_limited",
                "Your team has as many jobs waiting as it may.",
                retry_after_s=15,
                limit=limits.queued_per_team,
                limit_name="requests",
            )
        if self._carrier.queued_in_all() >= limits.queued_total:
            raise CatalogError("gateway.overloaded", "As many jobs wait as the gateway holds.", retry_after_s=30)
        if now - self._disk_checked_at > DISK_CHECK_S:
            self._disk_checked_at = now
            self._disk_full = self._store.files.free_bytes() < limits.min_free_disk_bytes
        if self._disk_full:
            raise CatalogError(
                "gateway.overloaded", "The gateway's disk is nearly full.", retry_after_s=60, reason="storage"
            )

    def _accept(
        self, caller: Caller, taken: TakenIn, key: str | None, route: str, names: Sequence[NewName], sent: Sent
    ) -> Accept:
        now = self._clock.now()
        spec = taken.spec
        deadline = None if isinstance(spec.deadline_s, UnsetType) else now + spec.deadline_s
        job = JobRecord(
            id=new_id("job"),
            team=caller.team,
            key_id=caller.key_id,
            operation=operation_of(spec),
            state="queued",
            phase="waiting_for_backend",
            priority=spec.priority,
            spec=spec,  # type: ignore[arg-type]
            client_ref=None if isinstance(spec.client_ref, UnsetType) else spec.client_ref,
            created_at=now,
            deadline_at=deadline,
        )
        idempotency, resent = None, None
        fingerprint = rules.fingerprint(spec if sent.meant is None else structs.replace(sent.meant, inputs=spec.inputs))
        if key is None:
            resent = self._joining.resent(caller, route, fingerprint, job.id, sent)
        else:
            idempotency = Idempotency(
                team=caller.team,
                route=route,
                key=key,
                fingerprint=fingerprint,
                job_id=job.id,
                expires_at=now + self._settings.keep.idempotency_hours * HOUR_S,
            )
        return Accept(
            job=job,
            events=(JobQueued(job_id=job.id, at=moment(now)),),
            tags={} if isinstance(spec.tags, UnsetType) else spec.tags,
            assets=taken.assets,
            holds=taken.held,
            idempotency=idempotency,
            names=naming.taken(names, caller.team, job.id),
            resent=resent,
        )


def _weighed(choices: list[Choice], spec: SpecBase) -> list[Choice]:
    """Keep the candidates that take the pictures, now that it is known what they are."""
    if isinstance(spec.inputs, UnsetType):
        return choices
    again = [
        structs.replace(choice, fit=fit(spec, choice.capability, choice.backend.dialect_name)) for choice in choices
    ]
    left = [choice for choice in again if choice.fits]
    if left:
        return left
    rejections = tuple(choice.rejection() for choice in again)
    faults = {fault.pointer: fault for rejection in reversed(rejections) for fault in rejection.reasons}
    facts: dict[str, Any] = {"errors": tuple(faults[pointer] for pointer in sorted(faults)), "candidates": rejections}
    if any(rejection.code != "request.too_large" for rejection in rejections):
        first = rejections[0].reasons[0]
        raise CatalogError("request.reference_invalid", f"{first.pointer}: {first.detail}", **facts)
    limits = {each.backend: int(fault.limit or 0) for each in rejections for fault in each.reasons}
    limit = max(limits.values())
    detail = f"An input picture is larger than {limit} bytes."
    raise CatalogError("request.too_large", detail, limit=limit, limits_by_backend=limits, **facts)


def _inline_fit(finished: Finished) -> dict[str, bytes]:
    room, kept = MAX_INLINE_BYTES, {}
    for asset_id, data in finished.data.items():
        if len(data) <= room:
            kept[asset_id] = data
            room -= len(data)
    return kept
