"""`GET /v1/models` and `GET /v1/models/{id}`: what a key may name as `model`."""

from adapters.openai.face import model
from adapters.openai.face.front import Front
from adapters.openai.face.said import said
from contracts.caller import Caller
from contracts.face import Answer, Call, FaceRoute


class Models:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes. An id has a slash in it, which clients may write as `%2F`."""
        return [
            FaceRoute(method="GET", template="/v1/models", answer=self._list),
            FaceRoute(method="GET", template="/v1/models/{id:path}", answer=self._get),
        ]

    async def _list(self, _call: Call, caller: Caller) -> Answer:
        found = model.offered(self._front.desk.catalogue, caller)
        return said({"object": "list", "data": list(found.values())})

    async def _get(self, call: Call, caller: Caller) -> Answer:
        name = call.params["id"]
        found = model.offered(self._front.desk.catalogue, caller).get(name)
        if found is None:
            raise model.unknown(name)
        return said(found)
