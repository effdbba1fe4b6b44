"""What a live server is held to: checks as data, each with what it promises, where that is known from, and its judge.

A check is a conversation without I/O: it yields what to ask, is sent what came back, and returns its judgement. So the
same check judges a server on the wire and a recording of it, and can be judged again as another build would be.
Nothing that a server wrote is ever in a judgement: statuses, kinds of values, and names that the contract itself has.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any, Literal, Protocol

from msgspec import Struct

#: `read` can change and spend nothing, whatever the server makes of it; `generate` may spend one small picture, and
#: asks for what must be refused; `full` is everything.
Level = Literal["read", "generate", "full"]
LEVELS: tuple[Level, ...] = ("read", "generate", "full")
#: `not_served`: the server says in its dialect's own words that it does not offer this. `not_seen`: there is nothing
#: there now to look at. `no_answer`: nobody answered, or the line broke. `drift` is the only breach.
Verdict = Literal["pass", "drift", "not_served", "not_seen", "no_answer"]
#: The method of an ask that opens a socket.
SOCKET = "WEBSOCKET"
#: The check that every dialect has: which build answers.
PROFILE = "profile"


class Part(Struct, frozen=True, kw_only=True):
    """A file in a form."""

    name: str
    data: bytes
    media_type: str


class Ask(Struct, frozen=True, kw_only=True):
    """One exchange of a check."""

    method: str = "GET"
    #: Below the server's address, or a whole URL that the server gave: that is fetched only where results may lie.
    path: str
    headers: Mapping[str, str] = {}
    #: Sent as JSON; bytes go out as they are.
    body: Any = None
    #: A form instead: texts and files by field.
    fields: Mapping[str, str] | None = None
    files: Mapping[str, Part] = {}
    key: Literal["own", "none", "wrong"] = "own"
    #: Texts that are said to a socket, and how many are waited for.
    says: tuple[str, ...] = ()
    hears: int = 0
    #: How long to wait before, and how long for the next piece of the answer, in seconds.
    after_s: float = 0.0
    timeout_s: float = 30.0
    #: The answer may be as large as a picture; otherwise it is JSON of no great length.
    is_large: bool = False


class Observed(Struct, frozen=True, kw_only=True):
    """What came back; header names in lower case. Of a socket: 101 and a JSON list of what it said, or 0."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""

    @property
    def media_type(self) -> str:
        """The media type that is claimed, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Judged(Struct, frozen=True, kw_only=True):
    """What a check came to: the verdict, what was seen in short, and every fault by itself."""

    verdict: Verdict
    observed: str
    faults: tuple[str, ...] = ()


Steps = Generator[Ask, Observed, Judged]
#: Asks, and returns the builds that answer so, the likeliest first: none if no known one does.
Recognising = Generator[Ask, Observed, tuple[str, ...]]


class Check(Struct, frozen=True, kw_only=True):
    """One promise, and how it is looked at. Ids are a closed set: they are labels of a metric."""

    id: str
    route: str
    promised: str
    #: Where the promise is known from: a section of the wire reference or a seed, and recordings by name.
    source: str
    steps: Callable[[str], Steps]
    level: Level = "read"
    #: The builds that promise it; empty: all.
    profiles: tuple[str, ...] = ()


class Asker(Protocol):
    """Makes the exchanges with one server, within the limits that hold for every backend."""

    async def ask(self, ask: Ask) -> Observed:
        """Make one exchange; raise `CatalogError` where there is no whole answer."""

    async def close(self) -> None:
        """Close connections."""


class Checks(Struct, frozen=True, kw_only=True):
    """A dialect's contract with its servers."""

    each: tuple[Check, ...]
    profiles: tuple[str, ...]
    recognise: Callable[[], Recognising]
    #: What a server of this dialect alone answers so: by this it is known at an address.
    greeting: Check
    #: Opens connections to the server that `BackendSettings` (contracts.port) name.
    open: Callable[..., Asker]


class Result(Struct, frozen=True, kw_only=True):
    """A check and its judgement, as a report shows it."""

    check: str
    route: str
    promised: str
    source: str
    level: Level
    verdict: Verdict
    observed: str
    faults: tuple[str, ...] = ()
    seconds: float = 0.0


class Report(Struct, frozen=True, kw_only=True):
    """What was looked at, and what was found."""

    dialect: str
    level: Level
    #: The build that answers, and the one that was expected; None: unknown, and nothing expected.
    profile: str | None
    assumed: str | None
    results: tuple[Result, ...]

    @property
    def drift(self) -> tuple[Result, ...]:
        """The promises that are not kept."""
        return tuple(each for each in self.results if each.verdict == "drift")

    @property
    def reached(self) -> bool:
        """Whether anybody answered at all."""
        return any(each.verdict != "no_answer" for each in self.results)
