"""What all routes share: the desk, the settings, and the way of a request into a job and out of it.

`begin` makes the job; `ended` makes it and waits for its end, as long as a client that waits is kept waiting
(`SYNC_LIMIT_S`). Every job of this face is made here and nowhere else.

An option that no candidate can honour is refused, but for what the gateway does itself and loses nothing by: several
native jobs for several pictures, and another encoding of the same picture. Then the one candidate is named that needs
nothing else, because the contract's `adapt` would allow a nearly right size too.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

from msgspec import UnsetType, structs

from adapters.kit.repeated import key_of, replayed
from adapters.openai.face.said import JOB, OWN
from contracts.caller import Caller
from contracts.catalog import CatalogError, Fault, Problem
from contracts.codes import ErrorCode
from contracts.desk import Created, Desk, Verdict
from contracts.face import Call, FaceSettings
from contracts.job import TERMINAL, Job
from contracts.media import InputRole
from contracts.names import NewName
from contracts.sender import Sent
from contracts.spec import Route, SpecBase, operation_of

FACE = "openai"
#: How long a client that waits for its pictures is kept waiting, in seconds; the job goes on without it.
SYNC_LIMIT_S = 600.0
#: What SDKs built like OpenAI's say with every request: how often they sent it before.
RETRY_COUNT = "x-stainless-retry-count"
#: Pointers of what the gateway does itself so that nothing is lost.
_KEPT = ("/n", "/output/format", "/output/compression")
_REFUSED: frozenset[ErrorCode] = frozenset({"request.option_unsupported", "request.field_invalid"})
_INPUT = re.compile(r"/inputs/(\d+)")
#: In which field a client sends a picture of each role.
_FIELDS: Mapping[InputRole, str] = {
    "source": "image",
    "reference": "image",
    "mask": "mask",
    "first_frame": "input_reference",
    "watermark": "image",
}
SpecT = TypeVar("SpecT", bound=SpecBase)


class Ended(Exception):  # noqa: N818 - how a job ended, and with it what its client is told
    """A request whose job brought nothing, or has not ended yet."""

    def __init__(self, problem: Problem, created: Created, *, joins: bool = False) -> None:
        """Take what is told; `joins`: the same request sent again is answered by the same job."""
        super().__init__(problem.code)
        self.problem = problem
        self.job = created.job
        self.headers = {JOB: self.job.id, **replayed(created)} | ({"X-Should-Retry": "true"} if joins else {})


class Front:
    """See the module's docstring."""

    def __init__(self, desk: Desk, settings: FaceSettings, *, sync_limit_s: float = SYNC_LIMIT_S) -> None:
        """Take what may be asked of the gateway, where the face is, and how long its clients may wait."""
        self.desk = desk
        self.settings = settings
        self.sync_limit_s = sync_limit_s

    def now(self) -> int:
        """Return the time as OpenAI writes it: whole seconds, UTC."""
        return int(self.settings.clock())

    def signed_url(self, asset_id: str) -> str:
        """Return an address of a file that needs no key for an hour."""
        return f"{self.settings.gateway_url}{self.desk.assets.signed_path(asset_id)}"

    async def begin(
        self,
        call: Call,
        caller: Caller,
        spec: SpecT,
        *,
        wait_s: float = 0,
        names: Sequence[NewName] = (),
        meant: SpecBase | None = None,
    ) -> Created:
        """Make the job; raise what refuses it. `meant` is what the client asked for, if this is a way of making it."""
        # An answer that its client did not wait for is fetched again, not made again.
        joins: Literal["lost", "newest"] = "newest" if is_sent_again(call) else "lost"
        sent = Sent(sender=call.sender, meant=spec if meant is None else meant, joins=joins)
        try:
            try:
                return await self._made(call, caller, spec, wait_s, names, sent)
            except CatalogError as refusal:
                settled = await self._by_the_gateway(caller, spec, refusal)
                if settled is None:
                    raise
            return await self._made(call, caller, settled, wait_s, names, sent)
        except CatalogError as refusal:
            refusal.errors = tuple(_named(fault, spec) for fault in refusal.errors)
            raise

    async def _made(
        self, call: Call, caller: Caller, spec: Any, wait_s: float, names: Sequence[NewName], sent: Sent
    ) -> Created:
        return await self.desk.jobs.create(
            caller,
            spec,
            idempotency_key=key_of(call),
            wait_s=wait_s,
            route=f"/{FACE}{call.path}",
            names=names,
            sent=sent,
        )

    async def _by_the_gateway(self, caller: Caller, spec: SpecT, refusal: CatalogError) -> SpecT | None:
        """Return the job for the first candidate that needs nothing but what the gateway does without loss."""
        if refusal.code not in _REFUSED or not any(_is_kept(fault.pointer) for fault in refusal.errors):
            return None
        adapting: Any = structs.replace(spec, on_unsupported="adapt")
        found = await self._able(caller, adapting)
        if found is None:
            return None
        route = spec.route if isinstance(spec.route, Route) else Route()
        account = route.accounts if found.account is None else (found.account,)
        settled: SpecT = structs.replace(adapting, model=found.model, route=structs.replace(route, accounts=account))
        return settled

    async def _able(self, caller: Caller, adapting: Any) -> Verdict | None:
        told = await self.desk.jobs.explain(caller, adapting)
        return next((each for each in told.candidates if each.fits and not each.kept_local and _keeps(each)), None)

    async def can(self, caller: Caller, spec: SpecBase) -> bool:
        """Say whether some candidate honours all of a job, with what the gateway does itself."""
        try:
            return await self._able(caller, structs.replace(spec, on_unsupported="adapt")) is not None
        except CatalogError:
            return False

    async def ended(self, call: Call, caller: Caller, spec: SpecT, *, meant: SpecBase | None = None) -> Created:
        """Make the job and wait until it has succeeded; raise `Ended` for every other end, and when it takes longer."""
        began = self.settings.clock()
        created = await self.begin(call, caller, spec, wait_s=self.sync_limit_s, meant=meant)
        job = created.job
        if job.state not in TERMINAL:
            raise self._goes_on(call, created, waited_s=self.settings.clock() - began)
        problem = self.problem(job)
        if problem is not None:
            raise Ended(problem, created)
        return created

    def _goes_on(self, call: Call, created: Created, *, waited_s: float) -> Ended:
        """Say that a job takes longer than its client may wait, or than this process lives.

        An SDK's own retry says that it is one (`RETRY_COUNT`), and joins the job; another client is not invited.
        """
        job = created.job
        text = f"The job {job.id} goes on: GET /v1/jobs/{job.id} tells how it ends"
        if waited_s < self.sync_limit_s:
            error = CatalogError("gateway.overloaded", f"The server is stopping. {text}.", outcome="unknown")
        else:
            error = CatalogError("job.deadline_exceeded", f"Not done within {self.sync_limit_s:.0f} seconds. {text}.")
        return Ended(error.problem(job_id=job.id), created, joins=RETRY_COUNT in call.headers)

    def problem(self, job: Job) -> Problem | None:
        """Say how a job that has ended failed; None when it succeeded."""
        if job.state == "succeeded":
            return None
        if job.error is not None:
            return job.error
        if job.state == "cancelled":
            return CatalogError("job.cancelled", "The job was cancelled.").problem(job_id=job.id)
        text = "The job has not ended, and nothing more is told of it here: the server is stopping."
        return CatalogError("gateway.overloaded", text, outcome="unknown").problem(job_id=job.id)

    def need(self, caller: Caller, *scopes: str) -> None:
        """Raise before anything is made what would keep its result from being handed out."""
        for scope in scopes:
            if not caller.may(scope):
                raise CatalogError("auth.forbidden", f"This key lacks the scope {scope}.", reason=scope)


def is_sent_again(call: Call) -> bool:
    """Say whether a client says of a request that it had sent it before."""
    count = call.headers.get(RETRY_COUNT, "0").strip()
    return count.isascii() and count.isdigit() and int(count[:9]) > 0


def _named(fault: Fault, spec: SpecBase) -> Fault:
    """Return a fault of an input picture by the field in which the client sent that picture."""
    at = _INPUT.match(fault.pointer)
    inputs = () if isinstance(spec.inputs, UnsetType) else spec.inputs
    if at is None:
        return fault
    role: InputRole = inputs[int(at[1])].role if int(at[1]) < len(inputs) else "source"
    if role == "reference" and operation_of(spec) == "video.generate":
        role = "first_frame"
    return structs.replace(fault, pointer=f"{OWN}{_FIELDS[role]}")


def _is_kept(pointer: str) -> bool:
    return pointer in _KEPT


def _keeps(verdict: Verdict) -> bool:
    return all(_is_kept(each.pointer) for each in verdict.adjustments)
