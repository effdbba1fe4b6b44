"""What the gateway offers a face, and what a face answers: requests and answers as values, no framework, no I/O.

A face is a dialect offered to clients in front of the gateway. It is a table of routes, and how its dialect says what
went wrong. Who asks is settled before a route is called; what is told of jobs comes from the desk alone.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from contracts.catalog import CatalogError
from contracts.codes import ErrorCode
from contracts.desk import Caller, Content, Desk
from contracts.sender import Sender

Headers = Mapping[str, str]
#: The method of a route that answers who wants to turn the connection into a socket.
SOCKET = "WEBSOCKET"


class FaceSettings(Struct, frozen=True, kw_only=True):
    """What a face may know of where it stands."""

    profile: str | None
    #: Where its own clients find it, without a slash at the end.
    base_url: str
    #: Where the gateway itself is found, whose signed URLs its clients follow; without a slash at the end.
    gateway_url: str = ""
    port: int
    version: str
    pid: int
    started_at: float
    #: Whether a sandbox stands behind the gateway.
    sandbox: bool
    #: How long a deleted file can be restored.
    restorable_s: float
    clock: Callable[[], float]
    #: What is random in the names that a face gives: so many hex digits.
    token: Callable[[int], str]
    #: Whether it takes other values in silence where its dialect does, for clients that rely on it.
    silent_fallbacks: bool = False


class Call(Struct, frozen=True, kw_only=True):
    """One request: its path within the face, header names in lower case, the body whole or as it comes."""

    method: str
    path: str
    request_id: str
    headers: Headers
    query: Mapping[str, str] = {}
    params: Mapping[str, str] = {}
    body: bytes = b""
    #: The body of a route that carries files, to be read once.
    chunks: AsyncIterator[bytes] | None = None
    #: Who sent it, and may hang up before it is answered; None only where nobody can tell.
    sender: Sender | None = None


class Socket(Struct, frozen=True, kw_only=True):
    """Both directions of a socket, in whole texts: what is told as it comes, and what is answered to a message.

    The socket is closed when nothing more is told. The first thing told goes out before any answer.
    """

    told: AsyncGenerator[str]
    heard: Callable[[str], Sequence[str]]


class Answer(Struct, frozen=True, kw_only=True):
    """One answer: bytes, a stored file (ranges and 304 are the gateway's work), frames as they come, or a socket."""

    status: int = 200
    body: bytes = b""
    headers: Headers = {}
    file: Content | None = None
    frames: AsyncGenerator[bytes] | None = None
    #: Only of a `SOCKET` route: any other answer of such a route refuses the socket.
    socket: Socket | None = None
    #: Why it was refused, in the catalogue's word, for the log and the metrics.
    code: ErrorCode | None = None
    #: It refuses a job, where the address alone does not tell (`FaceRoute.makes_jobs`).
    refuses_job: bool = False


class FaceRoute(Struct, frozen=True, kw_only=True):
    """One address: its method (or `SOCKET`), its template, such as `/api/node/{id}`, and who answers."""

    method: str
    template: str
    answer: Callable[[Call, Caller], Awaitable[Answer]]
    #: What it refuses is counted as a job refused.
    makes_jobs: bool = False
    #: How many files its body may carry, each as large as an upload: the body is `Call.chunks` then, and held nowhere.
    files: int = 0


class Face(Protocol):
    """A dialect's face."""

    @property
    def routes(self) -> Sequence[FaceRoute]:
        """Return its addresses."""

    def key(self, headers: Headers) -> str | None:
        """Return the key that a client sent, wherever this dialect's clients put it."""

    def refused(self, call: Call, error: CatalogError) -> Answer:
        """Say in the dialect's words what the catalogue says; also what the gateway refuses before a route is asked."""

    def unknown(self, call: Call, methods: Sequence[str]) -> Answer:
        """Answer an address that is none, or one of whose `methods` this is none."""

    def advertisement(self) -> bytes | None:
        """Return the file by which local clients find this server, if the dialect has one."""


class FaceOffer(Struct, frozen=True, kw_only=True):
    """What a dialect exports of its face: how it is made, what it can pretend to be, where it is advertised."""

    open: Callable[[Desk, FaceSettings], Face]
    profiles: tuple[str, ...] = ()
    #: A path under the home directory.
    advertised_at: str | None = None
    #: Whether its dialect falls back in silence: only then can the face be told to (`silent_fallbacks`).
    falls_back: bool = False
