"""The face of sd.cpp Studio: an existing client of Studio points at Triptych, and works.

It answers as the real server was measured to answer, or as seed 002 promises (profile `seed`). What it makes are jobs
of the caller's team, which may run on any backend; what cannot be honoured is `400 {"error": ...}`.
"""

from base64 import b64decode
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from adapters.kit.express import page
from adapters.sdcpp.face import inverse
from adapters.sdcpp.face.asked import Paged
from adapters.sdcpp.face.failure import Refused
from adapters.sdcpp.face.feed import Feed
from adapters.sdcpp.face.front import Front
from adapters.sdcpp.face.generations import Generations
from adapters.sdcpp.face.profile import PROFILES
from adapters.sdcpp.face.queue import Queue
from adapters.sdcpp.face.relayed import Relayed
from adapters.sdcpp.face.sdapi import Sdapi
from adapters.sdcpp.face.status import Status
from adapters.sdcpp.face.sync import Sync
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Desk
from contracts.face import Answer, Call, FaceOffer, FaceRoute, FaceSettings, Headers


class _Part(Protocol):
    def routes(self) -> list[FaceRoute]: ...


class SdcppFace:
    """See the module's docstring."""

    def __init__(self, desk: Desk, settings: FaceSettings) -> None:
        """Take what may be asked of the gateway, and where the face is."""
        front = Front(desk, settings, PROFILES[settings.profile or "head"])
        parts: list[_Part] = [Status(front), Sync(front), Queue(front), Generations(front), Sdapi(front), Feed(front),
                              Relayed(front)]  # fmt: skip
        found = [route for part in parts for route in part.routes()]
        self._routes = tuple(msgspec.structs.replace(route, answer=_ending(route.answer)) for route in found)

    @property
    def routes(self) -> Sequence[FaceRoute]:
        """Return its addresses."""
        return self._routes

    def key(self, headers: Headers) -> str | None:
        """Return the key: Bearer, the password of Basic, and X-Api-Key only where neither was tried (wire §2)."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        rest = rest.strip()
        if scheme.lower() == "bearer" and rest:
            return rest
        if scheme.lower() == "basic" and rest:
            return _password(rest)
        return headers.get("x-api-key", "").strip() or None

    def refused(self, call: Call, error: CatalogError) -> Answer:
        """Say what the catalogue says: as a page where Express itself would refuse, else as JSON."""
        if error.code == "request.malformed":
            return page(error.status, "Bad Request" if error.status == 400 else "Range Not Satisfiable",
                        code=error.code)  # fmt: skip
        what = "Image" if call.path.startswith(("/api/images/", "/static/")) else "Job"
        return inverse.refused(error, what=what).answer()

    def unknown(self, call: Call, methods: Sequence[str]) -> Answer:
        """Answer an unknown address or a wrong method: 404 for both, and 204 for OPTIONS (wire §2, §3)."""
        if call.method == "OPTIONS" and methods:
            return Answer(status=204, headers={"Allow": ", ".join(methods)})
        if not call.path.startswith(("/api", "/sdapi", "/static/", "/ws")):
            return page(404, f"Cannot {call.method} {call.path}", code="resource.not_found")
        text = "File not found" if call.path.startswith("/static/") else "Not found"
        return Refused(text, status=404, code="resource.not_found").answer()

    def advertisement(self) -> bytes | None:
        """Return nothing: clients of Studio are told where it is."""
        return None


def _password(encoded: str) -> str | None:
    """Return what Basic carries: the password, or all of it where there is no colon."""
    try:
        decoded = b64decode(encoded, validate=True).decode()
    except ValueError:
        # Something was sent, and is no key: wrong, not missing.
        return encoded
    return (decoded.partition(":")[2] if ":" in decoded else decoded) or None


def _ending(
    answer: Callable[[Call, Caller], Awaitable[Answer]],
) -> Callable[[Call, Caller], Awaitable[Answer]]:
    """Let a route end with a refusal of Studio's, or with one of Express's pages."""

    async def ended(call: Call, caller: Caller) -> Answer:
        try:
            return await answer(call, caller)
        except Paged as paged:
            return paged.answer
        except Refused as refused:
            return refused.answer()

    return ended


FACE = FaceOffer(open=SdcppFace, profiles=tuple(PROFILES))
