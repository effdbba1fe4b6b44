"""Drives one imgen endpoint: `generate`, then `status` to the very end, because the review runs inside it.

There is no way to cancel, and no way to ask after a run whose id was never received.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from adapters.imgen import errors, result, translate, writing
from adapters.imgen.capability import ACCOUNT, POLL_S, discovery
from adapters.imgen.translate import Note
from adapters.imgen.wire import Action, Models, ModelsRequest, Run, Status
from adapters.imgen.wire import Written as Said
from adapters.kit.http import MAX_PICTURE_BYTES, Exchanges
from contracts.capability import Discovery
from contracts.catalog import CatalogError, ErrorPhase
from contracts.port import (
    AccountHealth,
    BackendSettings,
    CannotTell,
    Done,
    Emit,
    Handle,
    Health,
    InputBytes,
    Moments,
    Order,
    Output,
    Pending,
    Polled,
    Prepared,
    Recovered,
    Stopped,
)
from contracts.prompts import PromptOrder, Written

T = TypeVar("T")


class Imgen:
    """See the module's docstring."""

    def __init__(self, settings: BackendSettings) -> None:
        """Take the settings of one backend; `base_url` is the endpoint itself."""
        self._settings = settings
        self._found: Discovery | None = None
        self._models = Models()
        self._poll_s = settings.timeouts.get("poll_interval_s", POLL_S)
        self._exchanges = Exchanges(
            settings,
            read=errors.read,
            classify=errors.TABLE.classify,
            key_header=lambda key: {"Authorization": f"Bearer {key}"},
            errors_in_success=True,
        )

    async def close(self) -> None:
        """Close connections."""
        await self._exchanges.close()

    def discovery(self) -> Discovery | None:
        """Return what was last found."""
        return self._found

    async def _do(self, kind: type[T], request: Action, *, timeout_s: float = 30, phase: ErrorPhase = "poll") -> T:
        action = str(request.__struct_config__.tag)
        body = msgspec.json.encode(request)
        return await self._exchanges.json(kind, "POST", "", body=body, timeout_s=timeout_s, route=action, phase=phase)

    async def discover(self) -> Discovery:
        """Ask for characters, models and styles."""
        models = self._models = await self._do(Models, ModelsRequest())
        self._found = discovery(models, cache=self._settings.shared_cache_ok, timeouts=self._settings.timeouts)
        return self._found

    async def health(self) -> Health:
        """Ask for the models: the cheapest question that needs a good key."""
        await self._do(Models, ModelsRequest(), timeout_s=10)
        return Health(up=True, accounts=(AccountHealth(name=ACCOUNT, ready=True),))

    def prepare(self, order: Order) -> Prepared:
        """Make the handle: until the run's id is known there is nothing to be found by."""
        return translate.prepare(order)

    async def submit(self, handle: Handle, order: Order, inputs: Sequence[InputBytes], emit: Emit) -> Pending | Done:
        """Start a run."""
        del emit
        request = translate.to_request(order, inputs)
        run = await self._do(Run, request, timeout_s=order.capability.time.submit_s, phase="queue")
        return Pending(self._poll_s, phase="queued_at_backend", handle=translate.with_run(handle, run))

    async def poll(self, handles: Sequence[Handle]) -> Mapping[str, Polled]:
        """Ask after one run. A 5xx here is passing; a state is final."""
        (handle,) = handles
        try:
            return {handle.id: await self._status(translate.to_note(handle))}
        except CatalogError as error:
            if _is_final(error):
                return {handle.id: error}
            raise

    async def _status(self, note: Note) -> Polled:
        body = msgspec.json.encode(translate.to_status(note))
        answer = await self._exchanges.send("POST", "", body=body, route="status", raw=True)
        signal = errors.read("status", answer.status, answer.body, answer.media_type)
        if signal is not None:
            error = self._exchanges.error(signal)
            if signal.state == "unsafe":
                error.withheld = result.to_withheld(answer.body)
            raise error
        status = self._exchanges.decode(answer.body, Status, status=answer.status)
        if status.status in errors.PENDING:
            return result.to_pending(status, self._poll_s)
        return result.to_done(status, note, trust_cache=self._settings.trust_cache)

    async def cancel(self, handle: Handle) -> Stopped:
        """Say that nothing can be cancelled here (the API has no such action)."""
        del handle
        return Stopped("cannot", "this backend cannot cancel: the picture is made all the same, and may cost")

    async def recover(self, handle: Handle, moments: Moments) -> Recovered:
        """Go on with a run whose id is known; about any other nobody can be asked."""
        del moments
        if translate.to_note(handle).id is None:
            return CannotTell("the backend cannot be asked about a run whose id was never received")
        return Pending(0)

    async def write(self, order: PromptOrder) -> Written:
        """Have a prompt enhanced, or made up."""
        request = writing.to_request(order, self._models)
        said = await self._do(Said, request, timeout_s=writing.WRITE_S, phase="optimize")
        return writing.to_written(order, request, said.prompt, self._settings.name)

    def fetch(self, output: Output) -> AsyncIterator[bytes]:
        """Stream a picture from its signed URL."""
        return self._exchanges.stream(output.reference or "", max_bytes=MAX_PICTURE_BYTES)


def _is_final(error: CatalogError) -> bool:
    """Say whether an error is about the run itself: a state (answered with 200), or an id that is gone."""
    status = error.native.http_status if error.native is not None else None
    if status is None or error.facts.get("reason") == "not_json":
        return False
    return status < 300 or status in (400, 404)
