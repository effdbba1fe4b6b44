"""Drives one ima2 server. TAG and HEAD answer when the picture is there; NEW answers at once and is asked again.

Edits are answered when they are done on every build, sequences, nodes and films in frames. What an answer that was
lost became is found by request id (`tracing.py`).
"""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing

import msgspec
from msgspec import structs

from adapters.ima2 import asking, errors, finding, passing
from adapters.ima2.asking import Ask
from adapters.ima2.capability import discovery
from adapters.ima2.frames import done_of, read_frame
from adapters.ima2.stream import MAX_STREAM_BYTES, Streams
from adapters.ima2.tracing import POLL_S, Trace
from adapters.ima2.translate import to_note
from adapters.ima2.wire import AccountStatus, CancelAnswer, Capabilities, EventFrame, PictureAnswer, Providers
from adapters.kit.http import MAX_PICTURE_BYTES, MAX_VIDEO_BYTES
from adapters.kit.rules import Signal
from contracts.capability import Discovery
from contracts.catalog import CatalogError
from contracts.codes import ErrorCode
from contracts.port import (
    AccountHealth,
    BackendSettings,
    Done,
    Emit,
    Handle,
    Health,
    Hint,
    InputBytes,
    Moments,
    Order,
    Output,
    Pending,
    PhaseNote,
    Polled,
    Prepared,
    Recovered,
    Stopped,
    Verdict,
)
from contracts.prompts import PromptOrder, Written
from contracts.relay import RelayCall, Relayed

#: The multiplex pings every 15 s; who is silent for longer is gone. Its connection is made anew after so many bytes.
SILENCE_S = 45.0
MAX_WATCHED_BYTES = 4 * MAX_STREAM_BYTES


class Ima2:
    """See the module's docstring."""

    def __init__(self, settings: BackendSettings) -> None:
        """Take the settings of one backend."""
        self._settings = settings
        self._found: Discovery | None = None
        self._last_event: str | None = None
        self._file = finding.file_of(settings.base_url)
        self._exchanges = Streams(
            settings if self._file is None else structs.replace(settings, base_url=""),
            read=errors.read,
            classify=self._classify,
            key_header=lambda key: {"x-ima2-token": key},
        )
        self._trace = Trace(self._exchanges, settings.name)

    async def close(self) -> None:
        """Close connections."""
        await self._exchanges.close()

    def discovery(self) -> Discovery | None:
        """Return what the last probes found."""
        return self._found

    async def discover(self) -> Discovery:
        """Probe what it is: capabilities, then providers, then its accounts (wire §13.1)."""
        address = None
        if self._file is not None:
            # Another port after a restart: whoever was refused there asks here again, and goes on.
            address = finding.address_in(self._file, self._settings.name)
            self._exchanges.move_to(address)
        capabilities = await self._capabilities()
        providers = await self._exchanges.json(Providers, "GET", "/api/providers")
        oauth = await self._exchanges.json(AccountStatus, "GET", "/api/oauth/status")
        grok = None
        if capabilities is not None and "grok" in (capabilities.valid.get("providers") or ()):
            grok = await self._exchanges.json(AccountStatus, "GET", "/api/grok/status")
        found = discovery(capabilities, providers, oauth, grok, self._settings.timeouts)
        self._found = structs.replace(found, address=address)
        return self._found

    async def _capabilities(self) -> Capabilities | None:
        try:
            return await self._exchanges.json(Capabilities, "GET", "/api/capabilities")
        except CatalogError as error:
            # TAG and HEAD answer a 404 page: that is their way of saying what they are.
            if error.code == "backend.bad_response" and error.native and error.native.http_status == 404:
                return None
            raise

    async def health(self) -> Health:
        """Ask each account; `/api/health` itself says `ok` even with a dead upstream (wire §2)."""
        oauth = await self._exchanges.json(AccountStatus, "GET", "/api/oauth/status")
        accounts = [_account("oauth", oauth.status)]
        names = {account.name for account in self._found.accounts} if self._found else set()
        if "api" in names:
            providers = await self._exchanges.json(Providers, "GET", "/api/providers")
            accounts.append(_account("api", "ready" if providers.api_key else "no_key"))
        if "grok" in names:
            grok = await self._exchanges.json(AccountStatus, "GET", "/api/grok/status")
            accounts.append(_account("grok", "auth_required" if grok.reason == "login_required" else grok.status))
        return Health(up=True, accounts=tuple(accounts))

    @property
    def _is_new(self) -> bool:
        return self._found is not None and self._found.profile == "new"

    def _classify(self, signal: Signal) -> Verdict:
        """Return what an answer means; before it is known which build gave it, as of the one that promises least."""
        profile = "tag" if self._found is None else self._found.profile
        return errors.classify(structs.replace(signal, profile=profile))

    def prepare(self, order: Order) -> Prepared:
        """Make the request id and the note; NEW's generate is asked asynchronously."""
        return asking.prepare(order)

    async def submit(self, handle: Handle, order: Order, inputs: Sequence[InputBytes], emit: Emit) -> Pending | Done:
        """Hand the work over. Where it is not taken in at once this lasts until the pictures are there."""
        del handle
        ask = asking.ask(order, inputs)
        try:
            return await (self._streamed(ask, order, emit) if ask.streams else self._sent(ask, order, emit))
        except CatalogError as error:
            if error.facts.get("reason") == "ours_already":
                return Pending(POLL_S)
            if ask.parent is not None and error.code == "resource.not_found":
                # It was ours, and is gone there: another attempt sends the picture itself.
                raise CatalogError(
                    "backend.job_lost",
                    "The backend no longer has the picture that was to be continued.",
                    outcome="not_started",
                    native=error.native,
                    backend=self._settings.name,
                ) from None
            raise

    async def _sent(self, ask: Ask, order: Order, emit: Emit) -> Pending | Done:
        """Make an exchange that is answered once: TAG and HEAD give no sign of life meanwhile."""
        headers = {"X-Request-Id": ask.request_id}
        if ask.asynchronous:
            headers["Idempotency-Key"] = ask.request_id
        else:
            emit(PhaseNote("image"))
        answer = await self._exchanges.send(
            "POST",
            ask.path,
            body=msgspec.json.encode(ask.body),
            headers=headers,
            timeout_s=order.capability.time.submit_s,
            phase="image",
            lasting=not ask.asynchronous,
            max_bytes=MAX_PICTURE_BYTES,
        )
        if answer.status == 202:
            # Taken in, not begun: its registry calls it queued until the upstream has it (wire §11).
            return Pending(POLL_S, phase="queued_at_backend")
        return done_of(self._exchanges.decode(answer.body, PictureAnswer, status=answer.status), ask, order)

    async def _streamed(self, ask: Ask, order: Order, emit: Emit) -> Done:
        """Make an exchange that tells how the work goes; a stream that ends without an end is a lost answer."""
        time = order.capability.time
        stream = self._exchanges.frames(
            "POST",
            ask.path,
            body=msgspec.json.encode(ask.body),
            headers={"X-Request-Id": ask.request_id},
            # Between two frames nothing may come for as long as the whole work takes.
            timeout_s=time.submit_s if order.capability.blocking else time.attempt_s,
            phase="video" if ask.route == "video" else "image",
        )
        async with aclosing(stream):
            async for frame in stream:
                try:
                    read = read_frame(frame, ask, order, emit)
                except (msgspec.DecodeError, ValueError):
                    raise self._exchanges.broken("A frame is not of the shape the backend promises.") from None
                if isinstance(read, Signal):
                    raise self._exchanges.error(read)
                if read is not None:
                    return read
        raise self._exchanges.broken()

    async def poll(self, handles: Sequence[Handle]) -> Mapping[str, Polled]:
        """Ask the registry for all handles at once, or the history for those that the registry calls finished."""
        return await self._trace.poll({handle.id: to_note(handle) for handle in handles})

    async def cancel(self, handle: Handle) -> Stopped:
        """TAG and HEAD forget the row and go on; NEW stops the upstream call and says so (wire §7, §11)."""
        note = to_note(handle)
        answer = await self._exchanges.send("DELETE", f"/api/inflight/{note.request_id}", timeout_s=10)
        if answer.status == 204 or not answer.body:
            return Stopped("forgotten", "this server only forgets the request: the picture is still made, and billed")
        said = self._exchanges.decode(answer.body, CancelAnswer, status=answer.status)
        if said.aborted:
            return Stopped("stopped", "the server aborted the upstream call")
        return Stopped("forgotten", "the server had nothing under way to stop")

    async def recover(self, handle: Handle, moments: Moments) -> Recovered:
        """Find a request whose answer was lost, one look at a time."""
        return await self._trace.recover(to_note(handle), moments)

    def watch(self) -> AsyncGenerator[Hint, None] | None:
        """Listen to NEW's multiplex of all jobs; the other builds have none."""
        return self._hints() if self._is_new else None

    async def _hints(self) -> AsyncGenerator[Hint, None]:
        """Yield whose work ended, and everybody where the server lost events that we had not seen (wire §11)."""
        stream = self._exchanges.frames(
            "GET",
            "/api/events",
            headers={} if self._last_event is None else {"Last-Event-ID": self._last_event},
            timeout_s=SILENCE_S,
            phase="poll",
            max_bytes=MAX_WATCHED_BYTES,
        )
        async with aclosing(stream):
            async for frame in stream:
                self._last_event = frame.id or self._last_event
                if frame.event == "replay-gap":
                    self._last_event = None
                    yield Hint(None)
                elif frame.event in ("done", "error"):
                    yield Hint(self._exchanges.decode(frame.data, EventFrame).job_id)

    async def relay(self, call: RelayCall) -> Relayed:
        """Pass a request about the server's own state on (contracts.relay)."""
        return await passing.relay(self._exchanges, self._settings.name, call)

    async def write(self, order: PromptOrder) -> Written:
        """Ask the prompt builder (contracts.prompts)."""
        return await passing.write(self._exchanges, self._settings.name, order)

    def fetch(self, output: Output) -> AsyncIterator[bytes]:
        """Stream a stored file."""
        most = MAX_VIDEO_BYTES if output.role == "video" else MAX_PICTURE_BYTES
        return self._exchanges.stream(output.reference or "", max_bytes=most)


def _account(name: str, status: str) -> AccountHealth:
    codes: dict[str, ErrorCode] = {
        "auth_required": "backend.credentials_rejected",
        "no_key": "backend.misconfigured",
        "no_image_model": "backend.misconfigured",
    }
    ready = status == "ready"
    return AccountHealth(
        name=name, ready=ready, code=None if ready else codes.get(status, "backend.unavailable"), detail=status
    )
