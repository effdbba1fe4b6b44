"""The port that every backend is driven through, and the values that cross it.

An adapter makes *one exchange* a call (`discover` and `health` a few cheap reads): it never sleeps, loops, retries or
looks at a clock. Whatever lasts belongs to the engine. `CatalogError` is the only exception that crosses.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, Literal, Protocol, runtime_checkable

from msgspec import Raw, Struct

from contracts.capability import Candidate, Capability, Discovery
from contracts.catalog import CatalogError, ErrorPhase, Native, Outcome
from contracts.codes import ErrorCode
from contracts.face import FaceOffer
from contracts.job import Adjustment, Effective, OutputRole, Phase, Review, Usage
from contracts.spec import SpecBase
from contracts.verify import Checks


class Handle(Struct, frozen=True):
    """The adapter's own note for everything after `prepare`: committed before anything is sent, opaque to the rest."""

    id: str
    note: Raw


class Origin(Struct, frozen=True):
    """Which backend made an input picture for an earlier job, and its own words of it (`effective.options`)."""

    backend: str
    options: dict[str, Any]


class Order(Struct, frozen=True, kw_only=True):
    """What one attempt is to make: the fitted spec, for whom, and how many pictures."""

    job_id: str
    n: int
    part: int
    spec: SpecBase
    effective: Effective
    candidate: Candidate
    capability: Capability
    count: int = 1
    #: Who made the source, where that is known before its bytes are read: in a dry run.
    origin: Origin | None = None


class Prepared(Struct, frozen=True, kw_only=True):
    """A handle, what will be sent, and the native request for `dry_run` (secrets and pictures left out)."""

    handle: Handle
    effective: Effective
    preview: dict[str, Any]
    adjustments: tuple[Adjustment, ...] = ()


class Output(Struct, frozen=True, kw_only=True):
    """One file a backend offers: its bytes in base64 as they came, or a reference that `fetch` understands."""

    index: int
    role: OutputRole = "image"
    base64: bytes | None = None
    reference: str | None = None
    revised_prompt: str | None = None
    review: Review | None = None


class Pending(Struct, frozen=True):
    """The backend has it. `handle` replaces the old one where the backend gave an id of its own.

    From `recover`, `found=False` means "still looking": ask again with the new handle. `alone` means that no list of
    the backend tells how it goes on: it is asked after by itself from now on.
    """

    poll_after_s: float
    found: bool = True
    phase: Phase | None = None
    progress: float | None = None
    queue_position: int | None = None
    handle: Handle | None = None
    alone: bool = False


class Done(Struct, frozen=True, kw_only=True):
    """The backend is through, with what it made and what it says it really used."""

    outputs: tuple[Output, ...]
    effective: Effective | None = None
    adjustments: tuple[Adjustment, ...] = ()
    #: Fields in which what came differs by the backend's own words from what was sent, asked for or not: counted.
    breaches: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    review: Review | None = None
    usage: Usage | None = None


class Absent(Struct, frozen=True):
    """The backend certainly does not have it: the one answer that allows another submit."""


class CannotTell(Struct, frozen=True):
    """Nobody can say whether the backend has it."""

    why: str


class Stopped(Struct, frozen=True):
    """What `cancel` achieved: the work stopped, was only forgotten, or cannot be cancelled there."""

    answer: Literal["stopped", "forgotten", "cannot"]
    detail: str | None = None


class PhaseNote(Struct, frozen=True):
    """Told during an exchange that lasts: the work went on to another phase."""

    phase: Phase
    progress: float | None = None


class PartialImage(Struct, frozen=True):
    """Told during an exchange that lasts: a preview (base64)."""

    index: int
    media_type: str
    data: str


class Hint(Struct, frozen=True):
    """A wake-up from `watch`: poll this handle now, or everything (None). Never the truth."""

    handle_id: str | None


class AccountHealth(Struct, frozen=True, kw_only=True):
    """Whether an account can work now; `code` is why not."""

    name: str | None
    ready: bool
    code: ErrorCode | None = None
    detail: str | None = None


class Health(Struct, frozen=True, kw_only=True):
    """Whether the server answers, and how each of its accounts is."""

    up: bool
    accounts: tuple[AccountHealth, ...]
    active: int | None = None


class InputBytes(Struct, frozen=True):
    """One input picture in hand; `origin` where it is a picture of ours."""

    role: str
    media_type: str
    data: bytes
    origin: Origin | None = None


Emit = Callable[[PhaseNote | PartialImage], None]
#: `Absent` from `poll` means "no trace where there should be one": the engine then recovers.
Polled = Pending | Done | Absent | CatalogError
Recovered = Pending | Done | Absent | CannotTell | CatalogError


class Moments(Struct, frozen=True, kw_only=True):
    """What the engine knows of an attempt's times (UTC seconds), for adapters that have no clock of their own."""

    submitted_at: float
    now: float
    settle_s: float


class Adapter(Protocol):
    """Drives one backend. See the module's docstring for what it must not do."""

    def discovery(self) -> Discovery | None:
        """Return what the last `discover` found."""

    async def discover(self) -> Discovery:
        """Ask the backend what it is, which accounts and models it has, and what each can do."""

    async def health(self) -> Health:
        """Ask whether the backend can work now; never costs money."""

    def prepare(self, order: Order) -> Prepared:
        """Make the handle: request id `<job>.<n>`, seed, fingerprint, all that recovery needs. Sends nothing."""

    async def submit(self, handle: Handle, order: Order, inputs: Sequence[InputBytes], emit: Emit) -> Pending | Done:
        """Hand the work over in one exchange, which may last until it is done."""

    async def poll(self, handles: Sequence[Handle]) -> Mapping[str, Polled]:
        """Ask after work in flight; one exchange if `poll_batch`, else one handle a call."""

    async def cancel(self, handle: Handle) -> Stopped:
        """Ask the backend to stop, and say truthfully what that did."""

    async def recover(self, handle: Handle, moments: Moments) -> Recovered:
        """Find out what became of a submit whose answer was lost."""

    def fetch(self, output: Output) -> AsyncIterator[bytes]:
        """Stream the bytes of an output that came as a reference."""

    async def close(self) -> None:
        """Close connections."""


@runtime_checkable
class Watcher(Protocol):
    """An adapter whose backend tells when something ended, so that it is asked then and not only in its turn."""

    def watch(self) -> AsyncGenerator[Hint, None] | None:
        """Return the wake-ups of one connection, resumed where the last one ended; None where there are none."""


@runtime_checkable
class Lister(Protocol):
    """An adapter whose one list tells of all its work: where that is worth it, `poll` is given all that wait."""

    def lists(self, count: int) -> bool | None:
        """Say whether one list costs less now than asking after so many one by one; None where there is no choice."""


class Verdict(Struct, frozen=True, kw_only=True):
    """What a dialect's error table says of one native answer; None: that answer is no error."""

    code: ErrorCode
    outcome: Outcome
    phase: ErrorPhase | None = None
    reason: str | None = None
    pointer: str | None = None
    stage: Literal["input", "unknown"] | None = None
    categories: tuple[str, ...] = ()
    native: Native | None = None
    unmapped: bool = False
    refinements: tuple[str, ...] = ()


class BackendSettings(Struct, frozen=True, kw_only=True):
    """What an adapter needs to know of its backend, secrets already read."""

    name: str
    base_url: str
    api_key: str | None = None
    fetch_hosts: tuple[str, ...] = ()
    connect_timeout_s: float = 5.0
    timeouts: dict[str, float] = {}
    max_concurrency: int = 4
    shared_cache_ok: bool = False
    #: Whether the backend is believed that what it has in its cache was reviewed once.
    trust_cache: bool = False
    options: dict[str, Any] = {}
    #: A keyed hash for native messages (security.md §6), and where unmapped native codes are counted.
    fingerprint: Callable[[str], str] = lambda text: ""  # noqa: ARG005
    on_unmapped: Callable[[str], None] = lambda fingerprint: None  # noqa: ARG005
    #: Holds room for so many bytes of an answer while it is read (security.md §4).
    room: Callable[[int], AbstractAsyncContextManager[None]] = lambda length: nullcontext()  # noqa: ARG005


class Explain(Protocol):
    """A dialect's error table as a question; `profile` is the build that answered, where that makes a difference."""

    def __call__(
        self, route: str | None, status: int, body: bytes, media_type: str | None = None, *, profile: str | None = None
    ) -> Verdict | None:
        """Return what an answer means; None if it is no error."""


class Sandbox(Protocol):
    """What a dialect's emulator offers: an ASGI application over its own state directory."""

    def __call__(self, *, data_dir: str, profile: str | None, speed: float, scenario: str | None) -> Any:
        """Return the ASGI application."""


class Dialect(Struct, frozen=True, kw_only=True):
    """What a dialect's folder exports: each part optional but the name."""

    name: str
    title: str
    connect: Callable[[BackendSettings], Adapter] | None = None
    explain: Explain | None = None
    #: The rows of its error table as data, for the committed catalogue.
    error_rows: Callable[[], Sequence[Mapping[str, Any]]] | None = None
    options: type[Struct] | None = None
    #: Where the emulator is, as `module:name`: loaded only by the process that runs it.
    sandbox: str | None = None
    sandbox_profiles: tuple[str, ...] = ()
    default_port: int = 0
    #: The file in which its servers tell where they are: a `base_url` may name such a one. None: there is none.
    advertised_at: str | None = None
    #: How it is offered to clients, in front of the gateway.
    face: FaceOffer | None = None
    #: What its live servers are held to (`triptych verify`, and probes on a schedule).
    checks: Checks | None = None
