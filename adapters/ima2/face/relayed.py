"""Sessions, graphs, style sheets, agent mode and the prompt builder: passed on to the team's own ima2 server.

They are that server's state (wire §9, §11). A team without a server of its own gets what a server without these routes
says: the page of an unknown address; the prompt builder says that nobody is ready.
"""

from functools import partial
from typing import Any

import msgspec

from adapters.ima2 import relay
from adapters.ima2.face import failure
from adapters.ima2.face.asked import body_of
from adapters.ima2.face.failure import Failure
from adapters.ima2.face.front import FACE, Front
from adapters.ima2.face.said import JSON, not_found, read, said
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.relay import RelayCall, RelayRoute

_BUILDER = "/api/prompt-builder/chat"
_SESSIONS = next(route for route in relay.SESSIONS if route.name == "GET /api/sessions")


class Relayed:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes that this build has."""
        offered = relay.SHAPES if self._front.profile.is_new else relay.SESSIONS
        return [
            FaceRoute(method=route.method, template=route.template, answer=partial(self._passed, route))
            for route in offered
        ]

    async def _passed(self, route: RelayRoute, call: Call, caller: Caller) -> Answer:
        has_body = route.method not in ("GET", "DELETE") and body_of(call) is not None
        passed = RelayCall(
            route=route,
            params=call.params,
            query=call.query,
            headers=call.headers,
            body=call.body or b"{}" if has_body else None,
        )
        front = self._front
        try:
            relayed = await front.desk.relay.send(caller, FACE, passed)
        except CatalogError as error:
            if error.code == "resource.not_found":
                return _no_server(call, route)
            found = front.failure(error, "other")
            if error.code == "backend.bad_response":
                # What is no picture's business is not told as a missing picture.
                found = Failure(status=502, code="UNKNOWN", message=relay.VAGUE, catalogue=error.code)
            return said(failure.nested(found), status=found.status, headers=found.headers, code=error.code)
        if route.method == "GET" and relayed.status == 200:
            return read(call, msgspec.Raw(relayed.body))
        return Answer(status=relayed.status, body=relayed.body, headers={"Content-Type": JSON})


async def file(front: Front, call: Call, caller: Caller) -> Answer:
    """Answer for a file that is none of ours: agent mode shows pictures of the team's own server."""
    try:
        relayed = await front.desk.relay.send(caller, FACE, RelayCall(route=relay.FILES, params=call.params))
    except CatalogError as error:
        if error.code == "resource.not_found":
            return not_found(call)
        raise
    if relayed.status != 200:
        return not_found(call)
    # Other people's bytes: never run as a page of ours.
    safe = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
    headers = {"Content-Type": relayed.media_type, "Cache-Control": "private, max-age=31536000, immutable", **safe}
    return Answer(body=relayed.body, headers=headers)


async def titles(front: Front, caller: Caller) -> dict[str, str]:
    """Return what the team's sessions are called, by id; nothing where nobody can say."""
    try:
        relayed = await front.desk.relay.send(caller, FACE, RelayCall(route=_SESSIONS))
    except CatalogError:
        return {}
    listed: list[dict[str, Any]] = msgspec.json.decode(relayed.body).get("sessions") or []
    return {each["id"]: each["title"] for each in listed if isinstance(each.get("title"), str) and "id" in each}


def _no_server(call: Call, route: RelayRoute) -> Answer:
    if route.template != _BUILDER:
        return not_found(call)
    text = "No Prompt Builder backend is ready"
    found = Failure(status=503, code="PROMPT_BUILDER_NO_BACKEND_READY", message=text, catalogue="routing.no_candidate")
    return said(failure.nested(found), status=503, code=found.catalogue)
