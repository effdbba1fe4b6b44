"""The way of `generate` into a job: whoever can honour the request is found first, and gets it."""

from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Struct, structs

from adapters.imgen.face import model
from adapters.imgen.face.asked import Ask
from adapters.imgen.face.wish import Wish, chosen, left_out, refusal, settled, wish, without
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Created, Desk, Explanation
from contracts.face import FaceSettings
from contracts.names import NewName
from contracts.sender import Sent
from contracts.spec import ImageGenerate

FACE = "imgen"
#: Kinds of names: runs, equal requests (for the cache), and hits in the cache.
RUN, EQUAL, HIT = "run", "equal", "hit"
ROUTE = "/imgen/api/v2"
#: How often wishes may be left out of one request: once for each that there is, at most.
_TRIES = 5


class Settled(Struct, frozen=True, kw_only=True):
    """A job that one candidate honours, and which of the client's wishes it had to leave out."""

    spec: ImageGenerate
    dropped: frozenset[str]

    @property
    def model(self) -> str:
        """Who serves it, in the contract's words."""
        return self.spec.model


class Begun(Struct, frozen=True, kw_only=True):
    """A run, as it was begun now or by an equal request before: its id, and what is remembered of it."""

    run: str
    note: Mapping[str, Any]
    created: Created


class Front:
    """What all actions share."""

    def __init__(self, desk: Desk, settings: FaceSettings) -> None:
        """Take what may be asked of the gateway, and where the face is."""
        self.desk = desk
        self.settings = settings

    @property
    def lenient(self) -> bool:
        """Whether the seed's silent fallbacks are wished."""
        return self.settings.silent_fallbacks

    def new_id(self, kind: str) -> str:
        """Return a fresh id of 128 random bits: `run_` or `cache_`, as the seed has it."""
        return f"{kind}_{self.settings.token(32)}"

    def now(self) -> float:
        """Return the time, in UTC seconds."""
        return self.settings.clock()

    def may_hand_out(self, caller: Caller) -> None:
        """Raise before anything is made what would keep its result from being asked for and fetched."""
        for scope in ("jobs:read", "assets:read"):
            if not caller.may(scope):
                raise CatalogError("auth.forbidden", f"This key lacks the scope {scope}.", reason=scope)

    async def settle(self, caller: Caller, ask: Ask, run: str) -> Settled:
        """Find who honours the request, leaving out wishes that nobody can; raise what refuses it."""
        meant = model.resolve(self.desk.catalogue, caller, ask.model, lenient=self.lenient)
        wished, dropped = wish(ask, meant, run, lenient=self.lenient), frozenset[str]()
        for _ in range(_TRIES):
            told = await self.desk.jobs.explain(caller, wished.spec)
            found = chosen(told)
            if found is not None:
                return Settled(spec=settled(wished.spec, found, ask), dropped=dropped)
            wished, dropped = self._less(told, wished, dropped)
        raise CatalogError("gateway.internal", "The request could not be settled.", reason="bug")

    def _less(self, told: Explanation, wished: Wish, dropped: frozenset[str]) -> tuple[Wish, frozenset[str]]:
        gone = left_out(told, wished)
        if not gone:
            raise refusal(told)
        return without(wished, gone), dropped | gone

    def meant(self, ask: Ask) -> ImageGenerate:
        """Return what was asked for by the client's own names, whoever can make it now: equal requests are equal."""
        spec = wish(ask, ask.model or model.AUTO, "", lenient=self.lenient).spec
        return structs.replace(spec, client_ref=UNSET, optimize_prompt=True if ask.optimize else UNSET)

    async def earlier(self, caller: Caller, ask: Ask, key: str) -> Begun | None:
        """Return the run that an equal request began under this key; raise for a key of another request."""
        created = await self.desk.jobs.earlier(caller, self.meant(ask), idempotency_key=key, route=ROUTE)
        return None if created is None else await self._known(caller, created)

    async def begin(
        self,
        caller: Caller,
        spec: ImageGenerate,
        run: str,
        note: Mapping[str, Any],
        equal: str,
        alike: str,
        key: str | None,
        sent: Sent,
    ) -> Begun:
        """Make the job, with what it is found by: its id, and what requests have to be to be answered with it."""
        names = [
            NewName(face=FACE, kind=RUN, native_id=run, collection=alike, note=note),
            NewName(face=FACE, kind=EQUAL, native_id=run, collection=equal, note=note),
        ]
        created = await self.desk.jobs.create(
            caller, spec, idempotency_key=key, wait_s=0, route=ROUTE, names=names, sent=sent
        )
        if created.replayed:
            return await self._known(caller, created)
        return Begun(run=run, note=note, created=created)

    async def _known(self, caller: Caller, created: Created) -> Begun:
        named = await self.desk.names.of_job(caller, FACE, RUN, created.job.id)
        if named is None:
            raise CatalogError("resource.expired", "The run of this Idempotency-Key is past its time.")
        return Begun(run=named.native_id, note=named.note, created=created)
