"""The way of every request that makes something: into a job with its native names, and out of it when it has ended."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from msgspec import UNSET, Struct, structs

from adapters.ima2.face import inverse, model
from adapters.ima2.face.asked import Terms, body_of
from adapters.ima2.face.failure import Failure, check
from adapters.ima2.face.profile import Profile, Route
from adapters.ima2.face.said import SANDBOX
from adapters.ima2.face.wish import wish
from adapters.kit import repeated
from adapters.kit.wish import Wish, left_out, without
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Created, Desk
from contracts.face import Call, FaceSettings
from contracts.job import TERMINAL, Job
from contracts.media import Input
from contracts.names import Named, NewName
from contracts.sender import Sent
from contracts.spec import ImageEdit, ImageGenerate, Operation, Video, VideoGenerate

FACE = "ima2"
#: Kinds of names: what files and nodes begin with, and what clients call their requests.
FILE, REQUEST = "file", "request"
#: Longer than any job may last: a job has limits of its own, a client that waits has none.
WAIT_S = 24 * 3600.0
#: How often wishes may be left out of one request: once for each that there is, at most.
_TRIES = 8


class Ask(Struct, frozen=True, kw_only=True):
    """What a route makes of a request."""

    route: Route
    kind: type[ImageGenerate | ImageEdit | VideoGenerate]
    terms: Terms
    request_id: str
    n: int = 1
    inputs: tuple[Input, ...] = ()
    options: Mapping[str, Any] = {}
    video: Video | None = None
    session: str | None = None
    #: What the route itself remembers.
    note: Mapping[str, Any] = {}
    is_node: bool = False


class Begun(Struct, frozen=True, kw_only=True):
    """A job that was accepted, or that an equal request made before."""

    named: Named
    created: Created

    @property
    def request_id(self) -> str:
        """The id by which its client may ask for it: of a replay the first request's."""
        return str(self.named.note["requestId"] or "")

    @property
    def headers(self) -> dict[str, str]:
        """What the answer says of itself."""
        sandbox = {SANDBOX: "true"} if self.created.job.sandbox else {}
        return {**sandbox, **repeated.replayed(self.created)}


class Front:
    """What all routes share."""

    def __init__(self, desk: Desk, settings: FaceSettings, profile: Profile) -> None:
        """Take what may be asked of the gateway, where the face is, and which build it is."""
        self.desk = desk
        self.settings = settings
        self.profile = profile

    async def begin(self, call: Call, caller: Caller, ask: Ask, *, wait_s: float) -> Begun:
        """Make the job, leaving out wishes that nobody can honour; raise what refuses it."""
        key = self._key(call)
        operation = _OPERATIONS[ask.kind]
        meant = model.resolve(self.desk.catalogue, caller, ask.terms.model, operation)
        dropped = {"/model"} if meant == model.AUTO and ask.terms.model not in (None, model.AUTO) else set()
        wished = wish(
            ask.kind,
            ask.terms,
            model=meant,
            inputs=ask.inputs,
            n=ask.n,
            options=ask.options,
            video=ask.video,
            request_id=ask.request_id,
        )
        # An id that the client did not choose is another one the next time.
        named = wished.spec.client_ref if ask.request_id != call.request_id else UNSET
        sent = Sent(sender=call.sender, meant=structs.replace(wished.spec, client_ref=named))
        for _ in range(_TRIES):
            try:
                return await self._made(caller, ask, wished, dropped, wait_s, key, sent)
            except CatalogError as error:
                found = left_out(error, wished)
                if not found:
                    raise
                dropped |= found
                wished = without(wished, found)
        raise CatalogError("gateway.internal", "The request could not be settled.", reason="bug")

    def _key(self, call: Call) -> str | None:
        """Return the idempotency key: of NEW's clients also the body's (wire §11), here of every route."""
        key: Any = call.headers.get(repeated.HEADER)
        if key is None and self.profile.is_new:
            key = (body_of(call) or {}).get("idempotencyKey")
        if key is not None and not repeated.is_key(key):
            raise check("IDEMPOTENCY_KEY_INVALID", "Idempotency-Key must be 1 to 255 printable characters")
        return None if key is None else str(key)

    async def _made(
        self,
        caller: Caller,
        ask: Ask,
        wished: Wish,
        dropped: set[str],
        wait_s: float,
        key: str | None,
        sent: Sent,
    ) -> Begun:
        stem = f"n_{self.settings.token(32)}" if ask.is_node else f"{self.now_ms()}_{self.settings.token(32)}"
        note = {**self._note(ask, dropped), "stem": stem}
        names = [NewName(face=FACE, kind=FILE, native_id=stem, collection=ask.session, note=note)]
        if ask.request_id:
            # NEW refuses an id that is in use; the older builds let the newer request have it (wire §7, §11).
            exclusive = self.profile.is_new
            names.append(
                NewName(
                    face=FACE,
                    kind=REQUEST,
                    native_id=ask.request_id,
                    collection=ask.session,
                    note=note,
                    exclusive=exclusive,
                )
            )
        created = await self.desk.jobs.create(
            caller,
            wished.spec,
            idempotency_key=key,
            wait_s=wait_s,
            route=f"/ima2/api/{ask.route}",
            names=names,
            sent=sent,
        )
        named = Named(native_id=stem, job=created.job, collection=ask.session, note=note)
        if created.replayed:
            named = await self.desk.names.of_job(caller, FACE, FILE, created.job.id) or named
        return Begun(named=named, created=created)

    def _note(self, ask: Ask, dropped: set[str]) -> dict[str, Any]:
        terms = ask.terms
        return {
            "route": ask.route,
            "requestId": ask.request_id or None,
            "sessionId": ask.session,
            "quality": terms.quality or "medium",
            "size": terms.shown_size,
            "format": terms.format or "png",
            "moderation": terms.moderation or "low",
            "n": ask.n,
            "promptMode": "direct" if terms.direct else "auto",
            "webSearchEnabled": terms.web_search,
            "warnings": list(terms.warnings),
            "dropped": sorted(dropped),
            "refsCount": sum(each.role == "reference" for each in ask.inputs),
            **ask.note,
        }

    def stream_headers(self, headers: Mapping[str, str], begun: Begun | None = None) -> dict[str, str]:
        """Return the headers of a stream: it begins before anybody knows who will make its pictures."""
        sandbox = {SANDBOX: "true"} if self.settings.sandbox else {}
        return {**headers, **sandbox, **({} if begun is None else repeated.replayed(begun.created))}

    def now_ms(self) -> int:
        """Return the time as JavaScript has it."""
        return int(self.settings.clock() * 1000)

    def failure(self, error: CatalogError, route: Route) -> Failure:
        """Say an error in ima2's words."""
        return inverse.failure(error.problem(), route, self.profile)

    def ended(self, job: Job, route: Route) -> Failure | None:
        """Say how a job failed; None when it has pictures. Raise when it has not ended: the gateway is stopping."""
        if job.state == "succeeded":
            return None
        if job.state == "cancelled":
            return inverse.failure(CatalogError("job.cancelled", "Generation canceled").problem(), route, self.profile)
        if job.error is not None:
            return inverse.failure(job.error, route, self.profile, job.account)
        if job.state in TERMINAL:
            bug = CatalogError("gateway.internal", "The job ended without a result.", reason="bug")
            return self.failure(bug, route)
        raise CatalogError(
            "gateway.overloaded",
            # No hint when to come again: the job is there, and another request would be another job.
            "The server is stopping; the job goes on, and the history will have its result.",
        )

    async def last(self, caller: Caller, named: Named) -> Job:
        """Return a job as it is now."""
        shown = await self.desk.jobs.get(caller, named.job.id)
        return named.job if shown is None else shown.job

    def story(self, caller: Caller, job_id: str) -> AsyncGenerator[bytes]:
        """Return the frames of a job's events."""
        return self.desk.jobs.events(caller, job_id, None)


_OPERATIONS: dict[type, Operation] = {
    ImageGenerate: "image.generate",
    ImageEdit: "image.edit",
    VideoGenerate: "video.generate",
}
