"""The face of imgen: its clients point at Triptych, and work.

One address, five actions (seed 003). What `generate` begins are jobs of the key's team, on any backend: what a backend
cannot do and the gateway can, it does; what neither can is refused in imgen's words, never replaced in silence unless
`silent_fallbacks` asks for that.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import structs

from adapters.imgen.face import model
from adapters.imgen.face.front import Front
from adapters.imgen.face.generate import generate
from adapters.imgen.face.prompts import optimize, random
from adapters.imgen.face.said import Action, Refused, refused, said
from adapters.imgen.face.status import status
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.desk import Desk
from contracts.face import Answer, Call, FaceOffer, FaceRoute, FaceSettings, Headers

PATH = "/api/v2"


async def _models(front: Front, _call: Call, caller: Caller, _body: Mapping[str, Any]) -> dict[str, Any]:
    return model.listing(front.desk.catalogue, caller)


_ACTIONS: Mapping[Action, Callable[[Front, Call, Caller, Mapping[str, Any]], Awaitable[dict[str, Any] | Answer]]] = {
    "models": _models,
    "generate": generate,
    "status": status,
    "optimize": optimize,
    "random": random,
}


class ImgenFace:
    """See the module's docstring."""

    def __init__(self, desk: Desk, settings: FaceSettings) -> None:
        """Take what may be asked of the gateway, and where the face is."""
        self._front = Front(desk, settings)
        self._routes = (FaceRoute(method="POST", template=PATH, answer=self._post),)

    @property
    def routes(self) -> Sequence[FaceRoute]:
        """Return its one address."""
        return self._routes

    def key(self, headers: Headers) -> str | None:
        """Return the key from `Authorization: Bearer`."""
        scheme, _, rest = headers.get("authorization", "").partition(" ")
        return (rest.strip() or None) if scheme.lower() == "bearer" else None

    def refused(self, call: Call, error: CatalogError) -> Answer:
        """Say what the catalogue says of a request that came to no action."""
        del call
        return refused(error).answer

    def unknown(self, call: Call, methods: Sequence[str]) -> Answer:
        """Answer another address, or another method, in JSON as everything else."""
        allowed = ", ".join(methods)
        if methods and call.method == "OPTIONS":
            return Answer(status=204, headers={"Allow": allowed})
        if methods:
            body = {"error": "Method not allowed"}
            return said(body, status=405, headers={"Allow": allowed}, code="request.malformed")
        return said({"error": "Not found"}, status=404, code="resource.not_found")

    def advertisement(self) -> bytes | None:
        """Return nothing: imgen's clients are told where it is."""
        return None

    async def _post(self, call: Call, caller: Caller) -> Answer:
        body = _body(call)
        action = next((each for each in _ACTIONS if each == body.get("action")), None)
        if action is None:
            # The seed has a text for no action, and none for an unknown one.
            return Refused("Missing action", code="request.malformed").answer
        try:
            answer = await _ACTIONS[action](self._front, call, caller, body)
        except Refused as ended:
            return _counted(ended, action)
        except CatalogError as error:
            return _counted(refused(error, action), action)
        return answer if isinstance(answer, Answer) else said(answer)


def _counted(ended: Refused, action: Action) -> Answer:
    """Return a refusal; only `generate` would have made a job."""
    return structs.replace(ended.answer, refuses_job=action == "generate")


def _body(call: Call) -> Mapping[str, Any]:
    """Return the JSON object of a request; what is no JSON, or is not labelled so, asks for nothing."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        body = msgspec.json.decode(call.body) if kind == "application/json" else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


FACE = FaceOffer(open=ImgenFace, falls_back=True)
