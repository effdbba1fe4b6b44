"""`POST /api/generate`: n pictures in one JSON answer, whenever they are ready (wire §3)."""

from collections.abc import Mapping
from typing import Any

from adapters.ima2.face import failure
from adapters.ima2.face.asked import body_of, may_answer_pictures, present, request_id_of, text_or_none
from adapters.ima2.face.failure import Failure, Refused
from adapters.ima2.face.front import WAIT_S, Front
from adapters.ima2.face.result import filename, images, milliseconds, pictures, shown
from adapters.ima2.face.said import said
from adapters.ima2.face.several import ask_of
from adapters.ima2.face.story import Telling
from adapters.kit.repeated import replayed
from contracts.caller import Caller
from contracts.catalog import CatalogError
from contracts.face import Answer, Call, FaceRoute
from contracts.job import TERMINAL, Job


class Generate:
    """The route."""

    def __init__(self, front: Front) -> None:
        """Take what all routes share."""
        self._front = front

    def routes(self) -> list[FaceRoute]:
        """Return the route."""
        return [FaceRoute(method="POST", template="/api/generate", answer=self._post, makes_jobs=True)]

    async def _post(self, call: Call, caller: Caller) -> Answer:
        body = body_of(call)
        request_id = request_id_of(self._front.profile, call, body or {})
        try:
            may_answer_pictures(caller)
            return await self._accepted(call, caller, present(body), request_id)
        except Refused as refused:
            return self._refused(refused.failure, request_id)
        except CatalogError as error:
            return self._refused(self._front.failure(error, "generate"), request_id)

    def _refused(self, found: Failure, request_id: str) -> Answer:
        body = failure.flat(found) if found.checked else failure.long(found, request_id)
        return said(body, status=found.status, headers=found.headers, code=found.catalogue)

    async def _accepted(self, call: Call, caller: Caller, body: dict[str, Any], request_id: str) -> Answer:
        front = self._front
        ask = ask_of(
            front,
            call,
            caller,
            body,
            route="generate",
            request_id=request_id,
            session=text_or_none(body.get("sessionId")),
            note={"clientNodeId": text_or_none(body.get("clientNodeId"))},
        )
        at_once = front.profile.is_new and body.get("async") is True
        begun = await front.begin(call, caller, ask, wait_s=0 if at_once else WAIT_S)
        job, telling = begun.created.job, Generated(front, caller, begun.named)
        replay = {"idempotentReplay": True} if begun.created.replayed else {}
        if at_once and job.state not in TERMINAL:
            told = {"requestId": telling.request_id, "async": True, **replay}
            return said(told, status=202, headers=replayed(begun.created))
        found = front.ended(job, "generate")
        if found is not None:
            body = {**failure.long(found, telling.request_id), **replay}
            return said(body, status=found.status, headers=replayed(begun.created), code=found.catalogue)
        return said({**await telling.done(job, begun.created.data), **replay}, headers=begun.headers)


class Generated(Telling):
    """Its answer told: to who waits as JSON, to who does not in frames of the multiplex."""

    route = "generate"

    async def done(self, job: Job, data: Mapping[str, bytes], most: int | None = None) -> dict[str, Any]:
        """Return the answer in the form that depends on how many were asked for, not on how many came (recorded)."""
        front, named = self._front, self._named
        note, known = named.note, shown(job, named.note)
        created = {"createdAt": milliseconds(job.finished_at or job.created_at)} if front.profile.is_new else {}
        told = await images(front.desk.assets, self._caller, job, data, most)
        made: list[dict[str, Any]] = [
            {**image, "filename": filename(named, output), "revisedPrompt": output.revised_prompt, **created}
            for image, output in zip(told, pictures(job), strict=True)
        ]
        extra = {
            "usage": known.usage,
            "provider": known.provider,
            "webSearchCalls": known.searches,
            "quality": known.quality,
            "size": known.size,
            "moderation": known.moderation,
            "model": known.model,
            "warnings": known.warnings,
            "revisedPrompt": made[0]["revisedPrompt"],
            "promptMode": note["promptMode"],
            "webSearchEnabled": note["webSearchEnabled"],
        }
        seconds: Any = known.elapsed if front.profile.is_new else f"{known.elapsed:.1f}"
        if note["n"] > 1:
            return {"images": made, "elapsed": seconds, "count": len(made), "requestId": self.request_id, **extra}
        url_of = {"providerUrl": None, **created} if front.profile.is_new else {}
        return {
            **told[0],
            "elapsed": seconds,
            "filename": made[0]["filename"],
            "requestId": self.request_id,
            **url_of,
            **extra,
        }

    def failed(self, found: Failure) -> dict[str, Any]:
        """Return the answer to a failure, with the status that no frame has."""
        return {**failure.long(found, self.request_id), "status": found.status}
