"""Models one by one, their processes, settings and logs: passed on to the team's own Studio (security.md §5).

A team without a Studio of its own gets what an unknown address gets.
"""

from functools import partial
from typing import Any

import msgspec

from adapters.kit.express import read, said
from adapters.sdcpp import relay
from adapters.sdcpp.face.failure import Refused
from adapters.sdcpp.face.front import FACE, Front
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.relay import RelayCall, RelayRoute


class Relayed:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes."""
        return [
            FaceRoute(method=route.method, template=route.template, answer=partial(self._passed, route))
            for route in relay.SHAPES
        ]

    async def _passed(self, route: RelayRoute, call: Call, caller: Caller) -> Answer:
        body = None if route.method == "GET" else msgspec.json.encode(_body(route, call))
        passed = RelayCall(route=route, params=call.params, query=call.query, body=body)
        try:
            relayed = await self._front.desk.relay.send(caller, FACE, passed)
        except CatalogError as error:
            if error.code == "resource.not_found":
                raise Refused("Not found", status=404, code=error.code) from None
            if error.code == "backend.bad_response":
                raise Refused("The server could not do this", status=502, code=error.code) from None
            raise
        if route.method == "GET" and relayed.status == 200:
            return read(call, msgspec.Raw(relayed.body))
        return said(msgspec.Raw(relayed.body), status=relayed.status)


def _body(route: RelayRoute, call: Call) -> dict[str, Any]:
    """Return what goes on of a body; refuse what may not."""
    try:
        body = msgspec.json.decode(call.body) if call.body else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused("The body is no JSON", code="request.malformed") from None
    if not isinstance(body, dict):
        raise Refused("The body is no JSON object", code="request.malformed")
    strange = relay.strangers(route, body)
    if strange:
        raise Refused(f"{strange[0]}: is not passed on", code="request.option_unsupported")
    return body
