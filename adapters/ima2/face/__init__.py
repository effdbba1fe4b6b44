"""The face of ima2: an existing client of ima2 points at Triptych, and works.

It speaks as the newer document says (seed 000) and takes what the older says (seed 001). What it makes are jobs of the
caller's team, which may run on any backend; what cannot be honoured is refused in ima2's words.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from adapters.ima2.face import failure, inverse
from adapters.ima2.face.asked import Paged
from adapters.ima2.face.edit import Edit
from adapters.ima2.face.files import Files
from adapters.ima2.face.front import Front
from adapters.ima2.face.generate import Generate
from adapters.ima2.face.history import History
from adapters.ima2.face.inflight import Inflight
from adapters.ima2.face.models import Models
from adapters.ima2.face.multimode import Multimode
from adapters.ima2.face.multiplex import Multiplex
from adapters.ima2.face.node import Node
from adapters.ima2.face.profile import PROFILES
from adapters.ima2.face.relayed import Relayed
from adapters.ima2.face.said import not_found, page, said
from adapters.ima2.face.status import Status, runtime
from adapters.ima2.face.video import Video
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Desk
from contracts.face import Answer, Call, FaceOffer, FaceRoute, FaceSettings, Headers

_TOKEN = "x-ima2-token"  # noqa: S105 - the name of a header


class _Part(Protocol):
    def routes(self) -> list[FaceRoute]: ...


class Ima2Face:
    """See the module's docstring."""

    def __init__(self, desk: Desk, settings: FaceSettings) -> None:
        """Take what may be asked of the gateway, and where the face is."""
        self._front = Front(desk, settings, PROFILES[settings.profile or "new"])
        front = self._front
        parts: list[_Part] = [Status(front), Generate(front), Multimode(front), Edit(front), Node(front), Files(front),
                 History(front), Inflight(front), Relayed(front)]  # fmt: skip
        found = [route for part in parts for route in part.routes()]
        if front.profile.is_new:
            found += [*Video(front).routes(), *Multiplex(front).routes(), *Models(front).routes()]
        self._routes = tuple(msgspec.structs.replace(route, answer=_paged(route.answer)) for route in found)

    @property
    def routes(self) -> Sequence[FaceRoute]:
        """Return its addresses."""
        return self._routes

    def key(self, headers: Headers) -> str | None:
        """Return the key from `x-ima2-token`, or from `Authorization: Bearer` (security.md §1)."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        bearer = rest.strip() if scheme.lower() == "bearer" else None
        return headers.get(_TOKEN, "").strip() or bearer or None

    def refused(self, call: Call, error: CatalogError) -> Answer:
        """Say what the catalogue says: as a page where Express itself would refuse, else flat."""
        if error.code == "request.malformed":
            return page(error.status, "Bad Request" if error.status == 400 else "Range Not Satisfiable",
                        code=error.code)  # fmt: skip
        if error.code == "request.too_large":
            return page(413, "PayloadTooLargeError: request entity too large", code=error.code)
        if error.code == "resource.not_found" and call.path.startswith("/generated/"):
            return not_found(call)
        found = inverse.failure(error.problem(), "other", self._front.profile)
        return said(failure.flat(found), status=found.status, headers=found.headers, code=error.code)

    def unknown(self, call: Call, methods: Sequence[str]) -> Answer:
        """Answer as Express does: a 404 page, also for a wrong method; OPTIONS names the methods (wire §1)."""
        if call.method == "OPTIONS" and methods:
            allowed = ", ".join(methods)
            return Answer(body=allowed.encode(), headers={"Allow": allowed, "Content-Type": "text/plain"})
        return not_found(call)

    def advertisement(self) -> bytes | None:
        """Return `server.json`, by which the ima2 command line finds its server (seed 001)."""
        settings = self._front.settings
        known = {
            "port": settings.port,
            "url": settings.base_url,
            "pid": settings.pid,
            "startedAt": int(settings.started_at * 1000),
            "version": self._front.profile.version,
            **runtime(self._front, "ready"),
        }
        return msgspec.json.format(msgspec.json.encode(known), indent=1) + b"\n"


def _paged(
    answer: Callable[[Call, Caller], Awaitable[Answer]],
) -> Callable[[Call, Caller], Awaitable[Answer]]:
    """Let a route end with one of Express's pages."""

    async def paged(call: Call, caller: Caller) -> Answer:
        try:
            return await answer(call, caller)
        except Paged as ended:
            return ended.answer

    return paged


FACE = FaceOffer(open=Ima2Face, profiles=tuple(PROFILES), advertised_at=".ima2/server.json")
