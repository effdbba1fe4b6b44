"""A backend that does what a test tells it to, lasts as long as it is told, and remembers what it was asked."""

import asyncio
import base64
import hashlib
import struct
import zlib
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from msgspec import Raw, Struct

from contracts.capability import AccountInfo, Capability, Discovery, ModelInfo, TimeLimits
from contracts.catalog import CatalogError
from contracts.port import (
    AccountHealth,
    CannotTell,
    Done,
    Emit,
    Handle,
    Health,
    InputBytes,
    Moments,
    Order,
    Output,
    PartialImage,
    Pending,
    PhaseNote,
    Polled,
    Prepared,
    Recovered,
    Stopped,
)

#: A backend that is asked again after its submit, and can be asked about everything.
QUEUE = Capability(
    recover=True, cancel="stops", progress=True, time=TimeLimits(submit_s=15, attempt_s=600, settle_s=900)
)
#: A backend whose submit lasts until the picture is there.
BLOCKING = Capability(
    blocking=True, recover=True, cancel="stops", time=TimeLimits(submit_s=600, attempt_s=600, settle_s=900)
)


def picture(name: str, side: int = 8) -> bytes:
    """Return a small PNG that is like no other one of another name."""
    colour = hashlib.sha256(name.encode()).digest()[:3]
    rows = (b"\x00" + colour * side) * side

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def done(*names: str, **facts: Any) -> Done:
    """Return a result with one picture for each name."""
    outputs = (Output(index=at, base64=base64.b64encode(picture(name))) for at, name in enumerate(names))
    return Done(outputs=tuple(outputs), **facts)


def offered(*references: str) -> Done:
    """Return a result whose pictures must be fetched."""
    return Done(outputs=tuple(Output(index=at, reference=each) for at, each in enumerate(references)))


def lost(detail: str = "The line broke after the request was sent.") -> CatalogError:
    """Return the error of a submit whose answer nobody got."""
    return CatalogError("backend.unavailable", detail, outcome="unknown", reason="answer_lost")


class Held:
    """An exchange that lasts until the test answers it."""

    def __init__(self) -> None:
        """Begin unasked and unanswered."""
        self.began = asyncio.Event()
        self._answered = asyncio.Event()
        self._answer: Any = None

    def answer(self, answer: Any) -> None:
        """Let the exchange end so."""
        self._answer = answer
        self._answered.set()

    async def wait(self) -> Any:
        """Last until the answer is there."""
        self.began.set()
        await self._answered.wait()
        return self._answer


class Broken(Struct, frozen=True):
    """An exchange that fails as a whole: what it raises."""

    error: BaseException


class Tells(Struct, frozen=True):
    """A submit that tells something before it answers."""

    notes: tuple[PhaseNote | PartialImage, ...]
    then: Any


class Call(Struct, frozen=True):
    """One exchange that was asked for."""

    verb: str
    handles: tuple[str, ...]


class FakeAdapter:
    """Answers each verb with what was put in line for it, and with its usual answer when nothing was."""

    def __init__(
        self,
        name: str = "north",
        capability: Capability = BLOCKING,
        *,
        models: Sequence[str] = ("m",),
        accounts: Sequence[str] = ("main",),
    ) -> None:
        """Take what it says of itself: each account has each model, and all can do the same."""
        self.name = name
        self.calls: list[Call] = []
        self.orders: dict[str, Order] = {}
        self.inputs: dict[str, tuple[InputBytes, ...]] = {}
        self.moments: list[Moments] = []
        self.blocked: Counter[str] = Counter()
        self.closed = False
        self._line: dict[str, deque[Any]] = defaultdict(deque)
        self._usual: dict[str, Any] = {
            "poll": Pending(1.0),
            "cancel": Stopped("stopped"),
            "recover": CannotTell("it keeps no record"),
            "health": Health(up=True, accounts=tuple(AccountHealth(name=each, ready=True) for each in accounts)),
            "prepare": None,
        }
        self._discovery = Discovery(
            models=tuple(
                ModelInfo(
                    id=model, operations={"image.generate": capability, "image.edit": capability}, account=account
                )
                for model in models
                for account in accounts
            ),
            accounts=tuple(AccountInfo(name=account, ready=True) for account in accounts),
            profile="fake",
            evidence="documented",
        )

    def will(self, verb: str, *answers: Any) -> None:
        """Put answers in line: each serves one exchange (of `poll`: one handle)."""
        self._line[verb].extend(answers)

    def always(self, verb: str, answer: Any) -> None:
        """Answer so whenever nothing stands in line."""
        self._usual[verb] = answer

    def hold(self, verb: str) -> Held:
        """Let the next exchange last until it is answered."""
        held = Held()
        self.will(verb, held)
        return held

    def count(self, verb: str, handle: str | None = None) -> int:
        """Return how often it was asked, about one handle or at all."""
        return sum(call.verb == verb and (handle is None or handle in call.handles) for call in self.calls)

    def _next(self, verb: str) -> Any:
        return self._line[verb].popleft() if self._line[verb] else self._usual.get(verb)

    async def _answer(self, verb: str, emit: Emit | None = None) -> Any:
        answer = self._next(verb)
        if isinstance(answer, Tells):
            for note in answer.notes:
                assert emit is not None
                emit(note)
            answer = answer.then
        if isinstance(answer, Held):
            self.blocked[verb] += 1
            try:
                answer = await answer.wait()
            finally:
                self.blocked[verb] -= 1
        if isinstance(answer, Broken):
            raise answer.error
        return answer

    def _asked(self, verb: str, *handles: Handle) -> None:
        self.calls.append(Call(verb, tuple(handle.id for handle in handles)))

    def discovery(self) -> Discovery | None:
        """See the port."""
        return self._discovery

    async def discover(self) -> Discovery:
        """See the port."""
        self._asked("discover")
        answer = await self._answer("discover")
        return self._discovery if answer is None else answer  # type: ignore[no-any-return]

    async def health(self) -> Health:
        """See the port."""
        self._asked("health")
        return await self._raised("health")  # type: ignore[no-any-return]

    def prepare(self, order: Order) -> Prepared:
        """See the port."""
        answer = self._next("prepare")
        if isinstance(answer, BaseException):
            raise answer
        handle = Handle(f"{order.job_id}.{order.n}", Raw(b"{}"))
        self._asked("prepare", handle)
        self.orders[handle.id] = order
        return Prepared(handle=handle, effective=order.effective, preview={})

    async def _raised(self, verb: str, emit: Emit | None = None) -> Any:
        answer = await self._answer(verb, emit)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    async def submit(self, handle: Handle, order: Order, inputs: Sequence[InputBytes], emit: Emit) -> Pending | Done:
        """See the port; by default every picture asked for is there at once."""
        self._asked("submit", handle)
        self.inputs[handle.id] = tuple(inputs)
        answer = await self._raised("submit", emit)
        if answer is None:
            answer = done(*(f"{handle.id}/{at}" for at in range(order.count)))
        return answer  # type: ignore[no-any-return]

    async def poll(self, handles: Sequence[Handle]) -> Mapping[str, Polled]:
        """See the port; each handle takes the next answer in line."""
        self._asked("poll", *handles)
        return {handle.id: await self._answer("poll") for handle in handles}

    async def cancel(self, handle: Handle) -> Stopped:
        """See the port."""
        self._asked("cancel", handle)
        return await self._raised("cancel")  # type: ignore[no-any-return]

    async def recover(self, handle: Handle, moments: Moments) -> Recovered:
        """See the port."""
        self._asked("recover", handle)
        self.moments.append(moments)
        return await self._answer("recover")  # type: ignore[no-any-return]

    async def fetch(self, output: Output) -> AsyncIterator[bytes]:
        """See the port; by default a reference is the name of its picture."""
        self.calls.append(Call("fetch", (str(output.reference),)))
        answer = await self._raised("fetch")
        data = picture(str(output.reference)) if answer is None else answer
        for at in range(0, len(data), 32):
            yield data[at : at + 32]

    async def close(self) -> None:
        """See the port."""
        self.closed = True
