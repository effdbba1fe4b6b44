"""The routes that answer when the pictures are there: ids alone, no bytes and no addresses (wire §7.3)."""

from adapters.kit.express import SANDBOX, said
from adapters.kit.repeated import replayed
from adapters.sdcpp.face import making
from adapters.sdcpp.face.front import Front
from adapters.sdcpp.face.ids import to_uuid
from adapters.sdcpp.face.row import pictures
from contracts.caller import Caller
from contracts.face import Answer, Call, FaceRoute


class Sync:
    """The routes."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the routes."""
        return [
            FaceRoute(
                method="POST",
                template=f"/api/{kind}",
                answer=self._post,
                makes_jobs=True,
                files=len(making.FILES.get(kind, ())),
            )
            for kind in ("generate", "edit", "variation")
        ]

    async def _post(self, call: Call, caller: Caller) -> Answer:
        kind = call.path.rstrip("/").rpartition("/")[2]
        ask = await making.asked(self._front, call, caller, kind, waits=True)
        created = await self._front.ended(call, caller, ask)
        job = created.job
        data = [
            {"id": to_uuid(output.asset_id), "index": output.index, "revised_prompt": output.revised_prompt}
            for output in pictures(job)
        ]
        body = {"id": to_uuid(job.id), "created": int(job.created_at.timestamp()), "data": data}
        return said(body, headers={**({SANDBOX: "true"} if job.sandbox else {}), **replayed(created)})
