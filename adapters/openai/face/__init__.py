"""The face of the OpenAI API: a client of OpenAI points at Triptych by its base URL and its key, and works.

What it makes are jobs of the key's team, on any backend. An option is honoured or refused in OpenAI's own shape of an
error; none is left out in silence.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from msgspec import structs

from adapters.openai.face.front import Ended, Front
from adapters.openai.face.images import Images
from adapters.openai.face.models import Models
from adapters.openai.face.said import failed, refused
from adapters.openai.face.videos import Videos
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Desk
from contracts.face import Answer, Call, FaceOffer, FaceRoute, FaceSettings, Headers


class _Part(Protocol):
    def routes(self) -> list[FaceRoute]: ...


#: What the face is made of: each part has its routes.
PARTS: tuple[Callable[[Front], _Part], ...] = (Images, Videos, Models)


class OpenaiFace:
    """See the module's docstring."""

    def __init__(self, desk: Desk, settings: FaceSettings) -> None:
        """Take what may be asked of the gateway, and where the face is."""
        front = Front(desk, settings)
        found = [route for part in PARTS for route in part(front).routes()]
        self._routes = tuple(structs.replace(route, answer=_ending(route.answer)) for route in found)

    @property
    def routes(self) -> Sequence[FaceRoute]:
        """Return its addresses."""
        return self._routes

    def key(self, headers: Headers) -> str | None:
        """Return the key from `Authorization: Bearer`."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        return (rest.strip() or None) if scheme.lower() == "bearer" else None

    def refused(self, call: Call, error: CatalogError) -> Answer:
        """Say what the catalogue says of a request."""
        del call
        return refused(error)

    def unknown(self, call: Call, methods: Sequence[str]) -> Answer:
        """Answer another address, or another method, in the same shape."""
        allowed = ", ".join(methods)
        if methods and call.method == "OPTIONS":
            return Answer(status=204, headers={"Allow": allowed})
        if methods:
            error = CatalogError("request.malformed", f"Not a method of {call.path}: {allowed}.", status=405)
            return refused(error, {"Allow": allowed})
        return refused(CatalogError("resource.not_found", f"Invalid URL ({call.method} {call.path})."))

    def advertisement(self) -> bytes | None:
        """Return nothing: clients of OpenAI are told where it is."""
        return None


def _ending(
    answer: Callable[[Call, Caller], Awaitable[Answer]],
) -> Callable[[Call, Caller], Awaitable[Answer]]:
    """Let a route end with what became of its job."""

    async def ended(call: Call, caller: Caller) -> Answer:
        try:
            return await answer(call, caller)
        except Ended as end:
            return failed(end.problem, end.headers)

    return ended


FACE = FaceOffer(open=OpenaiFace)
